// Streams and polls of lasting conversations: one order for everybody, resumable from every place, and nothing for those who are not in it (design §5, §10).
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Raw, Stream, call, dechunk, pool, positionOf, rnd, sleep, until } from '../lib/client.mjs';
import { ok, refused } from '../lib/contract.mjs';
import { verdict, wholeHistory } from '../lib/history.mjs';
import { inboxes, usedUp } from '../lib/inbox.mjs';
import { startStack } from '../lib/stack.mjs';
import { onBoth } from '../worker/helpers.mjs';
import { account, browse } from './accounts.mjs';
import { group, held, listen, open, pollReader, send, streamReader } from './readers.mjs';

const quiet = { ROOM_WORKER: '0' };
const pollOf = async (g, name, query) => ok(await g.as[name].get(`${g.path}/poll?${query}`));

onBoth('streams of lasting conversations', (db) => {
  let stack;
  before(async () => { stack = await startStack({ env: { ...quiet, ...(await db.env()) } }); });
  after(() => stack?.stop());

  test('the beginning says where it stands, and who is not in it finds nothing', async () => {
    const g = await group(stack, ['ann', 'bob']);
    const s = await listen(stack, g, 'bob');
    const { online, ...ready } = s.events[0].data;
    assert.deepEqual(ready, { cursor: g.cursor, resumed: null, expiresAt: null, status: 'active', read: {}, delivered: {} });
    assert.equal(s.events[0].id, g.cursor);
    assert.deepEqual(online, [g.ids.bob]);
    const eve = stack.as(stack.user(`eve_${rnd()}`));
    const unknown = await eve.get('/api/conversations/conv_none/events');
    for (const path of [`${g.path}/events`, `${g.path}/poll`, '/api/conversations/conv_none/poll']) assert.equal((await eve.get(path)).text, unknown.text, path);
    refused(unknown, 'NOT_FOUND');
    refused(await call(stack.base, 'GET', `${g.path}/events`), 'UNAUTHENTICATED');
    refused(await g.as.ann.get(`${g.path}/poll?wait=31`), 'BAD_REQUEST');
    const { student } = (await stack.session()).tickets;
    refused(await stack.as(student).get(`${g.path}/events`), 'NOT_FOUND');
    s.close();
  });

  test('resumed after every entry of a log with edits, deletions and people who come: what follows, as it is now', async () => {
    const g = await group(stack, ['ann', 'bob', 'cleo']);
    const live = await listen(stack, g, 'cleo');
    const said = [];
    for (let i = 0; i < 12; i++) said.push(await send(g, i % 2 ? 'ann' : 'bob', `number ${i}`, i % 3 ? {} : { metadata: { i } }));
    ok(await g.as.bob.patch(`${g.path}/messages/${said[0].id}`, { content: 'changed' }));
    ok(await g.as.ann.delete(`${g.path}/messages/${said[3].id}`), 204);
    ok(await g.as.ann.post(`${g.path}/participants`, { participant: `dora_${rnd()}` }), 201);
    ok(await g.as.ann.put(g.path, { title: 'A title' }));
    const last = await send(g, 'ann', 'the last one', { replyTo: said[5].id });
    await live.next((e) => e.id === last.cursor);
    const told = live.entries.map((e) => e.id);
    assert.equal(told.length, 17);
    told.forEach((c, i) => assert.equal(positionOf(c), positionOf(g.cursor) + 1 + i));
    const names = { [said[3].cursor]: 'message:deleted' };
    for (const [i, cursor] of [g.cursor, ...told].entries()) {
      const s = await listen(stack, g, 'cleo', { lastEventId: cursor });
      assert.deepEqual([s.events[0].data.cursor, s.events[0].data.resumed], [cursor, true]);
      if (i < told.length) await s.next((e) => e.id === last.cursor);
      assert.deepEqual(s.entries.map((e) => e.id), told.slice(i));
      for (const e of s.entries) if (names[e.id]) { assert.equal(e.event, names[e.id]); assert.equal(e.data.content, undefined); }
      const first = s.entries.find((e) => e.id === said[0].cursor);
      if (first) assert.equal(first.data.content, 'changed');
      s.close();
      const p = await pollOf(g, 'cleo', `after=${cursor}&wait=0`);
      assert.deepEqual(p.events.filter((e) => e.id).map((e) => e.id), told.slice(i));
      assert.equal(p.cursor, last.cursor);
    }
    live.close();
  });

  test('a cursor that does not hold is told so, and the stream goes on from the end', async () => {
    const g = await group(stack, ['ann', 'bob']);
    const other = await group(stack, ['ann', 'bob']);
    const m = await send(g, 'ann', 'one');
    await send(other, 'ann', 'one');
    const foreign = (await pollOf(other, 'ann', 'wait=0')).cursor;
    for (const cursor of [foreign, '0-000000000000', `${positionOf(m.cursor) + 5}-aaaaaaaaaaaa`, 'x']) {
      const s = await listen(stack, g, 'bob', { lastEventId: cursor });
      assert.deepEqual([s.events[0].data.resumed, s.events[0].data.cursor], [false, m.cursor], cursor);
      assert.equal((await s.next('reset')).data.cursor, m.cursor);
      const next = await send(g, 'ann', 'goes on');
      assert.equal((await s.next('message:new')).id, next.cursor);
      s.close();
      m.cursor = next.cursor;
    }
  });

  test('who begins amid thousands of messages misses none and sees none twice', async () => {
    const g = await group(stack, ['ann', 'bob', 'cleo', 'dora', 'emil']);
    const readers = [];
    const begin = (name, how) => readers.push(how(stack, g, name));
    begin('bob', streamReader);
    await until('a beginning', () => readers[0].begin !== undefined);
    let n = 0;
    await pool(16, Array.from({ length: 2000 }, (_, i) => i), async (i) => {
      await send(g, ['ann', 'bob', 'cleo'][i % 3], `m${i}`, { clientId: `c${i}` });
      if (++n % 100 === 0) begin(['bob', 'cleo', 'dora', 'emil'][(n / 100) % 4], n % 200 ? streamReader : pollReader);
      if (n % 150 === 0) readers.filter((r) => !r.wait)[n % 5]?.interrupt?.();
    });
    const last = await send(g, 'ann', 'the end');
    await Promise.all(readers.map((r) => r.reached(last.id)));
    await Promise.all(readers.map((r) => r.stop()));
    assert.equal(readers[0].seen.filter((e) => e.event === 'message:new').length, 2001);
    const { messages } = await wholeHistory(stack.base, g.id, g.ticket.ann);
    verdict({ readers, messages });
  });

  test('typing, receipts and presence pass by; a poll takes them along', async () => {
    const g = await group(stack, ['ann', 'bob', 'cleo']);
    const s = await listen(stack, g, 'bob');
    const m = await send(g, 'ann', 'hi');
    ok(await g.as.ann.post(`${g.path}/typing`, { isTyping: true }), 204);
    const t = await s.next('user:typing');
    assert.deepEqual(t.data, { participant: g.ids.ann, role: 'admin', isTyping: true });
    assert.equal(t.id, undefined);
    await s.next((e) => e.event === 'user:typing' && !e.data.isTyping, { ms: 8000 });
    const mine = await listen(stack, g, 'ann');
    ok(await g.as.bob.put(`${g.path}/read`, { upTo: m.id }), 204);
    assert.equal((await mine.next('receipt:read')).data.upTo, m.id);
    const again = await listen(stack, g, 'ann');
    assert.deepEqual([again.events[0].data.read, again.events[0].data.delivered], [{ [g.ids.bob]: m.id }, { [g.ids.bob]: m.id }]);
    assert.deepEqual(again.events[0].data.online.sort(), [g.ids.ann, g.ids.bob].sort());
    mine.close();
    again.close();
    const waiting = pollOf(g, 'cleo', `after=${m.cursor}&wait=20`);
    await until('the poll to wait', async () => (await held(stack, g, 'cleo')) === 1);
    ok(await g.as.bob.post(`${g.path}/typing`, { isTyping: true }), 204);
    const next = await send(g, 'bob', 'there');
    assert.deepEqual((await waiting).events.filter((e) => e.id).map((e) => e.id), [next.cursor]);
    s.close();
  });

  test('a removed member’s streams and polls end at once, on every hub; the others go on', async () => {
    const g = await group(stack, ['ann', 'bob', 'cleo']);
    const tabs = await Promise.all(Array.from({ length: 4 }, () => listen(stack, g, 'bob')));
    const stays = await listen(stack, g, 'cleo');
    const waiting = pollOf(g, 'bob', `after=${g.cursor}&wait=25`);
    await until('the poll to wait', async () => (await held(stack, g, 'bob')) === 5);
    ok(await g.as.ann.delete(`${g.path}/participants/${g.ids.bob}`), 204);
    await Promise.all(tabs.map((s) => s.end({ ms: 12_000 })));
    for (const s of tabs) assert.equal(s.events.at(-1).data.participant, g.ids.bob);
    assert.equal((await waiting).events.at(-1).event, 'user:left');
    refused(await g.as.bob.get(`${g.path}/events`), 'NOT_FOUND');
    refused(await g.as.bob.get(`${g.path}/poll?after=${g.cursor}`), 'NOT_FOUND');
    const m = await send(g, 'ann', 'without him');
    assert.equal((await stays.next('message:new')).id, m.cursor);
    assert.ok(!tabs.some((s) => s.events.some((e) => e.event === 'message:new')));
    ok(await g.as.ann.post(`${g.path}/participants`, { participant: g.ids.bob }), 201);
    const back = await listen(stack, g, 'bob', { lastEventId: g.cursor });
    await send(g, 'ann', 'with him again');
    await back.next((e) => e.data.content === 'with him again');
    for (const s of [stays, back]) s.close();
  });

  test('an erased conversation: told, ended, and gone', async () => {
    const g = await group(stack, ['ann', 'bob']);
    const s = await listen(stack, g, 'bob');
    const waiting = pollOf(g, 'bob', `after=${g.cursor}&wait=25`);
    await until('both to be held', async () => (await held(stack, g, 'bob')) === 2);
    ok(await g.as.ann.delete(g.path), 204);
    await s.next('conversation:erased');
    await s.end({ ms: 12_000 });
    assert.equal((await waiting).events.at(-1).event, 'conversation:erased');
    refused(await g.as.bob.get(`${g.path}/events`), 'NOT_FOUND');
    refused(await g.as.bob.get(`${g.path}/poll`), 'NOT_FOUND');
  });

  test('one thread only: its messages and what became of them, and what concerns all', async () => {
    const g = await group(stack, ['ann', 'bob']);
    const t = ok(await g.as.ann.post(`${g.path}/threads`, { title: 'aside' }), 201);
    const s = await listen(stack, g, 'bob', { query: `?thread=${t.id}` });
    const all = await listen(stack, g, 'bob');
    await send(g, 'ann', 'in the open');
    const inside = await send(g, 'ann', 'inside', { threadId: t.id });
    const open1 = await send(g, 'ann', 'in the open again');
    await s.next((e) => e.id === inside.cursor); // as it was: later it is told as it is then
    ok(await g.as.ann.patch(`${g.path}/messages/${inside.id}`, { content: 'inside, changed' }));
    ok(await g.as.ann.delete(`${g.path}/messages/${open1.id}`), 204);
    const other = ok(await g.as.ann.post(`${g.path}/threads`, { title: 'another' }), 201);
    await send(g, 'bob', 'elsewhere', { threadId: other.id });
    const last = await send(g, 'bob', 'the end', { threadId: t.id });
    await s.next((e) => e.id === last.cursor);
    await all.next((e) => e.id === last.cursor);
    assert.deepEqual(s.entries.map((e) => [e.event, e.data.content ?? e.data.title]), [['message:new', 'inside'], ['message:edited', 'inside, changed'], ['thread:created', 'another'], ['message:new', 'the end']]);
    assert.equal(all.entries.length, 8);
    const p = await pollOf(g, 'bob', `thread=${t.id}&wait=0&after=${s.events[0].data.cursor}`);
    assert.deepEqual(p.events.filter((e) => e.id).map((e) => e.id), s.entries.map((e) => e.id));
    await send(g, 'ann', 'in the open at last');
    const quietPoll = await pollOf(g, 'bob', `thread=${t.id}&wait=1&after=${p.cursor}`);
    assert.deepEqual(quietPoll.events.filter((e) => e.id), []);
    assert.equal(positionOf(quietPoll.cursor), positionOf(p.cursor) + 1);
    refused(await g.as.bob.get(`${g.path}/events?thread=t999`), 'NOT_FOUND');
    refused(await g.as.bob.get(`${g.path}/events?thread=a%20b`), 'NOT_FOUND');
    s.close();
    all.close();
  });

  test('an account streams by its login cookie; logging out ends it', async () => {
    const a = await account(stack);
    const g = await group(stack, ['ann', 'bob']);
    ok(await g.as.ann.post(`${g.path}/participants`, { participant: a.id }), 201);
    const headers = { Cookie: a.cookie.pair, Origin: stack.base };
    const [s, feed, bearer] = await Promise.all([open(stack, `${g.path}/events`, undefined, { headers }), open(stack, '/api/events', undefined, { headers }), open(stack, `${g.path}/events`, a.token)]);
    const m = await send(g, 'ann', 'hello');
    for (const x of [s, feed, bearer]) assert.equal((await x.next('message:new')).data.cursor, m.cursor);
    ok(await browse(stack, [a.cookie.pair], 'POST', '/auth/logout', {}), 204);
    await Promise.all([s, feed, bearer].map((x) => x.end({ ms: 12_000 })));
    const late = new Stream(stack.base, `${g.path}/events`, { headers });
    await late.opened;
    assert.equal(late.status, 401);
  });

  test('a stream ticket opens one stream, once; its cookie lets EventSource come back', async () => {
    const g = await group(stack, ['ann', 'bob']);
    const { ticket } = ok(await g.as.bob.post(`${g.path}/stream-ticket`, {}), 201);
    const s = await open(stack, `${g.path}/events?stream_ticket=${ticket}`);
    const cookie = [].concat(s.headers['set-cookie']).map((c) => c.split(';')[0]);
    const m = await send(g, 'ann', 'hello');
    assert.equal((await s.next('message:new')).id, m.cursor);
    s.close();
    const again = new Stream(stack.base, `${g.path}/events?stream_ticket=${ticket}`);
    await again.opened;
    assert.equal(again.status, 401);
    const back = await open(stack, `${g.path}/events?stream_ticket=${ticket}`, undefined, { lastEventId: g.cursor, headers: { Cookie: cookie.join('; ') } });
    assert.equal((await back.next('message:new')).id, m.cursor);
    back.close();
    const feedTicket = ok(await g.as.bob.post('/api/stream-ticket', {}), 201).ticket;
    const wrong = new Stream(stack.base, `${g.path}/events?stream_ticket=${feedTicket}`);
    await wrong.opened;
    assert.equal(wrong.status, 401);
    const other = ok(await g.as.bob.post('/api/stream-ticket', {}), 201).ticket;
    const feed = await open(stack, `/api/events?stream_ticket=${other}`);
    const n = await send(g, 'ann', 'again');
    await feed.next((e) => e.data.cursor === n.cursor);
    feed.close();
  });
});

