// One line to the server for all tabs of one participant: the tab that leads (share.js) holds it (line.js) and passes on what arrives; the others hear
// how it stands, and take the lead when nothing comes of it. What frames mean is their owner's business: room.js, chat/feed.js.
import { hidden, offline } from './around.js';
import { Line } from './line.js';
import { Share } from './share.js';
import { Timers } from './timers.js';

const IMPATIENT_MS = 8000;

export class Tabs {
  /** @type {'off'|'connecting'|'live'|'reconnecting'|'offline'} */
  link = 'connecting';
  line;
  #share = null;
  #leader = null; // what the leading tab said of its line
  #timers = new Timers();
  #on;

  /**
   * @param {{line: object, frame: (frame: {id: string|null, event: string, data: object}) => void, changed: () => void, greeting: () => object,
   *          welcomed: (message: object) => void, heard: (message: object) => void, live?: () => void, may?: () => boolean, follows?: () => boolean}} how
   * `line`: what line.js needs beside `frame` and `changed`; `changed`: another `link`; `live`: it is (still) live; `greeting`: what a new tab is told by
   * the one that leads, `welcomed` hears it there; `heard`: what another tab said by `post`; `may`: may a line be opened now? `follows`: does the leader's
   * line say anything about ours yet?
   */
  constructor({ line, live = () => {}, may = () => true, follows = () => true, ...on }) {
    this.#on = { live, may, follows, ...on };
    this.line = new Line({
      ...line,
      frame: (frame) => {
        this.post({ t: 'frame', frame });
        this.#on.frame(frame);
      },
      changed: () => this.look(),
    });
  }

  get leading() {
    return this.#share?.leading ?? false;
  }

  get joined() {
    return this.#share !== null;
  }

  get mode() {
    return this.leading ? this.line.mode : this.#leader?.mode ?? 'stream';
  }

  /** From here on it hears the others. `share` false: this tab is on its own. */
  join(name, share = true) {
    this.#share = new Share({
      name,
      lead: () => this.#on.may() && this.line.start(),
      follow: () => this.line.stop(),
      heard: (message) => this.#heard(message),
      ...(share ? {} : { locks: null, Channel: null }),
    });
  }

  /** From here on it may lead. */
  start() {
    this.#share.start();
  }

  stop() {
    this.#timers.stop();
    this.line.stop();
    this.#share?.stop();
    this.link = 'off';
  }

  /** To the other tabs. */
  post(message) {
    this.#share?.post(message);
  }

  /** The line anew, if it is ours. */
  restart(how) {
    if (this.leading) this.line.restart(how);
  }

  set(link) {
    if (this.link === link) return;
    this.link = link;
    if (this.leading) this.post({ t: 'link', link, mode: this.mode });
    this.#on.changed();
  }

  /** Something happened to the line, the tabs or the browser: how does our link stand now? */
  look() {
    if (this.leading) {
      const { state } = this.line;
      this.set(state === 'reconnecting' && offline() ? 'offline' : state);
      if (state === 'live') this.#on.live();
    } else if (this.#leader && this.#on.follows()) {
      this.set(this.#leader.link);
      if (this.link === 'live') {
        this.#on.live();
        this.#timers.cancel('impatient');
      } else if (!hidden()) {
        // The leader may be a tab in the background, whose timers the browser slows down.
        this.#timers.later('impatient', IMPATIENT_MS, () => {
          if (!this.leading && this.link !== 'live' && !hidden()) this.#share.steal();
        });
      }
    }
  }

  #heard(message) {
    switch (message.t) {
      case 'frame':
        if (!this.leading) this.#on.frame(message.frame);
        break;
      case 'hello':
        if (this.leading) this.post({ t: 'welcome', link: this.link, mode: this.mode, ...this.#on.greeting() });
        break;
      case 'welcome':
        if (this.leading) break;
        this.#leader = { link: message.link, mode: message.mode };
        this.#on.welcomed(message);
        this.look();
        break;
      case 'link':
        if (this.leading) break;
        this.#leader = message;
        this.look();
        break;
      default:
        this.#on.heard(message);
    }
  }
}
