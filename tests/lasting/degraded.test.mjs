// When something is away. Without Redis: lasting conversations go on from SQL, sessions say 503, /health says what works, and what was said meanwhile is announced when it is
// back. A database that fails: tried again, then 503, never a false 2xx, and well again by itself. On both databases.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { ok, refused } from '../lib/contract.mjs';
import { rnd } from '../lib/jwt.mjs';
import { beside } from '../lib/http.mjs';
import { StreamReader } from '../lib/reader.mjs';
import { startStack } from '../lib/stack.mjs';
import { pool, slow, until, within } from '../lib/wait.mjs';
import { runWorker } from '../lib/worker.mjs';
import { onBoth, rows } from '../worker/helpers.mjs';
import { base, direct, find, group, ids, list, path, people, person, send, service } from './people.mjs';

const health = async (stack) => stack.as(undefined).get('/health', undefined, { agent: false });
const well = (stack) => until('all to be well', async () => (await health(stack)).json?.status === 'ok', { every: 100 });

// A Redis that comes and goes, always under the same address and without a memory.
function comingAndGoing() {
  const dir = mkdtempSync(join(tmpdir(), 'room-redis-'));
  const socket = join(dir, 's');
  let server;
  let gone;
  const it = {
    url: `unix:${socket}`,
    async start() {
      server = spawn('redis-server', ['--port', '0', '--unixsocket', socket, '--dir', dir, '--save', '', '--maxmemory-policy', 'noeviction'], { stdio: 'ignore' });
      gone = new Promise((done) => { server.on('exit', done); });
    },
    signal: (name) => server.kill(name),
    async kill() {
      server.kill('SIGKILL');
      await within('redis to end', 30_000, gone);
    },
    async stop() {
      await it.kill();
      rmSync(dir, { recursive: true, force: true });
    },
  };
  return it;
}

