// What ends while a stream is open (design §5, §6): the ticket, the session. Announced, enforced, and final where it is final.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { EventSource } from 'eventsource';
import { ok, refused } from '../lib/contract.mjs';
import { Stream, call, now_s, slow, until } from '../lib/client.mjs';
import { startStack } from '../lib/stack.mjs';

describe('tickets', { concurrency: true }, () => {
  let stack;
  before(async () => { stack = await startStack(); });
  after(() => stack?.stop());
  const open = async (s, ticket, options = {}) => { const st = new Stream(stack.base, `${s.path}/events`, { ticket, ...options }); await st.opened; return st; };

  test('one of few seconds: announced at once, enforced on time, then 401', async () => {
    const s = await stack.session();
    const exp = now_s() + 6;
    const ticket = stack.student(s.id, s.student, { exp });
    const st = await open(s, ticket);
    await st.ready();
    const soon = await st.next('ticket:expiring', { ms: 4000 });
    assert.deepEqual([soon.id, soon.data], [undefined, { expiresAt: exp * 1000 }]);
    await st.end();
    const late = Date.now() - exp * 1000;
    assert.ok(late > -500 && late < 4000 * slow, `${late} ms after its expiry`);
    const last = st.events.at(-1);
    assert.deepEqual([last.event, last.data], ['ticket:expired', { expiresAt: exp * 1000 }]);
    const again = await open(s, ticket, { lastEventId: st.lastId });
    assert.equal(again.status, 401);
    assert.equal(JSON.parse(again.body).error.code, 'TICKET_EXPIRED');
    const fresh = await open(s, s.tickets.student, { lastEventId: st.lastId });
    assert.equal((await fresh.ready()).resumed, true);
    fresh.close();
  });
  test('announced 60 s ahead, not before', async () => {
    const s = await stack.session();
    const exp = now_s() + 64;
    const st = await open(s, stack.student(s.id, s.student, { exp }));
    await st.ready();
    await st.next('ticket:expiring', { ms: 10_000 });
    const ahead = exp * 1000 - Date.now();
    assert.ok(ahead < 61_500 && ahead > 57_000, `${ahead} ms ahead`);
    assert.equal(st.named('ticket:expiring').length, 1);
    st.close();
  });
  test('a poll does not outlive it either', async () => {
    const s = await stack.session();
    const exp = now_s() + 6;
    const ticket = stack.student(s.id, s.student, { exp });
    let { cursor } = ok(await call(stack.base, 'GET', `${s.path}/poll`, { ticket, agent: false }));
    let polls = 0;
    let r;
    const events = [];
    do {
      r = await call(stack.base, 'GET', `${s.path}/poll?wait=25&after=${cursor}`, { ticket, agent: false, timeout: 30_000 });
      polls++;
      if (r.status === 200) { ({ cursor } = r.json); events.push(...r.json.events.map((e) => e.event)); }
    } while (r.status === 200);
    assert.ok(Date.now() - exp * 1000 < 4000 * slow, 'held beyond the ticket');
    refused(r, 'TICKET_EXPIRED');
    assert.ok(events.includes('ticket:expiring'), 'it was announced');
    assert.ok(polls <= 4, `${polls} polls in six seconds: the announcement must not make a poller run in circles for its last minute`);
  });
  test('nothing said after its expiry reaches it', async () => {
    const s = await stack.session();
    const exp = now_s() + 6;
    const st = await open(s, stack.student(s.id, s.student, { exp }));
    await st.ready();
    let i = 0;
    await until('the ticket to be long over', async () => { ok(await stack.as(s.tickets.counselor).post(`${s.path}/messages`, { content: `m${i++}` }), 201); return Date.now() > exp * 1000 + 2000; }, { every: 50 });
    await st.end();
    for (const e of st.named('message:new')) assert.ok(e.data.sentAt < exp * 1000 + 500 * slow, 'a message sent after expiry came through');
  });
  test('a cookie’s stream ends with its ticket', async () => {
    const s = await stack.session();
    const exp = now_s() + 6;
    const r = await call(stack.base, 'POST', `${s.path}/cookie`, { ticket: stack.student(s.id, s.student, { exp }), json: {} });
    assert.ok(ok(r).expiresAt <= exp * 1000 + 1000);
    const Cookie = [].concat(r.headers['set-cookie'])[0].split(';')[0];
    const st = await open(s, undefined, { headers: { Cookie } });
    await st.ready();
    await st.end();
    assert.equal(st.events.at(-1).event, 'ticket:expired');
    assert.equal((await open(s, undefined, { headers: { Cookie } })).status, 401);
  });
});

