// Coming, going and handing over, as the page shows it: a counselor replaced before he ever entered, an exit quicker than the entrance, a new ticket for an old one.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ok } from '../lib/contract.mjs';
import { sleep, until } from '../lib/wait.mjs';
import { usedUp } from '../lib/inbox.mjs';
import { startStack } from '../lib/stack.mjs';
import { chromium, enter, exitUrl, marked, onStage, shows, showsText, stack, startBrowser, wait, write } from './browser.mjs';

onStage();

test('a counselor who never entered and was replaced is nobody’s peer any more', async () => {
  const s = await stack.session();
  const student = await enter(await chromium.context(), stack.base, s.tickets.student);
  await showsText(student, '#peer-state', /Not here/);
  ok(await stack.as(stack.service()).put(`/api/sessions/${s.id}`, { counselorId: 'couns_second' }));
  await until('one counselor beside the student', async () => (await student.$$('#people li')).length === 2);
  const counselor = await enter(await chromium.context(), stack.base, stack.counselor(s.id, 'couns_second'));
  await showsText(student, '#peer-state', /Here now/);
  assert.equal((await student.$$('#people li')).length, 2, 'the student and one counselor');
  await student.reload();
  await showsText(student, '#peer-state', /Here now/);
  assert.equal((await student.$$('#people li')).length, 2);
  for (const page of [student, counselor]) await page.context().close();
});

// The server sets a cookie at once, and the browser hears of it late: when the neutral page is asked for, which comes later still, or by answer().
async function lateCookie(context) {
  const [asked, due, given] = [0, 0, 0].map(() => { let open; const opened = new Promise((done) => { open = done; }); return { opened, open }; });
  await context.route('**/cookie', async (route) => {
    if (route.request().method() !== 'POST') return route.fallback();
    const response = await route.fetch({ maxRetries: 3 });
    asked.open();
    await due.opened;
    await route.fulfill({ response });
    return given.open();
  });
  await context.route(exitUrl, async (route) => { due.open(); await given.opened; return route.fallback(); });
  return { asked: asked.opened, answer: due.open };
}

test('quick exit while the page is still entering: no cookie stays behind', async () => {
  const s = await stack.session();
  const context = await chromium.context();
  const page = await context.newPage();
  const late = await lateCookie(context);
  await page.goto(`${stack.base}/#ticket=${s.tickets.student}`);
  await late.asked;
  await page.evaluate(() => { setTimeout(() => document.querySelector('.leave').click(), 100); });
  await page.waitForURL(exitUrl, wait);
  await until('no cookie', async () => (await context.cookies()).length === 0);
  await sleep(500); // nor does one come later
  assert.deepEqual(await context.cookies(), []);
  await context.unrouteAll({ behavior: 'ignoreErrors' });
  await context.close();
});

test('quick exit while a new link is being entered: no cookie stays behind', async () => {
  const s = await stack.session();
  const context = await chromium.context();
  const page = await enter(context, stack.base, s.tickets.student);
  const late = await lateCookie(context);
  await page.evaluate((ticket) => { location.hash = `ticket=${ticket}`; }, stack.student(s.id, s.student));
  await late.asked;
  await page.click('.leave');
  await page.waitForURL(exitUrl, wait);
  await until('no cookie', async () => (await context.cookies()).length === 0);
  await sleep(500);
  assert.deepEqual(await context.cookies(), []);
  await context.unrouteAll({ behavior: 'ignoreErrors' });
  await context.close();
});

test('a desk closed while it is still entering: no cookie stays behind, and no stream is opened', async () => {
  const context = await chromium.context();
  const page = await context.newPage();
  let streams = 0;
  const late = await lateCookie(context);
  page.on('request', (request) => { if (/\/desk\/(events|poll)/.test(request.url())) streams += 1; });
  const answered = page.waitForResponse((response) => response.request().method() === 'POST' && response.url().endsWith('/desk/cookie'), wait);
  await page.goto(`${stack.base}/desk.html#ticket=${stack.mint({ role: 'counselor', userId: 'couns_hasty' })}`);
  await late.asked;
  await page.click('#close-desk');
  late.answer();
  await answered;
  await until('no cookie', async () => (await context.cookies()).length === 0);
  await sleep(500); // nor does one come later
  assert.deepEqual([await context.cookies(), streams], [[], 0]);
  await context.unrouteAll({ behavior: 'ignoreErrors' });
  await context.close();
});

test('what passed while a hub stood still shows on the page when it goes on', async () => {
  const one = await startStack({ env: { ROOM_HUBS: '1' } });
  const browser = await startBrowser(one.base);
  try {
    const s = await one.session();
    const student = await enter(await browser.context(), one.base, s.tickets.student);
    await write(student, 'are you there?');
    await marked(student, 'sent');
    const [m] = ok(await one.as(s.tickets.counselor).get(`${s.path}/messages`)).messages;
    const pid = one.kill('hub', 'SIGSTOP');
    try {
      const key = await usedUp(one, async () => ok(await one.as(s.tickets.counselor).post(`${s.path}/typing`, { isTyping: true }), 204));
      ok(await one.as(s.tickets.counselor).put(`${s.path}/read`, { upTo: m.id }), 204);
      await one.redis('EVAL', "redis.call('DEL', KEYS[1]) return redis.call('RPUSH', KEYS[1], '\\no')", 1, key);
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    await marked(student, 'read');
    await showsText(student, '#peer-state', /Here now|writing/);
    ok(await one.as(s.tickets.counselor).post(`${s.path}/messages`, { content: 'yes' }), 201);
    await shows(student, ['> are you there?', '< yes']);
  } finally {
    try { await browser.stop(); } finally { await one.stop(); }
  }
});

test('room.js asks its page for a new ticket when one ends, and goes on with it', async () => {
  const s = await stack.session();
  const context = await chromium.context();
  const page = await context.newPage();
  const asked = [];
  await page.exposeFunction('newTicket', (reason) => {
    asked.push(reason);
    return reason === 'expired' ? stack.student(s.id, s.student) : null; // before its end the page has none
  });
  await page.goto(`${stack.base}/`);
  const short = stack.student(s.id, s.student, { exp: Math.floor(Date.now() / 1000) + 8 });
  await page.evaluate(async (ticket) => {
    const { Room } = await import('/room.js');
    window.phases = [];
    window.warned = [];
    window.room = new Room({ ticket, onTicket: ({ reason }) => window.newTicket(reason) });
    room.addEventListener('phase', ({ detail }) => phases.push(detail.phase));
    room.addEventListener('ticket', ({ detail }) => warned.push(detail.expiresAt));
    await room.open();
  }, short);
  await until('the stream', () => page.evaluate(() => room.link === 'live'));
  await until('the question for another one, in vain, then at its end', () => asked.includes('expired'), { ms: 30_000 });
  assert.deepEqual(asked, ['expiring', 'expired']);
  await until('the stream again', () => page.evaluate(() => room.phase === 'open' && room.link === 'live'));
  assert.deepEqual(await page.evaluate(() => phases), ['open', 'ticket', 'open']);
  assert.ok(await page.evaluate(() => warned[0] > 0 && room.ticketExpiresAt > Date.now() + 60_000));
  ok(await stack.as(s.tickets.counselor).post(`${s.path}/messages`, { content: 'still there?' }), 201);
  await until('what is said after it', () => page.evaluate(() => room.messages.some((one) => one.content === 'still there?')));
  await page.evaluate(() => room.send('still here'));
  await until('an answer', async () => ok(await stack.as(s.tickets.counselor).get(`${s.path}/messages`)).messages.some((one) => one.content === 'still here'));
  await context.close();
});