describe('news of lasting conversations that got lost', { concurrency: 2 }, () => {
  const withStack = async (run) => {
    const stack = await startStack({ env: { ...quiet, ROOM_HUBS: '1' } });
    try { await run(stack); } finally { await stack.stop(); }
  };

  test('a hub that stood still while somebody was removed: his streams end, and he reads no further', () => withStack(async (stack) => {
    const g = await group(stack, ['ann', 'bob', 'cleo']);
    const [bob, cleo] = [await listen(stack, g, 'bob'), await listen(stack, g, 'cleo')];
    for (const lose of [false, true]) {
      const who = lose ? 'cleo' : 'bob';
      const pid = stack.kill('hub', 'SIGSTOP');
      const inbox = await usedUp(stack, async () => ok(await g.as.ann.post(`${g.path}/typing`, { isTyping: true }), 204));
      ok(await g.as.ann.delete(`${g.path}/participants/${g.ids[who]}`), 204);
      await send(g, 'ann', `not for ${who}`);
      if (lose) await stack.redis('EVAL', "redis.call('DEL', KEYS[1]) return redis.call('RPUSH', KEYS[1], '\\no')", 1, inbox);
      process.kill(pid, 'SIGCONT');
      await (lose ? cleo : bob).end({ ms: 12_000 });
    }
    assert.ok(!bob.events.some((e) => e.data.content === 'not for bob'));
    assert.ok(!cleo.events.some((e) => e.data.content === 'not for cleo'));
    refused(await g.as.bob.get(`${g.path}/events`), 'NOT_FOUND');
  }));

  test('news of an erasure that got lost: who reads on is told why it ends', () => withStack(async (stack) => {
    const g = await group(stack, ['ann', 'bob', 'cleo']);
    const readers = [await listen(stack, g, 'bob'), await listen(stack, g, 'cleo')];
    const pid = stack.kill('hub', 'SIGSTOP');
    try {
      const inbox = await usedUp(stack, async () => ok(await g.as.ann.post(`${g.path}/typing`, { isTyping: true }), 204));
      ok(await g.as.ann.delete(g.path), 204);
      await stack.redis('EVAL', "redis.call('DEL', KEYS[1]) return redis.call('RPUSH', KEYS[1], '\\no')", 1, inbox);
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    for (const s of readers) {
      await s.end({ ms: 12_000 });
      assert.equal(s.events.at(-1).event, 'conversation:erased');
    }
  }));

  test('an inbox that ran over, and a connection that broke: everybody has everything once', () => withStack(async (stack) => {
    const g = await group(stack, ['ann', 'bob', 'cleo']);
    const readers = [streamReader(stack, g, 'bob', g.cursor), pollReader(stack, g, 'cleo', g.cursor)];
    await send(g, 'ann', 'first');
    await Promise.all(readers.map((r) => r.reached(2)));
    const pid = stack.kill('hub', 'SIGSTOP');
    await pool(8, Array.from({ length: 300 }, (_, i) => i), (i) => send(g, 'ann', `m${i}`));
    await stack.redis('EVAL', "redis.call('DEL', KEYS[1]) return redis.call('RPUSH', KEYS[1], '\\no')", 1, await until('an inbox', async () => (await inboxes(stack))[0]));
    process.kill(pid, 'SIGCONT');
    const half = await send(g, 'ann', 'half');
    await Promise.all(readers.map((r) => r.reached(half.id)));
    const blocked = (await stack.redis('CLIENT', 'LIST')).split('\n').filter((c) => /cmd=blmpop/.test(c));
    for (const c of blocked) await stack.redis('CLIENT', 'KILL', 'ID', /\bid=(\d+)/.exec(c)[1]);
    const last = await send(g, 'ann', 'last');
    await Promise.all(readers.map((r) => r.reached(last.id)));
    await Promise.all(readers.map((r) => r.stop()));
    verdict({ readers, messages: (await wholeHistory(stack.base, g.id, g.ticket.ann)).messages });
  }));

  test('a slow reader is never waited for, and comes back to all of it', () => withStack(async (stack) => {
    const g = await group(stack, ['ann', 'bob']);
    const raw = new Raw(stack.base, { highWaterMark: 4096 });
    await raw.write(`GET ${g.path}/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${g.ticket.bob}\r\n\r\n`);
    const n = 600;
    await until('its beginning', async () => (await held(stack, g, 'bob')) === 1);
    await pool(8, Array.from({ length: n }, (_, i) => i), (i) => send(g, 'ann', `${i} ${'y'.repeat(16_000)}`));
    const quick = await listen(stack, g, 'bob');
    const m = await send(g, 'ann', 'quick');
    assert.equal((await quick.next('message:new', { ms: 12_000 })).id, m.cursor);
    quick.close();
    raw.read();
    await until('the slow one to be let go', () => raw.ended);
    const text = dechunk(raw.buffer.subarray(raw.buffer.indexOf('\r\n\r\n') + 4)).body.toString();
    const cursor = [...text.matchAll(/^id: (\S+)\n(?:.+\n)+\n/gm)].at(-1)[1];
    const rest = await listen(stack, g, 'bob', { lastEventId: cursor });
    await rest.next((e) => e.id === m.cursor, { ms: 20_000 });
    rest.entries.forEach((e, i) => assert.equal(positionOf(e.id), positionOf(cursor) + 1 + i));
    rest.close();
  }));
});
