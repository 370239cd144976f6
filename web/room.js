/**
 * room.js: the client of a Reading Room conversation, for any page. No dependencies, no build step.
 *
 *     import { Room } from './room.js';
 *
 *     const room = new Room({ ticket, onTicket: async () => (await fetch('/my/new-ticket')).text() });
 *     room.addEventListener('messages', () => render(room.messages, room.outbox));
 *     room.addEventListener('phase', () => …room.phase…);
 *     await room.open();
 *     room.send('Good evening');
 *
 * What it takes care of: EventSource first, long-poll where streams don't get through (never both at once); reconnecting by cursor, so
 * that no message is lost, shown twice or out of order; one stream for all tabs of the same participant; an outbox in memory that sends
 * in order and repeats with the same `clientId` until answered; delivered and read marks, typing, presence; the deadline of erasure.
 *
 * Options (RoomOptions below): either `ticket` (the JWT; the conversation's id is in it), or `conversationId`, `as` and `role` after a
 * reload, when the ticket is gone and the HttpOnly cookie speaks for the participant (`room.address` holds these three, none is secret).
 *
 * State, to be read at any time: `phase`, `link`, `messages`, `outbox`, `me`, `participants`, `typing`, `marks`, `expiresAt`, `hasOlder`, `ticketExpiresAt`.
 *
 * Events (all carry `detail`; the state is already up to date when they fire):
 *   `phase`      {phase, error?}  opening · open · ended (read-only) · ticket (needs a new one: `renew`) · expired · erased · missing · denied · left
 *   `link`       {link, mode}     off · connecting · live · reconnecting · offline; mode: stream · poll
 *   `messages`   {added, changed, reset, older}   `added` holds only what is new since the last event, never the history
 *   `outbox`     {item}           something waits, was sent, failed
 *   `people`     {}               who is here changed
 *   `typing`     {}               who is typing changed
 *   `marks`      {}               delivered or read marks moved
 *   `deadline`   {expiresAt, moved}   `moved`: activity pushed it back
 *   `notice`     {event, data}    everything else that the server tells: summary:requested, session:assigned, …
 *   `ticket`     {expiresAt}      the ticket ends soon and `onTicket` had none; null: there is a new one
 *
 * Methods: `open` `send` `retry` `discard` `edit` `remove` `typingNow` `typingDone` `read` `loadOlder` `renew` `end` `erase` `forget` `close`.
 * Requests that fail reject with a RoomError {status, code, message, retryAfterMs, passing}; `send` never does: look at its item.
 *
 * @typedef {{id: number, cursor: string, conversationId: string, sender: string, role: string, type: string, content?: string, sentAt: number,
 *            clientId?: string, replyTo?: number, threadId?: string, metadata?: object, editedAt?: number, deletedAt?: number}} Message
 * @typedef {{participant: string, role: string, online: boolean}} Participant
 * Lasting conversations: chat/conversation.js extends this class (by what begins with `_`) and chat/client.js makes them.
 *
 * @typedef {{ticket?: string, conversationId?: string, as?: string, role?: string, base?: string, door?: Door, me?: {participant: string, role: string},
 *            onTicket?: (why: {reason: 'expiring'|'expired'}) => Promise<string|null>|string|null,
 *            share?: boolean, pageSize?: number, readyMs?: number, aliveMs?: number, pollWaitS?: number,
 *            fetch?: typeof fetch, EventSource?: typeof EventSource|null, random?: () => number}} RoomOptions
 */
import { pause } from './room/around.js';
import { RoomError, ticketClaims } from './room/http.js';
import { RoomLife } from './room/life.js';

export { RoomError, ticketClaims };

export class Room extends RoomLife {
  // ---- life

  /** Opens the conversation; resolves when it is shown or has turned out to be closed. Never rejects for reasons of the network: it goes on trying. */
  async open() {
    this._watchBrowser();
    if (this._pass.ours && this._door.ticket && !(await this._enter())) return;
    await this._begin();
  }

