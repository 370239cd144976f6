// What can be read of a room at any time: the public state of room.js, out of the parts that hold it.

export class RoomState extends EventTarget {
  phase = 'opening';
  _options;
  _door;
  _pass;
  _tabs;
  _story;
  _outbox;
  _people;
  _signs;
  _deadline;

  /** @returns {'off'|'connecting'|'live'|'reconnecting'|'offline'} */
  get link() {
    return this._tabs.link;
  }

  /** May this participant read? Learned from the first answer; without it there is no stream either, and `link` stays `off`. */
  get mayRead() {
    return this._story.mayRead;
  }

  /** @returns {number|null} when everything is erased, server time in ms */
  get expiresAt() {
    return this._deadline.at;
  }

  /** @returns {number|null} */
  get ticketExpiresAt() {
    return this._pass.expiresAt;
  }

  get _log() {
    return this._story.log;
  }

  /** @returns {import('../room.js').Message[]} ascending; not to be changed */
  get messages() {
    return this._log.messages;
  }

  /** @returns {import('./outbox.js').OutboxItem[]} */
  get outbox() {
    return this._outbox.items;
  }

  get hasOlder() {
    return this._log.previous !== null;
  }

  /** For requests of a page's own about this conversation: its files. */
  get door() {
    return this._door;
  }

  /** What a reload needs, once open: no secrets. */
  get address() {
    return { conversationId: this.conversationId, as: this._pass.cookies ? this._door.as : null, role: this.me.role };
  }

  get leading() {
    return this._tabs.leading;
  }

  get mode() {
    return this._tabs.mode;
  }

  /** The server's clock, as far as we can tell. */
  now() {
    return this._door.now();
  }

  /** Server clock minus this machine's, in ms: subtract it from a server time before showing it as time of day. */
  get skew() {
    return this._door.skewMs;
  }

  /** @returns {{participant: string|null, role: string|null}} after a reload the id is known once the conversation is open */
  get me() {
    return this._people.me;
  }

  /** @returns {Map<string, import('../room.js').Participant>} by id, this participant included */
  get participants() {
    return this._people.participants;
  }

  /** @returns {Map<string, string>} who is typing now: participant → role */
  get typing() {
    return this._people.typing;
  }

  /** Positions: {read: {participant: upTo}, delivered: {participant: upTo}}. */
  get marks() {
    return this._people.marks;
  }

  /** Have the marks been heard of yet? They come with the stream, a moment after the history. */
  get marksKnown() {
    return this._people.marksKnown;
  }

  /** @returns {import('../room.js').Participant[]} everyone but this participant */
  get others() {
    return this._people.others;
  }

  isMe(participant) {
    return this._people.isMe(participant);
  }

  message(id) {
    return this._log.get(id);
  }

  /** `sent`, `delivered` or `read` (by anyone else), for one of our own messages. */
  markOf(message) {
    return this._people.markOf(message);
  }

  /** Up to where this participant had read. */
  get myRead() {
    return this._signs.myRead;
  }

  _emit(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}
