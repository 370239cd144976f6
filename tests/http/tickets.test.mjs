// Who may (design §6): every forged, bent or misplaced ticket is refused, and every refusal changes nothing.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { common, errorBody, ok, refused, stateOf } from '../lib/contract.mjs';
import { b64, call, claimsOf, headerOf, mint, now_s, raw, rnd, signText } from '../lib/client.mjs';
import { startStack } from '../lib/stack.mjs';

let stack, s, other;
before(async () => {
  stack = await startStack();
  s = await stack.session();
  other = await stack.session();
  ok(await stack.as(s.tickets.student).post(`${s.path}/messages`, { content: 'first' }), 201);
});
after(() => stack?.stop());

const history = (ticket, session = s) => stack.as(ticket).get(`${session.path}/messages`);
const claims = (more = {}) => ({ iss: 'mainserver', sessionId: s.id, role: 'student', anonymousId: s.student, exp: now_s() + 3600, ...more });
const text = (more = {}) => JSON.stringify(claims(more));
const head = (more = {}) => JSON.stringify({ alg: 'HS256', typ: 'JWT', ...more });

// name → a function that makes the token: each must get 401 UNAUTHENTICATED.
const forged = {
  'alg none, no signature': () => `${b64(head({ alg: 'none' }))}.${b64(text())}.`,
  'alg None': () => `${b64(head({ alg: 'None' }))}.${b64(text())}.`,
  'alg NONE': () => `${b64(head({ alg: 'NONE' }))}.${b64(text())}.`,
  'alg nOnE, signed all the same': () => signText(head({ alg: 'nOnE' }), text(), stack.secret),
  'alg HS384': () => signText(head({ alg: 'HS384' }), text(), stack.secret, { hash: 'sha384' }),
  'alg HS512': () => signText(head({ alg: 'HS512' }), text(), stack.secret, { hash: 'sha512' }),
  'alg HS512 over an HS256 signature': () => signText(head({ alg: 'HS512' }), text(), stack.secret),
  'alg RS256 over an HMAC': () => signText(head({ alg: 'RS256' }), text(), stack.secret),
  'alg ES256, r = s = 0': () => `${b64(head({ alg: 'ES256' }))}.${b64(text())}.${Buffer.alloc(64).toString('base64url')}`,
  'alg hs256': () => signText(head({ alg: 'hs256' }), text(), stack.secret),
  'alg missing': () => signText('{"typ":"JWT"}', text(), stack.secret),
  'alg a number': () => signText('{"alg":256}', text(), stack.secret),
  'alg twice': () => signText('{"alg":"HS256","alg":"none"}', text(), stack.secret),
  'typ of something else': () => signText(head({ typ: 'at+jwt' }), text(), stack.secret),
  'crit': () => signText(head({ crit: ['exp'] }), text(), stack.secret),
  'crit with b64 false': () => signText(head({ crit: ['b64'], b64: false }), text(), stack.secret),
  'crit empty': () => signText(head({ crit: [] }), text(), stack.secret),
  'kid unknown': () => signText(head({ kid: 'nobody' }), text(), stack.secret),
  'kid a path, keyed with its emptiness': () => signText(head({ kid: '../../../../dev/null' }), text(), ''),
  'kid an injection': () => signText(head({ kid: "x' UNION SELECT 'k" }), text(), 'k'),
  'kid a number': () => signText(head({ kid: 1 }), text(), stack.secret),
  'jwk of the forger': () => signText(head({ jwk: { kty: 'oct', k: b64('forger') } }), text(), 'forger'),
  'jku of the forger': () => signText(head({ jku: 'http://127.0.0.1:9/jwks' }), text(), 'forger'),
  'x5u of the forger': () => signText(head({ x5u: 'http://127.0.0.1:9/x5u' }), text(), 'forger'),
  'keyed with nothing': () => signText(head(), text(), ''),
  'keyed with another secret': () => signText(head(), text(), `${stack.secret}x`),
  'payload swapped under the signature': () => { const t = mint(claims(), stack.secret).split('.'); return `${t[0]}.${b64(text({ role: 'counselor', userId: s.counselor }))}.${t[2]}`; },
  'signature empty': () => mint(claims(), stack.secret).replace(/[^.]*$/, ''),
  'signature cut': () => mint(claims(), stack.secret).slice(0, -4),
  'signature longer': () => `${mint(claims(), stack.secret)}AAAA`,
  'signature with its unused bits set': () => {
    const t = mint(claims(), stack.secret);
    const abc = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    return t.slice(0, -1) + abc[abc.indexOf(t.at(-1)) + 1];
  },
  'signature padded': () => `${mint(claims(), stack.secret)}=`,
  'header padded': () => { const t = mint(claims(), stack.secret).split('.'); return `${t[0]}==.${t[1]}.${t[2]}`; },
  'header padded and signed so': () => paddedSigned(),
  'base64 of the other alphabet': () => { for (;;) { const t = mint(claims({ jti: rnd() }), stack.secret); const sig = t.split('.')[2]; if (/[-_]/.test(sig)) return t.slice(0, -sig.length) + sig.replace(/-/g, '+').replace(/_/g, '/'); } },
  'two parts': () => mint(claims(), stack.secret).split('.').slice(0, 2).join('.'),
  'four parts': () => `${mint(claims(), stack.secret)}.x`,
  'five parts, as JWE': () => `${b64(head({ alg: 'dir', enc: 'A256GCM' }))}..${b64('iv')}.${b64('x')}.${b64('tag')}`,
  'a blank inside': () => mint(claims(), stack.secret).replace('.', ' .'),
  'nothing': () => '.',
  'dots': () => '..',
  'payload a list': () => signText(head(), `[${text()}]`, stack.secret),
  'payload a text': () => signText(head(), '"x"', stack.secret),
  'payload with something behind it': () => signText(head(), `${text()}{}`, stack.secret),
  'payload no JSON': () => signText(head(), '{', stack.secret),
  'payload no UTF-8': () => signText(head(), Buffer.concat([Buffer.from('{"iss":"mainserver","x":"'), Buffer.from([0xff]), Buffer.from(`",${text().slice(1)}`)]), stack.secret),
  'sessionId twice': () => signText(head(), text().replace('{', `{"sessionId":"${other.id}",`), stack.secret),
  'role twice': () => signText(head(), text().replace('{', '{"role":"counselor",'), stack.secret),
  'exp twice': () => signText(head(), text().replace('{', `{"exp":${now_s() + 7200},`), stack.secret),
  'exp missing': () => signText(head(), text({ exp: undefined }), stack.secret),
  'exp null': () => signText(head(), text({ exp: null }), stack.secret),
  'exp a text': () => signText(head(), text({ exp: String(now_s() + 3600) }), stack.secret),
  'exp with a fraction': () => signText(head(), text({ exp: now_s() + 3600.5 }), stack.secret),
  'exp a float without a fraction': () => signText(head(), text().replace(/"exp":\d+/, `"exp":${now_s() + 3600}.0`), stack.secret),
  'exp 1e10': () => signText(head(), text().replace(/"exp":\d+/, '"exp":1e10'), stack.secret),
  'exp 1e400': () => signText(head(), text().replace(/"exp":\d+/, '"exp":1e400'), stack.secret),
  'exp beyond 64 bits': () => signText(head(), text().replace(/"exp":\d+/, '"exp":18446744073709551617'), stack.secret),
  'exp true': () => signText(head(), text({ exp: true }), stack.secret),
  'exp a list': () => signText(head(), text({ exp: [now_s() + 3600] }), stack.secret),
  'exp in milliseconds': () => mint(claims({ exp: Date.now() + 3_600_000 }), stack.secret),
  'exp more than 25 hours ahead': () => mint(claims({ exp: now_s() + 25 * 3600 + 120 }), stack.secret),
  'nbf in the future': () => mint(claims({ nbf: now_s() + 120 }), stack.secret),
  'nbf a text': () => mint(claims({ nbf: '0' }), stack.secret),
  'iat in the future': () => mint(claims({ iat: now_s() + 120 }), stack.secret),
  'iss missing': () => mint(claims({ iss: undefined }), stack.secret),
  'iss of somebody else': () => mint(claims({ iss: 'mallory' }), stack.secret),
  'iss that begins well': () => mint(claims({ iss: 'mainserver2' }), stack.secret),
  'iss in capitals': () => mint(claims({ iss: 'MainServer' }), stack.secret),
  'iss a list': () => mint(claims({ iss: ['mainserver'] }), stack.secret),
  'role missing': () => mint(claims({ role: undefined }), stack.secret),
  'role unknown': () => mint(claims({ role: 'admin' }), stack.secret),
  'role a list': () => mint(claims({ role: ['student'] }), stack.secret),
  'role in capitals': () => mint(claims({ role: 'Student' }), stack.secret),
  'sessionId a number': () => mint(claims({ sessionId: 1 }), stack.secret),
  'sessionId empty': () => mint(claims({ sessionId: '' }), stack.secret),
  'a student without an id': () => mint(claims({ anonymousId: undefined }), stack.secret),
  'a student by userId': () => mint(claims({ anonymousId: undefined, userId: s.student }), stack.secret),
  'a counselor by anonymousId': () => mint(claims({ role: 'counselor', anonymousId: s.counselor }), stack.secret),
  'an id with strange characters': () => mint(claims({ anonymousId: 'a b' }), stack.secret),
  'chatServiceUrl of another service': () => mint(claims({ chatServiceUrl: 'https://chat.example.org' }), stack.secret),
  'chatPermissions no list': () => mint(claims({ chatPermissions: 'send_message' }), stack.secret),
  'over 4096 bytes': () => mint(claims({ pad: 'x'.repeat(4096) }), stack.secret),
};

