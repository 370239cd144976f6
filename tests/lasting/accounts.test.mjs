// Accounts (design §6): made, used, changed, deleted; either credential accepted everywhere; and nothing told to those who ask around.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { call, now_s, rnd } from '../lib/client.mjs';
import { ok, refused } from '../lib/contract.mjs';
import { claimsOf, mint } from '../lib/jwt.mjs';
import { startStack } from '../lib/stack.mjs';
import { onBoth, rows } from '../worker/helpers.mjs';
import { account, auth, browse, logIn, loginCookie, password } from './accounts.mjs';

const listed = 'https://app.example.org';
const generous = { ROOM_LOGINS: '1000/900', ROOM_LOGINS_ALL: '1000/900', ROOM_LOGINS_ADDRESS: '1000/900', ROOM_REGISTRATIONS: '1000/900' };

onBoth('accounts', (db) => {
  let stack;
  before(async () => { stack = await startStack({ env: { ...(await db.env()), ...generous, ROOM_ORIGINS: listed } }); });
  after(() => stack?.stop());

  test('registered, logged in, known by token and by cookie, logged out', async () => {
    const login = `Ann.${rnd()}@Example.org`;
    assert.deepEqual(ok(await auth(stack, 'POST', 'register', { login, password, name: 'Ann Ø' }), 202), { status: 'accepted' });
    const r = await auth(stack, 'POST', 'login', { login: login.toUpperCase(), password });
    const { token, expiresAt, user } = ok(r);
    assert.match(user.id, /^acct_[A-Za-z0-9]{22}$/);
    assert.deepEqual(user, { id: user.id, name: 'Ann Ø' });
    assert.ok(expiresAt > Date.now() + 3600_000 && expiresAt <= Date.now() + 25 * 3600_000, `${expiresAt}`);
    const { exp, sid, ...claims } = claimsOf(token);
    assert.deepEqual(claims, { iss: 'reading-room', role: 'user', userId: user.id });
    assert.equal(exp * 1000, expiresAt);
    assert.match(sid, /^[0-9a-f]{32}$/);
    const cookie = loginCookie(r);
    assert.notEqual(cookie.value, sid, 'the token does not give the cookie away');
    const want = { user, login: login.toLowerCase() };
    for (const me of [await stack.as(token).get('/auth/me'), await browse(stack, [cookie.pair], 'GET', '/auth/me'), await stack.as(token).get('/auth/me', undefined, { headers: { Cookie: cookie.pair } })]) {
      const { createdAt, expiresAt: until, ...rest } = ok(me);
      assert.deepEqual(rest, want);
      assert.ok(Math.abs(createdAt - Date.now()) < 60_000 && until > Date.now());
    }
    const out = await browse(stack, [cookie.pair], 'POST', '/auth/logout', {});
    ok(out, 204);
    assert.match(loginCookie(out).line, /Max-Age=0/);
    refused(await stack.as(token).get('/auth/me'), 'UNAUTHENTICATED');
    refused(await browse(stack, [cookie.pair], 'GET', '/auth/me'), 'UNAUTHENTICATED');
    assert.deepEqual(await rows(stack, `SELECT COUNT(*) FROM logins WHERE id = '${cookie.value}'`), [['0']], 'the cookie itself is kept nowhere');
  });

  test('the cookie: HttpOnly, Lax, for everything, thirty days; Secure and None only for a listed page elsewhere', async () => {
    const a = await account(stack);
    assert.deepEqual(a.cookie.attributes, { path: '/', 'max-age': String(30 * 86400), httponly: true, samesite: 'Lax' });
    assert.match(a.cookie.value, /^[0-9a-f]{32}$/);
    const there = await logIn(stack, a.login, password, { headers: { Origin: listed } });
    assert.equal(there.cookie.attributes.samesite, 'None');
    assert.equal(there.cookie.attributes.secure, true);
  });

  test('what is no login, no password, no name', async () => {
    const good = { login: `u${rnd()}`, password, name: 'Ann' };
    const bad = {
      login: ['', 'ab', 'x'.repeat(65), 'a b c', 'ann/../', 'änn', 'ann\n', null, 7, ['ann']],
      password: ['', '1234567', 'p'.repeat(129), 'password1', 'PASSWORD1', '12345678', 'zzzzzzzzzzzz', ' '.repeat(12), '\u200b'.repeat(12), null, 12345678, `${good.login}`],
      name: ['', ' ', 'a\nb', 'a\u0000b', '\u200b', 'x'.repeat(97), null, 7],
    };
    good.login = 'longenough';
    bad.password.push('LongEnough');
    for (const [member, values] of Object.entries(bad)) for (const value of values) {
      if (value === bad.password[11]) continue; // another login's name is fine
      refused(await auth(stack, 'POST', 'register', { ...good, [member]: value }), ['BAD_REQUEST', 'BAD_CONTENT'], `${member} ${JSON.stringify(value)}`);
    }
    assert.deepEqual(await rows(stack, "SELECT COUNT(*) FROM accounts WHERE login = 'longenough'"), [['0']]);
    refused(await auth(stack, 'POST', 'register', good, { headers: { 'Content-Type': 'text/plain' } }), 'UNSUPPORTED_TYPE');
    refused(await auth(stack, 'POST', 'login', { login: 'longenough' }), 'BAD_REQUEST');
    for (const secret of ['8 bytes!', '🐎'.repeat(32)]) await account(stack, { secret });
  });

  test('nobody learns whether there is an account: register and login answer alike, byte for byte', async () => {
    const a = await account(stack);
    const strip = ({ status, text, headers: { date, 'x-request-id': id, ...headers } }) => ({ status, text, headers });
    const fresh = await auth(stack, 'POST', 'register', { login: `u${rnd()}`, password, name: 'Eve' });
    const taken = await auth(stack, 'POST', 'register', { login: a.login, password: 'something else 9', name: 'Eve' });
    assert.deepEqual(strip(taken), strip(fresh));
    const wrong = await auth(stack, 'POST', 'login', { login: a.login, password: 'something else 9' });
    const unknown = await auth(stack, 'POST', 'login', { login: `u${rnd()}`, password: 'something else 9' });
    const impossible = await auth(stack, 'POST', 'login', { login: 'ä b', password: 'something else 9' });
    refused(wrong, 'UNAUTHENTICATED');
    assert.deepEqual(strip(unknown), strip(wrong));
    assert.deepEqual(strip(impossible), strip(wrong));
    assert.equal((await logIn(stack, a.login)).name, 'Ann', 'nothing changed');
  });

  test('refresh: a new token from either, the cookie lasts longer; not for MainServer\'s', async () => {
    const a = await account(stack);
    const by_cookie = await a.browse('POST', '/auth/refresh', {});
    assert.equal(claimsOf(ok(by_cookie).token).sid, claimsOf(a.token).sid);
    for (const r of [by_cookie, await a.browse('GET', '/auth/me')]) {
      assert.equal(loginCookie(r).pair, a.cookie.pair);
      assert.deepEqual(loginCookie(r).attributes, a.cookie.attributes, 'for another thirty days');
    }
    const by_token = await a.api.post('/auth/refresh', {});
    assert.deepEqual(ok(by_token).user, { id: a.id, name: 'Ann' });
    assert.equal(loginCookie(by_token), undefined);
    ok(await stack.as(by_token.json.token).get('/auth/me'));
    refused(await stack.as(stack.user('u1')).post('/auth/refresh', {}), 'FORBIDDEN');
    ok(await a.api.post('/auth/logout', {}), 204);
    for (const token of [a.token, by_token.json.token, by_cookie.json.token]) refused(await stack.as(token).get('/auth/me'), 'UNAUTHENTICATED');
  });

  test('logging in again in the same browser ends the login that was there; elsewhere both stand', async () => {
    const a = await account(stack);
    const elsewhere = await logIn(stack, a.login);
    const again = await logIn(stack, a.login, password, { headers: { Cookie: a.cookie.pair, Origin: stack.base } });
    refused(await a.browse('GET', '/auth/me'), 'UNAUTHENTICATED');
    ok(await again.browse('GET', '/auth/me'));
    ok(await elsewhere.browse('GET', '/auth/me'));
  });

  test('logging out everywhere', async () => {
    const a = await account(stack);
    const others = [await logIn(stack, a.login), await logIn(stack, a.login)];
    const bystander = await account(stack);
    ok(await others[0].browse('POST', '/auth/logout', { everywhere: true }), 204);
    for (const l of [a, ...others]) refused(await l.api.get('/auth/me'), 'UNAUTHENTICATED');
    ok(await bystander.api.get('/auth/me'));
    ok(await others[1].api.post('/auth/logout', {}), 204, 'whoever is out already may leave');
    refused(await others[1].api.post('/auth/logout', { everywhere: true }), 'UNAUTHENTICATED', 'but decides no more about others');
  });

  test('another name, another password: the old one is wrong, all other logins end', async () => {
    const a = await account(stack);
    const other = await logIn(stack, a.login);
    ok(await a.api.put('/auth/me', { name: 'Anna' }), 204);
    assert.equal(ok(await other.api.get('/auth/me')).user.name, 'Anna');
    refused(await a.api.put('/auth/password', { password: 'wrong horse 10', newPassword: 'new horse 11' }), 'FORBIDDEN');
    refused(await a.api.put('/auth/password', { password, newPassword: 'password1' }), 'BAD_REQUEST');
    refused(await a.api.put('/auth/password', { password }), 'BAD_REQUEST');
    ok(await other.api.get('/auth/me'), 200, 'nothing happened yet');
    ok(await a.api.put('/auth/password', { password, newPassword: 'new horse 11' }), 204);
    ok(await a.api.get('/auth/me'), 200, 'who changed it stays');
    refused(await other.api.get('/auth/me'), 'UNAUTHENTICATED');
    refused(await auth(stack, 'POST', 'login', { login: a.login, password }), 'UNAUTHENTICATED');
    await logIn(stack, a.login, 'new horse 11');
  });

  test('deleted: every login ends, all conversations are left, the name is gone, the login free again', async () => {
    const a = await account(stack, { name: 'Zerlina' });
    const other = await logIn(stack, a.login);
    const u = stack.as(stack.user('u_bob', { name: 'Bob' }));
    const group = ok(await u.post('/api/conversations', { type: 'group', title: 'g', participants: [a.id] }), 201);
    const direct = ok(await u.post('/api/conversations', { type: 'direct', participants: [a.id] }), 201);
    const own = ok(await a.api.post('/api/conversations', { type: 'group', title: 'mine', participants: [] }), 201);
    ok(await a.api.post(`/api/conversations/${group.id}/messages`, { content: 'hello' }), 201);
    refused(await a.api.delete('/auth/me', { password: 'wrong horse 10' }), 'FORBIDDEN');
    ok(await a.api.get('/auth/me'));
    ok(await a.api.delete('/auth/me', { password }), 204);
    for (const l of [a, other]) {
      refused(await l.api.get('/auth/me'), 'UNAUTHENTICATED');
      refused(await l.browse('GET', '/auth/me'), 'UNAUTHENTICATED');
    }
    refused(await auth(stack, 'POST', 'login', { login: a.login, password }), 'UNAUTHENTICATED');
    for (const c of [group, direct]) {
      const seen = ok(await u.get(`/api/conversations/${c.id}/participants`));
      assert.deepEqual(seen.participants.map((p) => p.participant), ['u_bob'], c.type);
    }
    const history = ok(await u.get(`/api/conversations/${group.id}/messages`));
    assert.deepEqual(history.messages.map((m) => [m.sender, m.content]), [[a.id, 'hello']], 'what was said stays');
    assert.deepEqual(await rows(stack, `SELECT COUNT(*) FROM conversations WHERE id = '${own.id}'`), [['0']], 'where nobody is left');
    assert.deepEqual(await rows(stack, `SELECT id FROM people WHERE name = 'Zerlina'`), []);
    assert.notEqual((await account(stack, { login: a.login })).id, a.id, 'somebody else');
  });

  test('MainServer\'s users work without an account: named by their token, when it says so', async () => {
    const u = `u_${rnd()}`;
    const me = async (claims) => ok(await stack.as(stack.user(u, claims)).get('/auth/me')).user;
    assert.deepEqual(await me({}), { id: u, name: '' });
    assert.deepEqual(await me({ name: 'Uli' }), { id: u, name: 'Uli' });
    assert.deepEqual(await me({}), { id: u, name: 'Uli' }, 'not said is not unsaid');
    assert.deepEqual(await me({ name: 'Ulrike' }), { id: u, name: 'Ulrike' });
    const api = stack.as(stack.user(u));
    for (const r of [await api.put('/auth/me', { name: 'x' }), await api.put('/auth/password', { password, newPassword: 'new horse 11' }), await api.delete('/auth/me', { password })]) refused(r, 'FORBIDDEN');
    ok(await api.post('/auth/logout', {}), 204);
    ok(await api.get('/auth/me'), 200, 'MainServer\'s token is MainServer\'s');
  });

  test('forged and mixed tokens', async () => {
    const a = await account(stack);
    const b = await account(stack);
    const { sid } = claimsOf(a.token);
    const ours = (claims) => mint({ iss: 'reading-room', role: 'user', ...claims }, stack.secret);
    ok(await stack.as(ours({ userId: a.id, sid })).get('/auth/me'), 200, 'the form is right');
    const wrong = {
      'sid of another': ours({ userId: b.id, sid }),
      'a sid nobody has': ours({ userId: a.id, sid: rnd(16) }),
      'no sid': ours({ userId: a.id }),
      'a sid that is a cookie': ours({ userId: a.id, sid: a.cookie.value }),
      'ours, but MainServer\'s user': ours({ userId: 'u1', sid }),
      'ours, but service': ours({ role: 'service' }),
      'MainServer for an account': mint({ role: 'user', userId: a.id }, stack.secret),
      'MainServer for an account, with sid': mint({ role: 'user', userId: a.id, sid }, stack.secret),
      'a user with a session': mint({ role: 'user', userId: 'u1', sessionId: 's1' }, stack.secret),
      'another secret': mint({ iss: 'reading-room', role: 'user', userId: a.id, sid }, `${stack.secret}x`),
      'expired': ours({ userId: a.id, sid, exp: now_s() - 1 }),
      'far ahead': ours({ userId: a.id, sid, exp: now_s() + 26 * 3600 }),
    };
    for (const [what, token] of Object.entries(wrong)) for (const path of ['/auth/me', '/api/conversations', '/api/conversations/conv_x/messages'])
      refused(await stack.as(token).get(path), what === 'expired' ? 'TICKET_EXPIRED' : 'UNAUTHENTICATED', `${what} ${path}`);
    for (const token of [a.token, stack.user('u1')]) for (const path of ['/auth/me', '/api/conversations', '/api/conversations/conv_x/messages'])
      refused(await call(stack.base, 'GET', `${path}?token=${token}`), 'UNAUTHENTICATED', 'a token in the query');
  });

  test('of the other kind: session tickets on users\' routes and users on sessions\'', async () => {
    const s = await stack.session();
    const a = await account(stack);
    const student = stack.as(s.tickets.student);
    for (const [method, path] of [['get', '/auth/me'], ['get', '/api/conversations'], ['post', '/api/stream-ticket'], ['post', '/api/cookie'], ['post', '/auth/refresh']])
      refused(await student[method](path, method === 'post' ? {} : undefined), 'FORBIDDEN', path);
    refused(await student.get(`${s.path}/participants`), 'NOT_FOUND');
    for (const user of [a.api, stack.as(stack.user('u1')), stack.as(stack.user(s.counselor))]) {
      for (const [method, path] of [['get', '/messages'], ['post', '/messages'], ['get', '/presence'], ['delete', ''], ['post', '/end'], ['get', '/summary'], ['put', '/device'], ['post', '/cookie'], ['post', '/stream-ticket'], ['get', '/poll'], ['put', '/alive']])
        refused(await user[method](`${s.path}${path}`, method === 'get' ? undefined : { content: 'x', cursor: '0-000000000000' }), 'NOT_FOUND', `${method} ${path}`);
      refused(await user.get(`/api/sessions/${s.id}`), 'FORBIDDEN');
      refused(await user.get('/api/desk'), 'FORBIDDEN');
    }
    refused(await a.browse('POST', `${s.path}/end`, {}), 'NOT_FOUND', 'by cookie');
    ok(await student.get(`${s.path}/messages`, undefined, { headers: { Cookie: a.cookie.pair } }), 200, 'a login cookie beside a ticket says nothing about a session');
    ok(await student.get(`${s.path}/messages`));
  });

  test('credentials that disagree: 400; that agree: fine', async () => {
    const a = await account(stack);
    const b = await account(stack);
    const get = (token, pair) => stack.as(token).get('/auth/me', undefined, { headers: { Cookie: pair } });
    refused(await get(a.token, b.cookie.pair), 'BAD_REQUEST');
    refused(await get(stack.user('u1'), b.cookie.pair), 'BAD_REQUEST');
    refused(await browse(stack, [a.cookie.pair, b.cookie.pair], 'GET', '/auth/me'), 'BAD_REQUEST');
    ok(await get(a.token, a.cookie.pair));
    const second = await logIn(stack, a.login);
    ok(await get(a.token, second.cookie.pair), 200, 'another login of the same person');
    ok(await b.api.post('/auth/logout', {}), 204);
    ok(await get(a.token, b.cookie.pair), 200, 'a cookie that is over says nothing');
    for (const pair of ['room_login=', 'room_login=x', `room_login=${'0'.repeat(32)}`, `room_login=${a.cookie.value}0`, `room_login=${a.cookie.value.toUpperCase()}x`])
      refused(await browse(stack, [pair], 'GET', '/auth/me'), 'UNAUTHENTICATED', pair);
  });

  test('no page elsewhere acts with our cookies, logs in or out', async () => {
    const a = await account(stack);
    for (const origin of ['https://evil.example', 'null', `${stack.base}.evil.example`, 'https://app.example.org.evil']) {
      for (const [method, path, json] of [['POST', '/auth/logout', {}], ['POST', '/auth/refresh', {}], ['PUT', '/auth/me', { name: 'x' }], ['DELETE', '/auth/me', { password }], ['PUT', '/auth/password', { password, newPassword: 'new horse 11' }], ['POST', '/api/stream-ticket', {}], ['POST', '/api/conversations', { type: 'group', participants: [] }]])
        refused(await a.browse(method, path, json, { origin }), 'FORBIDDEN', `${origin} ${path}`);
      refused(await a.browse('GET', '/auth/me', undefined, { origin }), 'FORBIDDEN');
      refused(await auth(stack, 'POST', 'login', { login: a.login, password }, { headers: { Origin: origin } }), 'FORBIDDEN');
      refused(await auth(stack, 'POST', 'register', { login: `u${rnd()}`, password, name: 'x' }, { headers: { Origin: origin } }), 'FORBIDDEN');
      const asked = await call(stack.base, 'OPTIONS', '/auth/login', { headers: { Origin: origin, 'Access-Control-Request-Method': 'POST' } });
      assert.equal(asked.headers['access-control-allow-origin'], undefined);
    }
    refused(await browse(stack, [a.cookie.pair], 'PUT', '/auth/me', { name: 'x' }, { origin: null }), 'FORBIDDEN', 'a write that does not say where it comes from');
    refused(await call(stack.base, 'POST', '/auth/logout', { body: 'x=1', headers: { Cookie: a.cookie.pair, Origin: stack.base, 'Content-Type': 'application/x-www-form-urlencoded' } }), 'UNSUPPORTED_TYPE');
    ok(await a.browse('GET', '/auth/me'), 200, 'nothing of it had an effect');
    const there = await a.browse('GET', '/auth/me', undefined, { origin: listed });
    ok(there);
    assert.equal(there.headers['access-control-allow-origin'], listed);
    assert.equal(there.headers['access-control-allow-credentials'], 'true');
    ok(await a.browse('PUT', '/auth/me', { name: 'Listed' }, { origin: listed }), 204);
  });

  test('POST /api/cookie: a bearer\'s token as a cookie, chosen by ?as=, gone by DELETE', async () => {
    const enter = async (token, more = {}) => {
      const r = await stack.as(token).post('/api/cookie', {}, more);
      const line = [].concat(r.headers['set-cookie'])[0];
      assert.match(line, /^room_user_[0-9a-f]{8}=[^;]+; Path=\/; HttpOnly; SameSite=Strict$/);
      assert.equal(line.slice(0, 18), `room_user_${ok(r).as}`);
      return { pair: line.split(';')[0], as: r.json.as };
    };
    const u1 = await enter(stack.user('u_1', { name: 'One' }));
    const u2 = await enter(stack.user('u_2', { name: 'Two' }), { headers: { Cookie: u1.pair } });
    const me = async (pairs, query = '') => browse(stack, pairs, 'GET', `/auth/me${query}`);
    assert.equal(ok(await me([u1.pair])).user.id, 'u_1');
    refused(await me([u1.pair, u2.pair]), 'BAD_REQUEST');
    assert.equal(ok(await me([u1.pair, u2.pair], `?as=${u2.as}`)).user.id, 'u_2');
    const a = await account(stack);
    refused(await me([u1.pair, a.cookie.pair]), 'BAD_REQUEST');
    assert.equal(ok(await me([u1.pair, a.cookie.pair], `?as=${u1.as}`)).user.id, 'u_1');
    refused(await me([a.cookie.pair], `?as=${u1.as}`), 'UNAUTHENTICATED');
    refused(await me([`room_user_${u1.as}=${u2.pair.split('=')[1]}`]), 'UNAUTHENTICATED', 'somebody\'s token under another\'s name');
    const mine = await enter(a.token);
    assert.equal(ok(await me([mine.pair])).user.id, a.id);
    const one = await browse(stack, [u1.pair, u2.pair], 'DELETE', `/api/cookie?as=${u2.as}`);
    ok(one, 204);
    assert.deepEqual([].concat(one.headers['set-cookie']).map((l) => l.split('=')[0]), [`room_user_${u2.as}`]);
    refused(await browse(stack, [u1.pair], 'DELETE', '/api/cookie?as=x'), 'BAD_REQUEST');
    refused(await browse(stack, [u1.pair], 'DELETE', '/api/cookie', undefined, { origin: 'https://evil.example' }), 'FORBIDDEN');
    const cleared = await browse(stack, [u1.pair, u2.pair], 'DELETE', '/api/cookie');
    ok(cleared, 204);
    assert.equal([].concat(cleared.headers['set-cookie']).length, 2);
    ok(await a.api.post('/auth/logout', {}), 204);
    refused(await me([mine.pair]), 'UNAUTHENTICATED', 'it ends with its login');
  });

  test('no password, login or cookie in any log', async () => {
    const login = `canary${rnd()}`;
    const secret = `secret ${rnd()}`;
    const a = await account(stack, { login, secret, name: `name${rnd()}` });
    await auth(stack, 'POST', 'login', { login, password: `${secret}x` });
    await call(stack.base, 'POST', '/auth/login', { body: `{"login":"${login}","password":"${secret}"`, headers: { 'Content-Type': 'application/json' } });
    ok(await a.api.put('/auth/password', { password: secret, newPassword: `${secret} new` }), 204);
    ok(await a.api.delete('/auth/me', { password: `${secret} new` }), 204);
    const logs = stack.logs();
    for (const [what, text] of Object.entries({ login, secret, name: a.name, cookie: a.cookie.value, token: a.token, sid: claimsOf(a.token).sid })) assert.ok(!logs.includes(text), what);
    assert.deepEqual(await rows(stack, `SELECT COUNT(*) FROM accounts WHERE login = '${login}'`), [['0']]);
  });
});

describe('where accounts are not made', () => {
  test('403, for every login alike', async () => {
    const stack = await startStack({ env: { ROOM_REGISTRATION: '0' } });
    try {
      refused(await auth(stack, 'POST', 'register', { login: 'ann', password, name: 'Ann' }), 'FORBIDDEN');
      ok(await stack.as(stack.user('u1')).get('/auth/me'));
    } finally {
      await stack.stop();
    }
  });
});
