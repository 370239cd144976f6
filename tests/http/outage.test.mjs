// Promise G: without Redis a clear 503, soon, and never a false 2xx; afterwards all is well by itself.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { ok, refused } from '../lib/contract.mjs';
import { PollReader, Sender, StreamReader, beside, call, pool, slow, sleep, until, verdict, wholeHistory } from '../lib/client.mjs';
import { startStack } from '../lib/stack.mjs';

let stack;
before(async () => { stack = await startStack(); });
after(() => stack?.stop());

describe('Redis stands still', () => {
  test('503 within 3 s for everything, 200 again when it goes on; what was sent meanwhile is there once or not at all', async () => {
    const s = await stack.session();
    const student = stack.as(s.tickets.student);
    ok(await student.post(`${s.path}/messages`, { content: 'before', clientId: 'before' }), 201);
    const service = stack.as(stack.service());
    const pid = stack.kill('redis', 'SIGSTOP');
    const sent = [];
    try {
      const timed = async (what, fn) => {
        const t = performance.now();
        const r = await fn();
        const took = performance.now() - t;
        refused(r, 'STORE_UNAVAILABLE', what);
        return { what, took };
      };
      const { value: all, lag } = await beside(stack.base, () => Promise.all([
        ...Array.from({ length: 40 }, (_, i) => timed('send', () => {
          sent.push(`during${i}`);
          return call(stack.base, 'POST', `${s.path}/messages`, { ticket: s.tickets.student, json: { content: 'during', clientId: `during${i}` }, agent: false });
        })),
        timed('history', () => student.get(`${s.path}/messages`, undefined, { agent: false })),
        timed('presence', () => student.get(`${s.path}/presence`, undefined, { agent: false })),
        timed('edit', () => student.patch(`${s.path}/messages/1`, { content: 'x' }, { agent: false })),
        timed('read', () => student.put(`${s.path}/read`, { upTo: 1 }, { agent: false })),
        timed('look', () => service.get(`/api/sessions/${s.id}`, undefined, { agent: false })),
        timed('create', () => service.post('/api/sessions', { studentAnonymousId: 'anon_a' }, { agent: false })),
        timed('poll', () => student.get(`${s.path}/poll`, undefined, { agent: false })),
      ]));
      for (const { what, took } of all) assert.ok(took - lag < 3000 * slow, `${what} took ${Math.round(took)} ms, ${Math.round(lag)} of them the machine's`);
      const health = ok(await call(stack.base, 'GET', '/health', { agent: false }));
      assert.deepEqual([health.status, health.redis, health.database], ['degraded', 'away', 'ok'], 'lasting conversations go on');
      assert.deepEqual(health.works, ['conversations', 'streams that look each second']);
      // EventSource gives up for good on anything but 200: it gets a `retry:` and an end instead.
      const stream = await beside(stack.base, () => call(stack.base, 'GET', `${s.path}/events`, { ticket: s.tickets.student, agent: false }));
      const events = stream.value;
      assert.ok(stream.took - stream.lag < 4000 * slow, `${Math.round(stream.took)} ms, ${Math.round(stream.lag)} of them the machine's`);
      assert.equal(events.status, 200);
      assert.match(events.headers['content-type'], /^text\/event-stream/);
      assert.match(events.text, /^retry: ?\d+$/m);
      assert.ok(!/^event: ready/m.test(events.text));
      // What needs no store still answers, and as ever.
      refused(await call(stack.base, 'GET', `${s.path}/messages`, { agent: false }), 'UNAUTHENTICATED');
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    await until('the service to be well again', async () => (await call(stack.base, 'GET', '/health')).json?.status === 'ok');
    await until('sends to pass', async () => (await student.post(`${s.path}/messages`, { content: 'after', clientId: 'after' })).status < 300);
    for (const clientId of sent) {
      const r = await until('an answer', async () => { const x = await student.post(`${s.path}/messages`, { content: 'during', clientId }); return x.status < 300 && x; });
      assert.ok([200, 201].includes(r.status));
    }
    const { messages } = await wholeHistory(stack.base, s.id, s.tickets.counselor);
    assert.deepEqual(messages.map((m) => m.clientId).sort(), ['before', 'after', ...sent].sort());
  });
  test('whenever a poll comes meanwhile, it is refused within 3 s', async () => {
    const s = await stack.session();
    ok(await stack.as(s.tickets.student).get(`${s.path}/poll?wait=0`));
    const pid = stack.kill('redis', 'SIGSTOP');
    try {
      const polls = [];
      const { lag } = await beside(stack.base, async () => {
        for (let i = 0; i < 40; i++) {
          const t = performance.now();
          polls.push(call(stack.base, 'GET', `${s.path}/poll`, { ticket: s.tickets.student, agent: false }).then((r) => ({ r, took: performance.now() - t })));
          await sleep(100); // not a wait for anything: they are to come one after the other
        }
        await Promise.all(polls);
      });
      for (const { r, took } of await Promise.all(polls)) {
        refused(r, 'STORE_UNAVAILABLE');
        assert.ok(took - lag < 3000 * slow, `${Math.round(took)} ms, ${Math.round(lag)} of them the machine's`);
      }
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    await until('the service to be well again', async () => (await call(stack.base, 'GET', '/health')).json?.status === 'ok');
  });
  test('open streams and polls live through it and miss nothing', async () => {
    const s = await stack.session();
    const readers = [new StreamReader('stream', stack.base, s.id, s.tickets.counselor), new PollReader('poll', stack.base, s.id, s.tickets.student)];
    await Promise.all(readers.map((r) => until('ready', () => r.cursor)));
    const sender = new Sender('a', stack.base, s.id, s.tickets.student, s.student);
    for (let i = 0; i < 20; i++) await sender.send(`before${i}`, 'x');
    const pid = stack.kill('redis', 'SIGSTOP');
    const going = pool(5, Array.from({ length: 20 }, (_, i) => i), (i) => sender.send(`during${i}`, 'x'));
    await until('a refusal', () => sender.problems.length > 0);
    process.kill(pid, 'SIGCONT');
    await going;
    const { messages } = await wholeHistory(stack.base, s.id, s.tickets.counselor);
    await Promise.all(readers.map((r) => r.reached(messages.at(-1).id)));
    await Promise.all(readers.map((r) => r.stop()));
    assert.equal(verdict({ senders: [sender], readers, messages }).acked, 40);
  });
});

describe('scripts flushed', () => {
  test('NOSCRIPT is nobody’s problem: every send passes, every stream goes on', async () => {
    const s = await stack.session();
    const reader = new StreamReader('stream', stack.base, s.id, s.tickets.counselor);
    await until('ready', () => reader.cursor);
    let flushing = true;
    const flusher = (async () => { while (flushing) { await stack.redis('SCRIPT', 'FLUSH'); await sleep(20); } })();
    const sent = await pool(16, Array.from({ length: 1000 }, (_, i) => i), async (i) => {
      const r = await stack.as(i % 2 ? s.tickets.student : s.tickets.counselor).post(`${s.path}/messages`, { content: `m${i}`, clientId: `c${i}` });
      if (i % 10 === 0) ok(await stack.as(s.tickets.student).get(`${s.path}/messages?limit=5`));
      if (i % 10 === 1) ok(await stack.as(s.tickets.counselor).put(`${s.path}/alive`, {}), 204);
      return ok(r, 201, `send ${i}`);
    });
    flushing = false;
    await flusher;
    const { messages } = await wholeHistory(stack.base, s.id, s.tickets.student);
    assert.equal(messages.length, 1000);
    assert.equal(new Set(sent.map((m) => m.id)).size, 1000);
    await reader.reached(messages.at(-1).id);
    await reader.stop();
    assert.equal(reader.breaks, 1, 'the stream was never broken');
    verdict({ readers: [reader], messages });
  });
});
