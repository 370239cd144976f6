// The other sub-commands: ticket, session, doctor, config, help, version.
import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readFileSync, readdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { call } from '../lib/http.mjs';
import { startStack } from '../lib/stack.mjs';
import { run, settings } from './helpers.mjs';

const json = (r) => JSON.parse(r.stdout);

describe('room config', () => {
  test('lists every setting with value, default and source, and hides secrets', async () => {
    const file = join(settings().ROOM_STATE, 'env');
    const secret = 'a-secret-that-nobody-sees';
    writeFileSync(file, 'ROOM_TTL_S=77\nROOM_HUBS=3\n');
    const env = settings({ ROOM_JWT_SECRET: secret, ROOM_GEMINI_KEY: secret, ROOM_REDIS: `redis://u:${secret}@host:6379`, ROOM_ENV: file, ROOM_HUBS: '4' });
    for (const args of [['config'], ['config', '--json']]) {
      const r = await run(args, { env });
      assert.equal(r.code, 0, r.stderr);
      assert.equal(`${r.stdout}${r.stderr}`.includes(secret), false);
      assert.match(r.stdout, /ROOM_PORT/);
    }
    const rows = Object.fromEntries(json(await run(['config', '--json'], { env })).map((row) => [row.name, row]));
    assert.deepEqual([rows.ROOM_TTL_S.value, rows.ROOM_TTL_S.from, rows.ROOM_TTL_S.default], ['77', 'file', '86400']);
    assert.deepEqual([rows.ROOM_HUBS.value, rows.ROOM_HUBS.from], ['4', 'environment'], 'the environment wins');
    assert.deepEqual([rows.ROOM_APIS.value, rows.ROOM_APIS.from], ['2', 'default']);
    assert.equal(rows.ROOM_JWT_SECRET.secret, true);
    for (const row of Object.values(rows)) assert.ok(row.help.length > 5, row.name);
  });

  test('names a setting that does not parse', async () => {
    const r = await run(['config'], { env: settings({ ROOM_PORT: '99999' }) });
    assert.equal(r.code, 1);
    assert.match(r.stderr, /ROOM_PORT/);
  });
});

describe('room help', () => {
  const commands = ['up', 'reload', 'session', 'ticket', 'doctor', 'config', 'version'];

  test('lists the commands, and each has a help of its own', async () => {
    const all = await run(['help']);
    assert.equal(all.code, 0);
    for (const c of commands) {
      assert.match(all.stdout, new RegExp(`^  ${c} `, 'm'));
      for (const args of [[c, '--help'], ['help', c]]) {
        const r = await run(args);
        assert.equal(r.code, 0, `${args}`);
        assert.match(r.stdout, new RegExp(`^usage: room ${c}`));
      }
    }
  });

  test('unknown commands and options are errors', async () => {
    assert.equal((await run([])).code, 2);
    assert.equal((await run(['frobnicate'])).code, 2);
    assert.equal((await run(['help', 'frobnicate'])).code, 2);
    for (const c of commands) {
      assert.equal((await run([c, '--frobnicate'])).code, 2, c);
      assert.equal((await run([c, 'extra'])).code, 2, c);
    }
  });

  test('version', async () => assert.match((await run(['version'])).stdout, /^reading-room \d+\.\d+\.\d+\n$/));
});

