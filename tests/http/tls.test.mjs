// The same over TLS and HTTP/2 (ROOM_TLS=1, a self-signed certificate): cookies become Secure, streams flow, errors keep their body.
import assert from 'node:assert/strict';
import http2 from 'node:http2';
import { after, before, test } from 'node:test';
import { errorBody, ok, refused } from '../lib/contract.mjs';
import { SseParser, call, slow, until } from '../lib/client.mjs';
import { rnd } from '../lib/jwt.mjs';
import { startStack } from '../lib/stack.mjs';

let stack, session, s;
before(async () => {
  stack = await startStack({ env: { ROOM_TLS: '1', ROOM_ORIGINS: 'https://app.example.org' } });
  s = await stack.session();
  session = http2.connect(stack.base, { rejectUnauthorized: false });
  await new Promise((done, fail) => session.once('connect', done).once('error', fail));
});
after(async () => { session?.destroy(); await stack?.stop(); });

// One request over HTTP/2: {status, headers, text, json, code}; onData sees a stream's bytes as they come.
function h2(method, path, { ticket, body, headers = {}, onData } = {}) {
  return new Promise((done, fail) => {
    const req = session.request({ ':method': method, ':path': path, ...(body === undefined || headers['content-length'] === null ? {} : { 'content-length': Buffer.byteLength(body) }), ...(ticket ? { authorization: `Bearer ${ticket}` } : {}), ...Object.fromEntries(Object.entries(headers).filter(([, v]) => v !== null)) });
    req.setTimeout(20_000 * slow, () => { req.close(); fail(new Error(`nothing for 20 s on ${path}`)); });
    let head;
    let text = '';
    req.on('response', (h) => { head = h; if (onData) done({ status: h[':status'], headers: h, close: () => req.close() }); });
    req.on('data', (d) => { if (onData) onData(d); else text += d; });
    req.on('error', fail);
    req.on('end', () => { let json; try { json = JSON.parse(text); } catch { /* none */ } done({ status: head[':status'], headers: head, text, json, code: json?.error?.code }); });
    req.end(body);
  });
}

test('the base is https, and HTTP/2 is agreed', () => {
  assert.match(stack.base, /^https:/);
  assert.equal(session.alpnProtocol, 'h2');
});
test('cookies are Secure; a listed foreign page gets SameSite=None', async () => {
  for (const [origin, site] of [[stack.base, 'Strict'], ['https://app.example.org', 'None']]) {
    const r = await call(stack.base, 'POST', `${s.path}/cookie`, { ticket: s.tickets.student, json: {}, headers: { Origin: origin } });
    ok(r);
    const [line] = [].concat(r.headers['set-cookie']);
    assert.match(line, /; *Secure/i);
    assert.match(line, new RegExp(`SameSite=${site}`));
  }
});
test('the login cookie is this host\'s own: one that a neighbour under the same domain plants is nobody\'s', async () => {
  const account = async () => {
    const who = { login: `u${rnd()}`, password: 'a horse of 9 colours' };
    ok(await call(stack.base, 'POST', '/auth/register', { json: { ...who, name: who.login } }), 202);
    const r = await call(stack.base, 'POST', '/auth/login', { json: who });
    ok(r);
    const [line] = [].concat(r.headers['set-cookie']);
    assert.match(line, /^__Host-room_login=[0-9a-f]{32}; Path=\/; Max-Age=\d+; HttpOnly; SameSite=Lax; Secure$/);
    return { name: who.login, pair: line.split(';')[0] };
  };
  const [me, other] = [await account(), await account()];
  const planted = other.pair.replace('__Host-', '');
  const as = (...pairs) => call(stack.base, 'GET', '/auth/me', { headers: { Cookie: pairs.join('; ') } });
  assert.equal(ok(await as(me.pair)).user.name, me.name);
  refused(await as(planted), 'UNAUTHENTICATED');
  assert.equal(ok(await as(planted, me.pair)).user.name, me.name);
  const out = await call(stack.base, 'POST', '/auth/logout', { json: {}, headers: { Cookie: me.pair, Origin: stack.base } });
  assert.equal(out.status, 204);
  assert.ok([].concat(out.headers['set-cookie']).some((line) => /^__Host-room_login=; Path=\/; Max-Age=0; .*Secure/.test(line)), String(out.headers['set-cookie']));
  refused(await as(me.pair), 'UNAUTHENTICATED');
});
test('a stream over HTTP/2 says what it must, live and resumed; a poll beside it', async () => {
  const events = [];
  const parser = new SseParser((e) => events.push({ ...e, data: JSON.parse(e.data) }));
  const st = await h2('GET', `${s.path}/events`, { ticket: s.tickets.counselor, onData: (d) => parser.push(d) });
  assert.equal(st.status, 200);
  await until('ready', () => events.some((e) => e.event === 'ready'));
  const sent = [];
  for (let i = 0; i < 30; i++) {
    const r = await h2('POST', `${s.path}/messages`, { ticket: s.tickets.student, headers: { 'content-type': 'application/json' }, body: JSON.stringify({ content: `${i} ${'é\r\n'.repeat(1000)}` }) });
    sent.push(ok(r, 201).cursor);
  }
  await until('all', () => events.filter((e) => e.event === 'message:new').length === 30);
  assert.deepEqual(events.filter((e) => e.event === 'message:new').map((e) => e.id), sent);
  st.close();
  const poll = ok(await h2('GET', `${s.path}/poll?wait=5&after=${sent[9]}`, { ticket: s.tickets.counselor }));
  assert.equal(poll.events.find((e) => e.id).id, sent[10]);
});
test('eight streams on one connection, each its own', async () => {
  const counts = Array(8).fill(0);
  const parsers = counts.map((_, i) => new SseParser((e) => { if (e.event === 'message:new') counts[i]++; }));
  const ready = counts.map(() => false);
  const streams = await Promise.all(parsers.map((p, i) => h2('GET', `${s.path}/events`, { ticket: s.tickets.student, onData: (d) => { ready[i] = true; p.push(d); } })));
  await until('all ready', () => ready.every(Boolean));
  ok(await call(stack.base, 'POST', `${s.path}/messages`, { ticket: s.tickets.counselor, json: { content: 'x' } }), 201);
  await until('all told', () => counts.every((n) => n === 1));
  for (const st of streams) st.close();
});
test('errors keep their body, lighttpd’s too', async () => {
  refused(await h2('GET', `${s.path}/messages`), 'UNAUTHENTICATED');
  refused(await h2('POST', `${s.path}/messages`, { ticket: s.tickets.student, headers: { 'content-type': 'application/json' }, body: '{' }), 'BAD_JSON');
  const big = await call(stack.base, 'POST', `${s.path}/messages`, { ticket: s.tickets.student, body: ' '.repeat(70_000), headers: { 'Content-Type': 'application/json' } });
  assert.equal(big.status, 413);
  errorBody(big);
  const endless = await h2('POST', `${s.path}/messages`, { ticket: s.tickets.student, headers: { 'content-type': 'application/json', 'content-length': null }, body: '{"content":"of no announced length"}' });
  assert.ok([201, 411].includes(endless.status), String(endless.status));
  assert.equal(typeof (endless.json.id ?? endless.json.error.code), endless.status === 201 ? 'number' : 'string');
  const none = await h2('GET', '/nope');
  assert.equal(none.status, 404);
  errorBody(none);
});
