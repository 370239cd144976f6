// The summaries a counselor may read, also those of sessions that are over: a group of the list, and one of them opened where a chat would stand.
import { documentOf } from '../app/summary.js';
import { $, element, icon, say, setText } from '../app/dom.js';
import { momentOf } from '../app/time.js';
import { failureText, words as chatWords } from '../app/words.js';
import { backoffMs } from '../room/http.js';
import { words } from './words.js';

const RETRIES = 4;

const stateOf = (one) => (one.why ? 'failed' : one.status === 'running' ? 'requested' : one.status);

export class Summaries {
  #desk;
  #pick;
  #list = [];
  #next = null;
  #names = new Map(); // who the student was, by session: known as long as this page stays open
  #wish = 0; // the newest look at the list
  #open = null; // {id} what is shown
  #back;

  /** @param {import('./client.js').Desk} desk  @param {{pick: (id: string) => void, back: () => void}} on */
  constructor(desk, { pick, back }) {
    this.#desk = desk;
    this.#pick = pick;
    this.#back = back;
    desk.addEventListener('sessions', ({ detail: { now } }) => {
      if (now) this.#names.set(now.conversationId, now.studentAnonymousId);
    });
    $('summaries-older').addEventListener('click', () => this.#older());
  }

  get open() {
    return this.#open?.id ?? null;
  }

  name(id) {
    return this.#names.get(id) ?? id;
  }

  /** The list as it is now. What was shown of earlier pages is asked for again when wanted. */
  async look() {
    const wish = (this.#wish += 1);
    for (let attempt = 0; attempt <= RETRIES && wish === this.#wish; attempt += 1) {
      try {
        const { summaries, next } = await this.#desk.summaries();
        if (wish !== this.#wish) return;
        this.#list = summaries;
        this.#next = next;
        this.#render();
        return;
      } catch (error) {
        if (!error.passing) return;
        await new Promise((done) => { setTimeout(done, error.retryAfterMs ?? backoffMs(attempt)); });
      }
    }
  }

  /** One became ready, or failed. */
  changed({ conversationId, status }) {
    if (!this.#desk.sessions.has(conversationId)) say(words.says.summary(this.name(conversationId), words.summaries[status] ?? ''));
    this.look();
    if (this.open === conversationId) this.show(conversationId);
  }

  async #older() {
    const wish = this.#wish;
    try {
      const { summaries, next } = await this.#desk.summaries(this.#next);
      if (wish !== this.#wish) return;
      const first = this.#list.length;
      this.#list.push(...summaries);
      this.#next = next;
      this.#render();
      $('group-summaries').querySelectorAll('.row')[first]?.focus();
    } catch (error) {
      say(failureText(error));
    }
  }

  #render() {
    if (this.#desk.over) return;
    const section = $('group-summaries');
    const focused = document.activeElement?.closest?.('#group-summaries .row')?.dataset.id;
    section.hidden = this.#list.length === 0;
    setText(section.querySelector('.count'), `${this.#list.length}${this.#next === null ? '' : '+'}`);
    section.querySelector('ul').replaceChildren(...this.#list.map((one) => element('li', {}, this.#row(one))));
    $('summaries-older').hidden = this.#next === null;
    if (focused) section.querySelector(`.row[data-id="${focused}"]`)?.focus({ preventScroll: true });
  }

  #row(one) {
    const id = one.sessionId;
    const state = stateOf(one);
    const at = momentOf((one.finishedAt ?? one.createdAt) - this.#desk.skew);
    return element('button', { type: 'button', class: 'row open kept', 'data-id': id, 'aria-current': this.open === id ? 'true' : null, onclick: () => this.#pick(id) },
      icon('summary'), element('span', { class: 'lines' }, element('span', { class: 'first' }, element('b', { class: 'who', dir: 'auto' }, this.name(id))),
        element('span', { class: 'state' }, words.summaries[state] ?? state), element('span', { class: 'more' }, at)));
  }

  /** Opens one, in place of a chat. */
  async show(id) {
    const open = (this.#open = { id });
    const heading = element('h2', { tabindex: '-1' }, words.summaryOf(this.name(id)));
    const note = element('p', { class: 'soft', role: 'status' }, words.fetching);
    const text = element('div', { class: 'summary-text' });
    const back = element('button', { id: 'back', type: 'button', class: 'round', 'aria-label': words.back, title: `${words.back} (Escape)`, onclick: () => this.#back() }, icon('back'));
    $('chat').replaceChildren(element('header', { class: 'top' }, back, element('div', { class: 'peer' }, element('div', { class: 'peer-words' }, heading))), element('article', { class: 'kept-text' }, note, text));
    for (const name of ['phase', 'link']) delete document.documentElement.dataset[name];
    this.#render();
    heading.focus();
    try {
      const one = await this.#desk.summary(id);
      if (open !== this.#open) return;
      const state = stateOf(one);
      setText(note, state === 'ready' ? words.writtenAt(momentOf(one.finishedAt - this.#desk.skew)) : chatWords.summary[state] ?? '');
      const shown = one.summary ? documentOf(one.summary, (message) => element('span', {}, chatWords.summary.message(message))) : null;
      text.replaceChildren(...(shown ? [shown] : []));
    } catch (error) {
      if (open !== this.#open) return;
      text.replaceChildren();
      setText(note, error.status === 404 || error.status === 410 ? words.summaryGone : failureText(error));
      if (error.status === 404 || error.status === 410) this.look();
    }
  }

  /** Something else stands there now. Returns what stood there. */
  close() {
    const id = this.open;
    this.#open = null;
    if (id) this.#render();
    return id;
  }

  focus(id) {
    $('group-summaries').querySelector(`.row[data-id="${id}"]`)?.focus();
  }
}
