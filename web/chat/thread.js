// One thread of a conversation, with the state and methods that message lists and composers ask of a room: the message it began at,
// then its own. It may not exist yet: then the first message sent makes it. What is new comes from the conversation, whose log it shares; only its older pages are its own affair.
import { Log } from '../room/log.js';

export class Thread extends EventTarget {
  log = new Log();
  loaded = false;
  #room;
  #id;
  #call;
  #run = 0;
  #begin; // what to make it from, while it is not
  #making = null;

  /** Made by conversation.js. `id` null: `begin` ({root, parent?}) says what the first message makes. */
  constructor(room, id, call, begin = null) {
    super();
    this.#room = room;
    this.#id = id;
    this.#call = call;
    this.#begin = begin;
  }

  get id() {
    return this.#id;
  }

  /** @returns {import('./conversation.js').ThreadInfo|undefined} */
  get info() {
    return this.#room.threads.get(this.#id);
  }

  /** The message it began at, where that is at hand. */
  get root() {
    const root = this.info?.root ?? this.#begin?.root;
    return root ? this.#room.message(root) : undefined;
  }

  get messages() {
    const { root } = this;
    return root && !this.hasOlder && this.log.messages[0]?.id !== root.id ? [root, ...this.log.messages] : this.log.messages;
  }

  get outbox() {
    return this.#id ? this.#room.pending.filter((item) => item.threadId === this.#id) : [];
  }

  get hasOlder() {
    return this.log.previous !== null;
  }

  get me() {
    return this.#room.me;
  }

  get phase() {
    return this.#room.phase;
  }

  get marks() {
    return this.#room.marks;
  }

  get marksKnown() {
    return this.#room.marksKnown && this.loaded;
  }

  get myRead() {
    return this.#room.myRead;
  }

  isMe(participant) {
    return this.#room.isMe(participant);
  }

  markOf(message) {
    return this.#room.markOf(message);
  }

  message(id) {
    return this.log.get(id) ?? this.#room.message(id);
  }

  /** The newest page; again after the conversation's log was loaded anew. Rejects with a RoomError. */
  async open() {
    if (!this.#id) {
      this.loaded = true;
      this.#tell({ reset: true });
      return;
    }
    const run = (this.#run += 1);
    const page = await this.#call('GET', `/threads/${this.#id}`, { query: { limit: 60 } });
    if (run !== this.#run) return;
    this.#room.putThread(page.thread);
    this.log.reset(page);
    this.loaded = true;
    this.#tell({ reset: true });
  }

  async loadOlder() {
    if (!this.hasOlder) return;
    const page = await this.#call('GET', `/threads/${this.#id}`, { query: { before: this.log.previous, limit: 60 } });
    this.log.prepend(page);
    this.#tell({ older: true });
  }

  /** What cannot be sent, because the thread cannot be made, comes back by the event `failed` {content, files, error}. */
  async send(content, more = {}) {
    try {
      this.#making ??= this.#id ? Promise.resolve() : this.#make();
      await this.#making;
      this.#room.send(content, { ...more, threadId: this.#id });
    } catch (error) {
      this.#making = null;
      this.dispatchEvent(new CustomEvent('failed', { detail: { content, files: more.files ?? [], error } }));
    }
  }

  async #make() {
    const info = await this.#room.makeThread(this.#begin);
    this.#id = info.id;
    this.#room.adoptThread(this);
    this.loaded = true;
  }

  retry(clientId) {
    this.#room.retry(clientId);
  }

  discard(clientId) {
    return this.#room.discard(clientId);
  }

  edit(id, content) {
    return this.#room.edit(id, content);
  }

  remove(id) {
    return this.#room.remove(id);
  }

  typingNow() {
    this.#room.typingNow();
  }

  typingDone() {
    this.#room.typingDone();
  }

  // One mark for the whole conversation: what is read here was read there, too.
  read(id) {
    this.#room.read(id);
  }

  /** What the conversation's stream says of a message of ours. */
  heard(event, message) {
    if (!this.loaded) return;
    const { added, changed } = this.log.amend(message, event === 'message:new' ? message.id : -1);
    if (added || changed) this.#tell({ added: added ? [added] : [], changed: changed ? [changed] : [] });
  }

  #tell(what) {
    this.dispatchEvent(new CustomEvent('messages', { detail: { added: [], changed: [], reset: false, older: false, ...what } }));
  }
}
