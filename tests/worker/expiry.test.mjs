// Sessions that are over: erased, accounted for once, MainServer told once, whoever dies meanwhile (promises F and I).
import assert from 'node:assert/strict';
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, beforeEach, test, describe } from 'node:test';
import { ok } from '../lib/contract.mjs';
import { rnd } from '../lib/jwt.mjs';
import { StreamReader } from '../lib/reader.mjs';
import { build, startStack, still } from '../lib/stack.mjs';
import { pool, until } from '../lib/wait.mjs';
import { runWorker } from '../lib/worker.mjs';
import { dueNow, ledger, onBoth, outbox, past, quietStack, rows, startRedis } from './helpers.mjs';

// Told, but to nobody: the job `webhook` is not what these tests are about.
const nobody = { ROOM_WEBHOOK_URL: 'https://localhost:1/webhooks/chat', ROOM_WEBHOOK_SECRET: 'a secret of sixteen bytes' };
const steps = ['expiry.erased', 'expiry.settled', 'expiry.scrubbed', 'expiry.finished'];

onBoth('the bookkeeping', (db) => {
  let short, long, stack, service;
  // What is not to expire meanwhile has a stack with more time.
  const on = (which) => { stack = which; service = stack.as(stack.service()); };
  before(async () => {
    short = await quietStack(db, { ROOM_TTL_S: '2', ...nobody });
    long = await quietStack(db, { ROOM_TTL_S: '600', ...nobody });
  });
  beforeEach(() => on(short));
  after(async () => { await short?.stop(); await long?.stop(); });
  const once = (options) => runWorker(stack, ['expiry', '--once'], options);

  async function over(body = {}, messages = 2) {
    const s = await stack.session({ sessionId: `sess_${rnd()}`, caseRef: 'case_1', ...body });
    for (let i = 0; i < messages; i++) {
      const m = ok(await stack.as(s.tickets.student).post(`${s.path}/messages`, { content: `canary-${s.id}-${i}` }), 201);
      s.first ??= m;
    }
    s.deadline = ok(await service.get(`/api/sessions/${s.id}`)).expiresAt;
    return s;
  }
  const keysOf = async (id) => (await stack.redis('KEYS', `*${id}*`)).split('\n').filter((k) => k && !/gone/.test(k));
  async function settled(s, how, messages = 2) {
    const row = await ledger(stack, s.id);
    assert.deepEqual({ how: row.how, messages: row.messages, createdAt: row.createdAt, expiresAt: row.expiresAt, caseRef: row.caseRef },
      { how, messages, createdAt: s.created.createdAt, expiresAt: s.deadline, caseRef: 'case_1' });
    assert.ok(row.closedAt > 0 && Math.abs(row.closedAt - Date.now()) < 60_000);
    const told = (await outbox(stack, s.id)).filter((m) => m.type === 'session.expired');
    assert.equal(told.length, 1, 'told once');
    assert.deepEqual({ sessionId: told[0].data.sessionId, reason: told[0].data.reason, messageCount: told[0].data.messageCount }, { sessionId: s.id, reason: how, messageCount: messages });
    assert.deepEqual(await keysOf(s.id), []);
    assert.equal(await stack.redis('ZSCORE', '{0}:due', s.id), '', 'off the list');
    assert.equal((await rows(stack, `SELECT count(*) FROM ledger WHERE conversation = '${s.id}'`))[0][0], '1');
  }

  test('a session past its deadline: keys gone, row complete, message in the outbox; a second run finds nothing', async () => {
    const s = await over();
    assert.equal((await ledger(stack, s.id)).how, '', 'open while it lives');
    await past(s.deadline);
    const r = await once();
    assert.deepEqual({ code: r.code, stderr: r.stderr }, { code: 0, stderr: '' });
    await settled(s, 'expired');
    assert.equal((await once()).jobs.expiry.closed ?? 0, 0);
    await settled(s, 'expired');
  });
  test('a session erased before it: the same way, and its summary goes too', async () => {
    on(long);
    const s = await over();
    await rows(stack, `INSERT INTO summaries (id, conversation, session_at, counselor, status, created_at, updated_at, expires_at) VALUES ('sum_${s.id}', '${s.id}', ${s.created.createdAt}, '${s.counselor}', 'requested', 1, 1, ${Date.now() + 1e9})`);
    ok(await service.delete(`/api/sessions/${s.id}`), 204);
    assert.equal((await once()).code, 0);
    await settled(s, 'erased');
    assert.deepEqual(await rows(stack, `SELECT id FROM summaries WHERE conversation = '${s.id}'`), []);
  });
  test('an ended one: when it ended is known', async () => {
    const s = await over();
    ok(await stack.as(s.tickets.student).post(`${s.path}/end`, {}));
    await past(s.deadline);
    assert.equal((await once()).code, 0);
    await settled(s, 'expired');
    const { endedAt, createdAt, closedAt } = await ledger(stack, s.id);
    assert.ok(endedAt >= createdAt && endedAt <= closedAt);
  });
  test('a living one, due as last noted, stays', async () => {
    on(long);
    const s = await over();
    await dueNow(stack, s.id);
    assert.equal((await once()).code, 0);
    assert.equal(Number(await stack.redis('ZSCORE', '{0}:due', s.id)), s.deadline);
    assert.equal((await ledger(stack, s.id)).how, '');
    ok(await stack.as(s.tickets.student).get(`${s.path}/messages`));
  });
  for (const step of steps) {
    test(`killed at ${step}: the next one makes it good, and nothing is told twice`, async () => {
      const s = await over();
      const e = await over();
      ok(await service.delete(`/api/sessions/${e.id}`), 204);
      await past(s.deadline);
      assert.equal((await once({ failpoint: `${step}:kill` })).signal, 'SIGKILL');
      assert.deepEqual(await keysOf(s.id), [], 'erasing comes first');
      for (const x of [s, e]) await dueNow(stack, x.id);
      assert.equal((await once()).code, 0);
      await settled(s, 'expired');
      await settled(e, 'erased');
    });
  }
  test('who died is replaced after 5 s, without any help', async () => {
    const s = await over();
    await past(s.deadline);
    assert.equal((await once({ failpoint: 'expiry.erased:kill' })).signal, 'SIGKILL');
    const score = Number(await stack.redis('ZSCORE', '{0}:due', s.id));
    assert.ok(score > s.deadline && score <= Date.now() + 5000, 'its turn comes again in 5 s');
    await until('the next run to take it up', async () => { await once(); return (await ledger(stack, s.id)).how === 'expired'; }, { every: 300 });
    await settled(s, 'expired');
  });
  test('several at once: each session is closed and told once', async () => {
    const all = await pool(8, Array.from({ length: 130 }), () => over({}, 1));
    await past(Math.max(...all.map((s) => s.deadline)));
    const runs = await Promise.all([once(), once(), once()]);
    for (const r of runs) assert.equal(r.code, 0, r.stderr);
    await until('all to be off the list', async () => { await once(); return (await stack.redis('ZCARD', '{0}:due')) === '0'; }, { ms: 40_000, every: 200 });
    for (const s of all.slice(0, 20)) await settled(s, 'expired', 1);
    const [[told, sessions]] = await rows(stack, `SELECT count(*), count(DISTINCT conversation) FROM webhooks WHERE conversation IN (${all.map((s) => `'${s.id}'`).join()}) AND type = 'session.expired'`);
    assert.deepEqual([told, sessions], ['130', '130']);
  });
  test('nobody looked until the keys went by their TTL: expired, not lost; even when the stub is gone too', async () => {
    const s = await over();
    const t = await over();
    const [ended, endedToo] = [await over(), await over()];
    const rewritten = await over({}, 3);
    for (const x of [ended, endedToo]) ok(await stack.as(x.tickets.student).post(`${x.path}/end`, {}));
    await runWorker(stack, ['webhook', '--once']); // the ledger knows that they ended
    ok(await stack.as(rewritten.tickets.student).delete(`${rewritten.path}/messages/${rewritten.first.id}`), 204);
    rewritten.deadline = ok(await service.get(`/api/sessions/${rewritten.id}`)).expiresAt;
    await past(rewritten.deadline);
    const all = [s, t, ended, endedToo, rewritten];
    for (const x of all) await stack.redis('DEL', ...(await keysOf(x.id)));
    for (const x of [t, endedToo]) assert.equal(await stack.redis('DEL', `{0}:gone:${x.id}`), '1');
    const checked = await runWorker(stack, ['check', '--once'], { clock_ms: 61_000 });
    assert.equal(checked.jobs.check.lost ?? 0, 0, 'it waits for its bookkeeping');
    assert.equal((await once()).code, 0);
    for (const x of all) await settled(x, 'expired');
    for (const x of [ended, endedToo]) {
      const row = await ledger(stack, x.id);
      assert.ok(row.endedAt >= row.createdAt && row.endedAt <= row.expiresAt, 'when it ended is known, too');
    }
  });
  test('the same, and whoever took it up died over it: the next one counts as well', async () => {
    const s = await over();
    await past(s.deadline);
    await stack.redis('DEL', ...(await keysOf(s.id)));
    assert.equal((await once({ failpoint: 'expiry.erased:kill' })).signal, 'SIGKILL');
    await dueNow(stack, s.id);
    assert.equal((await once()).code, 0);
    await settled(s, 'expired');
  });
  test('the same, and what happened is not known any more, either: no number at all', async () => {
    const unknown = async (x) => {
      await past(x.deadline);
      await stack.redis('DEL', ...(await keysOf(x.id)));
      assert.equal((await once()).code, 0);
      assert.deepEqual(await rows(stack, `SELECT how, COALESCE(CAST(messages AS TEXT), 'NULL') FROM ledger WHERE conversation = '${x.id}'`), [['expired', 'NULL']]);
      const [told] = (await outbox(stack, x.id)).filter((m) => m.type === 'session.expired');
      assert.deepEqual([told.data.reason, 'messageCount' in told.data], ['expired', false]);
    };
    const pruned = await over();
    assert.equal((await runWorker(stack, ['audit', '--once'])).code, 0);
    await rows(stack, `DELETE FROM audit WHERE conversation = '${pruned.id}'`);
    await unknown(pruned);
    const trimmed = await over();
    // Nobody fetched it for so long that its beginning was cut off.
    await stack.redis('EVAL', "for i = 1, 1100 do redis.call('RPUSH', KEYS[1], unpack(ARGV)) end", 1, '{0}:audit', ...Array(100).fill('-'));
    ok(await service.post('/api/sessions', { studentAnonymousId: 'a' }), 201);
    assert.ok(Number(await stack.redis('LLEN', '{0}:audit')) <= 100_000);
    await unknown(trimmed);
    await stack.redis('DEL', '{0}:audit:cut');
  });
  test('a session that never came into the ledger gets its row at the end', async () => {
    const s = await over();
    await rows(stack, `DELETE FROM ledger WHERE conversation = '${s.id}'`);
    await past(s.deadline);
    await once();
    const row = await ledger(stack, s.id);
    assert.deepEqual([row.how, row.messages, row.createdAt], ['expired', 2, s.created.createdAt]);
  });
  test('open streams are told by the worker, hubs or not', async () => {
    const s = await over();
    const reader = new StreamReader('r', stack.base, s.id, s.tickets.counselor);
    await until('ready', () => reader.cursor);
    await past(s.deadline);
    await once();
    await until('the end of the stream', async () => (await stack.as(s.tickets.student).get(`${s.path}/events`)).status === 204);
    reader.running = false;
    await reader.stop();
  });
  if (db.postgres) {
    test('the database away: what was said goes all the same; the rest when it is back', async () => {
      const s = await over();
      await past(s.deadline);
      await db.pg.stop({ signal: 'SIGQUIT', keep: true });
      try {
        const r = await once();
        assert.equal(r.code, 3, r.stderr);
        assert.deepEqual(await keysOf(s.id), []);
      } finally {
        await db.pg.start();
      }
      await dueNow(stack, s.id);
      assert.equal((await once()).code, 0);
      await settled(s, 'expired');
    });
  }
});

