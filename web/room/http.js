// One door to the server: adds the credentials, turns every bad answer into a RoomError, and learns how far
// this machine's clock is from the server's. Used by room.js and its parts; knows nothing of messages.

/** What went wrong with a request. `status` 0: no answer came at all (offline, timeout, connection cut). */
export class RoomError extends Error {
  /** @param {{status?: number, code?: string, message?: string, details?: string, retryAfterMs?: number|null}} what */
  constructor({ status = 0, code = 'NETWORK', message = 'No answer from the server.', details, retryAfterMs = null }) {
    super(message);
    this.name = 'RoomError';
    this.status = status;
    this.code = code;
    this.details = details;
    this.retryAfterMs = retryAfterMs;
  }

  /** Worth trying again, unchanged: nothing came back, the server is busy or restarting. */
  get passing() {
    return this.status === 0 || this.status === 408 || this.status === 429 || (this.status >= 500 && this.code !== 'SUMMARIES_OFF');
  }
}

/** Waiting time before attempt number `attempt` (0, 1, …): doubles, half of it random, so that clients don't return in step. */
export function backoffMs(attempt, { firstMs = 500, maxMs = 30_000, random = Math.random } = {}) {
  const top = Math.min(maxMs, firstMs * 2 ** Math.min(attempt, 16));
  return Math.round(top / 2 + random() * (top / 2));
}

/** `Retry-After` (seconds or a date) in ms, or null. */
export function retryAfterMs(header, now = Date.now()) {
  if (!header) return null;
  if (/^\s*\d+\s*$/.test(header)) return Number(header) * 1000;
  const at = Date.parse(header);
  return Number.isNaN(at) ? null : Math.max(0, at - now);
}

/** The claims of a ticket, unverified (the server verifies), or null when it is not a JWT. */
export function ticketClaims(ticket) {
  try {
    const part = String(ticket).split('.')[1].replace(/-/g, '+').replace(/_/g, '/');
    const bytes = Uint8Array.from(atob(part), (c) => c.charCodeAt(0));
    const claims = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    return claims && typeof claims === 'object' ? claims : null;
  } catch {
    return null;
  }
}

export class Door {
  #pass; // who speaks and how late it is: shared by all doors made from this one

  /** `root`: the path all of this door's routes begin with; that of a conversation when only its id is given. */
  constructor({ base = '', conversationId, root = `/api/conversations/${encodeURIComponent(conversationId)}`, ticket = null, as = null, fetch, timeoutMs = 15_000, pass }) {
    this.base = base.replace(/\/+$/, '');
    this.root = root;
    this.#pass = pass ?? { ticket, as, skewMs: 0 };
    this.fetch = fetch ?? globalThis.fetch.bind(globalThis);
    this.timeoutMs = timeoutMs;
    const here = globalThis.location?.origin;
    this.foreign = Boolean(this.base && here && !this.base.startsWith('/') && new URL(this.base, here).origin !== here);
  }

  /** @type {string|null} kept in memory only */
  get ticket() {
    return this.#pass.ticket;
  }

  set ticket(ticket) {
    this.#pass.ticket = ticket;
  }

  /** @type {string|null} which of this browser's cookies speaks for us; null: the only one there is, or the login's */
  get as() {
    return this.#pass.as;
  }

  set as(as) {
    this.#pass.as = as;
  }

  /** Server clock minus ours, in ms; 0 while the difference is too small to be told from the way's delay. */
  get skewMs() {
    return this.#pass.skewMs;
  }

  /** Another door of the same house, for the same person: what one of them learns of tickets and time, all know. */
  at(root) {
    return new Door({ base: this.base, root, fetch: this.fetch, timeoutMs: this.timeoutMs, pass: this.#pass });
  }

  /** Address of a route. Never carries a ticket. */
  url(path, query = {}) {
    const search = new URLSearchParams();
    for (const [name, value] of Object.entries(query)) if (value !== null && value !== undefined) search.set(name, String(value));
    const text = search.toString();
    return `${this.base}${this.root}${path}${text ? `?${text}` : ''}`;
  }

  now() {
    return Date.now() + this.skewMs;
  }

  /**
   * One request. Resolves with the JSON body (null for 204), rejects with a RoomError.
   * `by`: `ticket` (Authorization, no cookies), `cookie` (`?as=`), `both` (only for making the cookie); default: the ticket while we have it.
   */
  async call(method, path, { body, query, by = this.ticket ? 'ticket' : 'cookie', timeoutMs = this.timeoutMs, signal, keepalive = false } = {}) {
    const headers = { Accept: 'application/json' };
    if (by !== 'cookie') headers.Authorization = `Bearer ${this.ticket}`;
    // A cookie speaks for whoever sends it, so the server asks for a JSON body on every write: that a foreign form cannot make.
    if (method !== 'GET' && (body === undefined) && by === 'cookie') body = {};
    if (body !== undefined) headers['Content-Type'] = 'application/json';

    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), timeoutMs);
    const stop = () => abort.abort();
    signal?.addEventListener('abort', stop, { once: true });
    if (signal?.aborted) abort.abort();
    const sentAt = Date.now();
    try {
      const reply = await this.fetch(this.url(path, by === 'cookie' ? { as: this.as, ...query } : query), {
        method,
        headers,
        body: body === undefined ? undefined : JSON.stringify(body),
        credentials: by === 'ticket' ? 'omit' : this.foreign ? 'include' : 'same-origin',
        cache: 'no-store',
        redirect: 'error',
        referrerPolicy: 'no-referrer',
        signal: abort.signal,
        keepalive,
      });
      this.#readClock(reply.headers.get('date'), sentAt, Date.now());
      if (reply.status === 204) return null;
      const text = await reply.text();
      let json = null;
      try {
        json = JSON.parse(text);
      } catch {
        // Some middle box's page, or a body cut short: judged by the status below.
      }
      if (reply.ok && json !== null) return json;
      if (reply.ok) throw new RoomError({ code: 'BAD_ANSWER', message: 'The answer could not be read.' });
      const { code, message, details, retry_after: after } = json?.error ?? {};
      throw new RoomError({
        status: reply.status,
        code: code ?? `HTTP_${reply.status}`,
        message: message ?? `The server answered ${reply.status}.`,
        details,
        retryAfterMs: typeof after === 'number' ? after * 1000 : retryAfterMs(reply.headers.get('retry-after')),
      });
    } catch (error) {
      if (error instanceof RoomError) throw error;
      throw new RoomError({ code: signal?.aborted ? 'ABORTED' : 'NETWORK' });
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', stop);
    }
  }

  // The Date header has whole seconds, so a difference below two is noise, and so is what a slow answer tells.
  #readClock(date, sentAt, gotAt) {
    const server = date ? Date.parse(date) : NaN;
    if (Number.isNaN(server) || gotAt - sentAt > 5000) return;
    const skew = server + 500 - (sentAt + gotAt) / 2;
    this.#pass.skewMs = Math.abs(skew) > 2000 ? skew : 0;
  }
}
