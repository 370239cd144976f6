// Files in a store outside (S3), played here: every request is signed as the documentation says, nothing in it can be read, and what it does wrong never looks like success.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { ok, refused } from '../lib/contract.mjs';
import { Raw } from '../lib/http.mjs';
import { rnd } from '../lib/jwt.mjs';
import { download, foldersOf, holding, upload } from '../lib/files.mjs';
import { makePki } from '../lib/outside/pki.mjs';
import { makeS3 } from '../lib/outside/s3.mjs';
import { startStack } from '../lib/stack.mjs';
import { until } from '../lib/wait.mjs';
import { runWorker } from '../lib/worker.mjs';
import { run } from '../room/helpers.mjs';
import { onBoth, rows } from '../worker/helpers.mjs';
import { group, path, people } from './people.mjs';

onBoth('a store outside', (db) => {
  let stack, s3, dir, ada, ben, c, s;
  const put = (bytes, name = 'x.txt') => upload(stack, path(c), { ticket: ada.token }, bytes, 'text/plain', name);
  const putInSession = (bytes) => upload(stack, s.path, { ticket: s.tickets.student }, bytes, 'text/plain', 'x.txt');
  const get = (who, id, more) => download(stack, path(c), who.token, id, more);
  const getInSession = (who, id) => download(stack, s.path, s.tickets[who], id);
  const worker = (more) => runWorker(stack, ['files', '--once'], more);
  before(async () => {
    dir = mkdtempSync(join(tmpdir(), 'room-s3-'));
    const pki = makePki(dir);
    s3 = await makeS3().start(pki.tls);
    stack = await startStack({ env: { ...s3.env(pki.ca), ...(await db.env()), ROOM_WORKER: '0' } });
    [ada, ben] = people(stack, 'Ada', 'Ben');
    c = await group(ada, [ben]);
    s = await stack.session();
  });
  after(async () => {
    await stack?.stop();
    await s3?.down();
    rmSync(dir, { recursive: true, force: true });
    assert.deepEqual(s3?.problems, [], 'every request was as the documentation wants it');
  });

  test('sealed there under a random name, and handed out whole: of conversations, of sessions, small and large', async () => {
    const canary = `canary${rnd(12)}`;
    for (const size of [1, 65_535, 65_536, 65_537, 131_072, 3_000_000]) {
      const bytes = Buffer.alloc(size, canary);
      const f = ok(await put(bytes, `${canary}.txt`), 201);
      const r = await get(ada, f.id);
      assert.equal(r.status, 200);
      assert.ok(r.bytes.equals(bytes), `${size} bytes came back`);
      assert.deepEqual([r.headers['content-length'], r.headers['content-type'], r.headers['x-content-type-options'], /no-store/.test(r.headers['cache-control'])], [String(size), 'text/plain; charset=utf-8', 'nosniff', true]);
      assert.match(r.headers['content-disposition'], /^attachment/);
      const head = await get(ada, f.id, { method: 'HEAD' });
      assert.deepEqual([head.status, head.bytes.length], [200, 0]);
      ok(await ada.post(path(c, '/messages'), { files: [f.id] }), 201);
      assert.ok((await get(ben, f.id)).bytes.equals(bytes));
    }
    const f = ok(await putInSession(canary), 201);
    ok(await stack.as(s.tickets.student).post(`${s.path}/messages`, { files: [f.id] }), 201);
    assert.equal((await getInSession('counselor', f.id)).bytes.toString(), canary);
    assert.equal(s3.objects.size, 7);
    for (const [name, bytes] of s3.objects) {
      assert.match(name, /^file_[0-9A-Za-z]{22}$/);
      assert.ok(!bytes.includes(canary.slice(0, 8)) && !name.includes(canary));
    }
    assert.deepEqual(holding(Object.values(foldersOf(stack)), canary), [], 'nothing of it lies here');
    for (const r of s3.requests) assert.ok(!JSON.stringify([r.path, r.headers]).includes(canary));
    for (const secret of ['s3cr3t', canary, ...s3.objects.keys()]) assert.ok(!stack.logs().includes(secret), `${secret} in no log`);
    assert.equal((await rows(stack, "SELECT count(*) FROM files WHERE session = 1 AND (shown IS NOT NULL OR sealed_with IS NOT NULL OR hash IS NOT NULL OR owner <> '')"))[0][0], '0', 'of sessions SQL knows an id, no more');
  });

  test('who takes what he asked for slowly does not take every hand', async () => {
    const f = ok(await put(Buffer.alloc(9_000_000, 'slow')), 201);
    const slow = Array.from({ length: 70 }, () => new Raw(stack.base, { highWaterMark: 1024 }));
    try {
      const statuses = [];
      for (const one of slow) { // one after the other: all at once, the store itself would be too slow for some
        const answer = new Promise((done, fail) => {
          one.socket.once('readable', () => done(Number(String(one.socket.read(12)).slice(9))));
          one.socket.once('close', () => fail(new Error('closed without an answer')));
        });
        await one.write(`GET ${path(c)}/files/${f.id} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${ada.token}\r\n\r\n`);
        statuses.push(await answer);
      }
      const taken = statuses.filter((n) => n === 200).length;
      assert.deepEqual([...new Set(statuses)].sort(), [200, 429]);
      assert.ok(taken >= 24 && taken <= 48, `${taken} of 70 by two processes`);
      const of = ok(await upload(stack, path(c), { ticket: ben.token }, Buffer.from('mine'), 'text/plain', 'b.txt'), 201);
      assert.equal((await get(ben, of.id)).bytes.toString(), 'mine');
    } finally {
      for (const one of slow) one.destroy();
    }
  });

  test('what goes wrong there never looks like success', async () => {
    const count = s3.objects.size;
    for (const spec of [{ status: 503, html: true }, { status: 500 }, { status: 403 }, { reset: true }, { status: 307, headers: { Location: 'https://elsewhere.example/' } }]) {
      s3.next(spec);
      refused(await put(`refused ${rnd(4)}`), 'STORE_UNAVAILABLE', JSON.stringify(spec));
      s3.next(spec);
      refused(await putInSession(`refused ${rnd(4)}`), 'STORE_UNAVAILABLE', JSON.stringify(spec));
    }
    assert.equal(s3.objects.size, count);
    const bytes = Buffer.alloc(200_000, 'whole');
    const f = ok(await put(bytes), 201);
    for (const [spec, want] of [[{ status: 503 }, 503], [{ reset: true }, 503], [{ status: 404 }, 404], [{ status: 200, html: true }, 500], [{ status: 200, body: '' }, 500]]) {
      s3.next(spec);
      const r = await get(ada, f.id);
      assert.equal(r.status, want, JSON.stringify(spec));
      assert.ok(!r.bytes.includes('whole'));
    }
    s3.next({ cut: true });
    const cut = await get(ada, f.id).catch(() => ({ whole: false, bytes: Buffer.alloc(0) }));
    assert.ok(cut.status !== 200 || !cut.whole || cut.bytes.length < bytes.length, 'half of it does not pass for all');
    assert.ok(!cut.whole || cut.status === 503, 'and is seen to be half');
    s3.corrupt(f.id, 100);
    assert.equal((await get(ada, f.id)).status, 500, 'altered at its beginning');
    const g = ok(await put(Buffer.alloc(200_000, 'other')), 201);
    s3.corrupt(g.id, 150_000);
    const late = await get(ada, g.id).catch(() => ({ whole: false, bytes: Buffer.alloc(0) }));
    assert.ok(!late.whole && late.bytes.length <= 131_072, 'altered further on: cut off there');
    const h = ok(await put('swapped'), 201);
    s3.objects.set(h.id, s3.objects.get(g.id));
    assert.equal((await get(ada, h.id)).status, 500, 'another object in its place');
    s3.next({ forget: true });
    const lost = ok(await put('lost'), 201);
    assert.equal((await get(ada, lost.id)).status, 404);
    ok(await put('and it goes on'), 201);
  });

  test('erased with its message, its conversation, its session: the key at once, the object soon, though the store be away', async () => {
    const f = ok(await put(`gone ${rnd(6)}`), 201);
    const m = ok(await ada.post(path(c, '/messages'), { files: [f.id] }), 201);
    ok(await ada.delete(path(c, `/messages/${m.id}`)), 204);
    assert.equal((await get(ben, f.id)).status, 404);
    assert.deepEqual(await rows(stack, `SELECT state FROM files WHERE id = '${f.id}' AND sealed_with IS NULL AND shown IS NULL`), [['gone']]);
    s3.always({ status: 503 });
    assert.equal((await worker()).code, 0);
    assert.ok(s3.objects.has(f.id));
    s3.always();
    assert.equal((await worker()).code, 0);
    assert.ok(!s3.objects.has(f.id));
    const t = await stack.session();
    const g = ok(await upload(stack, t.path, { ticket: t.tickets.student }, 'of a session', 'text/plain', 'x'), 201);
    ok(await stack.as(t.tickets.student).delete(t.path), 204);
    assert.equal((await stack.redis('EXISTS', `{0}:conv:${t.id}:files`)), '0', 'the key is gone');
    assert.ok(s3.objects.has(g.id));
    await worker();
    await worker();
    assert.ok(!s3.objects.has(g.id));
    const still = [...s3.objects.keys()];
    ok(await ada.delete(path(c)), 204);
    await until('the conversation\'s', async () => { await worker(); return s3.objects.size <= 1; }, { ms: 20_000 });
    assert.deepEqual([...s3.objects.keys()].length, 1, `of ${still.length} the living session's alone`);
    await worker({ clock_ms: 3_700_000 });
    assert.equal(s3.objects.size, 1, 'which was sent, and stays');
  });

  test('one that the store does not let go keeps no other from going', async () => {
    const d = await group(ada);
    const all = [];
    for (let i = 0; i < 3; i++) all.push(ok(await upload(stack, path(d), { ticket: ada.token }, `stuck ${i} ${rnd(6)}`, 'text/plain', 'x'), 201));
    s3.stuck.add(all[0].id);
    for (const f of all) ok(await ada.delete(path(d, `/files/${f.id}`)), 204);
    const { jobs } = await worker();
    assert.deepEqual(all.map((f) => s3.objects.has(f.id)), [true, false, false]);
    assert.equal(jobs.files.stuck, 1);
    assert.deepEqual(await rows(stack, `SELECT id FROM files WHERE conversation = '${d.id}'`), [[all[0].id]]);
    const asked = () => s3.requests.filter((r) => r.method === 'DELETE' && r.path.endsWith(all[0].id)).length;
    await worker();
    const before = asked();
    await worker();
    assert.equal(asked(), before, 'it is not asked again at once, and again');
    s3.stuck.clear();
    await worker({ clock_ms: 60_000 });
    assert.ok(!s3.objects.has(all[0].id));
    assert.deepEqual(await rows(stack, `SELECT id FROM files WHERE conversation = '${d.id}'`), []);
  });

  test('a store that is no longer set: what lies there is not forgotten, and the doctor says so', async () => {
    const d = await group(ada);
    const f = ok(await upload(stack, path(d), { ticket: ada.token }, `left behind ${rnd(6)}`, 'text/plain', 'x'), 201);
    ok(await ada.post(path(d, '/messages'), { files: [f.id] }), 201);
    const without = { ROOM_S3_URL: undefined, ROOM_S3_BUCKET: undefined, ROOM_S3_KEY: undefined, ROOM_S3_SECRET: undefined, ROOM_S3_REGION: undefined };
    const doctor = async (env) => {
      const settings = Object.fromEntries(Object.entries({ ...stack.env, ...env }).filter(([, v]) => v !== undefined));
      return JSON.parse((await run(['doctor', '--json'], { env: settings })).stdout).find((x) => x.check === 'files outside');
    };
    const lie = (one) => Number(/^\d+/.exec(one.seen)[0]);
    const before = await doctor({});
    assert.equal(before.finding, 'ok');
    ok(await ada.delete(path(d)), 204);
    await worker({ env: without });
    await worker({ env: without, clock_ms: 60_000 });
    assert.ok(s3.objects.has(f.id));
    assert.deepEqual(await rows(stack, `SELECT state FROM files WHERE id = '${f.id}'`), [['gone']]);
    const lost = await doctor(without);
    assert.deepEqual([lost.finding, lie(lost)], ['BAD', lie(before)]);
    await worker({ clock_ms: 3_700_000 });
    assert.ok(!s3.objects.has(f.id));
    assert.deepEqual(await rows(stack, `SELECT state FROM files WHERE id = '${f.id}'`), []);
    assert.equal(lie(await doctor({})), lie(before) - 1);
  });

  test('equal bytes in a session are one object', async () => {
    const t = await stack.session();
    const before = s3.objects.size;
    const [f, g] = [0, 1].map(() => upload(stack, t.path, { ticket: t.tickets.student }, 'twice the same', 'text/plain', 'x'));
    const [a, b] = [ok(await f, 201), ok(await g, 201)];
    await until('one of the two', async () => { await worker(); return s3.objects.size === before + 1; }, { ms: 10_000 });
    for (const one of [a, b]) assert.equal((await download(stack, t.path, t.tickets.student, one.id)).bytes.toString(), 'twice the same');
  });
});

test('half set up, it does not start, and says why', async () => {
  await assert.rejects(startStack({ env: { ROOM_S3_URL: 'https://localhost:1', ROOM_S3_BUCKET: 'b' }, ready_ms: 4000 }), /ROOM_S3_URL needs/);
});
