// Unread counts and thread counts are exact: a random walk of sends, edits, deletions, reads and comings and goings by five people, beside a model that knows nothing of
// how it is stored. And fifty writers at once: one order without gaps, the same for everybody.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ok } from '../lib/contract.mjs';
import { PollReader, Sender, StreamReader, pool, rnd, until, verdict, wholeHistory } from '../lib/client.mjs';
import { onBoth, quietStack, rows } from '../worker/helpers.mjs';
import { group, path, person, service } from './people.mjs';

// A generator with a seed (mulberry32), so that a walk that fails can be walked again: SEED=… in the environment.
function random(seed) {
  let a = seed >>> 0;
  return () => { a = (a + 0x6d2b79f5) | 0; let t = Math.imul(a ^ (a >>> 15), 1 | a); t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t; return ((t ^ (t >>> 14)) >>> 0) / 4294967296; };
}

onBoth('counts', (db) => {
  let stack;
  before(async () => { stack = await quietStack(db); });
  after(() => stack?.stop());

  test('unread is what a model says, after every step of a random walk', async (t) => {
    const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 1e9));
    t.diagnostic(`SEED=${seed}`);
    const rng = random(seed);
    const pick = (list) => list[Math.floor(rng() * list.length)];
    const five = ['A', 'B', 'C', 'D', 'E'].map((n) => person(stack, n));
    const admin = five[0];
    const c = await group(admin, five.slice(1));
    const thread = ok(await admin.post(path(c, '/threads'), { title: 't' }), 201).id;
    const model = { messages: [], read: new Map(five.map((p) => [p.id, 0])), inside: new Set(five.map((p) => p.id)) };
    const unread = (p) => model.messages.filter((m) => m.id > model.read.get(p.id) && m.sender !== p.id && !m.deleted).length;
    const check = async (what) => {
      for (const p of five.filter((x) => model.inside.has(x.id))) {
        const got = ok(await p.get(path(c))).unread;
        assert.equal(got, unread(p), `${what}: unread of ${p.name} (seed ${seed})`);
      }
      const counted = (await rows(stack, `SELECT messages FROM threads WHERE id = '${thread}' AND conversation = (SELECT n FROM conversations WHERE id = '${c.id}')`)).map(([n]) => Number(n));
      assert.deepEqual(counted, [model.messages.filter((m) => m.thread && !m.deleted).length], `${what}: messages of the thread`);
    };
    const steps = {
      async send(p) {
        const inThread = rng() < 0.3;
        const m = ok(await p.post(path(c, '/messages'), { content: 'x', ...(inThread ? { threadId: thread } : {}) }), 201);
        model.messages.push({ id: m.id, sender: p.id, thread: inThread });
      },
      async several() { // at the same time, so that they share transactions
        const done = await Promise.all(five.filter((p) => model.inside.has(p.id)).flatMap((p) => [1, 2].map(async () => ({ p, m: ok(await p.post(path(c, '/messages'), { content: 'y' }, { agent: false }), 201) }))));
        for (const { p, m } of done) model.messages.push({ id: m.id, sender: p.id });
      },
      async system() {
        const m = ok(await service(stack).post(path(c, '/messages'), { content: 'note' }), 201);
        model.messages.push({ id: m.id, sender: 'system' });
      },
      async edit(p) {
        const m = pick(model.messages.filter((x) => x.sender === p.id && !x.deleted));
        if (m) ok(await p.patch(path(c, `/messages/${m.id}`), { content: 'edited' }));
      },
      async remove(p) {
        const m = pick(model.messages.filter((x) => x.sender === p.id || p === admin));
        if (!m) return;
        ok(await p.delete(path(c, `/messages/${m.id}`)), 204);
        m.deleted = true;
      },
      async read(p) {
        const m = pick(model.messages);
        if (!m) return;
        ok(await p.put(path(c, '/read'), { upTo: m.id }), 204);
        model.read.set(p.id, Math.max(m.id, model.read.get(p.id)));
      },
      async readAll(p) {
        const end = ok(await p.get(path(c))).cursor;
        ok(await p.put(path(c, '/read'), { upTo: end }), 204);
        model.read.set(p.id, Math.max(Number(end.split('-')[0]), model.read.get(p.id)));
      },
      async leaveAndReturn() {
        const p = pick(five.slice(1));
        if (model.inside.has(p.id)) {
          ok(await p.delete(path(c, `/participants/${p.id}`)), 204);
          model.inside.delete(p.id);
        } else {
          ok(await admin.post(path(c, '/participants'), { participant: p.id }), 201);
          model.inside.add(p.id);
          model.read.set(p.id, Number(ok(await p.get(path(c))).cursor.split('-')[0])); // begins with nothing unread
        }
      },
    };
    const weights = ['send', 'send', 'send', 'send', 'several', 'system', 'edit', 'remove', 'remove', 'read', 'read', 'readAll', 'leaveAndReturn'];
    const enough = () => model.messages.length > 60 && model.messages.some((m) => m.deleted);
    for (let i = 0; i < 120 || (!enough() && i < 2000); i++) {
      const what = pick(weights);
      await steps[what](pick(five.filter((p) => model.inside.has(p.id))));
      await check(`step ${i}, ${what}`);
    }
    assert.ok(enough());
  });

  test('fifty writers on one conversation: every acknowledged message once, in one gapless order for history, streams and polls', async () => {
    const writers = Array.from({ length: 50 }, (_, i) => person(stack, `w${i}`));
    const c = await group(writers[0], writers.slice(1));
    const start = ok(await writers[0].get(path(c, '/messages'))).cursor;
    const readers = [0, 1, 2].map((i) => new StreamReader(`stream ${i}`, stack.base, c.id, writers[i].token, start));
    readers.push(new PollReader('poll', stack.base, c.id, writers[3].token, { after: start }));
    const senders = writers.map((w) => new Sender(w.id, stack.base, c.id, w.token, w.id));
    await pool(50, senders, async (s) => { for (let i = 0; i < 8; i++) await s.send(`${s.name}-${i}`, `message ${i} of ${s.name} ${rnd()}`); });
    const { messages } = await wholeHistory(stack.base, c.id, writers[0].token);
    await Promise.all(readers.map((r) => r.reached(messages.at(-1).id)));
    for (const r of readers) await r.stop();
    const { acked } = verdict({ senders, readers, messages });
    assert.equal(acked, 400);
    assert.equal(messages.length, 400);
    const positions = (await rows(stack, `SELECT position FROM entries WHERE conversation = (SELECT n FROM conversations WHERE id = '${c.id}') ORDER BY position`)).map(([p]) => Number(p));
    assert.deepEqual(positions, positions.map((_, i) => i + 1));
    const [[length]] = await rows(stack, `SELECT length FROM conversations WHERE id = '${c.id}'`);
    assert.equal(Number(length), positions.length);
    for (const [who, unread] of await rows(stack, `SELECT participant, unread FROM members WHERE conversation = (SELECT n FROM conversations WHERE id = '${c.id}')`)) assert.equal(Number(unread), 392, who);
    // Nobody waits in vain: all is announced, and the outbox is empty again.
    await until('the outbox to be empty', async () => (await rows(stack, 'SELECT count(*) FROM outbox'))[0][0] === '0');
  });
});
