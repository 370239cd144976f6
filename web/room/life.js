// What goes on in a room: its parts put together, and what follows for the whole conversation from what they and the server say. room.js is its public face.
import { hidden, pause, watchBrowser } from './around.js';
import { Deadline } from './deadline.js';
import { Door, RoomError, backoffMs, ticketClaims } from './http.js';
import { Outbox } from './outbox.js';
import { Pass } from './pass.js';
import { People } from './people.js';
import { Signs } from './signs.js';
import { RoomState } from './state.js';
import { Story } from './story.js';
import { Tabs } from './tabs.js';
import { Timers } from './timers.js';

const ECHO_MS = 6000; // own message acknowledged: the stream must bring it within this time
const FINAL = new Set(['expired', 'erased', 'missing', 'denied', 'left', 'removed']);

export class RoomLife extends RoomState {
  #timers = new Timers();
  #unwatch = () => {};

  /** @param {import('../room.js').RoomOptions} options */
  constructor(options) {
    super();
    this._options = { share: true, pageSize: 60, aliveMs: 25_000, pollWaitS: 25, random: Math.random, ...options };
    const { ticket = null, as = null, base, fetch, door } = options;
    const claims = ticket ? ticketClaims(ticket) : null;
    const conversationId = claims?.sessionId ?? options.conversationId;
    if (!/^[A-Za-z0-9_-]{1,64}$/.test(conversationId ?? '')) throw new TypeError('No conversation: the ticket is not one, or conversationId is missing.');
    if (!door && !ticket && !/^[0-9a-f]{8}$/.test(as ?? '')) throw new TypeError('Neither ticket nor `as`.');
    this.conversationId = conversationId;
    this._people = new People({
      me: options.me ?? { participant: claims ? claims.anonymousId ?? claims.userId ?? null : null, role: claims?.role ?? options.role ?? null },
      changed: (what) => this._emit(what, {}),
    });
    this._door = door ?? new Door({ base, conversationId, ticket, as, fetch });
    this._pass = new Pass({ door: this._door, ours: !door, random: this._options.random });
    this._story = this.#makeStory();
    this._tabs = this.#makeTabs();
    this._outbox = new Outbox({
      random: this._options.random,
      send: (item) => this.#post(item),
      changed: (item, message) => this.#itemChanged(item, message),
      refused: (error) => this.#refused(error),
    });
    this._deadline = new Deadline({
      now: () => this.now(),
      ask: () => this._call('GET', '/presence', { timeoutMs: 4000 }),
      changed: (moved) => this._emit('deadline', { expiresAt: this.expiresAt, moved }),
      passed: (error) => {
        if (error.passing || error.status === 401) this._over('expired', { sure: false });
        else this.#refused(error);
      },
    });
    this._signs = new Signs({
      call: (method, path, options) => this._call(method, path, options),
      open: () => this.phase !== 'ticket' && !this.#final,
      loaded: () => this._story.loaded,
      cursor: () => this._log.cursor,
      read: () => this.marks.read[this.me.participant] ?? 0,
      told: (upTo) => {
        this._tabs.post({ t: 'read', upTo });
        this._emit('marks', {});
      },
      answered: () => this.#answered(),
      failed: (error) => {
        if (error.status === 0 && this.leading && this._tabs.line.state === 'live') this._tabs.restart({ broken: true });
        else if (!error.passing) this.#refused(error);
      },
    });
  }

