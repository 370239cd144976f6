// Somebody in a group, in a dialog of their own: what they are in it, whether they may write, the way to write to them alone, and the way out.
import { ask } from '../app/dialog.js';
import { $, element, say, setText } from '../app/dom.js';
import { silenceText } from './closed.js';
import { setPortrait } from './portrait.js';
import { may, rolesToGive } from './rights.js';
import { tried } from './talk.js';
import { words } from './words.js';

/** As long as the server can say: until somebody lifts it. */
const FOR_GOOD = 253_402_300_799_999;
const SAME = 'same';

export class PersonDialog {
  #chats;
  #talk;
  #on;
  #who = null;

  /**
   * @param {{changed: (who: object) => void, out: (who: object) => void, write: (participant: string) => Promise<void>, closed: (who: object) => void}} on
   * @param {AbortSignal} signal   ends all of it
   */
  constructor(chats, talk, on, signal) {
    this.#chats = chats;
    this.#talk = talk;
    this.#on = on;
    const hear = (id, name, act) => $(id).addEventListener(name, act, { signal });
    hear('person-role', 'change', () => this.#change($('person-role'), () => this.#role()));
    hear('person-silence', 'change', () => this.#change($('person-silence'), () => this.#silence()));
    hear('person-write', 'click', () => this.#write());
    hear('person-out', 'click', () => this.#out());
    hear('person', 'close', () => on.closed(this.#who));
    signal.addEventListener('abort', () => $('person').close());
  }

  /** @param {{participant: string, role: string, online?: boolean, silencedUntil?: number}} who */
  open(who) {
    this.#who = who;
    setText($('person-state'), '');
    this.draw(who);
    $('person').showModal();
    $('person-close').focus();
  }

  /** What is known of them has changed. */
  draw(who) {
    if (who.participant !== this.#who?.participant) return;
    this.#who = who;
    const one = this.#talk.conversation;
    const name = this.#chats.nameOf(who.participant);
    setPortrait($('person-portrait'), { id: who.participant, name, large: true });
    setText($('person-name'), name);
    setText($('person-sub'), [words.info.roles[who.role] ?? who.role, who.online && words.list.here, silenceText(who.silencedUntil, this.#chats)].filter(Boolean).join(' · '));
    const roles = rolesToGive(one);
    $('person-role-field').hidden = !may(one, 'roles') || !roles.includes(who.role);
    this.#options($('person-role'), roles.map((role) => [role, words.info.roles[role]]), who.role);
    $('person-silence-field').hidden = !may(one, 'silence');
    const silenced = silenceText(who.silencedUntil, this.#chats);
    const times = Object.entries(words.person.silences);
    this.#options($('person-silence'), silenced ? [[SAME, silenced[0].toUpperCase() + silenced.slice(1)], ...times] : times, silenced ? SAME : '0');
    $('person-out').hidden = !may(one, 'remove');
  }

  #options(select, choices, chosen) {
    if (select.disabled) return; // what was chosen there is on its way
    select.replaceChildren(...choices.map(([value, label]) => element('option', { value }, label)));
    select.value = chosen;
  }

  async #change(select, act) {
    const who = this.#who;
    select.disabled = true;
    const failure = await tried(act);
    select.disabled = false;
    this.draw(who);
    this.#say(failure ?? words.info.saved);
    if (!failure) this.#on.changed(who);
    if ($('person').open) select.focus();
  }

  async #role() {
    const role = $('person-role').value;
    await this.#chats.setRole(this.#talk.id, this.#who.participant, role);
    this.#who.role = role;
  }

  async #silence() {
    const seconds = $('person-silence').value;
    if (seconds === SAME) return;
    const until = seconds === '0' ? 0 : seconds === 'good' ? FOR_GOOD : Math.round(this.#chats.now() + Number(seconds) * 1000);
    await this.#chats.silence(this.#talk.id, this.#who.participant, until);
    this.#who.silencedUntil = until;
  }

  async #write() {
    const button = $('person-write');
    button.disabled = true;
    const failure = await tried(() => this.#on.write(this.#who.participant));
    button.disabled = false;
    if (failure) this.#say(failure);
  }

  #out() {
    const who = this.#who;
    ask(words.ask.out(this.#chats.nameOf(who.participant)), () => tried(() => this.#chats.remove(this.#talk.id, who.participant))).then((done) => {
      if (!done) return;
      $('person').close();
      this.#on.out(who);
    });
  }

  #say(text) {
    setText($('person-state'), text);
    say(text);
  }
}
