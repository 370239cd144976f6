// Files of lasting conversations, on both databases: who sees them, that they go with what they were sent with, and that whoever dies over one leaves nothing.
import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { ok, refused } from '../lib/contract.mjs';
import { rnd } from '../lib/jwt.mjs';
import { download, foldersOf, holding, upload } from '../lib/files.mjs';
import { jpeg } from '../lib/pictures.mjs';
import { startStack } from '../lib/stack.mjs';
import { until } from '../lib/wait.mjs';
import { runWorker } from '../lib/worker.mjs';
import { run } from '../room/helpers.mjs';
import { onBoth, rows } from '../worker/helpers.mjs';
import { base, business, group, path, people, service } from './people.mjs';

const text = (stack, who, c, words, name = 'notes.txt') => upload(stack, path(c), { ticket: who.token }, words, 'text/plain', name);
const fetched = (stack, who, c, id) => download(stack, path(c), who.token, id);
const says = async (who, c, files, more = {}) => ok(await who.post(path(c, '/messages'), { files: files.map((f) => f.id), ...more }), 201);
const all = (stack) => { const { disk, memory, upload: spool } = foldersOf(stack); return [disk, memory, spool]; };

onBoth('files of lasting conversations', (db) => {
  let stack, ada, ben, cyd, c;
  before(async () => {
    stack = await startStack({ env: { ...(await db.env()) } });
    [ada, ben, cyd] = people(stack, 'Ada', 'Ben', 'Cyd');
    c = await group(ada, [ben]);
  });
  after(() => stack?.stop());

  test('uploaded, sent, seen by all who are in it and by nobody else; kept through edits', async () => {
    const f = ok(await upload(stack, path(c), { ticket: ada.token }, jpeg({ canary: 'PLACE' }), 'image/jpeg', 'holiday.jpeg'), 201);
    assert.deepEqual([f.name, f.type, f.width, f.height], ['holiday.jpeg', 'image/jpeg', 8, 4]);
    assert.equal((await fetched(stack, ben, c, f.id)).status, 404, 'not sent yet');
    const { cursor } = ok(await ben.get(path(c, '/messages')));
    const m = await says(ada, c, [f], { content: 'the sea', metadata: { a: 1 }, clientId: 'k1' });
    assert.deepEqual([m.type, m.files, m.metadata], ['file', [f], { a: 1 }]);
    const again = ok(await ada.post(path(c, '/messages'), { files: [f.id], content: 'the sea', metadata: { a: 1 }, clientId: 'k1' }), 200);
    assert.deepEqual([again.id, again.files, again.metadata], [m.id, [f], { a: 1 }]);
    refused(await ada.post(path(c, '/messages'), { files: [f.id], content: 'the sea', metadata: { a: 2 }, clientId: 'k1' }), 'CLIENT_ID_REUSED');
    const { events } = ok(await ben.get(path(c, `/poll?wait=5&after=${cursor}`)));
    assert.deepEqual(events.find((e) => e.event === 'message:new').data.files, [f]);
    const seen = await fetched(stack, ben, c, f.id);
    assert.equal(seen.status, 200);
    assert.equal(seen.bytes.length, f.size);
    assert.ok(!seen.bytes.includes('PLACE'));
    const edited = ok(await ada.patch(path(c, `/messages/${m.id}`), { content: 'the lake', metadata: { b: 2 } }));
    assert.deepEqual([edited.content, edited.files, edited.metadata], ['the lake', [f], { b: 2 }]);
    assert.deepEqual(ok(await ben.get(path(c, '/messages'))).messages.at(-1).files, [f]);
    assert.deepEqual(ok(await ben.get(base)).conversations[0].lastMessage.files, [f]);

    const unknown = await fetched(stack, cyd, c, `file_${'x'.repeat(22)}`);
    const theirs = await group(cyd);
    for (const [who, where, id] of [[cyd, c, f.id], [cyd, theirs, f.id], [ada, theirs, f.id]]) {
      const r = await fetched(stack, who, where, id);
      assert.deepEqual([r.status, r.bytes.toString()], [404, unknown.bytes.toString()]);
    }
    ok(await ada.delete(path(c, `/participants/${ben.id}`)), 204);
    assert.equal((await fetched(stack, ben, c, f.id)).status, 404, 'who was removed');
    refused(await text(stack, ben, c, 'x'), 'NOT_FOUND');
    ok(await ada.post(path(c, '/participants'), { participant: ben.id }), 201);
    refused(await service(stack).post(path(c, '/files?name=x'), undefined, { body: 'x', headers: { 'Content-Type': 'text/plain' } }), ['FORBIDDEN', 'NOT_FOUND']);
  });

  test('nobody sends what is another\'s, was sent, or is of another conversation; at most 20 wait', async () => {
    const d = await group(ada, [ben]);
    const f = ok(await text(stack, ada, c, `one ${rnd(6)}`), 201);
    refused(await ben.post(path(c, '/messages'), { files: [f.id] }), 'BAD_REQUEST');
    refused(await ada.post(path(d, '/messages'), { files: [f.id] }), 'BAD_REQUEST');
    await says(ada, c, [f]);
    refused(await ada.post(path(c, '/messages'), { files: [f.id] }), 'BAD_REQUEST');
    refused(await ada.delete(path(c, `/files/${f.id}`)), 'CONFLICT');
    const g = ok(await text(stack, ada, d, 'mine'), 201);
    refused(await ben.delete(path(d, `/files/${g.id}`)), 'NOT_FOUND');
    ok(await ada.delete(path(d, `/files/${g.id}`)), 204);
    assert.equal((await fetched(stack, ada, d, g.id)).status, 404);
    const waiting = [];
    for (let i = 0; i < 20; i++) waiting.push(ok(await text(stack, ben, d, `n${i}`), 201));
    refused(await text(stack, ben, d, 'one more'), 'CONFLICT');
    ok(await text(stack, ada, d, 'another may'), 201);
    const m = await says(ben, d, waiting.slice(3, 13));
    assert.deepEqual(m.files.map((x) => x.id), waiting.slice(3, 13).map((x) => x.id), 'in the order given');
    const both = await Promise.all([1, 2].map(() => ben.post(path(d, '/messages'), { files: [waiting[15].id] })));
    assert.deepEqual(both.map((r) => r.status).sort(), [201, 400], 'one of two at once');
    const e = await business(stack, { customer: ada, agent: ben });
    ok(await ben.put(path(e), { status: 'completed' }));
    refused(await text(stack, ada, e, 'late'), 'SESSION_ENDED');
  });

  test('equal bytes are kept once, as long as one message has them; two conversations cannot be compared', async () => {
    const [d, e] = [await group(ada, [ben]), await group(ada, [ben])];
    const words = `same ${rnd(8)}`;
    const [f, g] = [ok(await text(stack, ada, d, words, 'f'), 201), ok(await text(stack, ben, d, words, 'g'), 201)];
    const { disk } = foldersOf(stack);
    assert.equal(readdirSync(join(disk, d.id)).length, 1);
    ok(await text(stack, ada, e, words), 201);
    const hashes = await rows(stack, `SELECT DISTINCT hash FROM files WHERE conversation IN ('${d.id}', '${e.id}')`);
    assert.equal(hashes.length, 2, 'each its own hash of the same bytes');
    const [m, n] = [await says(ada, d, [f]), await says(ben, d, [g])];
    ok(await ada.delete(path(d, `/messages/${m.id}`)), 204);
    assert.equal((await fetched(stack, ben, d, f.id)).status, 404);
    await until('the row of the first to go', async () => (await rows(stack, `SELECT 1 FROM files WHERE id = '${f.id}'`)).length === 0, { ms: 15_000 });
    assert.equal((await fetched(stack, ada, d, g.id)).bytes.toString(), words, 'the other stays');
    ok(await ben.delete(path(d, `/messages/${n.id}`)), 204);
    await until('the bytes to go', () => !existsSync(join(disk, d.id)), { ms: 15_000 });
    assert.equal(holding([disk], words).length, 1, 'the other conversation\'s');
  });

  test('with the message, the conversation, the retention: gone from rows, disk and database file', async () => {
    const canary = `canary${rnd(12)}`;
    const there = async () => {
      const r = await run(['doctor', '--residue', '--json', '--text', canary], { env: stack.env });
      return JSON.parse(r.stdout).filter((f) => f.finding === 'BAD' && !/PostgreSQL's/.test(f.check)).map((f) => `${f.check}: ${f.seen}`);
    };
    const d = await group(ada, [ben]);
    const put = async (more) => { const f = ok(await text(stack, ada, d, `${canary} bytes${rnd(4)}`, `${canary}.txt`), 201); return { f, m: await says(ada, d, [f], more) }; };
    const first = await put();
    assert.ok((await there()).some((where) => where.includes(d.id) && where.includes(first.f.id)), 'it is found where it is');
    ok(await ada.delete(path(d, `/messages/${first.m.id}`)), 204);
    assert.equal((await fetched(stack, ben, d, first.f.id)).status, 404);
    const second = await put();
    ok(await ada.put(path(d), { retentionS: 1 }));
    await until('the retention', async () => (await fetched(stack, ben, d, second.f.id)).status === 404, { ms: 20_000, every: 300 });
    ok(await ada.put(path(d), { retentionS: null }).then((r) => (r.status === 200 ? r : ada.put(path(d), { retentionS: 86400 }))));
    const third = await put();
    ok(await ada.delete(path(d)), 204);
    assert.equal((await fetched(stack, ben, d, third.f.id)).status, 404);
    await until('nothing left', async () => { const found = await there(); if (found.length) throw new Error(found.join('\n')); return true; }, { ms: 30_000, every: 500 });
  });
});

onBoth('whoever dies over an upload', (db) => {
  let stack, ada, c;
  before(async () => {
    stack = await startStack({ env: { ROOM_WORKER: '0', ROOM_APIS: '1', ...(await db.env()) }, seams: true });
    [ada] = people(stack, 'Ada');
    c = await group(ada);
  });
  after(() => stack?.stop());
  for (const point of ['file.begun', 'file.received', 'file.judged', 'file.coming', 'file.synced', 'file.renamed', 'file.known']) {
    test(`api killed at ${point}: a clear answer, nothing to see, and the worker leaves nothing of it`, async () => {
      const canary = `canary${rnd(12)}`;
      const [pid] = stack.children().api;
      stack.arm(`${point}:kill`);
      const r = await text(stack, ada, c, canary).catch((e) => ({ status: 0, text: e.message }));
      assert.ok(r.status === 0 || r.status === 503, `${r.status} ${r.text}`);
      await stack.replaced('api', pid);
      await until('the service again', async () => (await ada.get(path(c))).status === 200);
      assert.deepEqual(ok(await ada.get(path(c, '/messages'))).messages, []);
      assert.equal((await runWorker(stack, ['files', '--once'])).code, 0);
      const f = ok(await text(stack, ada, c, `a living one ${point}`), 201);
      await until('no byte of it', async () => {
        assert.equal((await runWorker(stack, ['files', '--once'], { clock_ms: 3_500_000 })).code, 0);
        if (point === 'file.known') assert.equal((await runWorker(stack, ['files', '--once'], { clock_ms: 3_700_000 })).code, 0);
        return holding(all(stack), canary).length === 0;
      }, { ms: 20_000 });
      assert.equal((await rows(stack, `SELECT count(*) FROM files WHERE state = 'coming'`))[0][0], '0');
      if (point !== 'file.known') assert.equal((await fetched(stack, ada, c, f.id)).status, 200, 'what lives stays');
    });
  }
  test('the worker killed between bytes and rows: another finishes', async () => {
    const f = ok(await text(stack, ada, c, `twice ${rnd(6)}`), 201);
    ok(await ada.delete(path(c, `/files/${f.id}`)), 204);
    assert.equal((await runWorker(stack, ['files', '--once'], { failpoint: 'files.removed:kill' })).signal, 'SIGKILL');
    assert.equal((await rows(stack, `SELECT count(*) FROM files WHERE id = '${f.id}'`))[0][0], '1');
    assert.equal((await runWorker(stack, ['files', '--once'])).code, 0);
    assert.equal((await rows(stack, `SELECT count(*) FROM files WHERE id = '${f.id}'`))[0][0], '0');
  });
  test('without Redis uploads, sends and downloads go on', async () => {
    const d = await group(ada);
    const redis = stack.children().redis[0];
    process.kill(redis, 'SIGSTOP');
    try {
      const f = ok(await text(stack, ada, d, 'without Redis'), 201);
      await says(ada, d, [f]);
      assert.equal((await fetched(stack, ada, d, f.id)).bytes.toString(), 'without Redis');
    } finally { process.kill(redis, 'SIGCONT'); }
  });
});

test('sessions: api killed at each stage of an upload leaves nothing either', async () => {
  const stack = await startStack({ env: { ROOM_WORKER: '0', ROOM_APIS: '1' }, seams: true });
  try {
    const s = await stack.session();
    for (const point of ['file.begun', 'file.received', 'file.judged', 'file.synced', 'file.renamed', 'file.known']) {
      const canary = `canary${rnd(12)}`;
      const [pid] = stack.children().api;
      stack.arm(`${point}:kill`);
      const r = await upload(stack, s.path, { ticket: s.tickets.student }, canary, 'text/plain', 'x').catch((e) => ({ status: 0, text: e.message }));
      assert.ok(r.status === 0 || r.status === 503, `${point}: ${r.status} ${r.text}`);
      await stack.replaced('api', pid);
      await until('no byte of it', async () => {
        assert.equal((await runWorker(stack, ['files', '--once'], { clock_ms: 3_700_000 })).code, 0);
        return holding(all(stack), canary).length === 0;
      }, { ms: 20_000 });
    }
    ok(await upload(stack, s.path, { ticket: s.tickets.student }, 'and it goes on', 'text/plain', 'x'), 201);
  } finally { await stack.stop(); }
});
