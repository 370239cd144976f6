/**
 * room.js: the client of a Reading Room conversation, for any page. No dependencies, no build step.
 *
 *     import { Room } from './room.js';
 *
 *     const room = new Room({ ticket, onTicket: async () => (await fetch('/my/new-ticket')).text() });
 *     room.addEventListener('messages', () => render(room.messages, room.outbox));
 *     room.addEventListener('phase', () => …room.phase…);
 *     await room.open();
 *     room.send('Good evening');
 *
 * What it takes care of: EventSource first, long-poll where streams don't get through (never both at once); reconnecting by cursor, so
 * that no message is lost, shown twice or out of order; one stream for all tabs of the same participant; an outbox in memory that sends
 * in order and repeats with the same `clientId` until answered; delivered and read marks, typing, presence; the deadline of erasure.
 *
 * Options (RoomOptions below): either `ticket` (the JWT; the conversation's id is in it), or `conversationId`, `as` and `role` after a
 * reload, when the ticket is gone and the HttpOnly cookie speaks for the participant (`room.address` holds these three, none is secret).
 *
 * State, to be read at any time: `phase`, `link`, `messages`, `outbox`, `me`, `participants`, `typing`, `marks`, `expiresAt`, `hasOlder`, `ticketExpiresAt`.
 *
 * Events (all carry `detail`; the state is already up to date when they fire):
 *   `phase`      {phase, error?}  opening · open · ended (read-only) · ticket (needs a new one: `renew`) · expired · erased · missing · denied · left
 *   `link`       {link, mode}     off · connecting · live · reconnecting · offline; mode: stream · poll
 *   `messages`   {added, changed, reset, older}   `added` holds only what is new since the last event, never the history
 *   `outbox`     {item}           something waits, was sent, failed
 *   `people`     {}               who is here changed
 *   `typing`     {}               who is typing changed
 *   `marks`      {}               delivered or read marks moved
 *   `deadline`   {expiresAt, moved}   `moved`: activity pushed it back
 *   `notice`     {event, data}    everything else that the server tells: summary:requested, session:assigned, …
 *   `ticket`     {expiresAt}      the ticket ends soon and `onTicket` had none; null: there is a new one
 *
 * Methods: `open` `send` `retry` `discard` `edit` `remove` `typingNow` `typingDone` `read` `loadOlder` `renew` `end` `erase` `forget` `close`.
 * Requests that fail reject with a RoomError {status, code, message, retryAfterMs, passing}; `send` never does: look at its item.
 *
 * @typedef {{id: number, cursor: string, conversationId: string, sender: string, role: string, type: string, content?: string, sentAt: number,
 *            clientId?: string, replyTo?: number, threadId?: string, metadata?: object, editedAt?: number, deletedAt?: number}} Message
 * @typedef {{participant: string, role: string, online: boolean}} Participant
 * Lasting conversations: chat/conversation.js extends this class (by what begins with `_`) and chat/client.js makes them.
 *
 * @typedef {{ticket?: string, conversationId?: string, as?: string, role?: string, base?: string, door?: Door, me?: {participant: string, role: string},
 *            onTicket?: (why: {reason: 'expiring'|'expired'}) => Promise<string|null>|string|null,
 *            share?: boolean, pageSize?: number, readyMs?: number, aliveMs?: number, pollWaitS?: number,
 *            fetch?: typeof fetch, EventSource?: typeof EventSource|null, random?: () => number}} RoomOptions
 */
import { hidden, offline, pause, pauseOrOnline, watchBrowser } from './room/around.js';
import { Deadline } from './room/deadline.js';
import { Door, RoomError, backoffMs, ticketClaims } from './room/http.js';
import { Line } from './room/line.js';
import { Log, positionOf } from './room/log.js';
import { Outbox } from './room/outbox.js';
import { Pass } from './room/pass.js';
import { People } from './room/people.js';
import { Share } from './room/share.js';
import { Signs } from './room/signs.js';
import { Timers } from './room/timers.js';

export { RoomError, ticketClaims };

