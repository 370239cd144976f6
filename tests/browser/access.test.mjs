// The page for everyone: by keyboard alone, by ear, on a small phone, in the dark, without motion; and its own rules kept.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../lib/wait.mjs';
import { chromium, enter, exitUrl, focus, inPhase, onStage, shows, showsText, stack, wait, write } from './browser.mjs';
import { faint, luminance, nameless, unresolved } from './looks.mjs';

onStage();

test('everything by keyboard alone', async () => {
  const s = await stack.session();
  const student = await enter(await chromium.context(), stack.base, s.tickets.student);
  const counselor = await enter(await chromium.context(), stack.base, s.tickets.counselor);
  const keys = async (...all) => { for (const key of all) await student.keyboard.press(key); };
  await until('the field to have the focus', async () => (await focus(student)) === 'text');

  await student.keyboard.type('first');
  await keys('Shift+Enter');
  await student.keyboard.type('second line');
  await keys('Enter');
  await shows(counselor, ['< first\nsecond line']);
  await write(counselor, 'hello');
  await shows(student, ['> first\nsecond line', '< hello']);

  // Back from the field to the messages, up and down among them, and to what can be done with one.
  await keys('Shift+Tab');
  for (let i = 0; i < 4 && (await focus(student)) !== 'reply'; i += 1) await keys('Shift+Tab');
  assert.equal(await focus(student), 'reply');
  await keys('Shift+Tab', 'ArrowUp');
  assert.match(await focus(student), /^You.*second line/s);
  await keys('Tab', 'Tab');
  assert.equal(await focus(student), 'edit');
  await keys('Enter');
  assert.equal(await focus(student), 'text');
  await keys('End');
  await student.keyboard.type('!');
  await keys('Enter');
  await shows(counselor, ['< first\nsecond line!', '> hello']);

  // Delete: the dialog takes the focus, its safe answer first, and gives it back.
  await keys('Shift+Tab');
  for (let i = 0; i < 4 && !/^You/.test(await focus(student)); i += 1) await keys('Shift+Tab');
  await keys('Tab', 'Tab', 'Tab');
  assert.equal(await focus(student), 'remove');
  await keys('Enter');
  assert.equal(await focus(student), 'ask-no');
  await keys('Escape');
  assert.equal(await focus(student), 'remove');
  await keys('Enter', 'Tab', 'Enter');
  await shows(counselor, ['< This message was deleted', '> hello']);

  // The panel, and out.
  await student.locator('#menu').focus();
  await keys('Enter');
  await student.waitForSelector('#sheet[open]');
  await until('the panel to hold the focus', () => student.evaluate(() => document.getElementById('sheet').contains(document.activeElement)));
  await student.keyboard.press('Escape');
  assert.equal(await focus(student), 'menu');
  await until('two Escapes to be two', async () => { await keys('Escape', 'Escape'); return student.url() === exitUrl; });
  await student.context().close();
  await counselor.context().close();
});

test('by ear: names, roles, and no chatter', async () => {
  const s = await stack.session();
  await stack.as(s.tickets.counselor).post(`${s.path}/messages`, { content: 'old news' });
  const student = await enter(await chromium.context(), stack.base, s.tickets.student);
  const said = [];
  await student.exposeFunction('heard', (text) => said.push(text));
  await student.evaluate(() => {
    new MutationObserver(() => {
      const { textContent } = document.getElementById('say');
      if (textContent) window.heard(textContent);
    }).observe(document.getElementById('say'), { childList: true, characterData: true, subtree: true });
  });
  await shows(student, ['< old news']);
  await stack.as(s.tickets.counselor).post(`${s.path}/messages`, { content: 'good evening' });
  await until('a new message to be said', () => said.some((text) => text === 'Counselor: good evening'));
  // At once, so that they are one burst for the page, too; their order is the server's.
  const burst = await Promise.all(Array.from({ length: 6 }, (_, i) => stack.as(s.tickets.counselor).post(`${s.path}/messages`, { content: `burst ${i}` })));
  const inOrder = burst.map((r) => r.json).sort((one, other) => one.id - other.id);
  await until('a burst to be summed up', () => said.some((text) => /6 new messages from Counselor/.test(text)));
  await write(student, 'my own words');
  await shows(student, ['< old news', '< good evening', ...inOrder.map((one) => `< ${one.content}`), '> my own words']);
  assert.ok(!said.some((text) => /old news|my own words|burst/.test(text)), `neither history nor one’s own words are said: ${said}`);
  await until('nothing to stay', async () => (await student.textContent('#say')) === '');

  assert.equal(await student.locator('#log').getAttribute('role'), 'log');
  assert.equal(await student.locator('#log').getAttribute('aria-live'), 'off');
  assert.match(await student.locator('.message article').first().getAttribute('aria-label'), /^Counselor, \d.*old news/);
  assert.deepEqual(await nameless(student), []);
  assert.deepEqual(await unresolved(student), []);
  assert.equal(await student.getAttribute('html', 'lang'), 'en');
  await student.context().close();
});

