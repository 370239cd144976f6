// The parts of room.js without a browser or server: order, repetition, pauses, turning to polling, as pure logic with fakes.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Line } from '../../web/room/line.js';
import { Log, positionOf } from '../../web/room/log.js';
import { Outbox } from '../../web/room/outbox.js';
import { Door, RoomError, backoffMs, retryAfterMs, ticketClaims } from '../../web/room/http.js';
import { until } from '../lib/wait.mjs';

const cursor = (position) => `${position}-0123456789ab`;
const message = (id, more = {}) => ({ id, cursor: cursor(id), sender: 'a', role: 'student', content: `m${id}`, sentAt: id, ...more });
const fresh = (messages = [], end = 0) => {
  const log = new Log();
  log.reset({ messages, cursor: cursor(end), previous: null });
  return log;
};

test('log: entries in order, each once, whatever is repeated', () => {
  const log = fresh([message(1), message(3)], 4);
  assert.equal(log.take('message:new', cursor(3), message(3)), 'old');
  assert.equal(log.take('message:new', cursor(6), message(6)), 'gap', 'five is missing');
  assert.equal(log.position, 4, 'a gap takes nothing');
  log.take('message:new', cursor(5), message(5));
  log.take('message:new', cursor(6), message(6));
  assert.equal(log.take('message:new', cursor(5), message(5)), 'old');
  assert.deepEqual(log.messages.map((one) => one.id), [1, 3, 5, 6]);
  assert.ok(log.take('message:new', cursor(9), message(9), { tolerateGap: true }).added);
});

test('log: edits and deletions change the message they name and move the cursor', () => {
  const log = fresh([message(1), message(2)], 2);
  assert.equal(log.take('message:edited', cursor(3), message(1, { content: 'new', editedAt: 9 })).changed.content, 'new');
  assert.equal(log.take('message:deleted', cursor(4), message(1, { content: undefined, deletedAt: 9 })).changed.deletedAt, 9);
  assert.equal('content' in log.get(1), false);
  log.amend(message(1, { content: 'an answer that came late', editedAt: 10 }));
  assert.equal('content' in log.get(1), false, 'what is deleted stays deleted');
  assert.deepEqual(log.take('message:edited', cursor(5), message(77)), {}, 'of a page that is not loaded');
  assert.equal(log.position, 5);
  assert.ok(log.take('message:deleted', cursor(6), message(6, { content: undefined, deletedAt: 1 })).added, 'a replayed entry deleted since keeps its place');
  log.prepend({ messages: [message(-2), message(-1), message(1)], previous: null });
  assert.deepEqual(log.messages.map((one) => one.id), [-2, -1, 1, 2, 6]);
});

test('cursors, waiting times, tickets', () => {
  assert.deepEqual([positionOf('17-9f3a2c1b5d7e'), positionOf(4), positionOf(null), positionOf('x'), positionOf('-3')], [17, 4, -1, -1, -1]);
  for (let attempt = 0; attempt < 30; attempt += 1) {
    const top = Math.min(30_000, 500 * 2 ** Math.min(attempt, 16));
    for (const random of [0, 0.5, 0.999]) {
      const ms = backoffMs(attempt, { random: () => random });
      assert.ok(ms >= top / 2 && ms <= top, `${attempt}: ${ms}`);
    }
  }
  assert.equal(retryAfterMs('7'), 7000);
  assert.equal(retryAfterMs('Wed, 21 Oct 2026 07:28:05 GMT', Date.parse('Wed, 21 Oct 2026 07:28:00 GMT')), 5000);
  assert.deepEqual([retryAfterMs(null), retryAfterMs('soon')], [null, null]);
  assert.equal(ticketClaims(`x.${Buffer.from('{"sessionId":"sess_ä"}').toString('base64url')}.y`).sessionId, 'sess_ä');
  for (const bad of ['', 'x', 'a.b.c', null, undefined]) assert.equal(ticketClaims(bad), null);
});

const draft = (n) => ({ clientId: `c${n}`, content: `m${n}` });
const trouble = (status, more = {}) => new RoomError({ status, ...more });

