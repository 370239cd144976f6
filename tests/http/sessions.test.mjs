// The service's own routes (design §7): MainServer opens, looks at, assigns, ends and erases sessions.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { common, ok, refused, stateOf } from '../lib/contract.mjs';
import { call, claimsOf, now_s, rnd } from '../lib/client.mjs';
import { startStack } from '../lib/stack.mjs';

let stack, service;
before(async () => {
  stack = await startStack();
  service = stack.as(stack.service());
});
after(() => stack?.stop());

const create = (json) => service.post('/api/sessions', json);
const look = async (id) => ok(await service.get(`/api/sessions/${id}`));

describe('creating', () => {
  test('201 with what MainServer needs', async () => {
    const before = Date.now();
    const body = { sessionId: `sess_${rnd()}`, studentAnonymousId: 'anon_a', counselorId: 'couns_b', caseRef: 'case_1' };
    const s = ok(await create(body), 201);
    assert.deepEqual(Object.keys(s).sort(), ['chatServiceUrl', 'createdAt', 'expiresAt', 'sessionId', 'tickets']);
    assert.equal(s.sessionId, body.sessionId);
    assert.equal(s.chatServiceUrl, stack.base);
    assert.ok(s.createdAt >= before - 1000 && s.createdAt <= Date.now() + 1000);
    assert.equal(s.expiresAt, s.createdAt + 86_400_000, 'the deadline is 24 h after creation');
    assert.deepEqual(Object.keys(s.tickets).sort(), ['counselor', 'student']);
    for (const t of Object.values(s.tickets)) ok(await stack.as(t).get(`/api/conversations/${s.sessionId}/messages`));
    const { online, lastActivityAt, ...meta } = await look(s.sessionId);
    assert.deepEqual(meta, { sessionId: s.sessionId, status: 'active', createdAt: s.createdAt, expiresAt: s.expiresAt, studentAnonymousId: 'anon_a', counselorId: 'couns_b', counselorRole: 'counselor', caseRef: 'case_1', summaries: 'allowed', messageCount: 0 });
  });
  test('without an id one is made, unguessable', async () => {
    const ids = new Set();
    for (let i = 0; i < 20; i++) ids.add(ok(await create({ studentAnonymousId: 'anon_a' }), 201).sessionId);
    assert.equal(ids.size, 20);
    for (const id of ids) assert.match(id, /^[A-Za-z0-9_-]{20,64}$/);
  });
  test('without a counselor there is one ticket, and the student waits', async () => {
    const s = ok(await create({ studentAnonymousId: 'anon_a' }), 201);
    assert.deepEqual(Object.keys(s.tickets), ['student']);
    ok(await stack.as(s.tickets.student).post(`/api/conversations/${s.sessionId}/messages`, { content: 'anybody?' }), 201);
    const meta = await look(s.sessionId);
    assert.ok(meta.counselorId === null || meta.counselorId === undefined, JSON.stringify(meta));
  });
  test('the same again: 200 with fresh tickets; the log stays', async () => {
    const body = { sessionId: `sess_${rnd()}`, studentAnonymousId: 'anon_a', counselorId: 'couns_b', permissions: ['send_message', 'view_history'] };
    const first = ok(await create(body), 201);
    ok(await stack.as(first.tickets.student).post(`/api/conversations/${body.sessionId}/messages`, { content: 'x' }), 201);
    const again = ok(await create(body), 200);
    assert.equal(again.createdAt, first.createdAt);
    for (const t of [...Object.values(first.tickets), ...Object.values(again.tickets)]) {
      assert.equal(ok(await stack.as(t).get(`/api/conversations/${body.sessionId}/messages`)).messages.length, 1);
    }
  });
  test('other content: 409, and nothing changes', async () => {
    const body = { sessionId: `sess_${rnd()}`, studentAnonymousId: 'anon_a', counselorId: 'couns_b', caseRef: 'case_1' };
    const s = ok(await create(body), 201);
    const state = await stateOf(stack, { id: s.sessionId, path: `/api/conversations/${s.sessionId}`, tickets: s.tickets });
    for (const other of [{ studentAnonymousId: 'anon_z' }, { counselorId: 'couns_z' }, { counselorId: undefined }, { caseRef: 'case_2' }, { permissions: ['view_history'] }, { counselorRole: 'volunteer' }, { summaries: 'off' }]) {
      refused(await create({ ...body, ...other }), 'CONFLICT', JSON.stringify(other));
    }
    assert.deepEqual(await stateOf(stack, { id: s.sessionId, path: `/api/conversations/${s.sessionId}`, tickets: s.tickets }), state);
  });
  test('forty at once: one is first', async () => {
    const body = { sessionId: `sess_${rnd()}`, studentAnonymousId: 'anon_a', counselorId: 'couns_b' };
    const all = await Promise.all(Array.from({ length: 40 }, (_, i) => create(i % 2 ? body : { ...body, studentAnonymousId: 'anon_z' })));
    assert.equal(all.filter((r) => r.status === 201).length, 1);
    assert.equal(all.filter((r) => r.status === 200).length, 19);
    assert.equal(all.filter((r) => r.status === 409).length, 20);
  });
  test('bad members: 400, and no session', async () => {
    const good = { studentAnonymousId: 'anon_a', counselorId: 'couns_b' };
    const bad = {
      sessionId: ['', 'a b', 'x'.repeat(65), 'ä', '../x', 'a/b', 5, [], {}],
      studentAnonymousId: [undefined, null, '', 'a b', 'x'.repeat(65), 5, [], {}, 'anon\u202ea'],
      counselorId: ['', 'a b', 'x'.repeat(65), 5, [], {}, 'anon_a'],
      caseRef: ['', 'a b', 'x'.repeat(65), 5, [], {}],
      permissions: ['send_message', 5, [5], true, { student: 'send_message' }, { counselor: 5 }],
      counselorRole: ['student', 'admin', '', 5],
      summaries: ['maybe', '', 5],
      summarizeOnEnd: ['yes', 1],
    };
    for (const [member, values] of Object.entries(bad)) {
      for (const value of values) {
        const sessionId = member === 'sessionId' ? value : `sess_${rnd()}`;
        refused(await create({ ...good, sessionId, [member]: value }), 'BAD_REQUEST', `${member} ${JSON.stringify(value)}`);
        if (member !== 'sessionId') refused(await service.get(`/api/sessions/${sessionId}`), 'NOT_FOUND', `after ${member} ${JSON.stringify(value)}`);
      }
    }
  });
  test('members nobody knows are ignored, and claim nothing', async () => {
    const s = ok(await create({ studentAnonymousId: 'anon_a', status: 'ended', createdAt: 1, expiresAt: 99, messageCount: 7, role: 'x', ttl: 1 }), 201);
    const meta = await look(s.sessionId);
    assert.deepEqual([meta.status, meta.messageCount, meta.createdAt === s.createdAt, meta.expiresAt === s.expiresAt], ['active', 0, true, true]);
    assert.ok(meta.createdAt > 1);
  });
  test('unknown permission names are ignored', async () => {
    const s = ok(await create({ studentAnonymousId: 'anon_a', permissions: ['send_message', 'fly'] }), 201);
    const student = stack.as(s.tickets.student);
    ok(await student.post(`/api/conversations/${s.sessionId}/messages`, { content: 'x' }), 201);
    refused(await student.get(`/api/conversations/${s.sessionId}/messages`), 'FORBIDDEN');
  });
});

