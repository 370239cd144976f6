// The chat application and everything that breaks: the network, streams, tabs, logins; nothing is lost, doubled or told to the wrong person.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rnd } from '../lib/jwt.mjs';
import { until } from '../lib/wait.mjs';
import { chromium, counted, onStage, showsText, stack, wait } from './browser.mjs';
import { rows } from '../worker/helpers.mjs';
import { act, addressOf, badge, choose, desktop, direct, group, live, logIn, people, register, row, say, shows, stored, talkLive, visit, write } from './chatting.mjs';

onStage();

test('offline and back: what was written waits, goes out once and in order; what was missed is there, with its counts', async () => {
  const { Ada, Ben } = await people(stack, ['Ada', 'Ben']);
  const g = await group(Ada, [Ben], 'Harbour');
  const d = await direct(Ada, Ben);
  const context = await chromium.context(desktop);
  const ada = await visit(stack, context, Ada.id, 'Ada');
  await choose(ada, 'Harbour');
  await write(ada, 'before');
  await shows(ada, ['> before']);

  await context.setOffline(true);
  await write(ada, 'one');
  await write(ada, 'two');
  await showsText(ada, '#banner-text', /offline.*2 messages wait/);
  await until('the marks to say so', async () => (await ada.locator('#list .own.pending').count()) === 2);
  await say(Ben, g, 'meanwhile');
  await say(Ben, d, 'and here');
  await context.setOffline(false);
  await showsText(ada, '#list', /meanwhile.*one.*two/s);
  await badge(ada, 'Ben', 1);
  await until('nothing to wait', async () => (await ada.locator('#list .own.pending').count()) === 0);
  const { messages } = (await Ben.http.get(`${g.path}/messages`)).json;
  assert.deepEqual(messages.map((one) => one.content), ['before', 'meanwhile', 'one', 'two']);
  await context.close();
});

test('read and muted on the phone while this one had no stream: it shows when the stream is back', async () => {
  const { Ada, Ben } = await people(stack, ['Ada', 'Ben']);
  const [g, h] = [await group(Ben, [Ada], 'Harbour'), await group(Ben, [Ada], 'Quay')];
  const context = await chromium.context(desktop);
  let cut = false;
  await context.route((url) => /^\/api\/(events|poll)$/.test(url.pathname), (route) => (cut ? route.abort() : route.fallback()));
  const ada = await visit(stack, context, Ada.id, 'Ada');
  await say(Ben, g, 'one');
  await say(Ben, h, 'here');
  await badge(ada, 'Harbour', 1);
  await badge(ada, 'Quay', 1);
  const anew = () => ada.evaluate(() => dispatchEvent(new Event('online')));
  cut = true;
  await anew();
  await ada.waitForSelector('html[data-feed=reconnecting]', { ...wait, state: 'attached' });
  const last = await say(Ben, g, 'two');
  await Ada.http.put(`${g.path}/read`, { upTo: last.id });
  await Ada.http.put(`${h.path}/mute`, { muted: true });
  cut = false;
  await anew();
  await showsText(ada, '#rows > li:first-child', /Harbour.*two/);
  await badge(ada, 'Harbour', 0);
  await badge(ada, 'Quay', 1);
  await row(ada, 'Quay').locator('.row-muted').waitFor(wait);
  await context.close();
});

test('a list that was scrolled far down stays as long when the stream is back', async () => {
  const { Ada, Ben } = await people(stack, ['Ada', 'Ben']);
  for (let i = 1; i <= 47; i += 1) await group(Ben, [Ada], `Shelf ${i}`);
  const ada = await visit(stack, await chromium.context(desktop), Ada.id, 'Ada');
  const shown = () => ada.locator('#rows .row').count();
  await until('scrolling to bring the rest', async () => {
    await ada.evaluate(() => { const box = document.getElementById('sessions'); box.scrollTop = box.scrollHeight; });
    return (await shown()) === 47;
  });
  // The fewest rows there ever were from here on.
  await ada.evaluate(() => {
    const rows = document.getElementById('rows');
    window.fewest = 47;
    new MutationObserver(() => { window.fewest = Math.min(window.fewest, rows.querySelectorAll('.row').length); }).observe(rows, { childList: true, subtree: true });
  });
  const second = ada.waitForResponse((r) => r.url().includes('/api/conversations?') && r.url().includes('after='), wait);
  await ada.evaluate(() => dispatchEvent(new Event('online')));
  await second;
  await group(Ben, [Ada], 'Shelf 48');
  await showsText(ada, '#rows > li:first-child', /Shelf 48/);
  assert.deepEqual([await shown(), await ada.evaluate(() => window.fewest)], [48, 47]);
  await ada.context().close();
});

