// Why nobody, or not this one, may write here: said in the place of the form, until it is over.
import { $, say, setText } from '../app/dom.js';
import { momentOf } from '../app/time.js';
import { words } from './words.js';

const LONG_MS = 10 * 365 * 86_400_000;
const TIMER_MOST_MS = 2 ** 31 - 1;

/** Until when somebody is silenced, in words; '' for who may write. Without an end in sight (as far as the server counts): that somebody must lift it. */
export function silenceText(until, chats) {
  if (!(until > chats.now())) return '';
  return until > chats.now() + LONG_MS ? words.person.silencedForGood : words.person.silencedUntil(momentOf(until - chats.skew));
}

/** '' where one may write. */
export function closedText(conversation, chats) {
  if (conversation.status === 'completed') return words.closed.completed;
  const silence = silenceText(conversation.silencedUntil, chats);
  return silence && words.closed.silenced(silence);
}

export class Closed {
  #chats;
  #conversation;
  #on;
  #part;
  #timer = null;
  #before = null;
  #moved = false; // the focus was in the form

  /** @param {() => object} conversation  @param {{changed: () => void}} on   somebody may write (or not) since now  @param {{prefix?: string}} [options] */
  constructor(chats, conversation, on, { prefix = '' } = {}) {
    this.#chats = chats;
    this.#conversation = conversation;
    this.#on = on;
    this.#part = (name) => $(prefix + name);
  }

  draw() {
    const one = this.#conversation();
    const text = closedText(one, this.#chats);
    clearTimeout(this.#timer);
    const left = one.silencedUntil - this.#chats.now();
    if (left > 0) this.#timer = setTimeout(() => this.draw(), Math.min(left + 50, TIMER_MOST_MS));
    if (text === this.#before) return;
    const first = this.#before === null;
    const form = this.#part('write');
    const had = form.contains(document.activeElement);
    form.hidden = text !== '';
    this.#part('closed').hidden = text === '';
    setText(this.#part('closed'), text);
    this.#before = text;
    if (text && had) this.#part('log').focus();
    else if (!text && this.#moved && document.activeElement === this.#part('log')) this.#part('text').focus();
    this.#moved = Boolean(text && had);
    if (first) return;
    say(text || words.closed.open);
    this.#on.changed();
  }

  stop() {
    clearTimeout(this.#timer);
  }
}
