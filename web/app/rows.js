// One row of the message list: what a message (or what waits in the outbox) looks like as plain data, and that data as elements.
// app/log.js keeps the list; pages that show more than a session does add to it by hooks.
import { arrange, element, icon, linked } from './dom.js';
import { timeOf } from './time.js';
import { failureText, roleName, words } from './words.js';

/**
 * What a page may say about its rows; all of it optional.
 * @typedef {object} RowHooks
 * @property {(message: object) => string} [name]       what others are called
 * @property {(message: object) => object|null} [extra] plain data of its own, kept as `row.extra`; a row is drawn anew when it changes
 * @property {(row: object) => Node[]} [body]           elements under the text, within the bubble
 * @property {(row: object) => Node|null} [beside]      an element beside the bubble: a portrait
 * @property {(row: object) => Node[]} [foot]           elements under the bubble
 * @property {(row: object) => string|null} [state]     what is written beside the mark of the last own message
 * @property {(rows: object[]) => object[]} [arrange]   the rows as they shall stand; a row of a kind of its own is drawn by `fill`
 * @property {(row: object) => Node[]} [fill]           the elements of a row of a kind that is not known here
 * @property {(row: object) => [string, string][]} [acts] what can be done: names (an icon has it, and so has the handler) and labels
 */

const PLAIN = new Set(['day', 'unread', 'note']);
const nameOf = (hooks, message) => (hooks.name ? hooks.name(message) : roleName(message.role));

function quoteOf(room, hooks, id) {
  if (!id) return null;
  const message = room.message(id);
  if (!message) return { id, name: null, text: words.gone };
  const own = room.isMe(message.sender);
  const text = message.deletedAt ? (own ? words.deletedOwn : words.deletedOther) : (message.content ?? message.files?.[0]?.name ?? '').slice(0, 160);
  return { id, name: own ? words.you : nameOf(hooks, message), text };
}

export function messageRow(room, hooks, message) {
  const own = room.isMe(message.sender);
  return {
    kind: message.type === 'system' ? 'note' : 'message',
    key: own && message.clientId ? `c:${message.clientId}` : `m:${message.id}`,
    id: message.id,
    sender: message.sender,
    own,
    name: own ? words.you : nameOf(hooks, message),
    at: message.sentAt,
    text: message.deletedAt ? '' : message.content ?? '',
    deleted: Boolean(message.deletedAt),
    edited: Boolean(message.editedAt) && !message.deletedAt,
    state: own ? room.markOf(message) : null,
    quote: message.deletedAt ? null : quoteOf(room, hooks, message.replyTo),
    writable: room.phase === 'open' || room.phase === 'ticket',
    extra: hooks.extra?.(message) ?? null,
  };
}

export function itemRow(room, hooks, item) {
  return {
    kind: 'message',
    key: `c:${item.clientId}`,
    id: null,
    sender: room.me.participant,
    own: true,
    name: words.you,
    at: item.queuedAt,
    text: item.content ?? '',
    deleted: false,
    edited: false,
    state: item.state,
    clientId: item.clientId,
    why: item.state === 'failed' || item.error?.code === 'RATE_LIMITED' ? failureText(item.error) : null,
    discardable: item.state === 'failed',
    quote: quoteOf(room, hooks, item.replyTo),
    writable: true,
    extra: hooks.extra?.(item) ?? null,
  };
}

export function fillRow(node, row, hooks) {
  node.className = row.kind;
  if (hooks.fill && row.kind !== 'message' && !PLAIN.has(row.kind)) {
    node.replaceChildren(...hooks.fill(row));
    if (row.id) node.dataset.id = row.id;
    return;
  }
  if (row.kind !== 'message') {
    node.replaceChildren(element('span', {}, row.text));
    node.setAttribute('role', row.kind === 'day' || row.kind === 'unread' ? 'separator' : 'listitem');
    if (row.kind !== 'note') node.setAttribute('aria-label', row.text);
    return;
  }
  node.classList.toggle('own', row.own);
  node.classList.toggle('first', row.first);
  node.classList.toggle('last', row.last);
  node.classList.toggle('failed', row.state === 'failed');
  node.classList.toggle('pending', row.state === 'waiting' || row.state === 'sending');
  node.classList.toggle('deleted', row.deleted);
  if (row.id !== null) node.dataset.id = row.id;
  const article = element('article', { tabindex: '-1', 'aria-label': labelOf(row, hooks) });
  article.append(bubble(row, hooks), meta(row, hooks), ...(hooks.foot?.(row) ?? []));
  const beside = hooks.beside?.(row) ?? null;
  const shown = node.querySelector(':scope > article');
  if (!shown) {
    node.replaceChildren(...[beside, article].filter(Boolean));
    return;
  }
  become(shown, article);
  const was = shown.previousElementSibling;
  if (was && beside && was.isEqualNode(beside)) return;
  was?.remove();
  if (beside) shown.before(beside);
}

