// Long-poll (design §5): the same subscriber that leaves after its first delivery or its deadline.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { ok, refused } from '../lib/contract.mjs';
import { PollReader, Stream, StreamReader, call, positionOf, slow, until, verdict, wholeHistory } from '../lib/client.mjs';
import { startStack } from '../lib/stack.mjs';

let stack;
before(async () => { stack = await startStack(); });
after(() => stack?.stop());

const poll = (s, who, query = '') => call(stack.base, 'GET', `${s.path}/poll${query}`, { ticket: s.tickets[who], agent: false, timeout: 40_000 });
const send = async (s, who, content) => ok(await stack.as(s.tickets[who]).post(`${s.path}/messages`, { content }), 201);
const timed = async (promise) => { const t = performance.now(); const r = await promise; return { r, ms: performance.now() - t }; };
const endOf = async (s) => ok(await stack.as(s.tickets.student).get(`${s.path}/messages?limit=1`)).cursor;

// Resolves once the participant's poll is known to the hub: he is online without having asked for anything else.
const entered = (s, who) => until(`${who}'s poll to be parked`, async () => ok(await stack.as(stack.service()).get(`/api/sessions/${s.id}`)).online.includes(s[who]));

describe('polling', { concurrency: true }, () => {
  test('without a cursor: at once, `ready` and where to go on', async () => {
    const s = await stack.session();
    const { r, ms } = await timed(poll(s, 'student'));
    const j = ok(r);
    assert.ok(ms < 8000 * slow, `${ms} ms`);
    assert.deepEqual(Object.keys(j).sort(), ['cursor', 'delivered', 'events', 'expiresAt', 'online', 'read', 'status']);
    assert.deepEqual(j.events.map((e) => e.event), ['ready']);
    assert.equal(j.events[0].data.resumed, null);
    assert.equal(j.cursor, j.events[0].data.cursor);
    assert.equal(j.status, 'active');
    assert.ok(Number.isInteger(j.expiresAt));
    const m = await send(s, 'counselor', 'x');
    const next = ok(await poll(s, 'student', `?after=${j.cursor}`));
    assert.ok(next.events.some((e) => e.id === m.cursor && e.event === 'message:new'));
  });
  test('with a cursor that makes no sense: at once `ready` (resumed false), `reset`, and on from there', async () => {
    const s = await stack.session();
    const m = await send(s, 'student', 'x');
    for (const bad of ['x', `${m.id}-000000000000`, '999-aaaaaaaaaaaa', `18446744073709551616-${m.cursor.split('-')[1]}`, '-1', m.id]) {
      const { r, ms } = await timed(poll(s, 'student', `?wait=20&after=${bad}`));
      const j = ok(r);
      assert.ok(ms < 8000 * slow, `${bad}: ${ms} ms`);
      assert.deepEqual(j.events.map((e) => e.event), ['ready', 'reset'], String(bad));
      assert.equal(j.events[0].data.resumed, false);
      assert.equal(j.cursor, await endOf(s));
    }
  });
  test('nothing new: empty at the deadline asked for, and the same cursor', async () => {
    const s = await stack.session();
    const m = await send(s, 'student', 'x');
    await stack.as(s.tickets.counselor).get(`${s.path}/messages`);
    ok(await poll(s, 'counselor')); // enters
    const cursor = await endOf(s);
    for (const wait of [0, 1, 3]) {
      const { r, ms } = await timed(poll(s, 'counselor', `?wait=${wait}&after=${cursor}`));
      const j = ok(r);
      assert.deepEqual(j.events.filter((e) => e.id !== undefined), []);
      assert.equal(j.cursor, cursor);
      assert.ok(ms >= wait * 1000 - 50 && ms < wait * 1000 + 8000 * slow, `wait=${wait} took ${ms} ms`);
    }
    assert.ok(positionOf(cursor) >= m.id);
  });
  test('without `wait` it is 25 s', async () => {
    const s = await stack.session();
    ok(await poll(s, 'student'));
    const { r, ms } = await timed(poll(s, 'student', `?after=${await endOf(s)}`));
    ok(r);
    assert.ok(ms > 24_000 && ms < 29_500 * slow, `${ms} ms`);
  });
  test('`wait` outside 0 to 30 is refused', async () => {
    const s = await stack.session();
    for (const bad of ['31', '-1', 'x', '1.5', '', '99999999999999999999', '1e1']) refused(await poll(s, 'student', `?wait=${bad}`), 'BAD_REQUEST', bad);
  });
  test('a message ends it at once', async () => {
    const s = await stack.session();
    for (const who of ['student', 'counselor']) ok(await poll(s, who));
    const cursor = await endOf(s);
    const waiting = poll(s, 'counselor', `?wait=30&after=${cursor}`);
    await entered(s, 'counselor');
    const t = performance.now();
    const m = await send(s, 'student', 'x');
    const j = ok(await waiting);
    assert.ok(performance.now() - t < 8000 * slow);
    assert.deepEqual(j.events.filter((e) => e.id).map((e) => [e.id, e.event, e.data.content]), [[m.cursor, 'message:new', 'x']]);
    assert.equal(j.cursor, m.cursor);
  });
  test('typing, receipts and presence do not end it; they ride along', async () => {
    const s = await stack.session();
    for (const who of ['student', 'counselor']) ok(await poll(s, who));
    const m = await send(s, 'student', 'x');
    const { r, ms } = await timed((async () => {
      const waiting = poll(s, 'student', `?wait=12&after=${m.cursor}`);
      const counselor = stack.as(s.tickets.counselor);
      await entered(s, 'student');
      const st = new Stream(stack.base, `${s.path}/events`, { ticket: s.tickets.counselor });
      await st.ready();
      for (const isTyping of [true, false, true]) ok(await counselor.post(`${s.path}/typing`, { isTyping }), 204);
      ok(await counselor.put(`${s.path}/read`, { upTo: m.id }), 204);
      ok(await counselor.put(`${s.path}/alive`, { cursor: m.cursor }), 204);
      const answer = await waiting;
      st.close();
      return answer;
    })());
    const j = ok(r);
    assert.ok(ms >= 11_900, `ended after ${ms} ms`);
    const names = j.events.map((e) => e.event);
    assert.ok(names.includes('user:typing') && names.includes('receipt:read'), names.join());
    assert.ok(j.events.every((e) => e.id === undefined));
    assert.equal(j.cursor, m.cursor);
    const next = ok(await poll(s, 'student', `?wait=0&after=${m.cursor}`));
    assert.deepEqual([next.read[s.counselor], next.delivered[s.counselor]], [m.id, m.id], 'who missed the passing ones finds them in the next answer');
  });
  test('the end and the erasure end it', async () => {
    const s = await stack.session();
    ok(await poll(s, 'student'));
    let cursor = await endOf(s);
    let waiting = poll(s, 'student', `?wait=30&after=${cursor}`);
    await entered(s, 'student');
    ok(await stack.as(stack.service()).post(`/api/sessions/${s.id}/end`, {}));
    const j = ok(await waiting);
    assert.ok(j.events.some((e) => e.event === 'session:ended' && e.id));
    assert.equal(j.status, 'ended');
    cursor = j.cursor;
    waiting = poll(s, 'student', `?wait=30&after=${cursor}`);
    const t = performance.now();
    ok(await stack.as(stack.service()).delete(`/api/sessions/${s.id}`), 204);
    const r = await waiting;
    assert.ok(performance.now() - t < 8000 * slow);
    if (r.status === 200) assert.ok(r.json.events.some((e) => e.event === 'session:erased'), r.text);
    else refused(r, 'GONE');
    refused(await poll(s, 'student', `?after=${cursor}`), 'GONE');
  });
  test('two polls of one participant both get it', async () => {
    const s = await stack.session();
    for (const who of ['student', 'counselor']) ok(await poll(s, who));
    const cursor = await endOf(s);
    const two = [1, 2].map(() => poll(s, 'counselor', `?wait=30&after=${cursor}`));
    await entered(s, 'counselor');
    const m = await send(s, 'student', 'x');
    for (const r of await Promise.all(two)) assert.equal(ok(r).cursor, m.cursor);
  });
  test('one reader changing between poll and stream at each step misses nothing', async () => {
    const s = await stack.session();
    for (const who of ['student', 'counselor']) ok(await poll(s, who));
    let cursor = await endOf(s);
    const seen = [];
    const sent = [];
    for (let i = 0; i < 40; i++) {
      const sending = send(s, 'student', `m${i}`).then((m) => { sent.push(m.cursor); return m; });
      if (i % 2) {
        const st = new Stream(stack.base, `${s.path}/events`, { ticket: s.tickets.counselor, lastEventId: cursor });
        const m = await sending;
        await st.next((e) => e.id === m.cursor && e.event === 'message:new');
        seen.push(...st.entries.map((e) => e.id));
        cursor = st.lastId;
        st.close();
      } else {
        const m = await sending;
        while (positionOf(cursor) < m.id) {
          const j = ok(await poll(s, 'counselor', `?wait=10&after=${cursor}`));
          seen.push(...j.events.filter((e) => e.id).map((e) => e.id));
          cursor = j.cursor;
        }
      }
    }
    assert.deepEqual(seen, sent);
  });
  test('pollers and streams side by side are told one history', async () => {
    const s = await stack.session();
    const readers = [0, 1, 2].flatMap((i) => ['student', 'counselor'].map((who) => (i % 2 ? new StreamReader(`stream ${i} ${who}`, stack.base, s.id, s.tickets[who]) : new PollReader(`poll ${i} ${who}`, stack.base, s.id, s.tickets[who], { wait: 3 }))));
    await Promise.all(readers.map((r) => until('ready', () => r.cursor)));
    for (let i = 0; i < 200; i++) {
      const who = i % 3 ? 'student' : 'counselor';
      const m = await send(s, who, `m${i}`);
      if (i % 9 === 0) ok(await stack.as(s.tickets[who]).patch(`${s.path}/messages/${m.id}`, { content: `e${i}` }));
      if (i % 11 === 0) ok(await stack.as(s.tickets[who]).delete(`${s.path}/messages/${m.id}`), 204);
    }
    const { messages } = await wholeHistory(stack.base, s.id, s.tickets.student);
    const end = positionOf(await endOf(s));
    await Promise.all(readers.map((r) => r.reached(end)));
    await Promise.all(readers.map((r) => r.stop()));
    verdict({ readers, messages });
  });
});
