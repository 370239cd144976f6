// The list of sessions: rows kept as long as their session is, put under a heading and in order; arrow keys go from row to row.
import { $, arrange, element, icon, setText } from '../app/dom.js';
import { leftText, momentOf } from '../app/time.js';
import { words } from './words.js';

const GROUPS = ['waiting', 'open', 'ended', 'gone'];
const GONE_MOST = 12;
const TICK_MS = 10_000;

const groupOf = (one) => (one.status === 'ended' ? 'ended' : one.waiting ? 'waiting' : 'open');
const order = {
  // Who waits longest stands first; who is here and was never met has no time yet, and comes after those who wrote.
  waiting: (a, b) => (a.waitingSince ?? a.assignedAt) - (b.waitingSince ?? b.assignedAt),
  open: (a, b) => b.lastActivityAt - a.lastActivityAt,
  ended: (a, b) => a.expiresAt - b.expiresAt,
};

function agoText(ms) {
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 60) return `${minutes} min`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

export class List {
  #desk;
  #pick;
  #rows = new Map();
  #gone = []; // {session, reason, at}: told once, kept in memory only
  #open = null;
  #planned = false;

  /** @param {import('./client.js').Desk} desk  @param {(id: string) => void} pick */
  constructor(desk, pick) {
    this.#desk = desk;
    this.#pick = pick;
    $('sessions').addEventListener('keydown', (event) => this.#key(event));
    this.timer = setInterval(() => this.render(), TICK_MS);
  }

  set open(id) {
    this.#open = id;
    this.render();
  }

  gone(session, reason) {
    this.#gone.unshift({ session, reason, at: this.#desk.now() });
    this.#gone.length = Math.min(this.#gone.length, GONE_MOST);
  }

  focus(id) {
    const row = this.#rows.get(id) ?? $('sessions').querySelector('.row');
    (row?.button ?? row)?.focus();
  }

  plan() {
    if (this.#planned) return;
    this.#planned = true;
    requestAnimationFrame(() => {
      this.#planned = false;
      this.render();
    });
  }

  stop() {
    clearInterval(this.timer);
    $('sessions').replaceChildren();
    this.#gone = [];
    this.#rows.clear();
  }

  render() {
    if (this.#desk.over) return;
    const sessions = [...this.#desk.sessions.values()];
    const focused = document.activeElement?.closest?.('.row');
    for (const id of this.#rows.keys()) if (!this.#desk.sessions.has(id)) this.#rows.delete(id);
    for (const group of GROUPS.slice(0, 3)) {
      const rows = sessions.filter((one) => groupOf(one) === group).sort((a, b) => order[group](a, b) || (a.conversationId < b.conversationId ? -1 : 1));
      this.#fill(group, rows.map((one) => this.#row(one)));
    }
    this.#gone = this.#gone.filter(({ session }) => !this.#desk.sessions.has(session.conversationId));
    this.#fill('gone', this.#gone.map(({ session, reason, at }) => element('li', { class: 'was' }, element('b', { dir: 'auto' }, session.studentAnonymousId), ` ${words.removed[reason] ?? words.removed.gone}, ${momentOf(at - this.#desk.skew)}`)));
    setText($('empty'), this.#desk.loaded ? words.none : words.loading);
    $('empty').hidden = sessions.length > 0;
    if (focused?.isConnected && document.activeElement !== focused) focused.focus({ preventScroll: true });
    const waiting = sessions.filter((one) => groupOf(one) === 'waiting').length;
    const unread = sessions.reduce((sum, one) => sum + one.unread, 0);
    document.title = unread > 0 || waiting > 0 ? `(${unread || waiting}) ${words.title}` : words.title;
  }

  #fill(group, items) {
    const section = $(`group-${group}`);
    section.hidden = items.length === 0;
    setText(section.querySelector('.count'), String(items.length));
    arrange(section.querySelector('ul'), items);
  }

  #row(one) {
    const id = one.conversationId;
    let row = this.#rows.get(id);
    if (!row) {
      const parts = {
        dot: element('span', { class: 'dot', 'aria-hidden': 'true' }),
        name: element('b', { class: 'who', dir: 'auto' }, one.studentAnonymousId),
        badge: element('span', { class: 'badge', 'aria-hidden': 'true' }),
        state: element('span', { class: 'state' }),
        more: element('span', { class: 'more' }),
        summary: element('span', { class: 'summary-mark', 'aria-hidden': 'true' }, icon('summary')),
        sr: element('span', { class: 'sr' }),
      };
      const button = element('button', { type: 'button', class: 'row', 'data-id': id, onclick: () => this.#pick(id) },
        parts.dot, element('span', { class: 'lines' }, element('span', { class: 'first' }, parts.name, parts.summary, parts.badge), parts.state, parts.more), parts.sr);
      row = { node: element('li', {}, button), button, ...parts };
      this.#rows.set(id, row);
    }
    const now = this.#desk.now();
    const left = leftText(one.expiresAt - now);
    const group = groupOf(one);
    let state;
    if (group === 'ended') state = words.ended(left);
    else if (group === 'waiting' && one.waitingSince === null) state = words.notMet;
    else if (group === 'waiting') state = now - one.waitingSince < 60_000 ? words.waitsNow : words.waitsFor(agoText(now - one.waitingSince));
    else if (one.cursor.startsWith('0-')) state = words.quiet;
    else state = words.answered(momentOf(one.lastActivityAt - this.#desk.skew));
    const more = [];
    if (group !== 'ended') more.push(one.handedOver ? words.handedOver : words.assigned(momentOf(one.assignedAt - this.#desk.skew)), words.erasedIn(left));
    if (one.summary) more.push(words.summaries[one.summary] ?? one.summary);
    setText(row.state, state);
    setText(row.more, more.join(' · '));
    setText(row.badge, one.unread > 99 ? '99+' : String(one.unread));
    row.badge.hidden = one.unread === 0;
    row.summary.hidden = one.summary !== 'ready';
    setText(row.sr, `. ${one.studentOnline ? words.here : words.away}${one.unread > 0 ? `. ${words.unread(one.unread)}` : ''}`);
    row.button.className = `row ${group}${one.studentOnline ? ' here' : ''}${one.unread > 0 ? ' has-unread' : ''}`;
    if (this.#open === id) row.button.setAttribute('aria-current', 'true');
    else row.button.removeAttribute('aria-current');
    return row.node;
  }

  #key(event) {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const rows = [...$('sessions').querySelectorAll('.row')];
    const at = rows.indexOf(document.activeElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: rows.length - 1 }[event.key];
    if (to === undefined || at < 0) return;
    event.preventDefault();
    rows[Math.max(0, Math.min(rows.length - 1, to))].focus();
  }
}
