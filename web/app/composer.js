// Where one writes: a text field that grows, what it replies to or edits, and the way out (Enter, or the button).
import { $, say, setText } from './dom.js';
import { failureText, roleName, words } from './words.js';

const MAX_BYTES = 16_384;
const bytesOf = (text) => new TextEncoder().encode(text).length;

export class Composer {
  #room;
  #on;
  #text = $('text');
  #reply = null;
  #edit = null;
  #draft = ''; // what stood in the field before an edit began
  #coarse = matchMedia('(pointer: coarse)');

  constructor(room, on) {
    this.#room = room;
    this.#on = on;
    this.#text.addEventListener('input', () => this.#input());
    this.#text.addEventListener('keydown', (event) => this.#key(event));
    this.#text.addEventListener('blur', () => room.typingDone());
    $('write').addEventListener('submit', (event) => {
      event.preventDefault();
      this.#submit();
    });
    // The button must not take the focus (and on phones the keyboard) from the field.
    $('send').addEventListener('pointerdown', (event) => event.preventDefault());
    $('context-close').addEventListener('click', () => this.cancel());
    this.#size();
  }

  get empty() {
    return this.#text.value.trim() === '';
  }

  focus() {
    this.#text.focus({ preventScroll: true });
  }

  replyTo(message) {
    this.cancel({ silent: true });
    this.#reply = message.id;
    this.#context(this.#room.isMe(message.sender) ? words.replyingToSelf : words.replyingTo(roleName(message.role)), message.content);
    this.focus();
  }

  edit(message) {
    this.cancel({ silent: true });
    this.#edit = message.id;
    this.#draft = this.#text.value;
    this.#text.value = message.content;
    this.#context(words.editing, message.content);
    this.#size();
    this.focus();
    this.#text.setSelectionRange(this.#text.value.length, this.#text.value.length);
  }

  /** A message that was given up comes back into the empty field. */
  restore(content) {
    if (this.empty) this.#text.value = content;
    this.#size();
    this.focus();
  }

  cancel({ silent = false } = {}) {
    if (this.#edit !== null) {
      this.#text.value = this.#draft;
      this.#size();
    }
    this.#edit = null;
    this.#reply = null;
    $('context').hidden = true;
    setText($('context-text'), ''); // it may be deleted meanwhile, and then must not stay here
    if (!silent) this.focus();
  }

  enable(can) {
    this.#text.disabled = !can;
    $('send').disabled = !can;
  }

  clear() {
    this.#text.value = '';
    this.cancel({ silent: true });
    this.#size();
  }

  #context(title, content) {
    setText($('context-title'), title);
    setText($('context-text'), content.slice(0, 200));
    $('context').hidden = false;
    say(`${title}: ${content.slice(0, 100)}`);
  }

  #input() {
    this.#size();
    if (this.#edit !== null) return;
    if (this.empty) this.#room.typingDone();
    else this.#room.typingNow();
  }

  #key(event) {
    if (event.isComposing || event.keyCode === 229) return; // an input method is still at it
    if (event.key === 'Enter' && !event.shiftKey && !this.#coarse.matches) {
      event.preventDefault();
      this.#submit();
    } else if (event.key === 'Escape' && !$('context').hidden) {
      this.cancel();
    } else if (event.key === 'ArrowUp' && this.#text.value === '' && this.#edit === null) {
      const own = this.#room.messages.findLast((one) => this.#room.isMe(one.sender) && !one.deletedAt);
      if (own) {
        event.preventDefault();
        this.edit(own);
      }
    }
  }

  async #submit() {
    const content = this.#text.value.replace(/^(?:[ \t]*\n)+|\s+$/g, ''); // blank lines around it are slips of the finger
    if (this.empty || bytesOf(content) > MAX_BYTES) return;
    if (this.#edit === null) {
      const replyTo = this.#reply ?? undefined;
      this.#text.value = '';
      this.cancel({ silent: true });
      this.#size();
      this.#room.send(content, { replyTo });
      this.#on.sending();
      return;
    }
    const id = this.#edit;
    if (content !== this.#room.message(id)?.content) {
      $('write').setAttribute('aria-busy', 'true');
      try {
        await this.#room.edit(id, content);
      } catch (error) {
        setText($('hint'), failureText(error));
        say(failureText(error));
        return;
      } finally {
        $('write').removeAttribute('aria-busy');
      }
    }
    if (this.#edit === id) this.cancel();
  }

  #size() {
    const text = this.#text;
    text.style.height = 'auto';
    text.style.height = `${text.scrollHeight + 2}px`;
    const left = MAX_BYTES - bytesOf(text.value);
    $('write').classList.toggle('too-long', left < 0);
    setText($('hint'), left < 0 ? words.tooLong(-left) : left < 1000 ? words.nearlyTooLong(left) : '');
    $('write').classList.toggle('ready', !this.empty && left >= 0);
  }
}