onBoth('without Redis', (db) => {
  const redis = comingAndGoing();
  let stack;
  before(async () => {
    await redis.start();
    stack = await startStack({ env: { ...(await db.env()), ROOM_REDIS: redis.url, ROOM_WORKER: '0' } });
  });
  after(async () => {
    await stack?.stop();
    await redis.stop();
  });

  test('all REST of lasting conversations answers as ever, soon; sessions say 503; afterwards everybody is told', { timeout: 120_000 }, async () => {
    const [ann, bob, eve] = people(stack, 'Ann', 'Bob', 'Eve');
    const c = await group(ann, [bob], { title: 'Talk' });
    const d = await direct(ann, bob);
    const first = await send(ann, c, 'first of all');
    const second = await send(bob, c, 'second of all');
    const s = await stack.session();
    const login = { login: `ann.${rnd(6)}@example.com`, password: `long enough ${rnd(10)}`, name: 'Ann' };
    await stack.as(undefined).post('/auth/register', login);
    const token = ok(await stack.as(undefined).post('/auth/login', { login: login.login, password: login.password })).token;
    const reader = new StreamReader('bob', stack.base, c.id, bob.token);
    await until('the stream', () => reader.cursor);

    await redis.kill();
    const h = ok(await health(stack));
    assert.deepEqual([h.status, h.redis, h.database, h.works], ['degraded', 'away', 'ok', ['conversations', 'streams that look each second']]);

    let sent;
    let thread;
    const steps = {
      list: async () => assert.deepEqual(ids(await list(ann)).sort(), [c.id, d.id].sort()),
      'list by type': async () => assert.deepEqual(ids(await list(bob, '?type=direct')), [d.id]),
      look: async () => assert.equal(ok(await bob.get(path(c))).lastMessage.id, second.id),
      send: async () => { sent = await send(ann, c, 'while it is away', { clientId: 'away' }); },
      'send again': async () => assert.equal(ok(await ann.post(path(c, '/messages'), { content: 'while it is away', clientId: 'away' }), 200).id, sent.id),
      'send again, other': async () => refused(await ann.post(path(c, '/messages'), { content: 'other', clientId: 'away' }), 'CLIENT_ID_REUSED'),
      history: async () => assert.deepEqual(ok(await bob.get(path(c, '/messages'))).messages.map((m) => m.id), [first.id, second.id, sent.id]),
      edit: async () => assert.equal(ok(await ann.patch(path(c, `/messages/${first.id}`), { content: 'edited away' })).content, 'edited away'),
      delete: async () => ok(await bob.delete(path(c, `/messages/${second.id}`)), 204),
      unread: async () => assert.equal(ok(await bob.get(path(c))).unread, 2),
      read: async () => ok(await bob.put(path(c, '/read'), { upTo: sent.id }), 204),
      'unread then': async () => assert.equal(ok(await bob.get(path(c))).unread, 0),
      typing: async () => ok(await ann.post(path(c, '/typing'), { isTyping: true }), 204),
      alive: async () => ok(await bob.put(path(c, '/alive'), { cursor: sent.cursor }), 204),
      presence: async () => ok(await bob.get(path(c, '/presence'))),
      participants: async () => assert.equal(ok(await bob.get(path(c, '/participants'))).participants.length, 2),
      invite: async () => ok(await ann.post(path(c, '/participants'), { participant: eve.id }), 201),
      'the new one reads': async () => ok(await eve.get(path(c, '/messages'))),
      role: async () => ok(await ann.put(path(c, `/participants/${eve.id}`), { role: 'agent' })),
      remove: async () => ok(await ann.delete(path(c, `/participants/${eve.id}`)), 204),
      'who was removed': async () => refused(await eve.get(path(c, '/messages')), 'NOT_FOUND'),
      mute: async () => ok(await bob.put(path(c, '/mute'), { muted: true }), 204),
      thread: async () => { thread = ok(await ann.post(path(c, '/threads'), { title: 'aside' }), 201); },
      'into it': async () => ok(await bob.post(path(c, `/threads/${thread.id}`), { content: 'in a thread' }), 201),
      threads: async () => assert.deepEqual(ok(await ann.get(path(c, '/threads'))).threads.map((t) => t.messageCount), [1]),
      'thread page': async () => assert.equal(ok(await ann.get(path(c, `/threads/${thread.id}`))).messages.length, 1),
      search: async () => assert.deepEqual((await find(bob, 'away')).map((r) => r.message.id).sort(), [first.id, sent.id].sort()),
      'search of a deleted one': async () => assert.deepEqual(await find(bob, 'second'), []),
      'search conversations': async () => assert.equal((await find(bob, { q: 'talk', in: 'conversations' })).length, 1),
      create: async () => ok(await ann.post(base, { type: 'group', title: 'new', participants: [bob.id] }), 201),
      'the same two': async () => assert.equal(ok(await bob.post(base, { type: 'direct', participants: [ann.id] }), 200).id, d.id),
      change: async () => ok(await ann.put(path(c), { title: 'Renamed' })),
      'by MainServer': async () => ok(await service(stack).post(base, { type: 'business', participants: [{ id: ann.id, role: 'customer' }] }), 201),
      'chats, send': async () => ok(await ann.post(`/chats/${ann.id}/send`, { receiverId: bob.id, message: 'hi' }), 201),
      'chats, with': async () => ok(await bob.get(`/chats/${bob.id}/with/${ann.id}`)),
      poll: async () => ok(await ann.get(path(c, '/poll?wait=0'))),
      'poll of all': async () => ok(await ann.get('/api/poll?wait=0')),
      'an account': async () => ok(await stack.as(token).get('/auth/me')),
      "an account's list": async () => ok(await stack.as(token).get(base)),
      erase: async () => ok(await ann.delete(path(d)), 204),
    };
    for (const [what, step] of Object.entries(steps)) {
      const { took, lag } = await beside(stack.base, async () => { try { await step(); } catch (e) { throw new Error(`${what}: ${e.message}`, { cause: e }); } });
      assert.ok(took - lag < 3000 * slow, `${what} took ${Math.round(took)} ms, ${Math.round(lag)} of them the machine's`);
    }
    const student = stack.as(s.tickets.student);
    for (const [what, ask] of Object.entries({
      'send in a session': () => student.post(`${s.path}/messages`, { content: 'x' }), 'history of a session': () => student.get(`${s.path}/messages`),
      'a new session': () => stack.as(stack.service()).post('/api/sessions', { studentAnonymousId: 'anon_a' }), 'a login (nothing would slow down who guesses)': () => stack.as(undefined).post('/auth/login', { login: login.login, password: login.password }),
      'a stream ticket': () => ann.post(path(c, '/stream-ticket')),
    })) refused(await ask(), 'STORE_UNAVAILABLE', what);

    // The open stream goes on, from SQL.
    await reader.reached(sent.id);
    // A worker erases and scrubs without it.
    const w = await runWorker(stack, ['retention', 'search', '--once']);
    assert.deepEqual([w.jobs.retention?.failures, w.jobs.search?.failures], [0, 0], w.stderr);

    await redis.start();
    await well(stack);
    const last = await send(ann, c, 'when it is back');
    await reader.reached(last.id);
    await reader.stop();
    const { messages } = ok(await bob.get(path(c, '/messages?limit=200')));
    assert.deepEqual(messages.filter((m) => !m.threadId).map((m) => m.content ?? null), ['edited away', null, 'while it is away', 'when it is back']);
    // Nothing waits to be told, and what Redis keeps is there again: who is online, the feed.
    await until('the outbox to be empty', async () => (await rows(stack, 'SELECT count(*) FROM outbox'))[0][0] === '0');
    await until('Bob to be seen', async () => { await bob.put(path(c, '/alive'), { cursor: last.cursor }); return (await list(ann)).conversations.find((x) => x.id === c.id).participants.find((p) => p.participant === bob.id).online; });
    // A cursor from before it was back says `reset`; from then on the feed has everything again.
    let { cursor } = ok(await bob.get('/api/poll?wait=0'));
    await until('a feed that goes on', async () => { const p = ok(await bob.get(`/api/poll?wait=0&after=${cursor}`)); cursor = p.cursor; return !p.events.some((e) => e.event === 'reset') && !cursor.startsWith('0-000000000000'); });
    const m = await send(ann, c, 'in the feed');
    const news = await until('the feed', async () => ok(await bob.get(`/api/poll?wait=1&after=${cursor}`)).events.find((e) => e.data.id === m.id));
    assert.equal(news.data.conversationId, c.id);
    ok(await stack.as(undefined).post('/auth/login', { login: login.login, password: login.password }));
  });

  test('Redis killed and back in the middle of a group chat: everybody reads everything, once and in order', { timeout: 120_000 }, async () => {
    const everybody = people(stack, 'A', 'B', 'C', 'D');
    const c = await group(everybody[0], everybody.slice(1));
    const readers = everybody.map((p) => new StreamReader(p.name, stack.base, c.id, p.token));
    await Promise.all(readers.map((r) => until('the stream', () => r.cursor)));
    const sends = pool(4, Array.from({ length: 120 }, (_, i) => i), async (i) => {
      if (i === 30) await redis.kill();
      if (i === 80) await redis.start();
      const r = await until('it to be taken', async () => { const x = await everybody[i % 4].post(path(c, '/messages'), { content: `m${i}`, clientId: `c${i}` }); return x.status < 300 && x; });
      return r.json.id;
    });
    const all = (await sends).sort((a, b) => a - b);
    assert.equal(new Set(all).size, 120);
    await well(stack);
    await Promise.all(readers.map((r) => r.reached(all.at(-1), 30_000)));
    for (const r of readers) {
      await r.stop();
      assert.deepEqual(r.seen.filter((e) => e.event === 'message:new').map((e) => e.data.id), all, r.name);
    }
  });
});

