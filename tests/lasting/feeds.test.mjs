// A user's feed: everything new in all of his conversations on one stream, resumable by its cursor (design §3).
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { call, pool, positionOf, rnd, sleep, until } from '../lib/client.mjs';
import { ok, refused } from '../lib/contract.mjs';
import { startStack } from '../lib/stack.mjs';
import { onBoth } from '../worker/helpers.mjs';
import { FeedReader, group, open, send, wholeLog } from './readers.mjs';

const quiet = { ROOM_WORKER: '0' };
const feedOf = (stack, ticket, options) => open(stack, '/api/events', ticket, options);
const key = (e) => `${e.event} ${e.data.id ?? e.data.participant ?? e.data.title ?? ''}`;

// Conversations of one person with some others: as group(), but `me` is the same in all.
async function conversations(stack, n, { me = `me_${rnd()}`, others = 3 } = {}) {
  const friends = Array.from({ length: others }, (_, i) => `f${i}_${rnd()}`);
  const all = await pool(8, Array.from({ length: n }, (_, i) => i), async (i) => {
    const ids = [me, friends[i % others]];
    const made = ok(await stack.as(stack.user(me)).post('/api/conversations', { type: 'group', title: `c${i}`, participants: [ids[1]] }), 201);
    const g = { id: made.id, path: `/api/conversations/${made.id}`, cursor: made.cursor, ids: { me, friend: ids[1] }, ticket: { me: stack.user(me), friend: stack.user(ids[1]) } };
    g.as = { me: stack.as(g.ticket.me), friend: stack.as(g.ticket.friend) };
    return g;
  });
  return { me, ticket: stack.user(me), all };
}

// What the feed showed of each conversation is its log, in order, each entry once.
async function judge(stack, world, reader) {
  const faults = [];
  for (const g of world.all) {
    const log = (await wholeLog(stack, g.path, world.ticket, g.cursor)).map(key);
    const seen = reader.seen.filter((e) => e.data.conversationId === g.id && e.id !== undefined && e.event !== 'conversation:created').map(key);
    if (JSON.stringify(seen) !== JSON.stringify(log)) faults.push(`${g.id}: the feed showed ${seen.join(', ')}; the log has ${log.join(', ')}`);
  }
  const places = reader.seen.filter((e) => e.id).map((e) => positionOf(e.id));
  places.forEach((p, i) => { if (i > 0 && p <= places[i - 1]) faults.push(`place ${p} after ${places[i - 1]}`); });
  assert.deepEqual(faults.slice(0, 5), [], `${faults.length} faults`);
}

