// The summary of the open conversation: asked for, awaited, read. What the model wrote is shown as text, never as anything else.
import { $, element, setText } from '../app/dom.js';
import { failureText } from '../app/words.js';
import { Door } from '../room/http.js';
import { words } from './words.js';

const plain = (name) => name.replace(/([a-z])([A-Z])/g, '$1 $2').replace(/_/g, ' ').replace(/^./, (c) => c.toUpperCase());

/** Whatever JSON it is, as headings, lists and words. */
function shown(value) {
  if (Array.isArray(value)) return value.length === 0 ? null : element('ul', {}, ...value.map((one) => element('li', {}, shown(one))));
  if (value && typeof value === 'object') {
    return element('dl', {}, ...Object.entries(value).flatMap(([name, one]) => {
      const inner = shown(one);
      return inner === null ? [] : [element('dt', {}, plain(name)), element('dd', {}, inner)];
    }));
  }
  return value === null || value === undefined || value === '' ? null : element('span', { dir: 'auto' }, String(value));
}

export class Summary {
  #door;
  #state = null;

  constructor(room, ticket) {
    this.#door = new Door({ conversationId: room.conversationId, ticket });
    $('summary-ask').addEventListener('click', () => this.#ask());
    this.state(null);
  }

  /** What the desk says of it: null, requested, ready, failed. */
  state(state) {
    if (state === 'ready' && this.#state !== 'ready') this.#read();
    this.#state = state;
    if (!$('summary-state')) return;
    setText($('summary-state'), state === 'ready' ? '' : words.summary[state ?? 'none']);
    $('summary-ask').hidden = state === 'requested';
    setText($('summary-ask'), state === null ? words.summary.ask : words.summary.again);
    if (state !== 'ready') $('summary-text').replaceChildren();
  }

  async #ask() {
    $('summary-ask').disabled = true;
    try {
      const { status } = await this.#door.call('POST', '/summary', { body: {} });
      if (status === 'ready') await this.#read();
    } catch (error) {
      setText($('summary-state'), words.summary.refused[error.code] ?? failureText(error));
    } finally {
      $('summary-ask').disabled = false;
    }
  }

  async #read() {
    try {
      const { summary } = await this.#door.call('GET', '/summary');
      const content = shown(summary);
      if ($('summary-text') && content) $('summary-text').replaceChildren(content);
    } catch (error) {
      if ($('summary-state')) setText($('summary-state'), failureText(error));
    }
  }
}
