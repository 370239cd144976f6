// The page: takes the ticket out of the address bar, opens the room, and lets its parts hear what happens.
import { Room } from '../room.js';
import { Composer } from './composer.js';
import { Consent } from './consent.js';
import { ask, askGravely, tried } from './dialog.js';
import { $, hush, say } from './dom.js';
import { isLeaving, leaveQuickly, onEscapeTwice } from './exit.js';
import { Facts, showOver } from './facts.js';
import { SessionFiles } from './files.js';
import { onNewLink, takeAddress, writeAddress } from './link.js';
import { LogView } from './log.js';
import { settings } from './settings.js';
import { Summary } from './summary.js';
import { failureText, roleName, words } from './words.js';

const address = takeAddress();
const wide = matchMedia('(min-width: 60rem)');
let room = null;
let stop = () => {};

const leave = () => {
  stop();
  return leaveQuickly(room);
};
onEscapeTwice(leave);
for (const button of document.querySelectorAll('[data-do=leave]')) button.addEventListener('click', leave);
history.scrollRestoration = 'manual';

try {
  if (address) room = new Room({ ...address, onTicket: askOpener, pageSize: settings.pageSize });
} catch {
  // A link that holds no ticket at all.
}
if (room) enter(room);
else showOver(address ? (address.conversationId ? 'ticket' : 'denied') : 'none');

// A page that the browser kept for Back is not what we want to be seen: start over, or go on leaving.
addEventListener('pageshow', (event) => {
  if (!event.persisted) return;
  if (isLeaving()) location.replace(settings.exitUrl);
  else location.reload();
});

