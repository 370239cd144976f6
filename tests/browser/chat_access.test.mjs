// The chat application for everyone: by keyboard alone, by ear, on a small phone, in the dark; and nothing that people write is ever more than text.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../lib/wait.mjs';
import { chromium, focus, onStage, showsText, stack, wait } from './browser.mjs';
import { act, badge, choose, desktop, direct, group, people, row, say, shows, talkLive, visit, write } from './chatting.mjs';
import { faint, nameless, unresolved } from './looks.mjs';

onStage();

test('markup in messages, names, titles, file names and searches is text and nothing else', async () => {
  const evil = '<img src=x onerror="document.title=`owned`"><script>document.title="owned"</script>';
  const { Ada } = await people(stack, ['Ada']);
  const [mallory] = Object.values(await people(stack, [`Mallory ${evil.slice(0, 60)}`]));
  const g = await group(mallory, [Ada], evil);
  await say(mallory, g, `${evil} javascript:alert(1) lantern`);
  const uploaded = await (await fetch(`${stack.base}${g.path}/files?name=${encodeURIComponent('"><b>x</b>.txt')}`, {
    method: 'POST', headers: { authorization: `Bearer ${stack.user(mallory.id)}`, 'content-type': 'text/plain' }, body: 'plain',
  })).json();
  await say(mallory, g, 'the file', { type: 'file', files: [uploaded.id] });
  const page = await visit(stack, await chromium.context(desktop), Ada.id, 'Ada');
  await page.locator('#rows .row').click();
  await talkLive(page);
  await showsText(page, '#list', /<script>document\.title="owned"<\/script> javascript:alert\(1\) lantern/);
  await showsText(page, '#peer', /<img src=x/);
  await page.fill('#find', 'lantern');
  await showsText(page, '#hits', /<script>/);
  await page.click('#menu');
  await page.click('#threads-here');
  assert.equal(await page.locator('#room img[src="x"], #room script, #room b b, #list a[href^="javascript"]').count(), 0);
  assert.ok(!(await page.title()).includes('owned'));
  chromium.expect(/TrustedHTML|require-trusted-types/);
  const refused = await page.evaluate(() => {
    try {
      document.createElement('p').innerHTML = '<i>x</i>';
      return null;
    } catch (error) {
      return error.name;
    }
  });
  assert.equal(refused, 'TypeError', 'the browser refuses to parse text as HTML here');
  await page.context().close();
});

test('everything by keyboard alone', async () => {
  const { Ada, Ben } = await people(stack, ['Ada', 'Ben']);
  const g = await group(Ben, [Ada], 'Workshop');
  await say(Ben, g, 'what do you need?');
  await say(Ben, await direct(Ben, Ada), 'psst');
  const page = await visit(stack, await chromium.context(desktop), Ada.id, 'Ada');
  await badge(page, 'Workshop', 1);
  const keys = async (...all) => { for (const key of all) await page.keyboard.press(key); };
  const to = async (wanted, key = 'Tab', most = 30) => {
    for (let i = 0; i < most && (await focus(page)) !== wanted; i += 1) await keys(key);
    assert.equal(await focus(page), wanted);
  };

  await to('find');
  await keys('ArrowDown', 'ArrowDown');
  assert.equal(await focus(page), g.id);
  await keys('Enter');
  await until('the field to have the focus', async () => (await focus(page)) === 'text');
  await page.keyboard.type('a saw');
  await keys('Enter');
  await shows(page, ['< what do you need?', '> a saw']);

  // Out of an edit, and no further: the conversation stays open.
  await until('one’s last message to be edited', async () => {
    await keys('ArrowUp');
    return (await page.inputValue('#text')) === 'a saw';
  });
  await keys('Escape');
  assert.deepEqual([await page.inputValue('#text'), await page.locator('#context').isVisible(), await focus(page)], ['', false, 'text']);
  await keys('ArrowUp');
  assert.equal(await page.inputValue('#text'), 'a saw', 'it is still open');
  await keys('Escape');

  // Up among the messages, to what can be done with one; a thread beside, and back to where one was.
  for (let i = 0; i < 10 && !/^Ben, /.test(await focus(page)); i += 1) await keys('Shift+Tab');
  await keys('ArrowDown');
  assert.match(await focus(page), /^You, .*a saw/s);
  await to('thread');
  await keys('Enter');
  await until('the thread to have the focus', async () => (await focus(page)) === 'thread-text');
  await page.keyboard.type('a small one');
  await keys('Enter');
  await shows(page, ['> a saw', '> a small one'], '#thread-list');
  await keys('Escape');
  assert.equal(await page.locator('#side').isVisible(), false);

  // A new conversation, a dialog with the safe answer first, the list again.
  await to('new', 'Shift+Tab', 60);
  await keys('Enter');
  assert.equal(await focus(page), 'create-who');
  await keys('Escape');
  assert.equal(await focus(page), 'new');
  await to('menu');
  await keys('Enter');
  await until('the panel', () => page.locator('#info-leave').isVisible());
  await to('info-leave');
  await keys('Enter');
  assert.equal(await focus(page), 'ask-no');
  await keys('Escape');
  assert.equal(await focus(page), 'info-leave');
  await keys('Escape');
  await keys('Escape');
  await showsText(page, '.place', /Your conversations/);
  assert.equal(await focus(page), g.id);
  await page.context().close();
});

