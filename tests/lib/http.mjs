// Two HTTP clients: call() on node:http for the ordinary, raw() on a bare socket for what no well-behaved client would send.
// Neither follows, repairs or normalizes anything.
import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import { sleep, slow } from './wait.mjs';

const agent = new http.Agent({ keepAlive: true, maxSockets: 64, scheduling: 'lifo' });

function once(base, method, path, { ticket, json, body, headers = {}, timeout = 40_000, agent: own, ca, signal } = {}) {
  const url = new URL(base);
  const send = { ...headers };
  if (ticket) send.Authorization = `Bearer ${ticket}`;
  if (json !== undefined) {
    body = JSON.stringify(json);
    send['Content-Type'] ??= 'application/json';
  }
  if (body !== undefined) send['Content-Length'] = Buffer.byteLength(body);
  const tls = url.protocol === 'https:';
  return new Promise((done, fail) => {
    const req = (tls ? https : http).request({
      host: url.hostname,
      port: url.port,
      method,
      path,
      headers: send,
      signal,
      agent: tls ? undefined : own ?? agent,
      ...(tls ? { ca, rejectUnauthorized: false } : {}),
    });
    const timer = setTimeout(() => req.destroy(new Error(`no reply in ${timeout * slow} ms to ${method} ${path.slice(0, 120)}`)), timeout * slow);
    req.on('error', (e) => {
      clearTimeout(timer);
      e.reused = req.reusedSocket;
      fail(e);
    });
    req.on('response', (res) => {
      const parts = [];
      res.on('data', (d) => parts.push(d));
      res.on('error', (e) => { clearTimeout(timer); fail(e); });
      res.on('end', () => {
        clearTimeout(timer);
        const text = Buffer.concat(parts).toString('utf8');
        let parsed;
        try { parsed = JSON.parse(text); } catch { /* not JSON: json stays undefined */ }
        done({ status: res.statusCode, headers: res.headers, text, json: parsed, code: parsed?.error?.code });
      });
    });
    req.end(body);
  });
}

// One request and its reply: {status, headers, text, json, code}. A kept-alive connection that the server had just closed is tried
// again once on a fresh one (no request reached anyone), unless retry is false.
export async function call(base, method, path, options = {}) {
  try {
    return await once(base, method, path, options);
  } catch (e) {
    if (!e.reused || !/ECONNRESET|EPIPE|socket hang up/.test(`${e.code} ${e.message}`) || options.retry === false) throw e;
    return once(base, method, path, { ...options, agent: false });
  }
}

// {value, took, lag}: what became of fn, how long it took, and the longest wait for a page that lighttpd has of its own meanwhile. So what a slow machine
// makes everybody wait is not held against fn.
export async function beside(base, fn) {
  let running = true;
  let lag = 0;
  const watch = (async () => {
    while (running) {
      const began = performance.now();
      await call(base, 'GET', '/', { agent: false }).catch(() => {});
      lag = Math.max(lag, performance.now() - began);
      await sleep(20);
    }
  })();
  const began = performance.now();
  try {
    const value = await fn();
    const took = performance.now() - began;
    running = false;
    await watch;
    return { value, took, lag };
  } finally {
    running = false;
  }
}

// Splits bytes into pieces of the given sizes, used in turn.
export function pieces(bytes, sizes) {
  const buf = Buffer.from(bytes);
  const out = [];
  for (let at = 0, i = 0; at < buf.length; i++) {
    const n = sizes[i % sizes.length];
    out.push(buf.subarray(at, at + n));
    at += n;
  }
  return out;
}

