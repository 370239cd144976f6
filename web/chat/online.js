// Who is online, in the list. The server says it with every row that it gives. In between, who is heard of at this moment is online; who leaves the
// conversation that is open may be gone altogether, and then the server is asked. A look at the newest rows does the rest: when the page is
// looked at again, and now and then while it is.
import { hidden } from '../room/around.js';

const EVERY_MS = 60_000;
const IDLE_MS = 180_000; // to be seen, but not what somebody works with
const FRESH_MS = 15_000;
const JUST_NOW_MS = 30_000;
const ASK_FOR_MOST = 8; // people in a conversation; of larger ones everybody would ask at once

export class Online {
  #on;
  #timer = null;
  #lookedAt = 0;
  #listening = null;

  /** @param {{rows: () => Iterable<object>, look: () => Promise<void>, refresh: (id: string) => void, changed: () => void}} on */
  constructor(on) {
    this.#on = on;
  }

  start() {
    this.stop();
    this.#listening = new AbortController();
    const { signal } = this.#listening;
    this.#timer = setInterval(() => this.#look(globalThis.document?.hasFocus() === false ? IDLE_MS : EVERY_MS), EVERY_MS);
    const back = () => this.#look(FRESH_MS);
    globalThis.document?.addEventListener('visibilitychange', back, { signal });
    globalThis.addEventListener?.('focus', back, { signal });
  }

  stop() {
    clearInterval(this.#timer);
    this.#listening?.abort();
  }

  /** All rows are as the server has them. */
  looked() {
    this.#lookedAt = Date.now();
  }

  /** A sign of life, so many milliseconds old. */
  here(participant, ageMs = 0) {
    if (ageMs > JUST_NOW_MS) return;
    let changed = false;
    for (const row of this.#on.rows()) {
      const who = row.participants.find((one) => one.participant === participant);
      if (who && !who.online) {
        who.online = true;
        changed = true;
      }
    }
    if (changed) this.#on.changed();
  }

  /** Hears who comes into an open conversation and who leaves it. @param {import('./conversation.js').Conversation} room */
  follow(id, room) {
    let before = new Set();
    room.addEventListener('people', () => {
      const now = new Set(room.others.filter((one) => one.online).map((one) => one.participant));
      for (const one of now) if (!before.has(one)) this.here(one);
      const left = [...before].some((one) => !now.has(one));
      before = now;
      if (left && room.participants.size <= ASK_FOR_MOST) this.#on.refresh(id);
    });
  }

  async #look(freshMs) {
    if (hidden() || Date.now() - this.#lookedAt < freshMs - 1000) return;
    this.looked();
    await this.#on.look().catch(() => {}); // who is refused hears of it elsewhere, and the next look comes
  }
}
