// The surface: which method each path knows, /health, the page, HEAD, request ids, the secrets and settings a stack starts with.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { common, ok, refused } from '../lib/contract.mjs';
import { call, headerOf, rnd } from '../lib/client.mjs';
import { startStack } from '../lib/stack.mjs';

let stack, s;
before(async () => {
  stack = await startStack();
  s = await stack.session();
});
after(() => stack?.stop());

const table = () => ({
  '/api/sessions': ['POST'],
  [`/api/sessions/${s.id}`]: ['GET', 'PUT', 'DELETE'],
  [`/api/sessions/${s.id}/end`]: ['POST'],
  [`/api/sessions/${s.id}/tickets`]: ['POST'],
  '/api/conversations': ['GET', 'POST'],
  [s.path]: ['GET', 'PUT', 'DELETE'],
  [`${s.path}/messages`]: ['GET', 'POST'],
  [`${s.path}/messages/1`]: ['PATCH', 'DELETE'],
  [`${s.path}/events`]: ['GET'],
  [`${s.path}/poll`]: ['GET'],
  [`${s.path}/typing`]: ['POST'],
  [`${s.path}/read`]: ['PUT'],
  [`${s.path}/alive`]: ['PUT'],
  [`${s.path}/presence`]: ['GET'],
  [`${s.path}/end`]: ['POST'],
  [`${s.path}/cookie`]: ['POST', 'DELETE'],
  [`${s.path}/stream-ticket`]: ['POST'],
  '/health': ['GET'],
});

describe('methods', () => {
  test('405 with Allow for every other one, with and without a ticket', async () => {
    for (const [path, methods] of Object.entries(table())) {
      for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']) {
        if (methods.includes(method)) continue;
        for (const ticket of [undefined, s.tickets.student, stack.service()]) {
          const r = await call(stack.base, method, path, { ticket, json: method === 'GET' ? undefined : {} });
          refused(r, 'METHOD_NOT_ALLOWED', `${method} ${path}`);
          const allow = r.headers.allow.split(/,\s*/).sort();
          assert.deepEqual(allow.filter((m) => !['HEAD', 'OPTIONS'].includes(m)), [...methods].sort(), `${method} ${path}`);
          assert.equal(allow.includes('HEAD'), methods.includes('GET'), `HEAD goes with GET: ${path}`);
        }
      }
    }
  });
  test('OPTIONS without an origin says what there is', async () => {
    for (const [path, methods] of Object.entries(table())) {
      const r = await call(stack.base, 'OPTIONS', path);
      assert.ok([200, 204].includes(r.status), `${path}: ${r.status}`);
      for (const m of methods) assert.match(r.headers.allow ?? r.headers['access-control-allow-methods'] ?? '', new RegExp(m), path);
    }
  });
  test('HEAD is GET without a body', async () => {
    for (const [path, ticket] of [[`${s.path}/messages`, s.tickets.student], ['/health', undefined], [`/api/sessions/${s.id}`, stack.service()]]) {
      const r = await call(stack.base, 'HEAD', path, { ticket });
      assert.deepEqual([r.status, r.text], [200, ''], path);
      common(r, path);
    }
    assert.deepEqual([(await call(stack.base, 'HEAD', `${s.path}/messages`)).status], [401]);
  });
  test('unknown paths: 404', async () => {
    for (const path of ['/api', '/api/', '/api/nowhere', '/api/sessions/', `/api/sessions/${s.id}/`, `/api/sessions/${s.id}/nowhere`, `${s.path}/nowhere`, `${s.path}/`, `${s.path}/messages/1/2`, '/api/conversations/', '/health/x', '/auth/nowhere', '/chats/nowhere']) {
      for (const method of ['GET', 'POST', 'DELETE']) refused(await call(stack.base, method, path, { ticket: s.tickets.student }), 'NOT_FOUND', `${method} ${path}`);
    }
  });
});

describe('every reply', () => {
  test('has a request id of its own; a client cannot choose it', async () => {
    const ids = new Set();
    for (let i = 0; i < 50; i++) {
      const r = await call(stack.base, 'GET', i % 2 ? '/health' : `${s.path}/poll`, { ticket: s.tickets.student, headers: { 'X-Request-Id': 'chosen-by-client' } });
      ids.add(r.headers['x-request-id']);
    }
    assert.equal(ids.size, 50);
    assert.ok(!ids.has('chosen-by-client'));
  });
  test('names no software and invites no sniffing', async () => {
    for (const r of [await call(stack.base, 'GET', '/health'), await call(stack.base, 'GET', '/api/nowhere'), await call(stack.base, 'GET', `${s.path}/messages`, { ticket: s.tickets.student })]) {
      assert.ok(!/\d\.\d/.test(r.headers.server ?? ''), `Server: ${r.headers.server}`);
      assert.equal(r.headers['x-content-type-options'], 'nosniff');
    }
  });
});

