// What the server hears of us between messages: that we write, up to where we have read, and that we live.
import { watching } from './around.js';
import { Timers } from './timers.js';

const TYPING_EVERY_MS = 3000;
const TYPING_IDLE_MS = 4000;
const READ_MS = 250;
const ALIVE_MS = 400;

export class Signs {
  #how;
  #timers = new Timers();
  #typingSentAt = 0;
  #typingOn = false;
  #readWanted = 0;
  #readSent = 0;

  /**
   * @param {{call: (method: string, path: string, options?: object) => Promise<any>, open: () => boolean, loaded: () => boolean, read: () => number,
   *          cursor: () => string|null, told: (upTo: number) => void, answered: () => void, failed: (error: Error) => void}} how
   * `open`: may anything be told at all? `read`: our read mark as the server says it; `told`: it has it from us; `answered`, `failed`: a proof of life was.
   */
  constructor(how) {
    this.#how = how;
  }

  /** Up to where we had read, as far as we told or the server said. */
  get myRead() {
    return Math.max(this.#readSent, this.#how.read());
  }

  // ---- writing

  /** On every key stroke: told at most each three seconds, and when it stops. */
  typingNow() {
    this.#timers.later('typing', TYPING_IDLE_MS, () => this.typingDone());
    if (Date.now() - this.#typingSentAt < TYPING_EVERY_MS) return;
    this.#typingSentAt = Date.now();
    this.#typingOn = true;
    this.#how.call('POST', '/typing', { body: { isTyping: true } }).catch(() => {});
  }

  typingDone() {
    if (this.typingSent()) this.#how.call('POST', '/typing', { body: { isTyping: false }, keepalive: true }).catch(() => {});
  }

  /** The message itself ends it at the other side. True: something had been told. */
  typingSent() {
    const was = this.#typingOn;
    this.#timers.cancel('typing');
    this.#typingOn = false;
    this.#typingSentAt = 0;
    return was;
  }

  // ---- reading

  read(id) {
    if (id > this.#readWanted) this.#readWanted = id;
    this.sendRead();
  }

  /** Another tab told it already. True: that is news. */
  readElsewhere(upTo) {
    if (upTo <= this.#readSent) return false;
    this.#readSent = upTo;
    return true;
  }

  sendRead() {
    if (this.#readWanted <= this.myRead || !watching() || this.#timers.has('read') || !this.#how.open()) return;
    this.#timers.later('read', READ_MS, async () => {
      const upTo = this.#readWanted;
      if (upTo <= this.myRead || !watching()) return;
      try {
        await this.#how.call('PUT', '/read', { body: { upTo } });
        this.#readSent = Math.max(this.#readSent, upTo);
        this.#how.told(upTo);
        this.sendRead();
      } catch {
        // The next sign of life tries again.
      }
    });
  }

  // ---- living

  aliveSoon() {
    if (!this.#timers.has('alive')) this.#timers.later('alive', ALIVE_MS, () => this.alive());
  }

  /** Proof of life and delivered mark in one; also how a dead line is noticed, which EventSource alone would not. */
  async alive({ timeoutMs = 8000 } = {}) {
    if (!this.#how.loaded() || !this.#how.open()) return;
    const cursor = this.#how.cursor();
    try {
      await this.#how.call('PUT', '/alive', { body: cursor === null ? {} : { cursor }, timeoutMs });
      this.#how.answered();
      this.sendRead();
    } catch (error) {
      this.#how.failed(error);
    }
  }

  stop() {
    this.#timers.stop();
  }
}
