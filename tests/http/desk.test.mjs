// The desk's plain requests: the list, who may have it, and tickets for what stands on it.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ok, refused } from '../lib/contract.mjs';
import { call } from '../lib/http.mjs';
import { claimsOf, rnd } from '../lib/jwt.mjs';
import { startStack } from '../lib/stack.mjs';
import { until } from '../lib/wait.mjs';

let stack;
before(async () => { stack = await startStack(); });
after(() => stack?.stop());

const deskTicket = (counselor, claims = {}) => stack.mint({ role: 'counselor', userId: counselor, ...claims });
const cookieOf = (r) => [r.headers['set-cookie']].flat()[0].split(';')[0];

test('the list holds one’s own sessions, in the contract’s form', async () => {
  const counselor = `couns_${rnd()}`;
  const as = stack.as(deskTicket(counselor));
  assert.deepEqual((await as.get('/api/desk')).json.sessions, []);
  const s = await stack.session({ counselorId: counselor, counselorRole: 'volunteer' });
  await stack.session();
  const r = await as.get('/api/desk');
  ok(r, 200);
  assert.equal(r.json.sessions.length, 1);
  const [one] = r.json.sessions;
  assert.deepEqual(Object.keys(one).sort(), ['assignedAt', 'conversationId', 'createdAt', 'cursor', 'expiresAt', 'handedOver', 'lastActivityAt', 'role', 'status', 'studentAnonymousId', 'studentOnline', 'summary', 'unread', 'waiting', 'waitingSince']);
  assert.deepEqual({ ...one, cursor: '', createdAt: 0, expiresAt: 0, lastActivityAt: 0, assignedAt: 0 }, {
    conversationId: s.id, status: 'active', createdAt: 0, expiresAt: 0, lastActivityAt: 0, assignedAt: 0, handedOver: false, role: 'volunteer', studentAnonymousId: s.student,
    studentOnline: false, unread: 0, waiting: false, waitingSince: null, summary: null, cursor: '',
  });
  assert.equal(one.createdAt, s.created.createdAt);
  assert.equal(one.expiresAt, s.created.expiresAt);
});

test('a session without a counselor is on no desk until it is assigned', async () => {
  const counselor = `couns_${rnd()}`;
  const s = await stack.session({ counselorId: undefined });
  await stack.as(s.tickets.student).post(`${s.path}/messages`, { content: 'is anyone there?' });
  const as = stack.as(deskTicket(counselor));
  assert.deepEqual((await as.get('/api/desk')).json.sessions, []);
  ok(await stack.as(stack.service()).put(`/api/sessions/${s.id}`, { counselorId: counselor }), 200);
  const [one] = (await as.get('/api/desk')).json.sessions;
  assert.equal(one.unread, 1);
  assert.equal(one.waiting, true);
  assert.equal(one.handedOver, false);
});

test('who may: a counselor’s or volunteer’s token without a session, and nobody else', async () => {
  const s = await stack.session();
  const roads = [['GET', '/api/desk'], ['GET', '/api/desk/summaries'], ['GET', `/api/desk/summaries/${s.id}`], ['POST', '/api/desk/cookie'], ['POST', '/api/desk/stream-ticket'], ['POST', `/api/desk/sessions/${s.id}/ticket`]];
  for (const [method, path] of roads) {
    const json = method === 'POST' ? {} : undefined;
    for (const ticket of [s.tickets.student, s.tickets.counselor, stack.service()]) refused(await call(stack.base, method, path, { ticket, json }), 'FORBIDDEN', `${method} ${path}`);
    refused(await call(stack.base, method, path, { json }), 'UNAUTHENTICATED');
    refused(await call(stack.base, method, path, { ticket: stack.mint({ role: 'student', anonymousId: 'anon_a' }), json }), 'UNAUTHENTICATED');
    refused(await call(stack.base, method, path, { ticket: deskTicket(s.counselor, { exp: 1 }), json }), 'TICKET_EXPIRED');
    refused(await call(stack.base, method, `${path}?t=${deskTicket(s.counselor)}`, { json }), 'UNAUTHENTICATED');
  }
  for (const path of [`${s.path}/messages`, `${s.path}/presence`]) refused(await stack.as(deskTicket(s.counselor)).get(path), 'FORBIDDEN');
  refused(await stack.as(deskTicket(s.counselor)).get(`/api/sessions/${s.id}`), 'FORBIDDEN');
});

