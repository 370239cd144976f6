// An HTTPS server that plays somebody: it records every request, checks it against a contract, answers as that somebody would, and
// misbehaves on command.
//
//   service.next({ status: 503 })               the next request gets this; several calls queue up; next(spec, 3): the next three
//   service.always({ hang: true }), .always()   every request not taken by next, until taken back
//
// What any service can be told: status, headers, body (text or object), html (an error page), huge (10 MB), cut (the connection ends in the
// middle of the answer), reset (before any of it), hang (nothing, ever), delay_ms, until (a promise: not before it),
// retryAfter (seconds or a date). The rest is the service's own.
import { createServer } from 'node:https';
import { sleep } from '../wait.mjs';

// A breach of contract: what a real service would refuse, or what must never leave the house.
export class Breach extends Error {}
export const must = (condition, what) => { if (!condition) throw new Breach(what); };

export function mustHave(object, required, optional = [], what = 'object') {
  must(object !== null && typeof object === 'object' && !Array.isArray(object), `${what} is no object`);
  for (const k of required) must(Object.hasOwn(object, k), `${what} lacks ${k}`);
  for (const k of Object.keys(object)) must(required.includes(k) || optional.includes(k), `${what} has the unknown member ${k}`);
}

const page = (status) => `<!DOCTYPE html><html><head><title>Error ${status}</title></head><body><p><b>${status}.</b> That's an error.</p></body></html>`;

export class Service {
  // check(request) → anything for answer, or throws Breach; answer(request, checked, spec) → {status, headers?, body}; refuse(breach) → the same
  constructor(name, { check, answer, refuse }) {
    Object.assign(this, { name, check, answer, refuse, requests: [], problems: [], planned: [], sockets: new Set() });
    this.forever = {};
  }

  next(spec, times = 1) {
    for (let i = 0; i < times; i++) this.planned.push(spec);
    return this;
  }

  always(spec = {}) {
    this.forever = spec;
    return this;
  }

  async start(tls, port = 0) {
    this.tls = tls;
    this.server = createServer({ ...tls, minVersion: 'TLSv1.2', keepAliveTimeout: 60_000 }, (req, res) => this.handle(req, res));
    this.server.on('secureConnection', (s) => { this.sockets.add(s); s.on('close', () => this.sockets.delete(s)); s.on('error', () => {}); });
    this.server.on('tlsClientError', () => {});
    await new Promise((done, fail) => this.server.once('error', fail).listen(port, '127.0.0.1', done));
    this.port = this.server.address().port;
    this.url = `https://localhost:${this.port}`;
    return this;
  }

  // Nobody there any more; start again with up().
  async down() {
    for (const s of this.sockets) s.destroy();
    await new Promise((done) => this.server.close(done));
  }

  up() { return this.start(this.tls, this.port); }

  async handle(req, res) {
    const parts = [];
    req.on('error', () => {});
    res.on('error', () => {});
    for await (const part of req) parts.push(part);
    const body = Buffer.concat(parts);
    const record = { service: this.name, method: req.method, path: req.url, headers: req.headers, raw: req.rawHeaders, body: body.toString('utf8'), bytes: body, at: Date.now() };
    this.requests.push(record);
    const spec = this.planned.shift() ?? this.forever;
    record.spec = spec;
    let answer;
    try {
      const checked = this.check(record);
      record.checked = checked;
      answer = this.answer(record, checked, spec);
    } catch (e) {
      this.problems.push(`${this.name}: ${e instanceof Breach ? e.message : e.stack}`);
      answer = this.refuse(e.message);
    }
    await this.reply(res, answer, spec, record).catch(() => {});
  }

  async reply(res, answer, spec, record) {
    if (spec.delay_ms) await sleep(spec.delay_ms);
    if (spec.until) await spec.until;
    if (spec.hang) return;
    if (spec.reset) { res.socket?.destroy(); return; }
    const status = spec.status ?? answer.status;
    const headers = { 'Content-Type': 'application/json; charset=UTF-8', ...answer.headers, ...(spec.retryAfter !== undefined ? { 'Retry-After': String(spec.retryAfter) } : {}), ...spec.headers };
    let body = spec.body ?? answer.body ?? answer.bytes ?? '';
    if (spec.html) { headers['Content-Type'] = 'text/html; charset=UTF-8'; body = page(status); }
    if (typeof body !== 'string' && !Buffer.isBuffer(body)) body = JSON.stringify(body);
    if (spec.huge) body = `${spec.html ? '<!--' : '{"x":"'}${'x'.repeat(10 * 1024 * 1024)}${spec.html ? '-->' : '"}'}`;
    headers['Content-Length'] = Buffer.byteLength(body);
    record.status = status;
    res.writeHead(status, headers);
    if (spec.cut) {
      res.write(body.slice(0, Math.floor(body.length / 2)), () => setImmediate(() => res.socket?.destroy()));
      return;
    }
    res.end(body);
  }
}

// Whether text occurs in a request: as it is, escaped as JSON, or percent-encoded.
export function holds(request, text) {
  const forms = [text, JSON.stringify(text).slice(1, -1), encodeURIComponent(text), Buffer.from(text).toString('base64').replace(/=+$/, '')];
  const hay = [request.path, request.raw.join('\n'), request.body].join('\n');
  return forms.some((f) => hay.includes(f));
}
