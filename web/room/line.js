// The line to the server: one EventSource, or one long-poll at a time, never both. It reconnects by cursor with jittered
// pauses, turns to polling when a stream does not come alive or keeps breaking, and tries the stream again later.
// It knows addresses and frames; what frames mean is room.js's business.
import { RoomError, backoffMs } from './http.js';

/** Every event of the contract: EventSource hands out named events only to who asked for the name. */
export const EVENTS = [
  'ready', 'reset', 'message:new', 'message:edited', 'message:deleted', 'thread:created', 'user:joined', 'user:left', 'user:typing',
  'conversation:created', 'conversation:updated', 'conversation:erased', 'history:erased', 'user:notified', 'presence', 'receipt:read', 'receipt:delivered', 'session:ended', 'session:expired', 'session:erased', 'session:assigned',
  'summary:requested', 'summary:ready', 'summary:failed', 'ticket:expiring', 'ticket:expired',
];

const STEADY_MS = 20_000; // a stream that lived this long was a good one
const BREAKS_TO_POLL = 3;
const PAUSE_MAX_MS = 12_000;
const FIRST_STREAM_RETRY_MS = 45_000;
const LAST_STREAM_RETRY_MS = 600_000;

export class Line {
  /** @type {'stream'|'poll'} */
  mode = 'stream';
  /** @type {'off'|'connecting'|'live'|'reconnecting'} */
  state = 'off';
  #how;
  #source = null;
  #poll = null;
  #run = 0; // each start, stop or restart makes what is under way stale
  #timers = new Map();
  #breaks = 0; // streams that failed though the server answered otherwise
  #failures = 0; // in a row, for the length of the pauses
  #streamRetryMs = FIRST_STREAM_RETRY_MS;
  #streamDueAt = 0; // while polling: when to try the stream again
  #everLive = false;
  #openedAt = 0;
  #error = null;
  heardAt = 0;

  /**
   * @param {{streamUrl: () => Promise<string>, withCredentials: boolean, poll: (signal: AbortSignal, how: {wait: boolean}) => Promise<object>,
   *          probe: () => Promise<void>, frame: (frame: {id: string|null, event: string, data: object}) => void,
   *          changed: () => void, refused: (error: RoomError) => void,
   *          events?: string[], readyMs?: number, EventSource?: typeof globalThis.EventSource|null, random?: () => number}} how
   * `probe` asks the server why a stream was refused (EventSource hides the status) and throws a RoomError if it finds out.
   */
  constructor(how) {
    this.#how = { ...how, readyMs: how.readyMs ?? 6000, random: how.random ?? Math.random };
    this.#how.EventSource = how.EventSource === undefined ? globalThis.EventSource ?? null : how.EventSource;
    if (!this.#how.EventSource) this.mode = 'poll';
  }

  /** The last failure, while not live. */
  get error() {
    return this.#error;
  }

  start() {
    if (this.state !== 'off') return;
    this.#become('connecting');
    this.#connect();
  }

  stop() {
    this.#drop();
    this.#everLive = false;
    this.#become('off');
  }

  /** Begin again at once: new ticket, network came back, or the stream seems dead though nothing said so. */
  restart({ broken = false } = {}) {
    if (this.state === 'off') return;
    this.#drop();
    if (broken) this.#broke(false);
    else this.#connect();
  }

  /** Plain requests are answered again: don't wait out a pause. */
  hurry() {
    if (this.#timers.has('retry')) this.restart();
  }

  #connect() {
    if (this.mode === 'stream') this.#openStream(this.#run);
    else this.#pollOn(this.#run);
  }

  #drop() {
    this.#run += 1;
    this.#source?.close();
    this.#source = null;
    this.#poll?.abort();
    this.#poll = null;
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
  }

