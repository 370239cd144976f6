// Readers that never give up, as a phone or a browser would be: they reconnect after every break by their last cursor and write down
// everything they were told, for tests/lib/history.mjs to judge. One streams, the other polls.
import { call } from './http.mjs';
import { Stream } from './sse.mjs';
import { sleep, until } from './wait.mjs';

const running = new Set();

// Ends the readers of a stack that goes, so that a test that failed half way does not keep its process alive.
export function stopReaders(base) {
  for (const r of running) if (r.base === base) { r.running = false; r.interrupt?.(); }
}

class Reader {
  constructor(name, base, conversation, ticket) {
    running.add(this);
    Object.assign(this, { name, base, conversation, ticket, seen: [], resets: [], starts: [], breaks: 0, passing: [], problems: [] });
    this.running = true;
  }
  // From which entry on the reader owes us everything: the cursor it was given, else its first `ready`.
  startAt(cursor) {
    this.cursor = cursor;
    if (cursor !== undefined) this.begin = Number(cursor.split('-')[0]);
  }
  take(e) {
    if (e.event === 'ready') {
      this.starts.push({ after: this.cursor, cursor: e.data.cursor, resumed: e.data.resumed, seen: this.seen.length });
      if (this.cursor === undefined) this.startAt(e.data.cursor);
    } else if (e.event === 'reset') {
      this.cursor = this.starts.at(-1).cursor; // what went before is to be loaded anew; the stream goes on from here
      this.resets.push({ seen: this.seen.length, cursor: this.cursor });
    } else if (e.id !== undefined) {
      this.seen.push({ cursor: e.id, event: e.event, data: e.data });
      this.cursor = e.id;
    } else this.passing.push(e);
  }
  // Resolves once the reader has seen the entry at position n or beyond.
  reached(n, ms = 30_000) {
    return until(`${this.name} to reach position ${n} (stands at ${this.cursor}, problems: ${this.problems.slice(-3).join('; ')})`, () => this.cursor && Number(this.cursor.split('-')[0]) >= n, { ms });
  }
  async stop() { running.delete(this); this.running = false; this.interrupt?.(); await this.done; }
}

export class StreamReader extends Reader {
  constructor(name, base, conversation, ticket, after) {
    super(name, base, conversation, ticket);
    this.startAt(after);
    this.done = this.run();
  }
  async run() {
    while (this.running) {
      const s = new Stream(this.base, `/api/conversations/${this.conversation}/events`, { ticket: this.ticket, lastEventId: this.cursor });
      this.interrupt = () => s.close();
      let taken = 0;
      const take = () => { while (taken < s.events.length) this.take(s.events[taken++]); };
      try {
        await s.opened;
        if (s.status !== 200) this.problems.push(`status ${s.status}`);
        await new Promise((done) => {
          s.waiters.add(() => { take(); if (s.ended) done(); });
          take();
          if (s.ended) done();
        });
      } catch (e) {
        this.problems.push(e.message);
      }
      take();
      this.breaks++;
      if (this.running) await sleep(20 + Math.random() * 60);
    }
  }
}

export class PollReader extends Reader {
  constructor(name, base, conversation, ticket, { after, wait = 5 } = {}) {
    super(name, base, conversation, ticket);
    this.startAt(after);
    this.wait = wait;
    this.done = this.run();
  }
  async run() {
    const leave = new AbortController();
    this.interrupt = () => leave.abort();
    while (this.running) {
      const after = this.cursor === undefined ? '' : `&after=${this.cursor}`;
      try {
        const r = await call(this.base, 'GET', `/api/conversations/${this.conversation}/poll?wait=${this.wait}${after}`, { ticket: this.ticket, agent: false, signal: leave.signal, timeout: (this.wait + 10) * 1000 });
        if (r.status !== 200) throw new Error(`status ${r.status} ${r.code}`);
        for (const e of r.json.events) this.take(e);
        if (r.json.cursor) this.cursor = r.json.cursor;
      } catch (e) {
        if (!this.running) break;
        this.problems.push(e.message);
        this.breaks++;
        await sleep(20 + Math.random() * 60);
      }
    }
  }
}

// A sender that resends with the same clientId until it is answered, as room.js does; writes down every attempt.
export class Sender {
  constructor(name, base, conversation, ticket, who, { timeout = 8000 } = {}) {
    Object.assign(this, { name, base, conversation, ticket, who, timeout, sends: [], problems: [] });
  }
  async send(clientId, content) {
    const record = { sender: this.who, clientId, content, acks: [], attempts: 0 };
    this.sends.push(record);
    running.add(this);
    this.running = true;
    const began = performance.now();
    for (let wait = 10; this.running; wait = Math.min(wait * 2, 400)) {
      record.attempts++;
      try {
        const r = await call(this.base, 'POST', `/api/conversations/${this.conversation}/messages`, { ticket: this.ticket, json: { clientId, content }, retry: false, timeout: this.timeout });
        if (r.status === 201 || r.status === 200) {
          record.acks.push({ id: r.json.id, cursor: r.json.cursor, status: r.status });
          record.ms = performance.now() - began;
          return record;
        }
        if (r.status < 500 && r.status !== 429) throw Object.assign(new Error(`${r.status} ${r.text}`), { final: true });
        this.problems.push(`${r.status} ${r.code}`);
      } catch (e) {
        if (e.final) throw e;
        this.problems.push(e.message);
      }
      await sleep(wait * (0.5 + Math.random()));
    }
    throw new Error('the stack was stopped before there was an answer');
  }
}