  #makeStory() {
    return new Story({
      call: (method, path, options) => this._call(method, path, options),
      pageSize: this._options.pageSize,
      random: this._options.random,
      over: () => this.#final,
      leading: () => this.leading,
      restart: () => this._tabs.restart(),
      waiting: () => this._tabs.set('reconnecting'),
      refused: (error) => this.#refused(error),
      people: (answer) => this._people.set(answer),
      shown: () => {
        for (const message of [...this._log.messages]) this._outbox.settle(message);
        if (this.phase === 'opening') this._setPhase('open');
        this._emit('messages', { added: [], changed: [], reset: true, older: false });
      },
      caughtUp: () => {
        if (this.leading) this._tabs.line.start();
        else this.#look();
        this._outbox.go();
        this._signs.aliveSoon();
      },
      snapshot: (state) => this.#snapshot(state),
      message: (event, data, taken) => {
        if (data.expiresAt) this._deadline.set(data.expiresAt, true);
        this._heard(event, data);
        this.#shown(taken);
      },
      again: (data) => {
        if (data.expiresAt > (this.expiresAt ?? 0)) this._deadline.set(data.expiresAt, true);
      },
      side: (event, data) => this._side(event, data),
    });
  }

  #makeTabs() {
    const { pollWaitS, readyMs, EventSource, random } = this._options;
    return new Tabs({
      line: {
        streamUrl: () => this._pass.streamUrl(this._log.cursor),
        withCredentials: this._door.foreign,
        poll: (signal, { wait }) => this._story.poll(wait ? pollWaitS : 0, signal),
        probe: () => this._pass.probe(),
        refused: (error) => this.#refused(error),
        readyMs,
        EventSource,
        random,
      },
      frame: (frame) => this._story.frame(frame),
      changed: () => this._emit('link', { link: this.link, mode: this.mode }),
      live: () => this._outbox.go(),
      may: () => this._story.loaded && this.phase !== 'ticket' && !this.#final,
      follows: () => this._story.loaded,
      greeting: () => ({ state: this.#state(), cursor: this._log.cursor }),
      welcomed: ({ state }) => {
        if (state.expiresAt) this.#snapshot(state);
      },
      heard: (message) => this.#heard(message),
    });
  }

  // ---- entering

  /** A new ticket for the same participant, after `ticket` or at any time before. */
  async renew(ticket) {
    const claims = ticketClaims(ticket);
    const who = claims?.anonymousId ?? claims?.userId;
    if (!claims || claims.sessionId !== this.conversationId || (this.me.participant && who !== this.me.participant)) {
      throw new RoomError({ status: 401, code: 'OTHER_TICKET', message: 'This link is for another conversation or person.' });
    }
    this._people.me = { participant: who, role: claims.role };
    this._door.ticket = ticket;
    if (!(await this._enter())) return;
    this._tabs.post({ t: 'ticket', ticket });
    await this.resume();
  }

  /** False: refused for good, or nobody waits for it any more. */
  async _enter() {
    const refused = await this._pass.enter({ over: () => this.#final, waiting: () => this._tabs.set('reconnecting') });
    if (refused) this.#refused(refused);
    return !refused && !this.#final;
  }

  async _begin() {
    if (!this._tabs.joined) {
      const who = (this._pass.ours && this._door.as) || this.me.participant;
      this._tabs.join(`room:${this._door.base}:${this.conversationId}:${who}`, this._options.share);
      this._tabs.start();
      if (this._pass.ours && this._door.ticket) this._tabs.post({ t: 'ticket', ticket: this._door.ticket });
    }
    await this._story.load();
  }

  /** What we have of the history is not true any more: it is read anew. */
  _reload() {
    this._story.reload();
  }

  /** After a new ticket (or login, where the door was given): everything that had stopped goes on. */
  async resume() {
    if (this.phase === 'ticket') this._setPhase(this._story.loaded ? 'open' : 'opening');
    else this._emit('ticket', { expiresAt: null });
    if (!this._story.loaded) {
      await this._begin();
      return;
    }
    if (this.leading) {
      this._tabs.restart();
      this._tabs.line.start();
    }
    this._outbox.go();
  }

  // ---- what the line brings

  /** What became of a message, whether or not its page is loaded. For those who extend this class. */
  _heard() {}

  #shown({ added, changed }) {
    if (!added && !changed) return;
    const message = added ?? changed;
    this._outbox.settle(message);
    if (added && !this.isMe(added.sender)) {
      this._people.stopsTyping(added.sender);
      this._signs.aliveSoon();
    }
    this._emit('messages', { added: added ? [added] : [], changed: changed ? [changed] : [], reset: false, older: false });
  }

  /** Events that are no messages. All of them may come twice and mean the same. */
  _side(event, data) {
    switch (event) {
      case 'presence':
        this._people.put(data.participant, data.role, data.online);
        break;
      case 'user:joined':
        this._people.put(data.participant, data.role, true);
        this._emit('notice', { event, data });
        break;
      case 'session:assigned':
        this._people.assigned(data.participant, data.role);
        this._emit('notice', { event, data });
        break;
      case 'user:left':
        if (this.isMe(data.participant)) break;
        this._people.remove(data.participant);
        this._emit('notice', { event, data });
        break;
      case 'user:typing':
        if (this.isMe(data.participant)) break;
        if (data.isTyping) this._people.isTyping(data.participant, data.role);
        else this._people.stopsTyping(data.participant);
        break;
      case 'receipt:read':
        this._people.mark('read', data);
        break;
      case 'receipt:delivered':
        this._people.mark('delivered', data);
        break;
      case 'session:ended':
        this._deadline.set(data.expiresAt, false);
        this._ended();
        break;
      case 'session:expired':
        this._over('expired');
        break;
      case 'session:erased':
        this._over('erased');
        break;
      case 'ticket:expiring':
        this._pass.expiresAt = data.expiresAt ?? this.ticketExpiresAt;
        this.#askForTicket('expiring');
        break;
      case 'ticket:expired':
        this.#needTicket();
        break;
      default:
        this._emit('notice', { event, data });
    }
  }

  /** What another tab of ours says. */
  #heard(message) {
    switch (message.t) {
      case 'read':
        if (this._signs.readElsewhere(message.upTo)) this._emit('marks', {});
        break;
      case 'needTicket':
        if (this.phase !== 'ticket') this.#needTicket({ told: true });
        break;
      case 'ticket':
        if (this._pass.adopt(message.ticket, this.phase === 'ticket')) this.resume();
        break;
      case 'over':
        this._over(message.phase, { told: true });
        break;
      case 'forget':
        this._wipe();
        this._shut();
        this._door.ticket = null;
        this._setPhase('left');
        break;
      default:
    }
  }

  #state() {
    return {
      expiresAt: this.expiresAt,
      status: this.phase === 'ended' ? 'ended' : 'active',
      online: this._people.online,
      ...this.marks,
    };
  }

  #look() {
    if (!this.#final) this._tabs.look();
  }

  // ---- what the server says about the whole conversation

  #snapshot({ expiresAt, status, online, read, delivered }) {
    if (expiresAt) this._deadline.set(expiresAt, this.expiresAt !== null && expiresAt > this.expiresAt);
    if (status === 'ended') this._ended();
    else if (status === 'active' && this.phase === 'ticket' && this._story.loaded && this.link === 'live') this._setPhase('open');
    if (Array.isArray(online) && this._people.present(online)) {
      this._call('GET', '/presence').then((people) => this._people.set(people), () => {});
    }
    if (read || delivered) this._people.markAll({ read, delivered });
  }

  _ended() {
    if (this.#final || this.phase === 'ended') return;
    this._setPhase('ended');
    this._outbox.failAll(new RoomError({ status: 409, code: 'SESSION_ENDED', message: 'This conversation has ended.' }));
  }

  _over(phase, { told = false, sure = true } = {}) {
    if (this.#final) return;
    if (!told) this._tabs.post({ t: 'over', phase });
    this._wipe();
    this._shut();
    this._setPhase(phase);
    // The cookie opens nothing any more; take it away all the same.
    this._pass.drop({ clear: sure });
  }

  #needTicket({ told = false } = {}) {
    if (this.#final) return;
    this._tabs.line.stop();
    this._outbox.hold();
    this._tabs.set('off');
    if (!told) this._tabs.post({ t: 'needTicket' });
    if (this.phase !== 'ticket') this._setPhase('ticket');
    if (!this._pass.ours) return;
    this.#askForTicket('expired');
    this.#tryCookie();
  }

  async #tryCookie() {
    if (!(await this._pass.cookieOpens()) || this.phase !== 'ticket') return;
    this._door.ticket = null;
    await this.resume();
  }

  #askForTicket(reason) {
    this._pass.want(async () => {
      let ticket = null;
      try {
        ticket = (await this._options.onTicket?.({ reason })) ?? null;
        if (ticket) await this.renew(ticket);
      } catch (error) {
        this._emit('notice', { event: 'ticket:refused', data: { error } });
      }
      if (!ticket && reason === 'expiring') this._emit('ticket', { expiresAt: this.ticketExpiresAt });
    });
  }

  /** A request was refused for good: what does that make of the conversation? */
  #refused(error) {
    if (error.status === 401) {
      this.#needTicket();
    } else if (error.status === 410) {
      this._over(this._deadline.reached ? 'expired' : 'erased');
    } else if (error.status === 404) {
      this._over('missing');
    } else if (error.code === 'SESSION_ENDED') {
      if (this._pass.ours) this._ended(); // a lasting conversation that is completed may be taken up again
    } else if ((error.status === 403 || error.status === 400) && !this._story.loaded) {
      this._over('denied');
    } else if (error.status === 403 && !this.mayRead) {
      this._tabs.line.stop(); // who may not read gets no stream either: they can write, and that is all
    } else if (this._tabs.line.state !== 'off' && error === this._tabs.line.error) {
      // The line itself was refused with something unforeseen: slowly, but never give up.
      this.#timers.later('again', 30_000, () => this._tabs.line.restart());
    }
  }

  _wipe() {
    this._story.forget();
    this._outbox.close();
    this._emit('messages', { added: [], changed: [], reset: true, older: false });
  }

  _shut() {
    for (const one of [this.#timers, this._signs, this._deadline]) one.stop();
    this.#unwatch();
    this._people.stop();
    this._tabs.stop();
  }

  // ---- requests

  _call(method, path, options) {
    return this._door.call(method, path, options);
  }

  /** For one click of a person: a few tries over a few seconds, then the error is theirs to see. All of these may be repeated safely. */
  async _patiently(act) {
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await act();
      } catch (error) {
        if (error.status === 401) this.#refused(error);
        if (!error.passing || attempt >= 3) throw error;
        await pause(Math.min(8000, Math.max(error.retryAfterMs ?? 0, backoffMs(attempt, { random: this._options.random }))));
      }
    }
  }

  async #post({ clientId, content, type, replyTo, metadata, threadId, files }) {
    const body = { clientId, content: content || undefined, type, replyTo, metadata, threadId, files: files?.map((one) => one.id) };
    const message = await this._call('POST', '/messages', { body });
    this.#answered();
    this.#expectEcho(message.id);
    return message;
  }

  /** The server speaks to us again: then the line need not wait out its pause. */
  #answered() {
    if (this.leading) this._tabs.line.hurry();
  }

  /** Stored is announced: if the stream does not bring our own message back it has died without telling us. */
  #expectEcho(id) {
    if (this.#timers.has('echo')) return;
    this.#timers.later('echo', ECHO_MS, () => {
      if (this._log.position >= id || !this.mayRead) return;
      if (this.leading && this._tabs.line.state === 'live') this._tabs.line.restart({ broken: true });
      else if (!this.leading) this._story.fill();
    });
  }

  #itemChanged(item, message) {
    // A tab without a stream of history (no permission to read) never sees its own message come back.
    if (message && item.state === 'sent' && message.expiresAt) this._deadline.set(message.expiresAt, true);
    if (message && this._log.get(message.id)) this._outbox.items = this._outbox.items.filter((one) => one !== item);
    this._emit('outbox', { item });
  }

  _amended(message) {
    const { changed } = this._log.amend(message);
    this._heard('message:edited', message);
    if (message.expiresAt) this._deadline.set(message.expiresAt, true);
    if (changed) this._emit('messages', { added: [], changed: [changed], reset: false, older: false });
  }

  // ---- the browser around us

  _watchBrowser() {
    this.#unwatch = watchBrowser({
      tickMs: this._options.aliveMs,
      online: () => {
        this.#look();
        this._tabs.restart();
        this._outbox.go();
      },
      // "Offline" may be wrong (a server on this very machine), so ask before believing it.
      offline: () => {
        this.#look();
        this._signs.alive({ timeoutMs: 3000 });
      },
      shown: (hiddenMs) => {
        this._signs.alive();
        this.#look();
        if (this.leading && hiddenMs > 60_000 && Date.now() - this._tabs.line.heardAt > 30_000) this._tabs.line.restart();
      },
      focused: () => {
        if (this.phase === 'ticket' && this._pass.ours) this.#tryCookie();
        this._signs.sendRead();
      },
      tick: (lateMs) => {
        // The machine slept: whatever was connected is not any more.
        if (lateMs > 60_000) this._tabs.restart();
        if (!hidden()) this._signs.alive();
      },
    });
  }

  // ---- small things

  get #final() {
    return FINAL.has(this.phase);
  }

  _setPhase(phase, error) {
    if (this.phase === phase) return;
    this.phase = phase;
    this._emit('phase', { phase, error });
  }
}
