// The summary of a conversation, as its counselor sees it: asked for, awaited, read. What the model wrote is shown as text, never as anything else.
import { $, element, say, setText } from './dom.js';
import { timeOf } from './time.js';
import { failureText, words } from './words.js';

const nameOf = (part) => words.summary.parts[part] ?? part.replace(/([a-z])([A-Z])/g, '$1 $2').replace(/_/g, ' ').replace(/^./, (c) => c.toUpperCase());

/** A document as headings, lists and words, whatever JSON it is. cited(id): an element for a message that something rests on. Null: there is nothing in it. */
export function documentOf(value, cited, name = '') {
  if (Array.isArray(value)) {
    if (value.length === 0) return null;
    if (name === 'positions') return element('span', { class: 'cited' }, ...value.map(cited));
    return element('ul', {}, ...value.map((one) => element('li', {}, documentOf(one, cited))));
  }
  if (value && typeof value === 'object') {
    return element('dl', {}, ...Object.entries(value).flatMap(([part, one]) => {
      const inner = documentOf(one, cited, part);
      return inner === null ? [] : [element('dt', {}, nameOf(part)), element('dd', {}, inner)];
    }));
  }
  if (value === null || value === undefined || value === '') return null;
  return element('span', { dir: 'auto' }, name === 'kind' ? words.summary.kinds[value] ?? String(value) : String(value));
}

export class Summary {
  #room;
  #show;
  #state; // null, requested, ready, failed; undefined: not known yet
  #told; // the last that `told` heard
  #asked = 0; // which look's answer is the newest

  /** show(id): brings that message before the reader's eyes. */
  constructor(room, { show }) {
    this.#room = room;
    this.#show = show;
    $('summary-ask').addEventListener('click', () => this.#ask());
  }

  /** Heard from elsewhere how it stands: null, requested, ready, failed. */
  told(state) {
    if (state === this.#told) return;
    this.#told = state;
    if (state === 'requested' || state === null) this.#turn(state);
    else this.look();
  }

  /** The line is back: whether it failed meanwhile is told by no entry of the log. */
  again() {
    if (this.#state === 'requested') this.look();
  }

  async look() {
    const mine = ++this.#asked;
    try {
      const now = await this.#room.summary();
      if (mine === this.#asked) this.#turn(now?.status === 'running' ? 'requested' : now?.status ?? null, now ?? {});
    } catch (error) {
      if (mine === this.#asked && $('summary-state')) setText($('summary-state'), failureText(error));
    }
  }

  async #ask() {
    const button = $('summary-ask');
    if (button.getAttribute('aria-disabled') === 'true') return;
    button.setAttribute('aria-disabled', 'true'); // not `disabled`: whoever pressed it keeps the focus
    try {
      const { status } = await this.#room.askSummary();
      if (status !== 'ready') {
        this.#asked += 1;
        this.#turn('requested');
        return;
      }
      this.#tell(words.summary.unchanged);
    } catch (error) {
      this.#tell(words.summary.refused[error.code] ?? failureText(error));
    }
    button.setAttribute('aria-disabled', String(this.#state === 'requested'));
  }

  #tell(text) {
    if (!$('summary-state')) return; // the page has gone on
    setText($('summary-state'), text);
    say(text);
  }

  /** What is shown of an earlier one stays until the next one is there. */
  #turn(state, { summary, why } = {}) {
    const before = this.#state;
    this.#state = state;
    if (!$('summary-state')) return;
    const text = words.summary[why ? 'failed' : state ?? 'none'];
    if (before !== undefined && before !== state) this.#tell(text);
    else setText($('summary-state'), text);
    $('summary-ask').setAttribute('aria-disabled', String(state === 'requested'));
    setText($('summary-ask'), state === null || state === 'requested' ? words.summary.ask : words.summary.again);
    const shown = summary ? documentOf(summary, (id) => this.#cited(id)) : null;
    if (shown) $('summary-text').replaceChildren(shown);
    else if (state !== 'requested') $('summary-text').replaceChildren();
  }

  /** A message that something rests on: a way to it, where the page has it. */
  #cited(id) {
    const message = this.#room.message(id);
    if (!message) return element('span', {}, words.summary.message(id));
    return element('button', { type: 'button', class: 'cite', onclick: () => this.#show(id) }, words.summary.messageAt(timeOf(message.sentAt)));
  }
}
