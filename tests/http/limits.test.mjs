// Bounds (design §3, §13; promise H): the rate of sending and the length of a log.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { ok, refused, stateOf } from '../lib/contract.mjs';
import { pool, sleep } from '../lib/client.mjs';
import { Stream } from '../lib/sse.mjs';
import { startStack } from '../lib/stack.mjs';
import { until } from '../lib/wait.mjs';

const calls = (stack, s) => ({
  a: (content, more = {}) => stack.as(s.tickets.student).post(`${s.path}/messages`, { content, ...more }),
  b: (content, more = {}) => stack.as(s.tickets.counselor).post(`${s.path}/messages`, { content, ...more }),
});

describe('the limits as they come: 60 in 10 s', () => {
  let stack;
  before(async () => { stack = await startStack({ env: { ROOM_SENDS: undefined, ROOM_SENDS_BURST: undefined } }); });
  after(() => stack?.stop());
  test('of a burst of 90, 60 pass; the rest are told when; the others are not held up', async () => {
    const s = await stack.session();
    const { a, b } = calls(stack, s);
    const all = await Promise.all(Array.from({ length: 90 }, (_, i) => a(`m${i}`, { clientId: `c${i}` })));
    assert.equal(all.filter((r) => r.status === 201).length, 60);
    for (const r of all.filter((x) => x.status !== 201)) {
      const e = refused(r, 'RATE_LIMITED');
      assert.ok(Number.isInteger(e.retry_after) && e.retry_after >= 1 && e.retry_after <= 10, `retry_after ${e.retry_after}`);
    }
    const state = await stateOf(stack, s);
    assert.equal(state.meta.messageCount, 60);
    refused(await a('one more'), 'RATE_LIMITED');
    assert.deepEqual(await stateOf(stack, s), state);
    ok(await b('I may'), 201);
    const other = await stack.session();
    ok(await calls(stack, other).a('and so may I'), 201);
  });
});

describe('small limits', { concurrency: true }, () => {
  test('whoever waits as long as he was told gets through', async () => {
    const stack = await startStack({ env: { ROOM_SENDS: '0', ROOM_SENDS_BURST: '5/2' } });
    try {
      const { a } = calls(stack, await stack.session());
      let through = 0;
      const end = Date.now() + 7000;
      while (Date.now() < end) {
        const r = await a('x');
        if (r.status === 201) { through++; continue; }
        const { retry_after } = refused(r, 'RATE_LIMITED');
        assert.ok(retry_after >= 1 && retry_after <= 2);
        await sleep(retry_after * 1000);
        ok(await a('after the wait'), 201);
        through++;
      }
      assert.ok(through >= 10 && through <= 25, `${through} got through in 7 s at 5 in 2 s`);
    } finally { await stack.stop(); }
  });
  test('the long window counts too; a repeated clientId is answered even when no more may be sent', async () => {
    const stack = await startStack({ env: { ROOM_SENDS: '8/60', ROOM_SENDS_BURST: '0' } });
    try {
      const { a, b } = calls(stack, await stack.session());
      for (let i = 0; i < 8; i++) ok(await a('x', { clientId: `c${i}` }), 201);
      const { retry_after } = refused(await a('x', { clientId: 'c8' }), 'RATE_LIMITED');
      assert.ok(retry_after >= 1 && retry_after <= 60, String(retry_after));
      ok(await b('x'), 201);
      const again = await a('x', { clientId: 'c3' });
      if (again.status !== 200) refused(again, 'RATE_LIMITED');
    } finally { await stack.stop(); }
  });
});

describe('Redis’ clock jumped back', { concurrency: true }, () => {
  for (const [name, env, ahead] of [['long', { ROOM_SENDS: '2/60', ROOM_SENDS_BURST: '0' }, '%s 2 0 0'], ['short', { ROOM_SENDS: '0', ROOM_SENDS_BURST: '2/60' }, '0 0 %s 2']]) {
    test(`a ${name} window that was full begins anew, and does not last into the future`, async () => {
      const stack = await startStack({ env });
      try {
        const s = await stack.session();
        const { a } = calls(stack, s);
        for (let i = 0; i < 2; i++) ok(await a('x'), 201);
        refused(await a('x'), 'RATE_LIMITED');
        await stack.redis('HSET', `{0}:conv:${s.id}`, `rate:${s.student}`, ahead.replace('%s', Date.now() + 3_600_000)); // as it looks an hour back
        for (let i = 0; i < 2; i++) ok(await a('x'), 201);
        const { retry_after } = refused(await a('x'), 'RATE_LIMITED');
        assert.ok(retry_after >= 1 && retry_after <= 60, String(retry_after));
      } finally { await stack.stop(); }
    });
  }
});

describe('a full log', () => {
  let stack;
  before(async () => { stack = await startStack(); });
  after(() => stack?.stop());
  test('20,000 entries, then LOG_FULL; reading, repeating and erasing go on', async () => {
    const s = await stack.session();
    const { a, b } = calls(stack, s);
    let full;
    let stored = 0;
    let last;
    await pool(48, Array.from({ length: 20_000 }, (_, i) => i), async (i) => {
      if (full) return;
      const r = await (i % 2 ? a : b)(`m${i}`, { clientId: `c${i}` });
      if (r.status === 201) {
        stored++;
        if (!last || r.json.id > last.id) last = r.json;
      } else full = r;
    });
    for (let i = 0; !full && i < 10; i++) {
      const r = await a('the rest', { clientId: `rest${i}` });
      if (r.status === 201) { stored++; last = r.json; } else full = r;
    }
    refused(full, 'LOG_FULL');
    assert.equal(last.id, 20_000, 'the last entry that fits');
    const state = await stateOf(stack, s);
    assert.equal(state.meta.messageCount, stored);
    refused(await b('no'), 'LOG_FULL');
    assert.deepEqual(await stateOf(stack, s), state);
    const side = stack.as(last.sender === s.student ? s.tickets.student : s.tickets.counselor);
    assert.equal(ok(await side.post(`${s.path}/messages`, { content: last.content, clientId: last.clientId }), 200).id, last.id);
    ok(await side.put(`${s.path}/read`, { upTo: last.id }), 204);
    ok(await side.delete(`${s.path}/messages/${last.id}`), 204, 'deleting stays possible: it is what makes words go');
    ok(await side.delete(s.path), 204);
    refused(await side.get(`${s.path}/messages`), 'GONE');
  });
});

describe('what passes', () => {
  let stack;
  before(async () => { stack = await startStack(); });
  after(() => stack?.stop());
  test('typing more often than anybody types is not passed on', async () => {
    const s = await stack.session();
    const stream = new Stream(stack.base, `${s.path}/events`, { ticket: s.tickets.counselor });
    await stream.ready();
    const { a } = calls(stack, s);
    const began = performance.now();
    for (let i = 0; i < 90; i++) ok(await stack.as(s.tickets.student).post(`${s.path}/typing`, { isTyping: i % 2 === 0 }), 204);
    const windows = Math.floor((performance.now() - began) / 10_000) + 2; // thirty in ten seconds, and one edge of a window may fall in between
    const last = ok(await a('done'), 201);
    await until('the message after it', () => stream.named('message:new').some((e) => e.data.id === last.id));
    const told = stream.named('user:typing').length;
    assert.ok(told > 0 && told <= 30 * windows + 2, `${told} of 90 were told`);
    stream.close();
  });
});
