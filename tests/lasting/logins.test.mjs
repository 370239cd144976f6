// Logins stand until they are ended, and then nowhere any more: on no process, in no open stream, by no old memory of Redis. And passwords are not for trying.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Stream, call, rnd, until } from '../lib/client.mjs';
import { ok, refused } from '../lib/contract.mjs';
import { claimsOf } from '../lib/jwt.mjs';
import { startStack } from '../lib/stack.mjs';
import { runWorker } from '../lib/worker.mjs';
import { onBoth, rows } from '../worker/helpers.mjs';
import { account, auth, logIn, password } from './accounts.mjs';

const generous = { ROOM_LOGINS: '1000/900', ROOM_LOGINS_ALL: '1000/900', ROOM_LOGINS_ADDRESS: '1000/900', ROOM_REGISTRATIONS: '1000/900' };
// The same many times on connections of their own, so that every process gets some.
const everywhere = async (fn, n = 24) => Promise.all(Array.from({ length: n }, () => fn({ agent: false })));
const me = (stack, l) => (options) => call(stack.base, 'GET', '/auth/me', { ticket: l.token, ...options });
const key = (l) => `{0}:login:${claimsOf(l.token).sid}`;

onBoth('logins', (db) => {
  let stack;
  before(async () => { stack = await startStack({ env: { ...(await db.env()), ...generous, ROOM_APIS: '3', ROOM_WORKER: '0' } }); });
  after(() => stack?.stop());

  test('remembered by Redis for five minutes, under no name that is a secret', async () => {
    const a = await account(stack);
    ok(await a.api.get('/auth/me'));
    const value = await until('Redis to know it', () => stack.redis('GET', key(a)));
    assert.match(value, new RegExp(`^${a.id} [0-9]{13}$`));
    const ttl = Number(await stack.redis('TTL', key(a)));
    assert.ok(ttl > 200 && ttl <= 300, `${ttl}`);
    const keys = await stack.redis('KEYS', '*');
    assert.ok(!keys.includes(a.cookie.value));
  });

  test('revoked on all processes at once, token and cookie', async () => {
    const a = await account(stack);
    for (const r of await everywhere(me(stack, a))) ok(r);
    ok(await a.browse('POST', '/auth/logout', {}), 204);
    for (const r of await everywhere(me(stack, a))) refused(r, 'UNAUTHENTICATED');
    for (const r of await everywhere((o) => a.browse('GET', '/auth/me', undefined, o))) refused(r, 'UNAUTHENTICATED');
    assert.equal(await stack.redis('GET', key(a)), '-');
  });

  test('logging out takes the feed\'s own cookie along, which rests on no login that could be revoked', async () => {
    const u = stack.user(`u_${rnd(4)}`);
    const { ticket } = ok(await stack.as(u).post('/api/stream-ticket', {}), 201);
    const stream = new Stream(stack.base, `/api/events?stream_ticket=${ticket}`);
    await stream.opened;
    stream.close();
    const [, name] = /^(room_user_[0-9a-f]{8})=[^;]+; Path=\/api\/events;/.exec([].concat(stream.headers['set-cookie'])[0]);
    const r = await stack.as(u).post('/auth/logout', {});
    assert.equal(r.status, 204);
    assert.ok([].concat(r.headers['set-cookie'] ?? []).some((line) => line.startsWith(`${name}=; Path=/api/events; Max-Age=0;`)), String(r.headers['set-cookie']));
  });

  test('one too many ends the oldest, on all processes at once', async () => {
    const a = await account(stack);
    for (const r of await everywhere(me(stack, a))) ok(r);
    await until('Redis to know it', async () => (await stack.redis('GET', key(a))).startsWith(a.id));
    const hex = () => Array.from({ length: 32 }, () => '0123456789abcdef'[Math.floor(Math.random() * 16)]).join('');
    const now = Date.now();
    await rows(stack, `INSERT INTO logins (id, person, created_at, expires_at) VALUES ${Array.from({ length: 99 }, () => `('${hex()}', '${a.id}', ${now}, ${now + 86400_000})`).join(', ')}`);
    const b = await logIn(stack, a.login);
    for (const r of await everywhere(me(stack, a))) refused(r, 'UNAUTHENTICATED');
    assert.equal(await stack.redis('GET', key(a)), '-');
    for (const r of await everywhere(me(stack, b))) ok(r);
  });

  test('what Redis still believes when it comes back is not believed', async () => {
    const a = await account(stack);
    const b = await account(stack);
    for (const l of [a, b]) for (const r of await everywhere(me(stack, l))) ok(r);
    await until('Redis to know both', async () => (await stack.redis('EXISTS', key(a), key(b))) === '2');
    const pid = stack.kill('redis', 'SIGSTOP');
    ok(await a.api.post('/auth/logout', {}, { agent: false }), 204, 'without Redis, too');
    refused(await me(stack, a)({ agent: false }), 'UNAUTHENTICATED', 'SQL says so');
    ok(await me(stack, b)({ agent: false }), 200, 'and that the other one stands');
    stack.kill('redis', 'SIGKILL');
    await stack.replaced('redis', pid);
    await until('Redis to answer', async () => (await stack.redis('PING')) === 'PONG');
    const before = await stack.redis('GET', key(a));
    for (let i = 0; i < 5; i++) for (const r of await everywhere(me(stack, a))) refused(r, 'UNAUTHENTICATED', `Redis had ${before}`);
    await until('Redis to learn it', async () => (await stack.redis('GET', key(a))) === '-');
    for (const r of await everywhere(me(stack, b))) ok(r);
  });

  test('a login that Redis never heard of, and one it lost', async () => {
    const a = await account(stack);
    await stack.redis('DEL', key(a));
    for (const r of await everywhere(me(stack, a))) ok(r);
    await stack.redis('SET', key(a), 'nonsense');
    for (const r of await everywhere(me(stack, a))) ok(r);
    await stack.redis('DEL', key(a));
  });

  test('streams that rest on it end at once, and come back to 401', async () => {
    const a = await account(stack);
    const group = ok(await a.api.post('/api/conversations', { type: 'group', title: 'g', participants: ['u_x'] }), 201);
    const other = await logIn(stack, a.login);
    const paths = ['/api/events', `/api/conversations/${group.id}/events`];
    const open = async (options) => Promise.all(paths.map(async (path) => {
      const st = new Stream(stack.base, path, options);
      await st.opened;
      assert.equal(st.status, 200, path);
      await st.ready();
      return st;
    }));
    const mine = [...await open({ ticket: a.token }), ...await open({ headers: { Cookie: a.cookie.pair } })];
    const others = await open({ headers: { Cookie: other.cookie.pair } });
    ok(await a.browse('POST', '/auth/logout', {}), 204);
    for (const st of mine) await until('the stream to end', () => st.ended, { ms: 12_000 });
    ok(await other.api.post(`/api/conversations/${group.id}/messages`, { content: 'still here' }), 201);
    for (const st of others) await st.next('message:new');
    for (const path of paths) {
      refused(await call(stack.base, 'GET', path, { ticket: a.token }), 'UNAUTHENTICATED');
      refused(await call(stack.base, 'GET', path, { headers: { Cookie: a.cookie.pair } }), 'UNAUTHENTICATED');
    }
    for (const st of others) st.close();
  });

  test('stream tickets: once, for thirty seconds, for that stream; then its cookie', async () => {
    const a = await account(stack);
    const u = stack.user('u_st', { name: 'Uli' });
    const group = ok(await a.api.post('/api/conversations', { type: 'group', title: 'g', participants: ['u_st'] }), 201);
    const elsewhere = ok(await a.api.post('/api/conversations', { type: 'group', title: 'not his', participants: [] }), 201);
    refused(await stack.as(u).post(`/api/conversations/${elsewhere.id}/stream-ticket`, {}), 'NOT_FOUND');
    refused(await stack.as(u).post('/api/conversations/conv_nothing/stream-ticket', {}), 'NOT_FOUND');
    for (const token of [u, a.token]) for (const [ask, path] of [['/api/stream-ticket', '/api/events'], [`/api/conversations/${group.id}/stream-ticket`, `/api/conversations/${group.id}/events`]]) {
      const fresh = async () => ok(await stack.as(token).post(ask, {}), 201);
      const { ticket, expiresAt } = await fresh();
      assert.ok(Math.abs(expiresAt - Date.now() - 30_000) < 5000);
      const wrong = path === '/api/events' ? `/api/conversations/${group.id}/events` : '/api/events';
      refused(await call(stack.base, 'GET', `${wrong}?stream_ticket=${(await fresh()).ticket}`), 'UNAUTHENTICATED', 'shown at another door');
      const st = new Stream(stack.base, `${path}?stream_ticket=${ticket}`);
      await st.opened;
      assert.equal(st.status, 200, path);
      await st.ready();
      const [line] = [].concat(st.headers['set-cookie']);
      assert.match(line, new RegExp(`^room_user_[0-9a-f]{8}=[^;]+; Path=${path}; HttpOnly; SameSite=Strict$`));
      st.close();
      refused(await call(stack.base, 'GET', `${path}?stream_ticket=${ticket}`), 'UNAUTHENTICATED', 'spent');
      const again = new Stream(stack.base, `${path}?stream_ticket=${ticket}`, { headers: { Cookie: line.split(';')[0] } });
      await again.opened;
      assert.equal(again.status, 200, 'spent, with its cookie');
      again.close();
    }
    const { ticket } = ok(await a.api.post('/api/stream-ticket', {}), 201);
    ok(await a.api.post('/auth/logout', {}), 204);
    refused(await call(stack.base, 'GET', `/api/events?stream_ticket=${ticket}`), 'UNAUTHENTICATED', 'its login ended meanwhile');
  });

  test('without Redis: who is in stays in, nobody tries passwords, logging out works', async () => {
    const a = await account(stack);
    const other = await logIn(stack, a.login);
    const pid = stack.kill('redis', 'SIGSTOP');
    try {
      const fresh = { agent: false };
      ok(await me(stack, a)(fresh));
      refused(await auth(stack, 'POST', 'login', { login: a.login, password }, fresh), 'STORE_UNAVAILABLE');
      refused(await auth(stack, 'POST', 'login', { login: `u${rnd()}`, password }, fresh), 'STORE_UNAVAILABLE');
      refused(await auth(stack, 'POST', 'register', { login: `u${rnd()}`, password, name: 'x' }, fresh), 'STORE_UNAVAILABLE');
      refused(await a.api.put('/auth/password', { password, newPassword: 'new horse 11' }, fresh), 'STORE_UNAVAILABLE');
      ok(await other.api.post('/auth/logout', {}, fresh), 204);
      refused(await me(stack, other)(fresh), 'UNAUTHENTICATED');
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    await until('logging in to work again', async () => (await auth(stack, 'POST', 'login', { login: a.login, password }, { agent: false })).status === 200);
    for (const r of await everywhere(me(stack, other))) refused(r, 'UNAUTHENTICATED');
  });

  test('with Redis full: the same', async () => {
    const a = await account(stack);
    for (const r of await everywhere(me(stack, a))) ok(r);
    await until('Redis to know it', async () => (await stack.redis('EXISTS', key(a))) === '1');
    await stack.redis('CONFIG', 'SET', 'maxmemory', 1);
    try {
      ok(await a.api.post('/auth/logout', {}), 204);
      for (const r of await everywhere(me(stack, a))) refused(r, 'UNAUTHENTICATED');
      refused(await auth(stack, 'POST', 'login', { login: a.login, password }), 'STORE_UNAVAILABLE');
    } finally {
      await stack.redis('CONFIG', 'SET', 'maxmemory', 0);
    }
    await logIn(stack, a.login);
  });

  test('the worker lets go of what is over, and of nothing else', async () => {
    const a = await account(stack);
    const out = await logIn(stack, a.login);
    ok(await out.api.post('/auth/logout', {}), 204);
    const kept = async () => (await rows(stack, `SELECT id FROM logins WHERE person = '${a.id}'`)).map(([id]) => id).sort();
    const ids = [a, out].map((l) => claimsOf(l.token).sid).sort();
    await runWorker(stack, ['login', '--once']);
    assert.deepEqual(await kept(), ids, 'Redis may still need to hear of it');
    await runWorker(stack, ['login', '--once'], { clock_ms: 21 * 60_000 });
    assert.deepEqual(await kept(), [claimsOf(a.token).sid]);
    ok(await a.api.get('/auth/me'));
    await runWorker(stack, ['login', '--once'], { clock_ms: 31 * 86400_000 });
    assert.deepEqual(await kept(), []);
  });
});

describe('passwords are not for trying', () => {
  let stack;
  before(async () => { stack = await startStack({ env: { ROOM_LOGINS: '4/900', ROOM_LOGINS_ADDRESS: '9/900', ROOM_REGISTRATIONS: '6/3600', ROOM_TRUSTED_PROXIES: '127.0.0.1,::1', ROOM_APIS: '2' } }); });
  after(() => stack?.stop());
  const from = (address) => ({ headers: { 'X-Forwarded-For': address } });
  const attempt = (login, secret, address) => auth(stack, 'POST', 'login', { login, password: secret }, from(address));
  const register = (login, address) => auth(stack, 'POST', 'register', { login, password, name: 'x' }, from(address));

  test('for one account: whoever asks, from wherever; known and unknown alike, also while its owner comes and goes', async () => {
    const login = `u${rnd()}`;
    ok(await register(login, '198.51.100.1'), 202);
    for (let i = 0; i < 9; i++) ok(await attempt(login, password, '198.51.100.2'), 200, 'good ones are not counted');
    for (const name of [login, `u${rnd()}`]) {
      for (let i = 0; i < 4; i++) {
        refused(await attempt(name, 'wrong horse', `203.0.113.${i}`), 'UNAUTHENTICATED');
        if (i < 3 && name === login) ok(await attempt(login, password, '198.51.100.2'), 200, 'its owner');
      }
      const r = await attempt(name.toUpperCase(), password, '203.0.113.9');
      const { retry_after } = refused(r, 'RATE_LIMITED', 'the right one, too');
      assert.ok(retry_after > 800 && retry_after <= 900, `${retry_after}`);
    }
  });

  test('many at once get no further than one after the other', async () => {
    const login = `u${rnd()}`;
    const all = await Promise.all(Array.from({ length: 20 }, (_, i) => attempt(login, 'wrong horse', `192.0.2.${i}`)));
    assert.equal(all.filter((r) => r.status === 401).length, 4);
    assert.equal(all.filter((r) => r.code === 'RATE_LIMITED').length, 16);
  });

  test('from one address: over all accounts; an IPv6 house is one address', async () => {
    for (let i = 0; i < 9; i++) refused(await attempt(`u${rnd()}`, 'wrong horse', `2001:db8:1:2::${i}`), 'UNAUTHENTICATED');
    refused(await attempt(`u${rnd()}`, 'wrong horse', '2001:db8:1:2:ffff::1'), 'RATE_LIMITED');
    refused(await attempt(`u${rnd()}`, 'wrong horse', '2001:db8:1:3::1'), 'UNAUTHENTICATED');
    const login = `u${rnd()}`;
    ok(await register(login, '198.51.100.77'), 202);
    for (let i = 0; i < 12; i++) ok(await attempt(login, password, '198.51.100.77'), 200, 'good ones are not counted');
  });

  test('right ones, too, if there is no end of them: each costs time and memory', async () => {
    const own = await startStack({ env: { ROOM_LOGINS_ALL: '6/900' } });
    try {
      const [a, b] = [await account(own), await account(own)];
      const enter = (login) => auth(own, 'POST', 'login', { login, password });
      for (let i = 0; i < 5; i++) ok(await enter(a.login));
      const { retry_after } = refused(await enter(a.login), 'RATE_LIMITED');
      assert.ok(retry_after > 800 && retry_after <= 900, `${retry_after}`);
      ok(await a.api.get('/auth/me'));
      for (let i = 0; i < 5; i++) ok(await enter(b.login));
    } finally {
      await own.stop();
    }
  });

  test('new accounts from one address', async () => {
    for (let i = 0; i < 6; i++) ok(await register(`u${rnd()}`, '198.51.100.200'), 202);
    refused(await register(`u${rnd()}`, '198.51.100.200'), 'RATE_LIMITED');
    ok(await register(`u${rnd()}`, '198.51.100.201'), 202);
  });

  test('changing the password is no way round', async () => {
    const login = `u${rnd()}`;
    ok(await register(login, '198.51.100.210'), 202);
    const { token } = ok(await attempt(login, password, '198.51.100.210'));
    const change = (secret, i) => stack.as(token).put('/auth/password', { password: secret, newPassword: 'new horse 11' }, from(`198.51.100.${220 + i}`));
    for (let i = 0; i < 4; i++) refused(await change('wrong horse', i), 'FORBIDDEN');
    refused(await change(password, 5), 'RATE_LIMITED');
    refused(await stack.as(token).delete('/auth/me', { password }, from('198.51.100.230')), 'RATE_LIMITED');
  });

  test('what is counted under is a hash that goes by itself', async () => {
    const keys = (await stack.redis('KEYS', '{0}:throttle:*')).split('\n');
    assert.ok(keys.length > 10);
    for (const k of keys) {
      assert.match(k, /^\{0\}:throttle:[0-9a-f]{32}$/);
      const ttl = Number(await stack.redis('TTL', k));
      assert.ok(ttl > 0 && ttl <= 3600, `${k} ${ttl}`);
    }
  });
});

describe('unknown accounts cost what known ones do', () => {
  test('one hash for each try, whatever the answer', async () => {
    const stack = await startStack({ env: { ...generous, ROOM_APIS: '1' } });
    try {
      const count = async () => Number(/^room_password_seconds_count\{[^}]*\} (\d+)$/m.exec((await call(stack.base, 'GET', '/metrics')).text)[1]);
      const a = await account(stack);
      const cost = async (fn) => {
        const was = await count();
        await fn();
        return (await count()) - was;
      };
      const tries = {
        'a wrong password': () => auth(stack, 'POST', 'login', { login: a.login, password: 'wrong horse' }),
        'the right one': () => auth(stack, 'POST', 'login', { login: a.login, password }),
        'an unknown account': () => auth(stack, 'POST', 'login', { login: `u${rnd()}`, password }),
        'no login at all': () => auth(stack, 'POST', 'login', { login: 'ä b', password }),
        'an account that is new': () => auth(stack, 'POST', 'register', { login: `u${rnd()}`, password, name: 'x' }),
        'an account that is there': () => auth(stack, 'POST', 'register', { login: a.login, password, name: 'x' }),
      };
      for (const [what, fn] of Object.entries(tries)) assert.equal(await cost(fn), 1, what);
    } finally {
      await stack.stop();
    }
  });
});
