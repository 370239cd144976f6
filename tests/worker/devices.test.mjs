// Push targets (design §9): set, forgotten, handed over; and what happens where there is none. Played as in push.test.mjs.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ok, refused } from '../lib/contract.mjs';
import { call } from '../lib/client.mjs';
import { rnd } from '../lib/jwt.mjs';
import { runWorker, standing } from '../lib/worker.mjs';
import { onBoth } from './helpers.mjs';
import { o, stack, playPush, session, say, push, due, told, hasten, goes, pushesTo, attemptsTo, waitingTold } from './pushing.mjs';

const withoutADevice = () => describe('without a device', () => {
  test('message.waiting reaches MainServer, without content or names', async () => {
    const s = await session();
    const m = await say(s, 'student');
    await push();
    await runWorker(stack, ['webhook', '--once']);
    await runWorker(stack, ['webhook', '--once']);
    const mine = o.mainserver.events.filter((e) => e.type === 'message.waiting' && e.data.sessionId === s.id);
    assert.equal(mine.length, 1);
    assert.deepEqual(Object.keys(mine[0].data).sort(), ['at', 'createdAt', 'expiresAt', 'role', 'sessionId']);
    assert.equal(mine[0].data.role, 'counselor');
    for (const word of [m.content, s.student, s.counselor, s.devices.counselor.token]) assert.ok(!o.mainserver.requests.some((r) => r.body.includes(word)), word);
  });

  test('MainServer alone is told, once a burst; a device that comes late still gets its push', async () => {
    const s = await session({ devices: {} });
    const before = await waitingTold(s);
    await say(s, 'student');
    await push();
    assert.equal(await told(s, s.counselor), 'n');
    assert.ok(await due(s, s.counselor) > Date.now() + 50_000);
    await say(s, 'student');
    await hasten(s, s.counselor);
    await push();
    assert.equal(await waitingTold(s), before + 1);
    const late = `late-${rnd(12)}`;
    ok(await stack.as(stack.service()).put(`/api/participants/${s.counselor}/device`, { token: late }), 204);
    await hasten(s, s.counselor);
    await push();
    assert.equal(pushesTo(late).length, 1);
    assert.equal(await waitingTold(s), before + 1);
    // coming takes what waits for a device out of the queue
    const t = await session({ devices: {} });
    await say(t);
    await push();
    ok(await stack.as(t.tickets.student).get(`${t.path}/presence`));
    assert.equal(await due(t), 0);
  });

  test('a person\'s device that comes late: what waits for it goes at once, however long it had waited', async () => {
    const set = (s, device) => stack.as(stack.service()).put(`/api/participants/${s.counselor}/device`, device);
    const counselorId = `couns_${rnd()}`;
    const [s, t, quiet] = [await session({ counselorId, devices: {} }), await session({ counselorId, devices: {} }), await session({ counselorId, devices: {} })];
    for (const x of [s, t]) await say(x, 'student');
    for (let i = 0; i < 5; i++) { for (const x of [s, t]) await hasten(x, counselorId); await push(); }
    assert.ok(await due(s, counselorId) > Date.now() + 900_000, 'looked at again in a quarter of an hour');
    const late = `late-${rnd(12)}`;
    ok(await set(s, { token: late }), 204);
    await push();
    assert.equal(pushesTo(late).length, 2);
    assert.deepEqual([await told(s, counselorId), await told(t, counselorId), await due(quiet, counselorId)], ['p', 'p', 0]);
  });

  test('a device that comes while the worker finds none: looked at again at once', async () => {
    const s = await session({ devices: {} });
    const before = await waitingTold(s);
    await say(s, 'student');
    const worker = standing(stack, 'push.device');
    const running = push({ failpoint: worker.failpoint });
    await worker.here();
    const late = `late-${rnd(12)}`;
    ok(await stack.as(stack.service()).put(`/api/participants/${s.counselor}/device`, { token: late }), 204);
    worker.go();
    await running;
    await push();
    assert.equal(pushesTo(late).length, 1);
    assert.equal(await waitingTold(s), before + 1, 'MainServer is told once');
  });

  test('one\'s own device that comes late: told of what waited, unless it was seen', async () => {
    const [away, here] = [await session({ devices: {} }), await session({ devices: {} })];
    for (const s of [away, here]) {
      s.message = await say(s);
      await push();
      assert.equal(await told(s), 'n');
      s.late = `late-${rnd(12)}`;
      ok(await stack.as(s.tickets.student).put(`${s.path}/device`, { token: s.late }), 204);
      assert.ok(await due(s) > Date.now() + 5000, 'not while it may still come');
    }
    ok(await stack.as(here.tickets.student).put(`${here.path}/alive`, { cursor: here.message.cursor }), 204);
    for (const s of [away, here]) { await goes(s); await hasten(s); }
    await push();
    assert.deepEqual([pushesTo(away.late).length, pushesTo(here.late).length], [1, 0]);
  });

  test('no FCM on this machine: the same, and no failure', async () => {
    const s = await session();
    await say(s);
    const r = await push({ env: { ROOM_FCM_CREDENTIALS: '' } });
    assert.equal(r.code, 0);
    assert.equal(attemptsTo(s.target).length, 0);
    assert.deepEqual([await told(s), await due(s), await waitingTold(s)], ['p', 0, 1]);
  });

  test('wrong credentials: exit code 2, and the queue is left alone', async () => {
    const s = await session();
    await say(s);
    const r = await push({ env: { ROOM_FCM_CREDENTIALS: '/dev/null' }, code: 2 });
    assert.ok(r.stderr.length > 0);
    assert.ok(await due(s) > 0);
    await push();
    assert.equal(pushesTo(s.target).length, 1);
  });
});