test('by ear: names for everything, what is new is said once, history and one’s own words are not', async () => {
  const { Ada, Ben } = await people(stack, ['Ada', 'Ben']);
  const g = await group(Ben, [Ada], 'Choir');
  const d = await direct(Ben, Ada);
  await say(Ben, g, 'old news');
  const page = await visit(stack, await chromium.context(desktop), Ada.id, 'Ada');
  const said = [];
  await page.exposeFunction('heard', (text) => said.push(text));
  await page.evaluate(() => {
    new MutationObserver(() => {
      const { textContent } = document.getElementById('say');
      if (textContent) window.heard(textContent);
    }).observe(document.getElementById('say'), { childList: true, characterData: true, subtree: true });
  });
  await choose(page, 'Choir');
  await say(Ben, g, 'good evening');
  await until('what is new to be said', () => said.some((text) => text === 'Ben: good evening'));
  await say(Ben, d, 'over here');
  await until('what is new elsewhere to be said', () => said.some((text) => text === 'Ben: over here'));
  await write(page, 'my own words');
  await shows(page, ['< old news', '< good evening', '> my own words']);
  assert.ok(!said.some((text) => /old news|my own words/.test(text)), said.join(' | '));
  assert.match(await page.locator('#list article').first().getAttribute('aria-label'), /^Ben, \d.*old news/);
  assert.match(await row(page, 'Ben').textContent(), /1 unread message/);
  for (const open of [null, '#menu', '#find-here', '#threads-here', '#new', '#self']) {
    if (open) await page.click(open);
    assert.deepEqual(await nameless(page), [], `everything has a name (${open})`);
    assert.deepEqual(await unresolved(page), []);
    if (['#new', '#self'].includes(open)) await page.keyboard.press('Escape');
  }
  await page.context().close();
});

