// lighttpd as `room up` runs it: its own errors in the contract's words, the pages' headers, TLS with HTTP/2, what its logs hold.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import http2 from 'node:http2';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { connect } from 'node:net';
import { connect as tlsConnect } from 'node:tls';
import { after, before, describe, test } from 'node:test';
import { call } from '../lib/http.mjs';
import { startStack } from '../lib/stack.mjs';
import { slow, until } from '../lib/wait.mjs';
import { openStream } from './helpers.mjs';

// Bytes as they are, to the end of the connection: {status, headers, text}.
const raw = (base, bytes) => new Promise((done, fail) => {
  const { hostname, port } = new URL(base);
  const socket = connect({ host: hostname === 'localhost' ? '127.0.0.1' : hostname, port });
  const parts = [];
  socket.setTimeout(10_000 * slow, () => socket.destroy(new Error('no end')));
  socket.on('error', (e) => (parts.length ? undefined : fail(e)));
  socket.on('data', (d) => parts.push(d));
  socket.on('close', () => {
    const text = Buffer.concat(parts).toString('latin1');
    const cut = text.indexOf('\r\n\r\n');
    const [line, ...fields] = text.slice(0, cut).split('\r\n');
    done({ status: Number(line.split(' ')[1]), headers: Object.fromEntries(fields.map((f) => [f.slice(0, f.indexOf(':')).toLowerCase(), f.slice(f.indexOf(':') + 2)])), text: text.slice(cut + 4) });
  });
  socket.write(bytes);
});

function assertContract(r, status, code, what) {
  assert.equal(r.status, status, `${what}: ${r.text}`);
  assert.match(r.headers['content-type'], /^application\/json/, what);
  assert.equal(r.headers['cache-control'], 'no-store', what);
  assert.match(r.headers['x-request-id'] ?? '', /^[0-9a-f]{16}$/, what);
  const { error } = JSON.parse(r.text);
  assert.equal(error.code, code, what);
  assert.ok(error.message.length > 5, what);
}

const H = 'Host: localhost\r\nConnection: close\r\n';

