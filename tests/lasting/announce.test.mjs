// What was committed is told, once, in order, whatever dies between: the api at each step of announcing, at any time, and Redis.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { ok } from '../lib/contract.mjs';
import { PollReader, Sender, StreamReader, call, rnd, until, verdict, wholeHistory, within } from '../lib/client.mjs';
import { startStack } from '../lib/stack.mjs';
import { onBoth, rows } from '../worker/helpers.mjs';
import { group, path, people, send } from './people.mjs';

const drained = (stack) => until('the outbox to be empty', async () => (await rows(stack, 'SELECT count(*) FROM outbox'))[0][0] === '0', { ms: 20_000 });

// Somebody's feed from now on: what it was told, by long-poll.
class Feed {
  constructor(stack, who) { Object.assign(this, { stack, who, events: [], resets: 0 }); }
  async open() {
    this.cursor = ok(await this.who.get('/api/poll')).cursor;
    return this;
  }
  async look() {
    for (;;) {
      const r = await call(this.stack.base, 'GET', `/api/poll?wait=0&after=${this.cursor}`, { ticket: this.who.token, agent: false });
      if (r.status === 503) { await new Promise((done) => setTimeout(done, 50)); continue; }
      const { events, cursor } = ok(r);
      const entries = events.filter((e) => e.id !== undefined && e.event !== 'ready');
      this.resets += events.filter((e) => e.event === 'reset').length;
      this.events.push(...entries);
      this.cursor = cursor;
      if (!entries.length) return this;
    }
  }
  // Ids of the messages of that conversation, as they were told.
  messages(c) { return this.events.filter((e) => e.event === 'message:new' && e.data.conversationId === c.id).map((e) => e.data.id); }
}