describe('kept running by room up', () => {
  test('a session is accounted for within seconds of its deadline, with nobody looking', async () => {
    const stack = await startStack({ env: { ROOM_TTL_S: '2', ...nobody } });
    try {
      const s = await stack.session();
      await until('the row', async () => (await ledger(stack, s.id)).how === 'expired', { every: 200 });
      assert.ok(Date.now() - s.created.expiresAt < 12_000);
    } finally {
      await stack.stop();
    }
  });
});

describe('told to end', () => {
  test('room up with a Redis of its own: what was erased and ended right before is accounted for, and its summary gone', async () => {
    const stack = await startStack({ env: nobody });
    const up = still([stack.pid]);
    try {
      const service = stack.as(stack.service());
      const all = await pool(8, Array.from({ length: 40 }), () => stack.session());
      const kept = all.pop();
      await rows(stack, all.map((s) => `INSERT INTO summaries (id, conversation, session_at, counselor, status, created_at, updated_at, finished_at, expires_at) VALUES ('sum_${s.id}', '${s.id}', ${s.created.createdAt}, '${s.counselor}', 'failed', 1, 1, 1, ${Date.now() + 1e9});`).join('\n'));
      ok(await service.post(`/api/sessions/${kept.id}/end`));
      await Promise.all(all.map(async (s) => ok(await service.delete(`/api/sessions/${s.id}`), 204)));
      process.kill(stack.pid, 'SIGTERM');
      await until('room up to be gone', () => up().length === 0, { ms: 60_000 });
      assert.deepEqual(await rows(stack, `SELECT count(*), coalesce(how, 'open') FROM ledger GROUP BY 2 ORDER BY 1`), [['1', 'open'], [String(all.length), 'erased']]);
      assert.deepEqual(await rows(stack, 'SELECT count(*) FROM summaries'), [['0']]);
      assert.deepEqual(await rows(stack, "SELECT count(*) FROM webhooks WHERE type = 'session.expired'"), [[String(all.length)]]);
      assert.deepEqual((await outbox(stack, kept.id)).map((m) => m.type), ['session.ended']);
      assert.ok((await ledger(stack, kept.id)).endedAt > 0);
    } finally {
      if (up().length > 0) await stack.stop();
      else stack.forget();
    }
  });
});

