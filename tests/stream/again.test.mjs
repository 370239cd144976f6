// What a hub may have missed is told again, to open streams too: after a lapsed lease, a lost or overflowed inbox, a Redis that forgot, refused or lost its last words.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { ok } from '../lib/contract.mjs';
import { Stream, StreamReader, call, judge, pool, sleep, until, wholeHistory } from '../lib/client.mjs';
import { inboxes, usedUp } from '../lib/inbox.mjs';
import { startStack } from '../lib/stack.mjs';

async function withStack(env, run) {
  const stack = await startStack({ env: { ROOM_HUBS: '1', ...env } });
  try { await run(stack); } finally { await stack.stop(); }
}
const open = async (stack, s, who) => { const st = new Stream(stack.base, `${s.path}/events`, { ticket: s.tickets[who] }); await st.opened; await st.ready(); return st; };
const send = async (stack, s, content = 'x') => ok(await stack.as(s.tickets.student).post(`${s.path}/messages`, { content }), 201);
// What the hub had asked for is used up.
const full = (stack, s) => usedUp(stack, async () => ok(await stack.as(s.tickets.student).post(`${s.path}/typing`, { isTyping: true }), 204));
const leases = async (stack) => Number(await stack.redis('EVAL', "local n = 0 for _, h in ipairs(redis.call('SMEMBERS', '{0}:hubs')) do n = n + redis.call('EXISTS', '{0}:hub:' .. h) end return n", 0));
// What that stream knows of the student's read mark, by an event or by a snapshot of all marks.
const readUpTo = (st, who) => Math.max(0, ...st.events.map((e) => (e.event === 'ready' ? e.data.read[who] ?? 0 : e.event === 'receipt:read' && e.data.participant === who ? e.data.upTo : 0)));
// Clock ticks (10 ms) of processor time that a process has used.
const ticks = (pid) => { const f = readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /, '').split(' '); return Number(f[11]) + Number(f[12]); };
async function halted(stack, run) {
  const pid = stack.kill('hub', 'SIGSTOP');
  try { await run(); } finally { process.kill(pid, 'SIGCONT'); }
}

describe('what an open stream missed', { concurrency: true }, () => {
  test('marks, while its hub’s lease lapsed', () => withStack({}, async (stack) => {
    const s = await stack.session();
    const st = await open(stack, s, 'counselor');
    const m = await send(stack, s);
    await st.next((e) => e.id === m.cursor);
    await halted(stack, async () => {
      await until('its lease to lapse', async () => (await leases(stack)) === 0, { ms: 90_000, every: 200 });
      ok(await stack.as(s.tickets.student).put(`${s.path}/read`, { upTo: m.id }), 204);
    });
    await st.when('the mark', () => readUpTo(st, s.student) >= m.id, 20_000);
    const again = st.named('ready').at(-1);
    assert.deepEqual([again.data.resumed, again.data.cursor, again.id, Boolean(st.ended)], [true, st.entries.at(-1).id, st.entries.at(-1).id, false]);
    st.close();
  }));
  test('marks, when its inbox ran over', () => withStack({}, async (stack) => {
    const s = await stack.session();
    const st = await open(stack, s, 'counselor');
    const m = await send(stack, s);
    await st.next((e) => e.id === m.cursor);
    await halted(stack, async () => {
      const inbox = await full(stack, s);
      ok(await stack.as(s.tickets.student).put(`${s.path}/read`, { upTo: m.id }), 204);
      await stack.redis('EVAL', "redis.call('DEL', KEYS[1]) return redis.call('RPUSH', KEYS[1], '\\no')", 1, inbox);
    });
    await st.when('the mark', () => readUpTo(st, s.student) >= m.id, 10_000);
    st.close();
  }));
  test('marks, when the connection with its inbox broke; a poll gets them beside its answer', () => withStack({}, async (stack) => {
    const s = await stack.session();
    const st = await open(stack, s, 'counselor');
    const m = await send(stack, s);
    await st.next((e) => e.id === m.cursor);
    const poll = call(stack.base, 'GET', `${s.path}/poll?wait=25&after=${m.cursor}`, { ticket: s.tickets.counselor, agent: false, timeout: 60_000 });
    await until('the poll to be there', async () => (await stack.redis('HGETALL', `{0}:conv:${s.id}:present`)).split('\n').some((line, i, all) => line.startsWith(`s:${s.counselor}:`) && all[i + 1] === '2'));
    await halted(stack, async () => {
      const inbox = await full(stack, s);
      ok(await stack.as(s.tickets.student).put(`${s.path}/read`, { upTo: m.id }), 204);
      assert.equal(await stack.redis('DEL', inbox), '1');
      for (const c of (await stack.redis('CLIENT', 'LIST')).split('\n').filter((line) => /cmd=blmpop/.test(line))) await stack.redis('CLIENT', 'KILL', 'ID', /\bid=(\d+)/.exec(c)[1]);
    });
    await st.when('the mark', () => readUpTo(st, s.student) >= m.id, 10_000);
    await send(stack, s, 'ends the poll');
    assert.equal(ok(await poll).read[s.student], m.id);
    st.close();
  }));
  test('a hub that Redis forgot is known again, and then everything is told at once', () => withStack({}, async (stack) => {
    const s = await stack.session();
    const st = await open(stack, s, 'counselor');
    const hubs = `{0}:conv:${s.id}:hubs`;
    assert.equal(await stack.redis('DEL', hubs), '1');
    await until('Redis to know the hub', async () => (await stack.redis('HLEN', hubs)) === '1', { ms: 75_000, every: 200 });
    const m = await send(stack, s);
    await st.next((e) => e.id === m.cursor, { ms: 12_000 });
    st.close();
  }));
  test('when the connection for questions was replaced, the hub makes itself known anew', () => withStack({}, async (stack) => {
    const s = await stack.session();
    const st = await open(stack, s, 'counselor');
    // As a failover would: the new one has never heard of the hub's readers.
    await stack.redis('DEL', `{0}:conv:${s.id}:hubs`);
    const mine = (await stack.redis('CLIENT', 'LIST')).split('\n').filter((line) => !/cmd=(blmpop|client)/.test(line));
    for (const c of mine) await stack.redis('CLIENT', 'KILL', 'ID', /\bid=(\d+)/.exec(c)[1]);
    await until('Redis to know the hub', async () => (await stack.redis('HLEN', `{0}:conv:${s.id}:hubs`)) === '1', { ms: 20_000 });
    const m = await send(stack, s);
    await st.next((e) => e.id === m.cursor, { ms: 12_000 });
    st.close();
  }));
});

