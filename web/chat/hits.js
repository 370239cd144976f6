// Messages that were found: who said them where and when, with the words that were looked for marked. Under the list, and in the panel.
import { element, setText } from '../app/dom.js';
import { titleOf } from './people.js';
import { whenOf } from './list.js';
import { failureText, words } from './words.js';

/** [{text, hit}] as elements: text stays text. */
export const marked = (pieces) => (pieces ?? []).map(({ text, hit }) => (hit ? element('mark', {}, text) : text));

export class Hits {
  #chats;
  #parts;
  #on;
  #run = 0;
  #wanted = null;
  #next = null;
  #count = 0;
  #abort = null;
  #shown = []; // [result, its elements]
  #asked = new Set(); // conversations
  #listening = new AbortController();

  /**
   * @param {{list: Element, state: Element, more: Element}} parts
   * @param {{pick: (result: object) => void, where?: boolean}} on   `where`: say in which conversation
   */
  constructor(chats, parts, on) {
    this.#chats = chats;
    this.#parts = parts;
    this.#on = on;
    const { signal } = this.#listening;
    parts.more.addEventListener('click', () => this.#page(), { signal });
    for (const news of ['people', 'list']) chats.addEventListener(news, () => this.#shown.forEach((one) => this.#call(...one)), { signal });
  }

  stop() {
    this.clear();
    this.#listening.abort();
  }

  async look(text, conversation) {
    this.#run += 1;
    this.#wanted = { text, conversation };
    this.#next = null;
    this.#count = 0;
    setText(this.#parts.state, words.list.searching);
    await this.#page();
  }

  clear() {
    this.#run += 1;
    this.#abort?.abort();
    this.#wanted = null;
    this.#shown = [];
    this.#parts.list.replaceChildren();
    this.#parts.more.hidden = true;
    setText(this.#parts.state, '');
  }

  async #page() {
    const run = this.#run;
    const first = this.#next === null;
    this.#abort?.abort();
    this.#abort = new AbortController();
    try {
      const { text, conversation } = this.#wanted;
      const page = await this.#chats.search(text, { conversation, after: this.#next, signal: this.#abort.signal });
      if (run !== this.#run) return;
      if (first) this.#shown = [];
      const items = page.results.filter((one) => one.message).map((one) => this.#item(one));
      if (first) this.#parts.list.replaceChildren(...items);
      else this.#parts.list.append(...items);
      this.#count += items.length;
      this.#next = page.next ?? null;
      this.#parts.more.hidden = this.#next === null;
      setText(this.#parts.state, this.#count === 0 ? words.search.none : words.search.found(this.#count, this.#next !== null));
    } catch (error) {
      if (run === this.#run && error.code !== 'ABORTED') setText(this.#parts.state, `${words.search.failed} ${failureText(error)}`);
    }
  }

  #item(result) {
    const { message, highlight } = result;
    const parts = { who: element('b', { class: 'who', dir: 'auto' }), by: this.#on.where ? element('span', { class: 'by' }) : null };
    this.#call(result, parts);
    this.#shown.push([result, parts]);
    return element('li', {},
      element('button', { type: 'button', class: 'hit', 'data-id': message.id, onclick: () => this.#on.pick(result) },
        element('span', { class: 'first' }, parts.who, element('time', { class: 'when' }, whenOf(message.sentAt - this.#chats.skew))),
        element('span', { class: 'said', dir: 'auto' }, parts.by, ...(highlight?.length ? marked(highlight) : [message.content ?? '']))));
  }

  /** Who said it, and where. What is not known of it yet is asked for. */
  #call({ message, conversation }, { who, by }) {
    const known = this.#chats.conversations.get(conversation.id);
    this.#chats.meet(conversation.id, message.sender);
    const sender = message.sender === this.#chats.me?.id ? words.you : this.#chats.nameOf(message.sender);
    setText(by ?? who, by ? `${sender}: ` : sender);
    if (!by) return;
    setText(who, known ? titleOf(this.#chats, known) : conversation.title || words.list.untitled);
    if (known || this.#asked.has(conversation.id)) return;
    this.#asked.add(conversation.id);
    this.#chats.fetch(conversation.id).catch(() => {});
  }
}
