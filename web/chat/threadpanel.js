// The panel of one thread, beside the conversation: what it began with, its replies, and a place to write. A thread nobody has replied to
// yet is made by the first reply.
import { Composer } from '../app/composer.js';
import { $, say, setText } from '../app/dom.js';
import { LogView } from '../app/log.js';
import { Attachments } from '../app/files.js';
import { titleOfThread, rowHooks } from './rows.js';
import { failureText, words } from './words.js';

export class ThreadPanel {
  #chats;
  #talk;
  #thread;
  #log;
  #composer;
  #attachments;
  #listening = new AbortController();

  /**
   * @param {import('./talk.js').Talk} talk
   * @param {import('./thread.js').Thread} thread   one there is, or one to be made
   * @param {{open: (what: {message?: object, id?: string, parent?: string}) => void}} on   go to another thread: under this one, or above
   */
  constructor(chats, talk, thread, on) {
    this.#chats = chats;
    this.#talk = talk;
    this.#thread = thread;
    $('side').replaceChildren($('thread-parts').content.cloneNode(true));
    const { room } = talk;
    this.#attachments = new Attachments(chats.doorOf(talk.id), () => this.#composer.refresh(), { prefix: 'thread-' });
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
      ...talk.handlers(() => this.#composer),
      thread: (message) => on.open({ message, parent: thread.id }),
    }, { prefix: 'thread-' });
    $('thread-up').addEventListener('click', () => on.open({ id: thread.info.parent }));
    this.#hear();
    this.#title();
    this.#open();
  }

  get id() {
    return this.#thread.id;
  }

  focus() {
    this.#composer.focus();
  }

  stop() {
    this.#listening.abort();
    this.#log.clear();
    this.#attachments.clear();
    this.#talk.room.closeThread(this.#thread.id);
  }

  async #open() {
    try {
      await this.#thread.open();
    } catch (error) {
      setText($('thread-hint'), `${words.thread.failed} ${failureText(error)}`);
    }
  }

  #hear() {
    const { signal } = this.#listening;
    const { room } = this.#talk;
    this.#thread.addEventListener('messages', ({ detail }) => {
      this.#log.changed(detail);
      if (detail.reset && room.marksKnown) this.#log.marked();
      this.#title();
    }, { signal });
    this.#thread.addEventListener('failed', ({ detail: { content, error } }) => {
      this.#composer.restore(content);
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
    room.addEventListener('phase', () => this.#composer.enable(room.phase === 'open' || room.phase === 'ticket'), { signal });
    const seen = () => this.#log.seen();
    document.addEventListener('visibilitychange', seen, { signal });
    addEventListener('focus', seen, { signal });
  }

  #title() {
    const { info } = this.#thread;
    setText($('thread-title'), info?.title || words.thread.title);
    setText($('thread-of'), info && info.messageCount > 0 ? words.thread.replies(info.messageCount) : '');
    $('thread-start').firstElementChild.hidden = this.#thread.messages.length > 1;
    $('thread-up').hidden = !info?.parent;
    if (info?.parent) $('thread-up').title = titleOfThread(this.#talk.room, info.parent) || words.thread.under;
  }
}
