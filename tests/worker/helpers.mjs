// What the worker's tests share: both databases, their rows, and sessions that are over.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { after, before, describe } from 'node:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { startPostgres } from '../lib/postgres.mjs';
import { startStack } from '../lib/stack.mjs';
import { until, within } from '../lib/wait.mjs';

// The suite on SQLite and on PostgreSQL. fn(db): db.env() gives the settings of a fresh database; db.postgres
// is true on PostgreSQL (for tests that concern one of the two only), and there db.pg is the server, once tests run.
export function onBoth(title, fn) {
  describe(`${title}, on SQLite`, () => fn({ env: async () => ({}) }));
  describe(`${title}, on PostgreSQL`, () => {
    const db = { postgres: true, env: async () => ({ ROOM_DB: await db.pg.database() }) };
    before(async () => { db.pg = await startPostgres(); });
    after(() => db.pg?.stop());
    fn(db);
  });
}

// A stack whose jobs run only by hand.
export const quietStack = async (db, env = {}, more = {}) => startStack({ env: { ROOM_WORKER: '0', ...(await db.env()), ...env }, ...more });

// Rows of the stack's database, as lists of texts ('' for NULL).
export function rows(stack, sql) {
  const url = stack.env.ROOM_DB;
  const [program, args] = url ? ['psql', ['-XAtq', '-F', '|', '-v', 'ON_ERROR_STOP=1', '-d', url, '-c', sql]] : ['sqlite3', ['-cmd', '.timeout 5000', join(stack.state, 'room.db'), sql]];
  return new Promise((done, fail) => {
    execFile(program, args, (e, out, err) => (e ? fail(new Error(`${e.message} ${err}`)) : done(out.split('\n').filter(Boolean).map((l) => l.split('|')))));
  });
}

export const ledger = async (stack, id) => {
  const [row] = await rows(stack, `SELECT how, messages, created_at, expires_at, ended_at, closed_at, case_ref FROM ledger WHERE conversation = '${id}' ORDER BY created_at DESC LIMIT 1`);
  if (!row) return undefined;
  const [how, messages, createdAt, expiresAt, endedAt, closedAt, caseRef] = row;
  return { how, messages: Number(messages), createdAt: Number(createdAt), expiresAt: Number(expiresAt), endedAt: Number(endedAt), closedAt: Number(closedAt), caseRef };
};

// The outbox: [{type, state, attempt, data}], of that session when one is named.
export const outbox = async (stack, id) => (await rows(stack, `SELECT type, state, attempt, last_error, payload FROM webhooks ${id ? `WHERE conversation = '${id}'` : ''} ORDER BY created_at`))
  .map(([type, state, attempt, why, ...payload]) => ({ type, state, attempt: Number(attempt), why, data: JSON.parse(payload.join('|')).data }));

// Until its deadline has passed.
export const past = (at) => until('the deadline to pass', () => Date.now() > at + 20, { ms: 90_000 });

// The bookkeeping looks at it again now, not when the one that died over it has lost its turn.
export const dueNow = (stack, id) => stack.redis('ZADD', '{0}:due', 'XX', 1, id);

// A breaker that is open stays so for nearly as long as one can, however slow we are. The function that comes back gives it its own time again.
export async function holdOpen(stack, name) {
  const key = `{0}:breaker:${name}`;
  const was = await stack.redis('GET', key);
  const [failures, openings, openUntil] = was.split(' ').map(Number);
  assert.ok(openUntil > 0, `open: ${was}`);
  await stack.redis('SET', key, `${failures} ${openings} ${Date.now() + 290_000} 0`);
  return () => stack.redis('SET', key, was);
}

// Redis's append-only file, rewritten from here on: one that is under way may have begun before what is to be gone from it.
export async function rewriteFile(stack) {
  await until('a rewrite to begin', async () => /started|scheduled/.test(await stack.redis('BGREWRITEAOF')), { ms: 60_000 });
  await until('the rewrite', async () => { const info = await stack.redis('INFO', 'persistence'); return /aof_rewrite_in_progress:0/.test(info) && /aof_rewrite_scheduled:0/.test(info); }, { ms: 60_000 });
}

// A Redis of the test's own: {url, cli(...words), dir, stop()}. args: more settings.
export async function startRedis(parent, ...args) {
  const dir = mkdtempSync(join(parent, 'room-redis-'));
  const socket = join(dir, 's');
  const server = spawn('redis-server', ['--port', '0', '--unixsocket', socket, '--dir', dir, '--save', '', ...args], { stdio: 'ignore' });
  const gone = new Promise((done) => { server.on('exit', done); });
  const cli = (...words) => new Promise((done, fail) => execFile('redis-cli', ['-s', socket, ...words.map(String)], { maxBuffer: 1 << 28 }, (e, out, err) => (e ? fail(new Error(`${e.message} ${err}`)) : done(out.trimEnd()))));
  await until('redis to answer', async () => (await cli('PING')) === 'PONG');
  return {
    url: `unix:${socket}`,
    dir,
    cli,
    pid: server.pid,
    async stop() {
      server.kill('SIGTERM');
      await within('redis to end', 30_000, gone);
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