  #after(name, ms, act) {
    const run = this.#run;
    clearTimeout(this.#timers.get(name));
    this.#timers.set(name, setTimeout(() => {
      this.#timers.delete(name);
      if (run === this.#run) act();
    }, ms));
  }

  #become(state) {
    if (state === 'live') {
      this.#everLive = true;
      this.#failures = 0;
      this.#error = null;
      this.#openedAt = Date.now();
    }
    if (this.state === state) return;
    this.state = state;
    this.#how.changed();
  }

  #down(error) {
    if (error) this.#error = error;
    this.#become(this.#everLive || error ? 'reconnecting' : 'connecting');
  }

  // ---- EventSource

  async #openStream(run) {
    let url;
    try {
      url = await this.#how.streamUrl();
    } catch (error) {
      if (run === this.#run) this.#retryOrGiveUp(error);
      return;
    }
    if (run !== this.#run) return;
    const source = new this.#how.EventSource(url, { withCredentials: this.#how.withCredentials });
    this.#source = source;
    this.#after('ready', this.#how.readyMs, () => {
      // Accepted but silent (a proxy that hoards the answer), or never answered: polling gets through where streams don't.
      this.#drop();
      this.#turnToPolling();
    });
    for (const name of this.#how.events ?? EVENTS) {
      source.addEventListener(name, (message) => {
        if (run !== this.#run) return;
        this.heardAt = Date.now();
        let data;
        try {
          data = JSON.parse(message.data);
        } catch {
          return;
        }
        if (name === 'ready') {
          clearTimeout(this.#timers.get('ready'));
          this.#timers.delete('ready');
          this.#become('live');
        }
        // lastEventId stays from event to event: one that repeats says nothing about this event.
        this.#how.frame({ id: message.lastEventId || null, event: name, data });
      });
    }
    source.onerror = () => {
      if (run !== this.#run) return;
      const refused = source.readyState === 2;
      if (this.state === 'live' && Date.now() - this.#openedAt > STEADY_MS) {
        this.#breaks = 0;
        this.#streamRetryMs = FIRST_STREAM_RETRY_MS;
      }
      this.#drop();
      this.#broke(refused);
    };
  }

  // A stream ended or was refused. The native retry would do for the first, never for the second, so both are ours.
  async #broke(refused) {
    const run = this.#run;
    this.#down(null);
    let error = null;
    if (refused || this.#failures > 0) {
      try {
        await this.#how.probe();
      } catch (thrown) {
        error = thrown;
      }
      if (run !== this.#run) return;
    }
    // Only a stream that fails while plain requests are answered speaks for polling; else the server is away, and polling fares no better.
    if (!error) this.#breaks += refused ? 2 : 1;
    this.#retryOrGiveUp(error);
  }

  #retryOrGiveUp(error) {
    if (error && !(error instanceof RoomError && error.passing)) {
      this.#error = error;
      this.#how.refused(error);
      return;
    }
    this.#down(error);
    if (this.mode === 'stream' && this.#breaks >= BREAKS_TO_POLL) {
      this.#turnToPolling();
      return;
    }
    const pause = backoffMs(this.#failures, { firstMs: 800, maxMs: PAUSE_MAX_MS, random: this.#how.random });
    this.#failures += 1;
    this.#after('retry', Math.max(pause, error?.retryAfterMs ?? 0), () => this.#connect());
  }

  // ---- long-poll

  #turnToPolling() {
    this.mode = 'poll';
    this.#breaks = 0;
    this.#down(null);
    this.#streamDueAt = Date.now() + this.#streamRetryMs * (0.75 + this.#how.random() / 2);
    this.#streamRetryMs = Math.min(LAST_STREAM_RETRY_MS, this.#streamRetryMs * 2);
    this.#pollOn(this.#run);
  }

  async #pollOn(run) {
    if (this.#how.EventSource) {
      this.#after('stream', Math.max(0, this.#streamDueAt - Date.now()), () => {
        this.#drop();
        this.mode = 'stream';
        this.#breaks = BREAKS_TO_POLL - 1; // one try, then polling again
        this.#connect();
      });
    }
    while (run === this.#run) {
      this.#poll = new AbortController();
      let answer;
      try {
        // The first one comes back at once: only then do we know that polling works.
        answer = await this.#how.poll(this.#poll.signal, { wait: this.state === 'live' });
      } catch (error) {
        if (run !== this.#run) return;
        if (!(error instanceof RoomError && error.passing)) {
          this.#error = error;
          this.#how.refused(error);
          return;
        }
        this.#down(error);
        const pause = Math.max(backoffMs(this.#failures, { firstMs: 800, maxMs: PAUSE_MAX_MS, random: this.#how.random }), error.retryAfterMs ?? 0);
        this.#failures += 1;
        await new Promise((resolve) => this.#after('retry', pause, resolve));
        continue;
      }
      if (run !== this.#run) return;
      this.heardAt = Date.now();
      this.#become('live');
      for (const { id = null, event, data } of answer.events ?? []) {
        this.#how.frame({ id, event, data });
        if (run !== this.#run) return;
      }
      const { events: _, ...state } = answer;
      this.#how.frame({ id: null, event: 'poll:answer', data: state });
    }
  }
}
