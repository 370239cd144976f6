// When everything is erased. When that moment passes, the text goes from the page too, whether or not the server can still be heard.
import { Timers } from './timers.js';

const GRACE_MS = 1500;
const AGAIN_MS = 5000;

export class Deadline {
  /** @type {number|null} server time in ms */
  at = null;
  #how;
  #timers = new Timers();

  /**
   * @param {{now: () => number, ask: () => Promise<any>, changed: (moved: boolean) => void, passed: (error: Error) => void}} how
   * `now`: the server's clock; `ask`: something that is answered only while the conversation lives; `passed`: it was not.
   */
  constructor(how) {
    this.#how = how;
  }

  set(at, moved) {
    if (typeof at !== 'number' || at === this.at) return;
    this.at = at;
    this.#how.changed(moved);
    this.#watch();
  }

  /** Has it passed, or nearly? */
  get reached() {
    return this.at !== null && this.#how.now() >= this.at - 1000;
  }

  #watch() {
    const left = this.at - this.#how.now() + GRACE_MS;
    this.#timers.later('end', Math.min(Math.max(left, 0), 2 ** 31 - 1), async () => {
      if (this.#how.now() < this.at) {
        this.#watch();
        return;
      }
      try {
        await this.#how.ask();
        this.#timers.later('end', AGAIN_MS, () => this.#watch()); // it lives: news of a later deadline is on its way
      } catch (error) {
        this.#how.passed(error);
      }
    });
  }

  stop() {
    this.#timers.stop();
  }
}
