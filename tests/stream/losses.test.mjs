// What a hub is told may get lost: its inbox runs over, its connection breaks, its lease lapses, Redis is away. No reader may pay for it (promises D, F, G).
import assert from 'node:assert/strict';
import net from 'node:net';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { ok } from '../lib/contract.mjs';
import { Raw, Stream, StreamReader, call, dechunk, pool, slow, sleep, until } from '../lib/client.mjs';
import { usedUp } from '../lib/inbox.mjs';
import { startStack } from '../lib/stack.mjs';

async function withStack(env, run) {
  const stack = await startStack({ env: { ROOM_HUBS: '1', ...env } });
  try { await run(stack); } finally { await stack.stop(); }
}
const open = async (stack, s, who) => { const st = new Stream(stack.base, `${s.path}/events`, { ticket: s.tickets[who] }); await st.opened; await st.ready(); return st; };
// The hub stands still, and what it had asked for is used up: what comes now waits in its inbox, whose key run() is given.
async function halted(stack, s, run) {
  const pid = stack.kill('hub', 'SIGSTOP');
  try {
    await run(await usedUp(stack, async () => ok(await stack.as(s.tickets.student).post(`${s.path}/typing`, { isTyping: true }), 204)));
  } finally {
    process.kill(pid, 'SIGCONT');
  }
}
const breakInbox = async (stack) => {
  const waiting = (await stack.redis('CLIENT', 'LIST')).split('\n').filter((c) => /cmd=blmpop/.test(c));
  for (const c of waiting) await stack.redis('CLIENT', 'KILL', 'ID', /\bid=(\d+)/.exec(c)[1]);
  return waiting.length;
};

