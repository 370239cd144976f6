// The chat application: takes a token out of the address bar, finds out who is there, keeps the list, opens one conversation at a time.
import { $, element, hush, say, setText } from '../app/dom.js';
import { settings } from '../app/settings.js';
import { Chats } from './client.js';
import { Create, proposeNames } from './dialogs.js';
import { Drafts } from './drafts.js';
import { Gate } from './gate.js';
import { Info } from './info.js';
import { List } from './list.js';
import { Own } from './own.js';
import { SearchPanel, ThreadsPanel } from './panels.js';
import { gist, titleOf } from './people.js';
import { Side } from './side.js';
import { Talk, showPlace } from './talk.js';
import { ThreadPanel } from './threadpanel.js';
import { words } from './words.js';

const root = document.documentElement;

// ---- the address: `#token=<jwt>` is taken out at once. `#as=<hash>` (which cookie: MainServer's user's; `#in=<hash>`: that of who logged
// in here) and `#c=<conversation>` are enough for a reload, and useless without the HttpOnly cookie. `#with=<address>` is what people give each other.

const fragment = () => new URLSearchParams(location.hash.replace(/^#/, ''));
const parts = fragment(); // `#deleted`: this page deleted an account, and was loaded anew
const token = parts.get('token');
if (token || parts.has('deleted')) history.replaceState(null, '', location.pathname + location.search);

let chats = null;
try {
  chats = new Chats({ token, as: parts.get('as') ?? parts.get('in'), account: !token && !parts.has('as'), pageSize: settings.pageSize });
} catch {
  chats = new Chats();
  chats.phase = 'denied';
}
const gate = new Gate(chats);
const drafts = new Drafts({ changed: () => list?.plan(), send: sendLater });
let talk = null;
const side = new Side({ make: panel, focus: () => talk?.focus() });
let list = null;
let own = null;
let create = null;
let began = false;
let who = null; // for whom the page was begun
let pushed = false; // is the list the entry before this one in the tab's history?
let opening = 0;

function address(open) {
  const hash = new URLSearchParams();
  if (chats.as) hash.set(chats.account ? 'in' : 'as', chats.as);
  if (open) hash.set('c', open);
  const text = hash.toString();
  return `${location.pathname}${location.search}${text ? `#${text}` : ''}`;
}

// ---- who is there

if (chats.phase === 'denied') gate.show('denied');
else chats.open();

chats.addEventListener('waiting', () => {
  if (!began && chats.phase === 'opening') gate.show('away');
});
chats.addEventListener('phase', ({ detail: { phase } }) => {
  root.dataset.phase = phase;
  if (phase === 'login') {
    hush();
    for (const open of document.querySelectorAll('dialog[open]')) open.close();
    gate.show(!chats.account ? 'link' : began ? 'again' : parts.has('deleted') ? 'deleted' : 'login');
  } else if (phase === 'open') {
    const came = gate.hide();
    begin();
    if (!came) return;
    if (talk) talk.focus();
    else $('title').focus();
  } else if (phase === 'off') {
    // Logged out, here or in another tab: nothing of it stays in the document.
    if (chats.deleted) afresh(`${location.pathname}${location.search}#deleted`);
    else location.replace(location.pathname + location.search);
  }
});

// A newer link, opened in this very tab: the address is cleaned at once, and what stands here stays.
addEventListener('hashchange', async () => {
  const newer = fragment().get('token');
  if (!newer) return;
  history.replaceState(null, '', address(talk?.id));
  if (began && (await chats.renew(newer))) return;
  afresh(`${location.pathname}${location.search}#token=${newer}`);
});
// Logged in again in another tab, or by a newer link there: then here too.
addEventListener('focus', () => {
  if (chats.phase === 'login' && began) chats.open();
});
addEventListener('popstate', () => {
  if (began && !fragment().has('token')) route();
});
addEventListener('pageshow', (event) => {
  if (event.persisted) location.reload();
});

function afresh(url) {
  history.replaceState(null, '', url);
  location.reload();
}

function begin() {
  if (began && chats.me.id !== who) {
    afresh(address(null)); // somebody else: what the one before saw is not theirs
    return;
  }
  own?.draw();
  if (began) {
    if (talk) talk.changed();
    else route();
    return;
  }
  began = true;
  who = chats.me.id;
  showPlace(words.place.pick);
  list = new List(chats, {
    pick: (id) => open(id),
    hit: (result) => openAt(result),
    drawn: title,
    draft: (id) => drafts.gist(id),
  });
  own = new Own(chats, { unsent: () => chats.unsent || drafts.due });
  create = new Create(chats, { made: (one) => open(one.id) });
  proposeNames(chats);
  hear();
  route(parts.get('c'), parts.get('with'));
}

function hear() {
  chats.addEventListener('link', link);
  link();
  chats.addEventListener('list', ({ detail: { id } }) => {
    if (!talk || (id !== null && id !== talk.id)) return;
    talk.changed();
    side.changed();
  });
  chats.addEventListener('people', () => talk?.changed());
  chats.addEventListener('message', ({ detail: { conversation, message } }) => {
    if (conversation?.muted || (talk?.id === message.conversationId && document.hasFocus())) return;
    say(words.says.message(chats.nameOf(message.sender), gist(message)));
  });
  chats.addEventListener('gone', ({ detail: { conversation, why } }) => {
    if (talk?.id === conversation.id) shut(words.place[why] ?? words.place.missing);
    drafts.drop(conversation.id);
    if (!talk || talk.id !== conversation.id) say(`${titleOf(chats, conversation)}: ${(words.place[why] ?? words.place.missing).title}`);
  });
  // Escape goes back, step by step: panel, conversation.
  addEventListener('keydown', (event) => {
    if (event.key !== 'Escape' || event.defaultPrevented || document.querySelector('dialog[open]') || !$('gate').hidden) return;
    if ($('context')?.hidden === false || $('thread-context')?.hidden === false) return;
    if (side.open) side.leave();
    else if (talk) back();
  });
  addEventListener('beforeunload', (event) => {
    if (chats.phase === 'open' && (chats.unsent || drafts.due)) event.preventDefault();
  });
}

function link() {
  root.dataset.feed = chats.link;
  const said = talk ? '' : { offline: 'offline', reconnecting: 'reconnecting' }[chats.link];
  setText($('desk-link'), said ? words.link[said] : '');
}

function title() {
  const { unread } = chats;
  document.title = unread > 0 ? `(${unread > 99 ? '99+' : unread}) ${words.title}` : words.title;
}

// ---- what is open

function route(id = fragment().get('c'), withWhom = null) {
  if (withWhom && withWhom !== chats.me.id) {
    // Asked first: whoever could begin a conversation by a mere link would learn who it was that followed it.
    history.replaceState(null, '', address(null));
    if (/^[A-Za-z0-9_-]{1,64}$/.test(withWhom)) create.open([withWhom]);
    else showPlace(words.place.missing);
  } else if (id && id !== talk?.id) {
    open(id, { write: false });
  } else if (!id && talk) {
    leave();
  }
  if (!id && !withWhom) history.replaceState(null, '', address(null));
}

async function open(id, { write = true } = {}) {
  if (talk?.id === id) {
    view('chat');
    talk.focus();
    return;
  }
  const run = (opening += 1);
  closeTalk();
  if (!chats.conversations.has(id)) {
    try {
      const found = await chats.fetch(id);
      if (run !== opening) return;
      if (!found) {
        shut(words.place.missing);
        return;
      }
    } catch (error) {
      if (run === opening) failed(error, () => open(id, { write }));
      return;
    }
  }
  if (write && !pushed) history.pushState(null, '', address(id));
  else history.replaceState(null, '', address(id));
  pushed ||= write;
  list.current = id;
  view('chat');
  talk = new Talk(chats, id, {
    back,
    drafts,
    finished: (phase) => shut(words.place[phase] ?? words.place.missing),
    side: (name, what) => side.show(name, what),
  });
  link();
  talk.focus();
}

async function openAt({ conversation, message }) {
  await open(conversation.id);
  if (!talk || talk.id !== conversation.id) return;
  await ready(talk.room);
  if (talk?.id !== conversation.id) return;
  if (message.threadId) side.show('thread', { id: message.threadId, found: message });
  else await talk.goTo(message);
}

/** The history is there, so that something in it can be looked for. */
function ready(room) {
  if (room.phase !== 'opening') return Promise.resolve();
  return new Promise((resolve) => room.addEventListener('phase', resolve, { once: true }));
}

function closeTalk() {
  if (!talk) return;
  side.close({ focus: false });
  talk.stop();
  talk = null;
}

/** It could not be fetched, for good or for now. */
function failed(error, again) {
  if (error.passing) shut(words.place.away, again);
  else shut(error.status === 404 ? words.place.missing : words.place.denied);
}

/** It is over, for a reason that is said in its place. */
function shut(why, again = null) {
  closeTalk();
  list.current = null;
  showPlace(why, { focus: true });
  history.replaceState(null, '', address(null));
  pushed = false;
  view('chat');
  const place = $('chat').firstElementChild;
  if (again) place.append(element('button', { type: 'button', class: 'plain', onclick: again }, words.place.again));
  place.append(element('button', { type: 'button', class: 'plain to-list', onclick: leave }, words.place.pick.title));
}

function back() {
  if (pushed) history.back();
  else {
    history.replaceState(null, '', address(null));
    leave();
  }
}

function leave() {
  opening += 1;
  const id = talk?.id;
  closeTalk();
  pushed = false;
  list.current = null;
  showPlace(words.place.pick);
  view('list');
  link();
  list.focus(id);
}

/** On a narrow window one thing is shown at a time. */
function view(name) {
  $('room').dataset.view = name;
}

// ---- the panel beside it

function panel(name, what) {
  if (name === 'info') return new Info(chats, talk, { search: () => side.show('search'), write: writeTo });
  if (name === 'threads') return new ThreadsPanel(chats, talk, { open: (id) => side.show('thread', { id }) });
  if (name === 'search') return new SearchPanel(chats, talk, { pick: (result) => found(result) });
  return new ThreadPanel(chats, talk, threadOf(what), { open: (other) => side.show('thread', other), drafts }, what.found);
}

/** The thread that is meant: by its id, as a message's own, or to be begun at a message. */
function threadOf({ id, message, parent }) {
  const { room } = talk;
  const within = message?.threadId && message.threadId !== parent ? message.threadId : null;
  const known = id ?? within ?? room.threadAt(message.id)?.id;
  return known ? room.thread(known) : room.newThread({ root: message.id, parent });
}

function found({ message }) {
  if (message.threadId) {
    side.show('thread', { id: message.threadId, found: message });
    return;
  }
  if (!side.beside) side.leave();
  talk.goTo(message);
}

async function writeTo(participant) {
  const made = await chats.create({ type: 'direct', participants: [participant] });
  open(made.id);
}

/** What was due when another conversation was opened, and is ready now. */
function sendLater(id, content, more) {
  chats.conversation(id).send(content, more);
  if (talk?.id !== id) chats.release(id);
}
