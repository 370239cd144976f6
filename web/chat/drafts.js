// What is being written while something else is open: text, what it replies to, files. In memory only. Of conversations by their ids, of
// threads by `<conversation>/<thread>`. What was to be sent as soon as its files are up is sent from here.
import { contentOf } from '../app/composer.js';
import { Attachments } from '../app/files.js';
import { words } from './words.js';

export class Drafts {
  #all = new Map(); // key → {draft: {text, reply, due}|null, files: Attachments}
  #on;

  /** @param {{changed: () => void, send: (conversation: string, content: string, more: object) => void}} on */
  constructor(on) {
    this.#on = on;
  }

  /** What was begun there, to go on with: its files (there may be none) have to `enter` the page, its text is the composer's. */
  take(key, door) {
    const { draft = null, files = new Attachments(door) } = this.#all.get(key) ?? {};
    this.#forget(key);
    return { draft, files };
  }

  /** @param {string|null} [thread]   what was due cannot be sent from here to a thread that is still to be made: null */
  keep(key, draft, files, thread) {
    files.leave(() => {
      if (draft?.due && thread !== null && !files.busy) this.#send(key, thread);
    });
    if (!draft && files.names.length === 0) return;
    this.#all.set(key, { draft, files });
    this.#on.changed();
  }

  /** In a line; '' where nothing was begun. */
  gist(conversation) {
    const { draft, files } = this.#all.get(conversation) ?? {};
    if (!files) return '';
    return (draft?.edit ?? draft)?.text.replace(/\s+/g, ' ').trim() || files.names.join(', ') || words.acts.reply;
  }

  /** Is something here that was to be sent? */
  get due() {
    return [...this.#all.values()].some(({ draft }) => draft?.due);
  }

  /** Of a conversation that is over, its threads' too. */
  drop(conversation) {
    for (const [key, { files }] of [...this.#all]) {
      if (key !== conversation && !key.startsWith(`${conversation}/`)) continue;
      files.clear();
      this.#forget(key);
    }
  }

  #send(key, thread) {
    const { draft, files } = this.#all.get(key) ?? {};
    if (!draft || !files.ready) return;
    this.#forget(key);
    this.#on.send(key.split('/')[0], contentOf(draft.text), { replyTo: draft.reply ?? undefined, threadId: thread, ...files.ready });
  }

  #forget(key) {
    if (this.#all.delete(key)) this.#on.changed();
  }
}
