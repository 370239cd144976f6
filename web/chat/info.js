// The panel about a conversation: what it is called, who is in it and as what, what one may change about it, and the ways out.
import { ask } from '../app/dialog.js';
import { $, element, icon, say, setText } from '../app/dom.js';
import { faceOf, titleOf, whoIs } from './people.js';
import { setPortrait } from './portrait.js';
import { may, rolesToGive } from './rights.js';
import { tried } from './talk.js';
import { failureText, words } from './words.js';

const DAY_S = 86_400;

export class Info {
  #chats;
  #talk;
  #members = [];
  #next = null;
  #listening = new AbortController();

  /** @param {{search: () => void}} on */
  constructor(chats, talk, on) {
    $('side').replaceChildren($('info-parts').content.cloneNode(true));
    $('info-find').addEventListener('click', () => on.search());
    this.#chats = chats;
    this.#talk = talk;
    this.#wire();
    this.changed();
    this.#load();
    talk.room.addEventListener('people', () => this.#people(), { signal: this.#listening.signal });
    talk.room.addEventListener('notice', ({ detail: { event } }) => {
      if (event.startsWith('user:')) this.#load();
    }, { signal: this.#listening.signal });
  }

  focus() {
    $('side').querySelector('[data-do=close-side]').focus();
  }

  stop() {
    this.#listening.abort();
  }

  /** The list has news of this conversation. */
  changed() {
    const one = this.#talk.conversation;
    const title = titleOf(this.#chats, one);
    setPortrait($('info-portrait'), { ...faceOf(this.#chats, one), online: false, large: true });
    setText($('info-name'), title);
    const count = one.participantCount ?? one.participants.length;
    setText($('info-sub'), one.type === 'direct' ? '' : words.head.people(count));
    $('rename').hidden = one.type === 'direct' || !may(one, 'rename');
    if (document.activeElement !== $('rename-text')) $('rename-text').value = one.title ?? '';
    this.#switch('info-mute', one.muted, one.muted ? words.info.unmute : words.info.mute);
    this.#switch('info-archive', one.status === 'archived', one.status === 'archived' ? words.info.unarchive : words.info.archive);
    $('info-archive').hidden = !may(one, 'status');
    $('info-people').hidden = one.type === 'direct';
    $('add').hidden = !may(one, 'invite');
    $('info-leave').hidden = !may(one, 'leave');
    $('info-erase').hidden = !may(one, 'erase');
    this.#keep(one);
    this.#people();
  }

  #switch(id, on, label) {
    $(id).setAttribute('aria-pressed', String(Boolean(on)));
    setText($(id).lastElementChild, label);
  }

  #keep(one) {
    $('info-keep').hidden = !may(one, 'retention');
    if (document.activeElement === $('keep')) return;
    const now = one.retentionS === undefined || one.retentionS === null ? '' : String(one.retentionS);
    const choices = Object.entries(words.info.keep).sort(([a], [b]) => (a === '' ? -1 : b === '' ? 1 : Number(a) - Number(b)));
    if (now && !(now in words.info.keep)) choices.unshift([now, words.info.kept(Math.max(1, Math.round(Number(now) / DAY_S)))]);
    $('keep').replaceChildren(...choices.map(([value, label]) => element('option', { value }, label)));
    $('keep').value = now;
  }

  // ---- people

  async #load() {
    const one = this.#talk.conversation;
    this.#members = one.participants;
    this.#people();
    if (one.type === 'direct') return;
    try {
      const page = await this.#chats.members(one.id);
      this.#members = page.participants;
      this.#next = page.next ?? null;
      this.#people();
    } catch (error) {
      this.#say(failureText(error));
    }
  }

  async #more() {
    try {
      const page = await this.#chats.members(this.#talk.id, { after: this.#next });
      this.#members = [...this.#members, ...page.participants];
      this.#next = page.next ?? null;
      this.#people();
    } catch (error) {
      this.#say(failureText(error));
    }
  }

  #people() {
    if (!$('info-list') || $('info-list').contains(document.activeElement)) return; // not under somebody's hands
    $('info-more').hidden = this.#next === null;
    $('info-list').replaceChildren(...this.#members.map((who) => this.#member(who)));
  }

  #member(who) {
    const one = this.#talk.conversation;
    const own = who.participant === this.#chats.me.id;
    const name = this.#chats.nameOf(who.participant);
    const face = element('span');
    setPortrait(face, { id: who.participant, name, online: own || this.#talk.room.participants.get(who.participant)?.online || who.online });
    const roles = rolesToGive(one);
    const changeable = !own && may(one, 'roles') && roles.includes(who.role);
    const role = changeable
      ? element('select', { 'aria-label': words.info.role(name), onchange: (event) => this.#role(who, event.target) },
        ...roles.map((each) => element('option', { value: each, selected: each === who.role }, words.info.roles[each])))
      : element('span', { class: 'soft' }, words.info.roles[who.role] ?? who.role);
    return element('li', {}, face,
      element('span', { class: 'member-name', dir: 'auto' }, own ? `${name} (${words.you.toLowerCase()})` : name), role,
      !own && may(one, 'remove') && element('button', { type: 'button', class: 'round', 'aria-label': words.info.remove(name), title: words.info.remove(name), onclick: () => this.#out(who, name) }, icon('close')));
  }

  async #role(who, select) {
    const role = select.value;
    select.disabled = true;
    try {
      await this.#chats.setRole(this.#talk.id, who.participant, role);
      who.role = role;
      this.#say(words.info.saved);
    } catch (error) {
      select.value = who.role;
      this.#say(failureText(error));
    } finally {
      select.disabled = false;
    }
  }

  #out(who, name) {
    ask(words.ask.out(name), () => tried(async () => {
      await this.#chats.remove(this.#talk.id, who.participant);
      this.#members = this.#members.filter((one) => one !== who);
      document.activeElement?.blur?.();
      this.#say(words.info.removed(name));
    })).then(() => this.#people());
  }

  async #add() {
    const field = $('add-text');
    const id = whoIs(this.#chats, field.value);
    if (!id) {
      if (field.value.trim()) this.#say(words.create.unknown(field.value.trim()));
      return;
    }
    try {
      await this.#chats.add(this.#talk.id, id);
      field.value = '';
      this.#say(words.info.added(this.#chats.nameOf(id)));
      await this.#load();
    } catch (error) {
      this.#say(failureText(error));
    }
  }

  // ---- the rest

  #wire() {
    const id = this.#talk.id;
    const press = (name, act) => $(name).addEventListener('click', () => this.#try(act));
    press('info-mute', () => this.#chats.mute(id, !this.#talk.conversation.muted));
    press('info-archive', () => this.#chats.update(id, { status: this.#talk.conversation.status === 'archived' ? 'active' : 'archived' }));
    $('info-more').addEventListener('click', () => this.#more());
    $('rename').addEventListener('submit', (event) => {
      event.preventDefault();
      this.#try(async () => {
        await this.#chats.update(id, { title: $('rename-text').value.trim() });
        this.#say(words.info.saved);
      });
    });
    $('keep').addEventListener('change', () => this.#try(async () => {
      await this.#chats.update(id, { retentionS: $('keep').value === '' ? null : Number($('keep').value) });
      this.#say(words.info.saved);
    }));
    $('add').addEventListener('submit', (event) => {
      event.preventDefault();
      this.#add();
    });
    $('info-leave').addEventListener('click', () => ask(words.ask.leave, () => tried(() => this.#chats.remove(id, this.#chats.me.id))));
    $('info-erase').addEventListener('click', () => ask(words.ask.erase, () => tried(() => this.#chats.erase(id))));
  }

  async #try(act) {
    try {
      await act();
    } catch (error) {
      this.#say(failureText(error));
    }
  }

  #say(text) {
    if ($('info-state')) setText($('info-state'), text);
    say(text);
  }
}