describe('looking', () => {
  test('counts, times, who is here; never content', async () => {
    const s = await stack.session({ caseRef: 'case_9' });
    const canary = `canary${rnd()}`;
    const student = stack.as(s.tickets.student);
    const m = ok(await student.post(`${s.path}/messages`, { content: canary, clientId: 'c1' }), 201);
    const d = ok(await student.post(`${s.path}/messages`, { content: canary }), 201);
    let r = await service.get(`/api/sessions/${s.id}`);
    const meta = ok(r);
    assert.ok(!r.text.includes(canary));
    assert.equal(meta.messageCount, 2);
    assert.equal(meta.lastActivityAt, d.sentAt);
    assert.equal(meta.expiresAt, d.sentAt + 86_400_000);
    assert.deepEqual(meta.online, [s.student]);
    ok(await student.delete(`${s.path}/messages/${d.id}`), 204);
    ok(await student.patch(`${s.path}/messages/${m.id}`, { content: `${canary}2` }));
    r = await service.get(`/api/sessions/${s.id}`);
    assert.equal(ok(r).messageCount, 1);
    assert.ok(!r.text.includes(canary));
  });
  test('404 for one that never was, and for ids that are none', async () => {
    const one = await service.get(`/api/sessions/sess_${rnd()}`);
    refused(one, 'NOT_FOUND');
    for (const id of ['x'.repeat(65), 'a.b', '%20']) {
      const r = await service.get(`/api/sessions/${id}`);
      refused(r, 'NOT_FOUND', id);
      assert.equal(r.text, one.text);
    }
  });
});

