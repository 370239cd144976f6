// The two other ways into EventSource (design §6), and what a browser must not be tricked into: cookies, stream tickets, CSRF, CORS.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { errorBody, ok, refused, stateOf } from '../lib/contract.mjs';
import { Stream, call, now_s, rnd, sleep } from '../lib/client.mjs';
import { startStack } from '../lib/stack.mjs';

const listed = 'https://app.example.org';
let stack;
before(async () => { stack = await startStack({ env: { ROOM_ORIGINS: `${listed},http://other.example:8080` } }); });
after(() => stack?.stop());

// "room_12ab34cd=…; Path=…; HttpOnly" → {name, value, attributes: {path: '…', httponly: true}}.
function cookieOf(r) {
  const [line, more] = [].concat(r.headers['set-cookie'] ?? []);
  assert.ok(line && !more, `one Set-Cookie, got ${JSON.stringify(r.headers['set-cookie'])}`);
  const [pair, ...rest] = line.split(/;\s*/);
  const at = pair.indexOf('=');
  const attributes = Object.fromEntries(rest.map((a) => [a.split('=')[0].toLowerCase(), a.includes('=') ? a.slice(a.indexOf('=') + 1) : true]));
  return { name: pair.slice(0, at), value: pair.slice(at + 1), pair, attributes };
}
// As a browser: cookies instead of a ticket, and the headers it would add.
const browse = (method, path, { cookies = [], json, headers = {}, origin = stack.base } = {}) =>
  call(stack.base, method, path, { json, headers: { ...(cookies.length ? { Cookie: cookies.map((c) => c.pair).join('; ') } : {}), ...(origin === undefined || origin === null ? {} : { Origin: origin }), ...headers } });
async function enter(s, who = 'student', headers = {}) {
  const r = await call(stack.base, 'POST', `${s.path}/cookie`, { ticket: s.tickets[who], json: {}, headers: { Origin: stack.base, ...headers } });
  return { ...cookieOf(r), as: ok(r).as, expiresAt: r.json.expiresAt };
}
const opens = async (path, options) => {
  const st = new Stream(stack.base, path, options);
  await st.opened;
  if (st.status === 200) await st.ready();
  st.close();
  return st;
};