test('outbox: one at a time, in order, the same client id until answered', async () => {
  const calls = [];
  const failures = [trouble(0), trouble(503), trouble(429, { retryAfterMs: 30 }), trouble(500)];
  let busy = 0;
  const box = new Outbox({
    random: () => 0,
    changed: () => {},
    send: async (item) => {
      assert.equal(busy, 0, 'never two at once');
      busy += 1;
      calls.push(item.clientId);
      await new Promise(setImmediate);
      busy -= 1;
      if (failures.length > 0) throw failures.shift();
      return { id: calls.length, clientId: item.clientId };
    },
  });
  for (const n of [1, 2, 3]) box.add(draft(n));
  const kick = setInterval(() => box.go(), 5); // the line is back, again and again
  await until('all sent', () => box.items.every((item) => item.state === 'sent'));
  clearInterval(kick);
  assert.deepEqual(calls, ['c1', 'c1', 'c1', 'c1', 'c1', 'c2', 'c3']);
  box.settle({ id: 99, clientId: 'c2' });
  assert.deepEqual(box.items.map((item) => item.clientId), ['c1', 'c3']);
});

test('outbox: Retry-After is waited out', async () => {
  const times = [];
  const box = new Outbox({
    random: () => 0,
    changed: () => {},
    send: async () => {
      times.push(performance.now());
      if (times.length === 1) throw trouble(429, { retryAfterMs: 700 });
      return { id: 1 };
    },
  });
  box.add(draft(1));
  await until('the first attempt', () => times.length === 1);
  await new Promise(setImmediate);
  box.go(); // a line that comes back does not shorten it
  await until('it to be sent', () => box.items[0].state === 'sent');
  assert.ok(times[1] - times[0] >= 690, `${times[1] - times[0]} ms`);
});

test('outbox: what is refused for good fails, and the next goes on; without a ticket all waits', async () => {
  const heard = [];
  let answer = { c1: trouble(400, { code: 'BAD_CONTENT' }), c3: trouble(401) };
  const sent = [];
  const box = new Outbox({
    changed: () => {},
    refused: (error) => heard.push(error.status),
    send: async ({ clientId }) => {
      if (answer[clientId]) throw answer[clientId];
      sent.push(clientId);
      return { id: sent.length };
    },
  });
  for (const n of [1, 2, 3, 4]) box.add(draft(n));
  await until('the third to be refused', () => heard.includes(401));
  assert.deepEqual(box.items.map((item) => item.state), ['failed', 'sent', 'waiting', 'waiting']);
  answer = {};
  box.go();
  await until('the rest', () => sent.length === 3);
  box.retry('c1');
  await until('the first, at last', () => sent.length === 4);
  assert.deepEqual(sent, ['c2', 'c3', 'c4', 'c1']);
});

/** An EventSource whose fate the test decides. */
class FakeSource {
  static made = [];
  constructor(url) {
    this.url = url;
    this.readyState = 0;
    this.listeners = {};
    FakeSource.made.push(this);
  }
  addEventListener(name, act) { this.listeners[name] = act; }
  close() { this.readyState = 2; this.closed = true; }
  say(event, data, id = '') { this.listeners[event]({ data: JSON.stringify(data), lastEventId: id }); }
  fail(refused) { this.readyState = refused ? 2 : 0; this.onerror(); }
}

function line(more = {}) {
  FakeSource.made = [];
  const seen = { frames: [], polls: 0, refused: [] };
  const made = new Line({
    streamUrl: async () => 'url',
    poll: (signal) => new Promise((resolve, reject) => {
      seen.polls += 1;
      seen.answer = resolve;
      signal.addEventListener('abort', () => reject(trouble(0)));
    }),
    probe: async () => {},
    frame: (frame) => seen.frames.push(frame),
    changed: () => {},
    refused: (error) => seen.refused.push(error.status),
    readyMs: 60,
    EventSource: FakeSource,
    random: () => 0,
    ...more,
  });
  return { made, seen };
}
const source = (n) => until(`stream ${n}`, () => FakeSource.made[n - 1]);

test('line: a stream that stays silent is closed, and only then polling begins', async () => {
  const { made, seen } = line();
  made.start();
  await source(1);
  assert.equal(seen.polls, 0);
  await until('polling', () => seen.polls === 1);
  assert.equal(FakeSource.made[0].closed, true);
  seen.answer({ events: [{ id: cursor(1), event: 'message:new', data: { id: 1 } }], cursor: cursor(1) });
  await until('frames', () => seen.frames.length === 2);
  assert.deepEqual([made.state, made.mode], ['live', 'poll']);
  made.stop();
});