const ECHO_MS = 6000; // own message acknowledged: the stream must bring it within this time
const FINAL = new Set(['expired', 'erased', 'missing', 'denied', 'left', 'removed']);

export class Room extends EventTarget {
  phase = 'opening';
  /** @type {'off'|'connecting'|'live'|'reconnecting'|'offline'} */
  link = 'connecting';
  /** May this participant read? Learned from the first answer; without it there is no stream either, and `link` stays `off`. */
  mayRead = true;

  _options;
  #door;
  #pass;
  _log = new Log();
  #outbox;
  _people;
  #line = null;
  #share = null;
  #held = null; // frames that arrived while history was being loaded
  #loaded = false;
  #gapAt = -2;
  #readyCursor = null;
  #leaderLink = null;
  #timers = new Timers();
  #signs;
  #deadline;
  #unwatch = () => {};

  /** @param {RoomOptions} options */
  constructor(options) {
    super();
    this._options = { share: true, pageSize: 60, aliveMs: 25_000, pollWaitS: 25, random: Math.random, ...options };
    const { ticket = null, as = null, base, fetch, door } = options;
    const claims = ticket ? ticketClaims(ticket) : null;
    const conversationId = claims?.sessionId ?? options.conversationId;
    if (!/^[A-Za-z0-9_-]{1,64}$/.test(conversationId ?? '')) throw new TypeError('No conversation: the ticket is not one, or conversationId is missing.');
    if (!door && !ticket && !/^[0-9a-f]{8}$/.test(as ?? '')) throw new TypeError('Neither ticket nor `as`.');
    this.conversationId = conversationId;
    this._people = new People({
      me: options.me ?? { participant: claims ? claims.anonymousId ?? claims.userId ?? null : null, role: claims?.role ?? options.role ?? null },
      changed: (what) => this._emit(what, {}),
    });
    this.#door = door ?? new Door({ base, conversationId, ticket, as, fetch });
    this.#pass = new Pass({ door: this.#door, ours: !door, random: this._options.random });
    this.#outbox = new Outbox({
      random: this._options.random,
      send: (item) => this.#post(item),
      changed: (item, message) => this.#itemChanged(item, message),
      refused: (error) => this.#refused(error),
    });
    this.#deadline = new Deadline({
      now: () => this.now(),
      ask: () => this._call('GET', '/presence', { timeoutMs: 4000 }),
      changed: (moved) => this._emit('deadline', { expiresAt: this.expiresAt, moved }),
      passed: (error) => {
        if (error.passing || error.status === 401) this._over('expired', { sure: false });
        else this.#refused(error);
      },
    });
    this.#signs = new Signs({
      call: (method, path, options) => this._call(method, path, options),
      open: () => this.phase !== 'ticket' && !FINAL.has(this.phase),
      loaded: () => this.#loaded,
      cursor: () => this._log.cursor,
      read: () => this.marks.read[this.me.participant] ?? 0,
      told: (upTo) => this.#share?.post({ t: 'read', upTo }),
      answered: () => this.#answered(),
      failed: (error) => {
        if (error.status === 0 && this.leading && this.#line.state === 'live') this.#line.restart({ broken: true });
        else if (!error.passing) this.#refused(error);
      },
    });
  }

  // ---- state

  /** @returns {number|null} when everything is erased, server time in ms */
  get expiresAt() {
    return this.#deadline.at;
  }

  /** @returns {number|null} */
  get ticketExpiresAt() {
    return this.#pass.expiresAt;
  }

  /** @returns {Message[]} ascending; not to be changed */
  get messages() {
    return this._log.messages;
  }

  /** @returns {import('./room/outbox.js').OutboxItem[]} */
  get outbox() {
    return this.#outbox.items;
  }

  get hasOlder() {
    return this._log.previous !== null;
  }

  /** For requests of a page's own about this conversation: its files. */
  get door() {
    return this.#door;
  }

  /** What a reload needs, once open: no secrets. */
  get address() {
    return { conversationId: this.conversationId, as: this.#pass.cookies ? this.#door.as : null, role: this.me.role };
  }

  get leading() {
    return this.#share?.leading ?? false;
  }

  get mode() {
    return this.leading ? this.#line?.mode ?? 'stream' : this.#leaderLink?.mode ?? 'stream';
  }

  /** The server's clock, as far as we can tell. */
  now() {
    return this.#door.now();
  }

  /** Server clock minus this machine's, in ms: subtract it from a server time before showing it as time of day. */
  get skew() {
    return this.#door.skewMs;
  }

  /** @returns {{participant: string|null, role: string|null}} after a reload the id is known once the conversation is open */
  get me() {
    return this._people.me;
  }

  /** @returns {Map<string, Participant>} by id, this participant included */
  get participants() {
    return this._people.participants;
  }

  /** @returns {Map<string, string>} who is typing now: participant → role */
  get typing() {
    return this._people.typing;
  }

  /** Positions: {read: {participant: upTo}, delivered: {participant: upTo}}. */
  get marks() {
    return this._people.marks;
  }

  /** Have the marks been heard of yet? They come with the stream, a moment after the history. */
  get marksKnown() {
    return this._people.marksKnown;
  }

  /** @returns {Participant[]} everyone but this participant */
  get others() {
    return this._people.others;
  }

  isMe(participant) {
    return this._people.isMe(participant);
  }

  message(id) {
    return this._log.get(id);
  }

  /** `sent`, `delivered` or `read` (by anyone else), for one of our own messages. */
  markOf(message) {
    return this._people.markOf(message);
  }

  /** Up to where this participant had read. */
  get myRead() {
    return this.#signs.myRead;
  }

  // ---- life

  /** Opens the conversation; resolves when it is shown or has turned out to be closed. Never rejects for reasons of the network: it goes on trying. */
  async open() {
    this.#watchBrowser();
    if (this.#pass.ours && this.#door.ticket && !(await this.#enter())) return;
    await this.#begin();
  }

  /** A new ticket for the same participant, after `ticket` or at any time before. */
  async renew(ticket) {
    const claims = ticketClaims(ticket);
    const who = claims?.anonymousId ?? claims?.userId;
    if (!claims || claims.sessionId !== this.conversationId || (this.me.participant && who !== this.me.participant)) {
      throw new RoomError({ status: 401, code: 'OTHER_TICKET', message: 'This link is for another conversation or person.' });
    }
    this._people.me = { participant: who, role: claims.role };
    this.#door.ticket = ticket;
    if (!(await this.#enter())) return;
    this.#share?.post({ t: 'ticket', ticket });
    await this.resume();
  }

  /** Ends this tab's part and keeps the cookie, so that a reload comes back. */
  close() {
    if (this.phase !== 'left') this.#signs.typingDone();
    this.#shut();
  }

  /**
   * Leaves nothing behind in this browser: cookie, memory, every other tab of this participant. Does not erase the conversation.
   * Resolves when the server has cleared the cookie, or after `waitMs`; the request outlives the page.
   */
  async forget({ waitMs = 800 } = {}) {
    const { as } = this.#door;
    this.#share?.post({ t: 'forget' });
    const cleared = as ? this.#door.call('DELETE', '/cookie', { by: 'cookie', keepalive: true }).catch(() => null) : null;
    this.#wipe();
    this.#shut();
    this.#door.ticket = null;
    this.#setPhase('left');
    await Promise.race([cleared, pause(waitMs)]);
  }

  // ---- what a participant does

  /** Puts a message into the outbox. @returns the item: its `state` tells the rest */
  send(content, { replyTo, type, metadata, threadId, files } = {}) {
    this.#signs.typingSent();
    const draft = { clientId: this.#freshId(), content };
    if (replyTo) draft.replyTo = replyTo;
    if (type) draft.type = type;
    if (metadata) draft.metadata = metadata;
    if (threadId) draft.threadId = threadId;
    if (files?.length) draft.files = files;
    return this.#outbox.add(draft);
  }

  retry(clientId) {
    this.#outbox.retry(clientId, () => this.#freshId());
  }

  /** Gives up a message that was never tried or was refused; null when it may be on its way already. */
  discard(clientId) {
    return this.#outbox.discard(clientId);
  }

  async edit(id, content) {
    const message = await this._patiently(() => this._call('PATCH', `/messages/${id}`, { body: { content } }));
    this.#amended(message);
    return message;
  }

  async remove(id) {
    await this._patiently(() => this._call('DELETE', `/messages/${id}`));
    const known = this._log.get(id);
    if (known && !known.deletedAt) this.#amended({ ...known, content: undefined, deletedAt: this.now() });
  }

  /** Call on every key stroke: the server hears of it at most each three seconds, and when it stops. */
  typingNow() {
    this.#signs.typingNow();
  }

  typingDone() {
    this.#signs.typingDone();
  }

  /** Everything up to this message has been seen. Told to the server while the page is visible and focused, at the latest when it next is. */
  read(id) {
    this.#signs.read(id);
  }

  async loadOlder() {
    if (!this.hasOlder) return;
    const page = await this._call('GET', '/messages', { query: { before: this._log.previous, limit: this._options.pageSize } });
    this._log.prepend(page);
    this._emit('messages', { added: [], changed: [], reset: false, older: true });
  }

  async end() {
    const answer = await this._patiently(() => this._call('POST', '/end'));
    this.#deadline.set(answer?.expiresAt, false);
    this.#ended();
  }

  /** The counselor asks for a summary: {status: 'requested'}, or 'ready' when there is one and nothing was said since. */
  askSummary() {
    return this._patiently(() => this._call('POST', '/summary', { body: {} }));
  }

  /** How the counselor's summary stands: {status: 'requested'|'running'|'ready'|'failed', createdAt, finishedAt?, summary?, why?}; null: nobody asked for one. */
  async summary() {
    try {
      return await this._patiently(() => this._call('GET', '/summary'));
    } catch (error) {
      if (error.status === 404) return null;
      throw error;
    }
  }

  /** What a student may know of summaries: {policy: 'allowed'|'consent'|'off', consent: true|false|null, requested: boolean}. */
  summaryTerms() {
    return this._call('GET', '/summary/consent');
  }

  /** The student allows a summary of this conversation (where the policy is `consent`), or does so no longer. */
  async consent(given) {
    await this._patiently(() => this._call('PUT', '/summary/consent', { body: { consent: given } }));
  }

  async erase() {
    try {
      await this._patiently(() => this._call('DELETE', ''));
    } catch (error) {
      if (error.status !== 410) throw error;
    }
    this._over('erased');
  }

  // ---- entering

  /** False: refused for good, or nobody waits for it any more. */
  async #enter() {
    const refused = await this.#pass.enter({ over: () => FINAL.has(this.phase), waiting: () => this.#setLink('reconnecting') });
    if (refused) this.#refused(refused);
    return !refused && !FINAL.has(this.phase);
  }

  async #begin() {
    if (!this.#share) {
      const who = (this.#pass.ours && this.#door.as) || this.me.participant;
      const none = this._options.share ? {} : { locks: null, Channel: null };
      this.#share = new Share({
        name: `room:${this.#door.base}:${this.conversationId}:${who}`,
        lead: () => this.#lead(),
        follow: () => this.#follow(),
        heard: (message) => this.#heard(message),
        ...none,
      });
      this.#line = new Line({
        streamUrl: () => this.#pass.streamUrl(this._log.cursor),
        withCredentials: this.#door.foreign,
        poll: async (signal, { wait }) => {
          while (this.#held) await pause(100); // the cursor stands still until what came before is taken
          return this.#pollOnce(wait ? this._options.pollWaitS : 0, signal);
        },
        probe: () => this.#pass.probe(),
        frame: (frame) => {
          this.#share.post({ t: 'frame', frame });
          this.#frame(frame);
        },
        changed: () => this.#lineChanged(),
        refused: (error) => this.#refused(error),
        readyMs: this._options.readyMs,
        EventSource: this._options.EventSource,
        random: this._options.random,
      });
      this.#share.start();
      if (this.#pass.ours && this.#door.ticket) this.#share.post({ t: 'ticket', ticket: this.#door.ticket });
    }
    await this.#load();
  }

  /** What we have of the history is not true any more: it is read anew. */
  _reload() {
    const { cursor } = this._log;
    this._log.reset();
    this._log.cursor = cursor;
    this.#load();
  }

  /** Reads presence and the newest page of history, as often as it takes; frames wait meanwhile. */
  async #load() {
    const held = [...(this.#held ?? [])];
    this.#held = held;
    for (let attempt = 0; ; attempt += 1) {
      try {
        const [people, page] = await Promise.all([this._call('GET', '/presence'), this.#history()]);
        if (held !== this.#held || FINAL.has(this.phase)) return;
        this._people.set(people);
        if (page) this._log.reset(page);
        this.#gapAt = -2;
        break;
      } catch (error) {
        if (held !== this.#held || FINAL.has(this.phase)) return;
        if (!error.passing) {
          this.#held = null;
          this.#refused(error);
          return;
        }
        this.#setLink('reconnecting');
        await pauseOrOnline(Math.max(error.retryAfterMs ?? 0, backoffMs(attempt, { random: this._options.random })));
        if (held !== this.#held || FINAL.has(this.phase)) return;
      }
    }
    this.#loaded = true;
    this.#held = null;
    for (const message of [...this._log.messages]) this.#outbox.settle(message);
    if (this.phase === 'opening') this.#setPhase('open');
    this._emit('messages', { added: [], changed: [], reset: true, older: false });
    for (const frame of held) this.#frame(frame);
    if (this.#share.leading) this.#line.start();
    else this.#lineChanged();
    this.#outbox.go();
    this.#signs.aliveSoon();
  }

  async #history() {
    if (!this.mayRead) return null;
    try {
      return await this._call('GET', '/messages', { query: { limit: this._options.pageSize } });
    } catch (error) {
      if (error.status !== 403) throw error;
      this.mayRead = false;
      return null;
    }
  }

  /** After a new ticket (or login, where the door was given): everything that had stopped goes on. */
  async resume() {
    if (this.phase === 'ticket') this.#setPhase(this.#loaded ? 'open' : 'opening');
    else this._emit('ticket', { expiresAt: null });
    if (!this.#loaded) {
      await this.#begin();
      return;
    }
    if (this.#share.leading) {
      this.#line.restart();
      this.#line.start();
    }
    this.#outbox.go();
  }

  // ---- the line and its frames

  #pollOnce(waitS, signal) {
    const query = { after: this._log.cursor, wait: this._log.cursor === null ? null : waitS };
    return this._call('GET', '/poll', { query, signal, timeoutMs: (waitS + 12) * 1000 });
  }

  #frame(frame) {
    if (FINAL.has(this.phase)) return;
    if (this.#held) this.#held.push(frame);
    else this.#take(frame);
  }

  #take({ id, event, data }) {
    const position = positionOf(id);
    if (event === 'ready') {
      this.#snapshot(data);
      this.#readyCursor = data.cursor;
      if (data.resumed === false) return; // `reset` is next
      if (this._log.cursor === null) this._log.cursor = data.cursor;
      else if (!this.leading && positionOf(data.cursor) > this._log.position) this.#fill();
      return;
    }
    if (event === 'poll:answer') {
      this.#snapshot(data);
      if (positionOf(data.cursor) > this._log.position && this.leading) this._log.cursor = data.cursor;
      return;
    }
    if (event === 'reset') {
      this._log.cursor = this.#readyCursor;
      this._reload();
      return;
    }
    if (position > this._log.position) {
      const tolerateGap = this.#gapAt === this._log.position;
      const taken = this._log.take(event, id, data, { tolerateGap });
      if (taken === 'gap') {
        this.#gapAt = this._log.position;
        if (this.leading) this.#line.restart();
        else this.#fill({ id, event, data });
        return;
      }
      if (data.expiresAt && event.startsWith('message:')) this.#deadline.set(data.expiresAt, true);
      if (event.startsWith('message:')) {
        this._heard(event, data);
        this.#shown(event, taken);
      }
    } else if (event.startsWith('message:')) {
      if (data.expiresAt > (this.expiresAt ?? 0)) this.#deadline.set(data.expiresAt, true);
      return; // seen before
    }
    this._side(event, data);
  }

  /** What became of a message, whether or not its page is loaded. For those who extend this class. */
  _heard() {}

  #shown(event, { added, changed }) {
    if (!added && !changed) return;
    const message = added ?? changed;
    this.#outbox.settle(message);
    if (added && !this.isMe(added.sender)) {
      this._people.stopsTyping(added.sender);
      this.#signs.aliveSoon();
    }
    this._emit('messages', { added: added ? [added] : [], changed: changed ? [changed] : [], reset: false, older: false });
  }

  /** Events that are no messages. All of them may come twice and mean the same. */
  _side(event, data) {
    switch (event) {
      case 'presence':
        this._people.put(data.participant, data.role, data.online);
        break;
      case 'user:joined':
        this._people.put(data.participant, data.role, true);
        this._emit('notice', { event, data });
        break;
      case 'session:assigned':
        this._people.put(data.participant, data.role);
        this._emit('notice', { event, data });
        break;
      case 'user:left':
        if (this.isMe(data.participant)) break;
        this._people.remove(data.participant);
        this._emit('notice', { event, data });
        break;
      case 'user:typing':
        if (this.isMe(data.participant)) break;
        if (data.isTyping) this._people.isTyping(data.participant, data.role);
        else this._people.stopsTyping(data.participant);
        break;
      case 'receipt:read':
        this._people.mark('read', data);
        break;
      case 'receipt:delivered':
        this._people.mark('delivered', data);
        break;
      case 'session:ended':
        this.#deadline.set(data.expiresAt, false);
        this.#ended();
        break;
      case 'session:expired':
        this._over('expired');
        break;
      case 'session:erased':
        this._over('erased');
        break;
      case 'ticket:expiring':
        this.#pass.expiresAt = data.expiresAt ?? this.ticketExpiresAt;
        this.#askForTicket('expiring');
        break;
      case 'ticket:expired':
        this.#needTicket();
        break;
      default:
        this._emit('notice', { event, data });
    }
  }

  /** A tab that follows missed something: one look at the log, no second stream. */
  async #fill(frame) {
    const held = [];
    this.#held = held;
    let answer = null;
    try {
      answer = await this.#pollOnce(0);
    } catch (error) {
      if (!error.passing) this.#refused(error);
    }
    if (held !== this.#held) return;
    this.#held = null;
    for (const one of answer?.events ?? []) this.#take({ id: one.id ?? null, event: one.event, data: one.data });
    for (const one of frame ? [frame, ...held] : held) this.#frame(one);
  }

  #lead() {
    if (this.#loaded && this.phase !== 'ticket' && !FINAL.has(this.phase)) this.#line.start();
  }

  #follow() {
    this.#line.stop();
  }

  #heard(message) {
    switch (message.t) {
      case 'frame':
        if (!this.leading) this.#frame(message.frame);
        break;
      case 'hello':
        if (this.leading) this.#share.post({ t: 'welcome', link: this.link, mode: this.mode, state: this.#state(), cursor: this._log.cursor });
        break;
      case 'welcome':
        if (this.leading) break;
        this.#leaderLink = { link: message.link, mode: message.mode };
        if (message.state.expiresAt) this.#snapshot(message.state);
        this.#lineChanged();
        break;
      case 'link':
        if (this.leading) break;
        this.#leaderLink = message;
        this.#lineChanged();
        break;
      case 'read':
        if (this.#signs.readElsewhere(message.upTo)) this._emit('marks', {});
        break;
      case 'needTicket':
        if (this.phase !== 'ticket') this.#needTicket({ told: true });
        break;
      case 'ticket':
        if (this.#pass.adopt(message.ticket, this.phase === 'ticket')) this.resume();
        break;
      case 'over':
        this._over(message.phase, { told: true });
        break;
      case 'forget':
        this.#wipe();
        this.#shut();
        this.#door.ticket = null;
        this.#setPhase('left');
        break;
      default:
    }
  }

  #state() {
    return {
      expiresAt: this.expiresAt,
      status: this.phase === 'ended' ? 'ended' : 'active',
      online: this._people.online,
      ...this.marks,
    };
  }

  #lineChanged() {
    if (FINAL.has(this.phase)) return;
    if (this.leading) {
      const state = this.#line.state;
      this.#setLink(state === 'reconnecting' && offline() ? 'offline' : state);
      if (state === 'live') this.#outbox.go();
    } else if (this.#leaderLink && this.#loaded) {
      this.#setLink(this.#leaderLink.link);
      if (this.link === 'live') {
        this.#outbox.go();
        this.#timers.cancel('impatient');
      } else if (!hidden()) {
        // The leader may be a tab in the background, whose timers the browser slows down.
        this.#timers.later('impatient', 8000, () => {
          if (!this.leading && this.link !== 'live' && !hidden()) this.#share.steal();
        });
      }
    }
  }

  // ---- what the server says about the whole conversation

  #snapshot({ expiresAt, status, online, read, delivered }) {
    if (expiresAt) this.#deadline.set(expiresAt, this.expiresAt !== null && expiresAt > this.expiresAt);
    if (status === 'ended') this.#ended();
    else if (status === 'active' && this.phase === 'ticket' && this.#loaded && this.link === 'live') this.#setPhase('open');
    if (Array.isArray(online) && this._people.present(online)) {
      this._call('GET', '/presence').then((people) => this._people.set(people), () => {});
    }
    if (read || delivered) this._people.markAll({ read, delivered });
  }

  #ended() {
    if (FINAL.has(this.phase) || this.phase === 'ended') return;
    this.#setPhase('ended');
    this.#outbox.failAll(new RoomError({ status: 409, code: 'SESSION_ENDED', message: 'This conversation has ended.' }));
  }

  _over(phase, { told = false, sure = true } = {}) {
    if (FINAL.has(this.phase)) return;
    if (!told) this.#share?.post({ t: 'over', phase });
    this.#wipe();
    this.#shut();
    this.#setPhase(phase);
    // The cookie opens nothing any more; take it away all the same.
    this.#pass.drop({ clear: sure });
  }

  #needTicket({ told = false } = {}) {
    if (FINAL.has(this.phase)) return;
    this.#line?.stop();
    this.#outbox.hold();
    this.#setLink('off');
    if (!told) this.#share?.post({ t: 'needTicket' });
    if (this.phase !== 'ticket') this.#setPhase('ticket');
    if (!this.#pass.ours) return;
    this.#askForTicket('expired');
    this.#tryCookie();
  }

  async #tryCookie() {
    if (!(await this.#pass.cookieOpens()) || this.phase !== 'ticket') return;
    this.#door.ticket = null;
    await this.resume();
  }

  #askForTicket(reason) {
    this.#pass.want(async () => {
      let ticket = null;
      try {
        ticket = (await this._options.onTicket?.({ reason })) ?? null;
        if (ticket) await this.renew(ticket);
      } catch (error) {
        this._emit('notice', { event: 'ticket:refused', data: { error } });
      }
      if (!ticket && reason === 'expiring') this._emit('ticket', { expiresAt: this.ticketExpiresAt });
    });
  }

  /** A request was refused for good: what does that make of the conversation? */
  #refused(error) {
    if (error.status === 401) {
      this.#needTicket();
    } else if (error.status === 410) {
      this._over(this.#deadline.reached ? 'expired' : 'erased');
    } else if (error.status === 404) {
      this._over('missing');
    } else if (error.code === 'SESSION_ENDED') {
      if (this.#pass.ours) this.#ended(); // a lasting conversation that is completed may be taken up again
    } else if ((error.status === 403 || error.status === 400) && !this.#loaded) {
      this._over('denied');
    } else if (error.status === 403 && !this.mayRead) {
      this.#line.stop(); // who may not read gets no stream either: they can write, and that is all
    } else if (this.#line && this.#line.state !== 'off' && error === this.#line.error) {
      // The line itself was refused with something unforeseen: slowly, but never give up.
      this.#timers.later('again', 30_000, () => this.#line.restart());
    }
  }

  #wipe() {
    this._log.reset();
    this._log.cursor = null;
    this.#outbox.close();
    this.#held = null;
    this._emit('messages', { added: [], changed: [], reset: true, older: false });
  }

  #shut() {
    for (const one of [this.#timers, this.#signs, this.#deadline]) one.stop();
    this.#unwatch();
    this._people.stop();
    this.#line?.stop();
    this.#share?.stop();
    this.link = 'off';
  }

  // ---- requests

  _call(method, path, options) {
    return this.#door.call(method, path, options);
  }

  /** For one click of a person: a few tries over a few seconds, then the error is theirs to see. All of these may be repeated safely. */
  async _patiently(act) {
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await act();
      } catch (error) {
        if (error.status === 401) this.#refused(error);
        if (!error.passing || attempt >= 3) throw error;
        await pause(Math.min(8000, Math.max(error.retryAfterMs ?? 0, backoffMs(attempt, { random: this._options.random }))));
      }
    }
  }

  async #post({ clientId, content, type, replyTo, metadata, threadId, files }) {
    const body = { clientId, content: content || undefined, type, replyTo, metadata, threadId, files: files?.map((one) => one.id) };
    const message = await this._call('POST', '/messages', { body });
    this.#answered();
    this.#expectEcho(message.id);
    return message;
  }

  /** The server speaks to us again: then the line need not wait out its pause. */
  #answered() {
    if (this.leading) this.#line.hurry();
  }

  /** Stored is announced: if the stream does not bring our own message back it has died without telling us. */
  #expectEcho(id) {
    if (this.#timers.has('echo')) return;
    this.#timers.later('echo', ECHO_MS, () => {
      if (this._log.position >= id || !this.mayRead) return;
      if (this.leading && this.#line.state === 'live') this.#line.restart({ broken: true });
      else if (!this.leading) this.#fill();
    });
  }

  #itemChanged(item, message) {
    // A tab without a stream of history (no permission to read) never sees its own message come back.
    if (message && item.state === 'sent' && message.expiresAt) this.#deadline.set(message.expiresAt, true);
    if (message && this._log.get(message.id)) this.#outbox.items = this.#outbox.items.filter((one) => one !== item);
    this._emit('outbox', { item });
  }

  #amended(message) {
    const { changed } = this._log.amend(message);
    this._heard('message:edited', message);
    if (message.expiresAt) this.#deadline.set(message.expiresAt, true);
    if (changed) this._emit('messages', { added: [], changed: [changed], reset: false, older: false });
  }

  // ---- the browser around us

  #watchBrowser() {
    this.#unwatch = watchBrowser({
      tickMs: this._options.aliveMs,
      online: () => {
        this.#lineChanged();
        if (this.leading) this.#line?.restart();
        this.#outbox.go();
      },
      // "Offline" may be wrong (a server on this very machine), so ask before believing it.
      offline: () => {
        this.#lineChanged();
        this.#signs.alive({ timeoutMs: 3000 });
      },
      shown: (hiddenMs) => {
        this.#signs.alive();
        this.#lineChanged();
        if (this.leading && hiddenMs > 60_000 && Date.now() - this.#line.heardAt > 30_000) this.#line.restart();
      },
      focused: () => {
        if (this.phase === 'ticket' && this.#pass.ours) this.#tryCookie();
        this.#signs.sendRead();
      },
      tick: (lateMs) => {
        // The machine slept: whatever was connected is not any more.
        if (lateMs > 60_000 && this.leading) this.#line?.restart();
        if (!hidden()) this.#signs.alive();
      },
    });
  }

  // ---- small things

  #setPhase(phase, error) {
    if (this.phase === phase) return;
    this.phase = phase;
    this._emit('phase', { phase, error });
  }

  #setLink(link) {
    if (this.link === link) return;
    this.link = link;
    if (this.leading) this.#share.post({ t: 'link', link, mode: this.mode });
    this._emit('link', { link, mode: this.mode });
  }

  #freshId() {
    // Not crypto.randomUUID: that one is missing on plain HTTP off localhost.
    return Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) => byte.toString(16).padStart(2, '0')).join('');
  }

  _emit(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}