describe('the cookie', () => {
  test('its form', async () => {
    const s = await stack.session();
    const c = await enter(s);
    assert.match(c.as, /^[0-9a-f]{8}$/);
    assert.equal(c.name, `room_${c.as}`);
    assert.equal(c.attributes.path, s.path);
    assert.equal(c.attributes.httponly, true);
    assert.equal(c.attributes.samesite, 'Strict');
    assert.equal(c.attributes.secure, undefined, 'plain HTTP');
    assert.equal(c.attributes.domain, undefined);
    assert.ok(Number.isInteger(c.expiresAt) && c.expiresAt > Date.now());
    assert.equal((await enter(s)).as, c.as, 'the same participant has the same name');
    assert.notEqual((await enter(s, 'counselor')).as, c.as);
    assert.ok(!c.name.includes(s.student));
  });
  test('reads by itself: history, poll, events, presence', async () => {
    const s = await stack.session();
    const c = await enter(s);
    for (const origin of [stack.base, null]) {
      ok(await browse('GET', `${s.path}/messages`, { cookies: [c], origin }));
      ok(await browse('GET', `${s.path}/presence`, { cookies: [c], origin }));
      ok(await browse('GET', `${s.path}/poll`, { cookies: [c], origin }));
    }
    assert.equal((await opens(`${s.path}/events`, { headers: { Cookie: c.pair } })).status, 200);
    ok(await browse('GET', `${s.path}/messages?as=${c.as}`, { cookies: [c] }));
  });
  test('among other cookies, quoted or strange ones', async () => {
    const s = await stack.session();
    const c = await enter(s);
    for (const text of [`a=b; ${c.pair}`, `${c.pair}; a="x;y"`, `;;; ${c.pair};`, `room_=x; ${c.pair}`, `${c.pair};a`]) ok(await browse('GET', `${s.path}/messages`, { headers: { Cookie: text } }), 200, text);
  });
  test('forged, bent or empty: 401', async () => {
    const s = await stack.session();
    const c = await enter(s);
    for (const value of ['', 'x', c.value.slice(0, -3), `${c.value}x`, stack.mint({ sessionId: s.id, role: 'student', anonymousId: s.student }, { secret: 'z'.repeat(32) }), stack.student(s.id, s.student, { exp: now_s() - 9 })]) {
      const r = await browse('GET', `${s.path}/messages`, { headers: { Cookie: `${c.name}=${value}` } });
      assert.equal(r.status, 401, value.slice(0, 10));
      errorBody(r);
    }
    refused(await browse('GET', `${s.path}/messages`, { headers: { Cookie: `other=${c.value}` } }), 'UNAUTHENTICATED');
  });
  test('of another session opens nothing', async () => {
    const [s, other] = [await stack.session(), await stack.session()];
    const c = await enter(other);
    for (const path of [`${s.path}/messages`, `${s.path}/events`, `${s.path}/poll`]) {
      const r = await browse('GET', path, { cookies: [c] });
      refused(r, ['NOT_FOUND', 'UNAUTHENTICATED'], path);
    }
  });
  test("a service's token or a desk's is no cookie", async () => {
    const s = await stack.session();
    for (const ticket of [stack.service(), stack.mint({ role: 'counselor', userId: s.counselor })]) {
      refused(await call(stack.base, 'POST', `${s.path}/cookie`, { ticket, json: {} }), ['FORBIDDEN', 'UNAUTHENTICATED']);
      refused(await browse('GET', `/api/sessions/${s.id}`, { headers: { Cookie: `room_00000000=${ticket}` } }), 'UNAUTHENTICATED');
    }
  });
  test('DELETE clears it', async () => {
    const s = await stack.session();
    const c = await enter(s);
    const r = await browse('DELETE', `${s.path}/cookie`, { cookies: [c], json: {} });
    assert.equal(r.status, 204, r.text);
    const gone = cookieOf(r);
    assert.deepEqual([gone.name, gone.value, gone.attributes.path], [c.name, '', s.path]);
    assert.ok(gone.attributes['max-age'] === '0' || Date.parse(gone.attributes.expires) < Date.now(), JSON.stringify(gone.attributes));
  });
  test('a listed foreign page gets SameSite=None, an unlisted one no cookie', async () => {
    const s = await stack.session();
    assert.equal((await enter(s, 'student', { Origin: listed })).attributes.samesite, 'None');
    const r = await call(stack.base, 'POST', `${s.path}/cookie`, { ticket: s.tickets.student, json: {}, headers: { Origin: 'https://evil.example' } });
    if (r.status === 200) assert.equal(cookieOf(r).attributes.samesite, 'Strict');
    else refused(r, 'FORBIDDEN');
  });
});