function enter(room) {
  const facts = new Facts(room);
  const consent = new Consent(room);
  const files = new SessionFiles(room, () => composer.refresh());
  const composer = new Composer(room, { sending: () => log.sending(), ...files.composer });
  const log = new LogView(room, {
    ...files.log,
    reply: (message) => composer.replyTo(message),
    edit: (message) => composer.edit(message),
    remove: (message) => remove(room, message),
    discarded: (item) => item && composer.restore(item.content),
  });
  const summary = new Summary(room, {
    show: (id) => {
      $('sheet').close();
      log.focus(id);
    },
  });
  const isCounselor = () => Boolean(room.me?.role) && room.me.role !== 'student';
  let over = false;
  stop = () => {
    over = true;
    facts.stop();
    files.stop();
    log.clear();
    hush();
  };
  const hear = (name, act) => room.addEventListener(name, (event) => {
    if (!over) act(event.detail);
  });
  const title = () => {
    const unseen = log.unseen;
    document.title = unseen > 0 ? `(${unseen}) ${words.title}` : words.title;
  };

  hear('messages', (detail) => {
    log.changed(detail);
    title();
  });
  hear('outbox', ({ item }) => {
    log.plan();
    facts.link();
    if (item.state === 'failed') say(`${words.marks.failed}: ${failureText(item.error)}`);
  });
  hear('marks', () => {
    log.marked();
    title();
  });
  hear('people', () => facts.people());
  hear('typing', () => {
    facts.typing();
    log.plan();
  });
  hear('deadline', ({ moved }) => facts.deadline(moved));
  hear('link', ({ link }) => {
    facts.link();
    if (link === 'live') summary.again();
  });
  hear('ticket', ({ expiresAt }) => facts.ticketSoon(expiresAt));
  hear('notice', ({ event, data }) => {
    const who = data.role ? roleName(data.role) : '';
    if (event === 'user:left') log.note(words.left(who));
    else if (event === 'user:joined' && !room.isMe(data.participant)) log.note(words.joined(who));
    else if (event === 'session:assigned' && !room.isMe(data.participant)) log.note(words.assigned(who));
    else if (event === 'summary:requested') {
      log.note(words.summaryRequested);
      consent.requested();
      if (isCounselor()) summary.told('requested');
    } else if (event === 'summary:ready') {
      log.note(words.summaryReady);
      if (isCounselor()) summary.told('ready');
    } else if (event === 'summary:failed') {
      if (isCounselor()) summary.told('failed');
    }
    else if (event === 'ticket:refused') say(words.link.otherTicket);
  });
  hear('phase', ({ phase }) => {
    if (phase === 'left') {
      leave(); // another tab of ours left quickly
    } else if (['expired', 'erased', 'missing', 'denied'].includes(phase) || (phase === 'ticket' && room.expiresAt === null)) {
      finish(phase);
    } else {
      facts.phase();
      log.plan();
      composer.enable(phase === 'open' || phase === 'ticket');
      files.attachments.enable(phase === 'open');
      if (isCounselor() && (phase === 'open' || phase === 'ended')) summary.look();
      if (phase === 'open') {
        writeAddress(room.address);
        facts.ticketSoon(null);
        facts.people();
        if (room.me?.role === 'student') consent.look();
        if (matchMedia('(pointer: fine)').matches && document.activeElement === document.body) composer.focus();
      }
    }
  });

  function finish(phase) {
    stop();
    composer.clear();
    writeAddress(null);
    showOver(phase);
  }

  for (const button of document.querySelectorAll('[data-do=end]')) {
    button.addEventListener('click', () => askGravely(words.ask.end, () => room.end()));
  }
  for (const button of document.querySelectorAll('[data-do=erase]')) {
    button.addEventListener('click', () => askGravely(words.ask.erase, () => room.erase()));
  }

  // What is beside the messages on a wide window is behind a button on a narrow one: the same elements, moved.
  const place = () => {
    if (over) return;
    $('sheet').close();
    (wide.matches ? $('aside') : $('sheet-body')).append($('facts'));
  };
  wide.addEventListener('change', place);
  place();
  $('menu').addEventListener('click', () => $('sheet').showModal());
  $('sheet-close').addEventListener('click', () => $('sheet').close());
  $('sheet').addEventListener('click', (event) => {
    if (event.target === $('sheet')) $('sheet').close();
  });

  const seen = () => {
    if (over) return;
    log.seen();
    title();
  };
  document.addEventListener('visibilitychange', seen);
  addEventListener('focus', seen);
  addEventListener('pagehide', () => room.close());
  // Messages that wait live in this page only.
  addEventListener('beforeunload', (event) => {
    if (!isLeaving() && room.outbox.some((item) => item.state === 'waiting' || item.state === 'sending')) event.preventDefault();
  });

  onNewLink(async (ticket) => {
    try {
      await room.renew(ticket);
    } catch {
      // Another conversation or person: that link gets this tab, as if it had been opened in a new one.
      history.replaceState(null, '', `${location.pathname}${location.search}#ticket=${ticket}`);
      location.reload();
    }
  });

  facts.people();
  facts.phase();
  room.open();
}

function remove(room, message) {
  ask(words.ask.remove, () => tried(() => room.remove(message.id)));
}

/** Asks the site that opened or embeds this page for a new ticket, if it is one we are told to trust. */
function askOpener({ reason }) {
  const asked = [window.opener, window.parent].filter((other) => other && other !== window);
  if (asked.length === 0 || settings.ticketOrigins.length === 0) return null;
  return new Promise((resolve) => {
    const answer = (event) => {
      if (!settings.ticketOrigins.includes(event.origin) || event.data?.type !== 'room:ticket') return;
      done(String(event.data.ticket));
    };
    const done = (ticket) => {
      removeEventListener('message', answer);
      clearTimeout(timer);
      resolve(ticket);
    };
    const timer = setTimeout(() => done(null), 15_000);
    addEventListener('message', answer);
    for (const other of asked) {
      for (const origin of settings.ticketOrigins) other.postMessage({ type: 'room:ticket-wanted', conversationId: room.conversationId, reason }, origin);
    }
  });
}