describe('health and the page', () => {
  test('/health', async () => {
    const r = await call(stack.base, 'GET', '/health');
    ok(r);
    assert.deepEqual(r.json, { status: 'ok', redis: 'ok', database: 'ok', works: ['sessions', 'new sessions', 'conversations', 'live streams'], version: r.json.version });
    assert.ok(!r.text.includes(stack.state) && !r.text.includes(s.id));
  });
  test('/ is the page, under a policy without inline code', async () => {
    const r = await call(stack.base, 'GET', '/');
    assert.equal(r.status, 200);
    assert.match(r.headers['content-type'], /^text\/html/);
    const csp = r.headers['content-security-policy'] ?? '';
    assert.match(csp, /default-src|script-src/);
    assert.ok(!/unsafe-inline|unsafe-eval/.test(csp), csp);
    assert.match(csp, /frame-ancestors 'none'/);
    assert.ok(!/<script(?![^>]*\bsrc=)[^>]*>/.test(r.text), 'inline script');
    assert.ok(!/<style|\sstyle=|\son[a-z]+=/.test(r.text), 'inline style or handler');
    for (const [, src] of r.text.matchAll(/(?:src|href)="([^"#]+)"/g)) {
      if (/^[a-z]+:/.test(src)) continue;
      assert.equal((await call(stack.base, 'GET', new URL(src, `${stack.base}/`).pathname)).status, 200, src);
    }
  });
});

describe('several secrets', { concurrency: true }, () => {
  const [neu, old] = [`new-${rnd(16)}`, `old-${rnd(16)}`];
  let two;
  before(async () => { two = await startStack({ env: { ROOM_JWT_SECRET: `k2=${neu},k1=${old}` } }); });
  after(() => two?.stop());
  test('each kid with its own secret, the first one signs', async () => {
    const claims = { role: 'service' };
    const open = (token) => call(two.base, 'POST', '/api/sessions', { ticket: token, json: { studentAnonymousId: 'anon_a', counselorId: 'couns_b' } });
    for (const [kid, secret] of [['k2', neu], ['k1', old]]) {
      const r = ok(await open(two.mint(claims, { secret, header: { kid } })), 201);
      assert.equal(headerOf(r.tickets.student).kid, 'k2');
      ok(await call(two.base, 'GET', `/api/conversations/${r.sessionId}/messages`, { ticket: r.tickets.student }));
      ok(await call(two.base, 'GET', `/api/conversations/${r.sessionId}/messages`, { ticket: two.mint({ sessionId: r.sessionId, role: 'student', anonymousId: 'anon_a' }, { secret, header: { kid } }) }));
    }
    for (const [kid, secret] of [['k2', old], ['k1', neu], ['k3', neu], ['', neu], ['k1', `k1=${old}`], ['k2', `k2=${neu},k1=${old}`]]) {
      refused(await open(two.mint(claims, { secret, header: { kid } })), 'UNAUTHENTICATED', `${kid}`);
    }
    refused(await open(two.mint(claims, { secret: `k2=${neu},k1=${old}` })), 'UNAUTHENTICATED', 'the whole setting as a secret');
  });
});

describe('settings that do not parse', { concurrency: true }, () => {
  for (const [name, value] of [['ROOM_TTL_S', 'soon'], ['ROOM_TTL_S', '-1'], ['ROOM_SENDS', 'many'], ['ROOM_SENDS_BURST', '5/0'], ['ROOM_JWT_SECRET', 'short'], ['ROOM_JWT_SECRET', 'a=,b='], ['ROOM_APIS', '0'], ['ROOM_PORT', '70000']]) {
    test(`${name}=${value}: it does not start, and says why`, async () => {
      await assert.rejects(startStack({ env: { [name]: value } }), (e) => {
        assert.match(e.message, new RegExp(`room up ended: .*"code":[1-9][\\s\\S]*${name}`));
        assert.ok(name !== 'ROOM_JWT_SECRET' || !e.message.includes('"short"'), 'a secret is not repeated');
        return true;
      });
    });
  }
});

test('methods lighttpd itself refuses on the static side have our body too', async () => {
  for (const method of ['PUT', 'DELETE', 'PATCH']) {
    const r = await call(stack.base, method, '/index.html');
    assert.ok([403, 404, 405, 501].includes(r.status), `${method}: ${r.status}`);
    assert.match(r.headers['content-type'] ?? '', /^application\/json/, method);
    assert.equal(typeof r.json?.error?.code, 'string', method);
  }
});