describe('assigning and handing over', () => {
  test('from the waiting room', async () => {
    const s = ok(await create({ studentAnonymousId: 'anon_a' }), 201);
    const r = ok(await service.put(`/api/sessions/${s.sessionId}`, { counselorId: 'couns_1' }));
    assert.deepEqual([r.counselorId, r.counselorRole, Object.keys(r.tickets)], ['couns_1', 'counselor', ['counselor']]);
    assert.equal(claimsOf(r.tickets.counselor).userId, 'couns_1');
    ok(await stack.as(r.tickets.counselor).post(`/api/conversations/${s.sessionId}/messages`, { content: 'here I am' }), 201);
    assert.equal((await look(s.sessionId)).counselorId, 'couns_1');
  });
  test('to another one: the former is out, his words stay, and may not be changed by the new one', async () => {
    const s = await stack.session();
    const old = stack.as(s.tickets.counselor);
    const m = ok(await old.post(`${s.path}/messages`, { content: 'from the first' }), 201);
    const r = ok(await service.put(`/api/sessions/${s.id}`, { counselorId: 'couns_new', counselorRole: 'volunteer' }));
    assert.equal(r.counselorRole, 'volunteer');
    for (const [method, path, json] of [['get', `${s.path}/messages`], ['post', `${s.path}/messages`, { content: 'x' }], ['patch', `${s.path}/messages/${m.id}`, { content: 'x' }], ['get', `${s.path}/presence`], ['get', `${s.path}/poll`], ['get', `${s.path}/events`], ['post', `${s.path}/end`, {}]]) {
      refused(await old[method](path, json), 'NOT_FOUND', `${method} ${path}`);
    }
    const neu = stack.as(r.tickets.counselor);
    const seen = ok(await neu.get(`${s.path}/messages`)).messages;
    assert.deepEqual([seen[0].sender, seen[0].content], [s.counselor, 'from the first']);
    refused(await neu.patch(`${s.path}/messages/${m.id}`, { content: 'x' }), 'FORBIDDEN');
    assert.equal(ok(await neu.post(`${s.path}/messages`, { content: 'from the second' }), 201).role, 'volunteer');
  });
  test('the same one again is fine', async () => {
    const s = await stack.session();
    ok(await service.put(`/api/sessions/${s.id}`, { counselorId: s.counselor }));
    ok(await stack.as(s.tickets.counselor).get(`${s.path}/messages`));
  });
  test('bad ones: 400, and nothing changes', async () => {
    const s = await stack.session();
    const state = await stateOf(stack, s);
    for (const body of [{}, { counselorId: '' }, { counselorId: 'a b' }, { counselorId: 5 }, { counselorId: 'c', counselorRole: 'boss' }, { counselorId: 'x'.repeat(65) }]) {
      refused(await service.put(`/api/sessions/${s.id}`, body), 'BAD_REQUEST', JSON.stringify(body));
    }
    refused(await service.put(`/api/sessions/${s.id}`, { counselorId: s.student }), ['BAD_REQUEST', 'CONFLICT'], 'the student himself');
    assert.deepEqual(await stateOf(stack, s), state);
  });
  test('404 for an unknown session, 409 for an ended one', async () => {
    refused(await service.put(`/api/sessions/sess_${rnd()}`, { counselorId: 'c' }), 'NOT_FOUND');
    const s = await stack.session();
    ok(await service.post(`/api/sessions/${s.id}/end`, {}));
    refused(await service.put(`/api/sessions/${s.id}`, { counselorId: 'couns_new' }), 'SESSION_ENDED');
  });
});

describe('ending', () => {
  test('200, again 200; the deadline does not move', async () => {
    const s = await stack.session();
    ok(await stack.as(s.tickets.student).post(`${s.path}/messages`, { content: 'x' }), 201);
    const before = await look(s.id);
    for (let i = 0; i < 2; i++) {
      const r = ok(await service.post(`/api/sessions/${s.id}/end`, {}));
      assert.deepEqual([r.status, r.expiresAt, r.messageCount], ['ended', before.expiresAt, 1]);
    }
    assert.equal((await look(s.id)).status, 'ended');
  });
  test('without a body and without a type', async () => {
    const s = await stack.session();
    ok(await service.post(`/api/sessions/${s.id}/end`));
  });
  test('404 for one that never was', async () => refused(await service.post(`/api/sessions/sess_${rnd()}/end`, {}), 'NOT_FOUND'));
});

