// What lets us in: a ticket, traded for a cookie that EventSource can use; or somebody else's door, which is theirs to keep open.
import { pauseOrOnline } from './around.js';
import { backoffMs, ticketClaims } from './http.js';

const PROBE_MS = 6000;

export class Pass {
  /** @type {number|null} */
  expiresAt = null;
  /** Is what the door speaks by this room's alone? Else whoever gave us the door renews it. */
  ours;
  /** Does this browser keep our cookie? */
  cookies = true;
  #door;
  #random;
  #wanting = null;
  #entering = null; // the last entrance under way
  #leaving = new AbortController(); // ends it

  /** @param {{door: import('./http.js').Door, ours: boolean, random: () => number}} how */
  constructor({ door, ours, random }) {
    this.#door = door;
    this.ours = ours;
    this.#random = random;
  }

  /**
   * Trades the ticket for the cookie, as often as it takes. `over`: nobody waits for it any more; `waiting`: it takes long.
   * Null: done, or over; else the error by which it was refused for good.
   */
  enter(how) {
    const entering = this.#enter(how).finally(() => {
      if (this.#entering === entering) this.#entering = null;
    });
    this.#entering = entering;
    return entering;
  }

  async #enter({ over, waiting }) {
    for (let attempt = 0; ; attempt += 1) {
      try {
        if (globalThis.navigator?.cookieEnabled === false) this.cookies = false;
        const { as, expiresAt } = await this.#door.call('POST', '/cookie', { by: 'both', body: {}, signal: this.#leaving.signal });
        this.#door.as = as;
        this.expiresAt = expiresAt ?? null;
        if (over()) await this.#clear(); // it came after all was over
        return null;
      } catch (error) {
        if (over()) return null;
        if (!error.passing) return error;
        waiting();
        await pauseOrOnline(Math.max(error.retryAfterMs ?? 0, backoffMs(attempt, { random: this.#random })));
        if (over()) return null;
      }
    }
  }

  /** Another tab of this participant was opened with a ticket: a later one than ours serves us too. True: we took it, and were waiting for one. */
  adopt(ticket, waiting) {
    const endsAt = (ticketClaims(ticket)?.exp ?? 0) * 1000;
    if (endsAt <= (this.expiresAt ?? 0)) return false;
    const pressing = waiting || (this.expiresAt !== null && this.expiresAt - this.#door.now() < 90_000);
    this.#door.ticket = ticket;
    this.expiresAt = endsAt;
    return pressing;
  }

  /** Another tab may have put a newer ticket into the cookie than the one this tab was opened with. */
  async cookieOpens() {
    if (!this.#door.as || !this.cookies) return false;
    try {
      await this.#door.call('GET', '/presence', { by: 'cookie', timeoutMs: PROBE_MS });
      return true;
    } catch {
      return false;
    }
  }

  /** Asks for a new ticket, one question at a time. */
  want(ask) {
    this.#wanting ??= ask().finally(() => {
      this.#wanting = null;
    });
  }

  /** The address of our stream. */
  async streamUrl(after) {
    if (this.cookies) return this.#door.url('/events', { as: this.#door.as, after });
    const { ticket } = await this.#door.call('POST', '/stream-ticket');
    return this.#door.url('/events', { stream_ticket: ticket, after });
  }

  /** Why was a stream refused? Any answer but a good one is thrown. */
  async probe() {
    if (!this.cookies || !this.#door.ticket) {
      await this.#door.call('GET', '/presence', { timeoutMs: PROBE_MS });
      return;
    }
    try {
      await this.#door.call('GET', '/presence', { by: 'cookie', timeoutMs: PROBE_MS });
    } catch (error) {
      if (error.status !== 401) throw error;
      await this.#door.call('GET', '/presence', { timeoutMs: PROBE_MS }); // our ticket is good: then it is the cookie that got lost
      this.cookies = false;
    }
  }

  /** The cookie goes, also one that is only on its way to us: its answer is not taken any more, and what the browser took of it already goes by our ticket. Never rejects. */
  async clear() {
    const entering = this.#entering;
    this.#leaving.abort();
    await Promise.all([this.#clear(), entering && this.#door.ticket && this.#clear('both')]);
    await entering; // whoever enters when all is over clears by itself what it got
  }

  async #clear(by = 'cookie') {
    if (this.#door.as || by !== 'cookie') await this.#door.call('DELETE', '/cookie', { by, keepalive: true }).catch(() => {});
  }

  /** Nothing opens any more. `clear`: the cookie goes, too. */
  drop({ clear }) {
    if (!this.ours) return;
    if (clear) this.clear();
    this.#door.ticket = null;
  }
}
