// `room up` as a supervisor: readiness, restarts, nobody left behind, a clean and quick end.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { existsSync, readFileSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { call } from '../lib/http.mjs';
import { build, root, startStack, still } from '../lib/stack.mjs';
import { slow, until } from '../lib/wait.mjs';
import { openStream, run, settings } from './helpers.mjs';

const kinds = ['redis', 'api', 'hub', 'lighttpd'];

describe('room up', () => {
  let stack;
  before(async () => { stack = await startStack(); });
  after(() => stack?.stop());

  test('describes itself in room.json', () => {
    const d = stack.described();
    assert.equal(d.pid, stack.pid);
    assert.equal(d.url, stack.base);
    assert.equal(d.redis, `unix:${stack.state}/redis.sock`);
    assert.deepEqual(kinds.map((k) => d.children[k].length), [1, 2, 2, 1]);
  });

  test('closes its files and sockets to others', () => {
    for (const f of ['redis.sock', 'room.json', 'logs']) assert.equal(statSync(join(stack.state, f)).mode & 0o077, 0, f);
    for (const f of ['', 'api.sock', 'stream.sock', 'lighttpd.conf']) assert.equal(statSync(join(stack.state, f)).mode & 0o007, 0, f);
    assert.equal(existsSync(join(stack.state, 'secret')), false, 'a secret is made only when none is given');
  });

  test('its children may open all descriptors, dump no core, and die with it', () => {
    for (const pid of Object.values(stack.children()).flat()) {
      const limits = readFileSync(`/proc/${pid}/limits`, 'utf8');
      const [, soft, hard] = /Max open files\s+(\d+)\s+(\d+)/.exec(limits);
      assert.equal(soft, hard);
      assert.ok(Number(/Max core file size\s+(\d+)/.exec(limits)[1]) <= 1);
    }
  });

  test('keeps the secret from those who do not need it', () => {
    for (const kind of ['redis', 'lighttpd']) {
      let environment = '';
      try { environment = readFileSync(`/proc/${stack.children()[kind][0]}/environ`, 'utf8'); } catch { /* another user's: not even root may, sometimes */ }
      assert.equal(environment.includes(stack.secret), false, kind);
    }
  });

  for (const kind of kinds) {
    test(`starts ${kind} again when it is killed, and loses nothing that was acknowledged`, async () => {
      const s = await stack.session();
      const sent = await stack.as(s.tickets.student).post(`${s.path}/messages`, { content: 'before' });
      assert.equal(sent.status, 201, sent.text);
      await stack.replaced(kind, stack.kill(kind));
      const page = await until('history after the restart', async () => {
        const r = await stack.as(s.tickets.counselor).get(`${s.path}/messages`);
        return r.status === 200 && r.json;
      });
      assert.deepEqual(page.messages.map((m) => m.content), ['before']);
    });
  }

  test('turns callers away with 503 while a handler cannot be started, and an EventSource to come back', async () => {
    // Each pid that shows up is killed: after some deaths the supervisor waits, and answers in the handlers' place.
    for (const kind of ['api', 'hub']) {
      const path = kind === 'api' ? '/health' : '/api/conversations/x/events';
      const seen = await until(`503 from ${path}`, async () => {
        for (const pid of stack.children()[kind]) try { process.kill(pid, 'SIGKILL'); } catch { /* gone already */ }
        const r = await call(stack.base, 'GET', path, { timeout: 2000 });
        return r.status === 503 && r;
      }, { ms: 40_000, every: 30 });
      assert.equal(seen.json.error.code, 'STORE_UNAVAILABLE');
      assert.equal(seen.headers['retry-after'], '1');
      assert.match(seen.headers['x-request-id'], /^[0-9a-f]{16}$/);
      assert.equal(seen.headers['cache-control'], 'no-store');
      if (kind === 'hub') {
        const r = await call(stack.base, 'GET', path, { headers: { accept: 'text/event-stream' }, timeout: 2000 });
        if (r.status !== 401) {
          assert.equal(r.status, 200);
          assert.match(r.headers['content-type'], /^text\/event-stream/);
          assert.match(r.text, /^retry: \d+\n\n$/);
        }
      }
      await until(`${kind} to be back`, async () => (await call(stack.base, 'GET', path)).status !== 503);
    }
  });

  test('reload replaces all but Redis and turns nobody away', async () => {
    await until('everybody to be up', () => kinds.map((k) => stack.children()[k].length).join() === '1,2,2,1');
    const old = stack.children();
    const left = still(['api', 'hub', 'lighttpd'].flatMap((k) => old[k]));
    const answers = [];
    let going = true;
    const caller = (async () => { while (going) answers.push((await call(stack.base, 'GET', '/health')).status); })();
    const { code, stderr } = await run(['reload'], { env: settings({ ROOM_STATE: stack.state }) });
    assert.equal(code, 0, stderr);
    await until('everybody to be replaced', () => ['api', 'hub', 'lighttpd'].every((k) => stack.children()[k].length === old[k].length && !stack.children()[k].some((p) => old[k].includes(p))));
    await until('the old ones to be gone', () => left().length === 0);
    going = false;
    await caller;
    assert.deepEqual(stack.children().redis, old.redis);
    assert.ok(answers.length > 0 && answers.every((s) => s === 200), `answers: ${[...new Set(answers)]}`);
  });
});