const devices = () => describe('devices', () => {
  const set = (ticket, path, json, method = 'PUT') => call(stack.base, method, path, { ticket, json });

  test('by the participant: set, replaced, taken away', async () => {
    const s = await session({ devices: undefined });
    const [one, two] = [`one-${rnd(12)}`, `two-${rnd(12)}`];
    for (const [who, sender] of [['student', 'counselor'], ['counselor', 'student']]) {
      const path = `${s.path}/device`;
      ok(await set(s.tickets[who], path, { token: one + who }), 204);
      ok(await set(s.tickets[who], path, { fid: two + who, name: 'an unknown member' }), 204);
      await goes(s, s[who]);
      await say(s, sender);
      await hasten(s, s[who]);
      await push();
      assert.deepEqual([attemptsTo(one + who).length, pushesTo(two + who).length], [0, 1], who);
      ok(await set(s.tickets[who], path, undefined, 'DELETE'), 204);
      ok(await set(s.tickets[who], path, undefined, 'DELETE'), 204, 'again');
      await goes(s, s[who]);
      await say(s, sender);
      await hasten(s, s[who]);
      await push();
      assert.equal(pushesTo(two + who).length, 1, who);
    }
  });

  test('by MainServer, per person: for every session of that counselor; taken away', async () => {
    const counselorId = `couns_${rnd()}`;
    const token = `person-${rnd(12)}`;
    ok(await set(stack.service(), `/api/participants/${counselorId}/device`, { token: 'replaced' }), 204);
    ok(await set(stack.service(), `/api/participants/${counselorId}/device`, { token }), 204);
    for (let i = 1; i <= 2; i++) {
      const s = await session({ counselorId, devices: undefined });
      await say(s, 'student');
      await push();
      assert.equal(pushesTo(token).length, i);
    }
    ok(await set(stack.service(), `/api/participants/${counselorId}/device`, undefined, 'DELETE'), 204);
    ok(await set(stack.service(), `/api/participants/${counselorId}/device`, undefined, 'DELETE'), 204, 'again');
    const s = await session({ counselorId, devices: undefined });
    await say(s, 'student');
    await push();
    assert.equal(pushesTo(token).length, 2);
  });

  test('handed over: the next counselor\'s own device, never the one before\'s', async () => {
    const s = await session();
    const next = `couns_${rnd()}`;
    const token = `next-${rnd(12)}`;
    ok(await set(stack.service(), `/api/participants/${next}/device`, { token }), 204);
    ok(await stack.as(stack.service()).put(`/api/sessions/${s.id}`, { counselorId: next }));
    await say(s, 'student');
    await push();
    assert.deepEqual([pushesTo(token).length, attemptsTo(s.devices.counselor.token).length], [1, 0]);
  });

  test('bad bodies', async () => {
    const s = await session();
    const bad = [{}, { token: '' }, { token: 5 }, { token: null }, { token: 'a', fid: 'b' }, { fid: ['a'] }, { token: 'with blank' }, { token: 'ünïcode' }, { token: 'new\nline' },
      { token: 'x'.repeat(1025) }, { TOKEN: 'x' }];
    for (const [ticket, path] of [[s.tickets.student, `${s.path}/device`], [stack.service(), `/api/participants/${s.counselor}/device`]]) {
      for (const body of bad) refused(await set(ticket, path, body), 'BAD_REQUEST', JSON.stringify(body).slice(0, 60));
      refused(await set(ticket, path, undefined), 'UNSUPPORTED_TYPE', 'no body');
      refused(await call(stack.base, 'PUT', path, { ticket, body: '{"token":', headers: { 'Content-Type': 'application/json' } }), 'BAD_JSON');
      refused(await call(stack.base, 'PUT', path, { ticket, body: '{"token":"a\\u0000b"}', headers: { 'Content-Type': 'application/json' } }), ['BAD_CONTENT', 'BAD_REQUEST', 'BAD_JSON']);
      refused(await call(stack.base, 'PUT', path, { ticket, body: 'token=x', headers: { 'Content-Type': 'text/plain' } }), 'UNSUPPORTED_TYPE');
      refused(await call(stack.base, 'POST', path, { ticket, json: { token: 'x' } }), 'METHOD_NOT_ALLOWED');
      ok(await set(ticket, path, { token: 'x'.repeat(1024) }), 204);
      ok(await set(ticket, path, { token: 'a"b\\c', fid: null }), 204, 'what JSON escapes');
    }
    for (const body of bad.filter((b) => Object.keys(b).length)) refused(await stack.as(stack.service()).post('/api/sessions', { studentAnonymousId: 'a', devices: { student: body } }), 'BAD_REQUEST', JSON.stringify(body).slice(0, 60));
    assert.equal(await stack.redis('HGET', `{0}:conv:${s.id}:device`, s.student), '{"token":"a\\"b\\\\c"}');
  });

  test('permissions crossed', async () => {
    const [s, other] = [await session(), await session()];
    const body = { token: `evil-${rnd(8)}` };
    refused(await set(s.tickets.student, `${other.path}/device`, body), 'NOT_FOUND', 'another session');
    refused(await set(s.tickets.student, `/api/participants/${s.counselor}/device`, body), 'FORBIDDEN', 'a student for the counselor');
    refused(await set(s.tickets.counselor, `/api/participants/${s.counselor}/device`, body), 'FORBIDDEN', 'a counselor by the service\'s route');
    refused(await set(stack.service(), `${s.path}/device`, body), 'FORBIDDEN', 'the service by the participants\' route');
    refused(await set(undefined, `${s.path}/device`, body), 'UNAUTHENTICATED');
    refused(await set(undefined, `/api/participants/${s.counselor}/device`, body), 'UNAUTHENTICATED');
    refused(await set(stack.student(s.id, 'anon_nobody'), `${s.path}/device`, body), 'NOT_FOUND', 'nobody of this session');
    refused(await set(stack.service(), '/api/participants/no%20id/device', body), 'NOT_FOUND');
    ok(await stack.as(stack.service()).delete(`/api/sessions/${other.id}`), 204);
    refused(await set(other.tickets.student, `${other.path}/device`, body), 'GONE');
    for (const x of [s, other]) assert.ok(!(await stack.redis('HGETALL', `{0}:conv:${x.id}:device`)).includes('evil'));
    await say(s, 'student');
    await say(s, 'counselor');
    await push();
    assert.equal(attemptsTo(body.token).length, 0);
  });

  test('devices go with the session; targets are in no log', async () => {
    const s = await session();
    ok(await stack.as(stack.service()).delete(`/api/sessions/${s.id}`), 204);
    assert.equal(await stack.redis('EXISTS', `{0}:conv:${s.id}:device`), '0');
    const logs = stack.logs();
    for (const word of ['student-', 'counselor-', 'person-', 'evil-', 'canary']) assert.ok(!logs.includes(word), `${word} in the logs`);
  });
});

onBoth('push targets', (db) => {
  playPush(db);
  withoutADevice();
  devices();
});