describe("lighttpd's own errors", () => {
  let stack;
  before(async () => { stack = await startStack(); });
  after(() => stack?.stop());

  const big = 'a'.repeat(65_537);
  const cases = [
    ['no Host', 'GET /api/x HTTP/1.1\r\n\r\n', 400, 'BAD_REQUEST'],
    ['two Hosts', 'GET /api/x HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n', 400, 'BAD_REQUEST'],
    ['garbage', 'GARBAGE\r\n\r\n', 400, 'BAD_REQUEST'],
    ['two Content-Lengths', `POST /api/sessions HTTP/1.1\r\n${H}Content-Length: 2\r\nContent-Length: 3\r\n\r\nab`, 400, 'BAD_REQUEST'],
    ['Content-Length and chunked', `POST /api/sessions HTTP/1.1\r\n${H}Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n`, 400, 'BAD_REQUEST'],
    ['a broken chunk', `POST /api/sessions HTTP/1.1\r\n${H}Transfer-Encoding: chunked\r\n\r\nzz\r\n`, 400, 'BAD_REQUEST'],
    ['a huge Content-Length', `POST /api/sessions HTTP/1.1\r\n${H}Content-Length: 99999999999999999999\r\n\r\n`, 400, 'BAD_REQUEST'],
    ['a body of 64 KB and a byte', `POST /api/sessions HTTP/1.1\r\n${H}Content-Length: 65537\r\n\r\n${big}`, 413, 'TOO_LARGE'],
    ['the same, chunked', `POST /api/sessions HTTP/1.1\r\n${H}Transfer-Encoding: chunked\r\n\r\n10001\r\n${big}\r\n0\r\n\r\n`, 413, 'TOO_LARGE'],
    ['a NUL in the path', `GET /api/%00x HTTP/1.1\r\n${H}\r\n`, 400, 'BAD_REQUEST'],
    ['CR LF in the path', `GET /api/%0d%0ax HTTP/1.1\r\n${H}\r\n`, 400, 'BAD_REQUEST'],
    ['a control byte in the path', `GET /api/\u0001 HTTP/1.1\r\n${H}\r\n`, 400, 'BAD_REQUEST'],
    ['overlong UTF-8 in the path', `GET /api/%c0%af HTTP/1.1\r\n${H}\r\n`, 400, 'BAD_REQUEST'],
    ['a control byte in a header', `GET /api/x HTTP/1.1\r\n${H}X: a\u0001b\r\n\r\n`, 400, 'BAD_REQUEST'],
    ['a huge header', `GET /api/x HTTP/1.1\r\n${H}X: ${'a'.repeat(9000)}\r\n\r\n`, 431, 'TOO_LARGE'],
    ['a huge path', `GET /api/${'a'.repeat(9000)} HTTP/1.1\r\n${H}\r\n`, 431, 'TOO_LARGE'],
    ['an unknown method', `FOO /api/x HTTP/1.1\r\n${H}\r\n`, 405, 'METHOD_NOT_ALLOWED'],
    ['a version that does not exist', `GET /api/x HTTP/3.9\r\n${H}\r\n`, 505, 'BAD_REQUEST'],
    ['an encoded slash', `GET /api/x%2Fy HTTP/1.1\r\n${H}\r\n`, 404, 'NOT_FOUND'],
    ['an unknown page', `GET /nope HTTP/1.1\r\n${H}\r\n`, 404, 'NOT_FOUND'],
    ['an unknown page, posted to', `POST /nope HTTP/1.1\r\n${H}Content-Length: 2\r\n\r\nab`, 404, 'NOT_FOUND'],
    ['a page that is deleted', `DELETE /room.js HTTP/1.1\r\n${H}\r\n`, 405, 'METHOD_NOT_ALLOWED'],
    ['a folder', `GET /errors/ HTTP/1.1\r\n${H}\r\n`, 404, 'NOT_FOUND'],
    ['the error script', `GET /errors/errors.lua HTTP/1.1\r\n${H}\r\n`, 404, 'NOT_FOUND'],
    ['the error handler', `GET /-/error HTTP/1.1\r\n${H}\r\n`, 404, 'NOT_FOUND'],
    ['a way out', `GET /..%2f..%2f..%2fetc/passwd HTTP/1.1\r\n${H}\r\n`, 404, 'NOT_FOUND'],
    ['a path below a file', `GET /room.js/x HTTP/1.1\r\n${H}\r\n`, 404, 'NOT_FOUND'],
  ];
  for (const [what, bytes, status, code] of cases) test(what, async () => {
    const r = await raw(stack.base, bytes);
    assertContract(r, status, code, what);
    if (status === 405) assert.match(r.headers.allow, /GET/);
  });

  test('a body of exactly 64 KB reaches the handler', async () => {
    const r = await raw(stack.base, `POST /api/nowhere HTTP/1.1\r\n${H}Content-Length: 65536\r\n\r\n${'a'.repeat(65_536)}`);
    assert.equal(r.status, 404);
  });

  test('every error has an id of its own', async () => {
    const ids = new Set();
    for (let i = 0; i < 20; i++) ids.add((await raw(stack.base, `GET /nope HTTP/1.1\r\n${H}\r\n`)).headers['x-request-id']);
    assert.equal(ids.size, 20);
  });

  test('HEAD of nothing has no body', async () => {
    const r = await raw(stack.base, `HEAD /nope HTTP/1.1\r\n${H}\r\n`);
    assert.equal(r.status, 404);
    assert.equal(r.text, '');
  });

  test('what a killed hub leaves in the log holds no query', async () => {
    const s = await stack.session();
    const canary = 'canary0123456789';
    const streams = await Promise.all(Array.from({ length: 8 }, () => openStream(stack.base, s, `?x=${canary}&y=${canary},${canary}`)));
    for (const pid of stack.children().hub) process.kill(pid, 'SIGKILL');
    await until('lighttpd to have noticed', () => /closing connection|terminating connection/.test(readFileSync(join(stack.state, 'logs', 'lighttpd.log'), 'utf8')));
    for (const r of streams) r.destroy();
    for (const f of stack.logFiles()) {
      const text = readFileSync(f, 'utf8');
      assert.equal(text.includes(canary), false, f);
      assert.equal(text.includes(s.id), false, `${f} names the conversation`);
    }
  });
});