describe('two participants in one browser', () => {
  test('`as` chooses; without it the request is refused', async () => {
    const s = await stack.session();
    const cookies = [await enter(s), await enter(s, 'counselor')];
    refused(await browse('GET', `${s.path}/messages`, { cookies }), 'BAD_REQUEST');
    refused(await browse('GET', `${s.path}/events`, { cookies }), 'BAD_REQUEST');
    for (const [i, who] of ['student', 'counselor'].entries()) {
      const m = ok(await browse('POST', `${s.path}/messages?as=${cookies[i].as}`, { cookies, json: { content: who } }), 201);
      assert.equal(m.sender, s[who]);
      ok(await browse('GET', `${s.path}/messages?as=${cookies[i].as}`, { cookies }));
      assert.equal((await opens(`${s.path}/events?as=${cookies[i].as}`, { headers: { Cookie: cookies.map((c) => c.pair).join('; ') } })).status, 200);
    }
  });
  test('a ticket beside the cookies: its own cookie among them, else 400', async () => {
    const s = await stack.session();
    const [a, b] = [await enter(s), await enter(s, 'counselor')];
    const both = { Cookie: `${a.pair}; ${b.pair}` };
    const send = (ticket, headers, query = '') => call(stack.base, 'POST', `${s.path}/messages${query}`, { ticket, json: { content: 'x' }, headers: { Origin: stack.base, ...headers } });
    assert.equal(ok(await send(s.tickets.student, both), 201).sender, s.student);
    assert.equal(ok(await send(s.tickets.counselor, both), 201).sender, s.counselor);
    const state = await stateOf(stack, s);
    refused(await send(s.tickets.student, { Cookie: b.pair }), 'BAD_REQUEST', "the other's cookie alone");
    refused(await send(s.tickets.student, both, `?as=${b.as}`), 'BAD_REQUEST', "the other's `as`");
    assert.deepEqual(await stateOf(stack, s), state);
    ok(await call(stack.base, 'POST', `${s.path}/cookie`, { ticket: s.tickets.student, json: {}, headers: { Cookie: b.pair, Origin: stack.base } }), 200, 'but …/cookie is for just that');
  });
  test('a ticket takes its own cookie away, whether it came along or not, and never the other one', async () => {
    const s = await stack.session();
    const [a, b] = [await enter(s), await enter(s, 'counselor')];
    for (const cookies of [[], [b], [a, b]]) {
      const r = await browse('DELETE', `${s.path}/cookie`, { cookies, headers: { Authorization: `Bearer ${s.tickets.student}` } });
      assert.equal(r.status, 204, r.text);
      const gone = cookieOf(r);
      assert.deepEqual([gone.name, gone.value, gone.attributes.path], [a.name, '', s.path]);
    }
  });
  test('`as` that names none: 401; one that is no such thing: 400 or 401', async () => {
    const s = await stack.session();
    const c = await enter(s);
    refused(await browse('GET', `${s.path}/messages?as=00000000`, { cookies: [c] }), 'UNAUTHENTICATED');
    for (const as of ['', 'x', '../x', `${c.as}0`, c.as.slice(1)]) {
      const r = await browse('GET', `${s.path}/messages?as=${as}`, { cookies: [c] });
      refused(r, ['UNAUTHENTICATED', 'BAD_REQUEST'], `as=${as}`);
    }
  });
  test('one cookie twice with different values is never a choice for the worse', async () => {
    const s = await stack.session();
    const c = await enter(s);
    const r = await browse('GET', `${s.path}/messages`, { headers: { Cookie: `${c.name}=forged; ${c.pair}` } });
    assert.ok([200, 400, 401].includes(r.status), String(r.status));
  });
});

describe('cross-site writes', () => {
  const writes = (s, mid) => [
    ['POST', `${s.path}/messages`, { content: 'csrf' }], ['PATCH', `${s.path}/messages/${mid}`, { content: 'csrf' }], ['DELETE', `${s.path}/messages/${mid}`],
    ['POST', `${s.path}/typing`, { isTyping: true }], ['PUT', `${s.path}/read`, { upTo: mid }], ['PUT', `${s.path}/alive`, {}], ['POST', `${s.path}/end`, {}], ['DELETE', s.path],
    ['POST', `${s.path}/cookie`, {}], ['DELETE', `${s.path}/cookie`], ['POST', `${s.path}/stream-ticket`, {}],
  ];
  for (const [name, origin, headers] of [
    ['no Origin', null, {}], ['Origin null', 'null', {}], ['a foreign Origin', 'https://evil.example', {}], ['a foreign Origin that begins like ours', () => `${stack.base}.evil.example`, {}],
    ['a listed one with more behind it', `${listed}.evil.example`, {}], ['a listed one by another scheme', listed.replace('https', 'http'), {}], ['a listed one on another port', `${listed}:444`, {}],
    ['Sec-Fetch-Site cross-site', null, { 'Sec-Fetch-Site': 'cross-site' }], ['two origins', `${listed}, https://evil.example`, {}],
  ]) {
    test(`by cookie with ${name}: 403, nothing changes`, async () => {
      const s = await stack.session();
      const c = await enter(s);
      const m = ok(await stack.as(s.tickets.student).post(`${s.path}/messages`, { content: 'mine' }), 201);
      const state = await stateOf(stack, s);
      for (const [method, path, json] of writes(s, m.id)) {
        refused(await browse(method, path, { cookies: [c], json, headers, origin: typeof origin === 'function' ? origin() : origin }), 'FORBIDDEN', `${method} ${path}`);
      }
      assert.deepEqual(await stateOf(stack, s), state);
    });
  }
  test('what a form can send is refused, with any Origin', async () => {
    const s = await stack.session();
    const c = await enter(s);
    const state = await stateOf(stack, s);
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', undefined]) {
      for (const path of ['messages', 'typing', 'end']) {
        const r = await call(stack.base, 'POST', `${s.path}/${path}`, { body: '{"content":"x","isTyping":true}', headers: { Cookie: c.pair, Origin: stack.base, ...(type ? { 'Content-Type': type } : {}) } });
        refused(r, ['UNSUPPORTED_TYPE', 'FORBIDDEN'], `${type} ${path}`);
      }
    }
    assert.deepEqual(await stateOf(stack, s), state);
  });
  test('our own page and the listed ones may', async () => {
    const s = await stack.session();
    const c = await enter(s);
    for (const origin of [stack.base, listed, 'http://other.example:8080']) {
      const m = ok(await browse('POST', `${s.path}/messages`, { cookies: [c], json: { content: 'x' }, origin }), 201, origin);
      ok(await browse('PUT', `${s.path}/read`, { cookies: [c], json: { upTo: m.id }, origin }), 204, origin);
    }
  });
  test('a ticket in the header needs no Origin', async () => {
    const s = await stack.session();
    ok(await call(stack.base, 'POST', `${s.path}/messages`, { ticket: s.tickets.student, json: { content: 'x' } }), 201);
  });
});

