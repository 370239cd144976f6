// Lasting conversations without Redis (design §10, G): streams and feeds begin and go on from SQL, and when Redis is back nobody lacks anything.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Stream, call, positionOf, rnd, sleep, until } from '../lib/client.mjs';
import { ok, refused } from '../lib/contract.mjs';
import { verdict, wholeHistory } from '../lib/history.mjs';
import { inboxes, usedUp } from '../lib/inbox.mjs';
import { startStack } from '../lib/stack.mjs';
import { onBoth, rows } from '../worker/helpers.mjs';
import { FeedReader, group, listen, open, openFeed, pollReader, send, streamReader } from './readers.mjs';

const quiet = { ROOM_WORKER: '0' };
const names = ['ann', 'bob', 'cleo', 'dora', 'emil'];

// A sender that goes on through everything: resends with the same clientId until it is answered.
async function insist(g, name, content, clientId) {
  return until(`${content} to be sent`, async () => {
    const r = await g.as[name].post(`${g.path}/messages`, { content, clientId }, { timeout: 8000 });
    return (r.status === 201 || r.status === 200) && r.json;
  }, { ms: 30_000, every: 50 });
}

// Redis is there and takes nothing more: its memory is full.
async function full(stack, fn) {
  await stack.redis('CONFIG', 'SET', 'maxmemory', '1');
  try { return await fn(); } finally { await stack.redis('CONFIG', 'SET', 'maxmemory', '0'); }
}

// Redis stands still while fn runs.
async function away(stack, fn) {
  const pid = stack.kill('redis', 'SIGSTOP');
  try { return await fn(); } finally { process.kill(pid, 'SIGCONT'); }
}

onBoth('without Redis', (db) => {
  let stack;
  before(async () => { stack = await startStack({ env: { ...quiet, ...(await db.env()) } }); });
  after(() => stack?.stop());

  test('Redis killed and back in the middle of a group chat: five readers have every message once, in one order', async () => {
    const g = await group(stack, names);
    const readers = names.map((n, i) => (i % 2 ? pollReader : streamReader)(stack, g, n, g.cursor));
    const feed = new FeedReader(stack, g.ticket.bob);
    await until('the feed to begin', () => feed.cursor !== undefined);
    let going = true;
    let n = 0;
    const senders = names.map((name) => (async () => { while (going) await insist(g, name, `m${n}`, `c${n++}`); })());
    for (let i = 0; i < 3; i++) {
      await sleep(700);
      const pid = stack.kill('redis', 'SIGKILL');
      await stack.replaced('redis', pid);
    }
    await sleep(700);
    going = false;
    await Promise.all(senders);
    const last = await insist(g, 'ann', 'the last one', 'last');
    await Promise.all(readers.map((r) => r.reached(last.id)));
    await Promise.all(readers.map((r) => r.stop()));
    const { messages } = await wholeHistory(stack.base, g.id, g.ticket.ann);
    assert.equal(messages.length, n + 1);
    verdict({ readers, messages });
    for (const r of readers) assert.equal(r.resets.length, 0);
    await until('the feed to have what history has', () => feed.resets > 0 || messages.every((m) => feed.seen.some((e) => e.data.id === m.id)), { ms: 20_000 });
    await feed.stop();
  });

  test('while it is away: streams, polls and feeds begin and are told within moments; back again, they go on', async () => {
    const g = await group(stack, ['ann', 'bob', 'cleo']);
    const s = await listen(stack, g, 'bob');
    const f = await openFeed(stack, g.ticket.bob);
    const before = await send(g, 'ann', 'before');
    await s.next((e) => e.id === before.cursor);
    const fed = await f.next((e) => e.data.cursor === before.cursor);
    const during = [];
    await away(stack, async () => {
      for (let i = 0; i < 3; i++) during.push(await insist(g, 'ann', `during ${i}`, `d${i}_${rnd()}`));
      await s.next((e) => e.id === during[2].cursor, { ms: 12_000 });
      const told = await f.next((e) => e.data.cursor === during[2].cursor, { ms: 12_000 });
      assert.equal(told.id, undefined, 'on feeds without a cursor');
      const late = await listen(stack, g, 'cleo', { lastEventId: g.cursor });
      await late.next((e) => e.id === during[2].cursor);
      const p = ok(await g.as.cleo.get(`${g.path}/poll?after=${before.cursor}&wait=5`));
      assert.deepEqual(p.events.filter((e) => e.id).map((e) => e.id), during.map((m) => m.cursor));
      const feed = await open(stack, '/api/events', g.ticket.cleo);
      assert.equal(feed.events[0].data.resumed, null);
      const more = await insist(g, 'bob', 'more', `more_${rnd()}`);
      during.push(more);
      await Promise.all([late.next((e) => e.id === more.cursor), feed.next((e) => e.data.cursor === more.cursor), s.next((e) => e.id === more.cursor)]);
      ok(await g.as.bob.patch(`${g.path}/messages/${more.id}`, { content: 'changed' }));
      await late.next('message:edited');
      late.close();
      feed.close();
    });
    const afterwards = await insist(g, 'ann', 'afterwards', `a_${rnd()}`);
    await s.next((e) => e.id === afterwards.cursor);
    await until('feeds to have cursors again', async () => {
      const m = await insist(g, 'ann', 'a sign', `s_${rnd()}`);
      return (await f.next((e) => e.data.cursor === m.cursor)).id !== undefined;
    });
    const entries = s.entries.map((e) => positionOf(e.id));
    entries.forEach((p, i) => { if (i > 0) assert.equal(p, entries[i - 1] + 1); });
    const shown = f.events.filter((e) => e.event === 'message:new').map((e) => e.data.cursor);
    assert.equal(new Set(shown).size, shown.length, `nothing twice: ${shown}`);
    for (const m of during) assert.ok(shown.includes(m.cursor));
    const again = await open(stack, '/api/events', g.ticket.bob, { lastEventId: fed.id });
    if (again.events[0].data.resumed) {
      await again.next((e) => e.data.cursor === afterwards.cursor);
      for (const m of during) assert.ok(again.events.some((e) => e.data.cursor === m.cursor), 'what was told without a cursor is in the feed');
    } else {
      await again.next('reset');
    }
    for (const x of [s, f, again]) x.close();
  });

  test('who is removed while it is away reads no further; what is erased ends', async () => {
    const g = await group(stack, ['ann', 'bob', 'cleo']);
    const [bob, cleo] = [await listen(stack, g, 'bob'), await listen(stack, g, 'cleo')];
    const feed = await openFeed(stack, g.ticket.bob);
    await away(stack, async () => {
      await until('him to be removed', async () => [204, 404].includes((await g.as.ann.delete(`${g.path}/participants/${g.ids.bob}`)).status), { ms: 20_000 });
      await bob.end({ ms: 12_000 });
      await feed.next((e) => e.event === 'user:left' && e.data.participant === g.ids.bob, { ms: 12_000 });
      const m = await insist(g, 'ann', 'without him', `w_${rnd()}`);
      await cleo.next((e) => e.id === m.cursor, { ms: 12_000 });
      refused(await g.as.bob.get(`${g.path}/poll?after=${g.cursor}`), 'NOT_FOUND');
      await until('it to be erased', async () => [204, 404].includes((await g.as.ann.delete(g.path)).status), { ms: 20_000 });
      await cleo.next('conversation:erased', { ms: 12_000 });
      await cleo.end();
    });
    assert.ok(![...bob.events, ...feed.events].some((e) => e.data.content === 'without him'));
    const late = new Stream(stack.base, `${g.path}/events`, { ticket: g.ticket.cleo });
    await late.opened;
    assert.equal(late.status, 404);
    feed.close();
  });
});

