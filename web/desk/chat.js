// The one chat that is open: the same parts as the session's own page, made anew from the template for each conversation and taken away whole.
import { Composer } from '../app/composer.js';
import { askGravely } from '../app/dialog.js';
import { $, element, hush, icon, say, setText } from '../app/dom.js';
import { Facts } from '../app/facts.js';
import { SessionFiles } from '../app/files.js';
import { LogView } from '../app/log.js';
import { settings } from '../app/settings.js';
import { Summary } from '../app/summary.js';
import { failureText, roleName, words as chatWords } from '../app/words.js';
import { Room } from '../room.js';
import { words } from './words.js';

const FINAL = ['expired', 'erased', 'missing', 'denied', 'left'];

/** What stands where a chat would: nothing open, or why it is not any more. */
export function showPlace({ title, text }, { focus = false } = {}) {
  const heading = element('h2', { tabindex: '-1' }, title);
  $('chat').replaceChildren(element('div', { class: 'place' }, icon('lamp-lit'), heading, element('p', {}, text)));
  for (const name of ['phase', 'link']) delete document.documentElement.dataset[name];
  if (focus) heading.focus();
}

export class Chat {
  #room;
  #facts;
  #log;
  #composer;
  #files;
  #summary;
  #over = false;
  #listening = new AbortController();

  /**
   * @param {string} ticket  a participant's, for one session
   * @param {{renew: () => Promise<string>, finished: (kind: string) => void, back: () => void, session: () => object|undefined}} on
   */
  constructor(ticket, on) {
    $('chat').replaceChildren($('chat-parts').content.cloneNode(true));
    const room = new Room({ ticket, onTicket: () => on.renew(), pageSize: settings.pageSize });
    this.#room = room;
    this.#facts = new Facts(room);
    this.#files = new SessionFiles(room, () => this.#composer.refresh(), { signal: this.#listening.signal });
    this.#composer = new Composer(room, { sending: () => this.#log.sending(), ...this.#files.composer });
    this.#log = new LogView(room, {
      ...this.#files.log,
      reply: (message) => this.#composer.replyTo(message),
      edit: (message) => this.#composer.edit(message),
      remove: (message) => askGravely(chatWords.ask.remove, () => room.remove(message.id)),
      discarded: (item) => item && this.#composer.restore(item.content),
    });
    this.#summary = new Summary(room, {
      show: (id) => {
        $('sheet').close();
        this.#log.focus(id);
      },
    });
    this.#hear(on);
    this.#wire(on);
    this.#facts.people();
    this.#facts.phase();
    room.open();
  }

  get conversationId() {
    return this.#room.conversationId;
  }

  /** Are there messages that only this page has? */
  get unsent() {
    return this.#room.outbox.some((item) => item.state === 'waiting' || item.state === 'sending');
  }

  focus() {
    if (matchMedia('(pointer: fine)').matches) this.#composer.focus();
    else $('back').focus();
  }

  /** The desk heard that its row changed. */
  rowChanged(row) {
    this.#summary.told(row.summary);
  }

  stop() {
    if (this.#over) return;
    this.#over = true;
    this.#listening.abort();
    this.#facts.stop();
    this.#files.stop();
    this.#log.clear();
    this.#composer.clear();
    this.#room.close();
    hush();
    for (const dialog of document.querySelectorAll('#chat dialog[open], #ask[open]')) dialog.close();
  }

  #hear(on) {
    const room = this.#room;
    const hear = (name, act) => room.addEventListener(name, (event) => {
      if (!this.#over) act(event.detail);
    });
    hear('messages', (detail) => this.#log.changed(detail));
    hear('outbox', ({ item }) => {
      this.#log.plan();
      this.#facts.link();
      if (item.state === 'failed') say(`${chatWords.marks.failed}: ${failureText(item.error)}`);
    });
    hear('marks', () => this.#log.marked());
    hear('people', () => this.#facts.people());
    hear('typing', () => {
      this.#facts.typing();
      this.#log.plan();
    });
    hear('deadline', ({ moved }) => this.#facts.deadline(moved));
    hear('link', () => this.#facts.link());
    hear('ticket', ({ expiresAt }) => this.#facts.ticketSoon(expiresAt));
    hear('notice', ({ event, data }) => {
      const who = data.role ? roleName(data.role) : '';
      if (event === 'user:left') this.#log.note(chatWords.left(who));
      else if (event === 'user:joined' && !room.isMe(data.participant)) this.#log.note(chatWords.joined(who));
      else if (event === 'session:assigned' && !room.isMe(data.participant)) this.#log.note(chatWords.assigned(who));
      else if (event === 'summary:requested') this.#log.note(chatWords.summaryRequested);
      else if (event === 'summary:ready') this.#log.note(chatWords.summaryReady);
    });
    hear('phase', ({ phase }) => {
      if (FINAL.includes(phase) || (phase === 'ticket' && room.expiresAt === null)) {
        on.finished(phase);
        return;
      }
      this.#facts.phase();
      this.#log.plan();
      this.#composer.enable(phase === 'open' || phase === 'ticket');
      this.#files.attachments.enable(phase === 'open');
      if (phase === 'open') {
        this.#facts.ticketSoon(null);
        this.#facts.people();
        if (matchMedia('(pointer: fine)').matches && document.activeElement === document.body) this.focus();
      }
    });
    const seen = () => this.#log.seen();
    const { signal } = this.#listening;
    document.addEventListener('visibilitychange', seen, { signal });
    addEventListener('focus', seen, { signal });
  }

  #wire(on) {
    const room = this.#room;
    $('back').addEventListener('click', () => on.back());
    $('menu').addEventListener('click', () => $('sheet').showModal());
    $('sheet-close').addEventListener('click', () => $('sheet').close());
    $('sheet').addEventListener('click', (event) => {
      if (event.target === $('sheet')) $('sheet').close();
    });
    for (const button of document.querySelectorAll('#chat [data-do=end]')) button.addEventListener('click', () => askGravely(chatWords.ask.end, () => room.end()));
    for (const button of document.querySelectorAll('#chat [data-do=erase]')) button.addEventListener('click', () => askGravely(chatWords.ask.erase, () => room.erase()));
  }
}
