// The counselor's desk in a browser: three sessions, one open at a time, the others told of; handed over, ended, erased; keys, a narrow window, a reload.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rnd } from '../lib/jwt.mjs';
import { until } from '../lib/wait.mjs';
import { chromium, counted, enter, onStage, shows, showsText, stack, wait, write } from './browser.mjs';

onStage();

const deskTicket = (counselor) => stack.mint({ role: 'counselor', userId: counselor });
const say = async (s, who, content) => assert.equal((await stack.as(s.tickets[who]).post(`${s.path}/messages`, { content })).status, 201);

async function deskPage(counselor, options = {}) {
  const context = await chromium.context({ viewport: { width: 1200, height: 760 }, ...options });
  const page = await context.newPage();
  await page.goto(`${stack.base}/desk.html#ticket=${deskTicket(counselor)}`);
  await page.waitForSelector('html[data-desk=live]', wait);
  return page;
}

const sessions = async (counselor, n) => Promise.all(Array.from({ length: n }, (_, i) => stack.session({ counselorId: counselor, studentAnonymousId: `anon_${'abc'[i]}_${rnd(3)}` })));
const row = (page, s) => page.locator(`.row[data-id="${s.id}"]`);
const group = (page, s, name) => page.waitForSelector(`#group-${name} .row[data-id="${s.id}"]`, wait);
const badge = (page, s, n) => until(`${n} unread`, async () => {
  const shown = await row(page, s).locator('.badge').evaluate((node) => (node.hidden ? '0' : node.textContent));
  if (shown === String(n)) return true;
  throw new Error(`it says ${shown}`);
});

test('three sessions: who waits, what is unread, one open at a time', async () => {
  const counselor = `couns_${rnd()}`;
  const [a, b, c] = await sessions(counselor, 3);
  await say(a, 'student', 'hello');
  await say(a, 'student', 'anyone?');
  await say(b, 'counselor', 'Good evening');
  const page = await deskPage(counselor);
  await group(page, a, 'waiting');
  await group(page, b, 'open');
  await group(page, c, 'open');
  await badge(page, a, 2);
  await badge(page, b, 0);
  assert.match(await page.title(), /^\(2\)/);
  assert.ok(!(await page.url()).includes('ticket='), 'the ticket is out of the address at once');
  assert.ok(!(await page.content()).includes('anyone?'), 'no word of a chat that is not open');

  const streams = counted(page, '/events');
  await row(page, a).click();
  await shows(page, ['< hello', '< anyone?']);
  await badge(page, a, 0);
  assert.equal(await row(page, a).getAttribute('aria-current'), 'true');
  await write(page, 'I am here');
  await group(page, a, 'open');
  assert.equal(streams.length, 1, 'one stream for the open chat');

  await say(b, 'student', 'second');
  await group(page, b, 'waiting');
  await badge(page, b, 1);
  await showsText(page, '#say', new RegExp(`New message from ${b.student}`));
  await row(page, b).click();
  await shows(page, ['> Good evening', '< second']);
  await say(a, 'student', 'thanks');
  await badge(page, a, 1);
  assert.ok(!(await page.content()).includes('thanks'));
  await row(page, a).click();
  await shows(page, ['< hello', '< anyone?', '> I am here', '< thanks']);
  const held = await until('one stream of each kind', async () => {
    const open = await Promise.all([a, b].map(async (s) => (await stack.as(stack.service()).get(`/api/sessions/${s.id}`)).json.online.includes(counselor)));
    return open[0] && open;
  });
  assert.equal(held[0], true);
  await page.context().close();
});

test('the student comes, another browser reads, a new session arrives', async () => {
  const counselor = `couns_${rnd()}`;
  const [a] = await sessions(counselor, 1);
  const page = await deskPage(counselor);
  const student = await enter(await chromium.context(), stack.base, a.tickets.student);
  await page.waitForSelector(`.row.here[data-id="${a.id}"]`, wait);
  await group(page, a, 'waiting');
  await write(student, 'hi');
  await badge(page, a, 1);
  const other = await enter(await chromium.context(), stack.base, a.tickets.counselor);
  await shows(other, ['< hi']);
  await badge(page, a, 0);
  const late = await stack.session({ counselorId: counselor });
  await group(page, late, 'open');
  await Promise.all([page, student, other].map((one) => one.context().close()));
});

test('handed over, ended, erased: the row goes where it belongs and an open chat closes', async () => {
  const [counselor, next] = [`couns_${rnd()}`, `couns_${rnd()}`];
  const [a, b, c] = await sessions(counselor, 3);
  await say(a, 'student', 'one');
  const page = await deskPage(counselor);
  const second = await deskPage(next);
  await row(page, a).click();
  await shows(page, ['< one']);
  assert.equal((await stack.as(stack.service()).put(`/api/sessions/${a.id}`, { counselorId: next })).status, 200);
  await showsText(page, '.place', /Handed over/);
  await showsText(page, '#group-gone', new RegExp(`${a.student} Handed over`));
  await group(second, a, 'waiting');
  await row(second, a).click();
  await shows(second, ['< one']);
  await stack.as(b.tickets.student).post(`${b.path}/end`);
  await group(page, b, 'ended');
  await row(page, c).click();
  await page.waitForSelector('#text:enabled', wait);
  await stack.as(c.tickets.student).delete(c.path);
  await showsText(page, '.place', /Erased/);
  await showsText(page, '#group-gone', new RegExp(`${c.student} Erased`));
  await Promise.all([page, second].map((one) => one.context().close()));
});

