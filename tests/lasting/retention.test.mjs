// Retention: messages past their time are gone from everywhere, and everything that counts them is right; what was edited, deleted or erased leaves
// the database's files. On both databases.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { ok, refused } from '../lib/contract.mjs';
import { rnd } from '../lib/jwt.mjs';
import { StreamReader } from '../lib/reader.mjs';
import { startStack } from '../lib/stack.mjs';
import { pool, until } from '../lib/wait.mjs';
import { runWorker, startWorker } from '../lib/worker.mjs';
import { onBoth, rows } from '../worker/helpers.mjs';
import { run } from '../room/helpers.mjs';
import { direct, find, group, list, path, people, send } from './people.mjs';

const HOUR = 3600;
const history = async (who, c, query = '?limit=200') => ok(await who.get(path(c, `/messages${query}`)));
const search = (who, q, more = {}) => find(who, { q, ...more });
const unread = async (who, c) => ok(await who.get(path(c))).unread;

onBoth('retention', (db) => {
  let stack;
  before(async () => { stack = await startStack({ env: { ...(await db.env()), ROOM_WORKER: '0', ROOM_RETENTION_S: String(HOUR) } }); });
  after(() => stack?.stop());
  const job = async (options) => { const r = await runWorker(stack, ['retention', '--once'], options); return options?.failpoint ? r : (assert.equal(r.code, 0, r.stderr), r.jobs.retention); };
  // What was said up to there was said so long ago.
  const age = async (c, upTo, seconds) => {
    const of = `conversation = (SELECT n FROM conversations WHERE id = '${c.id}')`;
    await rows(stack, `UPDATE entries SET at = at - ${seconds * 1000} WHERE position <= ${upTo} AND ${of}`);
    await rows(stack, `UPDATE threads SET last_at = (SELECT max(at) FROM entries e WHERE e.conversation = threads.conversation AND e.thread = threads.id) WHERE messages > 0 AND ${of}`);
  };

  test('what is past its time is gone; what is younger stays, and every count is right', async () => {
    const [ann, bob, eve] = people(stack, 'Ann', 'Bob', 'Eve');
    const word = `v${rnd(8)}`.toLowerCase();
    const c = await group(ann, [bob, eve]);
    const old = [];
    for (let i = 0; i < 6; i++) old.push(await send(i % 2 ? bob : ann, c, `${word} old ${i}`));
    const t = ok(await ann.post(path(c, '/threads'), { root: old[0].id, title: `${word} long ago` }), 201);
    const kept = ok(await bob.post(path(c, '/threads'), { title: 'goes on' }), 201);
    old.push(await send(ann, c, `${word} old in a thread`, { threadId: t.id }), await send(ann, c, `${word} old in another`, { threadId: kept.id }));
    ok(await ann.delete(path(c, `/messages/${old[4].id}`)), 204);
    ok(await bob.patch(path(c, `/messages/${old[3].id}`), { content: `${word} old, edited` }));
    ok(await eve.put(path(c, '/read'), { upTo: old[1].id }), 204);
    const young = [await send(bob, c, `${word} young 1`), await send(ann, c, `${word} young 2`, { replyTo: old[2].id }), await send(bob, c, `${word} young 3`, { threadId: kept.id })];
    const stale = (await history(bob, c)).messages[2].cursor;
    const upTo = young[0].id - 1;
    await age(c, upTo, 2 * HOUR);
    const reader = new StreamReader('eve', stack.base, c.id, eve.token);
    const told = [];
    reader.take = ((take) => function (e) { told.push(e); return take.call(this, e); })(reader.take);
    await until('the stream', () => reader.cursor);

    const done = await job();
    assert.ok(done.erased >= upTo, JSON.stringify(done));

    const page = await history(ann, c);
    assert.deepEqual(page.messages.map((m) => [m.id, m.content]), young.map((m) => [m.id, m.content]));
    assert.equal(page.previous, null);
    assert.deepEqual((await history(ann, c, '?limit=2')).messages.map((m) => m.id), young.slice(1).map((m) => m.id));
    for (const id of [old[0].id, old[5].id]) refused(await ann.patch(path(c, `/messages/${id}`), { content: 'x' }), 'NOT_FOUND');
    refused(await ann.get(path(c, `/messages?after=${stale}`)), 'BAD_REQUEST');
    assert.deepEqual([await unread(ann, c), await unread(bob, c), await unread(eve, c)], [2, 1, 3], 'of what is left, of others');
    assert.deepEqual((await search(ann, word)).map((r) => r.message.id).sort((a, b) => a - b), young.map((m) => m.id));
    const threads = ok(await ann.get(path(c, '/threads'))).threads;
    assert.deepEqual(threads.map((x) => [x.id, x.messageCount]), [[kept.id, 1]], 'a thread that only had old ones is gone with its title');
    refused(await ann.get(path(c, `/threads/${t.id}`)), 'NOT_FOUND');
    assert.equal((await list(ann)).conversations[0].lastMessage.id, young[2].id);

    const erased = await until('the news', () => told.find((e) => e.event === 'history:erased'));
    assert.equal(erased.data.upTo, upTo);
    reader.running = false;
    await reader.stop();
    const back = ok(await bob.get(path(c, `/poll?wait=0&after=${stale}`)));
    assert.deepEqual(back.events.map((e) => e.event).slice(0, 2), ['ready', 'reset'], 'a cursor of what is gone');
    const next = await send(ann, c, 'and so on');
    assert.ok(next.id > young[2].id + 1);
    ok(await eve.put(path(c, '/read'), { upTo: next.id }), 204);
    assert.equal(await unread(eve, c), 0);
    assert.equal((await job()).erased ?? 0, 0, 'and then nothing more');
  });

  test('all of it: the conversation stays, empty, and goes on', async () => {
    const [ann, bob] = people(stack, 'Ann', 'Bob');
    const c = await direct(ann, bob);
    const sent = await pool(4, Array.from({ length: 430 }, (_, i) => i), (i) => send(i % 2 ? ann : bob, c, `line ${i}`, { clientId: `c${i}` }));
    const last = Math.max(...sent.map((m) => m.id));
    await age(c, last, 2 * HOUR);
    assert.ok((await job()).erased >= 430);
    const page = await history(ann, c);
    assert.deepEqual([page.messages, page.next, page.previous], [[], null, null]);
    const shown = ok(await bob.get(path(c)));
    assert.deepEqual([shown.lastMessage, shown.unread], [null, 0]);
    const again = await send(bob, c, 'line 0', { clientId: 'c0' });
    assert.ok(again.id > last);
    assert.deepEqual([await unread(ann, c), (await history(ann, c)).messages.length], [1, 1]);
    const [[n]] = await rows(stack, `SELECT count(*) FROM entries WHERE event = 'history:erased' AND conversation = (SELECT n FROM conversations WHERE id = '${c.id}')`);
    assert.equal(n, '1', 'said once, however many portions it took');
    await age(c, again.id, 0);
    assert.equal((await job()).erased ?? 0, 0, 'what is no message does not go by itself');
  });

  test('a conversation has its own time: longer, shorter, for ever', async () => {
    const [ann] = people(stack, 'Ann');
    const talks = {};
    for (const [name, retentionS] of [['setting', undefined], ['longer', 3 * HOUR], ['shorter', 60], ['ever', 0]]) {
      talks[name] = await group(ann, [], { ...(retentionS === undefined ? {} : { retentionS }) });
      const m = [await send(ann, talks[name], 'two hours'), await send(ann, talks[name], 'ten minutes'), await send(ann, talks[name], 'now')];
      await age(talks[name], m[0].id, 2 * HOUR - 600);
      await age(talks[name], m[1].id, 600);
    }
    await job();
    const left = {};
    for (const [name, c] of Object.entries(talks)) left[name] = (await history(ann, c)).messages.map((m) => m.content);
    assert.deepEqual(left, { setting: ['ten minutes', 'now'], longer: ['two hours', 'ten minutes', 'now'], shorter: ['now'], ever: ['two hours', 'ten minutes', 'now'] });
    ok(await ann.put(path(talks.ever), { retentionS: 60 }));
    await job();
    assert.deepEqual((await history(ann, talks.ever)).messages.map((m) => m.content), ['now']);
  });

  test('a worker that dies on the way: the next one goes on, and nothing is counted twice', async () => {
    const [ann, bob] = people(stack, 'Ann', 'Bob');
    const c = await group(ann, [bob]);
    const sent = await pool(4, Array.from({ length: 500 }, (_, i) => i), (i) => send(ann, c, `line ${i}`));
    const ids = sent.map((m) => m.id).sort((a, b) => a - b);
    ok(await bob.put(path(c, '/read'), { upTo: ids[300] }), 204);
    await age(c, ids[449], 2 * HOUR);
    const died = await job({ failpoint: 'retention.portion:kill' });
    assert.equal(died.signal, 'SIGKILL');
    const between = (await history(ann, c)).messages.length;
    assert.equal(await unread(bob, c), 199);
    assert.ok(between >= 200);
    await Promise.all([job(), job()]);
    assert.deepEqual((await history(bob, c)).messages.map((m) => m.id), ids.slice(450));
    assert.equal(await unread(bob, c), 50);
  });

  test('files of what is past its time are gone with it', async () => {
    const [ann] = people(stack, 'Ann');
    const c = await group(ann);
    const upload = async (name) => ok(await ann.post(path(c, `/files?name=${name}`), undefined, { body: `text of ${name}`, headers: { 'Content-Type': 'text/plain' } }), 201).id;
    const files = [await upload('old.txt'), await upload('young.txt')];
    const m = [await send(ann, c, 'old', { type: 'file', files: [files[0]] }), await send(ann, c, 'young', { type: 'file', files: [files[1]] })];
    await age(c, m[0].id, 2 * HOUR);
    await job();
    refused(await ann.get(path(c, `/files/${files[0]}`)), 'NOT_FOUND');
    assert.equal((await ann.get(path(c, `/files/${files[1]}`))).status, 200);
  });

  describe('what rests on the disk', () => {
    // Beginnings of words are shared in the index: what is looked for is what makes it unlike any other.
    const canary = () => `q${rnd(20)}`.toLowerCase();
    const inFiles = (text) => ['room.db', 'room.db-wal'].filter((f) => { try { return readFileSync(join(stack.state, f)).includes(text.slice(6)); } catch { return false; } });
    const residue = async (texts) => (await run(['doctor', '--residue', '--json', ...texts.flatMap((t) => ['--text', t])], { env: stack.env }));
    const inSql = async (text) => JSON.parse((await residue([text])).stdout).filter((f) => f.finding === 'BAD' && /SQL$|SQLite/.test(f.check)).map((f) => f.seen);
    const scrub = async () => assert.equal((await runWorker(stack, ['search', '--once'])).code, 0);

    test('edited, deleted, past its time, erased with its conversation, a title that was: no word of it, in rows, index, file and log', async () => {
      const [ann, bob] = people(stack, 'Ann', 'Bob');
      const c = await group(ann, [bob]);
      const words = Object.fromEntries(['edited', 'deleted', 'old', 'erased', 'title', 'thread', 'stays'].map((k) => [k, canary()]));
      const edited = await send(ann, c, `before ${words.edited} after`);
      const deleted = await send(bob, c, `${words.deleted} ${words.deleted}`, { metadata: { note: words.deleted } });
      const other = await group(ann, [bob], { title: `Was ${words.title}` });
      await send(ann, other, `${words.erased} here`);
      ok(await ann.post(path(other, '/threads'), { title: `${words.thread}` }), 201);
      const third = await group(ann, []);
      const old = await send(ann, third, `${words.old} ago`);
      await send(ann, third, `${words.stays} on`);
      for (const q of [words.edited, words.deleted, words.erased, words.old, words.stays]) assert.equal((await search(ann, q)).length, 1, q);
      assert.equal((await search(bob, words.title, { in: 'conversations' })).length, 1);
      if (!db.postgres) for (const w of Object.values(words)) assert.notDeepEqual(inFiles(w), [], 'it is there before');

      ok(await ann.patch(path(c, `/messages/${edited.id}`), { content: 'something else' }));
      ok(await bob.delete(path(c, `/messages/${deleted.id}`)), 204);
      ok(await ann.delete(path(other)), 204);
      await age(third, old.id, 2 * HOUR);
      await job();
      await scrub();
      const gone = Object.entries(words).filter(([k]) => k !== 'stays');
      for (const [k, w] of gone) {
        assert.deepEqual(await inSql(w), [], k);
        if (!db.postgres) assert.deepEqual(inFiles(w), [], `${k}: in the files`);
        assert.deepEqual(await search(ann, w), []);
      }
      assert.equal((await search(ann, words.stays)).length, 1);
      const [[left]] = await rows(stack, 'SELECT count(*) FROM search_gone');
      assert.equal(left, '0');
      assert.deepEqual(await search(ann, 'something else').then((r) => r.length), 1, 'the index is whole');
    });

    test('a thousand others around it: still not a word', async () => {
      const [ann] = people(stack, 'Ann');
      const c = await group(ann);
      const word = canary();
      await pool(8, Array.from({ length: 500 }, (_, i) => i), (i) => send(ann, c, `noise ${rnd(6)} ${i}`));
      const m = await send(ann, c, `just ${word}`);
      await pool(8, Array.from({ length: 500 }, (_, i) => i), (i) => send(ann, c, `more noise ${rnd(6)} ${i}`));
      ok(await ann.delete(path(c, `/messages/${m.id}`)), 204);
      const died = await runWorker(stack, ['search', '--once'], { failpoint: 'search.scrub:kill' });
      assert.equal(died.signal, 'SIGKILL');
      await scrub();
      assert.deepEqual(await inSql(word), []);
      if (!db.postgres) assert.deepEqual(inFiles(word), []);
      assert.equal((await search(ann, 'noise')).length, 1000);
    });

    if (!db.postgres) {
      test('what was said leaves file and log soon, though merging the index takes long and is not begun again yet', async () => {
        const [ann] = people(stack, 'Ann');
        const c = await group(ann);
        const say = async () => { const text = `Q-${rnd(20)}-Ä`; return { text, m: await send(ann, c, text) }; }; // capitals: as no index has it
        const there = (text) => ['room.db', 'room.db-wal'].filter((f) => { try { return readFileSync(join(stack.state, f)).includes(text); } catch { return false; } });
        const drop = async ({ m }) => ok(await ann.delete(path(c, `/messages/${m.id}`)), 204);
        const [first, second] = [await say(), await say()];
        assert.notDeepEqual(there(second.text), []);
        await drop(first);
        const w = startWorker(stack, ['search', '--stay'], { failpoint: 'search.scrub:stop' });
        try {
          const state = () => /^State:\s+(\S)/m.exec(readFileSync(`/proc/${w.pid}/status`, 'utf8'))[1];
          await until('it to stand in the middle', () => state() === 'T');
          await new Promise((done) => setTimeout(done, 4000)); // so long it takes
          w.child.kill('SIGCONT');
          await until('it to be done', async () => (await rows(stack, 'SELECT count(*) FROM search_gone'))[0][0] === '0');
          await drop(second);
          await until('nothing of it', () => there(second.text).length === 0, { ms: 30_000 });
          assert.notEqual((await rows(stack, 'SELECT count(*) FROM search_gone'))[0][0], '0', 'the index is not merged again yet');
        } finally { await w.stop(); }
      });
    }

    test('room doctor --residue finds what should be gone', async () => {
      const [ann] = people(stack, 'Ann');
      const c = await group(ann);
      const m = await send(ann, c, 'very old');
      await job();
      await scrub();
      const bad = async () => JSON.parse((await residue([])).stdout).filter((f) => f.finding === 'BAD').map((f) => f.seen);
      assert.deepEqual(await bad(), []);
      await age(c, m.id, 3 * HOUR);
      assert.deepEqual(await bad(), ['1 rows of conversations, messages past their time']);
      await job();
      assert.deepEqual(await bad(), []);
    });
  });
});

onBoth('retention by itself', (db) => {
  let stack;
  before(async () => { stack = await startStack({ env: { ...(await db.env()) } }); });
  after(() => stack?.stop());

  test('the worker that runs anyway does it in time, and the disk forgets within a minute', async () => {
    const [ann, bob] = people(stack, 'Ann', 'Bob');
    const c = await group(ann, [bob], { retentionS: 2 });
    const word = `q${rnd(20)}`.toLowerCase();
    await send(ann, c, `brief ${word}`);
    assert.equal(await unread(bob, c), 1);
    await until('it to be gone', async () => (await history(bob, c)).messages.length === 0, { ms: 60_000, every: 100 });
    assert.equal(await unread(bob, c), 0);
    if (db.postgres) return;
    await until('the file to forget', () => !['room.db', 'room.db-wal'].some((f) => { try { return readFileSync(join(stack.state, f)).includes(word.slice(6)); } catch { return false; } }), { ms: 60_000, every: 200 });
  });
});
