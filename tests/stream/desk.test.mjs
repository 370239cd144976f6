// A counselor's desk, live: rows follow what happens in the sessions, in whatever order it happens; handovers move a row from one desk to another; nothing that is
// said is ever in the feed.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { call } from '../lib/http.mjs';
import { rnd } from '../lib/jwt.mjs';
import { Stream } from '../lib/sse.mjs';
import { startStack } from '../lib/stack.mjs';
import { sleep, until } from '../lib/wait.mjs';

let stack;
before(async () => { stack = await startStack(); });
after(() => stack?.stop());

const deskTicket = (counselor, claims = {}) => stack.mint({ role: 'counselor', userId: counselor, ...claims });

// A desk as a page would hold it: the list, kept up to date by what the stream says.
class Desk {
  constructor(counselor, options = {}) {
    this.rows = new Map();
    this.removed = [];
    this.taken = 0;
    this.stream = new Stream(stack.base, options.path ?? '/api/desk/events', { ticket: options.ticket === undefined ? deskTicket(counselor) : options.ticket, headers: options.headers });
  }
  take() {
    for (; this.taken < this.stream.events.length; this.taken++) {
      const { event, data, id } = this.stream.events[this.taken];
      assert.equal(id, undefined, 'a desk has no cursor');
      if (event === 'ready') this.rows = new Map(data.sessions.map((s) => [s.conversationId, s]));
      else if (event === 'desk:session') this.rows.set(data.conversationId, data);
      else if (event === 'desk:removed') { this.rows.delete(data.conversationId); this.removed.push(data); }
    }
    return this.rows;
  }
  async ready() { await this.stream.ready(); this.take(); return this; }
  row(id) { return this.take().get(id); }
  sees(id, what, fits) { return until(`the desk to see ${what}; last ${JSON.stringify(this.row(id))}`, () => { const r = this.row(id); return r && fits(r) && r; }, { ms: 8000 }); }
  loses(id) { return until('the desk to lose the session', () => !this.row(id) && this.removed.find((r) => r.conversationId === id), { ms: 8000 }); }
  close() { this.stream.close(); }
}

const say = async (s, who, content = 'x') => (await stack.as(s.tickets[who]).post(`${s.path}/messages`, { content })).json;

test('the first event is the whole list, and what happens afterwards changes rows', async () => {
  const counselor = `couns_${rnd()}`;
  const a = await stack.session({ counselorId: counselor });
  const b = await stack.session({ counselorId: counselor });
  const other = await stack.session();
  await say(b, 'student');
  const desk = await new Desk(counselor).ready();
  assert.deepEqual([...desk.rows.keys()].sort(), [a.id, b.id].sort());
  assert.equal(desk.row(other.id), undefined);
  assert.equal(desk.row(a.id).unread, 0);
  assert.equal(desk.row(a.id).waiting, false);
  assert.equal(desk.row(b.id).unread, 1);
  assert.equal(desk.row(b.id).waiting, true);
  assert.ok(Math.abs(desk.row(b.id).waitingSince - Date.now()) < 20_000);
  assert.equal(desk.row(b.id).studentAnonymousId, b.student);
  assert.equal(desk.row(b.id).summary, null);
  const c = await stack.session({ counselorId: counselor });
  await desk.sees(c.id, 'a session that was opened meanwhile', () => true);
  const m = await say(a, 'student');
  const row = await desk.sees(a.id, 'one unread', (r) => r.unread === 1);
  assert.equal(row.expiresAt, m.expiresAt);
  assert.equal(row.cursor, m.cursor);
  await say(a, 'counselor');
  await desk.sees(a.id, 'an answer', (r) => !r.waiting && r.waitingSince === null && r.unread === 1);
  await stack.as(a.tickets.counselor).put(`${a.path}/read`, { upTo: m.id });
  await desk.sees(a.id, 'it read on another device', (r) => r.unread === 0);
  desk.close();
});