describe('the pages', () => {
  let stack;
  before(async () => { stack = await startStack({ env: { ROOM_ACCESS_LOG: '1', ROOM_WORKERS: '2' } }); });
  after(() => stack?.stop());

  test('carry a strict policy, and ask each time', async () => {
    for (const [path, type, cache] of [['/', /^text\/html; charset=utf-8$/i, 'no-store'], ['/room.js', /^text\/javascript/, 'no-cache']]) {
      const r = await call(stack.base, 'GET', path);
      assert.equal(r.status, 200, path);
      assert.match(r.headers['content-type'], type);
      assert.equal(r.headers['cache-control'], cache);
      assert.equal(r.headers['content-security-policy'], "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
      assert.equal(r.headers['referrer-policy'], 'no-referrer');
      assert.equal(r.headers['x-content-type-options'], 'nosniff');
      assert.equal(r.headers.server, undefined, 'says nothing of what it is');
    }
  });

  test('are not sent again when nothing changed', async () => {
    const first = await call(stack.base, 'GET', '/room.js');
    const again = await call(stack.base, 'GET', '/room.js', { headers: { 'if-none-match': first.headers.etag } });
    assert.equal(again.status, 304);
    assert.equal(again.text, '');
  });

  test('the access log says what was asked how often, and not by whom', async () => {
    const s = await stack.session();
    await call(stack.base, 'GET', `${s.path}/messages?limit=7`, { ticket: s.tickets.student });
    assert.equal(stack.children().lighttpd.length, 2, 'ROOM_WORKERS');
    const log = join(stack.state, 'logs', 'access.log');
    // lighttpd writes its buffer when that is full, or each few seconds.
    const text = await until('the log', () => { const t = readFileSync(log, 'utf8'); return t.split('\n').length > 3 && t; }, { ms: 20_000 });
    for (const line of text.trimEnd().split('\n')) assert.match(line, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d{4} [A-Z]+ HTTP\/\S+ \d{3} \S+ \d+ \S+$/);
    assert.doesNotMatch(text, /127\.0\.0\.1|sess_|limit=/);
  });
});

describe('ROOM_TLS=1', () => {
  let stack;
  before(async () => { stack = await startStack({ env: { ROOM_TLS: '1' } }); });
  after(() => stack?.stop());

  const ca = () => readFileSync(join(stack.state, 'tls.pem'));

  test('HTTP/2 by default, with a certificate for localhost that holds', async () => {
    assert.match(stack.base, /^https:\/\/localhost:\d+$/);
    const client = http2.connect(stack.base, { ca: ca() });
    const s = await stack.session();
    const read = (path, headers = {}) => new Promise((done, fail) => {
      const req = client.request({ ':path': path, ...headers });
      let status;
      let text = '';
      req.on('response', (h) => { status = h; });
      req.on('data', (d) => { text += d; if (path.endsWith('/events') && text.includes('event: ready')) { done({ status: status[':status'], headers: status, text }); req.close(); } });
      req.on('end', () => done({ status: status[':status'], headers: status, text }));
      req.on('error', fail);
      req.end();
    });
    try {
      assert.equal((await read('/health')).status, 200);
      assertContract(await read('/nope'), 404, 'NOT_FOUND', 'an error over HTTP/2');
      const stream = await read(`${s.path}/events`, { authorization: `Bearer ${s.tickets.student}` });
      assert.equal(stream.status, 200);
      assert.match(stream.text, /event: ready/);
    } finally {
      client.destroy();
    }
  });

  test('HTTP/1.1 for those who want it; nothing below TLS 1.2', async () => {
    const { port } = new URL(stack.base);
    const shake = (options) => new Promise((done, fail) => {
      const socket = tlsConnect({ host: '127.0.0.1', servername: 'localhost', port, ca: ca(), ...options }, () => { done([socket.alpnProtocol, socket.getProtocol()]); socket.destroy(); });
      socket.on('error', fail);
    });
    assert.deepEqual(await shake({ ALPNProtocols: ['http/1.1'] }), ['http/1.1', 'TLSv1.3']);
    assert.deepEqual(await shake({ ALPNProtocols: ['h2', 'http/1.1'] }), ['h2', 'TLSv1.3']);
    await assert.rejects(shake({ maxVersion: 'TLSv1.1', minVersion: 'TLSv1', ciphers: 'DEFAULT@SECLEVEL=0' }));
  });

  test('the certificate is kept, and its key is nobody else’s', async () => {
    const text = ca().toString();
    assert.match(text, /PRIVATE KEY/);
    assert.match(execFileSync('openssl', ['x509', '-noout', '-ext', 'subjectAltName', '-in', join(stack.state, 'tls.pem')], { encoding: 'utf8' }), /DNS:localhost.*IP Address:127\.0\.0\.1/s);
    assert.ok(readdirSync(stack.state).includes('tls.pem'));
  });
});
