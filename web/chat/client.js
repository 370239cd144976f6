/**
 * client.js: lasting conversations for any page: who one is, the list, what is new, search; each conversation opens as a Conversation
 * (conversation.js, which is room.js's Room with threads, windows and people's names). No dependencies, no build step.
 *
 *     import { Chats } from './chat/client.js';
 *
 *     const chats = new Chats({ token });              // MainServer's user token; without: who has logged in here; after a reload also {as, account}
 *     chats.addEventListener('list', () => render(chats.select({ status: 'active' })));
 *     await chats.open();                               // phase: open, or login: then chats.login({ login, password })
 *     const talk = chats.conversation(id);              // a Room: open() it, listen, send()
 *
 * State: `phase` opening · login (nobody is logged in, or no longer) · open · off; `link` and `mode` of the feed; `me` {id, name};
 * `conversations` by id, as the contract has them; `unread` over all that are not muted.
 *
 * Events (the state is up to date when they fire): `phase` {phase, error?} · `link` {} · `list` {id: what changed, or null} ·
 * `waiting` {error}: `open` could not be answered yet, and goes on trying ·
 * `message` {conversation, message}: somebody else wrote somewhere · `gone` {conversation, why: 'left'|'removed'|'erased'} · `people` {}: names became known
 *
 * One stream, shared by all tabs, keeps all of it true: list and counts follow the feed; after `reset`, or where an event does not say
 * enough, the server is asked again. Requests that fail reject with a RoomError.
 *
 * @typedef {{participant: string, name: string, role: string, online: boolean}} Member
 * @typedef {{id: string, type: 'direct'|'group'|'business', channel: string, status: 'active'|'archived'|'completed', title: string, lastActivityAt: number,
 *            lastMessage: object|null, unread: number, muted: boolean, role: string, participants: Member[], participantCount: number, cursor: string}} Listed
 */
import { hidden, pauseOrOnline } from '../room/around.js';
import { Door, RoomError, backoffMs, ticketClaims } from '../room/http.js';
import { positionOf } from '../room/log.js';
import { Conversation } from './conversation.js';
import { Feed } from './feed.js';
import { Names } from './names.js';
import { Requests } from './requests.js';
import { Selection } from './selection.js';

export { RoomError };

const PRESENCE_EVERY_MS = 45_000;
const REFRESH_MS = 120;

export class Chats extends Requests {
  phase = 'opening';
  /** @type {{id: string, name: string}|null} */
  me = null;
  /** Has one logged in here? Else MainServer says who one is. */
  account;
  /** @type {Map<string, Listed>} */
  conversations = new Map();
  names = new Names(() => this._emit('people', {}));
  #options;
  #door;
  #feed = null;
  #selections = new Set();
  #rooms = new Map();
  #leaving = new Set(); // nobody looks at them any more; they stay while something waits to be sent
  #refreshing = new Map();
  #timer = null;

  /** @param {{token?: string|null, as?: string|null, account?: boolean, base?: string, share?: boolean, pageSize?: number, fetch?: typeof fetch, lineOptions?: object}} options */
  constructor(options = {}) {
    super();
    this.account = options.account ?? !options.token;
    this.#options = { share: true, pageSize: 60, ...options };
    const { token = null, as = null, base, fetch } = options;
    const claims = token ? ticketClaims(token) : null;
    if (token && (!claims || claims.sessionId || !claims.userId)) throw new TypeError('This is no token of a user.');
    this.#door = new Door({ base, root: '', ticket: token, as, fetch });
  }

  // ---- state

  get link() {
    return this.#feed?.link ?? 'connecting';
  }

  get mode() {
    return this.#feed?.mode ?? 'stream';
  }

  get leading() {
    return this.#feed?.leading ?? false;
  }

  /** Which of this browser's cookies speaks for us, where there may be several people's. No secret: what a reload needs, with `account`. */
  get as() {
    return this.#door.as;
  }

  get unread() {
    let sum = 0;
    for (const one of this.conversations.values()) if (!one.muted && one.status === 'active') sum += one.unread;
    return sum;
  }

  now() {
    return Date.now() + this.#door.skewMs;
  }

  get skew() {
    return this.#door.skewMs;
  }

  /** Names that are not known yet are asked for, with their conversation. Never rejects. */
  async getToKnow(id, participants) {
    if (participants.every((one) => !one || this.names.known(one))) return;
    await this.fetch(id).catch(() => {});
  }

  nameOf(participant) {
    return this.names.of(participant);
  }

  // ---- who one is

  /** Resolves when it is known who is there (phase open) or that nobody is (phase login). */
  async open() {
    for (let attempt = 0; this.phase !== 'off'; attempt += 1) {
      try {
        const told = this.#door.ticket ? await this.#enter() : await this.#door.call('GET', '/auth/me');
        await this.#begin(told);
        return;
      } catch (error) {
        if (this.phase === 'off') return;
        if (!error.passing) {
          this.#nobody(error);
          return;
        }
        this._emit('waiting', { error });
        await pauseOrOnline(Math.max(error.retryAfterMs ?? 0, backoffMs(attempt)));
      }
    }
  }

