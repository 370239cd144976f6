// One stream for all tabs of one participant. The tab that holds the lock leads: it keeps the line to the server and
// passes on what arrives. When it goes, the next one in the lock's queue takes over. Nothing is stored anywhere: locks
// and channels live as long as their tabs. Without Web Locks (plain HTTP off localhost, old browsers) each tab leads alone.

const PING_MS = 12_000;
const PONG_MS = 4_000;

export class Share {
  leading = false;
  #name;
  #locks;
  #channel = null;
  #on;
  #release = null;
  #queued = null;
  #pinger = null;
  #pongTimer = null;
  #stopped = false;

  /**
   * @param {{name: string, lead: () => void, follow: () => void, heard: (message: object) => void,
   *          locks?: LockManager|null, Channel?: typeof BroadcastChannel|null}} how
   * `lead` and `follow` may be called several times over a life; `follow` means: end your own line.
   */
  constructor({ name, lead, follow, heard, locks = globalThis.navigator?.locks ?? null, Channel = globalThis.BroadcastChannel ?? null }) {
    this.#name = name;
    this.#on = { lead, follow, heard };
    this.#locks = locks && Channel ? locks : null;
    if (this.#locks) {
      this.#channel = new Channel(name);
      this.#channel.onmessage = (event) => this.#heard(event.data);
    }
  }

  get alone() {
    return this.#locks === null;
  }

  start() {
    if (this.alone) {
      this.leading = true;
      this.#on.lead();
      return;
    }
    this.#queue();
    this.post({ t: 'hello' });
    this.#pinger = setInterval(() => this.#ping(), PING_MS);
    this.#ping();
  }

  post(message) {
    if (!this.#stopped) this.#channel?.postMessage(message);
  }

  /** Takes the lead from a tab that does not do its work (frozen, throttled, cut off). */
  steal() {
    if (this.alone || this.leading || this.#stopped) return;
    this.#queued?.abort();
    this.#request({ steal: true });
  }

  stop() {
    if (this.#stopped) return;
    this.#stopped = true;
    this.leading = false;
    clearInterval(this.#pinger);
    clearTimeout(this.#pongTimer);
    this.#queued?.abort();
    this.#release?.();
    this.#channel?.close();
    this.#channel = null;
  }

  #queue() {
    this.#queued = new AbortController();
    this.#request({ signal: this.#queued.signal });
  }

  #request(options) {
    const held = () => {
      if (this.#stopped) return undefined;
      this.leading = true;
      clearTimeout(this.#pongTimer);
      this.#pongTimer = null;
      this.#on.lead();
      return new Promise((resolve) => {
        this.#release = resolve;
      });
    };
    this.#locks.request(this.#name, options, held).catch(() => {
      // Either our own abort of a queued request, or another tab stole the lock.
      if (this.#stopped || !this.leading) return;
      this.leading = false;
      this.#release = null;
      this.#on.follow();
      this.#queue();
    });
  }

  #ping() {
    if (this.leading || this.#pongTimer || globalThis.document?.visibilityState === 'hidden') return;
    this.post({ t: 'ping' });
    this.#pongTimer = setTimeout(() => {
      this.#pongTimer = null;
      this.steal();
    }, PONG_MS);
  }

  #heard(message) {
    if (this.#stopped || !message) return;
    if (message.t === 'ping') {
      if (this.leading) this.post({ t: 'pong' });
    } else if (message.t === 'pong') {
      clearTimeout(this.#pongTimer);
      this.#pongTimer = null;
    } else {
      this.#on.heard(message);
    }
  }
}