describe('a database that fails, SQLite', () => {
  let stack;
  before(async () => { stack = await startStack({ env: { ROOM_WORKER: '0' } }); });
  after(() => stack?.stop());
  // Somebody who holds the right to write until told to let go.
  async function writer() {
    const p = spawn('sqlite3', [join(stack.state, 'room.db')], { stdio: ['pipe', 'pipe', 'inherit'] });
    let said = '';
    p.stdout.on('data', (t) => { said += t; });
    const gone = new Promise((done) => { p.on('exit', done); });
    p.stdin.write(".timeout 5000\nBEGIN IMMEDIATE;\nSELECT 'held';\n");
    await until('the lock', () => said.includes('held'));
    return async () => { p.stdin.end('ROLLBACK;\n'); await gone; };
  }

  test('a short lock of somebody else is waited for', async () => {
    const [ann] = people(stack, 'Ann');
    const c = await group(ann);
    const release = await writer();
    const sending = ann.post(path(c, '/messages'), { content: 'patient' });
    assert.equal(ok(await ann.get(path(c, '/messages'))).messages.length, 0, 'reading needs no lock');
    await release();
    ok(await sending, 201);
  });
  test('a long one: 503 after some tries, what was refused is nowhere, reading goes on; then well by itself', { timeout: 90_000 }, async () => {
    const [ann, bob] = people(stack, 'Ann', 'Bob');
    const c = await group(ann, [bob]);
    const m = await send(ann, c, 'before');
    const release = await writer();
    try {
      const t = performance.now();
      const refusals = await Promise.all([
        ann.post(path(c, '/messages'), { content: 'refused', clientId: 'r' }, { agent: false }), ann.patch(path(c, `/messages/${m.id}`), { content: 'refused' }, { agent: false }),
        ann.post(base, { type: 'group', title: 'refused' }, { agent: false }), bob.put(path(c, '/read'), { upTo: m.id }, { agent: false }),
      ]);
      for (const r of refusals) refused(r, 'STORE_UNAVAILABLE');
      const took = performance.now() - t;
      assert.ok(took > 1500 && took < 12_000 * slow, `several tries, but not for ever: ${Math.round(took)} ms`);
      const reading = await beside(stack.base, async () => {
        assert.deepEqual(ok(await bob.get(path(c, '/messages'))).messages.map((x) => x.content), ['before']);
        assert.equal((await find(bob, 'before')).length, 1);
        assert.equal(ids(await list(bob)).length, 1);
      });
      assert.ok(reading.took - 3 * reading.lag < 4000 * slow, `reading took ${Math.round(reading.took)} ms, a page meanwhile ${Math.round(reading.lag)}`);
      const h = ok(await health(stack));
      assert.deepEqual([h.status, h.database, h.works], ['degraded', 'read-only', ['sessions', 'reading conversations', 'live streams']]);
      const s = await stack.as(stack.service()).post('/api/sessions', { studentAnonymousId: 'anon_a' }, { agent: false });
      refused(s, 'STORE_UNAVAILABLE');
    } finally {
      await release();
    }
    await well(stack);
    const again = ok(await ann.post(path(c, '/messages'), { content: 'refused', clientId: 'r' }), 201);
    assert.deepEqual(ok(await bob.get(path(c, '/messages'))).messages.map((x) => x.id), [m.id, again.id]);
  });
});

