// SIGKILL in the middle of 10,000 sends (promises A to D), judged from the clients' own histories. Nobody waits for quiet before a kill.
// Redis keeps its log in memory, written before each answer: killing its process (not the machine) loses nothing that was acknowledged.
import assert from 'node:assert/strict';
import { appendFileSync, readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { ok } from '../lib/contract.mjs';
import { PollReader, Sender, StreamReader, call, pool, positionOf, sleep, stopReaders, until, verdict, wholeHistory, within } from '../lib/client.mjs';
import { startStack, still } from '../lib/stack.mjs';

// Sends n messages in all, in several sessions with readers of both kinds on both sides; at(k) is called once k were acknowledged.
async function storm(stack, n, at, { sessions = 8, most_ms = 150_000, send_ms } = {}) {
  let acked = 0;
  try {
    return await within(`${n} sends`, most_ms, rage(stack, n, (k) => { acked = k; return at?.(k); }, sessions, send_ms));
  } catch (e) {
    stopReaders(stack.base);
    const told = stack.logFiles().map((f) => `${f.split('/').at(-1)}:\n${readFileSync(f, 'utf8').slice(-1200)}`).join('\n');
    throw new Error(`${e.message} (${acked} acknowledged; ${JSON.stringify(stack.children())})\n${told}`);
  }
}

async function rage(stack, n, at, sessions, timeout) {
  const talks = await Promise.all(Array.from({ length: sessions }, async () => {
    const s = await stack.session();
    return {
      s,
      readers: ['student', 'counselor'].flatMap((who) => [new StreamReader(`stream of ${who} in ${s.id}`, stack.base, s.id, s.tickets[who]), new PollReader(`poll of ${who} in ${s.id}`, stack.base, s.id, s.tickets[who], { wait: 4 })]),
      senders: ['student', 'counselor'].map((who) => new Sender(who, stack.base, s.id, s.tickets[who], s[who], { timeout })),
    };
  }));
  await Promise.all(talks.flatMap((t) => t.readers).map((r) => until(`${r.name} to be ready`, () => r.cursor)));
  let acked = 0;
  const acts = [];
  await pool(sessions * 6, Array.from({ length: n }, (_, i) => i), async (i) => {
    const { senders } = talks[i % sessions];
    await senders[Math.floor(i / sessions) % 2].send(`c${i}`, `message ${i}`);
    const act = at(++acked);
    if (act) acts.push(act);
  });
  await Promise.all(acts);
  let total = 0;
  const tries = { sends: 0, attempts: 0, breaks: 0, resets: 0, slowest_send_ms: 0, problems: [] };
  for (const { s, readers, senders } of talks) {
    const { messages } = await until('the history', () => wholeHistory(stack.base, s.id, s.tickets.student));
    await Promise.all(readers.map((r) => r.reached(messages.at(-1).id, 40_000)));
    await Promise.all(readers.map((r) => r.stop()));
    total += verdict({ senders, readers, messages }).acked;
    const sent = new Set(senders.flatMap((x) => x.sends).map((x) => `${x.sender} ${x.clientId}`));
    assert.deepEqual(messages.filter((m) => !sent.delete(`${m.sender} ${m.clientId}`)).map((m) => m.id), [], 'messages nobody sent');
    assert.deepEqual([...sent], [], 'sends that left no message');
    tries.sends += messages.length;
    tries.problems = [...new Set([...tries.problems, ...senders.flatMap((x) => x.problems)])].slice(0, 12);
    tries.attempts += senders.flatMap((x) => x.sends).reduce((a, x) => a + x.attempts, 0);
    tries.slowest_send_ms = Math.max(tries.slowest_send_ms, ...senders.flatMap((x) => x.sends).map((x) => Math.round(x.ms)));
    tries.breaks += readers.reduce((a, r) => a + r.breaks, 0);
    tries.resets += readers.reduce((a, r) => a + r.resets.length, 0);
  }
  assert.equal(total, n, 'every send was acknowledged in the end');
  return tries;
}

describe('SIGKILL', () => {
  let stack;
  before(async () => { stack = await startStack(); });
  after(() => stack?.stop());

  test('an api process, a hub, Redis and lighttpd, one after another, in 10,000 sends', { timeout: 240_000 }, async (t) => {
    // acknowledged so far → whom: each of the four, then again without a pause between two of them.
    const plan = { 700: ['api'], 1700: ['hub'], 2700: ['redis'], 3700: ['lighttpd'], 4700: ['api', 'hub'], 5700: ['redis', 'lighttpd'], 6700: ['hub', 'redis'], 7700: ['api', 'lighttpd'], 8700: ['api', 'hub', 'redis', 'lighttpd'] };
    const killed = [];
    const tries = await storm(stack, 10_000, (k) => {
      if (!plan[k]) return undefined;
      return Promise.all(plan[k].map(async (name) => {
        const pid = await until(`a ${name} to kill`, () => { try { return stack.kill(name); } catch { return 0; } });
        killed.push(`${name} ${pid}`);
        await stack.replaced(name, pid);
      }));
    });
    assert.equal(killed.length, 16);
    assert.ok(tries.attempts > tries.sends, 'the kills were felt: some sends were repeated');
    assert.ok(tries.breaks > 0, 'and some streams broke');
    assert.equal(tries.resets, 0, 'no log was lost, so no reader had to start anew');
    t.diagnostic(`killed ${killed.join(', ')}; ${JSON.stringify(tries)}`);
  });
  test('twenty more, at random, in another 10,000 sends', { timeout: 240_000 }, async (t) => {
    const killed = {};
    const tries = await storm(stack, 10_000, (k) => {
      if (k % 480 !== 0) return undefined;
      const name = ['api', 'hub', 'redis', 'lighttpd'][Math.floor(Math.random() * 4)];
      const pids = stack.children()[name] ?? [];
      if (!pids.length) return undefined; // it is being restarted just now
      try { process.kill(pids[Math.floor(Math.random() * pids.length)], 'SIGKILL'); } catch { return undefined; }
      killed[name] = (killed[name] ?? 0) + 1;
      return undefined;
    });
    assert.ok(Object.values(killed).reduce((a, b) => a + b, 0) >= 10, JSON.stringify(killed));
    assert.equal(tries.resets, 0);
    t.diagnostic(`${JSON.stringify(killed)}; ${JSON.stringify(tries)}`);
  });
  test('every process of a kind at once', { timeout: 120_000 }, async (t) => {
    const tries = await storm(stack, 2000, (k) => {
      const name = { 400: 'api', 1000: 'hub', 1500: 'api' }[k];
      return name && Promise.all(stack.children()[name].map((pid) => { process.kill(pid, 'SIGKILL'); return stack.replaced(name, pid); }));
    }, { sessions: 4 });
    assert.equal(tries.resets, 0);
    t.diagnostic(JSON.stringify(tries));
  });
  test('afterwards all is as before', async () => {
    const s = await stack.session();
    ok(await stack.as(s.tickets.student).post(`${s.path}/messages`, { content: 'x' }), 201);
    ok(await call(stack.base, 'GET', '/health'));
    const count = () => { const { api, hub, redis, lighttpd } = stack.children(); return [api, hub, redis, lighttpd].map((x) => x.length).join(); };
    await until('all processes to be back', () => count() === '2,2,1,1');
  });
});

// As lighttpd asks a FastCGI program: one request, then nothing more.
function request(params) {
  const record = (type, body) => Buffer.concat([Buffer.from([1, type, 0, 1, body.length >> 8, body.length & 255, 0, 0]), body]);
  const pairs = Object.entries(params).map(([k, v]) => Buffer.concat([Buffer.from([k.length, v.length]), Buffer.from(k + v)]));
  return Buffer.concat([record(1, Buffer.from([0, 1, 0, 0, 0, 0, 0, 0])), record(4, Buffer.concat(pairs)), record(4, Buffer.alloc(0)), record(5, Buffer.alloc(0))]);
}

describe('SIGTERM', () => {
  let stack;
  before(async () => { stack = await startStack(); });
  after(() => stack?.stop());
  test('ended politely (SIGTERM), one process after the other: not even a repeat is needed', { timeout: 120_000 }, async (t) => {
    const tries = await storm(stack, 2000, (k) => {
      const name = { 300: 'api', 700: 'hub', 1100: 'api', 1500: 'hub' }[k];
      if (!name) return undefined;
      const pid = stack.kill(name, 'SIGTERM');
      return stack.replaced(name, pid);
    }, { sessions: 4, send_ms: 20_000 }); // whoever is only slow is not to repeat himself
    assert.equal(tries.resets, 0);
    assert.equal(tries.attempts, tries.sends, `a polite end refused or dropped a send: ${tries.problems.join('; ')}\n${stack.logs().split('\n').filter((l) => /warn|error|api\.(start|end)/.test(l)).slice(-12).join('\n')}`);
    t.diagnostic(JSON.stringify(tries));
  });
  test('one that has its connection and not yet its request reads it before it ends', async (t) => {
    const own = await startStack({ env: { ROOM_APIS: '1' } });
    t.after(() => own.stop());
    const pid = own.children().api[0];
    const open = () => readdirSync(`/proc/${pid}/fd`).map((fd) => { try { return readlinkSync(`/proc/${pid}/fd/${fd}`); } catch { return ''; } });
    ok(await call(own.base, 'GET', '/health'));
    const before = new Set(open());
    const socket = connect(join(own.state, 'api.sock'));
    const answer = []; // what lighttpd would take for a backend that died is an end without a word
    const ended = new Promise((done) => { socket.on('close', done); });
    socket.on('data', (d) => answer.push(d)).on('error', () => {});
    await until('it to be accepted', () => open().some((what) => /^socket:/.test(what) && !before.has(what)));
    process.kill(pid, 'SIGTERM');
    await sleep(100); // no sign tells that a signal was taken
    socket.write(request({ REQUEST_METHOD: 'GET', PATH_INFO: '/health', SCRIPT_NAME: '', REQUEST_URI: '/health' }));
    await within('its answer', 10_000, ended);
    assert.match(Buffer.concat(answer).toString('latin1'), /Status: 200/);
  });
});

describe('the log is lost', () => {
  let stack;
  before(async () => { stack = await startStack(); });
  after(() => stack?.stop());
  test('Redis emptied under open streams: gone for all, never an old cursor taken for a new one', async () => {
    const s = await stack.session();
    const m = ok(await stack.as(s.tickets.student).post(`${s.path}/messages`, { content: 'x' }), 201);
    await stack.redis('FLUSHALL');
    assert.equal((await stack.as(s.tickets.student).get(`${s.path}/messages`)).status, 404);
    // The same id again is another log: what was resumed from the old one must be told so.
    const r = await call(stack.base, 'POST', '/api/sessions', { ticket: stack.service(), json: { sessionId: s.id, studentAnonymousId: s.student, counselorId: s.counselor } });
    assert.equal(r.status, 201);
    for (let i = 0; i < 5; i++) ok(await stack.as(s.tickets.student).post(`${s.path}/messages`, { content: `new ${i}` }), 201);
    const reader = new StreamReader('old cursor', stack.base, s.id, s.tickets.student, m.cursor);
    await until('the reset', () => reader.resets.length === 1);
    assert.equal(reader.starts[0].resumed, false);
    assert.equal(reader.seen.length, 0);
    await reader.stop();
  });
  // A kill may hit Redis while it writes a script's transaction: its beginning is in the file, its end never comes. Redis (before valkey-io/valkey#4342) passes over it
  // when it starts, leaves it there and writes on behind it; the start after that takes half of it for good, and what comes next for its end.
  test('killed twice, the first time in the middle of what it wrote: nothing that was not acknowledged comes to stand', async (t) => {
    const own = await startStack({ env: { ROOM_WORKER: '0' } }); // a worker would write behind the send
    t.after(() => own.stop());
    const s = await own.session();
    const send = async (content) => ok(await own.as(s.tickets.student).post(`${s.path}/messages`, { content }), 201);
    const folder = join((await own.redis('CONFIG', 'GET', 'dir')).split('\n')[1], 'appendonlydir');
    const sent = [await send('before')];
    const file = join(folder, readdirSync(folder).filter((f) => f.endsWith('.incr.aof')).sort((a, b) => a.split('.').at(-3) - b.split('.').at(-3)).at(-1));
    process.kill(own.pid, 'SIGSTOP'); // he would start it again at once
    const redis = own.kill('redis');
    try {
      await until('Redis to be gone', () => own.redis('PING').then(() => false, () => true));
      // Of what stands in the file the send: hubs write behind it, too.
      const [begin, end] = ['*1\r\n$5\r\nMULTI\r\n', '*1\r\n$4\r\nEXEC\r\n'];
      const blocks = readFileSync(file, 'latin1').split(begin).slice(1).map((x) => begin + x.slice(0, x.indexOf(end)));
      const transaction = blocks.filter((x) => /RPUSH/i.test(x) && x.includes(`:conv:${s.id}:log\r\n`)).at(-1);
      assert.ok(transaction, 'the send is in the file');
      appendFileSync(file, transaction.slice(0, -16), 'latin1'); // without its EXEC, and cut in a command
    } finally { process.kill(own.pid, 'SIGCONT'); }
    await own.replaced('redis', redis);
    const back = () => until('Redis to be back', () => own.redis('PING').then((r) => r === 'PONG', () => false));
    await back();
    for (const content of ['after', 'and more']) sent.push(await send(content));
    await own.replaced('redis', own.kill('redis'));
    await back();
    const { messages } = await until('the history', () => wholeHistory(own.base, s.id, s.tickets.student));
    assert.deepEqual(messages.map((m) => [m.cursor, m.content]), sent.map((m) => [m.cursor, m.content]));
    sent.push(await send('at last'));
    assert.equal(sent.at(-1).id, sent.at(-2).id + 1);
  });
  test('truncated, as after a failover that lost the newest: `reset`, no silent gap', async () => {
    const s = await stack.session();
    const sent = [];
    for (let i = 0; i < 10; i++) sent.push(ok(await stack.as(s.tickets.student).post(`${s.path}/messages`, { content: `m${i}` }), 201));
    const [log] = (await stack.redis('KEYS', `*conv:${s.id}:log`)).split('\n');
    await stack.redis('LTRIM', log, '0', '-4');
    for (let i = 0; i < 5; i++) ok(await stack.as(s.tickets.counselor).post(`${s.path}/messages`, { content: `rewritten ${i}` }), 201);
    const lost = new StreamReader('from a lost entry', stack.base, s.id, s.tickets.student, sent.at(-1).cursor);
    const kept = new StreamReader('from a kept entry', stack.base, s.id, s.tickets.student, sent[3].cursor);
    await until('the reset', () => lost.resets.length === 1);
    const { messages } = await wholeHistory(stack.base, s.id, s.tickets.student);
    await kept.reached(messages.at(-1).id);
    assert.equal(kept.resets.length, 0);
    await Promise.all([lost.stop(), kept.stop()]);
    verdict({ readers: [kept], messages });
    assert.ok(positionOf(lost.starts[0].cursor) >= messages.at(-1).id);
  });
});

describe('the supervisor', () => {
  test('killed itself, takes everything with it', async () => {
    const stack = await startStack();
    const children = Object.values(stack.children()).flat();
    assert.ok(children.length >= 6);
    const left = still(children);
    assert.deepEqual(left(), children);
    process.kill(stack.pid, 'SIGKILL');
    await until('the children to end', () => left().length === 0);
    stack.forget();
  });
  test('SIGINT ends it as cleanly as SIGTERM, streams open or not', async () => {
    const stack = await startStack();
    const s = await stack.session();
    const reader = new StreamReader('r', stack.base, s.id, s.tickets.student);
    await until('ready', () => reader.cursor);
    process.kill(stack.pid, 'SIGINT');
    reader.running = false;
    await stack.stop();
    await reader.stop();
  });
});
