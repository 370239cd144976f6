// The dialog of oneself: the name and address that others have, and for those with an account here the password, the logins elsewhere, and the end of it.
import { ask } from '../app/dialog.js';
import { $, say, setText } from '../app/dom.js';
import { PASSWORD_LEAST } from './gate.js';
import { setPortrait } from './portrait.js';
import { tried } from './talk.js';
import { accountFailure, words } from './words.js';

export class Own {
  #chats;
  #on;

  /** @param {{unsent: () => boolean}} on   `unsent`: is something waiting that would be lost? */
  constructor(chats, on) {
    this.#chats = chats;
    this.#on = on;
    $('self').addEventListener('click', () => this.#open());
    $('own').addEventListener('close', () => this.#clear());
    $('own-copy').addEventListener('click', () => this.#copy(chats.me.id));
    $('own-link').addEventListener('click', () => this.#copy(`${location.origin}${location.pathname}#with=${chats.me.id}`));
    $('own-show').addEventListener('change', () => this.#show($('own-show').checked));
    $('own-logout').addEventListener('click', () => this.#leave());
    $('own-everywhere').addEventListener('click', () => this.#leave({ everywhere: true }));
    const submitted = (id, act) => $(id).addEventListener('submit', (event) => {
      event.preventDefault();
      act();
    });
    submitted('own-form', () => this.#rename());
    submitted('own-password-form', () => this.#password());
    submitted('own-delete-form', () => this.#delete());
    this.draw();
  }

  draw() {
    const { me } = this.#chats;
    if (!me) return;
    for (const place of ['self-portrait', 'own-portrait']) setPortrait($(place), { id: me.id, name: me.name || me.id, large: place === 'own-portrait' });
    $('self').setAttribute('aria-label', `${words.you}: ${me.name || me.id}`);
    setText($('own-name'), me.name || me.id);
    setText($('own-address'), me.id);
  }

  #open() {
    this.draw();
    const { account } = this.#chats;
    $('own-form').hidden = !account;
    $('own-account').hidden = !account;
    $('own-new-name').value = this.#chats.me.name;
    setText($('own-state'), '');
    $('own').showModal();
    $('own-name').focus();
    if (account) this.#whoAmI();
  }

  async #whoAmI() {
    try {
      const { login } = await this.#chats.whoAmI();
      $('own-user').value = login ?? '';
      setText($('own-login'), login ? words.own.login(login) : '');
    } catch {
      // Only said for orientation.
    }
  }

  /** No password stays in a field. */
  #clear() {
    for (const form of ['own-password-form', 'own-delete-form']) $(form).reset();
    for (const part of ['own-password', 'own-delete']) $(part).open = false;
    for (const error of ['own-password-error', 'own-delete-error']) setText($(error), '');
    this.#show(false);
  }

  #show(plain) {
    for (const field of ['own-old', 'own-new']) $(field).type = plain ? 'text' : 'password';
  }

  #say(text) {
    setText($('own-state'), text);
    say(text);
  }

  async #rename() {
    const name = $('own-new-name').value.trim();
    if (!name) {
      this.#say(words.own.nameless);
      $('own-new-name').focus();
      return;
    }
    const failure = await tried(() => this.#chats.rename(name));
    this.#say(failure ?? words.info.saved);
    this.draw();
  }

  async #password() {
    const [old, fresh] = [$('own-old'), $('own-new')];
    const wrong = (field, text) => this.#wrong('own-password-error', field, text);
    if (!old.value || !fresh.value) return wrong(old.value ? fresh : old, words.gate.missing);
    if ([...fresh.value].length < PASSWORD_LEAST) return wrong(fresh, words.gate.short(PASSWORD_LEAST));
    if (fresh.value === old.value) return wrong(fresh, words.own.same);
    const error = await this.#ask('own-password', words.own.changing, () => this.#chats.changePassword(old.value, fresh.value));
    if (error) return wrong(error.status === 403 ? old : fresh, error.status === 403 ? words.own.wrong : accountFailure(error));
    this.#clear();
    $('own-password').querySelector('summary').focus();
    return this.#say(words.own.changed);
  }

  async #delete() {
    const field = $('own-sure');
    if (!field.value) return this.#wrong('own-delete-error', field, words.own.sure);
    const error = await this.#ask('own-delete', words.own.deleting, () => this.#chats.deleteAccount(field.value));
    return error && this.#wrong('own-delete-error', field, error.status === 403 ? words.own.wrong : accountFailure(error));
  }

  #wrong(place, field, text) {
    setText($(place), '');
    setText($(place), text);
    field.setAttribute('aria-invalid', 'true');
    field.addEventListener('input', () => field.removeAttribute('aria-invalid'), { once: true });
    field.focus();
    field.select();
  }

  /** @returns {Promise<Error|null>} */
  async #ask(part, busy, act) {
    const button = $(`${part}-go`);
    const label = button.textContent;
    button.disabled = true;
    setText(button, busy);
    setText($(`${part}-error`), '');
    try {
      await act();
      return null;
    } catch (error) {
      return error;
    } finally {
      button.disabled = false;
      setText(button, label);
    }
  }

  async #leave({ everywhere = false } = {}) {
    const out = () => tried(() => this.#chats.logout({ everywhere }));
    if (this.#on.unsent()) {
      $('own').close();
      await ask(words.ask.logout, out);
      return;
    }
    const failure = await out();
    if (failure) this.#say(failure);
  }

  async #copy(text) {
    try {
      await navigator.clipboard.writeText(text);
      this.#say(words.info.copied);
    } catch {
      getSelection()?.selectAllChildren($('own-address')); // no clipboard here (plain HTTP): selected, the keyboard does the rest
      setText($('own-state'), text);
    }
  }
}
