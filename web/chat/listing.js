// The list of conversations and what keeps it true: what the server says of each, and in between what the feed tells. client.js's Chats is made of it and
// gives the rest: `_call`, `_emit`, `phase`, `me`, `now()`.
import { pauseOrOnline } from '../room/around.js';
import { backoffMs } from '../room/http.js';
import { positionOf } from '../room/log.js';
import { Names } from './names.js';
import { Online } from './online.js';
import { Requests } from './requests.js';
import { Selection } from './selection.js';

const REFRESH_MS = 120;
const FRESH_MS = 10_000;
const NEWEST = 30;

export class Listing extends Requests {
  /** @type {Map<string, import('./client.js').Listed>} */
  conversations = new Map();
  names = new Names(() => this._emit('people', {}));
  _online = new Online({
    rows: () => this.conversations.values(),
    look: () => this.#look(),
    refresh: (id) => this._refresh(id),
    changed: () => this._emit('list', { id: null }),
  });
  #selections = new Set();
  #again = null; // a list that could not be fetched is asked for again
  #failures = 0;
  #refreshing = new Map();
  #asking = new Map(); // conversation → the latest of those who ask for it
  #readHere = new Map(); // conversation → read up to there, in this page
  #met = new Map(); // conversation → people to be asked for
  #toldAt = new WeakMap(); // row → when the server said so

  get unread() {
    let sum = 0;
    for (const one of this.conversations.values()) if (!one.muted && one.status === 'active') sum += one.unread;
    return sum;
  }

  nameOf(participant) {
    return this.names.of(participant);
  }

  /** Names that are not known yet are asked for, with their conversation; of large ones as many pages as it takes. Never rejects. */
  async getToKnow(id, participants) {
    const unknown = () => participants.filter((one) => one && !this.names.known(one));
    if (unknown().length === 0) return;
    try {
      const one = await this.fetch(id);
      if (!one) return;
      let after = null;
      if (one.participantCount > one.participants.length) {
        do after = (await this.members(id, { after })).next ?? null;
        while (after !== null && unknown().length > 0);
      }
      for (const each of unknown()) this.names.stranger(each);
    } catch {
      // They are asked for again when they are met again.
    }
  }

