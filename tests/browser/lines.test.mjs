// Lines that break: reloads, networks that vanish, streams that are blocked, processes that die, several tabs, tickets that end.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startStack } from '../lib/stack.mjs';
import { until } from '../lib/wait.mjs';
import { chromium, counted, enter, inPhase, isLive, marked, onStage, shows, showsText, stack, startBrowser, texts, wait, write } from './browser.mjs';

onStage();

test('the ticket leaves the address bar at once, and a reload comes back without it', async () => {
  const s = await stack.session();
  const context = await chromium.context();
  const student = await enter(context, stack.base, s.tickets.student);
  await inPhase(student, 'open');
  const address = new URL(student.url());
  assert.match(address.hash, new RegExp(`^#c=${s.id}&as=[0-9a-f]{8}&role=student$`));
  assert.ok(!student.url().includes(s.tickets.student.split('.')[1]));
  assert.equal(await student.evaluate(() => history.length), 2, 'about:blank and the room, no entry more');

  await write(student, 'before the reload');
  await marked(student, 'sent');
  await student.reload();
  await isLive(student);
  await shows(student, ['> before the reload']);
  await write(student, 'after the reload');
  await shows(student, ['> before the reload', '> after the reload']);
  const [cookie] = await context.cookies(`${stack.base}${s.path}`);
  assert.equal(cookie.httpOnly, true);
  assert.equal(cookie.path, s.path);
  assert.equal(cookie.sameSite, 'Strict');
  assert.deepEqual(await context.cookies(stack.base), [], 'no cookie outside the conversation');
  await context.close();
});

test('offline and back: what was written waits and is sent once, in order; what was missed arrives', async () => {
  const s = await stack.session();
  const student = await enter(await chromium.context(), stack.base, s.tickets.student);
  const counselor = await enter(await chromium.context(), stack.base, s.tickets.counselor);
  await write(student, 'one');
  await shows(counselor, ['< one']);

  await student.context().setOffline(true);
  await showsText(student, '#banner-text', /offline|Reconnecting/);
  await write(student, 'two, on the way');
  await write(student, 'three, on the way');
  await write(counselor, 'meanwhile');
  await showsText(student, '#banner-text', /2 messages wait and will be sent/);
  assert.deepEqual(await student.$$eval('.own [data-state]', (all) => all.slice(-2).map((one) => one.dataset.state === 'waiting' || one.dataset.state === 'sending')), [true, true]);

  await student.context().setOffline(false);
  await isLive(student);
  await shows(counselor, ['< one', '> meanwhile', '< two, on the way', '< three, on the way']);
  await shows(student, ['> one', '< meanwhile', '> two, on the way', '> three, on the way']);
  await until('the banner to go', () => student.$eval('#banner', (banner) => banner.classList.contains('empty')));
  await student.context().close();
  await counselor.context().close();
});

test('answers that get lost lead to no second message', async () => {
  const s = await stack.session();
  const student = await enter(await chromium.context(), stack.base, s.tickets.student);
  let lost = 0;
  await student.route('**/messages', async (route) => {
    if (route.request().method() !== 'POST' || lost >= 3) return route.continue();
    lost += 1;
    await route.fetch(); // the server gets it, the page hears nothing
    return lost === 2 ? route.fulfill({ status: 502, body: '<h1>Bad gateway</h1>' }) : route.abort();
  });
  for (const text of ['a', 'b', 'c', 'd']) await write(student, text);
  await until('all of them stored', async () => (await stack.as(s.tickets.student).get(`${s.path}/messages`)).json.messages.length >= 4);
  await shows(student, ['> a', '> b', '> c', '> d']);
  const { messages } = (await stack.as(s.tickets.student).get(`${s.path}/messages`)).json;
  assert.deepEqual(messages.map((one) => one.content), ['a', 'b', 'c', 'd']);
  assert.ok(lost >= 2, 'answers were lost');
  await student.context().close();
});

test('a limit on sending only makes messages wait', async () => {
  const strict = await startStack({ env: { ROOM_SENDS: '500/900', ROOM_SENDS_BURST: '5/2' } });
  const browser = await startBrowser(strict.base);
  try {
    const s = await strict.session();
    const student = await enter(await browser.context(), strict.base, s.tickets.student);
    const all = Array.from({ length: 12 }, (_, i) => `m${i}`);
    for (const text of all) await write(student, text);
    await shows(student, all.map((text) => `> ${text}`));
    await marked(student, 'sent');
    const { messages } = (await strict.as(s.tickets.student).get(`${s.path}/messages`)).json;
    assert.deepEqual(messages.map((one) => one.content), all);
  } finally {
    try {
      await browser.stop();
    } finally {
      await strict.stop();
    }
  }
});

