// Bytes no well-behaved client sends, and bodies no well-behaved client means: each gets the contract's error body and changes nothing.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { common, errorBody, isMessage, ok, plain, refused, stateOf } from '../lib/contract.mjs';
import { Raw, call, parseReply, pieces, raw, rnd, until } from '../lib/client.mjs';
import { startStack } from '../lib/stack.mjs';

let stack, s, auth;
before(async () => {
  stack = await startStack();
  s = await stack.session();
  auth = `Authorization: Bearer ${s.tickets.student}`;
  ok(await stack.as(s.tickets.student).post(`${s.path}/messages`, { content: 'first' }), 201);
});
after(() => stack?.stop());

const head = (method, path, lines = []) => `${method} ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n${[auth, ...lines].map((l) => `${l}\r\n`).join('')}`;
const post = (body, lines = ['Content-Type: application/json']) => Buffer.concat([Buffer.from(`${head('POST', `${s.path}/messages`, [...lines, `Content-Length: ${Buffer.byteLength(body)}`])}\r\n`), Buffer.from(body)]);

// Runs the attack and insists that session and log are as before.
async function harmless(fn) {
  const state = await stateOf(stack, s);
  const result = await fn();
  assert.deepEqual(await stateOf(stack, s), state);
  return result;
}

describe('HTTP itself', () => {
  const broken = {
    'Content-Length twice, different': [400, () => `${head('POST', `${s.path}/messages`, ['Content-Type: application/json', 'Content-Length: 15', 'Content-Length: 2'])}\r\n{"content":"a"}`],
    'Content-Length and Transfer-Encoding': [400, () => `${head('POST', `${s.path}/messages`, ['Content-Type: application/json', 'Content-Length: 15', 'Transfer-Encoding: chunked'])}\r\nf\r\n{"content":"a"}\r\n0\r\n\r\n`],
    'Content-Length negative': [400, () => `${head('POST', `${s.path}/messages`, ['Content-Type: application/json', 'Content-Length: -1'])}\r\n{}`],
    'Content-Length no number': [400, () => `${head('POST', `${s.path}/messages`, ['Content-Type: application/json', 'Content-Length: 1x'])}\r\n{}`],
    'Transfer-Encoding unknown': [[400, 501], () => `${head('POST', `${s.path}/messages`, ['Content-Type: application/json', 'Transfer-Encoding: gzip'])}\r\n`],
    'a chunk size that is none': [400, () => `${head('POST', `${s.path}/messages`, ['Content-Type: application/json', 'Transfer-Encoding: chunked'])}\r\nzz\r\n{}\r\n0\r\n\r\n`],
    'lines ended by a bare LF': [400, () => head('GET', `${s.path}/messages`).replace(/\r\n/g, '\n') + '\n'],
    'a control byte in a header': [400, () => `${head('GET', `${s.path}/messages`, ['X-Odd: a\x01b'])}\r\n`],
    'NUL in a header': [400, () => `${head('GET', `${s.path}/messages`, ['X-Odd: a\x00b'])}\r\n`],
    'a header folded over two lines': [400, () => `${head('GET', `${s.path}/messages`, ['X-Odd: a', ' b'])}\r\n`],
    'a folded Authorization': [[400, 401], () => `GET ${s.path}/messages HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer\r\n ${s.tickets.student}\r\n\r\n`],
    'a header without a name': [400, () => `${head('GET', `${s.path}/messages`, [': x'])}\r\n`],
    'a blank before the colon': [400, () => `${head('GET', `${s.path}/messages`, ['X-Odd : x'])}\r\n`],
    'over 8 KB of headers': [431, () => `${head('GET', `${s.path}/messages`, [`X-Long: ${'x'.repeat(9000)}`])}\r\n`],
    'a path of 9 KB': [[414, 431, 400], () => `${head('GET', `/api/${'x'.repeat(9000)}`)}\r\n`],
    'no Host': [400, () => `GET ${s.path}/messages HTTP/1.1\r\n${auth}\r\nConnection: close\r\n\r\n`],
    'two Hosts': [400, () => `${head('GET', `${s.path}/messages`, ['Host: other'])}\r\n`],
    'HTTP/3.0 on TCP': [[400, 505], () => `GET ${s.path}/messages HTTP/3.0\r\nHost: x\r\n\r\n`],
    'no HTTP at all': [400, () => 'hello there\r\n\r\n'],
    'TRACE': [[405, 501], () => `${head('TRACE', `${s.path}/messages`)}\r\n`],
    'CONNECT': [[400, 405, 501], () => `${head('CONNECT', 'localhost:1')}\r\n`],
    'CONNECT to a page': [405, () => `${head('CONNECT', '/')}\r\n`],
    'an invented method': [[400, 405, 501], () => `${head('FROB', `${s.path}/messages`)}\r\n`],
    '%00 in the path': [[400, 404], () => `${head('GET', '/api/conversations/a%00b/messages')}\r\n`],
    '%0d%0a in the path': [[400, 404], () => `${head('GET', '/api/conversations/a%0d%0aX:b/messages')}\r\n`],
    'overlong UTF-8 in the path': [[400, 404], () => `${head('GET', '/api/conversations/%c0%afb/messages')}\r\n`],
    'half an escape in the path': [[400, 404], () => `${head('GET', '/api/conversations/a%2/messages')}\r\n`],
    'a control byte in the path': [[400, 404], () => `${head('GET', '/api/conversations/a\x01b/messages')}\r\n`],
    'a blank in the path': [[400, 404, 505], () => `${head('GET', '/api/conversations/a b/messages')}\r\n`],
  };
  for (const [name, [status, make]] of Object.entries(broken)) {
    test(name, () => harmless(async () => {
      const r = await raw(stack.base, Buffer.from(make(), 'latin1'));
      assert.ok([].concat(status).includes(r.status), `${r.status} ${r.text.slice(0, 200)}`);
      if (r.status === 405) assert.ok(r.headers.allow, 'whoever says 405 says what is allowed');
      if (!codesOf(r)) return;
      errorBody({ ...r, status: r.status }, name);
    }));
  }
  // 414, 431, 501 and 505 are lighttpd's own and outside the table of codes; their body has the same shape all the same.
  const codesOf = (r) => {
    assert.match(r.headers['content-type'] ?? '', /^application\/json/, `${r.status} ${r.text.slice(0, 200)}`);
    assert.equal(typeof r.json?.error?.code, 'string', r.text.slice(0, 200));
    assert.equal(typeof r.json.error.message, 'string');
    return [400, 404, 405, 413].includes(r.status);
  };

  test('slashes, encoded or doubled, and dots make no other path', () => harmless(async () => {
    const id = s.id;
    for (const path of [`/api%2Fconversations%2F${id}%2Fmessages`, `/api/conversations/${id}%2Fmessages`, `//api/conversations/${id}/messages`, `/api//conversations/${id}/messages`,
      `/api/conversations/${id}//messages`, `/api/conversations/${id}/messages/`, `/api/conversations/%2e%2e/messages`, `/api/conversations//messages`,
      `/API/conversations/${id}/messages`, `/api/conversations/${id}/messages;x=1`, `/api/conversations/${id}/Messages`]) {
      const r = await raw(stack.base, `${head('GET', path)}\r\n`);
      // The percent-encoded letter is the letter; anything else than the one form is unknown.
      assert.equal(r.status, 404, `${path}: ${r.status} ${r.text.slice(0, 200)}`);
      errorBody(r, path);
    }
    const r = await raw(stack.base, `${head('GET', `/api/conversations/${'x'.repeat(65)}/messages`)}\r\n`);
    refused(r, 'NOT_FOUND', 'an id of 65 characters');
  }));
  test('ids that are none: 404 with the body of an unknown one', () => harmless(async () => {
    const want = (await call(stack.base, 'GET', `/api/conversations/sess_${rnd()}/messages`, { ticket: s.tickets.student })).text;
    for (const id of ['%C3%A9', 'a.b', 'a:b', "a'b", '*', '%2a', 'a%20b', 'x'.repeat(65), '%7Bid%7D']) {
      const r = await call(stack.base, 'GET', `/api/conversations/${id}/messages`, { ticket: s.tickets.student });
      refused(r, 'NOT_FOUND', id);
      assert.equal(r.text, want, id);
    }
  }));
  test('a request in odd pieces', async () => {
    for (const sizes of [[1], [2, 3], [7], [1, 200]]) {
      const content = `in pieces of ${sizes}: é 😀`;
      const r = await raw(stack.base, pieces(post(JSON.stringify({ content })), sizes));
      isMessage(ok(r, 201), { content, sender: s.student });
    }
  });
  test('a client that closes its sending side after the request still gets its answer', async () => {
    // tcp-fin-propagate tells us of the half-close: a REST request that is whole is answered all the same or dropped, never done twice or half.
    const clientId = rnd();
    const c = new Raw(stack.base).read();
    await c.write(post(JSON.stringify({ content: 'half closed', clientId })));
    c.halfClose();
    await c.closed;
    const reply = parseReply(c.buffer);
    const again = await call(stack.base, 'POST', `${s.path}/messages`, { ticket: s.tickets.student, json: { content: 'half closed', clientId } });
    if (reply?.status === 201) assert.deepEqual([again.status, again.json.id], [200, reply.json.id]);
    else assert.ok([200, 201].includes(again.status), again.text);
    c.destroy();
  });
  test('a client that leaves in the middle of its body sends nothing', () => harmless(async () => {
    const whole = post(JSON.stringify({ content: 'never whole' }));
    const c = new Raw(stack.base).read();
    await c.write(whole.subarray(0, whole.length - 5));
    c.destroy();
    ok(await call(stack.base, 'GET', `${s.path}/messages`, { ticket: s.tickets.student }));
  }));
  test('two requests in one write get two answers', async () => {
    const one = `GET ${s.path}/presence HTTP/1.1\r\nHost: x\r\n${auth}\r\n`;
    const c = new Raw(stack.base).read();
    await c.write(`${one}\r\n${one}Connection: close\r\n\r\n`);
    await c.closed;
    assert.equal(c.text.match(/HTTP\/1\.1 200/g)?.length, 2, c.text.slice(0, 400));
    c.destroy();
  });
  test('HTTP/1.0', async () => assert.equal((await raw(stack.base, `GET ${s.path}/messages HTTP/1.0\r\nHost: x\r\n${auth}\r\n\r\n`)).status, 200));
  test('a body in chunks', async () => {
    const r = await raw(stack.base, `${head('POST', `${s.path}/messages`, ['Content-Type: application/json', 'Transfer-Encoding: chunked'])}\r\n8\r\n{"conten\r\n10\r\nt":"in chunks!"}\r\n0\r\n\r\n`);
    isMessage(ok(r, 201), { content: 'in chunks!' });
  });
  // Uploads come to the handler as they are sent. Whoever sends anything else that way is answered at once: nobody waits for what he may never send.
  test('a body that trickles in where none is wanted holds up nobody', async () => {
    const id = s.id;
    const asks = [['PUT', `${s.path}/files`], ['DELETE', `${s.path}/files`], ['PATCH', `${s.path}/files`], ['GET', `${s.path}/files`], ['OPTIONS', `${s.path}/files`],
      ['POST', `//api/conversations/${id}/files`], ['POST', `/api//conversations/${id}/files`], ['POST', `/api/conversations/${id}%2Ffiles`], ['POST', `/api/./conversations/${id}/files`], ['POST', `/api/conversations/${id}/x/../files`]];
    const slow = [];
    const drip = setInterval(() => { for (const c of slow) if (!c.ended) c.socket.write('x'); }, 300);
    try {
      for (const [method, path] of asks) {
        const c = new Raw(stack.base).read();
        slow.push(c);
        await c.write(`${head(method, path, ['Content-Type: application/octet-stream', 'Content-Length: 1000000'])}\r\nx`);
      }
      ok(await call(stack.base, 'GET', `${s.path}/messages`, { ticket: s.tickets.student, agent: false, timeout: 10_000 }));
      for (const [i, c] of slow.entries()) {
        const r = await until(`an answer to ${asks[i]}`, () => parseReply(c.buffer), { ms: 10_000 });
        assert.ok([204, 400, 404, 405].includes(r.status), `${asks[i]}: ${r.status} ${r.text.slice(0, 200)}`);
      }
    } finally {
      clearInterval(drip);
      for (const c of slow) c.destroy();
    }
  });
  test('the same header in several spellings claims nothing', async () => {
    for (const name of ['X-Real-Ip', 'X_Real_Ip', 'X-Forwarded-For', 'Forwarded', 'X-HTTP-Method-Override']) {
      const r = await raw(stack.base, `${head('GET', `${s.path}/messages`, [`${name}: 10.0.0.1`, `${name}: DELETE`])}\r\n`);
      assert.ok([200, 400].includes(r.status), `${name}: ${r.status}`);
    }
  });
});