test('an answer that got lost: repeated with the same client id, stored once', async () => {
  const { Ada, Ben } = await people(stack, ['Ada', 'Ben']);
  const g = await group(Ada, [Ben], 'Echo');
  const context = await chromium.context(desktop);
  const ids = [];
  await context.route((url) => /conv_\w+\/(events|poll)$/.test(url.pathname), (route) => route.abort()); // no stream tells what became of it
  await context.route((url) => url.pathname.endsWith('/messages'), async (route) => {
    if (route.request().method() !== 'POST') return route.fallback();
    ids.push(route.request().postDataJSON().clientId);
    if (ids.length > 1) return route.fallback();
    await route.fetch(); // it arrives, and its answer does not
    return route.abort();
  });
  const ada = await visit(stack, context, Ada.id, 'Ada');
  await row(ada, 'Echo').click();
  await ada.waitForSelector('#text:not(:disabled)', wait);
  await write(ada, 'once');
  await until('a second try', () => ids.length >= 2);
  assert.equal(ids[0], ids[1]);
  await shows(ada, ['> once']);
  assert.equal((await Ben.http.get(`${g.path}/messages`)).json.messages.length, 1);
  await context.close();
});

test('a list that cannot be fetched says so, and comes by itself when it can', async () => {
  const { Ada, Ben } = await people(stack, ['Ada', 'Ben']);
  await group(Ada, [Ben], 'Pier');
  const context = await chromium.context(desktop);
  let broken = true;
  await context.route((url) => url.pathname === '/api/conversations', (route) => (broken ? route.abort() : route.fallback()));
  const ada = await visit(stack, context, Ada.id, 'Ada');
  await showsText(ada, '#empty', /could not be fetched/);
  broken = false;
  await row(ada, 'Pier').waitFor(wait);
  await context.close();
});

test('a reload comes back to the open conversation by the cookie, and to what was said meanwhile', async () => {
  const { Ada, Ben } = await people(stack, ['Ada', 'Ben']);
  const g = await group(Ada, [Ben], 'Ferry');
  const ada = await visit(stack, await chromium.context(desktop), Ada.id, 'Ada');
  assert.ok(!ada.url().includes('token'));
  await choose(ada, 'Ferry');
  await say(Ben, g, 'first');
  await shows(ada, ['< first']);
  await ada.reload();
  await say(Ben, g, 'second');
  await shows(ada, ['< first', '< second']);
  await ada.goBack();
  await showsText(ada, '.place', /Your conversations/);
  await ada.goForward();
  await shows(ada, ['< first', '< second']);
  const kept = await ada.evaluate(() => [localStorage.length, sessionStorage.length, document.cookie]);
  assert.deepEqual(kept, [0, 0, ''], 'nothing that a page could read is kept');
  await ada.context().close();
});

test('what is being written stays with its conversation, and nowhere else', async () => {
  const { Ada, Ben } = await people(stack, ['Ada', 'Ben']);
  const g = await group(Ada, [Ben], 'Loft');
  await group(Ada, [Ben], 'Porch');
  const asked = await say(Ben, g, 'what do you think?');
  const ada = await visit(stack, await chromium.context(desktop), Ada.id, 'Ada');
  await choose(ada, 'Loft');
  await act(ada, 'what do you think', 'reply');
  await ada.fill('#text', 'I think');
  await choose(ada, 'Porch');
  assert.equal(await ada.inputValue('#text'), '');
  await choose(ada, 'Loft');
  assert.equal(await ada.inputValue('#text'), 'I think');
  await ada.press('#text', 'Enter');
  await shows(ada, ['< what do you think?', '> I think']);
  await stored(ada, 'I think');
  const { messages } = (await Ben.http.get(`${g.path}/messages`)).json;
  assert.deepEqual(messages.map((one) => [one.content, one.replyTo]), [['what do you think?', undefined], ['I think', asked.id]], 'and it is still the reply it was');

  await ada.fill('#text', 'by the way');
  await act(ada, 'I think', 'edit');
  await ada.fill('#text', 'I think so');
  await choose(ada, 'Porch');
  await showsText(ada, '#rows', /Draft: I think so/);
  await choose(ada, 'Loft');
  await showsText(ada, '#context-title', /Edit your message/);
  assert.equal(await ada.inputValue('#text'), 'I think so');
  await ada.press('#text', 'Enter');
  await shows(ada, ['< what do you think?', '> I think so']);
  assert.equal(await ada.inputValue('#text'), 'by the way', 'and what stood there before is there again');
  await ada.context().close();
});

