// One view of the list of conversations: what the server has for a filter, page by page, and in between what the feed changed.
// Rows come from the client's one map, so all views agree; up to the oldest row loaded a view is complete.

const PAGE = 40;
const FIND_PAGES = 5;
const FIND_ENOUGH = 10;
const AGAIN_PAGES = 10;

export class Selection {
  items = [];
  loading = false;
  loaded = false;
  /** @type {Error|null} of the last page asked for */
  error = null;
  #chats;
  #on;
  #filter;
  #found = new Set(); // ids the server gave for `q`
  #next = null;
  #edge = -Infinity; // last activity of the oldest row loaded; -Infinity: there are no more
  #run = 0;

  constructor(chats, filter, on) {
    this.#chats = chats;
    this.#filter = filter;
    this.#on = on;
  }

  get filter() {
    return this.#filter;
  }

  get hasMore() {
    return this.#next !== null;
  }

  /** From the beginning, and as far down as it was; what is shown stays until the answer is there. `missing` hears of rows that should have been in it. Never rejects. */
  async load({ missing = () => {} } = {}) {
    const run = (this.#run += 1);
    await this.#page(run, null, this.loaded ? this.#edge : Infinity);
    const { q, unread } = this.#filter;
    if (run !== this.#run || this.error || q || unread) return;
    for (const one of this.items) if (!this.#found.has(one.id) && one.lastActivityAt > this.#edge) missing(one.id);
  }

  async more() {
    if (this.loading || this.#next === null) return;
    await this.#page(this.#run, this.#next);
  }

  clear() {
    this.#run += 1;
    this.items = [];
    this.#next = null;
    this.loaded = false;
  }

  stop() {
    this.clear();
    this.#on.stop(this);
  }

  /** Sorts anew what the map holds. */
  arrange() {
    this.items = [...this.#chats.conversations.values()]
      .filter((one) => this.#matches(one) && one.lastActivityAt >= this.#edge)
      .sort((a, b) => b.lastActivityAt - a.lastActivityAt || (a.id < b.id ? -1 : 1));
    return this.items;
  }

  // down: so far it was loaded before.
  async #page(run, after, down = Infinity) {
    this.loading = true;
    let edge = Infinity;
    try {
      for (let pages = 0; ; pages += 1) {
        const { type, status, q } = this.#filter;
        const page = await this.#on.page({ type, status, q, limit: PAGE, after });
        if (run !== this.#run) return;
        edge = this.#take(page, after === null, down);
        if (this.#next === null) break;
        const again = edge > down && pages < AGAIN_PAGES;
        // What is unread, or has that name, may be far down, and pages of names may be short: a few of them are worth the look.
        const seeking = (this.#filter.unread || q) && pages < FIND_PAGES && this.arrange().length < FIND_ENOUGH;
        if (!again && !seeking) break;
        after = this.#next;
      }
      this.#edge = edge;
      this.error = null;
    } catch (error) {
      if (run !== this.#run) return;
      this.error = error;
    } finally {
      if (run === this.#run) {
        this.loading = false;
        this.arrange();
        this.#on.changed();
      }
    }
  }

  #take({ conversations, next, edge = conversations.at(-1)?.lastActivityAt ?? -Infinity }, first, down) {
    if (first) this.#found.clear();
    for (const one of conversations) {
      this.#found.add(one.id);
      this.#on.put(one);
    }
    this.#next = next ?? null;
    this.loaded = true;
    const reached = this.#next === null ? -Infinity : edge;
    this.#edge = Math.min(reached, down); // until all of it is there again
    return reached;
  }

  #matches(one) {
    const { type, status, q, unread } = this.#filter;
    if (type && one.type !== type) return false;
    if (status && ![status].flat().includes(one.status)) return false;
    if (unread && one.unread === 0) return false;
    if (!q || this.#found.has(one.id)) return true;
    const text = `${one.title} ${one.participants.map((each) => each.name).join(' ')}`.toLowerCase();
    return text.includes(q.toLowerCase());
  }
}