test('a message that is refused says so, and can be tried again or taken back', async () => {
  const s = await stack.session();
  const student = await enter(await chromium.context(), stack.base, s.tickets.student);
  let refusing = true;
  await student.route('**/messages', (route) => (refusing && route.request().method() === 'POST'
    ? route.fulfill({ status: 400, contentType: 'application/json', body: '{"error":{"code":"BAD_CONTENT","message":"no"}}' })
    : route.continue()));
  await write(student, 'refused');
  await marked(student, 'failed');
  await showsText(student, '.failed .meta', /Not sent.*cannot be sent/);
  await student.click('[data-act=discard]');
  assert.equal(await student.inputValue('#text'), 'refused', 'its text comes back into the field');
  await student.press('#text', 'Enter');
  await marked(student, 'failed');
  refusing = false;
  await student.click('[data-act=retry]');
  await marked(student, 'sent');
  await shows(student, ['> refused']);
  await student.context().close();
});

test('three tabs of one participant share one stream, and the next one takes over', async () => {
  const s = await stack.session();
  const context = await chromium.context();
  const counselor = await enter(await chromium.context(), stack.base, s.tickets.counselor);
  const first = await enter(context, stack.base, s.tickets.student);
  const second = await context.newPage();
  const third = await context.newPage();
  const streams = [counted(second, '/events'), counted(third, '/events')];
  await second.goto(`${stack.base}/#ticket=${s.tickets.student}`);
  await third.goto(first.url()); // a copied address: the cookie opens it
  await isLive(second);
  await isLive(third);

  await write(counselor, 'hello tabs');
  for (const page of [first, second, third]) await shows(page, ['< hello tabs']);
  await write(second, 'from the second');
  await write(third, 'from the third');
  const all = ['< hello tabs', '> from the second', '> from the third'];
  for (const page of [first, second, third]) await shows(page, all);
  assert.deepEqual(streams.map((one) => one.length), [0, 0], 'only the first tab holds a stream');

  await first.close();
  await until('another tab to open the stream', () => streams[0].length + streams[1].length >= 1);
  await write(counselor, 'still there?');
  for (const page of [second, third]) await shows(page, [...all, '< still there?']);
  assert.equal(streams[0].length + streams[1].length, 1);
  await counselor.context().close();
  await context.close();
});

test('both roles in one browser, side by side', async () => {
  const s = await stack.session();
  const context = await chromium.context();
  const student = await enter(context, stack.base, s.tickets.student);
  const counselor = await enter(context, stack.base, s.tickets.counselor);
  await write(student, 'it is me');
  await write(counselor, 'and me');
  await shows(student, ['> it is me', '< and me']);
  await shows(counselor, ['< it is me', '> and me']);
  await student.reload();
  await counselor.reload();
  await shows(student, ['> it is me', '< and me']);
  await shows(counselor, ['< it is me', '> and me']);
  await isLive(student);
  await isLive(counselor);
  await write(student, 'after the reload');
  await shows(counselor, ['< it is me', '> and me', '< after the reload']);
  await context.close();
});

for (const [how, block] of [
  ['refused', (route) => route.fulfill({ status: 502, body: 'Bad gateway' })],
  ['cut', (route) => route.abort()],
  ['never answered', () => {}],
]) {
  test(`streams ${how}: long-poll takes over, never both at once`, async () => {
    const s = await stack.session();
    const context = await chromium.context();
    await context.route('**/events?**', block);
    const student = await context.newPage();
    const streams = counted(student, '/events');
    const polls = counted(student, '/poll');
    await student.goto(`${stack.base}/#ticket=${s.tickets.student}`);
    await until('the page to poll', () => polls.length > 0);
    const opened = streams.length;
    await isLive(student);
    const counselor = await enter(await chromium.context(), stack.base, s.tickets.counselor);
    for (const text of ['one', 'two', 'three']) {
      await write(counselor, text);
      await showsText(student, '.message:last-child .text', new RegExp(text));
    }
    await write(student, 'four');
    await shows(student, ['< one', '< two', '< three', '> four']);
    await showsText(student, '#peer-state', /Here now/);
    await marked(counselor, 'read');
    assert.equal(streams.length, opened, 'no stream is opened beside the poll');
    await student.context().close();
    await counselor.context().close();
  });
}

test('without cookies: the stream opens by a ticket of its own', async () => {
  const s = await stack.session();
  const context = await chromium.context();
  await context.route('**/cookie', async (route) => {
    const answer = await stack.as(s.tickets.student).post(`${s.path}/cookie`, {});
    await route.fulfill({ status: answer.status, contentType: 'application/json', body: answer.text });
  });
  const student = await context.newPage();
  const streams = counted(student, '/events');
  await student.goto(`${stack.base}/#ticket=${s.tickets.student}`);
  await isLive(student);
  assert.match(streams.at(-1), /stream_ticket=/);
  assert.ok(!streams.some((url) => /eyJ/.test(url)), 'no JWT in any address');
  const counselor = await enter(await chromium.context(), stack.base, s.tickets.counselor);
  await write(counselor, 'hello');
  await shows(student, ['< hello']);
  await write(student, 'hello yourself');
  await shows(counselor, ['> hello', '< hello yourself']);
  await context.close();
  await counselor.context().close();
});

