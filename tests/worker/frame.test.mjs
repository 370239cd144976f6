// The frame of `room worker`: names, times, codes, ends; and the ledger's row, written before a session's creation is answered.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { call } from '../lib/client.mjs';
import { ok, refused } from '../lib/contract.mjs';
import { rnd } from '../lib/jwt.mjs';
import { startStack } from '../lib/stack.mjs';
import { pool, slow, until } from '../lib/wait.mjs';
import { runWorker, startWorker } from '../lib/worker.mjs';
import { run } from '../room/helpers.mjs';
import { ledger, onBoth, quietStack, rows } from './helpers.mjs';

describe('room worker', () => {
  let stack;
  before(async () => { stack = await quietStack({ env: async () => ({}) }); });
  after(() => stack?.stop());

  test('its help names every job; what makes no sense is refused', async () => {
    const help = await run(['worker', '--help'], { env: stack.env });
    for (const job of ['expiry', 'check', 'audit', 'webhook', 'push']) assert.match(help.stdout, new RegExp(`^  ${job} `, 'm'));
    for (const args of [['nosuch'], ['--once', '--stay'], ['--status', 'audit'], ['--json'], ['--nosuch']]) assert.equal((await run(['worker', ...args], { env: stack.env })).code, 2, args.join(' '));
  });
  test('--once: one line of JSON per job on standard output, nothing on standard error, code 0', async () => {
    const r = await runWorker(stack, ['--once']);
    assert.deepEqual([r.code, r.stderr], [0, '']);
    for (const job of ['expiry', 'check', 'audit', 'webhook']) assert.deepEqual([r.jobs[job].program, r.jobs[job].event, r.jobs[job].failures], ['worker', 'job', 0], job);
    assert.equal(r.out.trim().split('\n').length, Object.keys(r.jobs).length);
  });
  test('the jobs that are named, and only they', async () => {
    assert.deepEqual(Object.keys((await runWorker(stack, ['audit', 'check', '--once'])).jobs).sort(), ['audit', 'check']);
  });
  test('it ends by itself after ROOM_WORKER_S, and soon after SIGTERM', async () => {
    const start = Date.now();
    const r = await runWorker(stack, [], { env: { ROOM_WORKER_S: '3' } });
    assert.equal(r.code, 0, r.stderr);
    assert.ok(Date.now() - start >= 3000 && Date.now() - start < 10_000 * slow);
    assert.ok(r.jobs.audit.rounds >= 2, 'round after round');
    await stack.redis('DEL', '{0}:mark');
    const w = startWorker(stack, ['--stay']);
    await until('its first round', async () => (await stack.redis('EXISTS', '{0}:mark')) === '1');
    const stopped = Date.now();
    const e = await w.stop();
    assert.deepEqual([e.code, e.signal], [0, null]);
    assert.ok(Date.now() - stopped < 3000 * slow);
  });
  test('Redis away: 3, within seconds; wrong settings: 2', async () => {
    const start = Date.now();
    assert.equal((await runWorker(stack, ['--once'], { env: { ROOM_REDIS: 'unix:/nowhere/s' } })).code, 3);
    assert.ok(Date.now() - start < 15_000 * slow);
    assert.equal((await runWorker(stack, ['audit', '--once'], { env: { ROOM_DB: 'sqlite:/nowhere/at/all.db' } })).code, 3);
    assert.equal((await runWorker(stack, ['--once'], { env: { ROOM_DB: 'oracle:x' } })).code, 2);
    const state = mkdtempSync(join(tmpdir(), 'room-test-'));
    assert.equal((await run(['worker', '--once'], { env: { ...stack.env, ROOM_STATE: state } })).code, 2, 'no Redis named and none running');
    rmSync(state, { recursive: true });
  });
  test('--status: queues, breakers, dead letters; code 3 when Redis is away', async () => {
    const s = await stack.session();
    ok(await stack.as(s.tickets.student).post(`${s.path}/messages`, { content: 'x' }), 201);
    const r = await run(['worker', '--status', '--json'], { env: stack.env });
    assert.equal(r.code, 0, r.stderr);
    const status = JSON.parse(r.stdout);
    assert.ok(status.queues.due.count >= 1 && status.queues.due.due === 0);
    assert.ok(status.queues.audit.count >= 2 && status.queues.events.count >= 1 && status.queues.push.count === 1);
    assert.equal(status.breakers.mainserver.state, 'closed');
    assert.deepEqual(status.webhooks, { pending: 0, delivered: 0, dead: 0 });
    assert.ok(status.ledger.open >= 1);
    const text = await run(['worker', '--status'], { env: stack.env });
    assert.match(text.stdout, /^queue +due +\d+/m);
    assert.equal((await run(['worker', '--status'], { env: { ...stack.env, ROOM_REDIS: 'unix:/nowhere/s' } })).code, 3);
  });
});