function paddedSigned() {
  // A header part with its padding, and the signature made over just that text.
  const padded = Buffer.from('{"alg":"HS256"}').toString('base64').replace(/=*$/, '') + '==';
  const t = signText('{"alg":"HS256"}', text(), stack.secret).split('.');
  return `${padded}.${t[1]}.${t[2]}`;
}

describe('forged tickets', () => {
  for (const [name, make] of Object.entries(forged)) {
    test(`401: ${name}`, async () => {
      const state = await stateOf(stack, s);
      const token = make();
      refused(await history(token), 'UNAUTHENTICATED', 'history');
      refused(await stack.as(token).post(`${s.path}/messages`, { content: 'forged' }), 'UNAUTHENTICATED', 'send');
      const events = await call(stack.base, 'GET', `${s.path}/events`, { ticket: token });
      refused(events, 'UNAUTHENTICATED', 'events');
      assert.deepEqual(await stateOf(stack, s), state);
    });
  }
  test('milliseconds are named as the mistake', async () => {
    const e = refused(await history(forged['exp in milliseconds']()), 'UNAUTHENTICATED');
    assert.match(`${e.message} ${e.details}`, /millisecond/i);
  });
  test('forgeries get one body, whatever is wrong with the signature', async () => {
    const bodies = new Set();
    for (const name of ['keyed with nothing', 'keyed with another secret', 'signature empty', 'signature cut', 'payload swapped under the signature']) bodies.add((await history(forged[name]())).text);
    assert.equal(bodies.size, 1, [...bodies].join('\n'));
  });
});

