// A counselor's desk as the server tells it: which sessions are theirs, who waits, how much is unread. No words of any conversation come this way.
// One stream for the whole desk (or a long-poll where streams don't get through); a reconnect brings the whole list, so nothing can be missed.
//
// Events: `sessions` {changed: id|null, before, now} · `removed` {session, reason} · `summaries` {changed: {conversationId, status}|null} · `link` {} · `ticket` {expiresAt} · `over` {kind: 'ticket'|'denied'}
import { watchBrowser, offline, pauseOrOnline } from '../room/around.js';
import { Door, RoomError, backoffMs, ticketClaims } from '../room/http.js';
import { Line } from '../room/line.js';

const EVENTS = ['ready', 'desk:session', 'desk:removed', 'desk:summary', 'ticket:expiring', 'ticket:expired'];

export class Desk extends EventTarget {
  /** @type {'connecting'|'live'|'reconnecting'|'offline'|'off'} */
  link = 'connecting';
  /** @type {Map<string, object>} the contract's objects by conversationId */
  sessions = new Map();
  loaded = false;
  over = null;
  #door;
  #line;
  #print = null; // names the list we have, for polling
  #skewMs = 0;
  #unwatch = () => {};
  #gone = false;

  /** @param {{ticket?: string, as?: string}} address */
  constructor({ ticket = null, as = null }) {
    super();
    const claims = ticket ? ticketClaims(ticket) : null;
    if (ticket && (!claims || claims.sessionId || !claims.userId)) throw new TypeError('This is no ticket of a desk.');
    if (!ticket && !/^[0-9a-f]{8}$/.test(as ?? '')) throw new TypeError('Neither ticket nor `as`.');
    this.me = claims?.userId ?? null;
    this.#door = new Door({ root: '/api/desk', ticket, as });
    this.#line = new Line({
      events: EVENTS,
      withCredentials: false,
      streamUrl: () => this.#streamUrl(),
      poll: (signal, { wait }) => this.#door.call('GET', '/poll', { query: { after: wait ? this.#print : null, wait: wait ? 25 : 0 }, signal, timeoutMs: 40_000 }),
      probe: () => this.#door.call('GET', '', { timeoutMs: 6000 }),
      frame: (frame) => this.#frame(frame),
      changed: () => this.#linkChanged(),
      refused: (error) => this.#refused(error),
    });
  }

  get as() {
    return this.#door.as;
  }

  now() {
    return Date.now() + this.#skewMs;
  }

  get skew() {
    return this.#skewMs;
  }

  async open() {
    this.#unwatch = watchBrowser({
      tickMs: 20_000,
      online: () => this.#line.restart(),
      offline: () => this.#linkChanged(),
      shown: (hiddenMs) => {
        if (hiddenMs > 60_000 && Date.now() - this.#line.heardAt > 60_000) this.#line.restart();
      },
      focused: () => {},
      tick: (lateMs) => {
        if (lateMs > 60_000) this.#line.restart(); // the machine slept: whatever was connected is not any more
      },
    });
    if (await this.#enter()) this.#line.start();
  }

  /** A ticket for one of the sessions, to open it in full. */
  async ticketFor(conversationId) {
    return (await this.#door.call('POST', `/sessions/${conversationId}/ticket`, { body: {} })).ticket;
  }

  /** A page of the summaries that may be read here, newest first, without their text: {summaries, next}. */
  async summaries(before = null) {
    return this.#door.call('GET', '/summaries', { query: { before } });
  }

  /** One of them in full. */
  async summary(conversationId) {
    return this.#door.call('GET', `/summaries/${conversationId}`);
  }

  /** Takes this desk out of the browser: its cookie goes. */
  async forget() {
    this.#gone = true;
    this.close();
    this.#door.ticket = null;
    await this.#clear();
  }

  async #clear() {
    if (this.#door.as) await this.#door.call('DELETE', '/cookie', { by: 'cookie', keepalive: true }).catch(() => {});
  }

  close() {
    this.#unwatch();
    this.#line.stop();
  }

  async #enter() {
    if (!this.#door.ticket) return true;
    for (let attempt = 0; ; attempt += 1) {
      try {
        const { as } = await this.#door.call('POST', '/cookie', { by: 'both', body: {} });
        this.#door.as = as;
        if (this.#gone) await this.#clear(); // it came after all was over
        return !this.#gone;
      } catch (error) {
        if (this.#gone) return false;
        if (!error.passing) {
          this.#refused(error);
          return false;
        }
        this.link = 'reconnecting';
        this.#emit('link', {});
        await pauseOrOnline(Math.max(error.retryAfterMs ?? 0, backoffMs(attempt)));
        if (this.#gone) return false;
      }
    }
  }

  // A browser without cookies gets a single-use ticket for each stream; with them the address stays the same.
  async #streamUrl() {
    if (globalThis.navigator?.cookieEnabled !== false || !this.#door.ticket) return this.#door.url('/events', { as: this.#door.as });
    const { ticket } = await this.#door.call('POST', '/stream-ticket', { by: 'ticket', body: {} });
    return this.#door.url('/events', { stream_ticket: ticket });
  }

  #frame({ event, data }) {
    if (event === 'ready') {
      if (typeof data.at === 'number') this.#skewMs = Math.abs(data.at - Date.now()) > 2000 ? data.at - Date.now() : 0;
      const before = this.sessions;
      this.sessions = new Map(data.sessions.map((one) => [one.conversationId, one]));
      const first = !this.loaded;
      this.loaded = true;
      for (const [id, one] of before) if (!this.sessions.has(id)) this.#emit('removed', { session: one, reason: 'gone' });
      for (const [id, one] of this.sessions) this.#emit('sessions', { changed: id, before: first ? one : before.get(id) ?? null, now: one });
      if (this.sessions.size === 0 || first) this.#emit('sessions', { changed: null });
      this.#emit('summaries', { changed: null });
    } else if (event === 'desk:session') {
      const before = this.sessions.get(data.conversationId) ?? null;
      this.sessions.set(data.conversationId, data);
      this.#emit('sessions', { changed: data.conversationId, before, now: data });
    } else if (event === 'desk:removed') {
      const session = this.sessions.get(data.conversationId);
      this.sessions.delete(data.conversationId);
      if (session) this.#emit('removed', { session, reason: data.reason });
    } else if (event === 'desk:summary') {
      this.#emit('summaries', { changed: data });
    } else if (event === 'poll:answer') {
      this.#print = data.cursor ?? null;
    } else if (event === 'ticket:expiring') {
      this.#emit('ticket', { expiresAt: data.expiresAt });
    } else if (event === 'ticket:expired') {
      this.#finish('ticket');
    }
  }

  #linkChanged() {
    const state = this.#line.state;
    const link = state === 'reconnecting' && offline() ? 'offline' : state;
    if (link === this.link) return;
    this.link = link;
    this.#emit('link', {});
  }

  #refused(error) {
    if (error instanceof RoomError && error.status === 401) this.#finish('ticket');
    else this.#finish('denied');
  }

  #finish(kind) {
    if (this.over) return;
    this.over = kind;
    this.close();
    this.#emit('over', { kind });
  }

  #emit(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}
