/**
 * A lasting conversation: room.js's Room (messages, outbox, receipts, typing, one stream for all tabs) with what only these have:
 * threads, windows into a long history, people who come and go. client.js makes them.
 *
 * More state:   `threads` by id, `threadAt(messageId)`, `hasNewer` (what is shown is not the end), `pending` (all that waits, threads' too)
 * More events:  `threads` {} · `notice` {event, data} also for user:joined, user:left, conversation:updated …
 * More phases:  `removed` (somebody took us out), `left` (we went), `erased`
 * More methods: `thread(id)` `makeThread` `goTo` `loadNewer` `toNewest`
 *
 * @typedef {{id: string, parent: string|null, root: number|null, title: string, createdBy: string, createdAt: number, messageCount: number, lastActivityAt: number}} ThreadInfo
 */
import { Room } from '../room.js';
import { pauseOrOnline } from '../room/around.js';
import { backoffMs } from '../room/http.js';
import { Log } from '../room/log.js';
import { Thread } from './thread.js';

const AROUND = 30;
const THREADS = 100;

export class Conversation extends Room {
  /** @type {Map<string, ThreadInfo>} */
  threads = new Map();
  #names;
  #roots = new Map(); // message id → thread id, the first made there
  #open = new Map(); // thread id → Thread
  #window = null; // a Log of some other part of the history
  #next = null; // cursor for the page after it
  #asking = new Set();

  /** @param {{id: string, me: {id: string}, role: string, door: import('../room/http.js').Door, names: import('./names.js').Names} & import('../room.js').RoomOptions} options */
  constructor({ id, me, role, names, ...options }) {
    super({ ...options, conversationId: id, me: { participant: me.id, role } });
    this.#names = names;
    this.addEventListener('messages', ({ detail }) => {
      if (detail.reset) this.#again();
      for (const message of detail.added) if (message.threadId) this.#counted(message);
      for (const message of detail.changed) if (message.threadId && message.deletedAt) this.#ask(message.threadId);
    });
  }

  // ---- the history, or a window of it