describe('times', () => {
  for (const [name, exp] of [['long ago', () => now_s() - 3600], ['a moment ago', () => now_s() - 2], ['epoch', () => 1]]) {
    test(`expired ${name}: TICKET_EXPIRED`, async () => {
      refused(await history(mint(claims({ exp: exp() }), stack.secret)), 'TICKET_EXPIRED');
      refused(await call(stack.base, 'GET', `${s.path}/events`, { ticket: mint(claims({ exp: exp() }), stack.secret) }), 'TICKET_EXPIRED');
      refused(await call(stack.base, 'GET', `${s.path}/poll`, { ticket: mint(claims({ exp: exp() }), stack.secret) }), 'TICKET_EXPIRED');
    });
  }
  test('an expired forgery is a forgery', async () => refused(await history(mint(claims({ exp: now_s() - 60 }), 'x'.repeat(32))), 'UNAUTHENTICATED'));
  test('negative exp is refused', async () => refused(await history(mint(claims({ exp: -1 }), stack.secret)), ['TICKET_EXPIRED', 'UNAUTHENTICATED']));
  for (const [name, more] of [
    ['nearly 25 hours ahead', () => ({ exp: now_s() + 25 * 3600 - 5 })],
    ['nbf and iat within the skew', () => ({ nbf: now_s() + 30, iat: now_s() + 30 })],
    ['nbf and iat in the past', () => ({ nbf: now_s() - 30, iat: now_s() - 30 })],
  ]) test(`accepted: ${name}`, async () => ok(await history(mint(claims(more()), stack.secret))));
});

