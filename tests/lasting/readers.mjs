// What the tests of streams and feeds share: conversations with people in them, and readers of feeds that never give up.
import { PollReader, Stream, StreamReader, call, positionOf, rnd, sleep, until } from '../lib/client.mjs';
import { ok } from '../lib/contract.mjs';

// A conversation of people with those names (the first one makes it): {id, path, cursor, ids, as: {name: calls}, ticket: {name: token}}.
export async function group(stack, names, body = {}) {
  const tag = rnd(4);
  const ids = Object.fromEntries(names.map((n) => [n, `${n}_${tag}`]));
  const ticket = Object.fromEntries(names.map((n) => [n, stack.user(ids[n])]));
  const as = Object.fromEntries(names.map((n) => [n, stack.as(ticket[n])]));
  const made = ok(await as[names[0]].post('/api/conversations', { type: 'group', participants: names.slice(1).map((n) => ids[n]), ...body }), 201);
  return { id: made.id, path: `/api/conversations/${made.id}`, cursor: made.cursor, ids, ticket, as, made };
}

export async function open(stack, path, ticket, options = {}) {
  const s = new Stream(stack.base, path, { ticket, ...options });
  await s.opened;
  await s.ready();
  return s;
}
// Somebody's feed, from a hub that has Redis: without it a feed has no place in its list, and goes on with `reset` when Redis is back.
export const openFeed = (stack, ticket) => until('a feed with its place', async () => {
  const f = await open(stack, '/api/events', ticket);
  if (!f.events[0].data.cursor.startsWith('0-000000000000')) return f;
  f.close();
  return undefined;
}, { ms: 20_000, every: 100 });
export const listen = (stack, g, name, { query = '', ...options } = {}) => open(stack, `${g.path}/events${query}`, g.ticket[name], options);
export const send = async (g, name, content, more = {}) => ok(await g.as[name].post(`${g.path}/messages`, { content, ...more }), 201);
export const streamReader = (stack, g, name, after) => new StreamReader(name, stack.base, g.id, g.ticket[name], after);
export const pollReader = (stack, g, name, after) => new PollReader(name, stack.base, g.id, g.ticket[name], { after });

// How many exchanges the hubs hold for somebody in a conversation.
export async function held(stack, g, name) {
  const flat = (await stack.redis('HGETALL', `{0}:conv:=${g.id}:present`)).split('\n');
  return flat.reduce((n, field, i) => (i % 2 === 0 && field.startsWith(`s:${g.ids[name]}:`) ? n + Number(flat[i + 1]) : n), 0);
}

// A reader of a feed: by stream or by poll, coming back after every break with the last cursor. breakAt(): whether to leave now, asked after each batch.
export class FeedReader {
  constructor(stack, ticket, { poll = false, after, breakAt = () => false } = {}) {
    Object.assign(this, { stack, ticket, poll, cursor: after, breakAt, seen: [], resets: 0, breaks: 0, problems: [], running: true });
    this.done = this.run();
  }
  take(e) {
    if (e.event === 'reset') this.resets++;
    if (e.event === 'ready' || e.id !== undefined) this.cursor = e.id ?? e.data.cursor;
    if (e.event !== 'ready' && e.event !== 'reset' && e.data.conversationId) this.seen.push(e);
  }
  async stream() {
    const s = new Stream(this.stack.base, '/api/events', { ticket: this.ticket, lastEventId: this.cursor });
    this.interrupt = () => s.close();
    let taken = 0;
    const take = () => { while (taken < s.events.length) this.take(s.events[taken++]); };
    await s.opened;
    await new Promise((done) => {
      const look = () => { take(); if (this.breakAt()) s.close(); if (s.ended) done(); };
      s.waiters.add(look);
      look();
    });
    take();
  }
  async ask() {
    const after = this.cursor === undefined ? '' : `&after=${this.cursor}`;
    const leave = new AbortController();
    this.interrupt = () => leave.abort();
    const r = await call(this.stack.base, 'GET', `/api/poll?wait=2${after}`, { ticket: this.ticket, agent: false, signal: leave.signal });
    if (r.status !== 200) throw new Error(`status ${r.status} ${r.code}`);
    for (const e of r.json.events) this.take(e);
    this.cursor = r.json.cursor;
  }
  async run() {
    while (this.running) {
      try {
        await (this.poll ? this.ask() : this.stream());
      } catch (e) {
        if (!this.running) break;
        this.problems.push(e.message);
        await sleep(20 + Math.random() * 50);
      }
      this.breaks++;
      if (!this.poll) await sleep(Math.random() * 30);
    }
  }
  has(message, ms = 20_000) {
    return until(`the feed to show ${message.cursor} (${this.problems.slice(-3).join('; ')})`, () => this.seen.some((e) => e.event === 'message:new' && e.data.conversationId === message.conversationId && e.data.id === message.id), { ms });
  }
  async stop() { this.running = false; this.interrupt?.(); await this.done; }
}

// What is at each place of a conversation's log, for whoever may read it: [[position, event, id]].
export async function wholeLog(stack, path, ticket, after) {
  const end = ok(await stack.as(ticket).get(`${path}/messages?limit=1`)).cursor;
  const s = await open(stack, `${path}/events?after=${after}`, ticket);
  if (positionOf(end) > positionOf(after)) await s.next((e) => e.id === end, { ms: 20_000 });
  s.close();
  return s.entries;
}