describe('a Redis that is full', () => {
  let stack;
  before(async () => { stack = await startStack({ env: quiet }); });
  after(() => stack?.stop());

  test('what is open is told within moments, and nobody is told that all is well', async () => {
    const g = await group(stack, ['ann', 'bob']);
    const s = await listen(stack, g, 'bob');
    const f = await open(stack, '/api/events', g.ticket.bob);
    const before = await send(g, 'ann', 'before');
    await s.next((e) => e.id === before.cursor);
    await f.next((e) => e.data.cursor === before.cursor);
    const health = async () => ok(await call(stack.base, 'GET', '/health', { agent: false }));
    await full(stack, async () => {
      const during = await insist(g, 'ann', 'during', `d_${rnd()}`);
      await s.next((e) => e.id === during.cursor, { ms: 12_000 });
      await f.next((e) => e.data.cursor === during.cursor, { ms: 12_000 });
      const { status, redis, works } = await health();
      assert.deepEqual([status, redis, works], ['degraded', 'away', ['conversations', 'streams that look each second']]);
    });
    await until('the service to be well again', async () => (await health()).status === 'ok');
    const afterwards = await insist(g, 'ann', 'afterwards', `a_${rnd()}`);
    await s.next((e) => e.id === afterwards.cursor);
    s.close();
    f.close();
  });
});

describe('news that Redis took and could not hand on', () => {
  test('are told from SQL before what came later, and not again', async () => {
    const stack = await startStack({ env: { ...quiet, ROOM_HUBS: '1' } });
    try {
      const g = await group(stack, ['ann', 'bob']);
      const f = await open(stack, '/api/events', g.ticket.bob);
      const said = [await send(g, 'ann', 'first')];
      await f.next((e) => e.data.cursor === said[0].cursor);
      const hub = stack.kill('hub', 'SIGSTOP');
      await usedUp(stack, async () => said.push(await send(g, 'ann', `second ${said.length}`)));
      said.push(await send(g, 'ann', 'third'));
      await until('all to be announced', async () => (await rows(stack, 'SELECT COUNT(*) FROM outbox'))[0][0] === '0');
      for (const key of await inboxes(stack)) await stack.redis('DEL', key);
      await away(stack, async () => {
        said.push(await insist(g, 'ann', 'fourth', 'c4'));
        process.kill(hub, 'SIGCONT');
        await f.next((e) => e.data.cursor === said.at(-1).cursor, { ms: 15_000 });
      });
      const last = await insist(g, 'ann', 'fifth', 'c5');
      await f.next((e) => e.data.cursor === last.cursor, { ms: 15_000 });
      assert.deepEqual(f.named('message:new').map((e) => e.data.content), [...said, last].map((m) => m.content));
      f.close();
    } finally {
      await stack.stop();
    }
  });
});

describe('sessions without Redis', () => {
  test('are told so as ever, while lasting conversations go on', async () => {
    const stack = await startStack({ env: quiet });
    try {
      const [session, g] = [await stack.session(), await group(stack, ['ann', 'bob'])];
      const s = await listen(stack, g, 'bob');
      await away(stack, async () => {
        const r = await call(stack.base, 'GET', `${session.path}/events`, { ticket: session.tickets.student });
        assert.equal(r.status, 200);
        assert.match(r.text, /^retry: \d+\n\n$/);
        const m = await insist(g, 'ann', 'goes on', 'c1');
        await s.next((e) => e.id === m.cursor, { ms: 12_000 });
      });
      s.close();
    } finally {
      await stack.stop();
    }
  });
});