for (const name of ['api', 'hub', 'redis', 'lighttpd']) {
  test(`${name} is killed while two people write: nothing lost, nothing twice, one order`, async () => {
    const s = await stack.session();
    const student = await enter(await chromium.context(), stack.base, s.tickets.student);
    const counselor = await enter(await chromium.context(), stack.base, s.tickets.counselor);
    await write(student, 's0');
    await shows(counselor, ['< s0']);
    const pids = stack.children()[name].map((_, index) => stack.kill(name, 'SIGKILL', index));
    for (let i = 1; i <= 8; i += 1) {
      await write(student, `s${i}`);
      await write(counselor, `c${i}`);
    }
    for (const pid of pids) await stack.replaced(name, pid);
    await until('everything at both ends', async () => (await texts(student)).length === 17 && (await texts(counselor)).length === 17
      && (await Promise.all([student, counselor].map((page) => page.locator('.pending').count()))).every((n) => n === 0), { ms: 40_000 });
    await isLive(student);
    await isLive(counselor);
    const order = (await stack.as(s.tickets.student).get(`${s.path}/messages?limit=200`)).json.messages.map((one) => one.content);
    assert.equal(new Set(order).size, 17);
    assert.deepEqual((await texts(student)).map((text) => text.slice(2)), order);
    assert.deepEqual((await texts(counselor)).map((text) => text.slice(2)), order);
    assert.deepEqual(order.filter((text) => text[0] === 's'), Array.from({ length: 9 }, (_, i) => `s${i}`), 'each author’s messages in the order written');
    await student.context().close();
    await counselor.context().close();
  });
}

test('a ticket that runs out: writing waits, a new link in the same tab goes on with it', async () => {
  const s = await stack.session();
  const soon = stack.student(s.id, s.student, { exp: Math.floor(Date.now() / 1000) + 12 });
  const student = await enter(await chromium.context(), stack.base, soon);
  await write(student, 'in time');
  await marked(student, 'sent');
  await inPhase(student, 'ticket');
  await showsText(student, '#banner-text', /link has run out/);
  await write(student, 'too late');
  await showsText(student, '#banner-text', /message waits/);
  await shows(student, ['> in time', '> too late']);

  await student.evaluate((ticket) => {
    location.hash = `#ticket=${ticket}`;
  }, stack.student(s.id, s.student));
  await inPhase(student, 'open');
  await isLive(student);
  await marked(student, 'sent');
  const { messages } = (await stack.as(s.tickets.counselor).get(`${s.path}/messages`)).json;
  assert.deepEqual(messages.map((one) => one.content), ['in time', 'too late']);
  assert.ok(!student.url().includes('ticket='), 'nor does the new ticket stay in the address bar');
  await student.context().close();
});

test('a ticket that runs out: a new link in another tab wakes this one too', async () => {
  const s = await stack.session();
  const context = await chromium.context();
  const student = await enter(context, stack.base, stack.student(s.id, s.student, { exp: Math.floor(Date.now() / 1000) + 12 }));
  await inPhase(student, 'ticket');
  await write(student, 'waiting for a ticket');
  const other = await enter(context, stack.base, s.tickets.student);
  await shows(other, ['> waiting for a ticket']);
  await inPhase(student, 'open');
  await shows(student, ['> waiting for a ticket']);
  await context.close();
});

test('links that open nothing: expired, for no conversation, nonsense, none at all', async () => {
  const s = await stack.session();
  const context = await chromium.context();
  const open = async (hash) => {
    const page = await context.newPage();
    await page.goto(`${stack.base}/${hash}`);
    return page;
  };
  const past = await open(`#ticket=${stack.student(s.id, s.student, { exp: Math.floor(Date.now() / 1000) - 10 })}`);
  await showsText(past, '#over-title', /link has run out/);
  const nowhere = await open(`#ticket=${stack.student('sess_nowhere', 'anon_x')}`);
  await showsText(nowhere, '#over-title', /no such conversation/);
  const nonsense = await open('#ticket=nonsense');
  await showsText(nonsense, '#over-title', /does not open/);
  const none = await open('');
  await showsText(none, '#over-title', /Welcome/);
  const gone = await open(`#c=${s.id}&as=01234567&role=student`);
  await showsText(gone, '#over-title', /link has run out/);
  for (const page of [past, nowhere, nonsense, none, gone]) {
    assert.equal(await page.locator('#room').count(), 0);
    assert.ok(!page.url().includes('ticket='));
  }
  await context.close();
});

test('a participant who may not read can still write', async () => {
  const s = await stack.session({ permissions: { student: ['send_message'], counselor: ['send_message', 'view_history', 'end_session'] } });
  const student = await enter(await chromium.context(), stack.base, s.tickets.student, { live: false });
  const counselor = await enter(await chromium.context(), stack.base, s.tickets.counselor);
  await inPhase(student, 'open');
  await write(student, 'can you read me?');
  await write(student, 'I cannot read you');
  await shows(counselor, ['< can you read me?', '< I cannot read you']);
  await write(counselor, 'I can');
  await marked(student, 'sent');
  await student.waitForSelector('html[data-link=off]', wait);
  assert.deepEqual(await texts(student), ['> can you read me?', '> I cannot read you']);
  assert.ok(await student.$eval('#banner', (banner) => banner.classList.contains('empty')));
  await student.context().close();
  await counselor.context().close();
});