describe('room ticket', () => {
  const env = settings();
  const claims = async (...args) => {
    const minted = await run(['ticket', ...args], { env });
    assert.equal(minted.code, 0, minted.stderr);
    const read = await run(['ticket', '--read', '-'], { env, input: minted.stdout });
    assert.equal(read.code, 0, read.stderr);
    return json(read);
  };

  test('a round trip of every kind', async () => {
    const now = Date.now() / 1000;
    const student = await claims('--session', 's1', '--student', 'anon_1', '--ttl', '60');
    assert.deepEqual([student.iss, student.role, student.sessionId, student.anonymousId, student.userId], ['mainserver', 'student', 's1', 'anon_1', undefined]);
    assert.ok(Math.abs(student.exp - now - 60) < 5);
    const counselor = await claims('--session', 's1', '--counselor', 'c1', '--permissions', 'view_history,send_message');
    assert.deepEqual([counselor.role, counselor.userId, counselor.chatPermissions.toSorted?.() ?? [...counselor.chatPermissions].sort()], ['counselor', 'c1', ['send_message', 'view_history']]);
    assert.equal((await claims('--session', 's1', '--volunteer', 'v1')).role, 'volunteer');
    const desk = await claims('--desk', 'c1');
    assert.deepEqual([desk.role, desk.userId, desk.sessionId], ['counselor', 'c1', undefined]);
    const user = await claims('--user', 'u1', '--name', 'Ann Ø');
    assert.deepEqual([user.iss, user.role, user.userId, user.name, user.sessionId, user.chatPermissions], ['mainserver', 'user', 'u1', 'Ann Ø', undefined, undefined]);
    assert.equal((await claims('--user', 'u1')).name, undefined);
    const service = await claims('--service');
    assert.deepEqual([service.role, service.sessionId], ['service', undefined]);
  });

  test('refuses what makes no sense', async () => {
    for (const args of [[], ['--student', 'a'], ['--service', '--session', 's'], ['--session', 's', '--student', 'a', '--counselor', 'c'], ['--session', 'b/d', '--student', 'a'],
      ['--service', '--ttl', '90001'], ['--service', '--ttl', '0'], ['--session', 's', '--student', 'a', '--permissions', 'fly'],
      ['--user', 'acct_1'], ['--user', 'u 1'], ['--user', 'u1', '--session', 's'], ['--user', 'u1', '--service'], ['--user', 'u1', '--name', ' '], ['--user', 'u1', '--permissions', 'view_history'],
      ['--desk', 'c', '--name', 'Ann']]) {
      const r = await run(['ticket', ...args], { env });
      assert.equal(r.code, 2, `${args}: ${r.stderr}`);
      assert.equal(r.stdout, '');
    }
  });

  test('tells a ticket of other hands', async () => {
    const other = await run(['ticket', '--service'], { env: settings() });
    const r = await run(['ticket', '--read', other.stdout.trim()], { env });
    assert.equal(r.code, 1);
    assert.match(r.stderr, /UNAUTHENTICATED/);
  });

  test('without a secret it says where one comes from; a secret that others can read is refused', async () => {
    const bare = settings({ ROOM_JWT_SECRET: undefined });
    const r = await run(['ticket', '--service'], { env: bare });
    assert.equal(r.code, 1);
    assert.match(r.stderr, /ROOM_JWT_SECRET/);
    const file = join(bare.ROOM_STATE, 'secret');
    writeFileSync(file, '0123456789abcdef0123456789abcdef');
    chmodSync(file, 0o644);
    assert.match((await run(['ticket', '--service'], { env: bare })).stderr, /can be read by others/);
    chmodSync(file, 0o600);
    assert.equal((await run(['ticket', '--service'], { env: bare })).code, 0);
  });
});