describe('CORS', () => {
  const preflight = (path, origin, method = 'POST', headers = 'authorization,content-type') =>
    call(stack.base, 'OPTIONS', path, { headers: { Origin: origin, 'Access-Control-Request-Method': method, 'Access-Control-Request-Headers': headers } });
  const allowed = (r) => r.headers['access-control-allow-origin'];
  test('preflight: listed origins, with what they need', async () => {
    const s = await stack.session();
    for (const [path, method] of [['messages', 'POST'], ['messages', 'GET'], ['messages/1', 'PATCH'], ['messages/1', 'DELETE'], ['read', 'PUT'], ['events', 'GET'], ['poll', 'GET'], ['cookie', 'POST']]) {
      const r = await preflight(`${s.path}/${path}`, listed, method, 'authorization,content-type,last-event-id');
      assert.ok([200, 204].includes(r.status), `${method} ${path}: ${r.status} ${r.text}`);
      assert.equal(allowed(r), listed);
      assert.equal(r.headers['access-control-allow-credentials'], 'true');
      assert.match(r.headers['access-control-allow-methods'], new RegExp(`\\b${method}\\b`), path);
      for (const h of ['authorization', 'content-type', 'last-event-id']) assert.match(r.headers['access-control-allow-headers'].toLowerCase(), new RegExp(h));
      assert.match(r.headers.vary, /origin/i);
    }
  });
  test('preflight: others get nothing', async () => {
    const s = await stack.session();
    for (const origin of ['https://evil.example', 'null', `${listed}.evil.example`, `http://${listed.slice(8)}`, `${listed}/`, `${listed}:444`, 'https://APP.example.org.', '*', 'https://sub.app.example.org']) {
      const r = await preflight(`${s.path}/messages`, origin);
      assert.equal(allowed(r), undefined, origin);
      assert.equal(r.headers['access-control-allow-credentials'], undefined, origin);
      assert.match(r.headers.vary ?? '', /origin/i, origin);
    }
  });
  test('answers, errors and streams alike', async () => {
    const s = await stack.session();
    for (const [path, options] of [[`${s.path}/messages`, { ticket: s.tickets.student }], [`${s.path}/messages`, {}], ['/api/nowhere', {}], [`${s.path}/poll`, { ticket: s.tickets.student }], [`${s.path}/poll`, {}]]) {
      const r = await call(stack.base, 'GET', path, { ...options, headers: { Origin: listed } });
      assert.equal(allowed(r), listed, `${path} ${r.status}`);
      assert.match(r.headers.vary, /origin/i);
      const evil = await call(stack.base, 'GET', path, { ...options, headers: { Origin: 'https://evil.example' } });
      assert.equal(allowed(evil), undefined);
      assert.match(evil.headers.vary ?? '', /origin/i, 'a cache must not mix them up');
    }
    const st = await opens(`${s.path}/events`, { ticket: s.tickets.student, headers: { Origin: listed } });
    assert.equal(st.headers['access-control-allow-origin'], listed);
    assert.match(st.headers['access-control-expose-headers'] ?? 'x-request-id', /x-request-id/i);
  });
  test('a preflight needs no ticket and says nothing about existence', async () => {
    const s = await stack.session();
    const drop = ({ 'x-request-id': a, date: b, ...h }) => h;
    const [there, not] = [await preflight(`${s.path}/messages`, listed), await preflight(`/api/conversations/sess_${rnd()}/messages`, listed)];
    assert.deepEqual([there.status, drop(there.headers)], [not.status, drop(not.headers)]);
  });
});