test('an open chat may learn that it is gone before the desk says why', async () => {
  const counselor = `couns_${rnd()}`;
  const [a] = await sessions(counselor, 1);
  await say(a, 'student', 'one');
  const page = await deskPage(counselor);
  await row(page, a).click();
  await shows(page, ['< one']);
  await page.route('**/alive', (route) => route.fulfill({ status: 404, contentType: 'application/json', body: '{"error":{"code":"NOT_FOUND","message":"There is no such thing."}}' }));
  await say(a, 'student', 'two');
  await showsText(page, '.place', /Not on your desk any more/);
  assert.equal((await stack.as(stack.service()).put(`/api/sessions/${a.id}`, { counselorId: `couns_${rnd()}` })).status, 200);
  await showsText(page, '.place', /Handed over/);
  await page.context().close();
});

test('by keys alone; the focus stays on its row when the list moves', async () => {
  const counselor = `couns_${rnd()}`;
  const [a, b, c] = await sessions(counselor, 3);
  await say(a, 'student', 'one');
  await say(b, 'student', 'two');
  await say(c, 'student', 'three');
  const page = await deskPage(counselor);
  await badge(page, c, 1);
  await row(page, a).focus();
  await page.keyboard.press('ArrowDown');
  assert.equal(await page.evaluate(() => document.activeElement.dataset.id), b.id);
  await say(b, 'counselor', 'hi');
  await group(page, b, 'open');
  assert.equal(await page.evaluate(() => document.activeElement.dataset.id), b.id);
  await page.keyboard.press('Enter');
  await shows(page, ['< two', '> hi']);
  await until('the field to have the focus', () => page.evaluate(() => document.activeElement.id === 'text'));
  await page.keyboard.press('Escape');
  await showsText(page, '.place', /Your desk/);
  assert.equal(await page.evaluate(() => document.activeElement.dataset.id), b.id);
  await page.context().close();
});

test('320 px: the list, then the chat, then back; nothing is wider than the window', async () => {
  const counselor = `couns_${rnd()}`;
  const [a] = await sessions(counselor, 12); // more than are seen at once
  await say(a, 'student', 'w'.repeat(300));
  const page = await deskPage(counselor, { viewport: { width: 320, height: 600 }, hasTouch: true, isMobile: true });
  const fits = async () => assert.deepEqual(await page.evaluate(() => [document.documentElement.scrollWidth <= 320, document.documentElement.scrollHeight <= innerHeight]), [true, true]);
  await badge(page, a, 1);
  await fits();
  await row(page, a).tap();
  await page.waitForSelector('.message', wait);
  await fits();
  assert.equal(await page.locator('.at-desk > .aside').isVisible(), false);
  await page.tap('#back');
  await row(page, a).waitFor({ ...wait, state: 'visible' });
  await page.context().close();
});

test('a reload comes back to the open chat by its cookie; closing forgets', async () => {
  const counselor = `couns_${rnd()}`;
  const [a] = await sessions(counselor, 1);
  await say(a, 'student', 'still here');
  const page = await deskPage(counselor);
  await row(page, a).click();
  await shows(page, ['< still here']);
  await page.reload();
  await shows(page, ['< still here']);
  await page.click('#close-desk');
  await page.waitForSelector('#over:not([hidden])', wait);
  assert.ok(!(await page.content()).includes('still here'));
  await until('the cookie to go', async () => (await page.context().cookies(`${stack.base}/api/desk`)).length === 0);
  await page.reload();
  await showsText(page, '#over', /You need a link/);
  await page.context().close();
});

test('the line breaks and comes back: the list is whole again', async () => {
  const counselor = `couns_${rnd()}`;
  const [a] = await sessions(counselor, 1);
  const page = await deskPage(counselor);
  for (const pid of stack.children().hub) process.kill(pid, 'SIGKILL');
  await say(a, 'student', 'while you were away');
  await badge(page, a, 1);
  await page.waitForSelector('html[data-desk=live]', wait);
  await page.context().close();
});

test('no desk for a student’s or a session’s link', async () => {
  const s = await stack.session();
  for (const ticket of [s.tickets.student, s.tickets.counselor, 'nonsense']) {
    const page = await (await chromium.context()).newPage();
    await page.goto(`${stack.base}/desk.html#ticket=${ticket}`);
    await showsText(page, '#over', /does not open a desk/);
    await page.context().close();
  }
});
