// A lost Redis is noticed, quickly, once, and never where nothing was lost.
import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { ok } from '../lib/contract.mjs';
import { rnd } from '../lib/jwt.mjs';
import { startStack } from '../lib/stack.mjs';
import { pool, sleep, until } from '../lib/wait.mjs';
import { runWorker, startWorker } from '../lib/worker.mjs';
import { dueNow, ledger, onBoth, outbox, quietStack, rows } from './helpers.mjs';

const nobody = { ROOM_WEBHOOK_URL: 'https://localhost:1/webhooks/chat', ROOM_WEBHOOK_SECRET: 'a secret of sixteen bytes' };

onBoth('a lost Redis', (db) => {
  let stack, service;
  before(async () => {
    stack = await quietStack(db, { ROOM_TTL_S: '600', ...nobody });
    service = stack.as(stack.service());
  });
  after(() => stack?.stop());
  const check = (options) => runWorker(stack, ['check', '--once'], options);
  const lost = async (s) => {
    const row = await ledger(stack, s.id);
    assert.equal(row.how, 'lost');
    assert.deepEqual((await outbox(stack, s.id)).map((m) => [m.type, m.data.sessionId, m.data.createdAt]), [['session.lost', s.id, s.created.createdAt]]);
  };
  const open = async (s) => {
    assert.equal((await ledger(stack, s.id)).how, '');
    assert.deepEqual(await outbox(stack, s.id), []);
  };

  test('emptied: every open session is lost, told once; erased ones are not', async () => {
    const s = await stack.session();
    const t = await stack.session();
    const e = await stack.session();
    ok(await service.delete(`/api/sessions/${e.id}`), 204);
    await runWorker(stack, ['expiry', '--once']);
    assert.equal((await check()).code, 0);
    for (const x of [s, t]) await open(x);
    await stack.redis('FLUSHALL');
    const r = await check();
    assert.equal(r.jobs.check.lost, 2, r.stderr);
    for (const x of [s, t]) await lost(x);
    assert.equal((await ledger(stack, e.id)).how, 'erased');
    assert.equal((await check({ clock_ms: 120_000 })).jobs.check.lost ?? 0, 0);
    for (const x of [s, t]) await lost(x);
  });
  test('one session gone, the rest there: found within the minute', async () => {
    const s = await stack.session();
    const t = await stack.session();
    await check();
    await stack.redis('DEL', ...(await stack.redis('KEYS', `*${s.id}*`)).split('\n'));
    await stack.redis('ZREM', '{0}:due', s.id);
    assert.equal((await check()).jobs.check.lost ?? 0, 0, 'its row was just looked at');
    assert.equal((await check({ clock_ms: 61_000 })).jobs.check.lost, 1);
    await lost(s);
    await open(t);
  });
  test('the same id anew: the old life is lost, the new one lives', async () => {
    const body = { sessionId: `sess_${rnd()}` };
    const s = await stack.session(body);
    await stack.redis('FLUSHALL');
    await sleep(5);
    const again = await stack.session(body);
    assert.notEqual(again.created.createdAt, s.created.createdAt);
    await check();
    const all = await rows(stack, `SELECT created_at, how FROM ledger WHERE conversation = '${s.id}' ORDER BY created_at`);
    assert.deepEqual(all, [[String(s.created.createdAt), 'lost'], [String(again.created.createdAt), '']]);
  });
  test('a database put back from before they were over: accounted for as they were, not lost; told under the same id', async () => {
    const [expired, erased, living] = [await stack.session(), await stack.session(), await stack.session()];
    await stack.redis('HSET', `{0}:conv:${expired.id}`, 'expiresAt', Date.now() - 1000);
    await dueNow(stack, expired.id);
    ok(await service.delete(`/api/sessions/${erased.id}`), 204);
    const sums = `INSERT INTO summaries (id, conversation, session_at, counselor, status, created_at, updated_at, expires_at) VALUES ('sum_${erased.id}', '${erased.id}', ${erased.created.createdAt}, 'c', 'failed', 1, 1, ${Date.now() + 1e9})`;
    const ids = () => rows(stack, `SELECT id FROM webhooks WHERE conversation IN ('${expired.id}', '${erased.id}') ORDER BY id`);
    const over = async () => { assert.equal((await runWorker(stack, ['expiry', '--once'])).code, 0); };
    await over();
    const before = await ids();
    assert.equal(before.length, 2);
    for (const s of [expired, erased]) await rows(stack, `UPDATE ledger SET how = NULL, closed_at = NULL WHERE conversation = '${s.id}'; DELETE FROM webhooks WHERE conversation = '${s.id}'`);
    await rows(stack, sums);
    const r = await check({ clock_ms: 61_000 });
    assert.deepEqual([r.code, r.jobs.check.lost ?? 0], [0, 0], r.stderr);
    await over();
    for (const [s, how] of [[expired, 'expired'], [erased, 'erased']]) {
      assert.equal((await ledger(stack, s.id)).how, how);
      assert.deepEqual((await outbox(stack, s.id)).map((m) => [m.type, m.data.reason]), [['session.expired', how]]);
    }
    assert.deepEqual(await ids(), before);
    assert.deepEqual(await rows(stack, `SELECT id FROM summaries WHERE conversation = '${erased.id}'`), []);
    await open(living);
  });
  for (const step of ['check.doubted', 'check.closed']) {
    test(`killed at ${step}: the next one makes it good, once`, async () => {
      await check();
      const s = await stack.session();
      await stack.redis('FLUSHALL');
      assert.equal((await check({ failpoint: `${step}:kill` })).signal, 'SIGKILL');
      assert.equal((await check({ clock_ms: 1000 })).code, 0);
      await lost(s);
    });
  }
  test('two at once: told once', async () => {
    await check();
    const all = await pool(8, Array.from({ length: 40 }), () => stack.session());
    await stack.redis('FLUSHALL');
    const runs = await Promise.all([check(), check()]);
    for (const r of runs) assert.equal(r.code, 0, r.stderr);
    for (const s of all) await lost(s);
    assert.equal(runs.reduce((n, r) => n + (r.jobs.check.lost ?? 0), 0), 40);
  });

  test('no alarm: Redis away, and back', async () => {
    const s = await stack.session();
    const pid = stack.children().redis[0];
    process.kill(pid, 'SIGSTOP');
    try {
      const r = await check({ clock_ms: 61_000 });
      assert.equal(r.code, 3);
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    await until('Redis', async () => (await stack.redis('PING')) === 'PONG');
    assert.equal((await check({ clock_ms: 122_000 })).code, 0);
    await open(s);
    assert.equal((await check({ clock_ms: 200_000, env: { ROOM_REDIS: 'unix:/nowhere/redis.sock' } })).code, 3);
    await open(s);
  });
  test('no alarm: Redis crashes and takes up its log again, with a worker looking on', async () => {
    const s = await stack.session();
    ok(await stack.as(s.tickets.student).post(`${s.path}/messages`, { content: 'x' }), 201);
    await sleep(1100); // everysec: what is older than a second is in the file
    const w = startWorker(stack, ['check', '--stay'], { clock_ms: 300_000 });
    const old = stack.kill('redis');
    await stack.replaced('redis', old);
    await until('Redis', async () => (await stack.redis('PING')) === 'PONG');
    await sleep(2500);
    const r = await w.stop();
    assert.equal(r.jobs.check?.lost ?? 0, 0);
    await open(s);
  });
  test('no alarm: missing for a moment', async () => {
    const s = await stack.session();
    const keys = (await stack.redis('KEYS', `*${s.id}*`)).split('\n');
    for (const k of keys) await stack.redis('RENAME', k, `away:${k}`);
    const score = await stack.redis('ZSCORE', '{0}:due', s.id);
    await stack.redis('ZREM', '{0}:due', s.id);
    const failpoint = join(stack.state, 'failpoint');
    writeFileSync(failpoint, 'check.doubted:stop');
    const w = startWorker(stack, ['check', '--once'], { clock_ms: 400_000, failpoint: `@${failpoint}` });
    await until('its doubt', () => !existsSync(failpoint) && /\) T /.test(readFileSync(`/proc/${w.pid}/stat`, 'utf8')));
    try {
      for (const k of keys) await stack.redis('RENAME', `away:${k}`, k);
      await stack.redis('ZADD', '{0}:due', score, s.id);
    } finally {
      w.child.kill('SIGCONT');
    }
    const r = await w.ended;
    assert.deepEqual([r.code, r.jobs.check.lost ?? 0], [0, 0]);
    await open(s);
  });
  test('no alarm: sessions just being created, with all rows being looked at all the time', async () => {
    let running = true;
    const looking = (async () => {
      let seen = 0;
      for (let i = 0; running; i++) {
        await stack.redis('DEL', '{0}:mark');
        const r = await check({ clock_ms: 500_000 + i * 1000 });
        seen += r.jobs.check.lost ?? 0;
      }
      return seen;
    })();
    const all = await pool(10, Array.from({ length: 200 }), () => stack.session());
    running = false;
    assert.equal(await looking, 0);
    await open(all[0]);
  });
});

describe('kept running by room up', () => {
  test('MainServer hears of it within seconds', async () => {
    const stack = await startStack({ env: nobody });
    try {
      const s = await stack.session();
      await until('the mark', async () => (await stack.redis('EXISTS', '{0}:mark')) === '1');
      await stack.redis('FLUSHALL');
      const since = Date.now();
      await until('the row', async () => (await ledger(stack, s.id)).how === 'lost', { every: 200 });
      assert.ok(Date.now() - since < 12_000);
    } finally {
      await stack.stop();
    }
  });
});