  /** Answers alike whether or not there was such an account. */
  register({ login, password, name }) {
    return this.#door.call('POST', '/auth/register', { by: 'cookie', body: { login, password, name } });
  }

  async login({ login, password }) {
    const { user, as } = await this.#door.call('POST', '/auth/login', { by: 'cookie', body: { login, password } });
    this.#door.ticket = null; // the cookie speaks for us: nothing to be stolen from this page
    this.#door.as = as ?? null;
    this.account = true;
    await this.#begin(user);
    this.#feed?.post({ t: 'login' });
  }

  /** Another name for others to see; for those who have an account here. */
  async rename(name) {
    await this._call('PUT', '/auth/me', { body: { name } });
    this.me.name = name;
    this.names.put(this.me.id, name);
  }

  /** Ends this browser's login, in all its tabs. */
  async logout() {
    const away = this.account
      ? this.#door.call('POST', '/auth/logout', { body: {}, keepalive: true })
      : this.#door.call('DELETE', '/api/cookie', { by: 'cookie', keepalive: true });
    this.#feed?.post({ t: 'logout' });
    this.close();
    await away.catch((error) => {
      if (error.status !== 401) throw error;
    });
  }

  /** A newer token of the same MainServer user. False: it is somebody else's. */
  async renew(token) {
    const claims = ticketClaims(token);
    if (!claims || claims.sessionId || claims.userId !== this.me?.id) return false;
    this.#door.ticket = token;
    await this.open();
    return true;
  }

  close() {
    this.#feed?.stop();
    clearInterval(this.#timer);
    for (const room of this.#rooms.values()) room.close();
    this.#rooms.clear();
    this.#door.ticket = null;
    this.#setPhase('off');
  }

  /** Trades MainServer's token for a cookie of this user's own: for the streams, and so that a reload comes back. */
  async #enter() {
    const { userId, name } = ticketClaims(this.#door.ticket);
    const { as } = await this.#door.call('POST', '/api/cookie', { by: 'both', body: {} });
    if (globalThis.navigator?.cookieEnabled !== false) this.#door.as = as;
    return { id: userId, name };
  }

  async #begin(answer) {
    const user = answer.user ?? answer;
    const again = this.me?.id === user.id;
    if (this.me && !again) this.#forget();
    this.me = { id: user.id, name: user.name ?? '' };
    this.names.put(user.id, user.name);
    this.#setPhase('open');
    if (again && this.#feed) {
      this.#feed.restart();
      for (const room of this.#rooms.values()) room.resume();
      await this.reload();
      return;
    }
    this.#timer = setInterval(() => this.#look(), PRESENCE_EVERY_MS);
    this.#feed = new Feed({
      door: this.#door.at('/api'),
      name: `chats:${this.#door.base}:${user.id}`,
      share: this.#options.share,
      lineOptions: this.#options.lineOptions,
      frame: (frame) => this.#take(frame),
      reset: () => this.reload(),
      changed: () => this._emit('link', {}),
      refused: (error) => this.#refused(error),
      heard: (message) => this.#heard(message),
    });
    await this.#feed.start();
  }

  /** Somebody else is logged in now. */
  #forget() {
    this.#feed?.stop();
    this.#feed = null;
    clearInterval(this.#timer);
    for (const room of this.#rooms.values()) room.close();
    this.#rooms.clear();
    this.conversations.clear();
    for (const one of this.#selections) one.clear();
    this._emit('list', { id: null });
  }

  #nobody(error) {
    this.#feed?.rest();
    if (error?.status === 401) this.#door.ticket = null; // a cookie may have come in another tab: that one is asked next
    this.#setPhase('login', error);
  }

  #refused(error) {
    if (error.status === 401 && this.phase === 'open') this.#nobody(error);
  }

