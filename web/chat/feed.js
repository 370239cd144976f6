// A user's feed: everything new in all of their conversations, on one stream for all tabs of this browser. It keeps the order and
// the cursor, fills gaps, and says when the list must be loaded anew. What events mean is client.js's business.
import { watchBrowser } from '../room/around.js';
import { EVENTS as ROOM_EVENTS } from '../room/line.js';
import { positionOf } from '../room/log.js';
import { Tabs } from '../room/tabs.js';

/** What a feed and the stream of a lasting conversation tell beside what sessions do. */
export const EVENTS = [...ROOM_EVENTS, 'unread', 'muted'];

const WAIT_S = 25;
const PROBE_MS = 6000;

export class Feed {
  #door;
  #on;
  #tabs;
  #cursor = null;
  #told = null; // cursor of the stream's beginning
  #held = null;
  #began = false; // a stream was open since `start`
  #stopped = false;
  #unwatch = () => {};

  /**
   * @param {{door: import('../room/http.js').Door, name: string, share?: boolean,
   *          frame: (frame: {event: string, data: object}) => void, reset: () => Promise<void>, changed: () => void,
   *          refused: (error: import('../room/http.js').RoomError) => void, heard?: (message: object) => void, lineOptions?: object}} how
   * `reset`: load the list anew; events wait until it has been. `heard`: what another tab said by `post`.
   */
  constructor({ door, name, share = true, lineOptions = {}, ...on }) {
    this.#door = door;
    this.#on = on;
    this.#tabs = new Tabs({
      line: {
        events: EVENTS,
        withCredentials: door.foreign,
        streamUrl: () => this.#streamUrl(),
        poll: (signal, { wait }) => this.#poll(wait ? WAIT_S : 0, signal),
        probe: () => door.call('GET', '/poll', { query: { wait: 0 }, timeoutMs: PROBE_MS }),
        refused: (error) => this.#on.refused(error),
        ...lineOptions,
      },
      frame: (frame) => this.#frame(frame),
      changed: () => this.#on.changed(),
      greeting: () => ({ cursor: this.#cursor }),
      welcomed: ({ cursor }) => {
        if (this.#cursor !== null || !cursor) return;
        this.#cursor = cursor;
        this.#reload();
      },
      heard: (message) => {
        if (message.t === 'other') this.#on.heard?.(message.message);
      },
    });
    this.#tabs.join(name, share);
  }

  /** @returns {'off'|'connecting'|'live'|'reconnecting'|'offline'} */
  get link() {
    return this.#tabs.link;
  }

  get leading() {
    return this.#tabs.leading;
  }

  get mode() {
    return this.#tabs.mode;
  }

  /** Where the feed ends now, then the list, then the stream from there: so nothing is missed, and nobody waits for the stream to see the list. */
  async start() {
    this.#stopped = false;
    this.#began = false;
    this.#watch();
    try {
      const answer = await this.#poll(0);
      this.#cursor = answer.cursor ?? null;
    } catch (error) {
      if (!error.passing) this.#on.refused(error);
    }
    if (this.#stopped) return;
    if (this.#cursor !== null) await this.#reload();
    if (!this.#stopped) this.#tabs.start();
  }

  #watch() {
    this.#unwatch = watchBrowser({
      tickMs: 20_000,
      online: () => this.restart(),
      offline: () => this.#tabs.look(),
      shown: (hiddenMs) => {
        this.#tabs.look();
        if (hiddenMs > 60_000 && Date.now() - this.#tabs.line.heardAt > 30_000) this.restart();
      },
      focused: () => {},
      tick: (lateMs) => {
        if (lateMs > 60_000) this.restart(); // the machine slept: whatever was connected is not any more
      },
    });
  }

  stop() {
    this.#stopped = true;
    this.#unwatch();
    this.#tabs.stop();
  }

  /** Nobody is logged in: the line rests. `restart` ends that. */
  rest() {
    this.#tabs.line.stop();
  }

  restart() {
    if (!this.leading) return;
    this.#tabs.line.restart();
    this.#tabs.line.start();
  }

  /** To the other tabs. */
  post(message) {
    this.#tabs.post({ t: 'other', message });
  }

  // Where cookies are off, each stream is opened by a single-use ticket.
  async #streamUrl() {
    const query = { after: this.#cursor };
    if (globalThis.navigator?.cookieEnabled !== false || !this.#door.ticket) return this.#door.url('/events', { as: this.#door.as, ...query });
    const { ticket } = await this.#door.call('POST', '/stream-ticket', { body: {} });
    return this.#door.url('/events', { stream_ticket: ticket, ...query });
  }

  #poll(waitS, signal) {
    const query = { after: this.#cursor, wait: this.#cursor === null ? null : waitS };
    return this.#door.call('GET', '/poll', { query, signal, timeoutMs: (waitS + 12) * 1000 });
  }

  #frame(frame) {
    if (this.#held) this.#held.push(frame);
    else this.#take(frame);
  }

  #take({ id, event, data }, filled = false) {
    if (event === 'ready') {
      this.#told = data.cursor;
      if (data.resumed === false) { // `reset` is next
        this.#began = true;
        return;
      }
      if (this.#cursor === null) {
        this.#cursor = data.cursor;
        this.#reload();
      } else {
        const behind = !this.leading && positionOf(data.cursor) > positionOf(this.#cursor);
        const caughtUp = behind ? this.#fill() : null;
        // What passes is told once: what was read or muted elsewhere while the stream was away shows only in the list.
        if (this.#began) Promise.resolve(caughtUp).then(() => this.#reload());
      }
      this.#began = true;
      this.#on.frame({ event, data });
      return;
    }
    if (event === 'reset') {
      this.#cursor = this.#told;
      this.#reload();
      return;
    }
    if (event === 'poll:answer') {
      if (this.leading && positionOf(data.cursor) > positionOf(this.#cursor)) this.#cursor = data.cursor;
      return;
    }
    const position = positionOf(id);
    if (position > 0 && position === positionOf(this.#cursor) + 1) this.#cursor = id;
    else if (position > positionOf(this.#cursor)) {
      // Something between was not for us to hear: one look at the feed, then on.
      if (!this.leading && !filled) {
        this.#fill();
        return;
      }
      this.#cursor = id;
    }
    this.#on.frame({ event, data });
  }

  async #reload() {
    const held = [];
    this.#held = held;
    await this.#on.reset();
    if (held !== this.#held) return;
    this.#held = null;
    for (const frame of held) this.#frame(frame);
  }

  /** A tab that follows missed something. What comes meanwhile waits: it would move the cursor past what is still to come. */
  async #fill() {
    const held = [];
    this.#held = held;
    let answer = null;
    try {
      answer = await this.#poll(0);
    } catch (error) {
      if (!error.passing) this.#on.refused(error);
    }
    if (held !== this.#held) { // the list is loaded anew
      for (const frame of held) this.#frame(frame);
      return;
    }
    this.#held = null;
    for (const one of answer?.events ?? []) this.#take({ id: one.id ?? null, event: one.event, data: one.data }, true);
    if (positionOf(answer?.cursor) > positionOf(this.#cursor)) this.#cursor = answer.cursor;
    // Without an answer the gap is still there: the next one with a place asks again.
    for (const frame of held) if (!frame.id || (answer && positionOf(frame.id) > positionOf(this.#cursor))) this.#frame(frame);
  }
}