describe('the end of room up', () => {
  for (const signal of ['SIGTERM', 'SIGINT']) {
    test(`${signal} ends everything within 5 s, with streams open, and leaves only logs and what lasts`, async () => {
      const stack = await startStack();
      const s = await stack.session();
      const scratch = stack.described().scratch;
      const streams = await Promise.all([1, 2, 3].map(() => openStream(stack.base, s)));
      const [up, left] = [still([stack.pid]), still(Object.values(stack.children()).flat())];
      const start = performance.now();
      process.kill(stack.pid, signal);
      await until('room up to be gone', () => up().length === 0);
      assert.ok(performance.now() - start < 5000 * slow, `it took ${performance.now() - start} ms`);
      assert.deepEqual(left(), []);
      for (const r of streams) r.destroy();
      assert.equal(existsSync(scratch), false, 'the folder in memory is gone');
      assert.deepEqual(readdirSync(stack.state).filter((f) => !f.startsWith('sanitizer') && !f.startsWith('room.db-')).sort(), ['keys', 'logs', 'room.db', 'room.lock']);
    });
  }

  test('killed with -9 it leaves no orphan, and the next one takes over what was said', async () => {
    const first = await startStack();
    const s = await first.session();
    assert.equal((await first.as(s.tickets.student).post(`${s.path}/messages`, { content: 'kept' })).status, 201);
    const left = still(Object.values(first.children()).flat());
    process.kill(first.pid, 'SIGKILL');
    await until('the children to die too', () => left().length === 0, { ms: 15_000 });
    const second = await startStack({ env: { ROOM_STATE: first.state, ROOM_JWT_SECRET: first.secret } });
    try {
      const page = await until('history', async () => {
        const r = await second.as(s.tickets.student).get(`${s.path}/messages`);
        return r.status === 200 && r.json;
      });
      assert.deepEqual(page.messages.map((m) => m.content), ['kept']);
    } finally {
      const up = still([second.pid]);
      process.kill(second.pid, 'SIGTERM');
      await until('the second to end', () => up().length === 0);
    }
  });
});

test('what a killed one left in memory goes when its state folder is gone', async () => {
  const killed = await startStack();
  const { scratch } = killed.described();
  const all = still([killed.pid, ...Object.values(killed.children()).flat()]);
  process.kill(killed.pid, 'SIGKILL');
  await until('it and its children to be dead', () => all().length === 0); // they write into that folder to their end
  rmSync(killed.state, { recursive: true, force: true, maxRetries: 5 });
  assert.ok(existsSync(scratch));
  const next = await startStack();
  try {
    assert.equal(existsSync(scratch), false);
    assert.ok(existsSync(next.described().scratch));
  } finally {
    await next.stop();
  }
});

describe('room up refuses', () => {
  test('a port that is taken: code 3, and says so', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address();
    const { code, stderr } = await run(['up'], { env: settings({ ROOM_PORT: String(port) }) });
    server.close();
    assert.equal(code, 3, stderr);
    assert.match(stderr, new RegExp(`port ${port} is taken`));
  });

  test('a state folder that another one uses: code 3, and says whose', async () => {
    const stack = await startStack();
    try {
      const { code, stderr } = await run(['up'], { env: settings({ ROOM_STATE: stack.state }) });
      assert.equal(code, 3, stderr);
      assert.match(stderr, new RegExp(`pid ${stack.pid}\\b`));
      assert.equal((await call(stack.base, 'GET', '/health')).status, 200, 'the first one goes on');
    } finally {
      await stack.stop();
    }
  });

  test('settings that do not parse, and unknown options', async () => {
    assert.equal((await run(['up'], { env: settings({ ROOM_APIS: 'many' }) })).code, 1);
    assert.equal((await run(['up', '--bogus'], { env: settings() })).code, 2);
    assert.equal((await run(['up', 'extra'], { env: settings() })).code, 2);
  });

  test('to go on when a program keeps ending from the start', async () => {
    const { code, stderr } = await run(['up'], { env: settings({ ROOM_REDIS: 'redis://no such host:x' }) });
    assert.equal(code, 1);
    assert.match(stderr, /(api|hub) keeps ending: \S+\/logs\/(api|hub)\.log says why/);
  });

  test('a secret that is too short', async () => {
    const { code, stderr } = await run(['up'], { env: settings({ ROOM_JWT_SECRET: 'short' }) });
    assert.equal(code, 1);
    assert.match(stderr, /ROOM_JWT_SECRET/);
    assert.doesNotMatch(stderr, /short\b.*short/);
  });
});