  get messages() {
    return (this.#window ?? this._log).messages;
  }

  get outbox() {
    return super.outbox.filter((item) => !item.threadId);
  }

  get pending() {
    return super.outbox;
  }

  get hasOlder() {
    return (this.#window ?? this._log).previous !== null;
  }

  get hasNewer() {
    return this.#window !== null;
  }

  message(id) {
    const places = [this._log, this.#window, ...[...this.#open.values()].map((one) => one.log)];
    return places.find((log) => log?.get(id))?.get(id);
  }

  async loadOlder() {
    if (!this.#window) return super.loadOlder();
    const log = this.#window;
    const page = await this.#page({ before: log.previous, limit: this._options.pageSize });
    if (log === this.#window) log.prepend(page);
    this.#moved({ older: true });
  }

  async loadNewer() {
    const log = this.#window;
    if (!log) return;
    if (this.#next === null) {
      this.toNewest();
      return;
    }
    const page = await this.#page({ after: this.#next, limit: this._options.pageSize });
    if (log !== this.#window) return;
    for (const message of page.messages) log.amend(message, message.id);
    this.#next = page.next;
    this.#join();
    this.#moved({ newer: true });
  }

  /** Back to where new messages arrive. */
  toNewest() {
    if (!this.#window) return;
    this.#window = null;
    this.#moved({ newer: true });
  }

  /** Loads the history around a message (as search gives it), if it is not here. Then `message(id)` is among `messages`. */
  async goTo(message) {
    if (this._log.get(message.id)) {
      this.toNewest();
      return;
    }
    if (this.#window?.get(message.id)) return;
    const [before, after] = await Promise.all([
      this.#page({ before: message.cursor, limit: AROUND }),
      this.#page({ after: message.cursor, limit: AROUND }),
    ]);
    const log = new Log();
    log.reset({ messages: [...before.messages, message, ...after.messages], previous: before.previous, cursor: null });
    this.#window = log;
    this.#next = after.next;
    this.#join();
    this.#moved({ newer: true });
  }

  /** Loads back to a position, at most a few pages. */
  async backTo(position) {
    for (let pages = 0; pages < 8 && super.hasOlder && (this._log.messages[0]?.id ?? Infinity) > position; pages += 1) {
      const page = await this.#page({ before: this._log.previous, limit: 200 });
      this._log.prepend(page);
    }
    this.#moved({ older: true });
  }

  // The window has grown to what we have of the end: then it is one piece.
  #join() {
    const oldest = this._log.messages[0]?.id ?? Infinity;
    if ((this.#window.messages.at(-1)?.id ?? 0) < oldest && this.#next !== null) return;
    this._log.prepend({ messages: this.#window.messages, previous: this.#window.previous });
    this.#window = null;
  }

  #page(query) {
    return this._call('GET', '/messages', { query });
  }

  #moved(what) {
    this._emit('messages', { added: [], changed: [], reset: false, older: false, ...what });
  }

  // ---- threads

  /** The thread that was begun at a message, or null. */
  threadAt(messageId) {
    return this.threads.get(this.#roots.get(messageId)) ?? null;
  }

  /** @returns {Thread} one for each id; open it to have its messages */
  thread(id) {
    let thread = this.#open.get(id);
    if (!thread) {
      thread = new Thread(this, id, (method, path, options) => this._call(method, path, options));
      this.#open.set(id, thread);
    }
    return thread;
  }

  /** One that is not there yet: its first message makes it. @param {{root: number, parent?: string}} begin */
  newThread(begin) {
    return new Thread(this, null, (method, path, options) => this._call(method, path, options), begin);
  }

  /** For thread.js: it was made. */
  adoptThread(thread) {
    this.#open.set(thread.id, thread);
  }

  closeThread(id) {
    this.#open.delete(id);
  }

  /** @param {{title?: string, root?: number, parent?: string}} what */
  async makeThread(what) {
    const made = await this._patiently(() => this._call('POST', '/threads', { body: what }));
    this.putThread(made);
    return this.threads.get(made.id);
  }

  /** Takes in what the server says of a thread. */
  putThread(info) {
    this.threads.set(info.id, { ...this.threads.get(info.id), ...info });
    if (info.root && !this.#roots.has(info.root)) this.#roots.set(info.root, info.id);
    this._emit('threads', {});
  }

  /** The threads, newest activity first. @returns {Promise<{threads: ThreadInfo[], next: string|null}>} */
  async listThreads({ after = null, parent } = {}) {
    const page = await this._call('GET', '/threads', { query: { after, parent, limit: THREADS } });
    for (const one of page.threads) this.putThread(one);
    return page;
  }

  #again() {
    this.#window = null;
    this._patiently(() => this.listThreads()).catch(() => {}); // asked for again whenever somebody looks at them
    for (const thread of this.#open.values()) this.#reopen(thread);
  }

  /** Until it is there, or nobody looks at it any more. */
  async #reopen(thread) {
    for (let attempt = 0; this.#open.get(thread.id) === thread; attempt += 1) {
      try {
        await thread.open();
        return;
      } catch (error) {
        if (!error.passing) return; // the conversation's own stream tells why
        await pauseOrOnline(Math.max(error.retryAfterMs ?? 0, backoffMs(attempt)));
      }
    }
  }

  #counted(message) {
    const info = this.threads.get(message.threadId);
    if (!info) this.#ask(message.threadId);
    else if (message.sentAt >= info.lastActivityAt && message.id > (info.counted ?? 0)) {
      this.putThread({ ...info, messageCount: info.messageCount + 1, lastActivityAt: message.sentAt, counted: message.id });
    }
  }

  async #ask(id) {
    if (this.#asking.has(id)) return;
    this.#asking.add(id);
    try {
      const { thread } = await this._call('GET', `/threads/${id}`, { query: { limit: 1 } });
      this.putThread(thread);
    } catch {
      // The next event, or the next opening, asks again.
    } finally {
      this.#asking.delete(id);
    }
  }

  // ---- what the stream tells

  _heard(event, message) {
    this.#window?.amend(message);
    if (message.threadId) this.#open.get(message.threadId)?.heard(event, message);
  }

  _side(event, data) {
    switch (event) {
      case 'user:joined':
        this.#names.put(data.participant, data.name);
        this._people.put(data.participant, data.role);
        this._emit('notice', { event, data });
        break;
      case 'user:left':
        if (this.isMe(data.participant)) this._over(data.by && !this.isMe(data.by) ? 'removed' : 'left');
        else super._side(event, data);
        break;
      case 'thread:created':
        this.putThread(data);
        break;
      case 'conversation:erased':
        this._over('erased');
        break;
      case 'history:erased':
        this._reload();
        break;
      default:
        super._side(event, data);
    }
  }
}