onBoth('announcing', (db) => {
  describe('the api dies once, at each step', () => {
    let stack;
    before(async () => { stack = await startStack({ seams: true, env: { ROOM_APIS: '1', ROOM_WORKER: '0', ...(await db.env()) } }); });
    after(() => stack?.stop());

    for (const failpoint of ['lasting.committed', 'announce.told', 'announce.fed']) {
      test(`${failpoint}: stream and feed get it once, though nobody sends anything more`, async () => {
        const [ann, bob, cem] = people(stack, 'Ann', 'Bob', 'Cem');
        const c = await group(ann, [bob, cem]);
        const start = ok(await bob.get(path(c, '/messages'))).cursor;
        const reader = new StreamReader('Bob', stack.base, c.id, bob.token, start);
        const feed = await new Feed(stack, cem).open();
        const sent = [];
        for (let i = 0; i < 3; i++) sent.push((await send(ann, c, `m${i}`)).id);
        await drained(stack);
        const [pid] = stack.children().api;
        stack.arm(`${failpoint}:kill`);
        await ann.post(path(c, '/messages'), { content: 'the last', clientId: 'last' }, { retry: false }).catch(() => undefined); // the answer may be lost
        await stack.replaced('api', pid);
        const { messages } = await wholeHistory(stack.base, c.id, bob.token);
        assert.deepEqual(messages.map((m) => m.content), ['m0', 'm1', 'm2', 'the last']);
        await reader.reached(messages[3].id);
        await until('the feed to have it', async () => (await feed.look()).messages(c).includes(messages[3].id));
        await drained(stack);
        await feed.look();
        await reader.stop();
        assert.deepEqual(feed.messages(c), messages.map((m) => m.id));
        assert.equal(feed.resets, 0);
        verdict({ readers: [reader], messages });
        // Sent again, it is the same one.
        assert.equal(ok(await ann.post(path(c, '/messages'), { content: 'the last', clientId: 'last' })).id, messages[3].id);
      });
    }
  });

  test('api processes die again and again under load: nothing is lost, nothing twice, for history, streams, polls and feeds', async () => {
    const stack = await startStack({ env: { ROOM_APIS: '2', ROOM_WORKER: '0', ...(await db.env()) } });
    let sending = true;
    try {
      const writers = people(stack, 'A', 'B', 'C', 'D', 'E', 'F');
      const [reading, feeding] = people(stack, 'Reader', 'Feeder');
      const c = await group(writers[0], [...writers.slice(1), reading, feeding]);
      const start = ok(await reading.get(path(c, '/messages'))).cursor;
      const readers = [new StreamReader('stream', stack.base, c.id, reading.token, start), new PollReader('poll', stack.base, c.id, reading.token, { after: start })];
      const feed = await new Feed(stack, feeding).open();
      const senders = writers.map((w) => new Sender(w.id, stack.base, c.id, w.token, w.id));
      const load = senders.map(async (s) => { for (let i = 0; sending; i++) await s.send(`${s.name}-${i}`, `message ${i} ${rnd()}`); });
      for (const l of load) l.catch(() => {}); // awaited below
      for (let i = 0; i < 8; i++) {
        await until('two api processes', () => stack.children().api.length === 2);
        const pid = stack.kill('api', 'SIGKILL', i % 2);
        await stack.replaced('api', pid);
        const acked = () => senders.reduce((n, s) => n + s.sends.filter((x) => x.acks.length).length, 0);
        await until('more to be acknowledged', () => acked() > 30 * (i + 1));
      }
      sending = false;
      await Promise.all(load);
      const { messages } = await wholeHistory(stack.base, c.id, reading.token);
      await Promise.all(readers.map((r) => r.reached(messages.at(-1).id)));
      await drained(stack);
      await feed.look();
      for (const r of readers) await r.stop();
      const { acked } = verdict({ senders, readers, messages });
      assert.equal(acked, messages.length);
      assert.deepEqual(feed.messages(c), messages.map((m) => m.id));
      assert.equal(feed.resets, 0);
    } finally { sending = false; await stack.stop(); }
  });

  describe('Redis goes and comes back', () => {
    let stack, dir, redis;
    const startRedis = async () => {
      redis = spawn('redis-server', ['--port', '0', '--unixsocket', join(dir, 's'), '--dir', dir, '--save', '', '--appendonly', 'no', '--maxmemory-policy', 'noeviction'], { stdio: 'ignore' });
      redis.gone = new Promise((done) => { redis.once('exit', done); });
    };
    const stopRedis = async () => { redis.kill('SIGKILL'); await within('redis to end', 30_000, redis.gone); };
    before(async () => {
      dir = mkdtempSync(join(tmpdir(), 'room-redis-'));
      await startRedis();
      stack = await startStack({ env: { ROOM_REDIS: `unix:${join(dir, 's')}`, ROOM_WORKER: '0', ...(await db.env()) } });
    });
    after(async () => { try { await stack?.stop(); } finally { await stopRedis(); rmSync(dir, { recursive: true, force: true }); } });

    test('sends, edits, reads and history go on; when it is back, empty, everything is announced', async () => {
      const [ann, bob, cem] = people(stack, 'Ann', 'Bob', 'Cem');
      const c = await group(ann, [bob, cem]);
      const start = ok(await bob.get(path(c, '/messages'))).cursor;
      const reader = new StreamReader('Bob', stack.base, c.id, bob.token, start);
      const sender = new Sender('Ann', stack.base, c.id, ann.token, ann.id);
      for (let i = 0; i < 3; i++) await sender.send(`before${i}`, `before ${i}`);
      await drained(stack);
      await stopRedis();
      const slowest = [];
      for (let i = 0; i < 20; i++) slowest.push((await sender.send(`away${i}`, `away ${i}`)).ms);
      assert.deepEqual(sender.problems, [], 'no send was refused');
      slowest.sort((a, b) => a - b);
      assert.ok(slowest[10] < 1000 && slowest.at(-1) < 6000, `they took ${slowest.map(Math.round).join(', ')} ms`);
      const ids = sender.sends.map((s) => s.acks[0].id);
      ok(await ann.patch(path(c, `/messages/${ids[0]}`), { content: 'edited' }));
      ok(await ann.delete(path(c, `/messages/${ids[1]}`)), 204);
      ok(await bob.put(path(c, '/read'), { upTo: ids[9] }), 204);
      ok(await bob.put(path(c, '/alive'), {}), 204);
      ok(await bob.post(path(c, '/typing'), { isTyping: true }), 204);
      assert.equal(ok(await bob.get(path(c, '/presence'))).participants.length, 3);
      assert.equal((await wholeHistory(stack.base, c.id, cem.token)).messages.length, 23);
      const waiting = Number((await rows(stack, `SELECT count(*) FROM outbox WHERE conversation = '${c.id}'`))[0][0]);
      assert.ok(waiting >= 22, `${waiting} wait`);
      await startRedis();
      await drained(stack);
      await sender.send('after', 'after');
      const { messages } = await wholeHistory(stack.base, c.id, cem.token);
      await reader.reached(messages.at(-1).id);
      await reader.stop();
      verdict({ senders: [sender], readers: [reader], messages });
      await drained(stack);
    });
  });
});