test('a reply that is begun stays one: without a word yet, left again before the history has come, and with what it replies to further up', async () => {
  const { Ada, Ben } = await people(stack, ['Ada', 'Ben']);
  const g = await group(Ada, [Ben], 'Loft');
  await group(Ada, [Ben], 'Porch');
  const asked = await say(Ben, g, 'and you?');
  const context = await chromium.context(desktop);
  let gate = null; // while there is one, the history waits at it
  let knocks = 0;
  await context.route((url) => url.pathname === `${g.path}/messages`, async (route) => {
    if (gate && route.request().method() === 'GET') {
      knocks += 1;
      await gate;
    }
    return route.fallback().catch(() => {}); // whoever asked may be gone
  });
  const ada = await visit(stack, context, Ada.id, 'Ada');
  await choose(ada, 'Loft');
  await act(ada, 'and you?', 'reply');
  await choose(ada, 'Porch');
  assert.equal(await ada.locator('#context').isVisible(), false);

  let pass;
  gate = new Promise((resolve) => { pass = resolve; });
  await row(ada, 'Loft').click();
  await until('the history to be asked for', () => knocks > 0);
  assert.equal(await ada.locator('#text').isDisabled(), true, 'and nothing of it is there yet');
  await choose(ada, 'Porch');
  pass();
  gate = null;
  await choose(ada, 'Loft');
  await showsText(ada, '#context-text', /^and you\?$/);

  await choose(ada, 'Porch');
  for (let i = 1; i <= 60; i += 1) await say(i % 2 ? Ada : Ben, g, `line ${i}`);
  await choose(ada, 'Loft');
  await showsText(ada, '#context-text', /further up/);
  await write(ada, 'so do I');
  await stored(ada, 'so do I');
  const last = (await Ben.http.get(`${g.path}/messages`)).json.messages.at(-1);
  assert.deepEqual([last.content, last.replyTo], ['so do I', asked.id]);
  await context.close();
});

test('two tabs, one stream for lists and one for the open conversation; both are told; the second takes over', async () => {
  const { Ada, Ben } = await people(stack, ['Ada', 'Ben']);
  const g = await group(Ada, [Ben], 'Twins');
  const context = await chromium.context(desktop);
  const one = await visit(stack, context, Ada.id, 'Ada');
  await choose(one, 'Twins');
  const two = await context.newPage();
  const streams = counted(two, '/events');
  await two.goto(one.url());
  await talkLive(two);
  await live(two);
  await say(Ben, g, 'both of you');
  for (const page of [one, two]) await shows(page, ['< both of you']);
  assert.deepEqual(streams, [], 'the second tab opens no stream of its own');
  await write(two, 'from the second');
  await shows(one, ['< both of you', '> from the second']);
  await one.close();
  await say(Ben, g, 'still there?');
  await shows(two, ['< both of you', '> from the second', '< still there?']);
  await until('streams of its own', () => streams.length === 2);
  await context.close();
});

test('three people in one browser, each in a tab, by two links and a login: none hears what is another’s', async () => {
  const { Ada, Ben, Cleo } = await people(stack, ['Ada', 'Ben', 'Cleo']);
  const context = await chromium.context(desktop);
  const ada = await visit(stack, context, Ada.id, 'Ada');
  const ben = await visit(stack, context, Ben.id, 'Ben');
  const d = await direct(Cleo, Ada);
  await say(Cleo, d, 'only for Ada');
  await badge(ada, 'Cleo', 1);
  await say(Ada, await direct(Ada, Ben), 'hello Ben');
  await badge(ben, 'Ada', 1);
  assert.equal(await row(ben, 'Cleo').count(), 0);
  const dora = await context.newPage();
  await dora.goto(`${stack.base}/chat.html`);
  await dora.waitForSelector('#gate:not([hidden])', wait);
  await register(dora, { name: 'Dora', login: `dora.${rnd()}`, password: `long enough ${rnd()}` });
  await say(Cleo, await direct(Cleo, { id: await addressOf(dora) }), 'only for Dora');
  await badge(dora, 'Cleo', 1);
  for (const page of [ada, ben, dora]) await page.reload();
  await badge(ada, 'Cleo', 1);
  await badge(ben, 'Ada', 1);
  await badge(dora, 'Cleo', 1);
  await row(dora, 'Cleo').click();
  await shows(dora, ['< only for Dora']);
  await write(dora, 'thanks');
  await shows(dora, ['< only for Dora', '> thanks']);
  await context.close();
});

