// The smaller panels beside a conversation: its threads, and the search in it.
import { $, element, setText } from '../app/dom.js';
import { Hits } from './hits.js';
import { whenOf } from './list.js';
import { titleOfThread } from './rows.js';
import { failureText, words } from './words.js';

const LOOK_MS = 250;

export class ThreadsPanel {
  #chats;
  #talk;
  #on;
  #listening = new AbortController();

  /** @param {{open: (id: string) => void}} on */
  constructor(chats, talk, on) {
    this.#chats = chats;
    this.#talk = talk;
    this.#on = on;
    $('side').replaceChildren($('threads-parts').content.cloneNode(true));
    talk.room.addEventListener('threads', () => this.#draw(), { signal: this.#listening.signal });
    this.#draw();
    talk.room.listThreads().then(() => this.#draw(), (error) => this.#state(failureText(error)));
  }

  focus() {
    ($('threads-list')?.querySelector('button') ?? $('side').querySelector('[data-do=close-side]')).focus();
  }

  stop() {
    this.#listening.abort();
  }

  #state(text) {
    if ($('threads-state')) setText($('threads-state'), text);
  }

  #draw() {
    if (!$('threads-list')) return;
    const focused = document.activeElement?.dataset?.thread;
    const threads = [...this.#talk.room.threads.values()].filter((one) => one.messageCount > 0).sort((a, b) => b.lastActivityAt - a.lastActivityAt);
    this.#state(threads.length === 0 ? words.thread.none : '');
    $('threads-list').replaceChildren(...threads.map((one) => element('li', {},
      element('button', { type: 'button', class: 'hit', 'data-thread': one.id, onclick: () => this.#on.open(one.id) },
        element('span', { class: 'first' },
          element('b', { class: 'who', dir: 'auto' }, titleOfThread(this.#talk.room, one.id) || words.thread.title),
          element('time', { class: 'when' }, whenOf(one.lastActivityAt - this.#chats.skew))),
        element('span', { class: 'said' }, words.thread.replies(one.messageCount))))));
    if (focused) $('threads-list').querySelector(`[data-thread="${focused}"]`)?.focus();
  }
}

export class SearchPanel {
  #hits;
  #timer = null;
  #looked = '';
  #talk;

  /** @param {{pick: (result: object) => void}} on */
  constructor(chats, talk, on) {
    this.#talk = talk;
    $('side').replaceChildren($('search-parts').content.cloneNode(true));
    this.#hits = new Hits(chats, { list: $('search-list'), state: $('search-state'), more: $('search-more') }, { pick: on.pick });
    setText($('search-state'), words.search.hint);
    $('search-text').addEventListener('input', () => {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#look(), LOOK_MS);
    });
    $('search-text').addEventListener('keydown', (event) => {
      if (event.key === 'Enter') this.#look();
      else if (event.key === 'ArrowDown') $('search-list').querySelector('.hit')?.focus();
      else return;
      event.preventDefault();
    });
    $('search-list').addEventListener('keydown', (event) => {
      const rows = [...$('search-list').querySelectorAll('.hit')];
      const at = rows.indexOf(document.activeElement);
      const to = { ArrowDown: at + 1, ArrowUp: at - 1 }[event.key];
      if (to === undefined || at < 0) return;
      event.preventDefault();
      (to < 0 ? $('search-text') : rows[Math.min(to, rows.length - 1)]).focus();
    });
  }

  focus() {
    $('search-text').focus();
  }

  stop() {
    clearTimeout(this.#timer);
    this.#hits.stop();
  }

  #look() {
    const text = $('search-text').value.trim();
    if (text === this.#looked) return;
    this.#looked = text;
    if (text) this.#hits.look(text, this.#talk.id);
    else {
      this.#hits.clear();
      setText($('search-state'), words.search.hint);
    }
  }
}