test('line: broken streams are opened anew; what comes late from an old one is not heard', async () => {
  const { made, seen } = line();
  made.start();
  const first = await source(1);
  first.say('ready', { cursor: cursor(1) }, cursor(1));
  assert.equal(made.state, 'live');
  first.fail(false);
  assert.equal(made.state, 'reconnecting');
  const second = await source(2);
  first.say('message:new', { id: 2 }, cursor(2));
  second.say('ready', { cursor: cursor(1) }, cursor(1));
  assert.equal(seen.frames.length, 2, 'two times ready');
  assert.equal(FakeSource.made.filter((one) => !one.closed).length, 1);
  assert.equal(seen.polls, 0);
  made.stop();
});

test('line: refused streams with a working server lead to polling, with a server that is away to waiting', async () => {
  let away = true;
  const { made, seen } = line({ probe: async () => { if (away) throw trouble(503); } });
  made.start();
  for (let n = 1; n <= 3; n += 1) {
    (await source(n)).fail(true);
    assert.equal(made.mode, 'stream');
    await until('the next attempt to be planned', () => made.error?.status === 503);
    made.hurry();
  }
  away = false;
  (await source(4)).fail(true);
  await new Promise(setImmediate);
  made.hurry();
  (await source(5)).fail(true);
  await until('polling', () => seen.polls === 1);
  made.stop();
});

test('line: final answers end it and are told', async () => {
  const { made, seen } = line({ probe: async () => { throw trouble(410); } });
  made.start();
  (await source(1)).fail(true);
  await until('the refusal', () => seen.refused.length === 1);
  assert.deepEqual(seen.refused, [410]);
  assert.equal(FakeSource.made.length, 1);
  made.stop();
});

test('door: the ticket goes into the header and nowhere else; cookies only without it', async () => {
  const calls = [];
  const fetch = async (url, options) => {
    calls.push({ url, ...options });
    return { ok: true, status: 200, headers: new Headers(), text: async () => '{}' };
  };
  const door = new Door({ base: '', conversationId: 'sess_1', ticket: 'T', as: '01234567', fetch });
  await door.call('POST', '/messages', { body: { content: 'x' } });
  await door.call('POST', '/cookie', { by: 'both' });
  door.ticket = null;
  await door.call('PUT', '/read', { body: { upTo: 1 } });
  await door.call('DELETE', '');
  assert.deepEqual(calls.map((one) => [one.url, one.credentials, one.headers.Authorization, one.headers['Content-Type']]), [
    ['/api/conversations/sess_1/messages', 'omit', 'Bearer T', 'application/json'],
    ['/api/conversations/sess_1/cookie', 'same-origin', 'Bearer T', undefined],
    ['/api/conversations/sess_1/read?as=01234567', 'same-origin', undefined, 'application/json'],
    ['/api/conversations/sess_1?as=01234567', 'same-origin', undefined, 'application/json'],
  ]);
});

test('door: errors carry the contract’s code, or say that nothing came', async () => {
  const answer = (status, text, headers = {}) => new Door({ conversationId: 'c', ticket: 'T', fetch: async () => ({ ok: status < 300, status, headers: new Headers(headers), text: async () => text }) }).call('GET', '');
  await assert.rejects(answer(429, '{"error":{"code":"RATE_LIMITED","message":"slow","retry_after":3}}'), { code: 'RATE_LIMITED', status: 429, retryAfterMs: 3000, passing: true });
  await assert.rejects(answer(502, '<html>', { 'retry-after': '2' }), { code: 'HTTP_502', retryAfterMs: 2000, passing: true });
  await assert.rejects(answer(200, '{"cut sho'), { code: 'BAD_ANSWER', status: 0, passing: true });
  await assert.rejects(answer(410, '{"error":{"code":"GONE"}}'), { code: 'GONE', passing: false });
  const silent = new Door({ conversationId: 'c', ticket: 'T', timeoutMs: 20, fetch: (_, { signal }) => new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('aborted')))) });
  await assert.rejects(silent.call('GET', ''), { code: 'NETWORK', status: 0, passing: true });
});
