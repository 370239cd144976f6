// A reader of event streams after WHATWG HTML §9.2, with nothing borrowed from the service or from a package, and a stream client that
// records everything it is told. Reconnecting is left to the test, which wants to see each break.
import http from 'node:http';
import { slow } from './wait.mjs';

// Bytes in, events out: {id, event, data} to onEvent; comments, retry and last event id beside them.
export class SseParser {
  constructor(onEvent) {
    this.onEvent = onEvent;
    this.decoder = new TextDecoder('utf-8', { fatal: true }); // also strips one leading BOM
    this.line = '';
    this.skipLf = false;
    this.comments = [];
    this.lastId = '';
    this.retry = undefined;
    this.reset();
  }
  reset() { this.event = ''; this.data = []; this.id = undefined; }
  push(bytes) {
    for (const ch of this.decoder.decode(bytes, { stream: true })) {
      if (ch === '\n' && this.skipLf) { this.skipLf = false; continue; }
      this.skipLf = ch === '\r';
      if (ch === '\r' || ch === '\n') { this.take(this.line); this.line = ''; } else this.line += ch;
    }
  }
  take(line) {
    if (line === '') {
      if (this.id !== undefined) this.lastId = this.id;
      if (this.data.length) this.onEvent({ id: this.id, lastId: this.lastId, event: this.event || 'message', data: this.data.join('\n') });
      this.reset();
      return;
    }
    if (line[0] === ':') { this.comments.push({ text: line.slice(1), at: performance.now() }); return; }
    const colon = line.indexOf(':');
    const field = colon < 0 ? line : line.slice(0, colon);
    let value = colon < 0 ? '' : line.slice(colon + 1);
    if (value[0] === ' ') value = value.slice(1);
    if (field === 'event') this.event = value;
    else if (field === 'data') this.data.push(value);
    else if (field === 'id' && !value.includes('\0')) this.id = value;
    else if (field === 'retry' && /^[0-9]+$/.test(value)) this.retry = Number(value);
  }
}

export const positionOf = (cursor) => {
  const m = /^([0-9]+)-([0-9a-f]{12})$/.exec(cursor ?? '');
  if (!m) throw new Error(`not a cursor: ${JSON.stringify(cursor)}`);
  return Number(m[1]);
};

// One GET of an event stream: status and headers, then events as they come, each {id, event, data (parsed), at}.
// A stream that closed has .ended; nothing reconnects by itself.
export class Stream {
  // warm: on a connection that has served a request before, as a browser's would. lighttpd notices at once when such a client leaves; one
  // whose request lay ready when its connection was accepted, only when it writes (plain HTTP).
  constructor(base, path, { ticket, lastEventId, headers = {}, warm = false } = {}) {
    const url = new URL(base);
    this.events = [];
    this.waiters = new Set();
    this.ended = false;
    this.parser = new SseParser((e) => {
      this.events.push({ ...e, data: JSON.parse(e.data), raw: e.data, at: performance.now() });
      this.wake();
    });
    const send = { Accept: 'text/event-stream', ...headers };
    if (ticket) send.Authorization = `Bearer ${ticket}`;
    if (lastEventId !== undefined) send['Last-Event-ID'] = lastEventId;
    const agent = warm && new http.Agent({ keepAlive: true, maxSockets: 1 });
    const warmed = new Promise((done, fail) => {
      if (!warm) done();
      else http.get({ host: url.hostname, port: url.port, path: '/health', agent }, (res) => res.resume().on('end', () => setImmediate(done))).on('error', fail);
    });
    const start = () => new Promise((done, fail) => {
      if (this.ended) { fail(new Error('closed before it was opened')); return; }
      this.request = http.get({ host: url.hostname, port: url.port, path, headers: send, agent });
      const timer = setTimeout(() => this.request.destroy(new Error(`no head of a reply in ${40 * slow} s`)), 40_000 * slow);
      this.request.on('error', (e) => { clearTimeout(timer); this.finish(e); fail(e); });
      this.request.on('response', (res) => {
        clearTimeout(timer);
        this.response = res;
        this.status = res.statusCode;
        this.headers = res.headers;
        const sse = res.statusCode === 200 && /^text\/event-stream/.test(res.headers['content-type'] ?? '');
        this.body = '';
        res.on('data', (d) => {
          if (!sse) { this.body += d; return; }
          try { this.parser.push(d); } catch (e) { this.finish(e); this.close(); }
        });
        res.on('end', () => this.finish());
        res.on('error', (e) => this.finish(e));
        res.on('close', () => this.finish());
        if (sse) done(this); else res.on('end', () => done(this));
      });
    });
    this.opened = warm ? warmed.then(start) : start();
    this.opened.catch(() => {});
  }
  wake() { for (const w of this.waiters) w(); }
  finish(error) {
    if (this.ended) return;
    this.ended = true;
    this.error = error;
    this.endedAt = performance.now();
    this.wake();
  }
  get lastId() { return this.parser.lastId; }
  named(name) { return this.events.filter((e) => e.event === name); }
  // Events that carry a cursor, in order of arrival; ready has one too but is no entry.
  get entries() { return this.events.filter((e) => e.id !== undefined && e.event !== 'ready'); }
  // The first event (from index `from`) that test accepts: a name, or a function of the event.
  async next(test, { ms = 30_000, from = 0 } = {}) {
    const fits = typeof test === 'string' ? (e) => e.event === test : test;
    return this.when(`event ${typeof test === 'string' ? test : test.toString().slice(0, 120)}`, () => this.events.slice(from).find(fits), ms);
  }
  async end({ ms = 30_000 } = {}) { await this.when('the end of the stream', () => this.ended, ms, true); return this; }
  when(what, fn, ms = 30_000, afterEnd = false) {
    return new Promise((done, fail) => {
      let timer;
      const leave = () => { clearTimeout(timer); this.waiters.delete(look); };
      const names = () => `status ${this.status}, events seen: ${this.events.map((e) => e.event).slice(-12).join(' ')}${this.body ? `, body ${this.body.slice(0, 200)}` : ''}`;
      const look = () => {
        const value = fn();
        if (value) { leave(); done(value); } else if (this.ended && !afterEnd) {
          leave();
          fail(new Error(`stream ended (${this.error?.message ?? 'cleanly'}) before: ${what}; ${names()}`));
        }
      };
      timer = setTimeout(() => { leave(); fail(new Error(`waited ${ms * slow} ms in vain for ${what}; ${names()}`)); }, ms * slow);
      this.waiters.add(look);
      look();
    });
  }
  async ready(ms) { return (await this.next('ready', { ms })).data; }
  close() { this.request?.destroy(); this.finish(); }
}