describe('whose ticket', () => {
  test('good ones pass: student, counselor, counsellor, volunteer label on the counselor', async () => {
    ok(await history(stack.student(s.id, s.student)));
    ok(await history(stack.counselor(s.id, s.counselor)));
    ok(await history(stack.mint({ sessionId: s.id, role: 'counsellor', userId: s.counselor })));
    ok(await history(stack.mint({ sessionId: s.id, role: 'student', anonymousId: s.student, chatServiceUrl: stack.base })));
  });
  test('the tickets that creation returned are HS256 and hold what they should', () => {
    assert.equal(headerOf(s.tickets.student).alg, 'HS256');
    const c = claimsOf(s.tickets.student);
    assert.deepEqual([c.iss, c.sessionId, c.role, c.anonymousId, c.userId], ['mainserver', s.id, 'student', s.student, undefined]);
    const d = claimsOf(s.tickets.counselor);
    assert.deepEqual([d.iss, d.sessionId, d.role, d.userId, d.anonymousId], ['mainserver', s.id, 'counselor', s.counselor, undefined]);
    assert.ok(Number.isInteger(c.exp) && c.exp > now_s() && c.exp <= now_s() + 25 * 3600);
  });
  const routes = (p) => [
    ['GET', `${p}/messages`], ['POST', `${p}/messages`, { content: 'x' }], ['PATCH', `${p}/messages/1`, { content: 'x' }], ['DELETE', `${p}/messages/1`],
    ['POST', `${p}/typing`, { isTyping: true }], ['PUT', `${p}/read`, { upTo: 1 }], ['PUT', `${p}/alive`, {}], ['GET', `${p}/presence`], ['POST', `${p}/end`, {}],
    ['DELETE', p], ['POST', `${p}/cookie`, {}], ['POST', `${p}/stream-ticket`, {}], ['GET', `${p}/events`], ['GET', `${p}/poll`],
  ];
  const sweep = async (ticket, path, want) => {
    for (const [method, where, json] of routes(path)) refused(await call(stack.base, method, where, { ticket, json }), want, `${method} ${where}`);
  };
  test('no ticket: 401 everywhere', () => sweep(undefined, s.path, 'UNAUTHENTICATED'));
  test('another session: 404 everywhere, and the same body as for one that does not exist', async () => {
    const state = await stateOf(stack, s);
    for (const [method, where, json] of routes(s.path)) {
      const missing = `${where.replace(s.id, `sess_${rnd()}`)}`;
      const foreign = await call(stack.base, method, where, { ticket: other.tickets.student, json });
      const nowhere = await call(stack.base, method, missing, { ticket: other.tickets.student, json });
      refused(foreign, 'NOT_FOUND', `${method} ${where}`);
      assert.equal(foreign.text, nowhere.text, `${method} ${where}`);
      const drop = ({ 'x-request-id': a, date: b, ...h }) => h;
      assert.deepEqual(drop(foreign.headers), drop(nowhere.headers), `${method} ${where}`);
    }
    assert.deepEqual(await stateOf(stack, s), state);
  });
  test('a valid ticket for a session that never was: 404', async () => {
    const id = `sess_${rnd()}`;
    await sweep(stack.student(id, 'anon_x'), `/api/conversations/${id}`, 'NOT_FOUND');
  });
  test('someone who is not in the session: 404 with a ticket for it or not', async () => {
    const state = await stateOf(stack, s);
    await sweep(stack.student(s.id, 'anon_stranger'), s.path, 'NOT_FOUND');
    await sweep(stack.counselor(s.id, 'couns_stranger'), s.path, 'NOT_FOUND');
    assert.deepEqual(await stateOf(stack, s), state);
  });
  test('ids swapped between the roles open nothing', async () => {
    await sweep(stack.counselor(s.id, s.student), s.path, ['NOT_FOUND', 'FORBIDDEN', 'UNAUTHENTICATED']);
    await sweep(stack.student(s.id, s.counselor), s.path, ['NOT_FOUND', 'FORBIDDEN', 'UNAUTHENTICATED']);
  });
  test('service and desk tokens are no tickets', async () => {
    await sweep(stack.service(), s.path, ['FORBIDDEN', 'UNAUTHENTICATED']);
    await sweep(stack.mint({ role: 'counselor', userId: s.counselor }), s.path, ['FORBIDDEN', 'UNAUTHENTICATED']);
    await sweep(stack.mint({ role: 'student', anonymousId: s.student }), s.path, ['FORBIDDEN', 'UNAUTHENTICATED']);
  });
  test('a service token with a sessionId is neither', async () => {
    const odd = stack.service({ sessionId: s.id });
    await sweep(odd, s.path, ['FORBIDDEN', 'UNAUTHENTICATED']);
    refused(await stack.as(odd).get(`/api/sessions/${s.id}`), ['FORBIDDEN', 'UNAUTHENTICATED']);
  });
  test('participants and desks get nothing from the service routes', async () => {
    const state = await stateOf(stack, s);
    for (const ticket of [s.tickets.student, s.tickets.counselor, stack.mint({ role: 'counselor', userId: s.counselor })]) {
      for (const [method, path, json] of [
        ['POST', '/api/sessions', { studentAnonymousId: 'anon_x' }], ['GET', `/api/sessions/${s.id}`], ['PUT', `/api/sessions/${s.id}`, { counselorId: 'me' }],
        ['DELETE', `/api/sessions/${s.id}`], ['POST', `/api/sessions/${s.id}/end`, {}], ['POST', `/api/sessions/${s.id}/tickets`, { participant: 'counselor' }],
      ]) refused(await call(stack.base, method, path, { ticket, json }), ['FORBIDDEN', 'UNAUTHENTICATED'], `${method} ${path}`);
    }
    for (const [method, path, json] of [['POST', '/api/sessions', { studentAnonymousId: 'anon_x' }], ['GET', `/api/sessions/${s.id}`]]) {
      refused(await call(stack.base, method, path, { json }), 'UNAUTHENTICATED', 'without a token');
    }
    assert.deepEqual(await stateOf(stack, s), state);
  });
});