test('streams blocked: both go by long-poll, and typing, receipts and badges with them', async () => {
  const { Ada, Ben } = await people(stack, ['Ada', 'Ben']);
  const g = await group(Ada, [Ben], 'Tunnel');
  const d = await direct(Ada, Ben);
  const context = await chromium.context(desktop);
  await context.route((url) => url.pathname.endsWith('/events'), (route) => route.abort());
  const ada = await visit(stack, context, Ada.id, 'Ada', { settled: false });
  const polls = counted(ada, '/poll');
  await row(ada, 'Tunnel').waitFor(wait);
  await choose(ada, 'Tunnel');
  await live(ada);
  await say(Ben, g, 'through the tunnel');
  await shows(ada, ['< through the tunnel']);
  await say(Ben, d, 'badge, please');
  await badge(ada, 'Ben', 1);
  await write(ada, 'and back');
  await shows(ada, ['< through the tunnel', '> and back']);
  await until('both lines to poll', () => polls.some((url) => url.includes('/conversations/')) && polls.some((url) => /\/api\/poll/.test(url)));
  await context.close();
});

test('a login that ends elsewhere: asked for again, and what was being written is still there', async () => {
  const account = { name: 'Ada', login: `ada.${rnd()}`, password: `long enough ${rnd()}` };
  const { Ben } = await people(stack, ['Ben']);
  const context = await chromium.context(desktop);
  const ada = await context.newPage();
  await ada.goto(`${stack.base}/chat.html`);
  await register(ada, account);
  const me = await ada.evaluate(async () => (await (await fetch('/auth/me')).json()).user.id);
  const g = await group(Ben, [{ id: me }], 'Lamp');
  await choose(ada, 'Lamp');
  await ada.fill('#text', 'half a sentence');
  await ada.evaluate(() => fetch('/auth/logout', { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' }));
  await showsText(ada, '#gate-title', /Please log in again/);
  assert.equal(await ada.locator('#room').isVisible(), false, 'nothing of it is to be seen meanwhile');
  await say(Ben, g, 'are you there?');
  await logIn(ada, account);
  await shows(ada, ['< are you there?']);
  assert.equal(await ada.inputValue('#text'), 'half a sentence');
  await ada.press('#text', 'Enter');
  await shows(ada, ['< are you there?', '> half a sentence']);
  await context.close();
});

test('a link that runs out, and the newer one opened in the same tab', async () => {
  const { Ada, Ben } = await people(stack, ['Ada', 'Ben']);
  const g = await group(Ada, [Ben], 'Hours');
  const context = await chromium.context(desktop);
  const page = await context.newPage();
  await page.goto(`${stack.base}/chat.html#token=${stack.user(Ada.id, { name: 'Ada', exp: Math.floor(Date.now() / 1000) + 16 })}`);
  await live(page);
  await choose(page, 'Hours');
  await page.fill('#text', 'unfinished');
  await showsText(page, '#gate-title', /Your link has run out/);
  await say(Ben, g, 'later');
  await page.evaluate((hash) => { location.hash = hash; }, `token=${stack.user(Ada.id, { name: 'Ada' })}`);
  await shows(page, ['< later']);
  assert.equal(await page.inputValue('#text'), 'unfinished');
  assert.ok(!page.url().includes('token'));
  await context.close();
});

test('what Redis knew of feeds is lost while one is offline: the list is loaded anew, and counts are exact', async () => {
  const { Ada, Ben, Cleo } = await people(stack, ['Ada', 'Ben', 'Cleo']);
  const g = await group(Ada, [Ben], 'Attic');
  const h = await group(Ben, [Ada, Cleo], 'Cellar');
  const context = await chromium.context(desktop);
  const ada = await visit(stack, context, Ada.id, 'Ada');
  await say(Ben, g, 'one');
  await badge(ada, 'Attic', 1);
  await context.setOffline(true);
  await say(Ben, g, 'two');
  const taken = await say(Ben, g, 'three');
  await Ben.http.delete(`${g.path}/messages/${taken.id}`);
  await Ben.http.delete(`${h.path}/participants/${Ada.id}`);
  const fresh = await direct(Cleo, Ada);
  await say(Cleo, fresh, 'new');
  await stack.redis('FLUSHALL');
  await context.setOffline(false);
  await badge(ada, 'Attic', 2);
  await badge(ada, 'Cleo', 1);
  await until('what one is not in any more to go', async () => (await row(ada, 'Cellar').count()) === 0);
  await say(Ben, g, 'four');
  await badge(ada, 'Attic', 3);
  await context.close();
});

test('a conversation that has to be loaded anew: the open thread is, too, when the first try at it is lost', async () => {
  const { Ada, Ben } = await people(stack, ['Ada', 'Ben']);
  const g = await group(Ada, [Ben], 'Mill');
  const root = await say(Ben, g, 'root');
  const thread = (await Ben.http.post(`${g.path}/threads`, { root: root.id })).json.id;
  await say(Ben, g, 'within', { threadId: thread });
  const context = await chromium.context(desktop);
  const ada = await visit(stack, context, Ada.id, 'Ada');
  await choose(ada, 'Mill');
  await act(ada, 'root', 'thread');
  await shows(ada, ['< root', '< within'], '#thread-list');
  await talkLive(ada);
  await context.setOffline(true);
  await say(Ben, g, 'late', { threadId: thread });
  await rows(stack, `UPDATE entries SET mark = 'ffffffffffff' WHERE conversation = (SELECT n FROM conversations WHERE id = '${g.id}')`); // as after a backup
  let lost = 0;
  await ada.route((url) => url.pathname.endsWith(`/threads/${thread}`), (route) => ((lost += 1) === 1 ? route.abort() : route.continue()));
  await context.setOffline(false);
  await until('the thread to be asked for again', () => lost === 2);
  await shows(ada, ['< root', '< within', '< late'], '#thread-list');
  await context.close();
});

test('Redis takes nothing: what one reads here is no longer unread in the list', async () => {
  const { Ada, Ben } = await people(stack, ['Ada', 'Ben']);
  const [g, h] = [await group(Ada, [Ben], 'Still'), await group(Ada, [Ben], 'Aside')];
  const ada = await visit(stack, await chromium.context(desktop), Ada.id, 'Ada');
  await choose(ada, 'Still');
  await stack.redis('CONFIG', 'SET', 'maxmemory', '1');
  try {
    const texts = ['one', 'two', 'three'];
    for (const text of texts) await say(Ben, g, text);
    await shows(ada, texts.map((text) => `< ${text}`));
    await say(Ben, h, 'not read');
    await badge(ada, 'Aside', 1);
    await until('it to be read', async () => (await Ada.http.get(g.path)).json.unread === 0);
    await badge(ada, 'Still', 0);
    await badge(ada, 'Aside', 1);
  } finally {
    await stack.redis('CONFIG', 'SET', 'maxmemory', '0');
  }
  await ada.context().close();
});

test('hubs and Redis go and come back: the list and the conversation are whole', async () => {
  const { Ada, Ben } = await people(stack, ['Ada', 'Ben']);
  const g = await group(Ada, [Ben], 'Storm');
  const ada = await visit(stack, await chromium.context(desktop), Ada.id, 'Ada');
  await choose(ada, 'Storm');
  await say(Ben, g, 'calm');
  await shows(ada, ['< calm']);
  for (const pid of stack.children().hub) process.kill(pid, 'SIGKILL');
  stack.kill('redis');
  await say(Ben, g, 'in the storm');
  await write(ada, 'holding on');
  await until('both to be there, each once', async () => {
    const texts = await ada.$$eval('#list > .message .text', (all) => all.map((one) => one.textContent));
    return texts.length === 3 && new Set(texts).size === 3;
  }, { ms: 40_000 });
  await stored(ada, 'holding on');
  const { messages } = (await Ben.http.get(`${g.path}/messages`)).json;
  assert.deepEqual(messages.map((one) => one.content).sort(), ['calm', 'holding on', 'in the storm']);
  await shows(ada, messages.map((one) => `${one.sender === Ada.id ? '>' : '<'} ${one.content}`));
  await ada.context().close();
});