describe('a session of three seconds', { concurrency: true }, () => {
  let stack;
  before(async () => { stack = await startStack({ env: { ROOM_TTL_S: '3' } }); });
  after(() => stack?.stop());
  const open = async (s, who, options = {}) => { const st = new Stream(stack.base, `${s.path}/events`, { ticket: s.tickets[who], ...options }); await st.opened; return st; };

  test('expired: told at its deadline, ended, then 204 and 410', async () => {
    const s = await stack.session();
    const streams = [await open(s, 'student'), await open(s, 'counselor'), await open(s, 'student', { headers: { Accept: '*/*' } })];
    const [{ expiresAt, cursor }] = await Promise.all(streams.map((x) => x.ready()));
    const poll = call(stack.base, 'GET', `${s.path}/poll?wait=25&after=${cursor}`, { ticket: s.tickets.counselor, agent: false, timeout: 30_000 });
    for (const st of streams) {
      await st.end();
      const late = Date.now() - expiresAt;
      assert.ok(late > -100 && late < 4000 * slow, `${late} ms after the deadline`);
      const last = st.events.at(-1);
      assert.equal(last.event, 'session:expired');
      assert.equal(typeof last.data.at, 'number');
      assert.equal(st.events.filter((e) => e.event === 'session:expired').length, 1);
    }
    let r = await poll;
    if (r.status === 200 && !r.json.events.some((e) => e.event === 'session:expired')) r = await call(stack.base, 'GET', `${s.path}/poll?wait=25&after=${r.json.cursor}`, { ticket: s.tickets.counselor, agent: false, timeout: 30_000 });
    assert.ok(Date.now() - expiresAt < 6000 * slow, 'the poll was held beyond the deadline');
    if (r.status === 200) assert.ok(r.json.events.some((e) => e.event === 'session:expired'), r.text);
    else refused(r, 'GONE');
    for (const who of ['student', 'counselor']) {
      assert.equal((await open(s, who, { lastEventId: cursor })).status, 204);
      assert.equal((await open(s, who)).status, 204);
      refused(await call(stack.base, 'GET', `${s.path}/poll?after=${cursor}`, { ticket: s.tickets[who] }), 'GONE');
    }
  });
  test('activity moves the end of open streams, passing things do not', async () => {
    const s = await stack.session();
    const st = await open(s, 'counselor');
    const first = (await st.ready()).expiresAt;
    const counselor = stack.as(s.tickets.counselor);
    await until('half its life', () => Date.now() > first - 1500);
    const m = ok(await stack.as(s.tickets.student).post(`${s.path}/messages`, { content: 'x' }), 201);
    const told = (await st.next('message:new')).data.expiresAt;
    assert.equal(told, m.sentAt + 3000);
    let left = 0;
    await until('the end', async () => {
      const r = await counselor.post(`${s.path}/typing`, { isTyping: true });
      const r2 = await counselor.put(`${s.path}/read`, { upTo: m.id });
      if (r.status === 204 && r2.status === 204) left++;
      return st.ended;
    }, { every: 100 });
    assert.ok(left >= 1, 'typing and reading went on meanwhile');
    const late = Date.now() - told;
    assert.ok(late > -200 && late < 4000 * slow, `ended ${late} ms after the slid deadline`);
    assert.equal(st.events.at(-1).event, 'session:expired');
  });
  test('edit and delete tell the new deadline too', async () => {
    const s = await stack.session();
    const st = await open(s, 'counselor');
    await st.ready();
    const student = stack.as(s.tickets.student);
    const m = ok(await student.post(`${s.path}/messages`, { content: 'x' }), 201);
    const one = await st.next('message:new');
    await until('a while', () => Date.now() > m.sentAt + 300);
    ok(await student.patch(`${s.path}/messages/${m.id}`, { content: 'y' }));
    const two = await st.next('message:edited');
    await until('a while', () => Date.now() > m.sentAt + 600);
    ok(await student.delete(`${s.path}/messages/${m.id}`), 204);
    const three = await st.next('message:deleted');
    assert.ok(two.data.expiresAt > one.data.expiresAt && three.data.expiresAt > two.data.expiresAt);
    st.close();
  });
  test('an ended session: streams stay to the deadline', async () => {
    const s = await stack.session();
    const st = await open(s, 'student');
    const { expiresAt } = await st.ready();
    ok(await stack.as(s.tickets.counselor).post(`${s.path}/end`, {}));
    await st.next('session:ended');
    await st.end();
    assert.ok(Date.now() >= expiresAt - 100, 'ended early');
    assert.equal(st.events.at(-1).event, 'session:expired');
  });
  test('EventSource stops for good: one stream, one 204', async () => {
    const s = await stack.session();
    const statuses = [];
    const events = [];
    const es = new EventSource(`${stack.base}${s.path}/events`, { fetch: async (input, init) => { const r = await fetch(input, { ...init, headers: { ...init.headers, Authorization: `Bearer ${s.tickets.student}` } }); statuses.push(r.status); return r; } });
    for (const name of ['ready', 'session:expired']) es.addEventListener(name, () => events.push(name));
    await until('closed', () => es.readyState === es.CLOSED, { ms: 30_000 });
    assert.deepEqual([statuses, events], [[200, 204], ['ready', 'session:expired']]);
  });
});
