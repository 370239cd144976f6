// What a conversation is called, who is in it, and how to write to somebody: said in one place for list, head and panels.
import { words } from './words.js';

export const othersOf = (conversation, me) => conversation.participants.filter((one) => one.participant !== me);

/** "Ada", "Ada and Ben", "Ada, Ben and 3 more": whatever names there are. */
export function listed(names, most = 3) {
  if (names.length <= 1) return names[0] ?? '';
  if (names.length > most) return `${names.slice(0, most - 1).join(', ')} +${names.length - most + 1}`;
  return `${names.slice(0, -1).join(', ')}${words.and}${names.at(-1)}`;
}

export function titleOf(chats, conversation) {
  const others = othersOf(conversation, chats.me?.id);
  if (conversation.type !== 'direct' && conversation.title) return conversation.title;
  return listed(others.map((one) => chats.nameOf(one.participant))) || conversation.title || words.list.youAnd;
}

/** Whose face stands for it. */
export function faceOf(chats, conversation, more = {}) {
  const others = othersOf(conversation, chats.me?.id);
  const [other] = others;
  if (conversation.type === 'direct' && other) return { id: other.participant, name: chats.nameOf(other.participant), online: other.online, ...more };
  return { id: conversation.id, name: titleOf(chats, conversation), group: true, online: others.some((one) => one.online), ...more };
}

/** What a message says in one line, without who said it. */
export function gist(message) {
  if (!message) return words.list.quiet;
  if (message.deletedAt) return words.list.deleted;
  const files = filesOf(message);
  const text = (message.content ?? '').replace(/\s+/g, ' ').trim();
  return text || (files.length > 0 ? listed(files.map((one) => one.name), 2) : words.list.file);
}

export const filesOf = (message) => message?.files ?? message?.metadata?.files ?? [];

/**
 * Whom somebody means who typed this: the id. A name of somebody known, an address, or a link with one.
 * @returns {string|null}
 */
export function whoIs(chats, text) {
  const typed = text.trim();
  const link = /[#&]with=([A-Za-z0-9_-]{1,64})$/.exec(typed);
  if (link) return link[1];
  const same = chats.names.all().filter(([, name]) => name.toLowerCase() === typed.toLowerCase());
  if (same.length === 1) return same[0][0];
  if (chats.names.known(typed)) return typed;
  // A plain word is a name that nobody here has (or several), not an address: else a slip would write to nobody.
  return /^(?=.*[\d_-])[A-Za-z0-9_-]{1,64}$/.test(typed) ? typed : null;
}
