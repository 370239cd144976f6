// The list of conversations: rows kept as long as their conversation is, in the order of last activity, for one filter at a time; under
// them, when something is looked for, the messages that have it. Arrow keys go from row to row.
import { $, arrange, element, icon, say, setText } from '../app/dom.js';
import { dayKey, timeOf } from '../app/time.js';
import { locale } from '../app/words.js';
import { faceOf, gist, titleOf } from './people.js';
import { setPortrait } from './portrait.js';
import { Hits } from './hits.js';
import { failureText, words } from './words.js';

const FIND_MS = 250;
const DAY_MS = 86_400_000;
const weekday = new Intl.DateTimeFormat(locale, { weekday: 'short' });
const date = new Intl.DateTimeFormat(locale, { day: 'numeric', month: 'short' });
const year = new Intl.DateTimeFormat(locale, { day: 'numeric', month: 'short', year: 'numeric' });

const filters = {
  all: { status: 'active' },
  unread: { status: 'active', unread: true },
  direct: { status: 'active', type: 'direct' },
  group: { status: 'active', type: 'group' },
  archived: { status: ['archived', 'completed'] },
};

export function whenOf(at, now = Date.now()) {
  if (dayKey(at) === dayKey(now)) return timeOf(at);
  if (now - at < 6 * DAY_MS) return weekday.format(at);
  return (new Date(at).getFullYear() === new Date(now).getFullYear() ? date : year).format(at);
}

export class List {
  #chats;
  #on;
  #rows = new Map();
  #filter = 'all';
  #text = '';
  #selection;
  #hits;
  #current = null;
  #timer = null;
  #planned = false;