describe('room up', () => {
  test('keeps one worker, and replaces it when it dies; it serves all buckets; with ROOM_WORKER=0 there is none', async () => {
    const stack = await startStack();
    try {
      assert.equal(stack.children().worker.length, 1);
      const old = stack.kill('worker');
      await stack.replaced('worker', old);
    } finally {
      await stack.stop();
    }
    const many = await startStack({ env: { ROOM_BUCKETS: '5', ROOM_TTL_S: '5' } });
    try {
      const all = [];
      for (let i = 0; i < 12; i++) {
        const s = await many.session();
        ok(await many.as(s.tickets.student).post(`${s.path}/messages`, { content: 'x' }), 201);
        all.push(s);
      }
      assert.ok(new Set((await many.redis('KEYS', '*conv:*')).split('\n').map((k) => k.split('}')[0])).size > 1, 'in several buckets');
      for (const s of all) await until('its row', async () => (await ledger(many, s.id)).how === 'expired', { ms: 60_000, every: 200 });
      await until('the audit', async () => (await rows(many, "SELECT 1 FROM audit WHERE what = 'expired'")).length === 12, { ms: 60_000, every: 200 });
    } finally {
      await many.stop();
    }
    const none = await startStack({ env: { ROOM_WORKER: '0' } });
    try {
      assert.deepEqual(none.children().worker, []);
    } finally {
      await none.stop();
    }
  });
});

onBoth('creating a session', (db) => {
  let stack, service;
  before(async () => {
    stack = await quietStack(db);
    service = stack.as(stack.service());
  });
  after(() => stack?.stop());
  const body = () => ({ sessionId: `sess_${rnd()}`, studentAnonymousId: `anon_${rnd()}`, counselorId: `couns_${rnd()}`, caseRef: 'case_9' });

  test('its row is there when it is answered', async () => {
    await pool(6, Array.from({ length: 30 }), async () => {
      const b = body();
      const r = ok(await service.post('/api/sessions', b), 201);
      const row = await ledger(stack, b.sessionId);
      assert.deepEqual([row.how, row.createdAt, row.expiresAt, row.caseRef], ['', r.createdAt, r.expiresAt, 'case_9']);
    });
  });
  test('the same again, at once and later: one row', async () => {
    const b = body();
    const all = await Promise.all(Array.from({ length: 8 }, () => service.post('/api/sessions', b)));
    assert.deepEqual(all.map((r) => r.status).sort(), [200, 200, 200, 200, 200, 200, 200, 201]);
    assert.equal((await rows(stack, `SELECT 1 FROM ledger WHERE conversation = '${b.sessionId}'`)).length, 1);
  });
  test('died between Redis and the ledger: the same request makes it good', async () => {
    const b = body();
    const first = ok(await service.post('/api/sessions', b), 201);
    await rows(stack, `DELETE FROM ledger WHERE conversation = '${b.sessionId}'`); // as such a death leaves it
    const again = ok(await service.post('/api/sessions', b), 200);
    assert.equal(again.createdAt, first.createdAt);
    assert.equal((await ledger(stack, b.sessionId)).createdAt, first.createdAt);
  });
  if (db.postgres) {
    test('the database away: 503, and the same request succeeds when it is back', async () => {
      const b = body();
      const living = await stack.session();
      await db.pg.stop({ signal: 'SIGQUIT', keep: true });
      try {
        refused(await call(stack.base, 'POST', '/api/sessions', { ticket: stack.service(), json: b }), 'STORE_UNAVAILABLE');
        ok(await stack.as(living.tickets.student).post(`${living.path}/messages`, { content: 'talking goes on' }), 201);
      } finally {
        await db.pg.start();
      }
      const r = await until('the creation', async () => { const x = await service.post('/api/sessions', b); return x.status < 300 && x; }, { every: 200 });
      assert.equal(r.status, 200);
      assert.equal((await ledger(stack, b.sessionId)).createdAt, r.json.createdAt);
      ok(await stack.as(r.json.tickets.student).post(`/api/conversations/${b.sessionId}/messages`, { content: 'x' }), 201);
    });
  }
});