onBoth('feeds', (db) => {
  let stack;
  before(async () => { stack = await startStack({ env: { ...quiet, ...(await db.env()) } }); });
  after(() => stack?.stop());

  test('sixty conversations at random, over breaks at random: the feed is the union of their logs', async () => {
    const me = `me_${rnd()}`;
    const ticket = stack.user(me);
    const readers = [new FeedReader(stack, ticket, { breakAt: () => Math.random() < 0.1 }), new FeedReader(stack, ticket, { poll: true }), new FeedReader(stack, ticket)];
    await until('feeds to begin', () => readers.every((r) => r.cursor !== undefined));
    const world = await conversations(stack, 60, { me });
    const said = [];
    await pool(8, Array.from({ length: 500 }, (_, i) => i), async (i) => {
      const g = world.all[Math.floor(Math.random() * 60)];
      if (i % 7 === 3 && said.length > 5) {
        const m = said[Math.floor(Math.random() * said.length)];
        ok(await m.g.as.friend.patch(`${m.g.path}/messages/${m.id}`, { content: `changed ${i}` }));
      } else if (i % 3) {
        said.push({ g, ...(await send(g, 'friend', `m${i}`)) });
      } else {
        await send(g, 'me', `m${i}`);
      }
    });
    const last = [];
    for (const g of world.all) last.push(await send(g, 'friend', 'the last one'));
    for (const r of readers) {
      for (const m of last) await r.has(m);
      await r.stop();
      assert.equal(r.resets, 0);
      await judge(stack, world, r);
    }
    assert.ok(readers[0].breaks >= 3, `${readers[0].breaks} breaks`);
  });

  test('what it tells: messages as they are now, who comes and goes, unread counts, what was erased', async () => {
    const g = await group(stack, ['ann', 'bob', 'cleo']);
    const s = await feedOf(stack, g.ticket.bob);
    const m = await send(g, 'ann', 'one');
    const e = await s.next((x) => x.data.cursor === m.cursor);
    assert.deepEqual(e.data, m);
    assert.notEqual(e.id, undefined);
    await send(g, 'ann', 'two');
    await s.next((x) => x.data.content === 'two');
    ok(await g.as.bob.put(`${g.path}/read`, { upTo: m.id }), 204);
    assert.deepEqual((await s.next('unread')).data, { conversationId: g.id, unread: 1 });
    const anns = await feedOf(stack, g.ticket.ann);
    for (const muted of [true, false]) {
      ok(await g.as.bob.put(`${g.path}/mute`, { muted }), 204);
      assert.equal((await s.next((x) => x.event === 'muted' && x.data.muted === muted)).data.conversationId, g.id);
    }
    ok(await g.as.cleo.delete(`${g.path}/participants/${g.ids.cleo}`), 204);
    await anns.next('user:left');
    assert.deepEqual(anns.named('muted'), [], 'that is nobody else’s business');
    anns.close();
    const left = await s.next('user:left');
    assert.deepEqual([left.data.conversationId, left.data.participant], [g.id, g.ids.cleo]);
    const late = await feedOf(stack, g.ticket.bob, { lastEventId: e.id });
    await late.next('user:left');
    assert.deepEqual(late.entries.map(key), s.entries.slice(s.entries.indexOf(e) + 1).map(key));
    ok(await g.as.ann.delete(`${g.path}/messages/${m.id}`), 204);
    await s.next('message:deleted');
    const after = await feedOf(stack, g.ticket.bob, { lastEventId: s.events[0].data.cursor });
    const first = await after.next((x) => x.data.id === m.id);
    assert.deepEqual([first.event, first.data.content], ['message:deleted', undefined], 'nothing of what was deleted');
    const cursor = s.lastId;
    ok(await g.as.ann.delete(g.path), 204);
    assert.equal((await s.next('conversation:erased')).data.conversationId, g.id);
    assert.equal((await late.next('conversation:erased')).data.conversationId, g.id);
    for (const from of [cursor, s.events[0].data.cursor]) {
      const again = await feedOf(stack, g.ticket.bob, { lastEventId: from });
      assert.equal((await again.next('conversation:erased')).data.conversationId, g.id);
      assert.deepEqual(again.named('message:new').filter((x) => x.data.conversationId === g.id), []);
      again.close();
    }
    for (const x of [s, late, after]) x.close();
  });

  test('who is removed is told of that, and of nothing after it; whoever is no member hears nothing', async () => {
    const g = await group(stack, ['ann', 'bob']);
    const eve = await feedOf(stack, stack.user(`eve_${rnd()}`));
    const s = await feedOf(stack, g.ticket.bob);
    const start = s.events[0].data.cursor;
    await send(g, 'ann', 'before');
    ok(await g.as.ann.delete(`${g.path}/participants/${g.ids.bob}`), 204);
    await s.next((e) => e.event === 'user:left' && e.data.participant === g.ids.bob);
    await send(g, 'ann', 'after');
    const other = await group(stack, ['ann', 'bob']);
    ok(await stack.as(other.ticket.ann).post(`${other.path}/participants`, { participant: g.ids.bob }), 201);
    await s.next((e) => e.data.conversationId === other.id);
    assert.ok(!s.events.some((e) => e.data.content === 'after'));
    const again = await feedOf(stack, g.ticket.bob, { lastEventId: start });
    await again.next((e) => e.data.conversationId === other.id);
    assert.deepEqual(again.entries.filter((e) => e.data.conversationId === g.id).map((e) => e.event), ['user:left'], 'what he may not see any more is not shown again');
    assert.deepEqual(eve.entries, []);
    refused(await call(stack.base, 'GET', '/api/events'), 'UNAUTHENTICATED');
    refused(await stack.as((await stack.session()).tickets.student).get('/api/events'), 'FORBIDDEN');
    for (const x of [eve, s, again]) x.close();
  });

  test('tabs and phones of one person on both hubs; polls wait, and take along what passes', async () => {
    const g = await group(stack, ['ann', 'bob']);
    const tabs = await Promise.all(Array.from({ length: 6 }, () => feedOf(stack, g.ticket.bob)));
    const sign = await send(g, 'ann', 'a sign'); // a feed that is new may begin a moment before it was asked for
    for (const t of tabs) await t.next((e) => e.data.cursor === sign.cursor);
    const { cursor } = ok(await g.as.bob.get('/api/poll'));
    const polls = [1, 2, 3].map(() => g.as.bob.get(`/api/poll?after=${cursor}&wait=20`));
    const m = await send(g, 'ann', 'for all');
    for (const t of tabs) await t.next((e) => e.data.cursor === m.cursor);
    for (const p of await Promise.all(polls)) {
      const { events, cursor: next } = ok(p);
      assert.deepEqual(events.filter((e) => e.id).map((e) => e.data.cursor), [m.cursor]);
      assert.deepEqual(ok(await g.as.bob.get(`/api/poll?after=${next}&wait=0`)).events.filter((e) => e.id), []);
    }
    for (const t of tabs) t.close();
  });

  test('conversations of very many people: told while the feed is open, without a cursor; afterwards, how much is unread', async () => {
    const g = await group(stack, ['ann', 'bob', 'cleo']);
    const crowd = Array.from({ length: 205 }, (_, i) => `x${i}_${g.id.slice(-8)}`);
    await pool(8, crowd, async (participant) => ok(await g.as.ann.post(`${g.path}/participants`, { participant }), 201));
    const s = await feedOf(stack, g.ticket.bob);
    const first = await send(g, 'ann', 'may be there before it is known which conversations are his: then it is among what is unread');
    await s.next((e) => e.data.cursor === first.cursor || (e.event === 'unread' && e.data.conversationId === g.id && e.data.unread === 1));
    const said = [];
    for (let i = 0; i < 5; i++) said.push(await send(g, 'ann', `to all ${i}`));
    await s.next((e) => e.data.cursor === said[4].cursor);
    const shown = s.named('message:new').filter((e) => e.data.id > first.id);
    assert.deepEqual(shown.map((e) => [e.id, e.data.cursor]), said.map((m) => [undefined, m.cursor]));
    const small = await group(stack, ['dora', 'emil']);
    ok(await small.as.dora.post(`${small.path}/participants`, { participant: g.ids.bob }), 201);
    const e = await s.next((x) => x.data.conversationId === small.id);
    assert.notEqual(e.id, undefined);
    s.close();
    const missed = await send(g, 'ann', 'while he was away');
    const back = await feedOf(stack, g.ticket.bob, { lastEventId: e.id });
    const { data } = await back.next('unread');
    assert.equal(data.conversationId, g.id);
    assert.ok(data.unread >= 7, `${data.unread}`);
    const { cursor } = ok(await g.as.bob.get(`/api/poll?after=${e.id}`));
    const phone = ok(await g.as.bob.get(`/api/poll?after=${cursor}&wait=1`)).events.filter((x) => x.event === 'unread');
    assert.deepEqual(phone.map((x) => x.data), [data], 'a phone is told, too, what came between its polls');
    ok(await g.as.ann.delete(`${g.path}/participants/${g.ids.bob}`), 204);
    await back.next((x) => x.event === 'user:left' && x.data.participant === g.ids.bob);
    await send(g, 'ann', 'without him');
    const cleo = await feedOf(stack, g.ticket.cleo);
    await cleo.next('unread'); // from here on it is known which conversations are hers
    const last = await send(g, 'ann', 'the last one');
    await cleo.next((x) => x.data.cursor === last.cursor);
    ok(await g.as.ann.delete(g.path), 204);
    assert.equal((await cleo.next('conversation:erased')).data.conversationId, g.id);
    assert.ok(!back.events.some((x) => ['without him', 'the last one'].includes(x.data.content)));
    assert.ok(missed.id);
    back.close();
    cleo.close();
  });

  test('more than a feed holds: who comes too late is told to load anew', async () => {
    const g = await group(stack, ['ann', 'bob']);
    const s = await feedOf(stack, g.ticket.bob);
    const first = await send(g, 'ann', 'first');
    const early = (await s.next((e) => e.data.cursor === first.cursor)).id;
    await pool(16, Array.from({ length: 1100 }, (_, i) => i), (i) => send(g, 'ann', `m${i}`));
    const last = await send(g, 'ann', 'last');
    await s.next((e) => e.data.cursor === last.cursor, { ms: 20_000 });
    assert.equal(s.named('message:new').length, 1102, 'who was there has all of it');
    const late = await feedOf(stack, g.ticket.bob, { lastEventId: early });
    assert.equal(late.events[0].data.resumed, false);
    await late.next('reset');
    const next = await send(g, 'ann', 'goes on');
    await late.next((e) => e.data.cursor === next.cursor);
    await s.next((e) => e.data.cursor === next.cursor);
    const middle = s.entries.at(-501).id;
    const resumed = await feedOf(stack, g.ticket.bob, { lastEventId: middle });
    assert.equal(resumed.events[0].data.resumed, true);
    await resumed.next((e) => e.data.cursor === next.cursor);
    assert.equal(resumed.entries.length, 500);
    for (const cursor of ['0-000000000000', '999999-aaaaaaaaaaaa', 'nonsense']) {
      const { events } = ok(await g.as.bob.get(`/api/poll?after=${cursor}&wait=20`));
      assert.deepEqual(events.slice(0, 2).map((e) => e.event), ['ready', 'reset'], cursor);
    }
    for (const x of [s, late, resumed]) x.close();
  });
});