describe('stream tickets', { concurrency: true }, () => {
  const issue = async (s, who = 'student') => ok(await stack.as(s.tickets[who]).post(`${s.path}/stream-ticket`, {}), 201);
  test('opens one stream, sets the cookie; EventSource’s own reconnect (same address, spent ticket, cookie) passes', async () => {
    const s = await stack.session();
    const t = await issue(s);
    assert.ok(!t.ticket.includes('.') && t.ticket.length >= 22, 'opaque, and too long to guess');
    assert.ok(t.expiresAt > Date.now() && t.expiresAt <= Date.now() + 31_000);
    const path = `${s.path}/events?stream_ticket=${t.ticket}`;
    const first = await opens(path);
    assert.equal(first.status, 200);
    const c = cookieOf({ headers: first.headers });
    assert.equal(c.attributes.path, s.path);
    assert.equal(c.attributes.httponly, true);
    assert.equal((await opens(path)).status, 401, 'spent');
    assert.equal((await opens(path, { headers: { Cookie: c.pair } })).status, 200);
    ok(await browse('GET', `${s.path}/messages`, { cookies: [c] }));
  });
  test('works for poll', async () => {
    const s = await stack.session();
    const t = await issue(s);
    const r = await call(stack.base, 'GET', `${s.path}/poll?stream_ticket=${t.ticket}`);
    ok(r);
    cookieOf(r);
    refused(await call(stack.base, 'GET', `${s.path}/poll?stream_ticket=${t.ticket}`), 'UNAUTHENTICATED');
  });
  test('raced a hundred times: one gets in', async () => {
    const s = await stack.session();
    const t = await issue(s);
    const all = await Promise.all(Array.from({ length: 100 }, () => call(stack.base, 'GET', `${s.path}/poll?stream_ticket=${t.ticket}`, { agent: false })));
    assert.equal(all.filter((r) => r.status === 200).length, 1);
    assert.equal(all.filter((r) => r.status === 401).length, 99);
  });
  test('of another session, invented, empty, twice: refused, and the real one is not spent by it', async () => {
    const [s, other] = [await stack.session(), await stack.session()];
    const t = await issue(s);
    for (const query of [`stream_ticket=${rnd(16)}`, 'stream_ticket=', 'stream_ticket=x', `stream_ticket=${t.ticket}&stream_ticket=${t.ticket}`]) {
      const r = await call(stack.base, 'GET', `${s.path}/events?${query}`);
      refused(r, ['UNAUTHENTICATED', 'BAD_REQUEST'], query);
    }
    refused(await call(stack.base, 'GET', `${other.path}/events?stream_ticket=${t.ticket}`), ['UNAUTHENTICATED', 'NOT_FOUND']);
    refused(await call(stack.base, 'GET', `${s.path}/messages?stream_ticket=${rnd(16)}`), 'UNAUTHENTICATED', 'only streams take them');
  });
  test('beside a ticket or `as` of somebody else: 400', async () => {
    const s = await stack.session();
    const t = await issue(s);
    refused(await call(stack.base, 'GET', `${s.path}/poll?stream_ticket=${t.ticket}`, { ticket: s.tickets.counselor }), 'BAD_REQUEST');
    const u = await issue(s);
    const c = await enter(s, 'counselor');
    refused(await browse('GET', `${s.path}/poll?stream_ticket=${u.ticket}&as=${c.as}`, { cookies: [c] }), 'BAD_REQUEST');
  });
  test('ends with its 30 seconds', async () => {
    const s = await stack.session();
    const t = await issue(s);
    await sleep(t.expiresAt - Date.now() + 500);
    refused(await call(stack.base, 'GET', `${s.path}/events?stream_ticket=${t.ticket}`), 'UNAUTHENTICATED');
  });
  test('is nowhere in the logs', async () => {
    const s = await stack.session();
    const t = await issue(s);
    ok(await call(stack.base, 'GET', `${s.path}/poll?stream_ticket=${t.ticket}`));
    await call(stack.base, 'GET', `${s.path}/poll?stream_ticket=${t.ticket}`);
    assert.ok(!stack.logs().includes(t.ticket));
  });
});