describe('an append-only file on a disk', () => {
  let redis, stack;
  before(async () => {
    redis = await startRedis(build, '--appendonly', 'yes', '--appendfsync', 'always', '--rdbcompression', 'no');
    stack = await startStack({ env: { ROOM_REDIS: redis.url, ROOM_WORKER: '0', ROOM_TTL_S: '2', ROOM_BUCKETS: '4' } });
  });
  after(async () => {
    await stack?.stop();
    await redis?.stop();
  });
  const files = (dir) => readdirSync(dir).flatMap((f) => { const p = join(dir, f); return statSync(p).isDirectory() ? files(p) : statSync(p).isFile() ? [p] : []; });
  const holds = (text) => files(redis.dir).filter((f) => readFileSync(f).includes(text));
  const say = async () => {
    const s = await stack.session();
    const canary = `canary${rnd(12)}`;
    ok(await stack.as(s.tickets.student).post(`${s.path}/messages`, { content: canary }), 201);
    await past(Date.now() + 2050);
    return canary;
  };
  const once = () => runWorker(stack, ['expiry', '--once']);

  test('forgets what expired, with one rewrite a minute at most', async () => {
    const first = await say();
    assert.ok(holds(first).length > 0, 'it was there');
    assert.equal((await once()).jobs.expiry.rewrites, 1);
    await until('the first text to be gone from the files', () => holds(first).length === 0);
    const second = await say();
    assert.equal((await once()).jobs.expiry.rewrites ?? 0, 0, 'not twice a minute');
    assert.ok(holds(second).length > 0);
    await redis.cli('DEL', '{0}:aof:rewritten'); // a minute has passed
    assert.equal((await once()).jobs.expiry.rewrites, 1, 'and not forgotten');
    await until('the second text to be gone from the files', () => holds(second).length === 0);
  });

  test('holds what is said once, however many read it', async () => {
    const s = await stack.session();
    await redis.cli('HSET', await redis.cli('KEYS', `{?}:conv:${s.id}`), 'ttl', 600_000); // it is not to be closed by the next test's worker
    const readers = ['student', 'counselor'].map((who) => new StreamReader(who, stack.base, s.id, s.tickets[who], s.cursor));
    const me = stack.as(s.tickets.student);
    const first = ok(await me.post(`${s.path}/messages`, { content: 'first' }), 201);
    await Promise.all(readers.map((r) => r.reached(first.id)));
    const canary = `canary${rnd(12)}`;
    const said = ok(await me.post(`${s.path}/messages`, { content: canary }), 201);
    await Promise.all(readers.map((r) => r.reached(said.id)));
    const copies = files(redis.dir).reduce((n, f) => n + readFileSync(f).toString('latin1').split(canary).length - 1, 0);
    await Promise.all(readers.map((r) => r.stop()));
    assert.equal(copies, 1);
  });

  test('forgets what was edited or deleted while its session lives', async () => {
    await redis.cli('DEL', '{0}:aof:rewritten');
    const s = await stack.session();
    await redis.cli('HSET', await redis.cli('KEYS', `{?}:conv:${s.id}`), 'ttl', 600_000);
    const me = stack.as(s.tickets.student);
    const texts = [`edited${rnd(12)}`, `deleted${rnd(12)}`];
    const [one, two] = [ok(await me.post(`${s.path}/messages`, { content: texts[0] }), 201), ok(await me.post(`${s.path}/messages`, { content: texts[1] }), 201)];
    ok(await me.patch(`${s.path}/messages/${one.id}`, { content: 'something else' }));
    ok(await me.delete(`${s.path}/messages/${two.id}`), 204);
    for (const text of texts) assert.ok(holds(text).length > 0, 'it was there');
    const r = await once();
    assert.deepEqual([r.jobs.expiry.rewrites, r.jobs.expiry.closed ?? 0], [1, 0]);
    await until('the texts to be gone from the files', () => texts.every((text) => holds(text).length === 0));
    ok(await me.get(`${s.path}/messages`));
    await redis.cli('DEL', '{0}:aof:rewritten');
    assert.equal((await once()).jobs.expiry.rewrites ?? 0, 0, 'nothing is left to do');
  });

  test('one that fails in its child is noticed, and another follows', async () => {
    const text = await say();
    await redis.cli('DEL', '{0}:aof:rewritten');
    await redis.cli('CONFIG', 'SET', 'rdb-key-save-delay', '100000');
    assert.equal((await once()).jobs.expiry.rewrites, 1);
    const [child] = readFileSync(`/proc/${redis.pid}/task/${redis.pid}/children`, 'utf8').trim().split(' ').map(Number);
    process.kill(child, 'SIGKILL');
    await redis.cli('CONFIG', 'SET', 'rdb-key-save-delay', '0');
    await until('its end', async () => /aof_rewrite_in_progress:0/.test(await redis.cli('INFO', 'persistence')), { ms: 30_000 });
    assert.match(await redis.cli('INFO', 'persistence'), /aof_last_bgrewrite_status:err/);
    await redis.cli('DEL', '{0}:aof:rewritten');
    const r = await once();
    assert.equal(r.jobs.expiry.rewrites, 1);
    assert.match(r.stderr, /aof\.rewrite/);
    await until('the text to be gone from the files', () => holds(text).length === 0);
    await redis.cli('DEL', '{0}:aof:rewritten');
    assert.equal((await once()).jobs.expiry.rewrites ?? 0, 0, 'that one was good');
  });

  for (const step of ['aof.noted', 'aof.begun', 'aof.settled']) {
    test(`SIGKILL at ${step}: rewritten all the same`, async () => {
      const text = await say();
      await redis.cli('DEL', '{0}:aof:rewritten');
      if (step === 'aof.settled') await once();
      await until('no rewrite to be under way', async () => /aof_rewrite_in_progress:0/.test(await redis.cli('INFO', 'persistence')), { ms: 30_000 });
      assert.equal((await runWorker(stack, ['expiry', '--once'], { failpoint: `${step}:kill` })).signal, 'SIGKILL');
      await until('no rewrite to be under way', async () => /aof_rewrite_in_progress:0/.test(await redis.cli('INFO', 'persistence')), { ms: 30_000 });
      await redis.cli('DEL', '{0}:aof:rewritten');
      assert.equal((await once()).jobs.expiry.rewrites ?? 0, step === 'aof.settled' ? 0 : 1);
      await until('the text to be gone from the files', () => holds(text).length === 0);
    });
  }

  test('one that is under way may have begun before the erasure: another follows it, and nobody is alarmed', async () => {
    const text = await say();
    await redis.cli('DEL', '{0}:aof:rewritten');
    await redis.cli('CONFIG', 'SET', 'rdb-key-save-delay', '300000'); // Redis's own way to make what it writes in the background slow: there it is to be stopped
    await redis.cli('BGREWRITEAOF');
    const writer = await until('who writes it', () => Number(readFileSync(`/proc/${redis.pid}/task/${redis.pid}/children`, 'utf8').split(' ')[0]), { every: 1 });
    process.kill(writer, 'SIGSTOP');
    try {
      const job = await once();
      assert.equal(job.jobs.expiry.rewrites ?? 0, 0);
      assert.equal(job.stderr, '', 'nothing is wrong');
      assert.match(await redis.cli('INFO', 'persistence'), /aof_rewrite_in_progress:1/, 'it was under way all the time');
    } finally {
      process.kill(writer, 'SIGCONT');
    }
    await redis.cli('CONFIG', 'SET', 'rdb-key-save-delay', '0');
    await until('its end', async () => /aof_rewrite_in_progress:0/.test(await redis.cli('INFO', 'persistence')), { ms: 60_000 });
    assert.ok(holds(text).length > 0, 'it held the text still');
    assert.equal((await once()).jobs.expiry.rewrites, 1, 'not a minute later');
    await until('the text to be gone from the files', () => holds(text).length === 0);
  });
});