describe('JSON', () => {
  const bad = {
    'nothing': '', 'a brace': '{', 'a list': '[]', 'a text': '"x"', 'null': 'null', 'a number': '1', 'two objects': '{"content":"a"}{"content":"b"}',
    'something behind': '{"content":"a"} x', 'a NUL behind': '{"content":"a"}\0', 'a comma too many': '{"content":"a",}', 'single quotes': "{'content':'a'}", 'a comment': '{"content":"a"/*x*/}',
    'NaN': '{"content":"a","metadata":{"n":NaN}}', 'Infinity': '{"content":"a","metadata":{"n":Infinity}}', '1e999': '{"content":"a","metadata":{"n":1e999}}',
    'a member twice': '{"content":"a","content":"b"}', 'a member twice, deeper': '{"content":"a","metadata":{"k":1,"k":2}}', 'a member twice by escape': '{"content":"a","c\\u006fntent":"b"}',
    'a BOM': '\ufeff{"content":"a"}', 'a lone high surrogate': '{"content":"a\\ud800"}', 'a lone low surrogate': '{"content":"\\udc00a"}', 'surrogates the wrong way': '{"content":"\\udc00\\ud800"}',
    'a raw newline in a text': '{"content":"a\nb"}', 'a bad escape': '{"content":"\\x41"}', 'a leading zero': '{"content":"a","replyTo":01}',
    '60,000 brackets': '['.repeat(60_000), '17 deep': `{"content":"a","metadata":${'{"a":'.repeat(15)}{}${'}'.repeat(15)}}`, '10,000 deep': `{"content":"a","metadata":${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}}`,
    '17 deep in lists': `{"content":"a","x":${'['.repeat(16)}${']'.repeat(16)}}`,
  };
  for (const [name, body] of Object.entries(bad)) {
    test(`400 BAD_JSON: ${name}`, () => harmless(async () => refused(await raw(stack.base, post(body)), 'BAD_JSON')));
  }
  const bytes = {
    'invalid UTF-8': [0xff], 'a lone continuation': [0x80], 'overlong slash': [0xc0, 0xaf], 'overlong NUL': [0xc0, 0x80], 'an encoded surrogate': [0xed, 0xa0, 0x80],
    'beyond U+10FFFF': [0xf4, 0x90, 0x80, 0x80], 'a cut sequence': [0xe2, 0x82],
  };
  for (const [name, b] of Object.entries(bytes)) {
    test(`400 BAD_JSON: ${name}`, () => harmless(async () => refused(await raw(stack.base, post(Buffer.concat([Buffer.from('{"content":"a'), Buffer.from(b), Buffer.from('"}')]))), 'BAD_JSON')));
  }
  test('UTF-16: 400', () => harmless(async () => refused(await raw(stack.base, post(Buffer.from('{"content":"a"}', 'utf16le'))), 'BAD_JSON')));
  test('16 deep is fine', async () => ok(await raw(stack.base, post(`{"content":"a","metadata":${'{"a":'.repeat(14)}{}${'}'.repeat(14)}}`)), 201));
  test('100,000 brackets are too large', () => harmless(async () => refused(await raw(stack.base, post('['.repeat(100_000))), 'TOO_LARGE')));
  test('the same rules for every body', async () => {
    const own = await stack.session();
    const m = ok(await stack.as(own.tickets.student).post(`${own.path}/messages`, { content: 'x' }), 201);
    const state = await stateOf(stack, own);
    for (const [ticket, method, path] of [
      [stack.service(), 'POST', '/api/sessions'], [stack.service(), 'PUT', `/api/sessions/${own.id}`], [stack.service(), 'POST', `/api/sessions/${own.id}/tickets`],
      [own.tickets.student, 'PATCH', `${own.path}/messages/${m.id}`], [own.tickets.student, 'POST', `${own.path}/typing`], [own.tickets.student, 'PUT', `${own.path}/read`],
    ]) {
      for (const body of ['{', '[]', '{"a":1,"a":2}', '{}{}', '\ufeff{}', '{"a":"\xff"}']) {
        const encoded = body.includes('\xff') ? Buffer.from(body, 'latin1') : body;
        refused(await call(stack.base, method, path, { ticket, body: encoded, headers: { 'Content-Type': 'application/json' } }), 'BAD_JSON', `${method} ${path} ${body}`);
      }
      refused(await call(stack.base, method, path, { ticket, body: '{}', headers: { 'Content-Type': 'text/plain' } }), 'UNSUPPORTED_TYPE', `${method} ${path}`);
      refused(await call(stack.base, method, path, { ticket, body: ' '.repeat(70_000), headers: { 'Content-Type': 'application/json' } }), 'TOO_LARGE', `${method} ${path}`);
    }
    assert.deepEqual(await stateOf(stack, own), state);
  });
});