for (const width of [320, 390, 768, 1280]) {
  test(`${width} px wide: nothing sideways, everything within reach`, async () => {
    const s = await stack.session();
    const context = await chromium.context({ viewport: { width, height: 568 }, hasTouch: width < 500, isMobile: width < 500 });
    const student = await enter(context, stack.base, s.tickets.student);
    const counselor = stack.as(s.tickets.counselor);
    for (const content of ['short', 'W'.repeat(500), `https://example.org/${'a'.repeat(400)}`, 'a few ordinary words in a row that wrap somewhere '.repeat(6)]) {
      assert.equal((await counselor.post(`${s.path}/messages`, { content, replyTo: undefined })).status, 201);
    }
    await write(student, 'an answer');
    if (width < 500) await student.click('#send');
    await until('all of it', async () => (await student.locator('.message').count()) === 5);
    const fits = () => student.evaluate(() => [document.documentElement.scrollWidth <= innerWidth, document.getElementById('log').scrollWidth <= document.getElementById('log').clientWidth,
      document.documentElement.scrollHeight <= innerHeight]);
    assert.deepEqual(await fits(), [true, true, true]);
    for (const selector of ['.leave', '#text', '#send', ...(width < 960 ? ['#menu', '#strip'] : ['#clock'])]) {
      const box = await student.locator(selector).boundingBox();
      assert.ok(box && box.x >= 0 && box.y >= 0 && box.x + box.width <= width && box.y + box.height <= 568, `${selector} is in view: ${JSON.stringify(box)}`);
      if (['.leave', '#send', '#menu'].includes(selector)) assert.ok(box.width >= 44 && box.height >= 44, `${selector} is large enough for a finger: ${JSON.stringify(box)}`);
    }
    if (width < 960) {
      await student.click('#menu');
      await student.waitForSelector('#sheet[open] #facts');
      assert.deepEqual(await fits(), [true, true, true]);
      await student.locator('#sheet [data-do=erase]').scrollIntoViewIfNeeded();
      await student.click('#sheet-close');
    }
    if (width < 500) {
      await student.locator('.own .bubble').tap();
      await student.locator('.own [data-act=edit]').tap();
      await showsText(student, '#context-title', /Edit/);
    }
    await context.close();
  });
}

for (const colorScheme of ['light', 'dark']) {
  test(`in the ${colorScheme}: everything can be told from its ground`, async () => {
    const s = await stack.session();
    const context = await chromium.context({ colorScheme, viewport: { width: 1200, height: 800 } });
    const student = await enter(context, stack.base, s.tickets.student);
    await stack.as(s.tickets.counselor).post(`${s.path}/messages`, { content: 'theirs https://example.org/' });
    await write(student, 'mine');
    await shows(student, ['< theirs https://example.org/', '> mine']);
    const { looked, weak } = await faint(student);
    assert.ok(looked > 15, 'something was looked at');
    assert.deepEqual(weak, [], 'text has a contrast of 4.5 at least');
    const paper = luminance(await student.evaluate(() => getComputedStyle(document.documentElement).backgroundColor));
    assert.ok(colorScheme === 'dark' ? paper < 0.05 : paper > 0.7);
    await context.close();
  });
}

test('without motion where none is wanted', async () => {
  const s = await stack.session();
  const context = await chromium.context({ reducedMotion: 'reduce' });
  const student = await enter(context, stack.base, s.tickets.student);
  await stack.as(s.tickets.counselor).post(`${s.path}/typing`, { isTyping: true });
  await student.waitForSelector('#typing:not([hidden])', wait);
  const longest = await student.evaluate(() => Math.max(0, ...document.getAnimations().map((one) => one.effect.getComputedTiming().activeDuration)));
  assert.ok(longest < 50, `animations last ${longest} ms`);
  await context.close();
});

test('one policy, kept: no inline code or style, nothing from elsewhere, nothing stored of the page itself', async () => {
  const s = await stack.session();
  const context = await chromium.context();
  const page = await context.newPage();
  const seen = [];
  page.on('response', (response) => seen.push(response));
  await page.goto(`${stack.base}/#ticket=${s.tickets.student}`);
  await inPhase(page, 'open');
  const [document] = seen;
  const policy = document.headers()['content-security-policy'];
  for (const rule of ["default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self'", "connect-src 'self'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"]) {
    assert.ok(policy.includes(rule), rule);
  }
  assert.ok(!/unsafe|\*|data:|https?:/.test(policy), policy);
  assert.match(document.headers()['cache-control'], /no-store/);
  assert.match(document.headers()['referrer-policy'], /no-referrer/);
  const html = await document.text();
  assert.ok(!/<script(?![^>]*src=)|<style|\sstyle=|\son[a-z]+=/.test(html), 'nothing inline');
  for (const response of seen) {
    assert.equal(new URL(response.url()).origin, stack.base);
    assert.ok(response.status() < 400, `${response.url()} ${response.status()}`);
    assert.ok(!(await response.request().allHeaders()).referer, 'no referrer');
    assert.ok(!/eyJ/.test(response.url().split('#')[0]), 'no ticket in an address');
  }
  chromium.expect(/elsewhere\.example/);
  const refused = await page.evaluate(() => fetch('https://elsewhere.example/').then(() => 'sent', () => 'refused'));
  assert.equal(refused, 'refused');
  await context.close();
});
