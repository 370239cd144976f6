// The conversation as this client has it: messages in order, each once, and how far the log has been read.
// Pure: no timers, no network. room.js feeds it history pages and the entries of the stream.

/** Position of a cursor or message id; -1 when there is none. */
export function positionOf(cursor) {
  if (typeof cursor === 'number') return Number.isInteger(cursor) ? cursor : -1;
  const match = /^(\d{1,15})-/.exec(cursor ?? '');
  return match ? Number(match[1]) : -1;
}

export class Log {
  /** @type {import('../room.js').Message[]} ascending by id */
  messages = [];
  /** @type {string|null} the log's last entry known here, resumable */
  cursor = null;
  /** @type {string|null} cursor for the page before the oldest message, null at the beginning */
  previous = null;
  #byId = new Map();

  get position() {
    return positionOf(this.cursor);
  }

  get(id) {
    return this.#byId.get(id);
  }

  /** Forgets everything and starts from the newest page of history (or from nothing). */
  reset(page = null) {
    this.messages = [];
    this.#byId.clear();
    this.cursor = page?.cursor ?? null;
    this.previous = page?.previous ?? null;
    for (const message of page?.messages ?? []) this.#put(message);
  }

  /** An older page, read with `before: this.previous`. */
  prepend(page) {
    this.previous = page.previous ?? null;
    for (const message of page.messages) if (!this.#byId.has(message.id)) this.#put(message);
  }

  /**
   * One entry of the log, as the stream tells it.
   * @returns {'old'|'gap'|{added?: object, changed?: object}} `old`: seen before; `gap`: entries before it are missing, nothing was taken.
   */
  take(event, cursor, data, { tolerateGap = false } = {}) {
    const position = positionOf(cursor);
    if (position <= this.position) return 'old';
    if (this.cursor !== null && position > this.position + 1 && !tolerateGap) return 'gap';
    this.cursor = cursor;
    if (event === 'message:new') return this.#byId.has(data.id) ? { changed: this.#put(data) } : { added: this.#put(data) };
    if (event === 'message:edited' || event === 'message:deleted') return this.amend(data, position);
    return {};
  }

  /** What an edit or deletion made of a message (from the stream, or from the answer to our own request). */
  amend(message, position = -1) {
    if (this.#byId.has(message.id)) return { changed: this.#put(message) };
    // A replayed entry that was deleted since: its place in the log is its own, so it belongs on the page.
    if (position === message.id) return { added: this.#put(message) };
    return {};
  }

  #put(message) {
    const known = this.#byId.get(message.id);
    const { expiresAt: _, ...kept } = message;
    if (known?.deletedAt && !kept.deletedAt) return known;
    if (kept.deletedAt) for (const name of ['content', 'metadata', 'files']) delete kept[name];
    this.#byId.set(kept.id, kept);
    const list = this.messages;
    if (known) {
      list[this.#indexFrom(kept.id)] = kept;
    } else if (list.length === 0 || list[list.length - 1].id < kept.id) {
      list.push(kept);
    } else {
      list.splice(this.#indexFrom(kept.id), 0, kept);
    }
    return kept;
  }

  #indexFrom(id) {
    let low = 0;
    let high = this.messages.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.messages[middle].id < id) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
