// Where one writes: a text field that grows, what it replies to or edits, and the way out (Enter, or the button).
import { $ as byId, say, setText } from './dom.js';
import { failureText, roleName, words } from './words.js';

const MAX_BYTES = 16_384;
const bytesOf = (text) => new TextEncoder().encode(text).length;

/** What is sent of what was typed: blank lines around it are slips of the finger. */
export const contentOf = (text) => text.replace(/^(?:[ \t]*\n)+|\s+$/g, '');

export class Composer {
  #room;
  #on;
  #part; // element of ours by name
  #text;
  #reply = null;
  #edit = null;
  #due = false; // sent as soon as nothing is in the way
  #draft = ''; // what stood in the field before an edit began
  #resume = null; // an edit to go on with, as soon as its message is known
  #coarse = matchMedia('(pointer: coarse)');

  /**
   * @param {import('../room.js').Room} room   or whatever has the same state and methods
   * @param {{sending: () => void, name?: (message: object) => string, more?: () => object|null,
   *   busy?: () => string|false, taken?: () => void}} on
   *   `more`: what goes with the text (files), so that there may be none; `taken`: it went; `busy`: it has to wait, and what to say meanwhile
   * @param {{prefix?: string}} [options]   what the ids of its elements begin with
   */
  constructor(room, on, { prefix = '' } = {}) {
    this.#room = room;
    this.#on = on;
    this.#part = (name) => byId(prefix + name);
    this.#text = this.#part('text');
    this.#text.addEventListener('input', () => this.#input());
    this.#text.addEventListener('keydown', (event) => this.#key(event));
    this.#text.addEventListener('blur', () => room.typingDone());
    this.#part('write').addEventListener('submit', (event) => {
      event.preventDefault();
      this.#submit();
    });
    // The button must not take the focus (and on phones the keyboard) from the field.
    this.#part('send').addEventListener('pointerdown', (event) => event.preventDefault());
    this.#part('context-close').addEventListener('click', () => this.cancel());
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
    this.recall();
    this.focus();
  }

  /** Shows what it replies to, as far as that is known: once more when the history has come. */
  recall() {
    const edited = this.#resume && this.#room.message(this.#resume.id);
    if (edited && !edited.deletedAt) {
      this.#change(edited, this.#resume.text);
      return;
    }
    if (this.#reply === null) return;
    const message = this.#room.message(this.#reply);
    if (!message) {
      this.#context(words.replying, words.gone); // further up than what is loaded, and a reply all the same
      return;
    }
    const name = this.#on.name?.(message) ?? roleName(message.role);
    this.#context(this.#room.isMe(message.sender) ? words.replyingToSelf : words.replyingTo(name), message.content ?? '');
  }

  edit(message) {
    this.#change(message, message.content ?? '');
    this.focus();
    this.#text.setSelectionRange(this.#text.value.length, this.#text.value.length);
  }

  #change(message, text) {
    this.cancel({ silent: true });
    this.#edit = message.id;
    this.#draft = this.#text.value;
    this.#text.value = text;
    this.#context(words.editing, message.content ?? '');
    this.#size();
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
    this.#resume = null;
    this.#reply = null;
    this.#part('context').hidden = true;
    setText(this.#part('context-text'), ''); // it may be deleted meanwhile, and then must not stay here
    if (!silent) this.focus();
  }

  enable(can) {
    this.#text.disabled = !can;
    this.#part('send').disabled = !can;
  }

  clear() {
    this.#due = false;
    this.#text.value = '';
    this.cancel({ silent: true });
    this.#size();
  }

  #context(title, content) {
    setText(this.#part('context-title'), title);
    setText(this.#part('context-text'), content.slice(0, 200));
    this.#part('context').hidden = false;
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
    } else if (event.key === 'Escape' && !this.#part('context').hidden) {
      event.preventDefault(); // one step back is enough
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
    const content = contentOf(this.#text.value);
    if (bytesOf(content) > MAX_BYTES) return;
    const busy = this.#edit === null && this.#on.busy?.();
    this.#due = Boolean(busy);
    if (busy) {
      setText(this.#part('hint'), busy);
      return;
    }
    const more = this.#edit === null ? this.#on.more?.() ?? null : null;
    if (this.empty && !more) return;
    if (this.#edit === null) {
      const replyTo = this.#reply ?? undefined;
      this.#text.value = '';
      this.cancel({ silent: true });
      this.#size();
      this.#room.send(content, { replyTo, ...more });
      if (more) this.#on.taken?.();
      this.#size();
      this.#on.sending();
      return;
    }
    const id = this.#edit;
    if (content !== this.#room.message(id)?.content) {
      this.#part('write').setAttribute('aria-busy', 'true');
      try {
        await this.#room.edit(id, content);
      } catch (error) {
        setText(this.#part('hint'), failureText(error));
        say(failureText(error));
        return;
      } finally {
        this.#part('write').removeAttribute('aria-busy');
      }
    }
    if (this.#edit === id) this.cancel();
  }

  #size() {
    const text = this.#text;
    text.style.height = 'auto';
    text.style.height = `${text.scrollHeight + 2}px`;
    const left = MAX_BYTES - bytesOf(text.value);
    this.#part('write').classList.toggle('too-long', left < 0);
    setText(this.#part('hint'), left < 0 ? words.tooLong(-left) : left < 1000 ? words.nearlyTooLong(left) : '');
    this.#ready(left);
  }

  #ready(left = MAX_BYTES - bytesOf(this.#text.value)) {
    this.#part('write').classList.toggle('ready', (!this.empty || Boolean(this.#on.more?.())) && left >= 0);
  }

  /** What `more` and `busy` say has changed. What the hint says stays: it may be about the files. */
  refresh() {
    this.#ready();
    if (!this.#due) return;
    const busy = this.#on.busy?.();
    if (busy) setText(this.#part('hint'), busy);
    else this.#submit();
  }

  /**
   * What is being written, to be put back later: when the conversation is opened again. Null: nothing. `due`: it is to be sent as soon as nothing is in the way;
   * `edit`: a message that is being edited meanwhile.
   * @returns {{text: string, reply: number|null, due: boolean, edit: {id: number, text: string}|null}|null}
   */
  get draft() {
    const edit = this.#edit === null ? this.#resume : { id: this.#edit, text: this.#text.value };
    const text = this.#edit === null ? this.#text.value : this.#draft;
    return text.trim() === '' && this.#reply === null && !this.#due && !edit ? null : { text, reply: this.#reply, due: this.#due, edit };
  }

  // A reply stays one while the history is on its way: who leaves again before it has come loses nothing. `recall` shows it then.
  set draft(draft) {
    this.cancel({ silent: true });
    this.#reply = draft?.reply ?? null;
    this.#due = draft?.due ?? false;
    this.#resume = draft?.edit ?? null;
    this.#text.value = draft?.text ?? '';
    this.#size();
    if (this.#room.phase !== 'opening') this.recall();
  }
}
