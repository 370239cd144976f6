// Readers that are a burden (design §5, promise H): the slow, the half-closed, the silent; and a hub that stood still past its lease.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { connect } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { ok, refused } from '../lib/contract.mjs';
import { PollReader, Raw, Sender, SseParser, Stream, StreamReader, dechunk, pool, positionOf, slow, sleep, until, verdict, wholeHistory } from '../lib/client.mjs';
import { inboxes } from '../lib/inbox.mjs';
import { startStack } from '../lib/stack.mjs';

const request = (s, route, ticket) => `GET ${s.path}/${route} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${ticket}\r\n\r\n`;

describe('slow readers', () => {
  let stack;
  before(async () => { stack = await startStack({ env: { ROOM_HUBS: '1' } }); });
  after(() => stack?.stop());
  test('one that does not read holds nobody up and costs little; its exchange is ended, and it resumes without a gap', async () => {
    const s = await stack.session();
    const good = new StreamReader('good', stack.base, s.id, s.tickets.counselor);
    const bad = new Raw(stack.base, { highWaterMark: 4096 });
    await bad.write(request(s, 'events', s.tickets.student));
    await until('both to be here', async () => good.cursor && ok(await stack.as(stack.service()).get(`/api/sessions/${s.id}`)).online.length === 2);
    const [hub] = stack.children().hub;
    const [lighttpd] = stack.children().lighttpd;
    const before = { hub: stack.rss_kb(hub), lighttpd: stack.rss_kb(lighttpd) };
    const content = 'x'.repeat(16_000);
    let most = 0;
    const n = 2500; // 40 MB
    let last;
    await pool(16, Array.from({ length: n }, (_, i) => i), async (i) => {
      const m = ok(await stack.as(s.tickets.counselor).post(`${s.path}/messages`, { content: `${i} ${content}`, clientId: `c${i}` }), 201);
      if (!last || m.id > last.id) last = m;
      if (i % 50 === 0) most = Math.max(most, stack.rss_kb(hub));
    });
    await good.reached(last.id, 20_000);
    const grown = { hub: Math.max(most, stack.rss_kb(hub)) - before.hub, lighttpd: stack.rss_kb(lighttpd) - before.lighttpd };
    // 40 MB were due to the slow one; a bounded buffer, and the pages on their way to the good one, are far less.
    if (process.env.SAN !== '1') assert.ok(grown.hub < 12_000 && grown.lighttpd < 12_000, `grown by ${JSON.stringify(grown)} KB`);
    assert.equal(bad.ended, false, 'nothing was read, so the end is not seen yet');
    bad.read();
    await until('its end', () => bad.ended, { ms: 20_000 });
    const head = bad.buffer.indexOf('\r\n\r\n') + 4;
    const events = [];
    const parser = new SseParser((e) => events.push(e));
    parser.push(dechunk(bad.buffer.subarray(head)).body);
    const entries = events.filter((e) => e.id !== undefined && e.event !== 'ready');
    assert.ok(entries.length < n, 'it got all of it: that was no slow reader');
    assert.ok(bad.bytes < 20_000_000, `${bad.bytes} bytes were kept for it`);
    const resumed = new StreamReader('resumed', stack.base, s.id, s.tickets.student, parser.lastId);
    await resumed.reached(last.id, 20_000);
    const { messages } = await wholeHistory(stack.base, s.id, s.tickets.student);
    resumed.seen.unshift(...entries.map((e) => ({ cursor: e.id, event: e.event, data: JSON.parse(e.data) })));
    resumed.begin = positionOf(events.find((e) => e.event === 'ready').id);
    await Promise.all([good.stop(), resumed.stop()]);
    verdict({ readers: [good, resumed], messages });
    bad.destroy();
  });
  test('a slow client that asks for much history at once gets all of it, if slowly', async () => {
    const s = await stack.session();
    const start = (await stack.as(s.tickets.student).get(`${s.path}/messages`)).json.cursor;
    for (let i = 0; i < 150; i++) ok(await stack.as(s.tickets.student).post(`${s.path}/messages`, { content: `${i} ${'y'.repeat(16_000)}` }), 201);
    const raw = new Raw(stack.base, { highWaterMark: 4096 }).read();
    let paused = 0;
    raw.socket.on('data', () => { if (paused++ % 16 === 0) { raw.socket.pause(); setTimeout(() => raw.socket.resume(), 5); } });
    await raw.write(`GET ${s.path}/events?after=${start} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${s.tickets.counselor}\r\n\r\n`);
    const told = () => dechunk(raw.buffer.subarray(raw.buffer.indexOf('\r\n\r\n') + 4)).body.toString();
    await until('all 2.4 MB', () => raw.bytes > 150 * 16_000 && told().includes('"149 y'), { ms: 60_000, every: 100 });
    assert.deepEqual([...told().matchAll(/"content":"(\d+) y/g)].map((m) => Number(m[1])), Array.from({ length: 150 }, (_, i) => i));
    assert.ok(!raw.ended);
    raw.destroy();
  });
});

describe('clients that go', () => {
  let stack;
  before(async () => { stack = await startStack(); });
  after(() => stack?.stop());
  const fds = () => [...stack.children().hub, ...stack.children().lighttpd].reduce((n, pid) => n + stack.fds(pid), 0);
  const settled = async () => { let last; await until('descriptors to settle', async () => { const n = fds(); await sleep(250); const same = n === fds() && n === last; last = n; return same; }); return fds(); };

  for (const [name, leave, wait] of [['close', (c) => c.destroy(), 30], ['close their sending side only', (c) => c.halfClose(), 30], ['reset the connection', (c) => c.socket.resetAndDestroy(), 6]]) {
    // lighttpd sees a reset only when it writes: a poll that was reset is given up when its `wait` is over, at 30 s the latest.
    for (const route of [wait === 30 ? 'events?heartbeat=300' : 'events', `poll?wait=${wait}&after=`]) {
      test(`${name}, ${route.slice(0, 6)}: their places are free again within seconds`, async () => {
        const s = await stack.session({}, { agent: false });
        // Each on a connection of its own: one that is kept open would be counted, and may go meanwhile.
        const [student, counselor] = ['student', 'counselor'].map((who) => stack.as(s.tickets[who], { agent: false }));
        const { cursor } = ok(await student.get(`${s.path}/poll`));
        ok(await counselor.get(`${s.path}/poll`));
        const end = ok(await student.get(`${s.path}/messages`)).cursor ?? cursor;
        const before = await settled();
        const all = await Promise.all(Array.from({ length: 60 }, async () => {
          const c = new Raw(stack.base).read();
          await c.connected;
          return c;
        }));
        // Accepted first, asked then: lighttpd does not watch a connection whose request lay ready at accept (plain HTTP only).
        await until('all to be accepted', () => fds() >= before + 60);
        for (const c of all) await c.write(request(s, route.endsWith('=') ? `${route}${end}` : route, s.tickets.student));
        await until('all to be parked (client, lighttpd’s way to the hub, the hub’s end)', () => fds() >= before + 180, { ms: 20_000 });
        for (const c of all) leave(c);
        await until(`descriptors to be given back (${before} before, now ${fds()})`, () => fds() <= before + 6, { ms: 20_000 });
        for (const c of all) c.destroy();
      });
    }
  }
  test('who closes their sending side with the request is not told that all is over', async () => {
    const s = await stack.session();
    for (let i = 0; i < 20; i++) {
      const c = new Raw(stack.base).read();
      await c.connected;
      await c.write(request(s, 'events', s.tickets.student));
      c.halfClose();
      await until('an answer', () => /^HTTP\/1\.1 \d+ [^]*\r\n\r\n/.test(c.text));
      assert.match(c.text, /^HTTP\/1\.1 200 /, '204 would make an EventSource stop for good');
      c.destroy();
    }
  });
  test('and the service is as quick as ever', async () => {
    const s = await stack.session();
    const st = new Stream(stack.base, `${s.path}/events`, { ticket: s.tickets.counselor });
    await st.ready();
    const m = ok(await stack.as(s.tickets.student).post(`${s.path}/messages`, { content: 'x' }), 201);
    await st.next((e) => e.id === m.cursor, { ms: 10_000 });
    st.close();
  });
});

describe('requests that never come whole', () => {
  let stack;
  before(async () => { stack = await startStack({ env: { ROOM_HUBS: '1' } }); });
  after(() => stack?.stop());
  test('hold up nobody, and are let go', async () => {
    const s = await stack.session();
    const begin = Buffer.from([1, 1, 0, 1, 0, 8, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0]); // FCGI_BEGIN_REQUEST, a responder
    const all = [];
    do { // a slow machine has three tries
      const gone = [];
      const halves = await pool(10, Array.from({ length: 100 }), (_, i) => new Promise((done, fail) => {
        const c = connect(join(stack.state, 'stream.sock'), () => c.write(begin.subarray(0, i % 17 || 1), () => done(c)));
        c.once('close', () => gone.push(i));
        c.once('error', fail);
        c.resume();
      }));
      const began = performance.now();
      for (let i = 0; i < 5; i++) {
        const st = new Stream(stack.base, `${s.path}/events`, { ticket: s.tickets.student });
        await st.ready();
        st.close();
      }
      all.push(performance.now() - began);
      await until('all of them to be closed', () => gone.length === halves.length);
    } while (all.at(-1) >= 1900 && all.length < 3);
    assert.ok(Math.min(...all) < 1900, `${all.map(Math.round)} ms`); // one half-sent request alone could have held the hub for two seconds
  });
});

describe('more readers than a hub has places', () => {
  let stack;
  before(async () => { stack = await startStack({ env: { ROOM_HUBS: '1' } }); });
  after(() => stack?.stop());
  test('EventSource is told to come back (200, `retry:`, end), a poll gets 503; the others stay, and freed places are given again', async () => {
    // The next hub inherits a narrow limit of descriptors from its supervisor.
    execFileSync('prlimit', ['--pid', String(stack.pid), '--nofile=256:256']);
    await stack.replaced('hub', stack.kill('hub'));
    const s = await stack.session();
    const open = async () => { const st = new Stream(stack.base, `${s.path}/events`, { ticket: s.tickets.student }); await st.opened; return st; };
    const inside = [];
    let outside;
    for (let i = 0; i < 260 && !outside; i++) {
      const st = await open();
      assert.equal(st.status, 200, `stream ${i}`);
      assert.match(st.headers['content-type'], /^text\/event-stream/);
      await st.when('ready or an end', () => st.ended || st.named('ready').length, 10_000, true);
      if (st.named('ready').length) inside.push(st);
      else outside = st;
    }
    assert.ok(inside.length >= 100, `${inside.length} streams found a place`);
    assert.ok(outside, 'nobody was ever turned away');
    assert.ok(outside.parser.retry >= 1000, `retry: ${outside.parser.retry}`);
    const poll = await stack.as(s.tickets.counselor).get(`${s.path}/poll`, undefined, { agent: false });
    refused(poll, 'STORE_UNAVAILABLE');
    assert.ok(Number(poll.headers['retry-after']) >= 1);
    const m = ok(await stack.as(s.tickets.counselor).post(`${s.path}/messages`, { content: 'x' }), 201);
    await Promise.all(inside.map((st) => st.next((e) => e.id === m.cursor)));
    for (const st of inside.splice(0, 20)) st.close();
    const again = await until('a place', async () => { const st = await open(); await st.when('ready or an end', () => st.ended || st.named('ready').length, 10_000, true); return st.named('ready').length && st; });
    for (const st of [...inside, again]) st.close();
  });
});

describe('a hub that stands still', () => {
  let stack;
  before(async () => { stack = await startStack(); });
  after(() => stack?.stop());
  const leases = async () => {
    const keys = (await stack.redis('KEYS', '*hub:*')).split('\n').filter((k) => /hub:[^:]+$/.test(k));
    const types = await Promise.all(keys.map((k) => stack.redis('TYPE', k)));
    return keys.filter((_, i) => types[i] === 'string');
  };
  test('its news are lost meanwhile: the next one shows the gap, and the log fills it', async () => {
    const s = await stack.session();
    const hubs = stack.children().hub;
    const streams = [];
    await until('streams on each hub', async () => {
      const st = new Stream(stack.base, `${s.path}/events`, { ticket: s.tickets.counselor });
      streams.push(st);
      await st.ready();
      const held = (await stack.redis('HGETALL', `{0}:conv:${s.id}:present`)).split('\n').filter((field) => field.startsWith(`s:${s.counselor}:`));
      return held.length === hubs.length;
    }, { every: 0 });
    const send = async (content) => ok(await stack.as(s.tickets.student).post(`${s.path}/messages`, { content }), 201);
    const sent = [(await send('before')).cursor];
    await Promise.all(streams.map((st) => st.next((e) => e.id === sent[0])));
    for (const pid of hubs) process.kill(pid, 'SIGSTOP');
    try {
      // Each hub's blocking pops are still out and take what comes first; what comes after it waits in the inboxes, and is lost.
      for (let i = 0; i < 30; i++) sent.push((await send(`lost ${i}`)).cursor);
      const waiting = await inboxes(stack);
      assert.equal(waiting.length, hubs.length, 'news were waiting');
      await stack.redis('DEL', ...waiting);
    } finally {
      for (const pid of hubs) process.kill(pid, 'SIGCONT');
    }
    sent.push((await send('after')).cursor);
    for (const st of streams) {
      await st.next((e) => e.id === sent.at(-1));
      assert.deepEqual(st.named('message:new').map((e) => e.id), sent);
      st.close();
    }
  });
  test('past its lease, and goes on: its readers are told everything, once', async () => {
    const sessions = await Promise.all(Array.from({ length: 4 }, () => stack.session()));
    const readers = sessions.map((s) => [0, 1, 2, 3].flatMap((i) => (i % 2 ? new PollReader(`poll ${i}`, stack.base, s.id, s.tickets.counselor, { wait: 3 }) : new StreamReader(`stream ${i}`, stack.base, s.id, s.tickets.student))));
    await Promise.all(readers.flat().map((r) => until('ready', () => r.cursor)));
    const senders = sessions.map((s) => new Sender('a', stack.base, s.id, s.tickets.student, s.student));
    let going = true;
    const sending = senders.map(async (sender) => { for (let i = 0; going; i++) { await sender.send(`c${i}`, `m${i}`); await sleep(30); } });
    const had = await leases();
    assert.equal(had.length, 2, had.join());
    const pid = stack.kill('hub', 'SIGSTOP');
    try {
      await until('its lease to lapse', async () => (await leases()).length < 2, { ms: 90_000, every: 200 });
      const n = senders[0].sends.length;
      await until('more sends meanwhile', () => senders[0].sends.length > n + 20);
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    await until('a lease again', async () => (await leases()).length === 2, { ms: 20_000 });
    going = false;
    await Promise.all(sending);
    assert.ok((await leases()).some((k) => !had.includes(k)), 'it took a new name');
    for (const [i, s] of sessions.entries()) {
      const { messages } = await wholeHistory(stack.base, s.id, s.tickets.student);
      await Promise.all(readers[i].map((r) => r.reached(messages.at(-1).id, 40_000)));
      await Promise.all(readers[i].map((r) => r.stop()));
      assert.deepEqual(readers[i].filter((r) => r.resets.length), [], 'no reader had to start anew');
      verdict({ senders: [senders[i]], readers: readers[i], messages });
    }
  });
});
