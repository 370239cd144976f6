// The counselor's page: takes the ticket out of the address bar, follows the desk, opens one chat at a time.
import { $, hush, say, setText } from '../app/dom.js';
import { leaveNothing } from '../app/over.js';
import { momentOf } from '../app/time.js';
import { Chat, showPlace } from './chat.js';
import { Desk } from './client.js';
import { List } from './list.js';
import { Summaries } from './summaries.js';
import { words } from './words.js';

const root = document.documentElement;
let desk = null;
let list = null;
let chat = null;
let summaries = null;
let opening = 0; // the newest wish to open a chat; older ones are given up
let unsure = null; // {id, opening}: the chat that closed because it was not there any more, nobody has said why

// ---- the address: `#ticket=<jwt>` is taken out at once; `#desk=<hash>&c=<conversation>` is enough for a reload, together with the HttpOnly cookie

function writeAddress() {
  const parts = new URLSearchParams();
  if (desk?.as && !desk.over) {
    parts.set('desk', desk.as);
    if (chat) parts.set('c', chat.conversationId);
  }
  const hash = parts.toString();
  history.replaceState(null, '', `${location.pathname}${location.search}${hash ? `#${hash}` : ''}`);
}

const parts = new URLSearchParams(location.hash.replace(/^#/, ''));
const ticket = parts.get('ticket');
const wanted = parts.get('c');
if (ticket) writeAddress();
try {
  if (ticket || parts.get('desk')) desk = new Desk({ ticket, as: parts.get('desk') });
} catch {
  // A link that holds no ticket of a desk.
}
if (desk) run();
else showOver(ticket ? 'denied' : 'none');

addEventListener('hashchange', () => {
  if (new URLSearchParams(location.hash.replace(/^#/, '')).has('ticket')) location.reload();
});
addEventListener('pageshow', (event) => {
  if (event.persisted) location.reload();
});

function run() {
  list = new List(desk, (id) => open(id));
  summaries = new Summaries(desk, { pick: (id) => read(id), back });
  showPlace(words.pick);
  view('list');

  desk.addEventListener('sessions', ({ detail: { changed, before, now } }) => {
    list.plan();
    if (changed === null) {
      if (wanted && !chat && desk.sessions.has(wanted)) open(wanted);
      return;
    }
    if (chat?.conversationId === changed) chat.rowChanged(now);
    tell(before, now);
  });
  desk.addEventListener('summaries', ({ detail: { changed } }) => {
    if (changed) summaries.changed(changed);
    else summaries.look();
  });
  desk.addEventListener('removed', ({ detail: { session, reason } }) => {
    list.gone(session, reason);
    list.plan();
    say(words.says.removed(session.studentAnonymousId, words.removed[reason] ?? words.removed.gone));
    const why = words.closed[reason] ?? words.closed.missing;
    if (reason === 'erased' || reason === 'gone') summaries.look();
    if (chat?.conversationId === session.conversationId || (reason === 'erased' && summaries.open === session.conversationId)) shut(why);
    else if (unsure?.id === session.conversationId && unsure.opening === opening) showPlace(why, { focus: true });
  });
  desk.addEventListener('link', () => {
    root.dataset.desk = desk.link;
    setText($('desk-link'), words.link[desk.link] ?? '');
    if (desk.link === 'live') writeAddress();
  });
  desk.addEventListener('ticket', ({ detail: { expiresAt } }) => setText($('desk-link'), words.ticketSoon(momentOf(expiresAt - desk.skew))));
  desk.addEventListener('over', ({ detail: { kind } }) => finish(kind));

  $('close-desk').addEventListener('click', async () => {
    const gone = desk.forget();
    finish('left');
    await gone;
  });
  addEventListener('beforeunload', (event) => {
    if (chat?.unsent) event.preventDefault();
  });
  addEventListener('pagehide', () => chat?.stop());
  // Escape goes back to the list, when there is nothing nearer to leave.
  addEventListener('keydown', (event) => {
    if (event.key !== 'Escape' || event.defaultPrevented || !(chat || summaries.open) || document.querySelector('dialog[open]') || $('context')?.hidden === false) return;
    back();
  });
  desk.open();
}

/** What a screen reader hears of sessions that are not the open one. */
function tell(before, now) {
  const who = now.studentAnonymousId;
  if (chat?.conversationId === now.conversationId && before?.summary === now.summary) return;
  if (!before) say(words.says.arrived(who));
  else if (now.unread > before.unread) say(words.says.message(who));
  else if (now.waiting && !before.waiting) say(words.says.waiting(who));
  else if (now.summary !== before.summary && now.summary) say(words.says.summary(who, words.summaries[now.summary] ?? ''));
  else if (now.studentOnline && !before.studentOnline) say(words.says.here(who));
}

async function open(id) {
  const wish = (opening += 1);
  if (chat?.conversationId === id) {
    view('chat');
    chat.focus();
    return;
  }
  closeChat();
  list.open = id;
  view('chat');
  let opened;
  try {
    opened = await desk.ticketFor(id);
  } catch (error) {
    if (wish === opening) shut(error.status === 404 ? words.closed.missing : words.closed.failed);
    return;
  }
  if (wish !== opening || desk.over) return;
  chat = new Chat(opened, {
    renew: () => desk.ticketFor(id),
    finished: (kind) => {
      if (wish !== opening) return;
      shut(words.closed[kind] ?? words.closed.missing);
      if (kind === 'missing') unsure = { id, opening };
    },
    back,
  });
  const row = desk.sessions.get(id);
  if (row) chat.rowChanged(row);
  writeAddress();
  chat.focus();
}

/** A summary, where a chat would stand. */
function read(id) {
  opening += 1;
  closeChat();
  list.open = null;
  view('chat');
  summaries.show(id);
  writeAddress();
}

function closeChat() {
  summaries.close();
  chat?.stop();
  chat = null;
}

function shut(why) {
  opening += 1;
  closeChat();
  list.open = null;
  showPlace(why, { focus: true });
  writeAddress();
}

function back() {
  const id = chat?.conversationId;
  const summary = summaries.open;
  opening += 1;
  closeChat();
  list.open = null;
  showPlace(words.pick);
  view('list');
  writeAddress();
  if (summary) summaries.focus(summary);
  else list.focus(id);
}

/** On a narrow window either the list or the chat is shown. */
function view(name) {
  $('room').dataset.view = name;
}

function finish(kind) {
  closeChat();
  list.stop();
  hush();
  desk.over ??= kind;
  writeAddress();
  showOver(kind);
}

function showOver(kind) {
  root.dataset.desk = kind;
  leaveNothing(words.over[kind] ?? words.over.denied, words.title);
}
