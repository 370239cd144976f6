// Sessions over several buckets, as a Redis Cluster wants them: everything that streams promise holds in each of them, out of one hub's one way to the news.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { ok, refused } from '../lib/contract.mjs';
import { Stream, StreamReader, PollReader, call, judge, pool, until, wholeHistory } from '../lib/client.mjs';
import { startStack } from '../lib/stack.mjs';

let stack;
const sessions = []; // one in each bucket
before(async () => {
  stack = await startStack({ env: { ROOM_HUBS: '1', ROOM_BUCKETS: '4' } });
  const found = new Map();
  await until('a session in each bucket', async () => {
    const s = await stack.session();
    const [key] = (await stack.redis('KEYS', `*conv:${s.id}`)).split('\n');
    found.set(/^\{(\d)\}:/.exec(key)[1], s);
    return found.size === 4;
  });
  sessions.push(...[...found.entries()].sort().map(([bucket, s]) => ({ ...s, bucket })));
});
after(async () => { await stack?.stop(); });

const open = async (s, who, query = '') => { const st = new Stream(stack.base, `${s.path}/events${query}`, { ticket: s.tickets[who], warm: true }); await st.ready(); return st; };
const send = async (s, content, who = 'student') => ok(await stack.as(s.tickets[who]).post(`${s.path}/messages`, { content }), 201);

describe('four buckets', { concurrency: false }, () => {
  test('each session lies in its own, whole', async () => {
    assert.deepEqual(sessions.map((s) => s.bucket), ['0', '1', '2', '3']);
    for (const s of sessions) {
      await send(s, 'here');
      const keys = (await stack.redis('KEYS', `*${s.id}*`)).split('\n').filter((key) => /conv:|:due|:push/.test(key));
      assert.ok(keys.length >= 3);
      assert.deepEqual(keys.filter((key) => !key.startsWith(`{${s.bucket}}:`)), []);
    }
  });
  test('sends in all of them at once reach their own readers, in order, and nobody else', async () => {
    const readers = sessions.flatMap((s) => [new StreamReader(`stream ${s.bucket}`, stack.base, s.id, s.tickets.counselor), new PollReader(`poll ${s.bucket}`, stack.base, s.id, s.tickets.counselor)].map((reader) => ({ s, reader })));
    await until('all of them to have begun', () => readers.every(({ reader }) => reader.begin !== undefined));
    const sent = new Map(sessions.map((s) => [s.id, { sends: [] }]));
    await pool(16, Array.from({ length: 400 }, (_, i) => i), async (i) => {
      const s = sessions[i % 4];
      const m = ok(await stack.as(s.tickets.student).post(`${s.path}/messages`, { content: `${s.id} ${i}`, clientId: `c${i}` }), 201);
      sent.get(s.id).sends.push({ sender: s.student, clientId: `c${i}`, content: `${s.id} ${i}`, acks: [m] });
    });
    for (const s of sessions) {
      const mine = readers.filter((one) => one.s === s).map((one) => one.reader);
      const { messages } = await wholeHistory(stack.base, s.id, s.tickets.student);
      for (const reader of mine) await reader.reached(messages.at(-1).id);
      for (const reader of mine) await reader.stop();
      assert.deepEqual(judge({ senders: [sent.get(s.id)], readers: mine, messages }), { acked: 100, faults: [] });
      assert.ok(mine.every((reader) => reader.seen.every((e) => e.event !== 'message:new' || e.data.conversationId === s.id)));
    }
  });
  test('typing, marks and presence pass in each', async () => {
    await Promise.all(sessions.map(async (s) => {
      const watch = await open(s, 'counselor');
      const tab = await open(s, 'student');
      ok(await stack.as(s.tickets.student).post(`${s.path}/typing`, { isTyping: true }), 204);
      await watch.next((e) => e.event === 'user:typing' && e.data.isTyping);
      const m = await send(s, 'read this', 'counselor');
      await tab.next((e) => e.id === m.cursor);
      ok(await stack.as(s.tickets.student).put(`${s.path}/read`, { upTo: m.id }), 204);
      await watch.next((e) => e.event === 'receipt:read' && e.data.upTo === m.id);
      tab.close();
      await watch.next((e) => e.event === 'presence' && e.data.participant === s.student && !e.data.online, { ms: 20_000 });
      watch.close();
    }));
  });
  test('a stream ticket, a cursor and a poll of each go on where they should', async () => {
    for (const s of sessions) {
      const st = await open(s, 'counselor');
      const first = await send(s, 'before');
      await st.next((e) => e.id === first.cursor);
      st.close();
      const missed = [await send(s, 'missed'), await send(s, 'too')];
      const { ticket } = ok(await stack.as(s.tickets.counselor).post(`${s.path}/stream-ticket`), 201);
      const again = new Stream(stack.base, `${s.path}/events?stream_ticket=${ticket}&after=${first.cursor}`);
      assert.equal((await again.ready()).resumed, true);
      for (const m of missed) await again.next((e) => e.id === m.cursor);
      assert.deepEqual(again.named('message:new').map((e) => e.data.content), ['missed', 'too']);
      const poll = ok(await call(stack.base, 'GET', `${s.path}/poll?wait=0&after=${first.cursor}`, { ticket: s.tickets.counselor }));
      assert.deepEqual(poll.events.filter((e) => e.event === 'message:new').map((e) => e.data.content), ['missed', 'too']);
      again.close();
    }
  });
  test('a hub that died: its readers come back, in every bucket', async () => {
    const readers = sessions.map((s) => new StreamReader(`reader ${s.bucket}`, stack.base, s.id, s.tickets.counselor));
    await until('all of them to have begun', () => readers.every((reader) => reader.begin !== undefined));
    await stack.replaced('hub', stack.kill('hub'));
    const last = await Promise.all(sessions.map((s) => send(s, 'after the hub')));
    await Promise.all(readers.map((reader, i) => reader.reached(last[i].id, 20_000)));
    for (const reader of readers) await reader.stop();
  });
  test('one erased is gone from its bucket, its stream told; the others go on', async () => {
    const [gone, ...others] = sessions;
    const streams = await Promise.all(sessions.map((s) => open(s, 'counselor')));
    ok(await stack.as(gone.tickets.student).delete(gone.path), 204);
    await streams[0].next('session:erased');
    await streams[0].end();
    refused(await stack.as(gone.tickets.student).get(`${gone.path}/messages`), 'GONE');
    assert.deepEqual((await stack.redis('KEYS', `*conv:${gone.id}*`)).split('\n').filter(Boolean), []);
    for (const [i, s] of others.entries()) {
      const m = await send(s, 'still here');
      await streams[i + 1].next((e) => e.id === m.cursor);
      streams[i + 1].close();
    }
  });
});