  /** Somebody was met in a conversation; who is not known is asked for, all that are met in a moment at once. */
  meet(id, participant) {
    if (this.names.known(participant)) return;
    if (this.#met.has(id)) {
      this.#met.get(id).add(participant);
      return;
    }
    this.#met.set(id, new Set([participant]));
    setTimeout(async () => {
      await this.getToKnow(id, [...this.#met.get(id)]);
      this.#met.delete(id);
    }, REFRESH_MS);
  }

  /** A view of the list: {type?, status? (or several), q?, unread?}; `items` sorted by last activity, `more()`, `hasMore`, `loading`. Stop it when done. */
  select(filter = {}) {
    const selection = new Selection(this, filter, {
      page: (query) => (Array.isArray(query.status) ? this.#pageOfSeveral(query) : this._call('GET', '/api/conversations', { query })),
      put: (one) => this._put(one),
      stop: (which) => this.#selections.delete(which),
      changed: () => this._emit('list', { id: null }),
    });
    this.#selections.add(selection);
    return selection;
  }

  /** The server lists one status at a time: a page of each, together. `edge`: down to there it is complete. */
  async #pageOfSeveral({ status, after, ...query }) {
    const from = after ?? Object.fromEntries(status.map((one) => [one, null]));
    const pages = await Promise.all(Object.entries(from).map(async ([one, cursor]) => {
      const page = await this._call('GET', '/api/conversations', { query: { ...query, status: one, after: cursor } });
      return { one, ...page };
    }));
    const more = pages.filter((page) => page.next);
    return {
      conversations: pages.flatMap((page) => page.conversations),
      next: more.length > 0 ? Object.fromEntries(more.map((page) => [page.one, page.next])) : null,
      edge: Math.max(...more.map((page) => page.conversations.at(-1)?.lastActivityAt ?? -Infinity)),
    };
  }

  /** All views anew, as after `reset`. Never rejects. */
  async reload() {
    clearTimeout(this.#again);
    await Promise.all([...this.#selections].map((one) => one.load({ missing: (id) => this._refresh(id) })));
    this._online.looked();
    this._emit('list', { id: null });
    const error = [...this.#selections].map((one) => one.error).find((one) => one?.passing);
    this.#failures = error ? this.#failures + 1 : 0;
    if (error) this.#again = setTimeout(() => this.phase === 'open' && this.reload(), Math.max(error.retryAfterMs ?? 0, backoffMs(this.#failures)));
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
    if (known && positionOf(known.cursor) > positionOf(one.cursor)) this._refresh(one.id); // an answer that was overtaken by the feed
    else this.conversations.set(one.id, one);
    this.#toldAt.set(one, Date.now());
    for (const who of one.participants ?? []) this.names.put(who.participant, who.name);
  }

  /** Asks again for what an event did not tell; several wishes in a moment are one. */
  _refresh(id) {
    if (this.#refreshing.has(id)) return;
    this.#refreshing.set(id, setTimeout(() => {
      this.#refreshing.delete(id);
      this.#ask(id);
    }, REFRESH_MS));
  }

  /** Until there is an answer: the event that told of it does not come again. */
  async #ask(id) {
    const ours = {};
    this.#asking.set(id, ours);
    for (let attempt = 0; this.phase === 'open' && this.#asking.get(id) === ours; attempt += 1) {
      try {
        await this.fetch(id);
        break;
      } catch (error) {
        if (!error.passing) break;
        await pauseOrOnline(Math.max(error.retryAfterMs ?? 0, backoffMs(attempt)));
      }
    }
    if (this.#asking.get(id) === ours) this.#asking.delete(id);
  }

  /** Asks again unless that was done a moment ago. */
  _freshen(id) {
    const one = this.conversations.get(id);
    if (one && Date.now() - (this.#toldAt.get(one) ?? 0) > FRESH_MS) this._refresh(id);
  }

  _gone(id, why) {
    const conversation = this.conversations.get(id);
    if (!conversation) return;
    this.conversations.delete(id);
    this._emit('gone', { conversation, why });
    this._emit('list', { id });
  }

  /** Nothing of it stays: somebody else is there now. */
  _forget() {
    this.conversations.clear();
    this.#asking.clear();
    this.#readHere.clear();
    for (const one of this.#selections) one.clear();
    this._emit('list', { id: null });
  }

  async #look() {
    if (this.phase !== 'open') return;
    const { conversations } = await this._call('GET', '/api/conversations', { query: { limit: NEWEST } });
    for (const one of conversations) this._put(one);
    this._emit('list', { id: null });
  }

  // ---- what the feed tells

  _take({ event, data }) {
    const id = data.conversationId;
    if (!id) return;
    const known = this.conversations.get(id);
    if (event === 'message:new') this.#message(known, data);
    else if (event === 'unread') {
      const more = !known || data.unread > known.unread; // said where nothing is put into feeds, there being too many people
      if (known) {
        known.unread = data.unread;
        this._emit('list', { id });
      }
      if (more) this._refresh(id);
    } else if (event === 'muted') {
      if (known) known.muted = data.muted;
      this._emit('list', { id });
    } else if (event === 'conversation:erased') this._gone(id, 'erased');
    else if (event === 'user:left' && data.participant === this.me.id) this._gone(id, data.by && data.by !== this.me.id ? 'removed' : 'left');
    else if (event === 'user:typing' || event.startsWith('receipt:')) return;
    else {
      if (known?.lastMessage?.id === data.id && event.startsWith('message:')) {
        known.lastMessage = data; // what was deleted is not shown a moment longer
        this._emit('list', { id });
      }
      this._refresh(id);
    }
  }

  /** The feed says so, too, unless Redis is away. */
  _readHere(id, upTo) {
    this.#readHere.set(id, upTo);
    const known = this.conversations.get(id);
    if (!known?.unread || upTo < (known.lastMessage?.id ?? Infinity)) return;
    known.unread = 0;
    this._emit('list', { id });
  }

  #message(known, data) {
    const { conversationId: id } = data;
    const own = data.sender === this.me.id;
    if (!own) {
      this._online.here(data.sender, this.now() - data.sentAt);
      this._emit('message', { conversation: known ?? null, message: data });
    }
    if (!known) {
      this._refresh(id);
      return;
    }
    if (data.id <= positionOf(known.cursor)) return;
    known.lastMessage = data;
    known.cursor = data.cursor ?? known.cursor;
    known.lastActivityAt = Math.max(known.lastActivityAt, data.sentAt);
    if (!own && data.id > (this.#readHere.get(id) ?? 0)) known.unread += 1;
    this._emit('list', { id });
  }
}