  /** Ends this tab's part and keeps the cookie, so that a reload comes back. That nobody writes here any more the server sees by the line's end. */
  close() {
    this._shut();
  }

  /**
   * Leaves nothing behind in this browser: cookie, memory, every other tab of this participant. Does not erase the conversation.
   * Resolves when the server has cleared the cookie, or after `waitMs`; the request outlives the page.
   */
  async forget({ waitMs = 800 } = {}) {
    this._tabs.post({ t: 'forget' });
    const cleared = this._pass.clear();
    this._wipe();
    this._shut();
    this._door.ticket = null;
    this._setPhase('left');
    await Promise.race([cleared, pause(waitMs)]);
  }

  // ---- what a participant does

  /** Puts a message into the outbox. @returns the item: its `state` tells the rest */
  send(content, { replyTo, type, metadata, threadId, files } = {}) {
    this._signs.typingSent();
    const draft = { clientId: this.#freshId(), content };
    if (replyTo) draft.replyTo = replyTo;
    if (type) draft.type = type;
    if (metadata) draft.metadata = metadata;
    if (threadId) draft.threadId = threadId;
    if (files?.length) draft.files = files;
    return this._outbox.add(draft);
  }

  retry(clientId) {
    this._outbox.retry(clientId, () => this.#freshId());
  }

  /** Gives up a message that was never tried or was refused; null when it may be on its way already. */
  discard(clientId) {
    return this._outbox.discard(clientId);
  }

  async edit(id, content) {
    const message = await this._patiently(() => this._call('PATCH', `/messages/${id}`, { body: { content } }));
    this._amended(message);
    return message;
  }

  async remove(id) {
    await this._patiently(() => this._call('DELETE', `/messages/${id}`));
    const known = this._log.get(id);
    if (known && !known.deletedAt) this._amended({ ...known, content: undefined, deletedAt: this.now() });
  }

  /** Call on every key stroke: the server hears of it at most each three seconds, and when it stops. */
  typingNow() {
    this._signs.typingNow();
  }

  typingDone() {
    this._signs.typingDone();
  }

  /** Everything up to this message has been seen. Told to the server while the page is visible and focused, at the latest when it next is. */
  read(id) {
    this._signs.read(id);
  }

  async loadOlder() {
    if (!this.hasOlder) return;
    const page = await this._call('GET', '/messages', { query: { before: this._log.previous, limit: this._options.pageSize } });
    this._log.prepend(page);
    this._emit('messages', { added: [], changed: [], reset: false, older: true });
  }

  async end() {
    const answer = await this._patiently(() => this._call('POST', '/end'));
    this._deadline.set(answer?.expiresAt, false);
    this._ended();
  }

  /** The counselor asks for a summary: {status: 'requested'}, or 'ready' when there is one and nothing was said since. */
  askSummary() {
    return this._patiently(() => this._call('POST', '/summary', { body: {} }));
  }

  /** How the counselor's summary stands: {status: 'requested'|'running'|'ready'|'failed', createdAt, finishedAt?, summary?, why?}; null: nobody asked for one. */
  async summary() {
    try {
      return await this._patiently(() => this._call('GET', '/summary'));
    } catch (error) {
      if (error.status === 404) return null;
      throw error;
    }
  }

  /** What a student may know of summaries: {policy: 'allowed'|'consent'|'off', consent: true|false|null, requested: boolean}. */
  summaryTerms() {
    return this._call('GET', '/summary/consent');
  }

  /** The student allows a summary of this conversation (where the policy is `consent`), or does so no longer. */
  async consent(given) {
    await this._patiently(() => this._call('PUT', '/summary/consent', { body: { consent: given } }));
  }

  async erase() {
    try {
      await this._patiently(() => this._call('DELETE', ''));
    } catch (error) {
      if (error.status !== 410) throw error;
    }
    this._over('erased');
  }

  #freshId() {
    // Not crypto.randomUUID: that one is missing on plain HTTP off localhost.
    return Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) => byte.toString(16).padStart(2, '0')).join('');
  }
}