describe('members of a message', () => {
  const send = (json) => stack.as(s.tickets.student).post(`${s.path}/messages`, json);
  const badContent = { 'missing': undefined, 'null': null, 'a number': 1, 'a list': ['a'], 'an object': {}, 'true': true, 'empty': '', 'blanks': '   ', 'line ends': '\r\n\t ', 'one byte over 16 KB': 'x'.repeat(16385), 'over 16 KB in two-byte letters': 'é'.repeat(8193), 'NUL': 'a\0b', 'only NUL': '\0' };
  for (const [name, content] of Object.entries(badContent)) {
    test(`400 BAD_CONTENT: content ${name}`, () => harmless(async () => {
      refused(await send({ content, clientId: rnd() }), 'BAD_CONTENT');
      refused(await stack.as(s.tickets.student).patch(`${s.path}/messages/${await firstOwn()}`, { content }), 'BAD_CONTENT', 'PATCH');
    }));
  }
  const firstOwn = async () => (await stack.as(s.tickets.student).get(`${s.path}/messages?limit=200`)).json.messages.find((m) => m.sender === s.student && !m.deletedAt).id;
  const odd = {
    clientId: ['', 'x'.repeat(65), 'a b', 'ä', '../x', 'a\n', 5, [], {}, true],
    replyTo: ['1', 'x', -1, 0, 1.5, [], {}, true, 99_999_999, 9007199254740993],
    threadId: ['', 'x'.repeat(65), 'a b', 5, [], {}],
    type: ['', 5, [], {}, true, 'x'.repeat(65), 'a b'],
    metadata: ['x', 5, [], true],
  };
  for (const [member, values] of Object.entries(odd)) {
    test(`400 BAD_REQUEST: ${member}`, () => harmless(async () => {
      for (const value of values) refused(await send({ content: 'x', [member]: value }), 'BAD_REQUEST', JSON.stringify(value));
    }));
  }
  test('what a client may not choose is ours', async () => {
    const m = ok(await send({ content: 'mine', id: 999, cursor: '999-000000000000', conversationId: 'other', sender: s.counselor, role: 'counselor', sentAt: 1, editedAt: 2, deletedAt: 3, expiresAt: 4, position: 7, online: [], isAdmin: true }), 201);
    isMessage(m, { conversationId: s.id, sender: s.student, role: 'student', content: 'mine', editedAt: undefined, deletedAt: undefined });
    assert.ok(m.id !== 999 && m.sentAt > 1e12);
    const found = ok(await stack.as(s.tickets.counselor).get(`${s.path}/messages`)).messages.at(-1);
    assert.deepEqual([found.id, found.sender, found.role, found.sentAt], [m.id, s.student, 'student', m.sentAt]);
  });
  test('exactly 16 KB, in bytes of any width, comes back as it was', async () => {
    for (const content of ['x'.repeat(16384), 'é'.repeat(8192), '😀'.repeat(4096)]) {
      const m = ok(await send({ content }), 201);
      const back = ok(await stack.as(s.tickets.counselor).get(`${s.path}/messages?limit=1`)).messages[0];
      assert.equal(back.id, m.id);
      assert.ok(back.content === content, 'content differs');
    }
  });
  test('text is data: every odd character comes back as it was', async () => {
    for (const content of ['a\rb', 'a\nb', 'a\r\nb', '\u2028\u2029', 'data: x\n\nevent: evil\nid: 1\n\n', '<script>alert(1)</script>', '\u202eabc\u202c', 'e\u0301', '\u200b\ufeffx', '\u0001\u001f\u007f', '\uffff', '𝕏👩‍👩‍👧', '"\\/\b\f\t', '%00%s%n${x}', "'; DROP TABLE--", '\r', ' \u00a0x '].filter((c) => c.trim() !== '')) {
      const r = await send({ content });
      assert.equal(ok(r, 201, JSON.stringify(content)).content, content);
      assert.equal(ok(await stack.as(s.tickets.counselor).get(`${s.path}/messages?limit=1`)).messages[0].content, content);
    }
  });
  test('the other members come back too', async () => {
    const first = ok(await send({ content: 'first' }), 201);
    const want = { content: 'second', type: 'text', clientId: rnd(), replyTo: first.id, threadId: 'thread_1', metadata: { a: [1, 2.5, 'é', null, true], b: { c: '\u2028' } } };
    const m = isMessage(ok(await send(want), 201), { ...want, conversationId: s.id, sender: s.student, role: 'student' });
    assert.deepEqual(ok(await stack.as(s.tickets.counselor).get(`${s.path}/messages?limit=1`)).messages[0], plain(m));
  });
});

