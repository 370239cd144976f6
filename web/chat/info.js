// The panel about a conversation: what it is called, who is in it and as what, what one may change about it, and the ways out.
import { ask } from '../app/dialog.js';
import { $, element, say, setText } from '../app/dom.js';
import { silenceText } from './closed.js';
import { faceOf, titleOf, whoIs } from './people.js';
import { PersonDialog } from './person.js';
import { setPortrait } from './portrait.js';
import { may } from './rights.js';
import { tried } from './talk.js';
import { failureText, words } from './words.js';

const DAY_S = 86_400;
const SAID_MS = 6000;

export class Info {
  #chats;
  #talk;
  #members = [];
  #next = null;
  #person;
  #saying = null;
  #listening = new AbortController();

  /** @param {{search: () => void, write: (participant: string) => Promise<void>}} on */
  constructor(chats, talk, on) {
    $('side').replaceChildren($('info-parts').content.cloneNode(true));
    $('info-find').addEventListener('click', () => on.search());
    this.#chats = chats;
    this.#talk = talk;
    const { signal } = this.#listening;
    this.#person = new PersonDialog(chats, talk, {
      changed: ({ participant, role, silencedUntil }) => {
        const member = this.#members.find((one) => one.participant === participant);
        if (member) Object.assign(member, { role, silencedUntil });
        this.#people();
      },
      out: (who) => {
        this.#members = this.#members.filter((one) => one.participant !== who.participant);
        this.#people();
        this.#say(words.info.removed(chats.nameOf(who.participant)));
        this.focus();
      },
      write: on.write,
      closed: (who) => this.#row(who?.participant)?.focus(),
    }, signal);
    this.#wire();
    this.changed();
    this.#load();
    talk.room.addEventListener('people', () => this.#people(), { signal });
    talk.room.addEventListener('notice', ({ detail: { event, data } }) => {
      if (event.startsWith('user:') || (event === 'conversation:updated' && data.participant)) this.#load();
    }, { signal });
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
    this.#switch('info-complete', one.status === 'completed', one.status === 'completed' ? words.info.reopen : words.info.complete);
    $('info-complete').hidden = one.type === 'direct' || !may(one, 'status');
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
    if (this.#members.length === 0) {
      this.#members = one.participants;
      this.#people();
    }
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
    const list = $('info-list');
    if (!list) return;
    const focused = list.contains(document.activeElement) ? document.activeElement.dataset.person : null;
    $('info-more').hidden = this.#next === null;
    list.replaceChildren(...this.#members.map((who) => this.#member(who)));
    if (focused) this.#row(focused)?.focus();
    if ($('person').open) for (const who of this.#members) this.#person.draw({ ...who, online: this.#online(who) });
  }

  #row(participant) {
    return [...($('info-list')?.querySelectorAll('[data-person]') ?? [])].find((one) => one.dataset.person === participant);
  }

  #online(who) {
    return Boolean(this.#talk.room.participants.get(who.participant)?.online || who.online);
  }

  #member(who) {
    const own = who.participant === this.#chats.me.id;
    const name = this.#chats.nameOf(who.participant);
    const online = own || this.#online(who);
    const face = element('span');
    setPortrait(face, { id: who.participant, name, online });
    const about = [words.info.roles[who.role] ?? who.role, silenceText(who.silencedUntil, this.#chats)].filter(Boolean).join(' · ');
    const parts = [face,
      element('span', { class: 'member-words' },
        element('span', { class: 'member-name', dir: 'auto' }, own ? `${name} (${words.you.toLowerCase()})` : name),
        element('span', { class: 'soft' }, about)),
      online && !own && element('span', { class: 'sr' }, words.list.here)];
    if (own) return element('li', {}, ...parts);
    return element('li', {}, element('button', { type: 'button', class: 'member', 'data-person': who.participant, 'aria-haspopup': 'dialog', onclick: () => this.#person.open({ ...who, online }) }, ...parts));
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
    press('info-complete', () => this.#chats.update(id, { status: this.#talk.conversation.status === 'completed' ? 'active' : 'completed' }));
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
    clearTimeout(this.#saying);
    this.#saying = setTimeout(() => $('info-state') && setText($('info-state'), ''), SAID_MS);
  }
}
