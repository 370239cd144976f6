// The audit comes into SQL whole, each item once, whoever dies meanwhile; and goes when its time is over.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ok } from '../lib/contract.mjs';
import { rnd } from '../lib/jwt.mjs';
import { pool } from '../lib/wait.mjs';
import { runWorker } from '../lib/worker.mjs';
import { onBoth, quietStack, rows } from './helpers.mjs';

onBoth('the audit', (db) => {
  let stack;
  before(async () => { stack = await quietStack(db); });
  after(() => stack?.stop());
  const once = (options) => runWorker(stack, ['audit', '--once'], options);
  const waiting = async () => (await stack.redis('LRANGE', '{0}:audit', 0, -1)).split('\n').filter(Boolean);
  const kept = async () => (await rows(stack, 'SELECT at, what, conversation, side, position FROM audit')).map((r) => r.join(' ')).sort();
  async function talk(messages) {
    const s = await stack.session();
    for (let i = 0; i < messages; i++) ok(await stack.as(s.tickets.student).post(`${s.path}/messages`, { content: `canary${rnd()}` }), 201);
    return s;
  }

  test('what happened, in SQL, once; the queue is empty', async () => {
    const s = await talk(3);
    const items = await waiting();
    assert.ok(items.length >= 5);
    const r = await once();
    assert.deepEqual([r.code, r.jobs.audit.drained], [0, items.length]);
    assert.deepEqual(await kept(), items.sort());
    assert.deepEqual(await waiting(), []);
    const what = (await rows(stack, `SELECT what, side FROM audit WHERE conversation = '${s.id}' ORDER BY at, position`)).map((x) => x.join(' '));
    assert.deepEqual(what.filter((w) => w.startsWith('message')), ['message student', 'message student', 'message student']);
    assert.ok(what.includes('created service') && what.includes('joined student'));
  });
  for (const step of ['drain.looked', 'drain.written', 'drain.removed']) {
    test(`killed at ${step}: nothing is missing, nothing is there twice`, async () => {
      const before_ = await kept();
      await talk(4);
      const items = await waiting();
      assert.equal((await once({ failpoint: `${step}:kill` })).signal, 'SIGKILL');
      await talk(1);
      const more = await waiting();
      assert.equal((await once()).code, 0);
      assert.deepEqual(await kept(), [...new Set([...before_, ...items, ...more])].sort());
      assert.deepEqual(await waiting(), []);
    });
  }
  test('thousands, drained by three at once while more come', async () => {
    const before_ = await kept();
    const base = Date.now();
    const made = Array.from({ length: 6000 }, (_, i) => `${base + i} message sess_many student ${i}`);
    for (let i = 0; i < made.length; i += 500) await stack.redis('RPUSH', '{0}:audit', ...made.slice(i, i + 500));
    const late = made.splice(0, 0);
    const runs = [once(), once(), once()];
    for (let i = 0; i < 10; i++) { const more = Array.from({ length: 100 }, (_, k) => `${base + 10_000 + i * 100 + k} message sess_late student 1`); late.push(...more); await stack.redis('RPUSH', '{0}:audit', ...more); }
    for (const r of await Promise.all(runs)) assert.equal(r.code, 0, r.stderr);
    assert.equal((await once()).code, 0);
    assert.deepEqual(await waiting(), []);
    assert.deepEqual(await kept(), [...before_, ...made, ...late].sort());
  });
  test('what is no item of ours holds nobody up, and is not kept', async () => {
    await stack.redis('RPUSH', '{0}:audit', 'nonsense', '1 a b', `1 what ${'x'.repeat(200)} side 1`);
    const s = await talk(1);
    const r = await once();
    assert.equal(r.code, 0);
    assert.match(r.stderr, /audit\.strange/);
    assert.deepEqual(await waiting(), []);
    assert.ok((await rows(stack, `SELECT 1 FROM audit WHERE conversation = '${s.id}'`)).length >= 3);
    assert.equal((await rows(stack, "SELECT 1 FROM audit WHERE what = 'nonsense'")).length, 0);
  });
  test('Redis away: exit code 3, nothing lost', async () => {
    await talk(2);
    const items = await waiting();
    assert.equal((await once({ env: { ROOM_REDIS: 'unix:/nowhere/s' } })).code, 3);
    assert.deepEqual(await waiting(), items);
    assert.equal((await once()).code, 0);
    assert.deepEqual(await waiting(), []);
  });
  if (db.postgres) {
    test('the database away: exit code 3, nothing lost', async () => {
      await talk(2);
      const items = await waiting();
      await db.pg.stop({ signal: 'SIGQUIT', keep: true });
      try {
        assert.equal((await once()).code, 3);
      } finally {
        await db.pg.start();
      }
      assert.deepEqual(await waiting(), items);
      assert.equal((await once()).code, 0);
      assert.deepEqual(await waiting(), []);
    });
  }
  test('goes after ROOM_KEEP_DAYS, and closed rows of the ledger with it', async () => {
    const s = await talk(1);
    ok(await stack.as(stack.service()).delete(`/api/sessions/${s.id}`), 204);
    await runWorker(stack, ['expiry', '--once']);
    await once();
    const [open] = (await rows(stack, 'SELECT count(*) FROM ledger WHERE closed_at IS NULL'))[0];
    const day = 86_400_000;
    await once({ clock_ms: 9 * day, env: { ROOM_KEEP_DAYS: '10' } });
    assert.ok((await rows(stack, `SELECT 1 FROM audit WHERE conversation = '${s.id}'`)).length > 0);
    await once({ clock_ms: 11 * day, env: { ROOM_KEEP_DAYS: '10' } });
    assert.deepEqual(await rows(stack, `SELECT 1 FROM audit WHERE conversation = '${s.id}'`), []);
    assert.deepEqual(await rows(stack, 'SELECT count(*) FROM ledger'), [[open]]);
  });
  test('many sessions at once', async () => {
    await pool(8, Array.from({ length: 30 }), () => talk(2));
    const items = await waiting();
    const r = await once();
    assert.equal(r.code, 0, r.stderr);
    const all = new Set(await kept());
    for (const i of items) assert.ok(all.has(i), i);
  });
});