describe('permissions', () => {
  const acts = (p) => ({
    send_message: ['POST', `${p}/messages`, { content: 'x' }],
    view_history: ['GET', `${p}/messages`],
    end_session: ['POST', `${p}/end`, {}],
    erase_session: ['DELETE', p],
  });
  test('the ticket may narrow: each act needs its own permission', async () => {
    for (const allowed of Object.keys(acts(''))) {
      const own = await stack.session();
      const ticket = stack.student(own.id, own.student, { chatPermissions: [allowed, 'no_such_permission'] });
      for (const [act, [method, path, json]] of Object.entries(acts(own.path))) {
        if (act !== allowed) refused(await call(stack.base, method, path, { ticket, json }), 'FORBIDDEN', `${act} with ${allowed}`);
      }
      const [method, path, json] = acts(own.path)[allowed];
      assert.ok((await call(stack.base, method, path, { ticket, json })).status < 300, allowed);
    }
  });
  test('none at all', async () => {
    const ticket = stack.student(s.id, s.student, { chatPermissions: [] });
    for (const [act, [method, path, json]] of Object.entries(acts(s.path))) refused(await call(stack.base, method, path, { ticket, json }), 'FORBIDDEN', act);
  });
  test('the session narrows too, and the ticket cannot widen it', async () => {
    const own = await stack.session({ permissions: ['send_message', 'view_history'] });
    for (const ticket of [own.tickets.student, stack.student(own.id, own.student, { chatPermissions: ['end_session', 'erase_session', 'view_history'] })]) {
      refused(await stack.as(ticket).post(`${own.path}/end`, {}), 'FORBIDDEN');
      refused(await stack.as(ticket).delete(own.path), 'FORBIDDEN');
      ok(await history(ticket, own));
    }
    refused(await stack.as(own.tickets.counselor).post(`${own.path}/end`, {}), 'FORBIDDEN');
  });
  test('each side its own permissions', async () => {
    const own = await stack.session({ permissions: { student: ['view_history'], counselor: ['view_history', 'send_message'] } });
    refused(await stack.as(own.tickets.student).post(`${own.path}/messages`, { content: 'x' }), 'FORBIDDEN');
    ok(await stack.as(own.tickets.counselor).post(`${own.path}/messages`, { content: 'x' }), 201);
  });
  test('changing a message needs the right to send', async () => {
    const own = await stack.session();
    const m = ok(await stack.as(own.tickets.student).post(`${own.path}/messages`, { content: 'mine' }), 201);
    const ticket = stack.student(own.id, own.student, { chatPermissions: ['view_history'] });
    refused(await stack.as(ticket).patch(`${own.path}/messages/${m.id}`, { content: 'x' }), 'FORBIDDEN');
    refused(await stack.as(ticket).delete(`${own.path}/messages/${m.id}`), 'FORBIDDEN');
  });
});