describe('feeds over breaks', () => {
  test('hubs killed and halted again and again: nothing lost, nothing twice', async () => {
    const stack = await startStack({ env: quiet });
    try {
      const me = `me_${rnd()}`;
      const ticket = stack.user(me);
      const readers = [new FeedReader(stack, ticket), new FeedReader(stack, ticket, { poll: true })];
      await until('feeds to begin', () => readers.every((r) => r.cursor !== undefined));
      const world = await conversations(stack, 10, { me });
      let going = true;
      const killer = (async () => {
        for (let i = 0; going; i++) {
          await sleep(400);
          const pid = stack.kill('hub', 'SIGKILL', i % 2);
          await until('two hubs', () => { const { hub } = stack.children(); return hub.length === 2 && !hub.includes(pid); });
        }
      })();
      const end = performance.now() + 6000;
      for (let i = 0; performance.now() < end; i++) await pool(4, [1, 2, 3, 4], () => send(world.all[Math.floor(Math.random() * 10)], i % 2 ? 'me' : 'friend', `m${i}`));
      going = false;
      await killer;
      const last = [];
      for (const g of world.all) last.push(await send(g, 'friend', 'the last one'));
      for (const r of readers) {
        for (const m of last) await r.has(m);
        await r.stop();
        assert.equal(r.resets, 0);
        await judge(stack, world, r);
      }
      assert.ok(readers.some((r) => r.breaks > 3 && r.problems.length + r.breaks > 3));
    } finally {
      await stack.stop();
    }
  });
});
