// What one may ask of the server about one's account, one's conversations and the people in them, request by request. client.js's Chats is made of it and
// gives the rest: `_call(method, path, options)`, the map of `conversations` with `_put` and `_gone`, `names`, `me`, `_emit`. All reject with a RoomError.
import { RoomError } from '../room/http.js';

const ID = /^[A-Za-z0-9_-]{1,64}$/;
const at = (id, rest = '') => `/api/conversations/${encodeURIComponent(id)}${rest}`;

export class Requests extends EventTarget {
  // ---- one's account, for those who have one here

  /** Answers alike whether or not there was such an account. */
  register({ login, password, name }) {
    return this._call('POST', '/auth/register', { by: 'cookie', body: { login, password, name } });
  }

  /** @returns {Promise<{user: {id: string, name: string}, login?: string, createdAt?: number, expiresAt: number}>} */
  whoAmI() {
    return this._call('GET', '/auth/me');
  }

  /** Another name for others to see. */
  async rename(name) {
    await this._call('PUT', '/auth/me', { body: { name } });
    this.me.name = name;
    this.names.put(this.me.id, name);
  }

  /** Every other login of the account is over then. 403: `password` is not the one there is. */
  changePassword(password, newPassword) {
    return this._call('PUT', '/auth/password', { body: { password, newPassword } });
  }

  // ---- conversations

  /** {type, title?, participants: [id | {id, role}]}: the conversation; an existing one where the two have one already. */
  async create({ type, title, participants }) {
    for (const one of participants) if (!ID.test(one.id ?? one)) throw new RoomError({ status: 400, code: 'BAD_ADDRESS', message: 'That is not an address.' });
    const made = await this._call('POST', '/api/conversations', { body: { type, title: title || undefined, participants, clientId: freshId() } });
    this._put(made);
    this._emit('list', { id: made.id });
    return made;
  }

  /** {title?, status?, channel?, metadata?, retentionS?} */
  async update(id, change) {
    const changed = await this._call('PUT', at(id), { body: change });
    if (changed?.id) this._put({ ...this.conversations.get(id), ...changed });
    this._emit('list', { id });
  }

  async mute(id, muted) {
    await this._call('PUT', at(id, '/mute'), { body: { muted } });
    const known = this.conversations.get(id);
    if (known) known.muted = muted;
    this._emit('list', { id });
  }

  async erase(id) {
    await this._call('DELETE', at(id), { body: {} });
    this._gone(id, 'erased');
  }

  /** Leaves, or takes somebody out. */
  async remove(id, participant) {
    await this._call('DELETE', at(id, `/participants/${participant}`), { body: {} });
    if (participant === this.me.id) this._gone(id, 'left');
  }

  add(id, participant, role) {
    return this._call('POST', at(id, '/participants'), { body: { participant, role } });
  }

  setRole(id, participant, role) {
    return this._call('PUT', at(id, `/participants/${participant}`), { body: { role } });
  }

  /** Until then they read, and write nothing; 0: they may write. */
  silence(id, participant, silencedUntil) {
    return this._call('PUT', at(id, `/participants/${participant}`), { body: { silencedUntil } });
  }

  /** @returns {Promise<{participants: Member[], next: string|null}>} */
  async members(id, { after = null, limit = 100 } = {}) {
    const page = await this._call('GET', at(id, '/participants'), { query: { after, limit } });
    for (const who of page.participants) this.names.put(who.participant, who.name);
    return page;
  }

  /** @returns {Promise<{results: {conversation: object, message?: object, highlight?: {text: string, hit: boolean}[]}[], next: string|null}>} */
  search(q, { conversation, within = 'messages', after = null, limit = 20, signal } = {}) {
    return this._call('GET', '/api/search', { query: { q, conversation, in: within, after, limit }, signal });
  }
}

const freshId = () => Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) => byte.toString(16).padStart(2, '0')).join('');
