// What a lasting conversation adds to the rows of the message list: faces and names, files, threads, who has read it.
import { element, icon } from '../app/dom.js';
import { timeOf } from '../app/time.js';
import { filesShown } from '../app/files.js';
import { closedText } from './closed.js';
import { filesOf, gist, listed } from './people.js';
import { portrait } from './portrait.js';
import { may } from './rights.js';
import { marks, words } from './words.js';

/**
 * Hooks for app/log.js.
 * @param {{chats: import('./client.js').Chats, room: import('./conversation.js').Conversation, conversation: () => object, url: (file: string) => string, thread?: () => string|null}} of
 *   `thread`: its id; these are the rows of that thread's panel, not of the conversation
 */
export function rowHooks({ chats, room, conversation, url, thread = () => null }) {
  const group = () => conversation().type !== 'direct';
  const name = (message) => {
    if (message.type !== 'system' && message.sender) chats.meet(room.conversationId, message.sender);
    return chats.nameOf(message.sender);
  };

  function readers(message) {
    const others = conversation().participants.filter((one) => one.participant !== chats.me.id);
    return { names: others.filter((one) => (room.marks.read[one.participant] ?? 0) >= message.id).map((one) => chats.nameOf(one.participant)), of: others.length };
  }

  return {
    name,
    extra(message) {
      const files = message.deletedAt ? [] : filesOf(message);
      const here = thread();
      const own = message.sender === undefined || room.isMe(message.sender); // what waits in the outbox has no sender yet
      const elsewhere = message.threadId && message.threadId !== here ? message.threadId : null;
      const info = message.id ? room.threadAt(message.id) : null;
      const shownThread = info && info.id !== here && info.messageCount > 0 ? { id: info.id, count: info.messageCount, at: info.lastActivityAt } : null;
      return {
        files,
        in: here ? null : elsewhere,
        of: elsewhere && !here ? titleOfThread(room, elsewhere) : null,
        thread: shownThread,
        closed: closedText(conversation(), chats) !== '',
        readers: own && message.id && group() ? readers(message) : null,
        face: group() && !own ? { id: message.sender, name: name(message) } : null,
        label: [...files.map((one) => one.name), shownThread && words.thread.replies(shownThread.count)].filter(Boolean).join('. '),
      };
    },
    body: (row) => filesShown(row.extra?.files ?? [], url),
    beside: (row) => (row.extra?.face ? element('span', { class: 'beside' }, row.last && portrait(row.extra.face)) : null),
    foot(row) {
      const parts = [];
      if (row.first && row.extra?.face) parts.push(element('span', { class: 'author', 'aria-hidden': 'true', dir: 'auto' }, row.name));
      const info = row.extra?.thread;
      if (info && row.id !== null) {
        parts.push(element('button', { type: 'button', class: 'has-thread', 'data-act': 'thread', tabindex: '-1' }, icon('thread'),
          element('b', {}, words.thread.replies(info.count)), ` · ${words.thread.last(timeOf(info.at - chats.skew))}`));
      }
      return parts;
    },
    state(row) {
      const told = row.extra?.readers;
      if (row.state !== 'read' || !told || told.names.length === 0) return null;
      if (told.names.length === told.of && told.of > 1) return words.readByAll;
      return told.names.length <= 3 ? words.readBy(listed(told.names)) : words.readByMany(told.names.length, told.of);
    },
    acts(row) {
      const writes = !row.extra?.closed;
      const able = writes ? ['reply', 'thread'] : row.extra.thread ? ['thread'] : [];
      if (writes && row.own && row.text) able.push('edit');
      if (row.own) able.push('info');
      if (row.own || may(conversation(), 'deleteOthers')) able.push('remove');
      return able.map((act) => [act, words.acts[act]]);
    },
    /** What was said in threads stands as one line each where it was said; several of one thread in a row are one. */
    arrange(rows) {
      const arranged = [];
      for (const row of rows) {
        const within = row.extra?.in;
        if (!within) {
          arranged.push(row);
        } else if (!row.deleted) {
          const before = arranged.at(-1);
          const same = before?.kind === 'inthread' && before.in === within;
          if (same) arranged.pop();
          arranged.push({ kind: 'inthread', key: row.key, id: row.id, at: row.at, in: within, of: row.extra.of, count: same ? before.count + 1 : 1, name: row.name, text: row.text || listed(row.extra.files.map((one) => one.name), 2) });
        }
      }
      return arranged;
    },
    fill(row) {
      const where = row.of ? words.thread.in(row.of) : words.thread.some;
      const more = row.count > 1 ? ` · ${words.thread.more(row.count - 1)}` : '';
      return [element('article', { tabindex: '-1', 'aria-label': `${row.name} ${where}. ${row.text}${more}` },
        element('button', { type: 'button', 'data-act': 'thread', tabindex: '-1' }, icon('thread'),
          element('span', { class: 'line' },
            element('span', { dir: 'auto' }, element('b', {}, row.name), ` ${where}${more}`),
            element('span', { class: 'what-said', dir: 'auto' }, row.text))))];
    },
  };
}

const SHORT = 40;
const short = (text) => (text.length <= SHORT ? text : `${text.slice(0, SHORT).replace(/\s+\S*$/, '')}…`);

/** What a thread is called: its title, or what it began with. */
export function titleOfThread(room, id) {
  const info = room.threads.get(id);
  if (info?.title) return info.title;
  const root = info?.root ? room.message(info.root) : null;
  return root && !root.deletedAt ? short(gist(root)) : '';
}

/** For the dialog: who has read a message, who has it, who has not. */
export function receiptsOf(chats, room, conversation, message) {
  const others = conversation.participants.filter((one) => one.participant !== chats.me.id)
    .sort((a, b) => chats.nameOf(a.participant).localeCompare(chats.nameOf(b.participant)));
  const reached = (kind, one) => (room.marks[kind][one.participant] ?? 0) >= message.id;
  const read = others.filter((one) => reached('read', one));
  const delivered = others.filter((one) => !reached('read', one) && reached('delivered', one));
  const waiting = others.filter((one) => !reached('read', one) && !reached('delivered', one));
  return [[marks.read, read], [marks.delivered, delivered], [words.receipts.waiting, waiting]].filter(([, all]) => all.length > 0);
}