  /** @param {import('./client.js').Chats} chats  @param {{pick: (id: string) => void, hit: (result: object) => void, drawn?: () => void, draft?: (id: string) => string}} on */
  constructor(chats, on) {
    this.#chats = chats;
    this.#on = on;
    this.#selection = chats.select(filters.all);
    this.#hits = new Hits(chats, { list: $('hits-list'), state: $('hits-state'), more: $('hits-more') }, { pick: on.hit, where: true });
    $('sessions').addEventListener('keydown', (event) => this.#key(event));
    $('sessions').addEventListener('scroll', () => this.#scrolled(), { passive: true });
    $('more').addEventListener('click', () => this.#selection.more());
    $('filters').addEventListener('click', (event) => this.#choose(event.target.closest('button')?.dataset.filter));
    $('find').addEventListener('input', () => this.#typed());
    $('find').addEventListener('keydown', (event) => {
      if (event.key === 'ArrowDown') {
        event.preventDefault();
        $('sessions').querySelector('.row, .hit')?.focus();
      } else if (event.key === 'Escape' && $('find').value !== '') {
        event.stopPropagation();
        $('find').value = '';
        this.#typed();
      }
    });
    chats.addEventListener('list', () => this.plan());
    chats.addEventListener('people', () => this.plan());
  }

  /** The conversation that is open beside the list. */
  set current(id) {
    this.#current = id;
    this.plan();
  }

  focus(id) {
    const row = this.#rows.get(id)?.button ?? $('sessions').querySelector('.row');
    (row ?? $('find')).focus();
  }

  stop() {
    this.#selection.stop();
    this.#rows.clear();
    $('rows').replaceChildren();
    this.#hits.stop();
  }

  plan() {
    if (this.#planned) return;
    this.#planned = true;
    setTimeout(() => {
      this.#planned = false;
      this.render();
    }, 16);
  }

  render() {
    const items = this.#selection.arrange();
    const focused = document.activeElement?.closest?.('.row');
    const nodes = items.map((one) => this.#row(one));
    arrange($('rows'), nodes);
    for (const [id, row] of this.#rows) if (!row.node.isConnected) this.#rows.delete(id);
    if (focused?.isConnected && document.activeElement !== focused) focused.focus({ preventScroll: true });
    $('more').hidden = !this.#selection.hasMore;
    const state = this.#state(items.length);
    setText($('empty'), state);
    $('empty').hidden = state === '';
    this.#on.drawn?.();
  }

  #state(count) {
    const { loaded, error } = this.#selection;
    if (error && !loaded) return `${words.list.failed} ${failureText(error)}`;
    if (!loaded) return words.list.loading;
    if (count > 0) return '';
    if (this.#text) return words.list.noneFound;
    return { unread: words.list.noneUnread, archived: words.list.noneArchived }[this.#filter] ?? words.list.none;
  }

  #row(one) {
    let row = this.#rows.get(one.id);
    if (!row) {
      const parts = {
        face: element('span', { class: 'row-face' }),
        name: element('b', { class: 'who', dir: 'auto' }),
        time: element('time', { class: 'when' }),
        text: element('span', { class: 'gist', dir: 'auto' }),
        muted: element('span', { class: 'row-muted', 'aria-hidden': 'true' }, icon('mute')),
        badge: element('span', { class: 'badge', 'aria-hidden': 'true' }),
        sr: element('span', { class: 'sr' }),
      };
      const button = element('button', { type: 'button', class: 'row', 'data-id': one.id, onclick: () => this.#on.pick(one.id) },
        parts.face,
        element('span', { class: 'lines' },
          element('span', { class: 'first' }, parts.name, parts.time),
          element('span', { class: 'second' }, parts.text, parts.muted, parts.badge)),
        parts.sr);
      row = { node: element('li', {}, button), button, ...parts };
      this.#rows.set(one.id, row);
    }
    const face = faceOf(this.#chats, one);
    const message = one.lastMessage;
    const own = message && message.sender === this.#chats.me?.id;
    const text = gist(message);
    setPortrait(row.face, face);
    setText(row.name, titleOf(this.#chats, one));
    setText(row.time, whenOf(one.lastActivityAt - this.#chats.skew));
    const draft = this.#current === one.id ? '' : this.#on.draft?.(one.id) ?? '';
    const unsigned = !message || message.deletedAt || message.type === 'system' || (one.type === 'direct' && !own) || !this.#chats.names.known(message.sender);
    setText(row.text, draft ? words.list.draft(draft) : unsigned ? text : words.list.said(own ? words.you : this.#chats.nameOf(message.sender), text));
    row.muted.hidden = !one.muted;
    row.badge.hidden = one.unread === 0;
    setText(row.badge, one.unread > 99 ? '99+' : String(one.unread));
    const spoken = [face.online && words.list.here, one.unread > 0 && words.list.unread(one.unread), one.muted && words.list.muted].filter(Boolean).join('. ');
    setText(row.sr, spoken ? `. ${spoken}` : '');
    row.button.className = `row${one.unread > 0 ? ' has-unread' : ''}${one.muted ? ' is-muted' : ''}${draft ? ' has-draft' : ''}`;
    if (this.#current === one.id) row.button.setAttribute('aria-current', 'true');
    else row.button.removeAttribute('aria-current');
    return row.node;
  }

  // ---- what is shown

  #choose(name) {
    if (!name || name === this.#filter) return;
    this.#filter = name;
    for (const button of $('filters').children) button.setAttribute('aria-pressed', String(button.dataset.filter === name));
    this.#select();
  }

  #typed() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      const text = $('find').value.trim();
      if (text === this.#text) return;
      this.#text = text;
      this.#select();
      $('hits').hidden = text === '';
      if (text) this.#hits.look(text);
      else this.#hits.clear();
    }, FIND_MS);
  }

  #select() {
    const before = this.#selection;
    this.#selection = this.#chats.select(this.#text ? { ...filters[this.#filter], q: this.#text } : filters[this.#filter]);
    before.stop();
    this.plan();
    this.#selection.load().then(() => say(this.#state(this.#selection.items.length)));
  }

  #scrolled() {
    const box = $('sessions');
    if (!this.#text && box.scrollHeight - box.scrollTop - box.clientHeight < 300) this.#selection.more();
  }

  #key(event) {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const rows = [...$('sessions').querySelectorAll('.row, .hit')];
    const at = rows.indexOf(document.activeElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: rows.length - 1 }[event.key];
    if (to === undefined || at < 0) return;
    event.preventDefault();
    if (to < 0) $('find').focus();
    else rows[Math.min(rows.length - 1, to)].focus();
  }
}