describe('against a running service', () => {
  let stack;
  let env;
  before(async () => {
    stack = await startStack();
    env = settings({ ROOM_STATE: stack.state, ROOM_JWT_SECRET: stack.secret });
  });
  after(() => stack?.stop());

  test('room session creates one and prints links that work', async () => {
    const r = await run(['session', '--student', 'anon_7', '--volunteer', 'v7', '--case', 'case-1'], { env });
    assert.equal(r.code, 0, r.stderr);
    const id = /^session: (\S+)$/m.exec(r.stdout)[1];
    for (const side of ['student', 'counselor']) {
      const ticket = new RegExp(`^${side}: ${stack.base}/#ticket=(\\S+)$`, 'm').exec(r.stdout)[1];
      assert.equal((await call(stack.base, 'GET', `/api/conversations/${id}/messages`, { ticket })).status, 200);
    }
    const shown = (await call(stack.base, 'GET', `/api/sessions/${id}`, { ticket: stack.service() })).json;
    assert.deepEqual([shown.studentAnonymousId, shown.counselorId, shown.counselorRole, shown.caseRef], ['anon_7', 'v7', 'volunteer', 'case-1']);
  });

  test('room session --json, --waiting, and what the service refuses', async () => {
    const made = json(await run(['session', '--waiting', '--json'], { env }));
    assert.ok(made.tickets.student);
    assert.equal(made.tickets.counselor, undefined);
    const refused = await run(['session', '--session', 'no/id'], { env });
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /400 BAD_REQUEST/);
    const stranger = await run(['session'], { env: { ...env, ROOM_JWT_SECRET: 'another-secret-altogether' } });
    assert.equal(stranger.code, 1);
    assert.match(stranger.stderr, /401/);
    assert.equal((await run(['session', '--waiting', '--counselor', 'c'], { env })).code, 2);
  });

  test('room session sends its token over plain HTTP to nobody but this machine', async () => {
    const r = await run(['session'], { env: { ...env, ROOM_URL: 'http://192.0.2.1:8080' } });
    assert.equal(r.code, 1);
    assert.match(r.stderr, /https:\/\//);
  });

  test('room doctor finds it well, and leaves nothing behind', async () => {
    const keys = async () => (await stack.redis('DBSIZE'));
    await stack.session();
    const r = await run(['doctor', '--json'], { env });
    const found = Object.fromEntries(json(r).map((f) => [f.check, f]));
    assert.equal(r.code, 0, r.stdout);
    for (const check of ['redis version', 'redis writes', 'redis policy', 'redis snapshots', 'redis append-only log', 'redis slow log', 'clock', 'scratch folder', 'core dumps', 'stream', 'message', 'api.sock', 'redis.sock'])
      assert.equal(found[check]?.finding, 'ok', JSON.stringify(found[check] ?? check));
    assert.ok(await keys());
    assert.equal(/room-doctor|room doctor/.test(await stack.redis('--scan')), false);
    const text = await run(['doctor'], { env });
    assert.match(text.stdout, /^ok\s+redis policy\s+noeviction$/m);
  });

  test('room doctor says what is wrong, and what to change', async () => {
    const wrong = [['maxmemory-policy', 'allkeys-lru', 'noeviction', 'redis policy'], ['slowlog-log-slower-than', '10000', '-1', 'redis slow log']];
    await stack.redis('CONFIG', 'SET', 'slowlog-max-len', '128');
    for (const [name, bad, good, check] of wrong) {
      await stack.redis('CONFIG', 'SET', name, bad);
      const r = await run(['doctor', '--json'], { env });
      await stack.redis('CONFIG', 'SET', name, good);
      assert.equal(r.code, 1);
      const f = json(r).find((one) => one.check === check);
      assert.equal(f.finding, 'BAD');
      assert.ok(f.advice.includes('CONFIG SET'));
    }
    chmodSync(join(stack.state, 'redis.sock'), 0o666);
    const r = await run(['doctor', '--json'], { env });
    chmodSync(join(stack.state, 'redis.sock'), 0o600);
    assert.equal(r.code, 1);
    assert.equal(json(r).find((one) => one.check === 'redis.sock').finding, 'BAD');
    await stack.redis('CONFIG', 'SET', 'maxmemory', '1');
    const full = await run(['doctor', '--json'], { env });
    await stack.redis('CONFIG', 'SET', 'maxmemory', '0');
    assert.equal(full.code, 1);
    const writes = json(full).find((one) => one.check === 'redis writes');
    assert.equal(writes?.finding, 'BAD', full.stdout);
    assert.match(writes.seen, /^it refuses: OOM /);
    assert.match(writes.advice, /maxmemory/);
    stack.kill('redis', 'SIGSTOP');
    const stopped = await run(['doctor', '--json'], { env });
    stack.kill('redis', 'SIGCONT');
    assert.equal(stopped.code, 1);
    assert.equal(json(stopped).find((one) => one.check === 'redis').finding, 'BAD');
  });
});

test('room doctor tries whether the state folder takes anything', async () => {
  const look = async (state) => {
    const r = await run(['doctor', '--json'], { env: settings({ ROOM_STATE: state }) });
    return { code: r.code, found: json(r).find((one) => one.check === 'state writable') };
  };
  const state = mkdtempSync(join(tmpdir(), 'room-test-'));
  const good = await look(state);
  assert.equal(good.found?.finding, 'ok');
  assert.deepEqual(readdirSync(state), [], 'and leaves nothing there');
  rmdirSync(state);
  const bad = await look('/proc'); // there even root makes no file
  assert.equal(bad.code, 1);
  assert.equal(bad.found?.finding, 'BAD');
  assert.match(bad.found.advice, /ROOM_STATE/);
});

test('room doctor with nothing running looks at the machine, and skips the rest', async () => {
  const r = await run(['doctor', '--json'], { env: settings() });
  const found = Object.fromEntries(json(r).map((f) => [f.check, f.finding]));
  assert.deepEqual([found.redis, found.stream], ['skipped', 'skipped']);
  assert.ok(found.descriptors);
  const somaxconn = Number(readFileSync('/proc/sys/net/core/somaxconn', 'utf8'));
  assert.equal(found.somaxconn, somaxconn < 4096 ? 'BAD' : somaxconn < 16384 ? 'advice' : 'ok');
});
