// Everything around the messages: who is here, how long until the erasure, how the line is, and what is over.
import { Banner } from './banner.js';
import { $, element, say, setText } from './dom.js';
import { leaveNothing } from './over.js';
import { leftText, lifeText, momentOf } from './time.js';
import { roleName, words } from './words.js';

const isStudent = (role) => role === 'student';

export class Facts {
  #room;
  #lifeMs = 86_400_000; // how long one activity keeps the conversation; learned from what the deadline jumps to
  #timer = null;
  #banner;
  #here = new Map();

  constructor(room) {
    this.#room = room;
    this.#banner = new Banner(room);
    document.documentElement.dataset.role = isStudent(room.me.role) ? 'student' : 'counselor';
  }

  // ---- people

  people() {
    const room = this.#room;
    const [other] = room.others;
    const name = other ? roleName(other.role) : words.nobodyYet;
    setText($('peer'), name);
    const writing = room.typing.size > 0;
    const state = !other ? words.nobodyYetState : writing ? words.writing : other.online ? words.here : words.away;
    setText($('peer-state'), state);
    $('peer-box').classList.toggle('here', Boolean(other?.online));
    $('peer-box').classList.toggle('writing', writing);
    const show = !isStudent(room.me.role) && other ? other.participant : '';
    setText($('peer-id'), show);
    $('peer-id').hidden = !show;
    const rows = [{ name: `${roleName(room.me.role)} (${words.you.toLowerCase()})`, online: true }];
    for (const one of room.others) rows.push({ name: roleName(one.role), id: isStudent(room.me.role) ? null : one.participant, online: one.online });
    $('people').replaceChildren(
      ...rows.map((one) => element('li', { class: one.online ? 'here' : '' }, element('span', { class: 'dot', 'aria-hidden': 'true' }),
        element('span', {}, one.name, one.id && element('small', {}, one.id)),
        element('span', { class: 'sr' }, one.online ? words.here : words.away))),
    );
    for (const one of room.others) {
      const before = this.#here.get(one.participant);
      if (before !== undefined && before !== one.online) say(`${roleName(one.role)}: ${one.online ? words.here : words.away}`);
      this.#here.set(one.participant, one.online);
    }
  }

  typing() {
    const [role] = this.#room.typing.values();
    $('typing').hidden = role === undefined;
    if (role !== undefined) setText($('typing-text'), `${roleName(role)} ${words.writing}`);
    this.people();
  }

  // ---- the countdown

  deadline(moved) {
    const left = this.#room.expiresAt - this.#room.now();
    // The first one we hear of began with the last message we have; from then on each jump tells.
    const since = moved ? 0 : Math.max(0, ...this.#room.messages.map((one) => Math.max(one.sentAt, one.editedAt ?? 0, one.deletedAt ?? 0)));
    if (moved || left > this.#lifeMs || since) this.#lifeMs = Math.max(since ? this.#room.expiresAt - since : left, 1000);
    for (const text of document.querySelectorAll('.life')) setText(text, lifeText(this.#lifeMs));
    this.#tick();
    if (!moved) return;
    for (const id of ['strip', 'clock']) {
      $(id).classList.remove('jumped');
      void $(id).offsetWidth; // so that the animation starts over
      $(id).classList.add('jumped');
    }
  }

  #tick() {
    clearTimeout(this.#timer);
    if (this.#room.expiresAt === null) return;
    const left = this.#room.expiresAt - this.#room.now();
    const share = Math.max(0, Math.min(1, left / this.#lifeMs));
    const soon = left < Math.min(600_000, this.#lifeMs / 4);
    for (const id of ['strip', 'clock']) {
      $(id).classList.toggle('soon', soon);
      $(id).style.setProperty('--left', share.toFixed(4));
      $(id).hidden = false;
    }
    const text = leftText(left);
    setText($('strip-left'), text);
    setText($('clock-left'), text);
    for (const id of ['strip-until', 'clock-until']) setText($(id), momentOf(this.#room.expiresAt - this.#room.skew));
    this.#timer = setTimeout(() => this.#tick(), left < 620_000 ? 1000 - (Date.now() % 1000) + 5 : 10_000);
  }

  // ---- the line

  link() {
    this.#banner.link();
  }

  ticketSoon(expiresAt) {
    this.#banner.ticketSoon(expiresAt);
  }

  // ---- phases

  phase() {
    const { phase, expiresAt } = this.#room;
    document.documentElement.dataset.phase = phase;
    const ended = phase === 'ended';
    $('write').hidden = ended;
    $('closed').hidden = !ended;
    if (ended) setText($('closed-text'), words.ended(momentOf(expiresAt - this.#room.skew)));
    for (const button of document.querySelectorAll('[data-do=end]')) button.disabled = phase !== 'open';
    for (const button of document.querySelectorAll('[data-do=erase]')) button.disabled = phase !== 'open' && phase !== 'ended';
    this.link();
  }

  stop() {
    clearTimeout(this.#timer);
    this.#banner.stop();
  }
}

/** The last page of a conversation. */
export function showOver(kind) {
  document.documentElement.dataset.phase = kind;
  leaveNothing(words.over[kind] ?? words.over.missing, words.title);
}