test('the student comes and goes', async () => {
  const counselor = `couns_${rnd()}`;
  const s = await stack.session({ counselorId: counselor });
  const desk = await new Desk(counselor).ready();
  assert.equal(desk.row(s.id).studentOnline, false);
  const student = new Stream(stack.base, `${s.path}/events`, { ticket: s.tickets.student });
  await student.ready();
  await desk.sees(s.id, 'the student here, and nobody with them yet', (r) => r.studentOnline && r.waiting);
  student.close();
  await until('the student gone', () => desk.row(s.id).studentOnline === false && !desk.row(s.id).waiting, { ms: 20_000 });
  desk.close();
});

test('unread is exact after any order of sends, reads, edits and deletions', async () => {
  const counselor = `couns_${rnd()}`;
  const s = await stack.session({ counselorId: counselor });
  const desk = await new Desk(counselor).ready();
  const theirs = [];
  let mine = 0;
  let mark = 0;
  let seed = 20261121;
  const random = (n) => { seed = (seed * 1103515245 + 12345) % 2147483648; return Math.floor((seed / 2147483648) * n); };
  for (let i = 0; i < 160; i++) {
    const what = random(10);
    if (what < 5) theirs.push({ ...(await say(s, 'student')), deleted: false });
    else if (what < 6) mine = (await say(s, 'counselor')).id;
    else if (what < 7 && theirs.length) {
      const m = theirs[random(theirs.length)];
      if (!m.deleted) assert.equal((await stack.as(s.tickets.student).patch(`${s.path}/messages/${m.id}`, { content: 'y' })).status, 200);
    } else if (what < 9 && theirs.length) {
      const m = theirs[random(theirs.length)];
      assert.equal((await stack.as(s.tickets.student).delete(`${s.path}/messages/${m.id}`)).status, 204);
      m.deleted = true;
    } else if (theirs.length) {
      const upTo = theirs[theirs.length - 1 - random(Math.min(6, theirs.length))].id;
      assert.equal((await stack.as(s.tickets.counselor).put(`${s.path}/read`, { upTo })).status, 204);
      mark = Math.max(mark, upTo);
    }
    if (i % 8 === 7 || i === 159) {
      const unread = theirs.filter((m) => !m.deleted && m.id > mark).length;
      const unanswered = theirs.find((m) => !m.deleted && m.id > mine);
      const listed = (await stack.as(deskTicket(counselor)).get('/api/desk')).json.sessions[0];
      assert.equal(listed.unread, unread, `unread after ${i} steps`);
      assert.equal(listed.waitingSince, unanswered?.sentAt ?? null, `waiting since after ${i} steps`);
      await desk.sees(s.id, `${unread} unread after ${i} steps`, (r) => r.unread === unread && r.waitingSince === (unanswered?.sentAt ?? null));
    }
  }
  desk.close();
});

test('a handover moves the row from one desk to the other, live', async () => {
  const [one, two] = [`couns_${rnd()}`, `couns_${rnd()}`];
  const s = await stack.session({ counselorId: one });
  const first = await new Desk(one).ready();
  const second = await new Desk(two).ready();
  assert.equal(second.rows.size, 0);
  await say(s, 'student');
  await say(s, 'counselor');
  await say(s, 'student');
  await first.sees(s.id, 'two unread', (r) => r.unread === 2);
  assert.equal((await stack.as(stack.service()).put(`/api/sessions/${s.id}`, { counselorId: two, counselorRole: 'volunteer' })).status, 200);
  const gone = await first.loses(s.id);
  assert.equal(gone.reason, 'handed_over');
  const row = await second.sees(s.id, 'the session', () => true);
  assert.equal(row.unread, 2, 'what the student wrote is unread to whoever comes new');
  assert.equal(row.handedOver, true);
  assert.equal(row.role, 'volunteer');
  const said = first.stream.events.length;
  await say(s, 'student');
  await second.sees(s.id, 'three unread', (r) => r.unread === 3);
  assert.equal(first.stream.events.length, said, 'the first desk hears nothing of it any more');
  assert.deepEqual((await stack.as(deskTicket(one)).get('/api/desk')).json.sessions, []);
  first.close();
  second.close();
});