describe('a Redis that answers otherwise', { concurrency: true }, () => {
  test('a replica that takes no writes: the hub waits, and goes on when it may', () => withStack({}, async (stack) => {
    const s = await stack.session();
    const st = await open(stack, s, 'counselor');
    const [hub] = stack.children().hub;
    await stack.redis('REPLICAOF', '127.0.0.1', '1');
    const said = async () => Number(/errorstat_READONLY:count=(\d+)/.exec(await stack.redis('INFO', 'errorstats'))?.[1] ?? 0);
    await until('it to refuse a pop', async () => (await said()) > 0);
    const before = ticks(hub);
    await sleep(3000); // what it uses in that time is what is promised
    assert.ok(ticks(hub) - before < 50, `${ticks(hub) - before} ticks in 3 s`);
    await stack.redis('REPLICAOF', 'NO', 'ONE');
    const m = await send(stack, s);
    const told = st.ended ? await open(stack, s, 'counselor') : st;
    if (told === st) await st.when('it, or an end', () => st.ended || st.events.some((e) => e.id === m.cursor), 10_000, true);
    const later = await until('streams to go on', async () => { const one = await open(stack, s, 'counselor'); const n = await send(stack, s); await one.next((e) => e.id === n.cursor, { ms: 12_000 }); return one; }, { ms: 40_000 });
    for (const one of [st, told, later]) one.close();
  }));
  test('a log that lost its end: who comes then is live, and the hub does not ask in a circle', () => withStack({}, async (stack) => {
    const s = await stack.session();
    const watch = await open(stack, s, 'student');
    const m = await send(stack, s, 'kept');
    for (let i = 0; i < 3; i++) await send(stack, s, 'lost');
    await watch.when('all of it', () => watch.named('message:new').length === 4);
    await stack.redis('LTRIM', `{0}:conv:${s.id}:log`, 0, m.id - 1);
    const st = await open(stack, s, 'counselor');
    const calls = async () => Number(/cmdstat_evalsha:calls=(\d+)/.exec(await stack.redis('INFO', 'commandstats'))[1]);
    await sleep(300);
    const before = await calls();
    await sleep(1500); // likewise
    const asked = (await calls()) - before;
    assert.ok(asked < 100, `${asked} scripts in 1.5 s`);
    const n = await send(stack, s, 'new');
    await st.next((e) => e.id === n.cursor, { ms: 12_000 });
    // Who was ahead of the log would hear nothing of what comes: it is sent to come again, and told by `reset`.
    await watch.end({ ms: 8000 });
    const again = new Stream(stack.base, `${s.path}/events`, { ticket: s.tickets.student, lastEventId: watch.lastId });
    assert.equal((await again.ready()).resumed, false);
    assert.equal((await again.next('reset')).data.cursor, n.cursor);
    assert.equal(st.ended, false);
    for (const one of [again, st]) one.close();
  }));
});

test('an inbox that ran over under load: all of it comes all the same, in order, once', () => withStack({}, async (stack) => {
  const s = await stack.session();
  const reader = new StreamReader('r', stack.base, s.id, s.tickets.counselor);
  await until('ready', () => reader.cursor);
  const n = 5800; // its bound is 4,096, beside what the hub had asked for already
  let ran = false;
  await halted(stack, async () => {
    await pool(24, Array.from({ length: n }, (_, i) => i), async (i) => {
      ok(await stack.as(s.tickets.student).post(`${s.path}/messages`, { content: `${i}`, clientId: `c${i}` }), 201);
      if (i % 50 === 0 && !ran) ran = (await stack.redis('LRANGE', (await inboxes(stack))[0] ?? 'none', 0, 0)) === '\no';
    });
    assert.ok(ran, 'it ran over');
  });
  const { messages } = await wholeHistory(stack.base, s.id, s.tickets.student);
  assert.equal(messages.length, n);
  await reader.reached(messages.at(-1).id);
  await reader.stop();
  assert.deepEqual(judge({ readers: [reader], messages }).faults, []);
  assert.equal(new Set(reader.seen.filter((e) => e.event === 'message:new').map((e) => e.data.content)).size, n);
}));
