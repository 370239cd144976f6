// Messages on their way out: in memory only, sent one at a time and in order, each with the same client id until the
// server has answered, however often the line breaks in between. room.js owns one.
import { RoomError, backoffMs } from './http.js';

/**
 * @typedef {object} OutboxItem
 * @property {string} clientId
 * @property {string} content
 * @property {string} [type]
 * @property {number} [replyTo]
 * @property {object} [metadata]
 * @property {number} queuedAt    our clock, ms
 * @property {'waiting'|'sending'|'sent'|'failed'} state   `sent`: stored by the server, not yet back on the stream
 * @property {number} attempts
 * @property {RoomError|null} error   the last one; for `failed` the reason
 * @property {number} [id]        the position it got, once sent
 */

export class Outbox {
  /** @type {OutboxItem[]} */
  items = [];
  #send;
  #changed;
  #random;
  #timer = null;
  #busy = false;
  #held = false;
  #closed = false;
  #notBefore = 0; // what a Retry-After asked for

  /**
   * @param {{send: (item: OutboxItem) => Promise<object>, changed: (item: OutboxItem, message?: object) => void, refused?: (error: RoomError) => void, random?: () => number}} how
   * `refused` hears of an error that concerns the whole conversation (401, 404, 410, ended).
   */
  constructor({ send, changed, refused = () => {}, random = Math.random }) {
    this.#send = send;
    this.#changed = changed;
    this.refused = refused;
    this.#random = random;
  }

  add(draft) {
    const item = { ...draft, queuedAt: Date.now(), state: 'waiting', attempts: 0, error: null };
    this.items.push(item);
    this.#changed(item);
    this.#next();
    return item;
  }

  /** Sends a failed one again, now behind all others. */
  retry(clientId, freshId) {
    const item = this.#find(clientId);
    if (item?.state !== 'failed') return;
    this.items.splice(this.items.indexOf(item), 1);
    if (item.error?.code === 'CLIENT_ID_REUSED') item.clientId = freshId();
    Object.assign(item, { state: 'waiting', attempts: 0, error: null });
    this.items.push(item);
    this.#changed(item);
    this.#next();
  }

  /** Gives one up. Returns it; one that may be on its way stays. */
  discard(clientId) {
    const item = this.#find(clientId);
    if (!item || item.state === 'sending' || item.state === 'sent' || (item.state === 'waiting' && item.attempts > 0)) return null;
    this.items.splice(this.items.indexOf(item), 1);
    this.#changed(item);
    return item;
  }

  /** The log has this message now: it is no longer ours to show. */
  settle(message) {
    const item = this.items.find((one) => (message.clientId && one.clientId === message.clientId) || (one.id !== undefined && one.id === message.id));
    if (!item) return;
    this.items.splice(this.items.indexOf(item), 1);
    if (item.state !== 'sent') {
      // The stream was faster than the answer, or the answer was lost: stored is stored.
      item.state = 'sent';
      item.id = message.id;
    }
    this.#changed(item, message);
  }

  /** No ticket, or read-only: keep everything and wait. */
  hold() {
    this.#held = true;
    this.#stopTimer();
  }

  /** The line is back: don't wait out the rest of the pause, unless the server asked for it. */
  go() {
    this.#held = false;
    if (!this.#busy && Date.now() >= this.#notBefore) {
      this.#stopTimer();
      this.#next();
    }
  }

  /** Nothing more can be sent in this conversation. */
  failAll(error) {
    this.#stopTimer();
    for (const item of this.items) {
      if (item.state !== 'waiting') continue;
      Object.assign(item, { state: 'failed', error });
      this.#changed(item);
    }
  }

  close() {
    this.#closed = true;
    this.#stopTimer();
    this.items = [];
  }

  get waiting() {
    return this.items.filter((item) => item.state === 'waiting' || item.state === 'sending').length;
  }

  #find(clientId) {
    return this.items.find((item) => item.clientId === clientId);
  }

  #stopTimer() {
    clearTimeout(this.#timer);
    this.#timer = null;
  }

  async #next() {
    if (this.#busy || this.#held || this.#closed || this.#timer) return;
    const item = this.items.find((one) => one.state === 'waiting');
    if (!item) return;
    this.#busy = true;
    item.state = 'sending';
    item.attempts += 1;
    this.#changed(item);
    let pauseMs = 0;
    try {
      const message = await this.#send(item);
      item.error = null;
      item.id = message.id;
      item.state = 'sent';
      if (this.items.includes(item)) this.#changed(item, message);
    } catch (error) {
      pauseMs = this.#failed(item, error);
    }
    this.#busy = false;
    if (this.#closed) return;
    if (pauseMs > 0) {
      this.#timer = setTimeout(() => {
        this.#timer = null;
        this.#next();
      }, pauseMs);
    } else {
      this.#next();
    }
  }

  #failed(item, thrown) {
    const error = thrown instanceof RoomError ? thrown : new RoomError({ message: String(thrown?.message ?? thrown) });
    if (!this.items.includes(item) || this.#closed) return 0;
    item.error = error;
    item.state = 'waiting';
    if (error.passing) {
      this.#notBefore = Date.now() + (error.retryAfterMs ?? 0);
      this.#changed(item);
      return Math.max(error.retryAfterMs ?? 0, backoffMs(item.attempts - 1, { maxMs: 12_000, random: this.#random }));
    }
    if (error.status === 401) {
      this.hold();
      this.#changed(item);
    } else {
      item.state = 'failed';
      this.#changed(item);
    }
    this.refused(error);
    return 0;
  }
}