test('ended stays on the desk, erased goes', async () => {
  const counselor = `couns_${rnd()}`;
  const s = await stack.session({ counselorId: counselor });
  await say(s, 'student');
  const desk = await new Desk(counselor).ready();
  await stack.as(s.tickets.student).post(`${s.path}/end`);
  const row = await desk.sees(s.id, 'the end', (r) => r.status === 'ended');
  assert.equal(row.waiting, false);
  assert.equal(row.unread, 1);
  assert.equal((await stack.as(s.tickets.student).delete(s.path)).status, 204);
  assert.equal((await desk.loses(s.id)).reason, 'erased');
  assert.deepEqual(desk.rows.size, 0);
  const again = await new Desk(counselor).ready();
  assert.equal(again.rows.size, 0);
  desk.close();
  again.close();
});

test('a reconnect gets the whole list anew, also after its hub or Redis died', async () => {
  const counselor = `couns_${rnd()}`;
  const s = await stack.session({ counselorId: counselor });
  let desk = await new Desk(counselor).ready();
  for (const pid of stack.children().hub) process.kill(pid, 'SIGKILL');
  await desk.stream.end();
  await say(s, 'student');
  await until('a hub to answer', async () => { desk = new Desk(counselor); await desk.stream.opened; await desk.stream.ready(2000); return true; }, { ms: 20_000 });
  assert.equal(desk.row(s.id).unread, 1);
  await say(s, 'student');
  await desk.sees(s.id, 'what came after', (r) => r.unread === 2);
  const redis = stack.kill('redis');
  await stack.replaced('redis', redis);
  await until('a send', async () => (await stack.as(s.tickets.student).post(`${s.path}/messages`, { content: 'z', clientId: 'after' })).status < 300, { ms: 20_000 });
  await desk.sees(s.id, 'what came after Redis came back', (r) => r.unread >= 2);
  const list = (await stack.as(deskTicket(counselor)).get('/api/desk')).json.sessions;
  await until('both to agree', () => desk.row(s.id).unread === list[0].unread);
  desk.close();
});

test('two desks of one counselor, and a volunteer’s', async () => {
  const volunteer = `vol_${rnd()}`;
  const s = await stack.session({ counselorId: volunteer, counselorRole: 'volunteer' });
  const one = await new Desk(volunteer, { ticket: stack.mint({ role: 'volunteer', userId: volunteer }) }).ready();
  const two = await new Desk(volunteer).ready();
  await say(s, 'student');
  await one.sees(s.id, 'one', (r) => r.unread === 1);
  await two.sees(s.id, 'one', (r) => r.unread === 1);
  one.close();
  await say(s, 'student');
  await two.sees(s.id, 'two', (r) => r.unread === 2);
  two.close();
});

test('polling: at once when the list is another one, else when it changes, else when the time is over', async () => {
  const counselor = `couns_${rnd()}`;
  const s = await stack.session({ counselorId: counselor });
  const as = stack.as(deskTicket(counselor));
  const first = (await as.get('/api/desk/poll')).json;
  assert.deepEqual(first.events.map((e) => e.event), ['ready']);
  assert.equal(first.events[0].data.sessions[0].conversationId, s.id);
  const empty = (await as.get(`/api/desk/poll?wait=1&after=${first.cursor}`)).json;
  assert.deepEqual(empty.events, []);
  assert.equal(empty.cursor, first.cursor);
  const waiting = as.get(`/api/desk/poll?wait=20&after=${first.cursor}`);
  await sleep(200);
  const began = performance.now();
  await say(s, 'student');
  const second = (await waiting).json;
  assert.ok(performance.now() - began < 12_000);
  assert.equal(second.events[0].event, 'ready');
  await until('the list to say one unread', async () => (await as.get('/api/desk/poll')).json.events[0].data.sessions[0].unread === 1);
  const third = (await as.get(`/api/desk/poll?wait=20&after=${first.cursor}`)).json;
  assert.equal(third.events[0].data.sessions[0].unread, 1);
});