describe('how a ticket comes', () => {
  const get = (headers, path = `${s.path}/messages`) => call(stack.base, 'GET', path, { headers });
  test('the scheme in any case', async () => {
    for (const scheme of ['Bearer', 'bearer', 'BEARER']) ok(await get({ Authorization: `${scheme} ${s.tickets.student}` }));
  });
  test('other schemes and empty ones: 401', async () => {
    for (const value of [`Basic ${s.tickets.student}`, 'Bearer', 'Bearer ', s.tickets.student, `Token ${s.tickets.student}`, `Bearer ${s.tickets.student}, Bearer ${s.tickets.student}`, `Bearer ${s.tickets.student} x`]) {
      const r = await get({ Authorization: value });
      assert.ok([400, 401].includes(r.status), `${value.slice(0, 20)}: ${r.status}`);
      errorBody(r);
      common(r);
    }
  });
  test('two Authorization headers: 400, on REST and on streams', async () => {
    for (const path of [`${s.path}/messages`, `${s.path}/events`, `${s.path}/poll`]) {
      for (const second of [s.tickets.counselor, s.tickets.student]) {
        const r = await raw(stack.base, `GET ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${s.tickets.student}\r\nAuthorization: Bearer ${second}\r\nConnection: close\r\n\r\n`);
        refused(r, 'BAD_REQUEST', path);
      }
    }
  });
  test('a JWT in the query is refused, alone and beside a good one', async () => {
    for (const name of ['access_token', 'token', 'ticket', 'jwt', 'after', 'stream_ticket', 'as']) {
      for (const route of ['messages', 'events', 'poll']) {
        for (const headers of [{}, { Authorization: `Bearer ${s.tickets.student}` }]) {
          refused(await get(headers, `${s.path}/${route}?${name}=${s.tickets.student}`), 'UNAUTHENTICATED', `${route}?${name}`);
        }
      }
    }
  });
});

test('nothing of all this is in the logs', () => {
  const logs = stack.logs();
  for (const t of [s.tickets.student, s.tickets.counselor]) for (const part of t.split('.').slice(1)) assert.ok(!logs.includes(part), 'a ticket stands in the logs');
  for (const id of [s.student, s.counselor]) assert.ok(!logs.includes(id), 'a participant stands in the logs');
  assert.ok(!logs.includes(stack.secret), 'the secret stands in the logs');
});