// Two users of the chat application, who know each other: the same two after another start on the same database.
async function theChats(base, out) {
  const [ada, ben] = ['Ada', 'Ben'].map((name) => new RegExp(`^chat as ${name}: ${base}/chat\\.html#token=([\\w.-]+)$`, 'm').exec(out)[1]);
  const [first, second] = await Promise.all([ada, ben].map((ticket) => call(base, 'GET', '/api/conversations', { ticket })));
  assert.deepEqual(first.json.conversations.map((one) => [one.type, one.title, one.participants.map((who) => who.name).sort()]),
    [['group', 'Reading circle', ['Ada', 'Ben']], ['direct', '', ['Ada', 'Ben']]]);
  assert.deepEqual(second.json.conversations.map((one) => one.id), first.json.conversations.map((one) => one.id));
  const path = `/api/conversations/${first.json.conversations[0].id}`;
  assert.equal((await call(base, 'GET', `${path}/messages`, { ticket: ada })).json.messages.length, 6, 'said once, however often it starts');
  const { threads } = (await call(base, 'GET', `${path}/threads`, { ticket: ben })).json;
  assert.deepEqual(threads.map((one) => one.messageCount), [2]);
  assert.match(await (await fetch(`${base}/chat.html`)).text(), /chat\/main\.js/);
}

describe('room up --demo', () => {
  test('prints what the demo promises, makes a secret and keeps it', async () => {
    const env = settings({ ROOM_JWT_SECRET: undefined });
    const secrets = [];
    for (let round = 0; round < 2; round++) {
      const room = spawn(join(build, 'room'), ['up', '--demo'], { env, cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
      let out = '';
      room.stdout.on('data', (d) => { out += d; });
      const gone = once(room, 'close');
      try {
        await until('six lines', () => out.split('\n').length > 6 || room.exitCode !== null, { ms: 60_000 });
        const base = /^ready (http:\/\/localhost:\d+)$/m.exec(out)[1];
        const student = new RegExp(`^student: ${base}/#ticket=([\\w.-]+)$`, 'm').exec(out)[1];
        const counselor = new RegExp(`^counselor: ${base}/#ticket=([\\w.-]+)$`, 'm').exec(out)[1];
        const [, bearer, path] = new RegExp(`^curl -N -H 'Authorization: Bearer ([\\w.-]+)' ${base}(/api/conversations/\\w+/events)$`, 'm').exec(out);
        assert.equal(bearer, counselor);
        const conversation = path.replace(/\/events$/, '');
        assert.equal((await call(base, 'POST', `${conversation}/messages`, { ticket: student, json: { content: 'hello' } })).status, 201);
        assert.equal((await call(base, 'GET', `${conversation}/messages`, { ticket: counselor })).json.messages[0].content, 'hello');
        await theChats(base, out);
        assert.equal(statSync(join(env.ROOM_STATE, 'secret')).mode & 0o777, 0o600);
        secrets.push(readFileSync(join(env.ROOM_STATE, 'secret'), 'utf8'));
      } finally {
        room.kill('SIGTERM');
      }
      assert.deepEqual(await gone, [0, null]);
    }
    assert.ok(secrets[0].length >= 32);
    assert.equal(secrets[0], secrets[1]);
  });
});

test('the memory of one that lives is not swept, even when its state folder can’t be seen (another container)', async () => {
  const living = await startStack();
  const { scratch } = living.described();
  const lock = join(living.state, 'room.lock'), hidden = join(living.state, 'room.hidden');
  renameSync(lock, hidden);
  const other = await startStack();
  try {
    assert.ok(existsSync(scratch), 'swept away under its feet');
  } finally {
    await other.stop();
    renameSync(hidden, lock);
    await living.stop();
  }
});