  #heard(message) {
    if (message.t === 'logout') this.close();
    else if (message.t === 'login' && this.phase === 'login') this.open();
  }

  // ---- the list

  /** A view of the list: {type?, status?, q?, unread?}; `items` sorted by last activity, `more()`, `hasMore`, `loading`. Stop it when done. */
  select(filter = {}) {
    const selection = new Selection(this, filter, {
      page: (query) => this._call('GET', '/api/conversations', { query }),
      put: (one) => this._put(one),
      stop: (which) => this.#selections.delete(which),
      changed: () => this._emit('list', { id: null }),
    });
    this.#selections.add(selection);
    return selection;
  }

  /** All views anew, as after `reset`. Never rejects. */
  async reload() {
    await Promise.all([...this.#selections].map((one) => one.load({ missing: (id) => this.#refresh(id) })));
    this._emit('list', { id: null });
  }

  /** One conversation as it is now; null when it is not there (any more). */
  async fetch(id) {
    try {
      const one = await this._call('GET', `/api/conversations/${encodeURIComponent(id)}`);
      this._put(one);
      this._emit('list', { id });
      return one;
    } catch (error) {
      if (error.status !== 404 && error.status !== 410) throw error;
      this._gone(id, 'removed');
      return null;
    }
  }

  _put(one) {
    const known = this.conversations.get(one.id);
    if (known && positionOf(known.cursor) > positionOf(one.cursor)) this.#refresh(one.id); // an answer that was overtaken by the feed
    else this.conversations.set(one.id, one);
    for (const who of one.participants ?? []) this.names.put(who.participant, who.name);
  }

  /** Asks again for what an event did not tell; several wishes in a moment are one. */
  #refresh(id) {
    if (this.#refreshing.has(id)) return;
    this.#refreshing.set(id, setTimeout(() => {
      this.#refreshing.delete(id);
      if (this.phase === 'open') this.fetch(id).catch(() => {});
    }, REFRESH_MS));
  }

  _gone(id, why) {
    const conversation = this.conversations.get(id);
    if (!conversation) return;
    this.conversations.delete(id);
    this._emit('gone', { conversation, why });
    this._emit('list', { id });
  }

  /** Who is online is told by events as far as the server has them; a look at the newest rows now and then does the rest. */
  async #look() {
    if (hidden() || this.phase !== 'open') return;
    try {
      const { conversations } = await this._call('GET', '/api/conversations', { query: { limit: 30 } });
      for (const one of conversations) this._put(one);
      this._emit('list', { id: null });
    } catch (error) {
      this.#refused(error);
    }
  }

  // ---- what the feed tells

  #take({ event, data }) {
    const id = data.conversationId;
    if (event === 'ticket:expired') {
      this.#nobody(null);
      return;
    }
    if (event === 'presence' && !id) {
      this.#presence(data);
      return;
    }
    if (!id) return;
    const known = this.conversations.get(id);
    if (event === 'message:new') this.#message(known, data);
    else if (event === 'unread') {
      if (known) {
        known.unread = data.unread;
        this._emit('list', { id });
      }
    } else if (event === 'conversation:erased') this._gone(id, 'erased');
    else if (event === 'user:left' && data.participant === this.me.id) this._gone(id, data.by && data.by !== this.me.id ? 'removed' : 'left');
    else if (event === 'user:typing' || event.startsWith('receipt:')) return;
    else {
      if (known?.lastMessage?.id === data.id && event.startsWith('message:')) {
        known.lastMessage = data; // what was deleted is not shown a moment longer
        this._emit('list', { id });
      }
      this.#refresh(id);
    }
  }

  #message(known, data) {
    const { conversationId: id } = data;
    const own = data.sender === this.me.id;
    if (!own) this._emit('message', { conversation: known ?? null, message: data });
    if (!known) {
      this.#refresh(id);
      return;
    }
    if (data.id <= positionOf(known.cursor)) return;
    known.lastMessage = data;
    known.cursor = data.cursor ?? known.cursor;
    known.lastActivityAt = Math.max(known.lastActivityAt, data.sentAt);
    if (!own) known.unread += 1;
    this._emit('list', { id });
  }

  #presence({ participant, online }) {
    for (const one of this.conversations.values()) {
      const who = one.participants.find((each) => each.participant === participant);
      if (who) who.online = online;
    }
    this._emit('list', { id: null });
  }

  // ---- conversations

  /** For requests of one conversation: files. */
  doorOf(id) {
    return this.#door.at(`/api/conversations/${encodeURIComponent(id)}`);
  }

  /** The open part of one: messages, threads, people. The same object for the same id, until it is over or closed. */
  conversation(id) {
    this.#leaving.delete(id);
    let room = this.#rooms.get(id);
    if (!room) {
      room = new Conversation({
        id,
        me: this.me,
        role: this.conversations.get(id)?.role ?? 'member',
        door: this.doorOf(id),
        names: this.names,
        pageSize: this.#options.pageSize,
        share: this.#options.share,
        ...this.#options.lineOptions,
      });
      this.#rooms.set(id, room);
      room.addEventListener('phase', ({ detail: { phase } }) => {
        if (phase === 'ticket') this.#refused(new RoomError({ status: 401 }));
        if (['erased', 'missing', 'removed', 'left'].includes(phase)) {
          this.#rooms.delete(id);
          this._gone(id, phase === 'missing' ? 'removed' : phase);
        }
      });
      room.addEventListener('outbox', () => {
        if (this.#leaving.has(id)) this.release(id);
      });
      room.addEventListener('notice', ({ detail: { event } }) => {
        if (event === 'conversation:updated') this.#refresh(id);
      });
    }
    return room;
  }

  /** Closes it; what waits in its outbox is kept, and goes out when it is opened again. */
  release(id) {
    const room = this.#rooms.get(id);
    if (!room) return;
    this.#leaving.add(id);
    if (room.pending.some((item) => item.state !== 'sent')) return; // the last one sent closes it
    room.close();
    this.#rooms.delete(id);
  }

  /** Is anything waiting to be sent, in any conversation? */
  get unsent() {
    return [...this.#rooms.values()].some((room) => room.pending.some((item) => item.state !== 'failed'));
  }

  async _call(method, path, options) {
    try {
      return await this.#door.call(method, path, options);
    } catch (error) {
      this.#refused(error);
      throw error;
    }
  }

  // ---- small things

  #setPhase(phase, error) {
    if (this.phase === phase) return;
    this.phase = phase;
    this._emit('phase', { phase, error });
  }

  _emit(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}