// A bare connection: write(bytes), and everything that came back in .text; ended when the server closed.
export class Raw {
  constructor(base, { allowHalfOpen = true, highWaterMark } = {}) {
    const url = new URL(base);
    this.chunks = [];
    this.bytes = 0;
    this.ended = false;
    this.socket = net.connect({ host: url.hostname, port: Number(url.port), allowHalfOpen, noDelay: true, ...(highWaterMark ? { highWaterMark } : {}) });
    this.socket.on('error', (e) => { this.error = e; this.ended = true; });
    this.connected = new Promise((done, fail) => this.socket.once('connect', done).once('error', fail));
    this.connected.catch(() => {});
    this.closed = new Promise((done) => {
      const end = () => { this.ended = true; done(); };
      this.socket.once('end', end);
      this.socket.once('close', end);
    });
  }
  // Starts reading (a Raw that never reads lets the server's buffers fill).
  read() {
    this.socket.on('data', (d) => { this.chunks.push(d); this.bytes += d.length; });
    return this;
  }
  get buffer() { return Buffer.concat(this.chunks); }
  get text() { return this.buffer.toString('latin1'); }
  async write(bytes) {
    await this.connected;
    await new Promise((done) => this.socket.write(bytes, () => done()));
  }
  halfClose() { this.socket.end(); }
  destroy() { this.socket.destroy(); }
}

// Takes a whole HTTP/1.1 reply apart: {status, headers, text, json, code}; null while the head is incomplete.
export function parseReply(buffer) {
  const end = buffer.indexOf('\r\n\r\n');
  if (end < 0) return null;
  const [line, ...rest] = buffer.subarray(0, end).toString('latin1').split('\r\n');
  const headers = {};
  for (const h of rest) {
    const at = h.indexOf(':');
    const name = h.slice(0, at).toLowerCase();
    const value = h.slice(at + 1).trim();
    headers[name] = name in headers ? `${headers[name]}, ${value}` : value;
  }
  let body = buffer.subarray(end + 4);
  let complete = headers['content-length'] === undefined ? undefined : body.length >= Number(headers['content-length']);
  if (headers['transfer-encoding'] === 'chunked') ({ body, complete } = dechunk(body));
  const text = body.toString('utf8');
  let json;
  try { json = JSON.parse(text); } catch { /* not JSON: stays undefined */ }
  return { status: Number(line.split(' ')[1]), headers, body, text, json, code: json?.error?.code, complete };
}

// The payload of a chunked body as far as it has come.
export function dechunk(buffer) {
  const parts = [];
  let at = 0;
  for (;;) {
    const eol = buffer.indexOf('\r\n', at);
    if (eol < 0) break;
    const n = parseInt(buffer.subarray(at, eol).toString('latin1'), 16);
    if (Number.isNaN(n)) throw new Error(`not a chunk size: ${JSON.stringify(buffer.subarray(at, eol).toString('latin1'))}`);
    if (n === 0) return { body: Buffer.concat(parts), complete: true };
    parts.push(buffer.subarray(eol + 2, Math.min(eol + 2 + n, buffer.length)));
    if (eol + 2 + n + 2 > buffer.length) break;
    at = eol + 2 + n + 2;
  }
  return { body: Buffer.concat(parts), complete: false };
}

// Sends bytes (text, Buffer, or a list of pieces written one by one) on a connection of its own; the reply once it is whole.
export async function raw(base, bytes, { timeout = 30_000, halfClose = false } = {}) {
  const c = new Raw(base).read();
  const timer = setTimeout(() => c.destroy(), timeout * slow);
  try {
    await c.connected;
    for (const piece of Array.isArray(bytes) ? bytes : [bytes]) {
      if (c.ended) break;
      await c.write(piece);
      if (Array.isArray(bytes)) await new Promise((done) => setImmediate(done));
    }
    if (halfClose) c.halfClose();
    for (;;) {
      const reply = parseReply(c.buffer);
      if (reply && (reply.complete || c.ended)) return reply;
      if (c.ended) throw new Error(`connection ended without a whole reply: ${JSON.stringify(c.text.slice(0, 200))}`);
      await Promise.race([c.closed, new Promise((done) => c.socket.once('data', done))]);
    }
  } finally {
    clearTimeout(timer);
    c.destroy();
  }
}
