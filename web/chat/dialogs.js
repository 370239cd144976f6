// The dialogs of the chat application: how they close, and the one for a new conversation.
import { $, element, icon, setText } from '../app/dom.js';
import { whoIs } from './people.js';
import { failureText, words } from './words.js';

/** A click beside a dialog closes it, as people expect. */
for (const dialog of document.querySelectorAll('dialog.card, dialog.viewer')) {
  dialog.addEventListener('click', (event) => {
    if (event.target === dialog) dialog.close();
  });
}
for (const [button, dialog] of [['create-cancel', 'create'], ['own-close', 'own'], ['person-close', 'person'], ['receipts-close', 'receipts'], ['viewer-close', 'viewer']]) {
  $(button).addEventListener('click', () => $(dialog).close());
}
$('viewer').addEventListener('close', () => $('viewer-picture').removeAttribute('src'));

/** Keeps the names that text fields propose. */
export function proposeNames(chats) {
  const draw = () => {
    $('known-people').replaceChildren(...chats.names.all().filter(([id]) => id !== chats.me?.id).map(([, name]) => element('option', { value: name })));
  };
  chats.addEventListener('people', draw);
  draw();
}

export class Create {
  #chats;
  #on;
  #people = [];

  /** @param {{made: (conversation: object) => void}} on */
  constructor(chats, on) {
    this.#chats = chats;
    this.#on = on;
    $('new').addEventListener('click', () => this.open());
    $('create-add').addEventListener('click', () => this.#add());
    $('create-who').addEventListener('keydown', (event) => {
      if (event.key === 'Enter' && $('create-who').value.trim() !== '') {
        event.preventDefault();
        this.#add();
      } else if (event.key === 'Backspace' && $('create-who').value === '' && this.#people.length > 0) {
        this.#people.pop();
        this.#draw();
      }
    });
    $('create-group').addEventListener('change', () => this.#draw());
    $('create-form').addEventListener('submit', (event) => {
      event.preventDefault();
      this.#go();
    });
  }

  open(people = []) {
    this.#people = people;
    $('create-who').value = '';
    $('create-name').value = '';
    $('create-group').checked = false;
    setText($('create-error'), '');
    this.#draw();
    $('create').showModal();
    $('create-who').focus();
  }

  #add() {
    const typed = $('create-who').value.trim();
    if (!typed) return true;
    const id = whoIs(this.#chats, typed);
    const error = !id ? words.create.unknown(typed) : id === this.#chats.me.id ? words.create.self : '';
    setText($('create-error'), error);
    if (error) return false;
    if (!this.#people.includes(id)) this.#people.push(id);
    $('create-who').value = '';
    this.#draw();
    $('create-who').focus();
    return true;
  }

  #draw() {
    const group = this.#people.length > 1 || $('create-group').checked;
    $('create-people').hidden = this.#people.length === 0;
    $('create-people').replaceChildren(...this.#people.map((id) => element('li', { class: 'chip' }, element('span', { dir: 'auto' }, this.#chats.nameOf(id)),
      element('button', { type: 'button', 'aria-label': words.create.remove(this.#chats.nameOf(id)), onclick: () => {
        this.#people = this.#people.filter((one) => one !== id);
        this.#draw();
        $('create-who').focus();
      } }, icon('close')))));
    $('create-group').disabled = this.#people.length > 1;
    if (this.#people.length > 1) $('create-group').checked = true;
    $('create-title-field').hidden = !group;
    setText($('create-go'), group ? words.create.group : words.create.direct);
  }

  async #go() {
    if (!this.#add()) return;
    const group = $('create-group').checked;
    if (this.#people.length === 0 && !group) {
      setText($('create-error'), words.create.nobody);
      $('create-who').focus();
      return;
    }
    $('create-go').disabled = true;
    try {
      const made = await this.#chats.create({ type: group ? 'group' : 'direct', title: group ? $('create-name').value.trim() : '', participants: this.#people });
      $('create').close();
      this.#on.made(made);
    } catch (error) {
      setText($('create-error'), failureText(error));
    } finally {
      $('create-go').disabled = false;
    }
  }
}
