// The door: log in, make an account, and log in again when a login has run out, with everything that was being written kept behind it.
import { $, setText } from '../app/dom.js';
import { accountFailure, words } from './words.js';

export const PASSWORD_LEAST = 8;

export class Gate {
  #chats;
  #mode = 'login';
  #busy = false;

  constructor(chats) {
    this.#chats = chats;
    $('gate-form').addEventListener('submit', (event) => {
      event.preventDefault();
      this.#go();
    });
    $('gate-show').addEventListener('change', () => this.#reveal($('gate-show').checked));
    $('gate-other').addEventListener('click', () => {
      if (this.#mode === 'again') location.reload();
      else this.show(this.#mode === 'register' ? 'login' : 'register');
    });
  }

  /** @param {'login'|'register'|'again'|'deleted'|'link'|'denied'|'away'} mode */
  show(mode) {
    this.#mode = mode;
    const said = words.gate[mode];
    const form = ['login', 'register', 'again', 'deleted'].includes(mode);
    setText($('gate-title'), said.title);
    setText($('gate-lead'), said.lead);
    $('gate-fields').hidden = !form;
    $('gate-name-field').hidden = mode !== 'register';
    $('gate-hint').hidden = mode !== 'register';
    $('gate-password').autocomplete = mode === 'register' ? 'new-password' : 'current-password';
    setText($('gate-go'), said.go ?? '');
    setText($('gate-other'), said.other ?? '');
    setText($('gate-error'), '');
    $('gate').hidden = false;
    $('room').hidden = true;
    if (form) (mode === 'register' ? $('gate-name') : $('gate-login')).focus();
    else $('gate-title').focus();
  }

  /** @returns {boolean} was it to be seen? */
  hide() {
    const seen = !$('gate').hidden;
    $('gate').hidden = true;
    $('room').hidden = false;
    $('gate-password').value = '';
    this.#reveal(false);
    return seen;
  }

  #reveal(plain) {
    $('gate-show').checked = plain;
    $('gate-password').type = plain ? 'text' : 'password';
  }

  async #go() {
    if (this.#busy) return;
    const [login, password, name] = [$('gate-login').value.trim(), $('gate-password').value, $('gate-name').value.trim()];
    const registering = this.#mode === 'register';
    if (!login || !password || (registering && !name)) {
      setText($('gate-error'), words.gate.missing);
      (registering && !name ? $('gate-name') : !login ? $('gate-login') : $('gate-password')).focus();
      return;
    }
    if (registering && [...password].length < PASSWORD_LEAST) {
      setText($('gate-error'), words.gate.short(PASSWORD_LEAST));
      $('gate-password').focus();
      return;
    }
    this.#wait(true);
    setText($('gate-error'), '');
    try {
      if (registering) await this.#chats.register({ login, password, name });
      await this.#chats.login({ login, password });
    } catch (error) {
      setText($('gate-error'), this.#why(error, registering));
      if (error.status === 401) $('gate-password').focus();
    } finally {
      this.#wait(false);
    }
  }

  // Whether a login was free is told to nobody; whoever made it can log in, and that is the answer.
  #why(error, registering) {
    if (error.status === 403 && registering) return words.gate.closed;
    if (error.status === 401) return registering ? words.gate.taken : words.gate.nobody;
    return accountFailure(error);
  }

  #wait(busy) {
    this.#busy = busy;
    $('gate-form').setAttribute('aria-busy', String(busy));
    $('gate-go').disabled = busy;
    setText($('gate-go'), busy ? words.gate[this.#mode].busy : words.gate[this.#mode].go);
  }
}
