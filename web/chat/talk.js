// The one conversation that is open: its head, messages and place to write, made anew from the template each time and taken away whole.
import { Banner } from '../app/banner.js';
import { Composer } from '../app/composer.js';
import { ask, tried as triedHere } from '../app/dialog.js';
import { $, element, hush, icon, say, setText } from '../app/dom.js';
import { LogView } from '../app/log.js';
import { dropZone, view } from '../app/files.js';
import { Closed, silenceText } from './closed.js';
import { faceOf, filesOf, listed, othersOf, titleOf } from './people.js';
import { setPortrait } from './portrait.js';
import { may } from './rights.js';
import { receiptsOf, rowHooks } from './rows.js';
import { failureText, marks, words } from './words.js';

const OVER = ['erased', 'missing', 'removed', 'left', 'denied', 'expired'];

/** What stands where a conversation would: nothing open, or why it is not any more. */
export function showPlace({ title, text }, { focus = false } = {}) {
  const heading = element('h2', { tabindex: '-1' }, title);
  $('chat').replaceChildren(element('div', { class: 'place' }, icon('lamp-lit'), heading, element('p', {}, text)));
  document.documentElement.dataset.link = 'off';
  if (focus) heading.focus();
}

export class Talk {
  #chats;
  #on;
  #room;
  #log;
  #composer;
  #attachments;
  #banner;
  #closed;
  #listening = new AbortController();
  #over = false;
  #arrival = null; // {read, unread} as they were when it was opened
  #wantsFocus = false;
  #asked = null; // the message whose readers are shown

  /**
   * @param {import('./client.js').Chats} chats
   * @param {{back: () => void, finished: (phase: string) => void, side: (name: string, what?: object) => void, drafts: import('./drafts.js').Drafts}} on
   */
  constructor(chats, id, on) {
    this.#chats = chats;
    this.#on = on;
    this.id = id;
    $('chat').replaceChildren($('talk-parts').content.cloneNode(true));
    const room = chats.conversation(id);
    this.#room = room;
    this.#banner = new Banner(room);
    const { draft, files } = on.drafts.take(id, this.#door);
    this.#attachments = files;
    const hooks = rowHooks({ chats, room, conversation: () => this.conversation, url: (file) => this.fileUrl(file) });
    this.#composer = new Composer(room, {
      sending: () => this.#log.sending(),
      name: hooks.name,
      more: () => this.#attachments.ready,
      busy: () => this.#attachments.busy,
      taken: () => this.#attachments.taken(),
    });
    this.#log = new LogView(room, { ...hooks, ...this.#acts() });
    this.#closed = new Closed(chats, () => this.conversation, { changed: () => this.changed() });
    files.enter(() => this.#composer.refresh());
    this.#hear();
    this.#wire();
    this.#head();
    this.#phase();
    if (room.phase === 'opening') room.open();
    else this.#shown();
    this.#composer.draft = draft;
  }

  get room() {
    return this.#room;
  }

  get conversation() {
    return this.#chats.conversations.get(this.id) ?? { id: this.id, type: 'group', title: '', participants: [], role: 'member', status: 'active' };
  }

