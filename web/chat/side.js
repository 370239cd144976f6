// The panel beside the conversation, one at a time. Where there is no room for both it stands in the conversation's place, and going back in the
// tab's history closes it.
import { $ } from '../app/dom.js';

const narrow = matchMedia('(max-width: 74.99rem)');

export class Side {
  #panel = null;
  #name = null;
  #opener = null;
  #on;

  /** @param {{make: (name: string, what: object) => {focus: () => void, stop: () => void, changed?: () => void}, focus: () => void}} on   `focus`: where to go when what opened it is gone */
  constructor(on) {
    this.#on = on;
    $('side').addEventListener('click', (event) => {
      if (event.target.closest('[data-do=close-side]')) this.leave();
    });
    addEventListener('popstate', () => {
      if (this.open && narrow.matches && !history.state?.side) this.close();
    });
  }

  get open() {
    return this.#panel !== null;
  }

  /** Is there room for it and the conversation? */
  get beside() {
    return !narrow.matches;
  }

  /** What is open already closes, but for a thread: that gives way to another. */
  show(name, what = {}) {
    const opener = document.activeElement;
    if (this.#name === name && name !== 'thread') {
      this.leave();
      return;
    }
    const from = $('side').contains(opener) ? this.#opener : opener;
    this.close({ focus: false });
    if (narrow.matches && !history.state?.side) history.pushState({ side: true }, '', location.href);
    $('side').hidden = false;
    $('room').dataset.side = name;
    this.#panel = this.#on.make(name, what);
    this.#name = name;
    this.#opener = from;
    this.#panel.focus();
  }

  /** As somebody wishes: the way they came. */
  leave() {
    if (!this.open) return;
    if (history.state?.side) history.back();
    else this.close();
  }

  close({ focus = true } = {}) {
    if (!this.open) return;
    this.#panel.stop();
    this.#panel = null;
    this.#name = null;
    $('side').replaceChildren();
    $('side').hidden = true;
    delete $('room').dataset.side;
    if (!focus) return;
    if (this.#opener?.isConnected) this.#opener.focus();
    else this.#on.focus();
  }

  changed() {
    this.#panel?.changed?.();
  }
}