test('a ticket for one of one’s sessions: what the desk may and no longer than it lasts', async () => {
  const exp = Math.floor(Date.now() / 1000) + 120;
  const s = await stack.session({ counselorRole: 'volunteer' });
  const as = stack.as(deskTicket(s.counselor, { exp, chatPermissions: ['view_history'] }));
  const r = await as.post(`/api/desk/sessions/${s.id}/ticket`, {});
  ok(r, 201);
  assert.equal(r.json.role, 'volunteer');
  assert.equal(r.json.expiresAt, exp * 1000);
  const claims = claimsOf(r.json.ticket);
  assert.equal(claims.sessionId, s.id);
  assert.equal(claims.userId, s.counselor);
  assert.equal(claims.role, 'volunteer');
  assert.equal(claims.exp, exp);
  assert.deepEqual(claims.chatPermissions, ['view_history']);
  ok(await stack.as(r.json.ticket).get(`${s.path}/messages`), 200);
  refused(await stack.as(r.json.ticket).post(`${s.path}/messages`, { content: 'x' }), 'FORBIDDEN');
});

test('no ticket for what is another’s, was handed over, is erased or never was: all the same 404', async () => {
  const s = await stack.session();
  const mine = stack.as(deskTicket(s.counselor));
  const other = stack.as(deskTicket(`couns_${rnd()}`));
  const path = `/api/desk/sessions/${s.id}/ticket`;
  const never = await mine.post('/api/desk/sessions/sess_never/ticket', {});
  refused(never, 'NOT_FOUND');
  const foreign = await other.post(path, {});
  refused(foreign, 'NOT_FOUND');
  assert.equal(foreign.text, never.text);
  ok(await mine.post(path, {}), 201);
  ok(await stack.as(stack.service()).put(`/api/sessions/${s.id}`, { counselorId: `couns_${rnd()}` }), 200);
  refused(await mine.post(path, {}), 'NOT_FOUND');
  const gone = await stack.session();
  await stack.as(stack.service()).delete(`/api/sessions/${gone.id}`);
  refused(await stack.as(deskTicket(gone.counselor)).post(`/api/desk/sessions/${gone.id}/ticket`, {}), 'NOT_FOUND');
});