describe('news that got lost', { concurrency: true }, () => {
  test('an inbox that ran over: who was replaced meanwhile reads no further', () => withStack({}, async (stack) => {
    const s = await stack.session();
    const old = await open(stack, s, 'counselor');
    await halted(stack, s, async (inbox) => {
      ok(await stack.as(stack.service()).put(`/api/sessions/${s.id}`, { counselorId: 'couns_new' }));
      await stack.redis('EVAL', "redis.call('DEL', KEYS[1]) return redis.call('RPUSH', KEYS[1], '\\no')", 1, inbox);
    });
    await old.end({ ms: 12_000 });
    ok(await stack.as(s.tickets.student).post(`${s.path}/messages`, { content: 'for the new one' }), 201);
    assert.equal(old.named('message:new').length, 0);
  }));
  test('an inbox lost while a slow reader was catching up: it gets all of it all the same', () => withStack({}, async (stack) => {
    const s = await stack.session();
    const { cursor } = ok(await stack.as(s.tickets.student).get(`${s.path}/messages`));
    const n = 600;
    await pool(16, Array.from({ length: n }, (_, i) => i), async (i) => ok(await stack.as(s.tickets.student).post(`${s.path}/messages`, { content: `${i} ${'y'.repeat(16_000)}` }), 201));
    const raw = new Raw(stack.base, { highWaterMark: 4096 });
    await raw.write(`GET ${s.path}/events?after=${cursor} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${s.tickets.counselor}\r\n\r\n`);
    await until('it to be held up', async () => { const had = raw.socket.bytesRead; await sleep(300); return had === raw.socket.bytesRead; });
    assert.equal(await breakInbox(stack), 1);
    await until('a new way to the inbox', async () => /cmd=blmpop/.test(await stack.redis('CLIENT', 'LIST')));
    raw.read();
    const told = () => {
      if (raw.bytes <= n * 16_000) return 0;
      const body = dechunk(raw.buffer.subarray(raw.buffer.indexOf('\r\n\r\n') + 4)).body.toString();
      return new Set([...body.matchAll(/"content":"(\d+) y/g)].map((m) => m[1])).size;
    };
    await until('all of it', () => told() === n, { ms: 60_000, every: 200 });
    raw.destroy();
  }));
  test('one that nobody noticed is made up for within a minute', () => withStack({}, async (stack) => {
    const s = await stack.session();
    const st = await open(stack, s, 'counselor');
    let m;
    await halted(stack, s, async (inbox) => {
      m = ok(await stack.as(s.tickets.student).post(`${s.path}/messages`, { content: 'x' }), 201);
      assert.equal(await stack.redis('DEL', inbox), '1');
    });
    await st.next((e) => e.id === m.cursor, { ms: 75_000 });
    st.close();
  }));
  test('a hub that lost its lease hears at once under its new name', () => withStack({}, async (stack) => {
    const s = await stack.session();
    const reader = new StreamReader('r', stack.base, s.id, s.tickets.counselor);
    await until('ready', () => reader.cursor);
    const leased = async () => Number(await stack.redis('EVAL', "local n = 0 for _, h in ipairs(redis.call('SMEMBERS', '{0}:hubs')) do n = n + redis.call('EXISTS', '{0}:hub:' .. h) end return n", 0));
    const pid = stack.kill('hub', 'SIGSTOP');
    try {
      await until('its lease to lapse', async () => (await leased()) === 0, { ms: 90_000, every: 200 });
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    await until('a lease again', async () => (await leased()) === 1);
    const m = ok(await stack.as(s.tickets.student).post(`${s.path}/messages`, { content: 'x' }), 201);
    await reader.reached(m.id, 8000);
    await reader.stop();
  }));
});

describe('Redis away', { concurrency: true }, () => {
  test('a hub that never had a lease says so within seconds: 503 to a poll, come again to a stream', () => withStack({}, async (stack) => {
    const s = await stack.session();
    const redis = stack.kill('redis', 'SIGSTOP');
    try {
      const hub = stack.kill('hub');
      await stack.replaced('hub', hub);
      const began = performance.now();
      const st = new Stream(stack.base, `${s.path}/events`, { ticket: s.tickets.student });
      const r = await call(stack.base, 'GET', `${s.path}/poll`, { ticket: s.tickets.student, agent: false, timeout: 20_000 });
      assert.equal(r.status, 503, r.text);
      await st.opened;
      await st.end({ ms: 20_000 });
      assert.equal(st.status, 200);
      assert.deepEqual(st.events, []);
      assert.ok(performance.now() - began < 9000 * slow);
    } finally {
      process.kill(redis, 'SIGCONT');
    }
    const st = await until('streams again', async () => open(stack, s, 'student'));
    st.close();
  }));
  test('a leave that could not be told is told later', () => withStack({}, async (stack) => {
    const s = await stack.session();
    const [watch, tab] = [await open(stack, s, 'counselor'), await open(stack, s, 'student')];
    const online = async () => ok(await stack.as(stack.service()).get(`/api/sessions/${s.id}`)).online;
    assert.ok((await online()).includes(s.student));
    tab.close();
    await sleep(8000); // it is told after 10 s
    await stack.redis('CONFIG', 'SET', 'requirepass', 'x');
    await stack.redis('-a', 'x', '--no-auth-warning', 'CLIENT', 'KILL', 'TYPE', 'normal');
    await sleep(6000); // ten seconds, and the two that a call may take
    await stack.redis('-a', 'x', '--no-auth-warning', 'CONFIG', 'SET', 'requirepass', '');
    await until('it to be gone', async () => !(await online()).includes(s.student));
    watch.close();
  }));
  test('Redis full: no message is taken, erasing works', () => withStack({}, async (stack) => {
    const s = await stack.session({ counselorId: undefined });
    const st = await open(stack, s, 'student');
    for (let i = 0; i < 20; i++) ok(await stack.as(s.tickets.student).post(`${s.path}/messages`, { content: 'x'.repeat(10_000) }), 201);
    await stack.redis('CONFIG', 'SET', 'maxmemory', '1mb');
    assert.equal((await stack.as(s.tickets.student).post(`${s.path}/messages`, { content: 'x' })).status, 503);
    ok(await stack.as(s.tickets.student).delete(s.path), 204);
    await st.next('session:erased', { ms: 12_000 });
    assert.equal(await stack.redis('KEYS', `*conv:${s.id}*`), '');
  }));
});

describe('polls', () => {
  test('wait=0 is answered at once, also when many ask', () => withStack({}, async (stack) => {
    const s = await stack.session();
    const { cursor } = ok(await stack.as(s.tickets.student).get(`${s.path}/poll`));
    const times = async (what) => {
      const all = await pool(48, Array.from({ length: 240 }), async () => {
        const began = performance.now();
        ok(await stack.as(s.tickets.student).get(`${s.path}/${what}`));
        return performance.now() - began;
      });
      return all.sort((a, b) => a - b);
    };
    const usual = await times('messages?limit=1');
    const took = await times(`poll?wait=0&after=${cursor}`);
    assert.ok(took[215] < 3 * usual[215] + 300 * slow, `a tenth of them took over ${Math.round(took[215])} ms, of pages of history ${Math.round(usual[215])} ms`);
  }));
  test('large answers that nobody takes, given up: no other reader is harmed', () => withStack({}, async (stack) => {
    const [s, quiet] = [await stack.session(), await stack.session()];
    const { cursor } = ok(await stack.as(s.tickets.student).get(`${s.path}/messages`));
    for (let i = 0; i < 30; i++) ok(await stack.as(s.tickets.student).post(`${s.path}/messages`, { content: 'z'.repeat(16_000) }), 201);
    const record = (type, body) => Buffer.concat([Buffer.from([1, type, 0, 1, body.length >> 8, body.length & 255, 0, 0]), body]);
    const long = (n) => { const b = Buffer.alloc(4); b.writeUInt32BE((n | 0x80000000) >>> 0); return b; };
    const params = { REQUEST_METHOD: 'GET', REQUEST_URI: `${s.path}/poll?after=${cursor}`, PATH_INFO: `${s.path}/poll`, QUERY_STRING: `after=${cursor}`, REMOTE_ADDR: '127.0.0.1', HTTP_AUTHORIZATION: `Bearer ${s.tickets.counselor}` };
    const request = Buffer.concat([record(1, Buffer.from([0, 1, 0, 0, 0, 0, 0, 0])), record(4, Buffer.concat(Object.entries(params).flatMap(([k, v]) => [long(k.length), long(v.length), Buffer.from(k), Buffer.from(v)]))), record(4, Buffer.alloc(0)), record(5, Buffer.alloc(0))]);
    const others = [];
    for (let round = 0; round < 4; round++) {
      const peers = Array.from({ length: 20 }, () => net.connect(join(stack.state, 'stream.sock')).on('error', () => {}).pause());
      for (const p of peers) p.write(request);
      await sleep(150 * slow); // answered as far as their sockets take it: the hub has forgotten them
      for (let i = 0; i < 20; i++) others.push(open(stack, quiet, 'student'));
      await Promise.all(others);
      for (const p of peers) p.destroy();
      await sleep(50);
    }
    const streams = await Promise.all(others);
    const m = ok(await stack.as(quiet.tickets.student).post(`${quiet.path}/messages`, { content: 'x' }), 201);
    await Promise.all(streams.map((st) => st.next((e) => e.id === m.cursor, { ms: 12_000 })));
    assert.equal(streams.filter((st) => st.ended).length, 0);
    for (const st of streams) st.close();
  }));
});