test('cookie and stream ticket open the stream; one use each', async () => {
  const counselor = `couns_${rnd()}`;
  const s = await stack.session({ counselorId: counselor });
  const cookie = await stack.as(deskTicket(counselor)).post('/api/desk/cookie', {});
  assert.equal(cookie.status, 200);
  const set = [cookie.headers['set-cookie']].flat()[0];
  assert.match(set, new RegExp(`^room_${cookie.json.as}=[^;]+; Path=/api/desk; HttpOnly; SameSite=Strict`));
  const byCookie = await new Desk(counselor, { ticket: null, headers: { Cookie: set.split(';')[0] }, path: `/api/desk/events?as=${cookie.json.as}` }).ready();
  assert.ok(byCookie.row(s.id));
  byCookie.close();
  const ticket = (await stack.as(deskTicket(counselor)).post('/api/desk/stream-ticket', {})).json.ticket;
  const byTicket = await new Desk(counselor, { ticket: null, path: `/api/desk/events?stream_ticket=${ticket}` }).ready();
  assert.ok(byTicket.row(s.id));
  const again = [byTicket.stream.headers['set-cookie']].flat()[0];
  assert.match(again, /Path=\/api\/desk;/);
  byTicket.close();
  const spent = new Stream(stack.base, `/api/desk/events?stream_ticket=${ticket}`);
  await spent.opened;
  assert.equal(spent.status, 401);
  const back = await new Desk(counselor, { ticket: null, headers: { Cookie: again.split(';')[0] }, path: `/api/desk/events?stream_ticket=${ticket}` }).ready();
  assert.ok(back.row(s.id), 'EventSource reconnects with its old address and the cookie');
  back.close();
});

test('a desk ticket that ends is told so', async () => {
  const counselor = `couns_${rnd()}`;
  await stack.session({ counselorId: counselor });
  const desk = new Desk(counselor, { ticket: deskTicket(counselor, { exp: Math.floor(Date.now() / 1000) + 3 }) });
  await desk.stream.next('ticket:expiring');
  await desk.stream.next('ticket:expired');
  await desk.stream.end();
});

test('nobody else’s ticket opens a desk’s stream', async () => {
  const s = await stack.session();
  for (const [ticket, status] of [[s.tickets.student, 403], [s.tickets.counselor, 403], [stack.service(), 403], [undefined, 401], ['x.y.z', 401]]) {
    for (const path of ['/api/desk/events', '/api/desk/poll']) {
      const r = await call(stack.base, 'GET', path, { ticket });
      assert.equal(r.status, status, `${path} ${r.text}`);
    }
  }
  assert.equal((await stack.as(deskTicket(s.counselor)).get(`${s.path}/events`)).status, 403, 'and a desk’s opens no conversation');
});

test('not a word of what is said, nor a ticket, is in the feed', async () => {
  const counselor = `couns_${rnd()}`;
  const canary = `canary-${rnd(12)}`;
  const s = await stack.session({ counselorId: counselor });
  const desk = await new Desk(counselor).ready();
  for (let i = 0; i < 5; i++) {
    const m = (await stack.as(s.tickets[i % 2 ? 'counselor' : 'student']).post(`${s.path}/messages`, { content: `${canary} ${i}`, clientId: `${canary}-c${i}`, metadata: { k: canary }, threadId: canary })).json;
    if (i === 2) await stack.as(s.tickets.student).patch(`${s.path}/messages/${m.id}`, { content: `${canary} edited` });
  }
  await stack.as(s.tickets.student).post(`${s.path}/typing`, { isTyping: true });
  await desk.sees(s.id, 'three unread', (r) => r.unread === 3);
  const poll = (await stack.as(deskTicket(counselor)).get('/api/desk/poll')).text + (await stack.as(deskTicket(counselor)).get('/api/desk')).text;
  const feed = desk.stream.events.map((e) => e.raw).join('\n') + poll;
  assert.ok(!feed.includes(canary));
  assert.ok(!feed.includes('eyJ'));
  assert.ok(!stack.logs().includes(canary));
  desk.close();
});

test('nothing of a desk is left in Redis when its sessions are gone', async () => {
  const counselor = `couns_${rnd()}`;
  const s = await stack.session({ counselorId: counselor });
  const desk = await new Desk(counselor).ready();
  assert.equal(await stack.redis('SMEMBERS', `{0}:desk:${counselor}`), s.id);
  await stack.as(stack.service()).delete(`/api/sessions/${s.id}`);
  await desk.loses(s.id);
  assert.equal(await stack.redis('EXISTS', `{0}:desk:${counselor}`), '0');
  desk.close();
  await until('the hub to take its name off', async () => (await stack.redis('EXISTS', `{0}:desk:${counselor}:hubs`)) === '0', { ms: 20_000 });
});
