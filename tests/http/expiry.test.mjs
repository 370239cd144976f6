// The deadline (design §1, §3): a session erases itself after its last activity; what counts as activity and what does not.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { common, ok, refused } from '../lib/contract.mjs';
import { Stream, call, rnd, until } from '../lib/client.mjs';
import { startStack } from '../lib/stack.mjs';

describe('with a life of three seconds', { concurrency: true }, () => {
  const ttl = 3000;
  let stack, service;
  before(async () => {
    // The deadline is the law for every request; that a worker clears up soon after must not be what enforces it.
    stack = await startStack({ env: { ROOM_TTL_S: '3', ROOM_WORKER: '0' } });
    service = stack.as(stack.service());
  });
  after(() => stack?.stop());

  test('from the deadline on everything is 410, and not before', async () => {
    const s = await stack.session();
    const student = stack.as(s.tickets.student);
    const m = ok(await student.post(`${s.path}/messages`, { content: 'x' }), 201);
    const deadline = ok(await service.get(`/api/sessions/${s.id}`)).expiresAt;
    assert.equal(deadline, m.sentAt + ttl);
    let sent;
    const gone = await until('410', async () => {
      sent = Date.now();
      const r = await student.get(`${s.path}/messages`);
      if (r.status === 200) return assert.ok(sent <= deadline + 50, `readable ${sent - deadline} ms after the deadline`);
      return r;
    });
    assert.ok(Date.now() >= deadline - 5, `gone ${deadline - Date.now()} ms early`);
    refused(gone, 'GONE');
    for (const [method, path, json] of [
      ['post', `${s.path}/messages`, { content: 'late' }], ['patch', `${s.path}/messages/${m.id}`, { content: 'late' }], ['delete', `${s.path}/messages/${m.id}`], ['get', `${s.path}/presence`],
      ['put', `${s.path}/read`, { upTo: m.id }], ['put', `${s.path}/alive`, { cursor: m.cursor }], ['post', `${s.path}/typing`, { isTyping: true }], ['post', `${s.path}/end`, {}],
      ['post', `${s.path}/cookie`, {}], ['post', `${s.path}/stream-ticket`, {}], ['get', `${s.path}/poll`], ['get', `${s.path}/poll?after=${m.cursor}`],
    ]) refused(await student[method](path, json), 'GONE', `${method} ${path}`);
    const events = await student.get(`${s.path}/events`);
    assert.equal(events.status, 204);
    common(events);
    for (const [method, path, json] of [['get', `/api/sessions/${s.id}`], ['put', `/api/sessions/${s.id}`, { counselorId: 'c' }], ['post', `/api/sessions/${s.id}/end`, {}], ['post', `/api/sessions/${s.id}/tickets`, { participant: 'student' }],
      ['post', '/api/sessions', { sessionId: s.id, studentAnonymousId: s.student, counselorId: s.counselor }]]) refused(await service[method](path, json), 'GONE', `${method} ${path}`);
  });
  test('no late write brings it back: senders race the deadline', async () => {
    const sessions = await Promise.all(Array.from({ length: 10 }, () => stack.session()));
    await Promise.all(sessions.map(async (s) => {
      const student = stack.as(s.tickets.student);
      const deadline = s.created.expiresAt;
      // One edit-free session, left alone until just before its deadline, then hit from all sides.
      await until('the last instants', () => Date.now() > deadline - 15, { every: 2 });
      const all = await Promise.all(Array.from({ length: 12 }, (_, i) => student.post(`${s.path}/messages`, { content: `late ${i}` })));
      const stored = all.filter((r) => r.status === 201);
      for (const r of all) if (r.status !== 201) refused(r, 'GONE');
      const look = await service.get(`/api/sessions/${s.id}`);
      if (stored.length) assert.ok(ok(look).expiresAt >= deadline + 1);
      else refused(look, 'GONE');
    }));
  });
  test('talking keeps it alive, beyond any number of lives', async () => {
    const s = await stack.session();
    const student = stack.as(s.tickets.student);
    const born = Date.now();
    await until('three lives', async () => { ok(await student.post(`${s.path}/messages`, { content: 'x' }), 201); return Date.now() > born + 3 * ttl; }, { every: 200 });
    ok(await student.get(`${s.path}/messages`));
  });
  test('an ended session dies at its deadline too', async () => {
    const s = await stack.session();
    const student = stack.as(s.tickets.student);
    const { expiresAt } = ok(await student.post(`${s.path}/end`, {}));
    assert.equal(expiresAt, s.created.expiresAt);
    refused(await until('410', async () => { const r = await student.get(`${s.path}/messages`); return r.status === 410 && r; }), 'GONE');
    assert.ok(Date.now() >= expiresAt - 5);
  });
  test('no session key outlives its deadline by more than the two minutes', async () => {
    const s = await stack.session();
    ok(await stack.as(s.tickets.student).post(`${s.path}/messages`, { content: 'x', clientId: 'c' }), 201);
    ok(await stack.as(s.tickets.counselor).put(`${s.path}/read`, { upTo: 1 }), 204);
    ok(await stack.as(s.tickets.counselor).put(`${s.path}/alive`, {}), 204);
    const st = new Stream(stack.base, `${s.path}/events`, { ticket: s.tickets.counselor });
    await st.ready();
    const now = Date.now();
    const keys = (await stack.redis('EVAL', "local o = {} for _, k in ipairs(redis.call('KEYS', ARGV[1])) do o[#o + 1] = k .. ' ' .. redis.call('PTTL', k) end return o", '0', `*conv:${s.id}*`)).split('\n').map((l) => l.split(' '));
    assert.ok(keys.length >= 5, keys.join());
    const { expiresAt } = s.created;
    for (const [k, left] of keys) {
      if (k.endsWith(':gone')) continue; // what answers 410 for 26 h; it holds no more than the id
      assert.ok(left > 0 && now + Number(left) <= Math.max(expiresAt, now + ttl) + 120_000 + 500, `${k} lives ${left} ms`);
    }
    st.close();
  });
});

