// One line above the messages for everything that concerns the connection; short interruptions show nothing.
import { $, setText } from './dom.js';
import { momentOf } from './time.js';
import { words } from './words.js';

export class Banner {
  #room;
  #timer = null;
  #shown = '';
  #wasDown = false;
  #ticketSoon = '';

  constructor(room) {
    this.#room = room;
  }

  link() {
    const room = this.#room;
    const waiting = (room.pending ?? room.outbox).filter((item) => item.state === 'waiting' || item.state === 'sending').length;
    const tail = waiting > 0 ? ` ${words.link.waiting(waiting)}` : '';
    document.documentElement.dataset.link = room.link;
    if (room.phase === 'ticket') {
      this.#say('key', `${words.link.ticket}${tail}`, 0);
    } else if (room.link === 'live' || room.link === 'off') {
      if (this.#ticketSoon) this.#say('key', this.#ticketSoon, 0);
      else if (room.link === 'live' && this.#wasDown) this.#backAgain();
      else if (!this.#wasDown) this.#say('', '', 0);
    } else {
      const delay = room.link === 'offline' ? 0 : this.#shown ? 0 : 1200;
      const kind = room.link === 'offline' ? 'offline' : 'wait';
      this.#say(kind, `${words.link[room.link] ?? words.link.reconnecting}${tail}`, delay, () => {
        this.#wasDown = room.link !== 'connecting';
      });
    }
  }

  ticketSoon(expiresAt) {
    this.#ticketSoon = expiresAt ? words.link.ticketSoon(momentOf(expiresAt)) : '';
    this.link();
  }

  stop() {
    clearTimeout(this.#timer);
  }

  #backAgain() {
    this.#wasDown = false;
    this.#say('back', words.link.back, 0);
    this.#timer = setTimeout(() => this.#say('', '', 0), 2500);
  }

  #say(kind, text, delayMs, shown = () => {}) {
    clearTimeout(this.#timer);
    const show = () => {
      this.#shown = text;
      $('banner').className = `banner ${kind}`;
      $('banner').classList.toggle('empty', text === '');
      if ($('banner-text').textContent !== text) setText($('banner-text'), text);
      shown();
    };
    if (delayMs === 0) show();
    else this.#timer = setTimeout(show, delayMs);
  }
}