describe('tickets', () => {
  test('a fresh one for either side', async () => {
    const s = await stack.session();
    for (const participant of ['student', 'counselor']) {
      const r = ok(await service.post(`/api/sessions/${s.id}/tickets`, { participant }), 201);
      assert.equal(r.role, participant);
      const exp = claimsOf(r.ticket).exp;
      assert.equal(r.expiresAt, exp * 1000);
      assert.ok(exp > now_s() + 60 && exp <= now_s() + 25 * 3600);
      assert.equal(ok(await stack.as(r.ticket).post(`${s.path}/messages`, { content: 'x' }), 201).sender, s[participant]);
    }
  });
  test('bad ones: 400, and none for a counselor who is not there', async () => {
    const s = await stack.session({ counselorId: undefined });
    for (const body of [{}, { participant: 'boss' }, { participant: 5 }, { participant: '' }]) refused(await service.post(`/api/sessions/${s.id}/tickets`, body), 'BAD_REQUEST', JSON.stringify(body));
    const r = await service.post(`/api/sessions/${s.id}/tickets`, { participant: 'counselor' });
    refused(r, ['BAD_REQUEST', 'NOT_FOUND', 'CONFLICT']);
    refused(await service.post(`/api/sessions/sess_${rnd()}/tickets`, { participant: 'student' }), 'NOT_FOUND');
  });
});

describe('erasing', () => {
  test('204, then 410 for everything under that id', async () => {
    const s = await stack.session();
    ok(await stack.as(s.tickets.student).post(`${s.path}/messages`, { content: 'x' }), 201);
    ok(await service.delete(`/api/sessions/${s.id}`), 204);
    refused(await service.get(`/api/sessions/${s.id}`), 'GONE');
    refused(await service.put(`/api/sessions/${s.id}`, { counselorId: 'c' }), 'GONE');
    refused(await service.post(`/api/sessions/${s.id}/end`, {}), 'GONE');
    refused(await service.post(`/api/sessions/${s.id}/tickets`, { participant: 'student' }), 'GONE');
    refused(await create({ sessionId: s.id, studentAnonymousId: s.student, counselorId: s.counselor }), 'GONE');
    refused(await create({ sessionId: s.id, studentAnonymousId: 'anon_other' }), 'GONE');
    const again = await service.delete(`/api/sessions/${s.id}`);
    if (again.status !== 204) refused(again, 'GONE');
    refused(await stack.as(s.tickets.student).get(`${s.path}/messages`), 'GONE');
    refused(await stack.as(s.tickets.student).get(`${s.path}/poll`), 'GONE');
    const events = await stack.as(s.tickets.student).get(`${s.path}/events`);
    assert.equal(events.status, 204);
    common(events);
    const stranger = await stack.session();
    refused(await stack.as(stranger.tickets.student).get(`${s.path}/messages`), 'NOT_FOUND', 'to others it never was');
  });
  test('404 for one that never was', async () => refused(await service.delete(`/api/sessions/sess_${rnd()}`), 'NOT_FOUND'));
});

test('an expired or forged service token opens none of it', async () => {
  const s = await stack.session();
  const state = await stateOf(stack, s);
  for (const [ticket, code] of [[stack.service({ exp: now_s() - 5 }), 'TICKET_EXPIRED'], [stack.service({ iss: 'x' }), 'UNAUTHENTICATED'], [stack.mint({ role: 'service' }, { secret: 'y'.repeat(32) }), 'UNAUTHENTICATED']]) {
    for (const [method, path, json] of [['POST', '/api/sessions', { studentAnonymousId: 'a' }], ['GET', `/api/sessions/${s.id}`], ['PUT', `/api/sessions/${s.id}`, { counselorId: 'c' }], ['DELETE', `/api/sessions/${s.id}`], ['POST', `/api/sessions/${s.id}/end`, {}], ['POST', `/api/sessions/${s.id}/tickets`, { participant: 'student' }]]) {
      refused(await call(stack.base, method, path, { ticket, json }), code, `${method} ${path}`);
    }
  }
  assert.deepEqual(await stateOf(stack, s), state);
});
