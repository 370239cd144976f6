// What was said is nowhere after the deadline (promise F), and never in logs or what is sent (promise J): `room doctor --residue` finds what there
// is, and nothing when there is nothing.
import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { ok } from '../lib/contract.mjs';
import { rnd } from '../lib/jwt.mjs';
import { startOutside } from '../lib/outside.mjs';
import { StreamReader } from '../lib/reader.mjs';
import { until } from '../lib/wait.mjs';
import { run } from '../room/helpers.mjs';
import { startStack } from '../lib/stack.mjs';
import { runWorker } from '../lib/worker.mjs';
import { ledger, onBoth, past, quietStack, rewriteFile, rows } from './helpers.mjs';

const residue = (stack, texts = [], input) => run(['doctor', '--residue', '--json', ...texts.flatMap((t) => ['--text', t])], { env: stack.env, input })
  .then((r) => ({ code: r.code, found: (() => { try { return JSON.parse(r.stdout); } catch { throw new Error(`${r.code} ${r.stdout} ${r.stderr}`); } })(), stdout: r.stdout }));
const bad = (r) => r.found.filter((f) => f.finding === 'BAD').map((f) => `${f.check}: ${f.seen}`);

onBoth('what is left of a session', (db) => {
  let stack, o;
  before(async () => {
    o = await startOutside();
    stack = await startStack({ env: { ...o.env, ...(await db.env()), ROOM_TTL_S: '15', ROOM_ACCESS_LOG: '1' } });
  });
  after(async () => {
    await stack?.stop();
    await o?.stop();
  });

  test('while it lives it is found; after its deadline neither in Redis, its files, SQL, logs, scratch, nor in what was sent', async () => {
    const student = `anon_${rnd(10)}`;
    const s = await stack.session({ studentAnonymousId: student, devices: { counselor: { token: `tok${rnd(20)}` } } });
    const words = Array.from({ length: 6 }, (_, i) => `canary${i}${rnd(10)}`);
    const odd = `"quoted" ünïcode \\ ${rnd(10)}`;
    const me = stack.as(s.tickets.student);
    const reader = new StreamReader('r', stack.base, s.id, s.tickets.counselor);
    await until('ready', () => reader.cursor);
    const first = ok(await me.post(`${s.path}/messages`, { content: words[0], clientId: `cid${words[1]}`, metadata: { note: words[2] } }), 201);
    const second = ok(await me.post(`${s.path}/messages`, { content: words[3] }), 201);
    ok(await me.post(`${s.path}/messages`, { content: odd }), 201);
    ok(await me.patch(`${s.path}/messages/${first.id}`, { content: words[4] }));
    ok(await me.delete(`${s.path}/messages/${second.id}`), 204);
    ok(await stack.as(s.tickets.counselor).post(`${s.path}/messages`, { content: words[5] }), 201);
    const deadline = ok(await stack.as(stack.service()).get(`/api/sessions/${s.id}`)).expiresAt;
    reader.running = false;
    await reader.stop();

    for (const there of [words[2], words[4], words[5], odd]) {
      const r = await residue(stack, [there]);
      assert.equal(r.code, 1, there);
      assert.ok(bad(r).some((f) => f.includes(`:conv:${s.id}:log`)), bad(r).join('\n'));
      assert.ok(!r.stdout.includes(there), 'where, not what');
    }
    assert.deepEqual(bad(await residue(stack, [words[3]])).filter((f) => !/Redis's files|scratch/.test(f)), [], 'a deleted text stands in the log of Redis at most');

    await past(deadline);
    await until('the row', async () => (await ledger(stack, s.id)).how === 'expired', { ms: 30_000, every: 200 });
    await rewriteFile(stack);
    const gone = await until('nothing to be found', async () => { const r = await residue(stack, ['-'], [...words, odd, student].join('\n')); return r.code === 0 ? r : assert.fail(bad(r).join('\n')); }, { ms: 30_000, every: 500 });
    for (const check of ['residue in Redis', ...(db.postgres ? ["residue in PostgreSQL's files", "residue in PostgreSQL's log"] : ["residue in SQLite's file"])]) {
      assert.ok(gone.found.some((f) => f.check === check && f.finding === 'ok'), check);
    }
    assert.equal((await residue(stack)).code, 0, 'nor keys that should be gone');
    for (const text of [...words, odd]) assert.deepEqual(o.search(text), [], 'sent to nobody');
    for (const text of [...words, odd, student, ...Object.values(s.tickets)]) assert.ok(!stack.logs().includes(text), 'in no log');
  });
  test('it finds a text wherever it is put', async () => {
    const text = `hidden${rnd(10)}`;
    const places = {
      'residue in Redis': async () => { await stack.redis('SADD', 'some:set', `x${text}y`); return () => stack.redis('DEL', 'some:set'); },
      'residue in SQL': async () => { await rows(stack, `INSERT INTO audit VALUES ('c', 1, 1, '${text}', 'x')`); return () => rows(stack, `DELETE FROM audit WHERE what = '${text}'`); },
      'residue in ROOM_STATE': async () => { writeFileSync(join(stack.state, 'logs', 'x.log'), `${'-'.repeat(1048570)}${text}`); return () => rmSync(join(stack.state, 'logs', 'x.log')); },
    };
    if (db.postgres) places["residue in PostgreSQL's"] = async () => { await rows(stack, `INSERT INTO audit VALUES ('d', 1, 1, '${text}', 'x'); DELETE FROM audit WHERE what = '${text}'`); return () => {}; };
    for (const [check, put] of Object.entries(places)) {
      const undo = await put();
      const r = await residue(stack, [text]);
      assert.equal(r.code, 1, check);
      assert.ok(r.found.some((f) => f.finding === 'BAD' && f.check.startsWith(check)), `${check}: ${bad(r).join()}`);
      await undo();
    }
  });
});

onBoth('keys and rows that should be gone', (db) => {
  let stack;
  before(async () => { stack = await quietStack(db, { ROOM_TTL_S: '600' }); });
  after(() => stack?.stop());
  test('are found without any text', async () => {
    assert.equal((await residue(stack)).code, 0);
    const s = await stack.session();
    ok(await stack.as(s.tickets.student).post(`${s.path}/messages`, { content: 'x' }), 201);
    assert.equal((await residue(stack)).code, 0, 'a living session is none');
    const [key] = (await stack.redis('KEYS', `*conv:${s.id}`)).split('\n');
    await stack.redis('HSET', key, 'expiresAt', Date.now() - 61_000);
    await stack.redis('ZADD', '{0}:due', Date.now() - 61_000, s.id);
    const r = await residue(stack);
    assert.equal(r.code, 1);
    for (const part of [`{0}:conv:${s.id}`, `{0}:conv:${s.id}:log`, '{0}:due']) assert.ok(bad(r).some((f) => f.endsWith(part)), `${part}: ${bad(r).join('\n')}`);
    await runWorker(stack, ['expiry', '--once']);
    await stack.redis('DEL', '{0}:push');
    assert.equal((await residue(stack)).code, 0);
    const summary = (expires_at) => rows(stack, `INSERT INTO summaries (id, conversation, session_at, counselor, status, created_at, updated_at, expires_at) VALUES ('sum_${rnd()}', '${rnd()}', 1, 'c', 'requested', 1, 1, ${expires_at})`);
    await summary(Date.now() - 60_000);
    assert.deepEqual(bad(await residue(stack)), [], 'a summary whose time is over since a minute: the worker comes by every ten');
    await summary(Date.now() - 16 * 60_000);
    assert.ok(bad(await residue(stack)).some((f) => /summaries/.test(f)));
    await rows(stack, 'DELETE FROM summaries');
    await stack.redis('RPUSH', '{0}:conv:nobody:log', 'x');
    assert.ok(bad(await residue(stack)).some((f) => f.endsWith('{0}:conv:nobody:log')), 'a part without its session');
  });
});
