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
import { pauseOrOnline } from '../room/around.js';
import { Door, RoomError, backoffMs, ticketClaims } from '../room/http.js';
import { Conversation } from './conversation.js';
import { Feed } from './feed.js';
import { Listing } from './listing.js';
import { Rooms } from './rooms.js';

export { RoomError };

export class Chats extends Listing {
  phase = 'opening';
  /** @type {{id: string, name: string}|null} */
  me = null;
  /** Has one logged in here? Else MainServer says who one is. */
  account;
  /** Is that account no more? Said by `deleteAccount`, before the phase is `off`. */
  deleted = false;
  #options;
  #door;
  #feed = null;
  #out = false; // logged out: what comes in after that goes again
  #rooms = new Rooms({
    make: (id) => this.#make(id),
    over: (id, phase) => this._gone(id, phase === 'missing' ? 'removed' : phase),
    ticket: () => this.#refused(new RoomError({ status: 401 })),
    updated: (id) => this._refresh(id),
    read: (id, upTo) => this._readHere(id, upTo),
  });

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

  now() {
    return Date.now() + this.#door.skewMs;
  }

  get skew() {
    return this.#door.skewMs;
  }

  // ---- who one is

  /** Resolves when it is known who is there (phase open) or that nobody is (phase login). */
  async open() {
    for (let attempt = 0; this.phase !== 'off'; attempt += 1) {
      try {
        const told = this.#door.ticket ? await this.#enter() : await this.#door.call('GET', '/auth/me');
        if (this.phase !== 'off') await this.#begin(told);
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

  async login({ login, password }) {
    const { user, as } = await this.#door.call('POST', '/auth/login', { by: 'cookie', body: { login, password } });
    this.#door.ticket = null; // the cookie speaks for us: nothing to be stolen from this page
    this.#door.as = as ?? null;
    this.account = true;
    if (this.phase === 'off') return void (await this.#clear());
    await this.#begin(user);
    this.#feed?.post({ t: 'login' });
  }

  /** Ends this browser's login, in all its tabs; `everywhere`: the account's others, too (resolves before anything is closed here, or rejects). */
  async logout({ everywhere = false } = {}) {
    const away = this.#clear(everywhere);
    if (everywhere) await away;
    this.#end();
    await away.catch((error) => {
      if (error.status !== 401) throw error;
    });
  }

  #clear(everywhere = false) {
    return this.account
      ? this.#door.call('POST', '/auth/logout', { body: everywhere ? { everywhere } : {}, keepalive: true })
      : this.#door.call('DELETE', '/api/cookie', { by: 'cookie', keepalive: true });
  }

  /** Out of every conversation, and the account is gone: what was said stays, without a name. */
  async deleteAccount(password) {
    await this._call('DELETE', '/auth/me', { body: { password } });
    this.deleted = true;
    this.#end();
  }

  #end() {
    this.#out = true;
    this.#feed?.post({ t: 'logout' });
    this.close();
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
    this._online.stop();
    this.#rooms.close();
    this.#door.ticket = null;
    this.#setPhase('off');
  }

  /** Trades MainServer's token for a cookie of this user's own: for the streams, and so that a reload comes back. */
  async #enter() {
    const { userId, name } = ticketClaims(this.#door.ticket);
    const { as } = await this.#door.call('POST', '/api/cookie', { by: 'both', body: {} });
    if (globalThis.navigator?.cookieEnabled !== false) this.#door.as = as;
    if (this.#out) await this.#clear(); // it came after all was over
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
      this.#rooms.resume();
      await this.reload();
      return;
    }
    this._online.start();
    this.#feed = new Feed({
      door: this.#door.at('/api'),
      name: `chats:${this.#door.base}:${user.id}`,
      share: this.#options.share,
      lineOptions: this.#options.lineOptions,
      frame: (frame) => this._take(frame),
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
    this._online.stop();
    this.#rooms.close();
    this._forget();
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
    if (message.t === 'logout') {
      this.#out = true;
      this.close();
    } else if (message.t === 'login' && this.phase === 'login') this.open();
  }

  // ---- conversations

  /** For requests of one conversation: files. */
  doorOf(id) {
    return this.#door.at(`/api/conversations/${encodeURIComponent(id)}`);
  }

  /** The open part of one: messages, threads, people. The same object for the same id, until it is over or closed. */
  conversation(id) {
    this._freshen(id);
    return this.#rooms.get(id);
  }

  /** Closes it; what waits in its outbox is kept, and goes out when it is opened again. */
  release(id) {
    this.#rooms.release(id);
  }

  /** Is anything waiting to be sent, in any conversation? */
  get unsent() {
    return this.#rooms.unsent;
  }

  #make(id) {
    const room = new Conversation({
      id,
      me: this.me,
      role: this.conversations.get(id)?.role ?? 'member',
      door: this.doorOf(id),
      names: this.names,
      pageSize: this.#options.pageSize,
      share: this.#options.share,
      ...this.#options.lineOptions,
    });
    this._online.follow(id, room);
    return room;
  }

  _take(frame) {
    if (frame.event === 'ticket:expired') this.#nobody(null);
    else super._take(frame);
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
