// What was said: the newest page of history, then what the stream tells of it, in order, each once, without a gap. Frames that come while a page is on
// its way wait for it. room.js owns one and says what follows from it.
import { pause, pauseOrOnline } from './around.js';
import { backoffMs } from './http.js';
import { Log, positionOf } from './log.js';

const FILL_MAX_MS = 8000;

export class Story {
  log = new Log();
  /** Has the history been read, at least once? */
  loaded = false;
  mayRead = true;
  #how;
  #held = null; // frames that arrived while history was being loaded
  #gap = { at: -2, leading: false }; // what is missing after that place the server did not bring either; whether it was asked by the line, or by a look at the log
  #readyCursor = null;

  /**
   * @param {{call: (method: string, path: string, options?: object) => Promise<any>, pageSize: number, random: () => number,
   *          over: () => boolean, leading: () => boolean, restart: () => void, waiting: () => void, refused: (error: Error) => void,
   *          people: (answer: object) => void, shown: () => void, caughtUp: () => void, snapshot: (state: object) => void,
   *          message: (event: string, data: object, taken: {added?: object, changed?: object}) => void, again: (data: object) => void,
   *          side: (event: string, data: object) => void}} how
   * `over`: nothing is read any more; `leading`, `restart`: is the line ours, and it anew; `waiting`: it takes long; `shown`: the history is here, `caughtUp`: and what came
   * meanwhile; `snapshot`: how all stands; `message`: one that was not told before, `again`: one that was; `side`: every other event.
   */
  constructor(how) {
    this.#how = how;
  }

  // ---- history

  /** What we have of the history is not true any more: it is read anew. */
  reload() {
    const { cursor } = this.log;
    this.log.reset();
    this.log.cursor = cursor;
    this.load();
  }

  /** Reads presence and the newest page of history, as often as it takes; frames wait meanwhile. */
  async load() {
    const held = [...(this.#held ?? [])];
    const stale = () => held !== this.#held || this.#how.over();
    this.#held = held;
    for (let attempt = 0; ; attempt += 1) {
      try {
        const [people, page] = await Promise.all([this.#how.call('GET', '/presence'), this.#newest()]);
        if (stale()) return;
        this.#how.people(people);
        if (page) this.log.reset(page);
        this.#gap.at = -2;
        break;
      } catch (error) {
        if (stale()) return;
        if (!error.passing) {
          this.#held = null;
          this.#how.refused(error);
          return;
        }
        this.#how.waiting();
        await pauseOrOnline(Math.max(error.retryAfterMs ?? 0, backoffMs(attempt, { random: this.#how.random })));
        if (stale()) return;
      }
    }
    this.loaded = true;
    this.#held = null;
    this.#how.shown();
    for (const frame of held) this.frame(frame);
    this.#how.caughtUp();
  }

  async #newest() {
    if (!this.mayRead) return null;
    try {
      return await this.#how.call('GET', '/messages', { query: { limit: this.#how.pageSize } });
    } catch (error) {
      if (error.status !== 403) throw error;
      this.mayRead = false;
      return null;
    }
  }

  forget() {
    this.log.reset();
    this.log.cursor = null;
    this.#held = null;
  }

  // ---- frames

  /** One long-poll. */
  async poll(waitS, signal) {
    while (this.#held) await pause(100); // the cursor stands still until what came before is taken
    return this.#poll(waitS, signal);
  }

  #poll(waitS, signal) {
    const query = { after: this.log.cursor, wait: this.log.cursor === null ? null : waitS };
    return this.#how.call('GET', '/poll', { query, signal, timeoutMs: (waitS + 12) * 1000 });
  }

  frame(frame) {
    if (this.#how.over()) return;
    if (this.#held) this.#held.push(frame);
    else this.#take(frame);
  }

  #take({ id, event, data }) {
    switch (event) {
      case 'ready':
        this.#how.snapshot(data);
        this.#readyCursor = data.cursor;
        if (data.resumed === false) break; // `reset` is next
        if (this.log.cursor === null) this.log.cursor = data.cursor;
        else if (!this.#how.leading() && positionOf(data.cursor) > this.log.position) this.fill();
        break;
      case 'poll:answer':
        this.#how.snapshot(data);
        if (positionOf(data.cursor) > this.log.position && this.#how.leading()) this.log.cursor = data.cursor;
        break;
      case 'reset':
        this.log.cursor = this.#readyCursor;
        this.reload();
        break;
      default:
        this.#takeEvent(id, event, data);
    }
  }

  #takeEvent(id, event, data) {
    const isMessage = event.startsWith('message:');
    if (positionOf(id) > this.log.position) {
      const taken = this.log.take(event, id, data, { tolerateGap: this.#gap.at === this.log.position && this.#gap.leading === this.#how.leading() });
      if (taken === 'gap') {
        if (this.#how.leading()) {
          this.#gap = { at: this.log.position, leading: true };
          this.#how.restart();
        } else {
          this.fill({ id, event, data });
        }
        return;
      }
      if (isMessage) this.#how.message(event, data, taken);
    } else if (isMessage) {
      this.#how.again(data);
      return;
    }
    this.#how.side(event, data);
  }

  /** A tab that follows missed something: one look at the log, no second stream. Until that was had frames wait; a history on its way brings all by itself. */
  async fill(frame) {
    if (this.#held) return;
    const held = frame ? [frame] : [];
    this.#held = held;
    const stale = () => held !== this.#held || this.#how.over();
    let answer = null;
    for (let attempt = 0; answer === null; attempt += 1) {
      try {
        answer = await this.#poll(0);
      } catch (error) {
        if (stale()) return;
        if (!error.passing) {
          this.#held = null; // what waited is missing still: the next frame leads here again
          this.#how.refused(error);
          return;
        }
        await pauseOrOnline(Math.max(error.retryAfterMs ?? 0, backoffMs(attempt, { maxMs: FILL_MAX_MS, random: this.#how.random })));
      }
      if (stale()) return;
    }
    this.#held = null;
    const { position } = this.log;
    for (const one of answer.events ?? []) this.frame({ id: one.id ?? null, event: one.event, data: one.data });
    if (!this.#held && this.log.position === position) this.#gap = { at: position, leading: false };
    for (const one of held) this.frame(one);
  }
}
