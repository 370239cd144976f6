// The list of messages: rows made from the room's state, each kept as long as its message is, put in order by key.
// Several may stand on one page: the ids of their elements then begin with a prefix.
import { watching } from '../room/around.js';
import { $, element, say, setText } from './dom.js';
import { fillRow, itemRow, messageRow } from './rows.js';
import { dayKey, dayName } from './time.js';
import { failureText, roleName, words } from './words.js';

const GROUP_MS = 5 * 60_000;
const NEAR_BOTTOM_PX = 90;

export class LogView {
  #room;
  #on;
  #part; // element of ours by name
  #log;
  #list;
  #rows = new Map(); // key → {node, mark (what it was made from)}
  #notes = []; // {after: message id, text, at}
  #unreadFrom = null; // id of the first message below the divider
  #missed = 0; // arrived while scrolled up
  #current = null; // key of the row that Tab reaches
  #planned = false;
  #stick = true;
  #top = 0; // where the scrolling was last
  #spoken = [];
  #speaking = null;
  #loading = false;
  #sized;
  #undecided = true; // where the unread messages begin

  /**
   * @param {import('../room.js').Room} room   or whatever has the same state and methods (chat/thread.js)
   * @param {{reply, edit, remove, discarded} & import('./rows.js').RowHooks} on   handlers of acts by name: reply(message) …
   * @param {{prefix?: string}} [options]
   */
  constructor(room, on, { prefix = '' } = {}) {
    this.#room = room;
    this.#on = on;
    this.#part = (name) => $(prefix + name);
    this.#log = this.#part('log');
    this.#list = this.#part('list');
    this.#log.addEventListener('scroll', () => this.#scrolled(), { passive: true });
    this.#log.addEventListener('keydown', (event) => this.#key(event));
    this.#log.addEventListener('click', (event) => this.#click(event));
    this.#list.addEventListener('focusin', (event) => this.#focused(event));
    this.#part('newest').addEventListener('click', () => {
      this.#room.toNewest?.();
      this.toBottom({ smooth: true });
      this.#part('text').focus({ preventScroll: true });
    });
    this.#part('older').addEventListener('click', () => this.#older());
    this.#sized = new ResizeObserver(() => {
      if (this.#stick) this.toBottom();
    });
    this.#sized.observe(this.#log);
    this.#sized.observe(this.#list); // a picture that has come
  }

  // ---- what happened

  changed({ added = [], reset = false, older = false, newer = false }) {
    const theirs = added.filter((message) => !this.#room.isMe(message.sender) && !message.deletedAt);
    if (reset) this.#afterReset();
    for (const message of theirs) {
      if (this.#unreadFrom === null && !this.#undecided && !watching()) this.#unreadFrom = message.id;
      if (!this.#stick) this.#missed += 1;
      this.#speak(message);
    }
    if (older) this.render({ keepPlace: true });
    else if (newer) this.render({ keepTop: true });
    else if (reset) this.render();
    else this.plan();
  }

  /** Delivered and read marks moved; the first ones also tell where the unread messages begin. */
  marked() {
    if (!this.#undecided || !this.#room.marksKnown) {
      this.plan();
      return;
    }
    this.#undecided = false;
    this.markUnread();
    this.render({ toUnread: this.#unreadFrom !== null && this.#stick });
  }

  /** Puts the divider above the first message after what was read; `myRead`: that of an earlier moment. */
  markUnread({ myRead = this.#room.myRead } = {}) {
    const { messages } = this.#room;
    const unread = messages.find((message) => message.id > myRead && !this.#room.isMe(message.sender) && !message.deletedAt);
    const known = myRead > 0 || messages.some((message) => this.#room.isMe(message.sender));
    this.#unreadFrom = unread && known ? unread.id : null;
  }

  /** A line between the messages: someone came, a summary was asked for. */
  note(text) {
    const last = this.#room.messages.at(-1)?.id ?? 0;
    if (this.#notes.some((one) => one.text === text && one.after === last)) return;
    this.#notes.push({ after: last, text });
    this.plan();
  }

  /** Our own message goes out: what was unread is read, and we look at the end. */
  sending() {
    this.#unreadFrom = null;
    this.#room.toNewest?.();
    this.toBottom();
    this.plan();
  }

  /** @returns {boolean} whether it is among those shown */
  focus(id, { block = 'nearest' } = {}) {
    const node = this.#nodeOf(id)?.querySelector('article, button');
    node?.focus({ preventScroll: true });
    node?.scrollIntoView({ block });
    this.#stick = this.#nearBottom();
    return Boolean(node);
  }

  /** For a moment it can be told from the others. */
  flash(id) {
    const node = this.#nodeOf(id);
    node?.classList.add('found');
    setTimeout(() => node?.classList.remove('found'), 2000);
  }

  /** Goes to where the unread messages begin, if it is known. */
  toUnread() {
    if (this.#unreadFrom !== null) this.render({ toUnread: true });
  }

  /** The end of it: nothing stays in the document, nothing is drawn any more. */
  clear() {
    this.#planned = true;
    this.#sized.disconnect();
    this.#rows.clear();
    this.#notes = [];
    this.#list.replaceChildren();
  }

  plan() {
    if (this.#planned) return;
    this.#planned = true;
    // Not requestAnimationFrame: a tab in the background must keep up too.
    setTimeout(() => {
      this.#planned = false;
      this.render();
    }, 16);
  }

  // ---- drawing

  render({ keepPlace = false, keepTop = false, toUnread = false } = {}) {
    const log = this.#log;
    if (!log.isConnected) return; // the page was left: nothing to draw on any more
    const fromBottom = log.scrollHeight - log.scrollTop;
    this.#draw();
    this.#part('older').hidden = !this.#room.hasOlder;
    this.#part('start').hidden = this.#room.hasOlder;
    const divider = toUnread && this.#rows.get('unread')?.node;
    if (keepPlace) log.scrollTop = log.scrollHeight - fromBottom;
    else if (divider) {
      log.scrollTop = Math.max(0, divider.offsetTop - 48);
      this.#stick = this.#nearBottom();
    } else if (keepTop) this.#stick = this.#nearBottom();
    else if (this.#stick) this.toBottom();
    this.#showNewest();
    this.seen();
  }

  #draw() {
    const wanted = this.#describe();
    const keep = new Set(wanted.map((row) => row.key));
    for (const [key, { node }] of this.#rows) {
      if (keep.has(key)) continue;
      node.remove();
      this.#rows.delete(key);
    }
    let place = this.#list.firstElementChild;
    let refocus = null;
    for (const row of wanted) {
      const mark = JSON.stringify(row);
      let have = this.#rows.get(row.key);
      if (!have) {
        have = { node: element('li'), mark: null };
        this.#rows.set(row.key, have);
      }
      if (have.mark !== mark) {
        const focused = have.node.contains(document.activeElement) ? document.activeElement : null;
        fillRow(have.node, row, this.#on);
        have.mark = mark;
        if (focused) refocus = [have.node, focused.dataset.act];
      }
      if (have.node === place) place = place.nextElementSibling;
      else this.#list.insertBefore(have.node, place);
    }
    if (!keep.has(this.#current)) this.#current = wanted.findLast((row) => row.kind === 'message')?.key ?? null;
    this.#rove();
    if (refocus) {
      const [node, act] = refocus;
      (node.querySelector(`[data-act=${act}]`) ?? node.querySelector('article'))?.focus({ preventScroll: true });
    }
  }

  #nodeOf(id) {
    const message = this.#room.message(id);
    return message && this.#rows.get(messageRow(this.#room, {}, message).key)?.node;
  }

  /** The rows as plain data: what is equal is not drawn again. */
  #describe() {
    const room = this.#room;
    const rows = [];
    const notes = [...this.#notes];
    let day = null;
    let before = null;
    let divided = false;
    let entries = room.messages.map((message) => messageRow(room, this.#on, message));
    if (!room.hasNewer) for (const item of room.outbox) entries.push(itemRow(room, this.#on, item));
    if (this.#on.arrange) entries = this.#on.arrange(entries);
    const lastOwn = entries.findLast((row) => row.own && !row.deleted)?.key;
    const separate = (row) => {
      rows.push(row);
      before = null;
    };
    while (notes.length > 0 && notes[0].after === 0) separate({ kind: 'note', key: `n:${notes.length}:0`, text: notes.shift().text });
    for (const row of entries) {
      if (dayKey(row.at) !== day) {
        day = dayKey(row.at);
        separate({ kind: 'day', key: `day:${day}`, text: dayName(row.at) });
      }
      if (!divided && this.#unreadFrom !== null && row.id !== null && row.id >= this.#unreadFrom) {
        divided = true;
        separate({ kind: 'unread', key: 'unread', text: words.unread });
      }
      if (row.kind !== 'message') {
        separate(row);
        continue;
      }
      row.first = !before || before.sender !== row.sender || row.at - before.at > GROUP_MS;
      row.last = true;
      if (before && !row.first) before.last = false;
      row.tell = row.key === lastOwn || row.state === 'failed';
      rows.push(row);
      before = row;
      while (row.id !== null && notes.length > 0 && notes[0].after <= row.id) {
        separate({ kind: 'note', key: `n:${notes.length}:${row.id}`, text: notes.shift().text });
      }
    }
    for (const note of notes) rows.push({ kind: 'note', key: `n:end:${note.text}`, text: note.text });
    return rows;
  }

  // ---- keyboard and pointer

  #rove() {
    for (const [key, { node }] of this.#rows) {
      const article = node.querySelector('article');
      if (!article) continue;
      const here = key === this.#current;
      article.tabIndex = here ? 0 : -1;
      for (const button of article.querySelectorAll('button:not(.small)')) button.tabIndex = here ? 0 : -1;
    }
  }

  #focused(event) {
    const row = event.target.closest('li');
    for (const [key, { node }] of this.#rows) if (node === row) this.#current = key;
    this.#rove();
  }

  #key(event) {
    const article = event.target.closest?.('article');
    if (!article || event.altKey || event.ctrlKey || event.metaKey) return;
    const articles = [...this.#list.querySelectorAll('article')];
    const at = articles.indexOf(article);
    const to = { ArrowUp: at - 1, ArrowDown: at + 1, Home: 0, End: articles.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    const next = articles[Math.max(0, Math.min(articles.length - 1, to))];
    if (event.key === 'ArrowDown' && at === articles.length - 1) this.#part('text').focus();
    else {
      next.focus({ preventScroll: true });
      next.scrollIntoView({ block: 'nearest' });
    }
  }

  #click(event) {
    const button = event.target.closest?.('button[data-act]');
    if (!button) return;
    const row = button.closest('li');
    const { act } = button.dataset;
    if (act === 'quote') {
      const to = Number(button.dataset.to);
      if (!this.focus(to)) this.#on.elsewhere?.(to);
      return;
    }
    const [key] = [...this.#rows].find(([, one]) => one.node === row) ?? [];
    const clientId = key?.startsWith('c:') ? key.slice(2) : null;
    if (act === 'retry') this.#room.retry(clientId);
    else if (act === 'discard') this.#on.discarded(this.#room.discard(clientId));
    else this.#on[act](this.#room.message(Number(row.dataset.id)), button);
  }

  // ---- where we look

  #nearBottom() {
    return this.#log.scrollHeight - this.#log.scrollTop - this.#log.clientHeight < NEAR_BOTTOM_PX;
  }

  toBottom({ smooth = false } = {}) {
    this.#stick = true;
    this.#missed = 0;
    this.#log.scrollTo({ top: this.#log.scrollHeight, behavior: smooth && !matchMedia('(prefers-reduced-motion: reduce)').matches ? 'smooth' : 'instant' });
    this.#showNewest();
  }

  #scrolled() {
    // What has grown under the eyes (a picture, a line of typing) is no wish to be elsewhere: only going up is.
    const up = this.#log.scrollTop < this.#top - 1;
    this.#top = this.#log.scrollTop;
    this.#stick = this.#nearBottom() || (this.#stick && !up);
    if (this.#stick) this.#missed = 0;
    this.#showNewest();
    this.seen();
    if (this.#log.scrollTop < 60 && this.#room.hasOlder) this.#older();
    else if (this.#stick && this.#room.hasNewer) this.#newer();
  }

  #showNewest() {
    const show = (!this.#stick || Boolean(this.#room.hasNewer)) && this.#room.messages.length > 0;
    this.#part('newest').hidden = !show;
    if (show) setText(this.#part('newest-text'), this.#missed > 0 ? words.newest(this.#missed) : words.toNewest);
    this.#part('newest').classList.toggle('fresh', this.#missed > 0);
  }

  #older() {
    return this.#page(() => this.#room.loadOlder());
  }

  #newer() {
    return this.#page(() => this.#room.loadNewer());
  }

  async #page(load) {
    if (this.#loading) return;
    this.#loading = true;
    this.#part('older').setAttribute('aria-busy', 'true');
    try {
      await load();
    } catch (error) {
      say(failureText(error));
    } finally {
      this.#loading = false;
      this.#part('older').removeAttribute('aria-busy');
    }
  }

  /** Tells the room up to where the eyes have been. */
  seen() {
    if (!watching() || !this.#room.marksKnown) return;
    const bottom = this.#log.getBoundingClientRect().bottom;
    const { messages, myRead } = this.#room;
    for (let i = messages.length - 1; i >= 0; i -= 1) {
      const message = messages[i];
      if (message.id <= myRead) return;
      if (this.#room.isMe(message.sender)) continue;
      const node = this.#nodeOf(message.id);
      if (node && node.getBoundingClientRect().top < bottom - 8) {
        this.#room.read(message.id);
        return;
      }
    }
  }

  #afterReset() {
    this.#undecided = true;
    this.#unreadFrom = null;
    this.#missed = 0;
    this.#stick = true;
  }

  /** One message is read out, a burst is summed up; the history never is. */
  #speak(message) {
    this.#spoken.push(message);
    clearTimeout(this.#speaking);
    this.#speaking = setTimeout(() => {
      const [first] = this.#spoken;
      const name = this.#on.name?.(first) ?? roleName(first.role);
      say(this.#spoken.length > 2 ? words.saidSeveral(name, this.#spoken.length) : this.#spoken.map((one) => words.said(this.#on.name?.(one) ?? name, one.content ?? one.files?.[0]?.name ?? '')).join('. '));
      this.#spoken = [];
    }, 400);
  }

  get unseen() {
    if (watching()) return 0;
    return this.#room.messages.filter((one) => one.id > this.#room.myRead && !this.#room.isMe(one.sender) && !one.deletedAt).length;
  }
}