describe('size and type of a body', () => {
  const padded = (n) => { const b = JSON.stringify({ content: 'padded' }); return b + ' '.repeat(n - b.length); };
  test('64 KB pass, one byte more is 413', async () => {
    ok(await raw(stack.base, post(padded(65536))), 201);
    await harmless(async () => {
      for (const n of [65537, 65536 * 2, 1_000_000]) refused(await raw(stack.base, post(padded(n))), 'TOO_LARGE', `${n} bytes`);
    });
  });
  test('413 at once for a length that is only announced', () => harmless(async () => {
    for (const n of ['10000000000', '99999999999999999999']) {
      const r = await raw(stack.base, `${head('POST', `${s.path}/messages`, ['Content-Type: application/json', `Content-Length: ${n}`])}\r\n{`);
      assert.ok([400, 413].includes(r.status), `${n}: ${r.status}`);
      errorBody(r, n);
    }
  }));
  test('413 for chunks without end', () => harmless(async () => {
    const chunk = `2000\r\n${' '.repeat(0x2000)}\r\n`;
    const r = await raw(stack.base, [`${head('POST', `${s.path}/messages`, ['Content-Type: application/json', 'Transfer-Encoding: chunked'])}\r\n`, ...Array(12).fill(chunk), '0\r\n\r\n']);
    errorBody(r);
    assert.equal(r.status, 413);
  }));
  test('no message body is ever spooled to a file', async () => {
    const canary = `canary${rnd(16)}`;
    const whole = post(JSON.stringify({ content: canary + 'y'.repeat(16_000) }));
    const c = new Raw(stack.base).read();
    await c.write(whole.subarray(0, whole.length - 1));
    for (const f of stack.logFiles()) assert.ok(!f.includes('upload'), f);
    await c.write(whole.subarray(whole.length - 1));
    await until('the answer', () => parseReply(c.buffer)?.complete);
    ok(parseReply(c.buffer), 201);
    c.destroy();
    assert.ok(!stack.logs().includes(canary));
  });
  for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'application/jsonp', 'text/json', 'application/json, text/plain', 'application', '']) {
    test(`415: ${type || 'no type'}`, () => harmless(async () => refused(await raw(stack.base, post('{"content":"a"}', type ? [`Content-Type: ${type}`] : [])), 'UNSUPPORTED_TYPE')));
  }
  for (const type of ['application/json', 'application/json; charset=utf-8', 'application/json;charset=UTF-8', 'Application/JSON']) {
    test(`accepted: ${type}`, async () => ok(await raw(stack.base, post('{"content":"a"}', [`Content-Type: ${type}`])), 201));
  }
  test('415: gzip, deflate, br', () => harmless(async () => {
    for (const [encoding, body] of [['gzip', gzipSync('{"content":"a"}')], ['deflate', '{"content":"a"}'], ['br', '{"content":"a"}']]) {
      refused(await raw(stack.base, post(body, ['Content-Type: application/json', `Content-Encoding: ${encoding}`])), 'UNSUPPORTED_TYPE', encoding);
    }
  }));
});

describe('lighttpd answers in our words', () => {
  test('unknown paths outside the API', async () => {
    for (const path of ['/nope', '/nope/deeper.html', '/.git/config', '/room.json', '/../etc/passwd', '/%2e%2e/%2e%2e/etc/passwd']) {
      const r = await raw(stack.base, `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
      assert.ok([400, 403, 404].includes(r.status), `${path}: ${r.status}`);
      assert.match(r.headers['content-type'], /^application\/json/, path);
      assert.equal(typeof r.json?.error?.code, 'string', path);
    }
  });
  test('and with a request id', async () => {
    for (const bytes of ['GET /nope HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n', `${head('POST', `${s.path}/messages`, ['Content-Type: application/json', 'Content-Length: 70000'])}\r\n${' '.repeat(70000)}`]) common(await raw(stack.base, bytes), bytes.slice(0, 20));
  });
});

test('bodies and tickets that were refused are not in the logs', () => {
  const logs = stack.logs();
  for (const secret of ['never whole', 'padded', 'in chunks!', 'half closed', s.tickets.student.split('.')[2]]) assert.ok(!logs.includes(secret), secret);
});