  get #door() {
    return this.#chats.doorOf(this.id);
  }

  fileUrl(file) {
    return this.#door.url(`/files/${file}`, { as: this.#door.as });
  }

  focus() {
    this.#wantsFocus = $('text').disabled; // as soon as it can have it
    if (matchMedia('(pointer: fine)').matches && !$('text').disabled) this.#composer.focus();
    else $('back').focus();
  }

  /** Goes to a message that a search has found. */
  async goTo(message) {
    await this.#patiently(async () => {
      await this.#room.goTo(message);
      this.#log.render({ keepTop: true });
      this.#log.focus(message.id, { block: 'center' });
      this.#log.flash(message.id);
    });
  }

  /** The list has news of this conversation: its name, its people, its status. */
  changed() {
    if (this.#over) return;
    this.#head();
    this.#phase();
    this.#log.plan();
  }

  stop() {
    if (this.#over) return;
    this.#over = true;
    this.#listening.abort();
    this.#banner.stop();
    this.#log.clear();
    this.#closed.stop();
    this.#on.drafts.keep(this.id, this.#composer.draft, this.#attachments);
    this.#composer.clear();
    this.#chats.release(this.id);
    hush();
    for (const dialog of document.querySelectorAll('#ask[open], #receipts[open], #viewer[open]')) dialog.close();
  }

  // ---- what can be done with messages: here, and in a thread's panel

  /** @returns {object} handlers by the names of acts */
  handlers(composer, files) {
    return {
      reply: (message) => composer().replyTo(message),
      edit: (message) => composer().edit(message),
      remove: (message) => ask(words.ask.remove, () => tried(() => this.#room.remove(message.id))),
      discarded: (item) => {
        if (!item) return;
        composer().restore(item.content ?? '');
        files().restore(item.files ?? []);
      },
      info: (message) => this.#receipts(message),
      picture: (message, button) => this.#view(message, button.dataset.file),
      elsewhere: (id) => this.#patiently(() => this.#far(id)),
    };
  }

  #acts() {
    return { ...this.handlers(() => this.#composer, () => this.#attachments), thread: (message) => this.#on.side('thread', { message }) };
  }

  // A quoted message that is not loaded: back to it page by page, for it is known by its place only.
  async #far(id) {
    await this.#room.backTo(id);
    this.#log.render({ keepTop: true });
    if (this.#log.focus(id, { block: 'center' })) this.#log.flash(id);
  }

  #receipts(message) {
    this.#asked = message;
    this.#drawReceipts();
    $('receipts').showModal();
  }

  #drawReceipts() {
    const message = this.#asked;
    const groups = receiptsOf(this.#chats, this.#room, this.conversation, message);
    const list = ([title, all]) => element('section', {}, element('h3', {}, title), element('ul', { class: 'members' }, ...all.map((one) => {
      const face = element('span');
      setPortrait(face, { id: one.participant, name: this.#chats.nameOf(one.participant) });
      return element('li', {}, face, element('span', { dir: 'auto' }, this.#chats.nameOf(one.participant)));
    })));
    $('receipts-body').replaceChildren(...(groups.length > 0 ? groups.map(list) : [element('p', { class: 'soft' }, words.receipts.none)]));
  }

  #view(message, id) {
    const file = filesOf(message).find((one) => one.id === id);
    if (file) view(file, this.fileUrl(id));
  }

  async #patiently(act) {
    $('log').setAttribute('aria-busy', 'true');
    try {
      await act();
    } catch (error) {
      say(failureText(error));
      setText($('hint'), failureText(error));
    } finally {
      $('log')?.removeAttribute('aria-busy');
    }
  }

  // ---- what happens

  #hear() {
    const { signal } = this.#listening;
    const hear = (name, act) => this.#room.addEventListener(name, (event) => act(event.detail), { signal });
    hear('messages', (detail) => this.#log.changed(detail));
    hear('threads', () => this.#log.plan());
    hear('outbox', ({ item }) => {
      this.#log.plan();
      this.#banner.link();
      if (item.state === 'failed') say(`${marks.failed}: ${failureText(item.error)}`);
    });
    hear('marks', () => {
      this.#unread();
      this.#log.marked();
      if ($('receipts').open) this.#drawReceipts();
    });
    hear('people', () => this.#head());
    hear('typing', () => this.#typing());
    hear('link', () => this.#banner.link());
    hear('notice', ({ event, data }) => this.#notice(event, data));
    hear('phase', ({ phase }) => {
      if (OVER.includes(phase)) {
        this.#on.finished(phase);
        return;
      }
      this.#phase();
      this.#log.plan();
      if (phase === 'open') this.#composer.recall(); // what the draft replied to is known by now
      if (phase === 'open' && (this.#wantsFocus || document.activeElement === document.body)) this.focus();
    });
    const seen = () => this.#log.seen();
    document.addEventListener('visibilitychange', seen, { signal });
    addEventListener('focus', seen, { signal });
  }

  /** It was open before, in another moment of this page: what it knows is shown at once. */
  #shown() {
    this.#log.changed({ reset: true });
    this.#unread();
    if (this.#room.marksKnown) this.#log.marked();
    this.#banner.link();
  }

  async #notice(event, data) {
    if (!['user:joined', 'user:left', 'conversation:updated'].includes(event)) return;
    const before = this.conversation;
    const name = (id) => (this.#room.isMe(id) ? words.you : this.#chats.nameOf(id));
    const by = data.by && data.by !== data.participant ? name(data.by) : null;
    await this.#chats.getToKnow(this.id, [data.participant, data.by]);
    if (this.#over) return;
    if (event === 'user:joined') this.#log.note(by ? words.added(by, name(data.participant)) : words.joined(name(data.participant)));
    else if (event === 'user:left') this.#log.note(by ? words.takenOut(by, name(data.participant)) : words.left(name(data.participant)));
    else {
      if (data.title !== undefined && data.title !== before.title) this.#log.note(words.renamed(data.title));
      if (data.status !== undefined && data.status !== before.status) this.#log.note(words.statusNotes[data.status]);
      if (data.participant) this.#changedOf(data, name(data.participant), this.#room.isMe(data.by) ? null : by);
    }
  }

  /** Who is silenced is the affair of that one and of those who may silence. */
  #changedOf({ participant, role, silencedUntil }, who, by) {
    const own = this.#room.isMe(participant);
    if (role) this.#log.note(words.nowRole(who, own, words.info.aRole[role] ?? role));
    if (silencedUntil === undefined || !(own || may(this.conversation, 'silence'))) return;
    const silence = silenceText(silencedUntil, this.#chats);
    this.#log.note(silence ? words.silencedNote(who, own, silence, by) : words.mayWriteNote(who));
  }

  // ---- head, typing, state

  #head() {
    const one = this.conversation;
    const face = faceOf(this.#chats, { ...one, participants: this.#present(one) });
    const title = titleOf(this.#chats, one);
    setPortrait($('peer-portrait'), face);
    setPortrait($('start-portrait'), { ...face, online: false, large: true });
    setText($('peer'), title);
    setText($('start-title'), title);
    setText($('start-text'), one.type === 'direct' ? words.start.direct(title) : words.start.group(title));
    $('peer-box').classList.toggle('here', Boolean(face.online));
    this.#typing();
  }

  // The list knows who is online, the open stream knows it first.
  #present(one) {
    const { participants } = this.#room;
    return one.participants.map((each) => ({ ...each, online: participants.get(each.participant)?.online || each.online }));
  }

  #typing() {
    const names = [...this.#room.typing.keys()].map((id) => this.#chats.nameOf(id));
    const text = names.length === 0 ? '' : names.length === 1 ? words.head.writing(names[0]) : names.length === 2 ? words.head.writingTwo(...names) : words.head.writingMany;
    $('typing').hidden = names.length === 0;
    setText($('typing-text'), text);
    $('peer-box').classList.toggle('writing', names.length > 0);
    setText($('peer-state'), text || this.#state());
    if (names.length > 0) this.#log.plan();
  }

  #state() {
    const one = this.conversation;
    const people = this.#present(one);
    const tail = one.status === 'active' ? '' : ` · ${words.head[one.status]}`;
    if (one.type === 'direct') return (othersOf({ participants: people }, this.#chats.me?.id)[0]?.online ? words.head.here : words.head.away) + tail;
    const here = people.filter((each) => each.online || each.participant === this.#chats.me?.id).length;
    return words.head.peopleHere(one.participantCount ?? people.length, here) + tail;
  }

  #phase() {
    const { phase } = this.#room;
    const writes = phase === 'open' || phase === 'ticket';
    document.documentElement.dataset.talk = phase;
    this.#closed.draw();
    this.#composer.enable(writes);
    this.#attachments.enable(writes && !$('write').hidden);
    this.#banner.link();
  }

  /** How much is unread further up than what is loaded: as it was on coming here, for looking at the end moves the mark past all of it. */
  #unread() {
    const { messages, hasOlder, marksKnown } = this.#room;
    if (!marksKnown) return;
    this.#arrival ??= { read: this.#room.myRead, unread: this.conversation.unread ?? 0 };
    const { read, unread } = this.#arrival;
    const above = hasOlder && !this.#room.hasNewer && unread > 0 && (messages[0]?.id ?? 0) > read + 1;
    $('to-unread').hidden = !above;
    if (above) setText($('to-unread-text'), words.list.unread(unread));
  }

  #wire() {
    $('back').addEventListener('click', () => this.#on.back());
    $('menu').addEventListener('click', () => this.#on.side('info'));
    $('peer-box').addEventListener('click', () => this.#on.side('info'));
    $('find-here').addEventListener('click', () => this.#on.side('search'));
    $('threads-here').addEventListener('click', () => this.#on.side('threads'));
    $('to-unread').addEventListener('click', () => this.#patiently(async () => {
      $('to-unread').hidden = true;
      const { read } = this.#arrival;
      this.#arrival.unread = 0; // gone to: not offered again
      await this.#room.backTo(read);
      this.#log.markUnread({ myRead: read });
      this.#log.toUnread();
    }));
    dropZone($('chat'), this.#attachments, this.#listening);
  }
}

/** As app/dialog.js has it, in this page's words. */
export const tried = (act) => triedHere(act, failureText);
