// The panel of one thread, beside the conversation: what it began with, its replies, and a place to write. A thread nobody has replied to
// yet is made by the first reply.
import { Composer } from '../app/composer.js';
import { $, say, setText } from '../app/dom.js';
import { LogView } from '../app/log.js';
import { Closed } from './closed.js';
import { titleOfThread, rowHooks } from './rows.js';
import { failureText, words } from './words.js';

const PAGES = 8;

export class ThreadPanel {
  #chats;
  #talk;
  #thread;
  #log;
  #composer;
  #attachments;
  #closed;
  #on;
  #listening = new AbortController();

  /**
   * @param {import('./talk.js').Talk} talk
   * @param {import('./thread.js').Thread} thread   one there is, or one to be made
   * @param {{open: (what: {message?: object, id?: string, parent?: string}) => void, drafts: import('./drafts.js').Drafts}} on   `open`: another thread, under this one or above
   * @param {object|null} [found]   the message to go to
   */
  constructor(chats, talk, thread, on, found = null) {
    this.#chats = chats;
    this.#on = on;
    this.#talk = talk;
    this.#thread = thread;
    $('side').replaceChildren($('thread-parts').content.cloneNode(true));
    const { room } = talk;
    const { draft, files } = on.drafts.take(this.#key, chats.doorOf(talk.id));
    this.#attachments = files;
    const hooks = rowHooks({ chats, room, conversation: () => talk.conversation, url: (file) => talk.fileUrl(file), thread: () => thread.id });
    this.#composer = new Composer(thread, {
      sending: () => this.#log.sending(),
      name: hooks.name,
      more: () => this.#attachments.ready,
      busy: () => this.#attachments.busy,
      taken: () => this.#attachments.taken(),
    }, { prefix: 'thread-' });
    this.#log = new LogView(thread, {
      ...hooks,
      ...talk.handlers(() => this.#composer, () => files),
      thread: (message) => on.open({ message, parent: thread.id }),
    }, { prefix: 'thread-' });
    $('thread-up').addEventListener('click', () => on.open({ id: thread.info.parent }));
    this.#closed = new Closed(chats, () => talk.conversation, { changed: () => this.#enable() }, { prefix: 'thread-' });
    files.enter(() => this.#composer.refresh(), { prefix: 'thread-' });
    this.#hear();
    this.#title();
    this.#enable();
    this.#open(found);
    this.#composer.draft = draft;
  }

  get #key() {
    return `${this.#talk.id}/${this.#thread.id ?? `at-${this.#thread.root?.id}`}`;
  }

  get #stopped() {
    return this.#listening.signal.aborted;
  }

  get id() {
    return this.#thread.id;
  }

  focus() {
    this.#composer.focus();
  }

  /** The list has news of the conversation. */
  changed() {
    this.#enable();
    this.#log.plan();
  }

  stop() {
    this.#listening.abort();
    this.#log.clear();
    this.#closed.stop();
    this.#on.drafts.keep(this.#key, this.#composer.draft, this.#attachments, this.#thread.id);
    this.#talk.room.closeThread(this.#thread.id);
  }

  async #open(found) {
    try {
      await this.#thread.open();
      if (this.#stopped) return;
      this.#composer.recall(); // what the draft replied to is known by now
      if (found) await this.goTo(found);
    } catch (error) {
      if (!this.#stopped) setText($('thread-hint'), `${words.thread.failed} ${failureText(error)}`);
    }
  }

  /** Goes to one of its messages, back page by page as far as it takes. */
  async goTo({ id }) {
    for (let pages = 0; pages < PAGES && this.#thread.hasOlder && !this.#thread.log.get(id); pages += 1) await this.#thread.loadOlder();
    if (this.#stopped) return;
    this.#log.render({ keepTop: true });
    if (this.#log.focus(id, { block: 'center' })) this.#log.flash(id);
  }

  #enable() {
    const writes = ['open', 'ticket'].includes(this.#talk.room.phase);
    this.#closed.draw();
    this.#composer.enable(writes);
    this.#attachments.enable(writes && !$('thread-write').hidden);
  }

  #hear() {
    const { signal } = this.#listening;
    const { room } = this.#talk;
    this.#thread.addEventListener('messages', ({ detail }) => {
      this.#log.changed(detail);
      if (detail.reset && room.marksKnown) this.#log.marked();
      this.#title();
    }, { signal });
    this.#thread.addEventListener('failed', ({ detail: { content, files, error } }) => {
      this.#composer.restore(content);
      this.#attachments.restore(files);
      setText($('thread-hint'), failureText(error));
      say(failureText(error));
    }, { signal });
    const plan = () => this.#log.plan();
    for (const name of ['outbox', 'people', 'messages']) room.addEventListener(name, plan, { signal });
    room.addEventListener('marks', () => this.#log.marked(), { signal });
    room.addEventListener('threads', () => {
      this.#title();
      plan();
    }, { signal });
    room.addEventListener('phase', () => this.#enable(), { signal });
    const seen = () => this.#log.seen();
    document.addEventListener('visibilitychange', seen, { signal });
    addEventListener('focus', seen, { signal });
  }

  #title() {
    const { info } = this.#thread;
    setText($('thread-title'), info?.title || words.thread.title);
    setText($('thread-of'), info && info.messageCount > 0 ? words.thread.replies(info.messageCount) : '');
    $('thread-start').firstElementChild.hidden = !this.#thread.loaded || this.#thread.messages.some(({ id }) => id !== this.#thread.root?.id);
    $('thread-up').hidden = !info?.parent;
    if (info?.parent) $('thread-up').title = titleOfThread(this.#talk.room, info.parent) || words.thread.under;
  }
}