for (const width of [320, 390, 768, 1000, 1280]) {
  test(`${width} px wide: nothing sideways, everything within reach`, async () => {
    const { Ada, Ben, ...others } = await people(stack, ['Ada', 'Ben', ...Array.from({ length: 15 }, (_, i) => `Other ${i}`)]);
    for (let i = 0; i < 15; i += 1) await group(Ben, [Ada], `Shelf ${i}`); // more rows than fit, and more people
    const g = await group(Ben, [Ada, ...Object.values(others)], 'W'.repeat(60));
    for (const content of ['W'.repeat(400), `https://example.org/${'a'.repeat(300)}`, 'a few ordinary words that wrap somewhere '.repeat(5)]) await say(Ben, g, content);
    const narrow = width < 960;
    const context = await chromium.context({ viewport: { width, height: 600 }, hasTouch: width < 500, isMobile: width < 500 });
    const page = await visit(stack, context, Ada.id, 'Ada');
    const fits = async (what) => assert.deepEqual(await page.evaluate(() => [document.documentElement.scrollWidth - innerWidth, document.documentElement.scrollHeight - innerHeight,
      ...[...document.querySelectorAll('#log, #sessions, .side-body, dialog[open]')].map((one) => one.scrollWidth - one.clientWidth)].filter((over) => over > 0)), [], what);
    const reach = async (...selectors) => {
      for (const selector of selectors) {
        const box = await page.locator(selector).boundingBox();
        assert.ok(box && box.x >= 0 && box.y >= 0 && box.x + box.width <= width && box.y + box.height <= 600, `${selector} is in view: ${JSON.stringify(box)}`);
        assert.ok(Math.min(box.width, box.height) >= 36, `${selector} is large enough for a finger: ${JSON.stringify(box)}`);
      }
    };
    await fits('the list');
    await reach('#new', '#self', '#find', '[data-filter=archived]');
    await page.locator('#rows .row').first().click();
    await page.waitForSelector('.message', wait);
    await talkLive(page);
    await fits('the conversation');
    await reach('#text', '#send', '#attach', '#menu', ...(narrow ? ['#back'] : []));
    assert.equal(await page.locator('.chats > .aside').isVisible(), !narrow);
    await page.click('#menu');
    await fits('the panel');
    await reach('[data-do=close-side]', '#info-mute');
    await page.click('#info-find');
    await page.fill('#search-text', 'ordinary');
    await page.waitForSelector('#search-list .hit', wait);
    await fits('the search');
    await page.click('[data-do=close-side]');
    if (width < 500) {
      await page.locator('#list .bubble').last().tap();
      await page.locator('#list > .message').last().locator('[data-act=thread]').tap();
    } else {
      await act(page, 'ordinary', 'thread');
    }
    await page.fill('#thread-text', 'in a thread');
    await page.press('#thread-text', 'Enter');
    if (width < 500) await page.tap('#thread-send');
    await showsText(page, '#thread-list', /in a thread/);
    await fits('a thread');
    await reach('#thread-text', '#thread-send');
    await page.click('[data-do=close-side]');
    if (narrow) await page.click('#back');
    await page.click('#new');
    await fits('a dialog');
    await reach('#create-who', '#create-go', '#create-cancel');
    await context.close();
  });
}

for (const colorScheme of ['light', 'dark']) {
  test(`in the ${colorScheme}: everything can be told from its ground`, async () => {
    const { Ada, Ben } = await people(stack, ['Ada', 'Ben']);
    const g = await group(Ada, [Ben], 'Colours');
    await say(Ben, g, 'theirs https://example.org/');
    await say(Ben, await direct(Ben, Ada), 'unread');
    const root = await say(Ada, g, 'mine lantern');
    const made = await Ben.http.post(`${g.path}/threads`, { root: root.id });
    await say(Ben, g, 'within', { threadId: made.json.id });
    const page = await visit(stack, await chromium.context({ ...desktop, colorScheme }), Ada.id, 'Ada');
    await choose(page, 'Colours');
    await showsText(page, '#list', /1 reply/);
    for (const open of ['#menu', '#find-here', '#threads-here']) {
      await page.click(open);
      if (open === '#find-here') {
        await page.fill('#search-text', 'lantern');
        await page.waitForSelector('#search-list mark', wait);
      }
      const { looked, weak } = await faint(page);
      assert.ok(looked > 25, 'something was looked at');
      assert.deepEqual(weak, [], `text has a contrast of 4.5 at least (${open})`);
    }
    const gate = await (await chromium.context({ colorScheme })).newPage();
    await gate.goto(`${stack.base}/chat.html`);
    await gate.waitForSelector('#gate:not([hidden])', wait);
    assert.deepEqual((await faint(gate)).weak, []);
    for (const one of [page, gate]) await one.context().close();
  });
}
