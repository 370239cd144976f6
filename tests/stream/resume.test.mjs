// Promise D, one by one: from every position of a log of 200 entries, by stream and by poll, exactly the rest.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { ok, plain } from '../lib/contract.mjs';
import { Stream, call, pool, positionOf } from '../lib/client.mjs';
import { startStack } from '../lib/stack.mjs';

let stack, s, start, live, all, end;
before(async () => {
  stack = await startStack();
  s = await stack.session();
  start = ok(await stack.as(s.tickets.student).get(`${s.path}/messages`)).cursor;
  live = new Stream(stack.base, `${s.path}/events`, { ticket: s.tickets.counselor, lastEventId: start });
  await live.ready();
  // 200 entries: sends by both sides, every third edited, every fifth deleted, now and again something passing between.
  const mine = [];
  for (let i = 0; (end = positionOf(ok(await stack.as(s.tickets.student).get(`${s.path}/messages?limit=1`)).cursor)) < 200; i++) {
    const who = i % 2 ? 'student' : 'counselor';
    const as = stack.as(s.tickets[who]);
    mine.push({ as, m: ok(await as.post(`${s.path}/messages`, { content: `message ${i} ${'é'.repeat(i * 7)}`, clientId: `c${i}` }), 201) });
    const pick = mine[(i * 7) % mine.length];
    if (i % 3 === 2) await pick.as.patch(`${s.path}/messages/${pick.m.id}`, { content: `edited ${i}` });
    if (i % 5 === 4) await pick.as.delete(`${s.path}/messages/${pick.m.id}`);
    if (i % 4 === 3) await as.post(`${s.path}/typing`, { isTyping: true });
    if (i % 6 === 5) await as.put(`${s.path}/read`, { upTo: pick.m.id });
  }
  const whole = new Stream(stack.base, `${s.path}/events`, { ticket: s.tickets.student, lastEventId: start });
  await whole.next((e) => e.event !== 'ready' && e.id !== undefined && positionOf(e.id) === end, { ms: 20_000 });
  all = whole.entries.map(({ id, event, data }) => ({ id, event, data }));
  whole.close();
});
after(() => { live?.close(); return stack?.stop(); });

describe('a log of 200 entries', () => {
  test('every position once, from the first to the last', () => {
    assert.deepEqual(all.map((e) => positionOf(e.id)), Array.from({ length: end - positionOf(start) }, (_, i) => positionOf(start) + 1 + i));
    for (const name of ['message:new', 'message:edited', 'message:deleted']) assert.ok(all.some((e) => e.event === name), name);
  });
  test('who listened live was told the same positions in the same order', async () => {
    await live.next((e) => e.event !== 'ready' && e.id === all.at(-1).id, { ms: 20_000 });
    assert.deepEqual(live.entries.map((e) => e.id), all.map((e) => e.id));
  });
  test('by stream, after every position: the rest, as it is now', async () => {
    const from = [{ id: start }, ...all];
    await pool(8, from, async ({ id }, i) => {
      const st = new Stream(stack.base, `${s.path}/events`, { ticket: s.tickets[i % 2 ? 'student' : 'counselor'], ...(i % 3 ? { lastEventId: id } : {}) , ...(i % 3 ? {} : { headers: { 'Last-Event-ID': id } }) });
      const ready = await st.ready();
      assert.deepEqual([ready.resumed, ready.cursor], [true, id]);
      if (i < all.length) await st.next((e) => e.event !== 'ready' && e.id === all.at(-1).id);
      assert.equal(st.named('reset').length, 0);
      assert.deepEqual(st.entries.map((e) => ({ id: e.id, event: e.event, data: plain(e.data) })), all.slice(i).map((e) => ({ ...e, data: plain(e.data) })), `after ${id}`);
      st.close();
    });
  });
  test('by poll, after every position: the same', async () => {
    await pool(8, [{ id: start }, ...all].slice(0, -1), async ({ id }, i) => {
      const got = [];
      let cursor = id;
      while (positionOf(cursor) < end) {
        const r = ok(await call(stack.base, 'GET', `${s.path}/poll?wait=5&after=${cursor}`, { ticket: s.tickets[i % 2 ? 'student' : 'counselor'] }));
        const entries = r.events.filter((e) => e.id !== undefined && e.event !== 'ready');
        assert.ok(entries.length > 0, `a poll after ${cursor} brought nothing`);
        assert.equal(r.cursor, entries.at(-1).id);
        got.push(...entries);
        cursor = r.cursor;
      }
      assert.deepEqual(got.map((e) => ({ id: e.id, event: e.event, data: plain(e.data) })), all.slice(i).map((e) => ({ ...e, data: plain(e.data) })), `after ${id}`);
    });
  });
  test('deletions left no words in any of it', () => {
    for (const e of all.filter((x) => x.event === 'message:deleted')) assert.ok(!('content' in e.data) && !('metadata' in e.data), JSON.stringify(e));
  });
});