test('the cookie speaks for the desk, on this site only, and can be taken back', async () => {
  const s = await stack.session();
  const made = await stack.as(deskTicket(s.counselor)).post('/api/desk/cookie', {});
  ok(made, 200);
  const Cookie = cookieOf(made);
  const get = (path, headers = {}) => call(stack.base, 'GET', path, { headers: { Cookie, ...headers } });
  assert.equal((await get('/api/desk')).json.sessions[0].conversationId, s.id);
  assert.equal((await get(`/api/desk?as=${made.json.as}`)).status, 200);
  refused(await get('/api/desk?as=00000000'), 'UNAUTHENTICATED');
  refused(await get('/api/desk', { Origin: 'https://elsewhere.example', 'Sec-Fetch-Site': 'cross-site' }), 'FORBIDDEN');
  const write = (headers, json) => call(stack.base, 'POST', `/api/desk/sessions/${s.id}/ticket`, { headers: { Cookie, ...headers }, json });
  ok(await write({ Origin: stack.base, 'Sec-Fetch-Site': 'same-origin' }, {}), 201);
  refused(await write({ Origin: 'https://elsewhere.example', 'Sec-Fetch-Site': 'cross-site' }, {}), 'FORBIDDEN');
  refused(await call(stack.base, 'GET', `${s.path}/messages`, { headers: { Cookie } }), 'UNAUTHENTICATED', 'a desk’s cookie opens no conversation');
  const another = await stack.as(deskTicket(`couns_${rnd()}`)).post('/api/desk/cookie', {});
  refused(await call(stack.base, 'GET', '/api/desk', { headers: { Cookie: `${Cookie}; ${cookieOf(another)}` } }), 'BAD_REQUEST');
  refused(await call(stack.base, 'GET', '/api/desk', { ticket: deskTicket('couns_x'), headers: { Cookie } }), 'BAD_REQUEST');
  const cleared = await call(stack.base, 'DELETE', `/api/desk/cookie?as=${made.json.as}`, { headers: { Cookie, Origin: stack.base, 'Sec-Fetch-Site': 'same-origin' } });
  assert.equal(cleared.status, 204);
  assert.match([cleared.headers['set-cookie']].flat()[0], /Path=\/api\/desk; Max-Age=0/);
  refused(await call(stack.base, 'DELETE', '/api/desk/cookie'), 'UNAUTHENTICATED');
});

test('expired sessions leave the list by themselves, also when nobody announces it', async () => {
  const short = await startStack({ env: { ROOM_TTL_S: '2', ROOM_WORKER: '0' } });
  try {
    const counselor = `couns_${rnd()}`;
    await short.session({ counselorId: counselor });
    const as = short.as(short.mint({ role: 'counselor', userId: counselor }));
    assert.equal((await as.get('/api/desk')).json.sessions.length, 1);
    await until('the list to be empty', async () => (await as.get('/api/desk')).json.sessions.length === 0);
  } finally {
    await short.stop();
  }
});

test('several buckets: the list is gathered from all of them', async () => {
  const many = await startStack({ env: { ROOM_BUCKETS: '7' } });
  try {
    const counselor = `couns_${rnd()}`;
    const as = many.as(many.mint({ role: 'counselor', userId: counselor }));
    const made = await Promise.all(Array.from({ length: 20 }, () => many.session({ counselorId: counselor })));
    const list = (await as.get('/api/desk')).json.sessions.map((one) => one.conversationId);
    assert.deepEqual(list.sort(), made.map((s) => s.id).sort());
    const first = (await as.get('/api/desk/poll')).json;
    assert.equal(first.events[0].data.sessions.length, 20);
    for (const s of made.slice(0, 7)) {
      const waiting = as.get(`/api/desk/poll?wait=20&after=${(await as.get('/api/desk/poll')).json.cursor}`);
      await many.as(s.tickets.student).post(`${s.path}/messages`, { content: 'x' });
      const row = (await waiting).json.events[0].data.sessions.find((one) => one.conversationId === s.id);
      assert.equal(row.unread, 1);
    }
  } finally {
    await many.stop();
  }
});

test('without Redis a clear 503, and all is well afterwards', async () => {
  const counselor = `couns_${rnd()}`;
  const s = await stack.session({ counselorId: counselor });
  const as = stack.as(deskTicket(counselor));
  const pid = stack.kill('redis', 'SIGSTOP');
  try {
    for (const path of ['/api/desk', '/api/desk/poll']) refused(await as.get(path, undefined, { agent: false }), 'STORE_UNAVAILABLE', path);
    const r = await call(stack.base, 'GET', '/api/desk/events', { ticket: deskTicket(counselor), agent: false });
    assert.equal(r.status, 200, 'EventSource would give up for good on anything else');
    assert.match(r.text, /^retry: \d+\n\n$/);
  } finally {
    process.kill(pid, 'SIGCONT');
  }
  await until('the list again', async () => (await as.get('/api/desk')).json.sessions[0].conversationId === s.id);
});