/** The article as the fresh one is. What is the same stays in place: a button that is being pressed, a film that plays, the focus. */
function become(shown, fresh) {
  shown.setAttribute('aria-label', fresh.getAttribute('aria-label'));
  for (const button of fresh.querySelectorAll('button:not(.small)')) button.tabIndex = shown.tabIndex; // which row the keyboard is at is the list's business
  const have = [...shown.children];
  arrange(shown, [...fresh.children].map((one) => have.find((same) => same.isEqualNode(one)) ?? one));
}

function bubble(row, hooks) {
  const box = element('div', { class: 'bubble' });
  if (row.quote) {
    box.append(
      element('button', { type: 'button', class: 'quote', 'data-act': 'quote', 'data-to': row.quote.id, tabindex: '-1' },
        row.quote.name && element('b', {}, row.quote.name), element('span', { dir: 'auto' }, row.quote.text)),
    );
  }
  if (row.deleted) box.append(element('p', { class: 'text' }, row.own ? words.deletedOwn : words.deletedOther));
  else if (row.text || !hooks.body) box.append(element('p', { class: 'text', dir: 'auto' }, linked(row.text)));
  if (!row.deleted) box.append(...(hooks.body?.(row) ?? []));
  const able = acts(row, hooks);
  if (able) box.append(able); // beside it: what stands under it may grow while somebody aims
  return box;
}

const stateWords = (row, hooks) => hooks.state?.(row) ?? words.marks[row.state];

function meta(row, hooks) {
  const line = element('div', { class: 'meta' }, element('time', { datetime: new Date(row.at).toISOString() }, timeOf(row.at)));
  if (row.edited) line.append(element('span', { class: 'edited' }, words.edited));
  if (row.state && !row.deleted) {
    line.append(
      element('span', { class: `state state-${row.state}`, 'data-state': row.state, title: stateWords(row, hooks) },
        icon(`mark-${row.state}`), row.tell && stateWords(row, hooks)),
    );
  }
  if (row.why) line.append(element('span', { class: 'why' }, row.why));
  if (row.state === 'failed') {
    line.append(
      element('button', { type: 'button', class: 'small', 'data-act': 'retry' }, words.retry),
      element('button', { type: 'button', class: 'small', 'data-act': 'discard' }, words.discard),
    );
  }
  return line;
}

const ownActs = (row) => [['reply', words.reply], ...(row.own ? [['edit', words.edit], ['remove', words.remove]] : [])];

function acts(row, hooks) {
  if (row.id === null || row.deleted || !row.writable) return null;
  const able = (hooks.acts ?? ownActs)(row);
  if (able.length === 0) return null;
  return element('div', { class: 'acts' }, ...able.map(([act, label]) =>
    element('button', { type: 'button', 'data-act': act, tabindex: '-1', 'aria-label': label, title: label }, icon(act))));
}

function labelOf(row, hooks) {
  const text = row.deleted ? (row.own ? words.deletedOwn : words.deletedOther) : row.text;
  const parts = [`${row.name}, ${timeOf(row.at)}`];
  if (row.quote) parts.push(`${row.quote.name ? words.replyingTo(row.quote.name) : words.reply}: ${row.quote.text}`);
  parts.push(text);
  if (row.extra?.label) parts.push(row.extra.label);
  if (row.edited) parts.push(words.edited);
  if (row.state && !row.deleted) parts.push(stateWords(row, hooks));
  if (row.why) parts.push(row.why);
  return parts.filter(Boolean).join('. ');
}