describe('what slides the deadline', { concurrency: true }, () => {
  let stack, service;
  before(async () => {
    stack = await startStack();
    service = stack.as(stack.service());
  });
  after(() => stack?.stop());
  const deadline = async (s) => ok(await service.get(`/api/sessions/${s.id}`));
  const later = (t) => until('the clock to move on', () => Date.now() > t + 20, { every: 5 });

  test('sending, editing, deleting: each by its own instant', async () => {
    const s = await stack.session();
    const student = stack.as(s.tickets.student);
    let last = await deadline(s);
    const m = ok(await student.post(`${s.path}/messages`, { content: 'x' }), 201);
    for (const act of [
      () => student.post(`${s.path}/messages`, { content: 'y' }),
      () => student.patch(`${s.path}/messages/${m.id}`, { content: 'z' }),
      () => student.delete(`${s.path}/messages/${m.id}`),
    ]) {
      await later(Date.now());
      const before = Date.now();
      assert.ok((await act()).status < 300);
      const now = await deadline(s);
      assert.ok(now.expiresAt > last.expiresAt, 'slid');
      assert.equal(now.expiresAt, now.lastActivityAt + 86_400_000);
      assert.ok(now.lastActivityAt >= before - 20);
      last = now;
    }
  });
  test('reading, typing, streaming, polling, proving life, looking, entering, assigning, ending do not; neither do refusals and repeats', async () => {
    const s = await stack.session();
    const student = stack.as(s.tickets.student);
    const counselor = stack.as(s.tickets.counselor);
    const m = ok(await student.post(`${s.path}/messages`, { content: 'x', clientId: 'c' }), 201);
    const want = (await deadline(s)).expiresAt;
    const stream = async () => { const st = new Stream(stack.base, `${s.path}/events`, { ticket: s.tickets.counselor }); await st.ready(); st.close(); };
    for (const [name, act] of Object.entries({
      history: () => counselor.get(`${s.path}/messages`), typing: () => counselor.post(`${s.path}/typing`, { isTyping: true }), read: () => counselor.put(`${s.path}/read`, { upTo: m.id }),
      alive: () => counselor.put(`${s.path}/alive`, { cursor: m.cursor }), presence: () => counselor.get(`${s.path}/presence`), stream, poll: () => counselor.get(`${s.path}/poll`),
      cookie: () => counselor.post(`${s.path}/cookie`, {}), 'stream ticket': () => counselor.post(`${s.path}/stream-ticket`, {}), ticket: () => service.post(`/api/sessions/${s.id}/tickets`, { participant: 'student' }),
      repeat: () => student.post(`${s.path}/messages`, { content: 'x', clientId: 'c' }), reused: () => student.post(`${s.path}/messages`, { content: 'y', clientId: 'c' }),
      "another's edit": () => counselor.patch(`${s.path}/messages/${m.id}`, { content: 'y' }), nonsense: () => student.post(`${s.path}/messages`, { content: '' }),
      'created again': () => service.post('/api/sessions', { sessionId: s.id, studentAnonymousId: s.student, counselorId: s.counselor }), assign: () => service.put(`/api/sessions/${s.id}`, { counselorId: `couns_${rnd()}` }),
      end: () => student.post(`${s.path}/end`, {}), 'refused as ended': () => student.post(`${s.path}/messages`, { content: 'z' }),
    })) {
      await later(Date.now());
      await act();
      assert.equal((await deadline(s)).expiresAt, want, name);
    }
  });
});
