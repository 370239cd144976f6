// The database as an operator meets it: `room migrate`, `room up` on SQLite and on PostgreSQL, two hosts at once, keys.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { startPostgres } from '../lib/postgres.mjs';
import { build, startStack } from '../lib/stack.mjs';

const room = (args, env) => new Promise((done) => {
  const clean = Object.fromEntries(Object.entries(process.env).filter(([k]) => !k.startsWith('ROOM_')));
  execFile(join(build, 'room'), args, { env: { ...clean, ...env } }, (e, out, err) => done({ code: e ? e.code : 0, out, err }));
});

const temp = () => mkdtempSync(join(tmpdir(), 'room-db-'));

// The same on both; fresh() gives settings that name an empty database.
function onEither(name, fresh) {
  test(`${name}: migrate applies once, --status tells`, async () => {
    const env = await fresh();
    const before = await room(['migrate', '--status'], env);
    assert.equal(before.code, 1);
    assert.match(before.out, /^0001 {2}ledger +pending$/m);
    const first = await room(['migrate'], env);
    assert.deepEqual([first.code, first.out], [0, 'up to date\n'], first.err);
    assert.match(first.err, /new migrations/);
    const again = await room(['migrate'], env);
    assert.deepEqual([again.code, again.err], [0, '']);
    const after = await room(['migrate', '--status'], env);
    assert.equal(after.code, 0);
    assert.doesNotMatch(after.out, /pending/);
    assert.match(after.out, /^0001 {2}ledger +20\d\d-\d\d-\d\d \d\d:\d\d:\d\dZ$/m);
  });

  test(`${name}: many hosts at once`, async () => {
    const env = await fresh();
    const all = await Promise.all(Array.from({ length: 6 }, () => room(['migrate'], env)));
    for (const r of all) assert.deepEqual([r.code, r.out], [0, 'up to date\n'], r.err);
    assert.equal(all.filter((r) => r.err.includes('new migration')).length >= 1, true);
  });

  test(`${name}: room up brings the schema along and keeps it`, async () => {
    const { ROOM_DB } = await fresh();
    const stack = await startStack({ env: { ROOM_DB } });
    const status = await room(['migrate', '--status'], { ROOM_DB: ROOM_DB ?? '', ROOM_STATE: stack.state });
    assert.equal(status.code, 0, status.out + status.err);
    const keys = join(stack.state, 'keys');
    assert.equal(statSync(keys).mode & 0o777, 0o600);
    assert.match(readFileSync(keys, 'utf8'), /^k[0-9a-f]{8}=[A-Za-z0-9+/]{43}=$/);
    await stack.stop();
  });
}

describe('on SQLite', () => {
  const dirs = [];
  const fresh = () => { const dir = temp(); dirs.push(dir); return { ROOM_STATE: dir, ROOM_DB: `sqlite:${dir}/room.db` }; };
  after(() => { for (const d of dirs) rmSync(d, { recursive: true, force: true }); });
  onEither('SQLite', fresh);

  test('the default is a file in ROOM_STATE that only its owner reads', async () => {
    const { ROOM_STATE } = fresh();
    const r = await room(['migrate'], { ROOM_STATE });
    assert.equal(r.code, 0, r.err);
    assert.equal(statSync(join(ROOM_STATE, 'room.db')).mode & 0o777, 0o600);
  });

  test('what cannot be opened is said, and nothing starts', async () => {
    const { ROOM_STATE } = fresh();
    writeFileSync(join(ROOM_STATE, 'room.db'), 'this is no database, but a file of more than a hundred bytes that someone left lying about here. '.repeat(4));
    for (const args of [['migrate'], ['migrate', '--status'], ['up']]) {
      const r = await room(args, { ROOM_STATE, ROOM_PORT: '0' });
      assert.equal(r.code, 1, args.join(' '));
      assert.match(r.err, /room: the database: sqlite 26/);
    }
  });

  test('keys that do not parse, or that others can read, stop room up', async () => {
    const { ROOM_STATE } = fresh();
    const bad = await room(['up'], { ROOM_STATE, ROOM_PORT: '0', ROOM_KEYS: 'k1=short' });
    assert.equal(bad.code, 1);
    assert.match(bad.err, /ROOM_KEYS has a key that is not base64 of 32 bytes/);
    assert.doesNotMatch(bad.err, /short/);
    writeFileSync(join(ROOM_STATE, 'keys'), `k1=${'A'.repeat(43)}=`, { mode: 0o644 });
    const open = await room(['up'], { ROOM_STATE, ROOM_PORT: '0' });
    assert.equal(open.code, 1);
    assert.match(open.err, /keys can be read by others/);
  });

  test('usage', async () => {
    assert.equal((await room(['migrate', '--help'], {})).code, 0);
    assert.equal((await room(['migrate', 'down'], {})).code, 2);
    assert.equal((await room(['migrate', '--down'], {})).code, 2);
  });
});

describe('on PostgreSQL', () => {
  let pg;
  before(async () => { pg = await startPostgres(); });
  after(async () => { await pg?.stop(); });
  onEither('PostgreSQL', async () => ({ ROOM_DB: await pg.database() }));

  test('a newer or altered schema is refused', async () => {
    const ROOM_DB = await pg.database();
    assert.equal((await room(['migrate'], { ROOM_DB })).code, 0);
    await pg.sql(ROOM_DB, "INSERT INTO schema_migrations VALUES (9999, 'future', 'x', 1)");
    const newer = await room(['migrate'], { ROOM_DB });
    assert.equal(newer.code, 1);
    assert.match(newer.err, /9999.*newer version/);
    await pg.sql(ROOM_DB, "DELETE FROM schema_migrations WHERE number = 9999; UPDATE schema_migrations SET checksum = 'x' WHERE number = 1");
    const altered = await room(['migrate'], { ROOM_DB });
    assert.equal(altered.code, 1);
    assert.match(altered.err, /0001_ledger was applied from another text/);
  });
});