describe('a database that fails, PostgreSQL', () => {
  let pg;
  let stack;
  before(async () => {
    const { startPostgres } = await import('../lib/postgres.mjs');
    pg = await startPostgres();
    stack = await startStack({ env: { ROOM_DB: await pg.database(), ROOM_WORKER: '0' } });
  });
  after(async () => {
    await stack?.stop();
    await pg?.stop();
  });

  test('lost connections are made anew without anybody noticing', async () => {
    const [ann] = people(stack, 'Ann');
    const c = await group(ann);
    for (let i = 0; i < 8; i++) {
      await send(ann, c, `line ${i}`);
      await pg.sql(stack.env.ROOM_DB, 'SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database()');
      ok(await ann.get(path(c, '/messages')));
    }
    assert.equal(ok(await ann.get(path(c, '/messages'))).messages.length, 8);
  });
  test('crashed and back: 503 meanwhile and soon, sessions go on, nothing acknowledged is lost, well by itself', { timeout: 120_000 }, async () => {
    const [ann] = people(stack, 'Ann');
    const c = await group(ann);
    const s = await stack.session();
    const kept = await send(ann, c, 'kept');
    await pg.stop({ signal: 'SIGQUIT', keep: true });
    try {
      const t = performance.now();
      for (const r of await Promise.all([ann.post(path(c, '/messages'), { content: 'refused', clientId: 'r' }), ann.get(path(c, '/messages')), ann.get(base), ann.get('/api/search?q=kept'), ann.post(base, { type: 'group' })])) refused(r, 'STORE_UNAVAILABLE');
      assert.ok(performance.now() - t < 12_000 * slow, `${Math.round(performance.now() - t)} ms`);
      ok(await stack.as(s.tickets.student).post(`${s.path}/messages`, { content: 'a session needs no SQL' }), 201);
      const h = ok(await health(stack));
      assert.deepEqual([h.status, h.redis, h.database, h.works], ['degraded', 'ok', 'away', ['sessions', 'live streams']]);
    } finally {
      await pg.start();
    }
    await well(stack);
    assert.deepEqual(ok(await ann.get(path(c, '/messages'))).messages.map((m) => m.id), [kept.id]);
    ok(await ann.post(path(c, '/messages'), { content: 'refused', clientId: 'r' }), 201);
    assert.equal(person(stack, 'Ann').name, 'Ann');
  });
});

describe('both away', () => {
  const redis = comingAndGoing();
  let pg;
  let stack;
  before(async () => {
    const { startPostgres } = await import('../lib/postgres.mjs');
    pg = await startPostgres();
    await redis.start();
    stack = await startStack({ env: { ROOM_DB: await pg.database(), ROOM_REDIS: redis.url, ROOM_WORKER: '0' } });
  });
  after(async () => {
    await stack?.stop();
    await redis.stop();
    await pg?.stop();
  });
  test('/health says 503, and 200 when they are back', { timeout: 90_000 }, async () => {
    await redis.kill();
    await pg.stop({ keep: true });
    refused(await health(stack), 'STORE_UNAVAILABLE');
    await pg.start();
    await until('the database', async () => (await health(stack)).json?.database === 'ok', { ms: 30_000 });
    await redis.start();
    await well(stack);
  });
});
