// Everything the page says that changes while it runs, in one place: translate here (and in index.html), nowhere else.

export const locale = (() => {
  const page = globalThis.document?.documentElement.lang || 'en';
  // Times as this person is used to reading them, words in the page's language.
  const own = globalThis.navigator?.language;
  return own?.split('-')[0] === page.split('-')[0] ? own : page;
})();

export const roles = { student: 'Student', counselor: 'Counselor', counsellor: 'Counselor', volunteer: 'Volunteer' };

export const words = {
  title: 'Reading Room',
  you: 'You',
  nobodyYet: 'A counselor will join you',
  nobodyYetState: 'You can already write. It will be read when someone is here.',
  here: 'Here now',
  away: 'Not here at the moment',
  writing: 'is writing…',
  justYou: 'only you',
  marks: { waiting: 'Waiting', sending: 'Sending', sent: 'Sent', delivered: 'Delivered', read: 'Read', failed: 'Not sent' },
  edited: 'edited',
  deletedOwn: 'You deleted this message',
  deletedOther: 'This message was deleted',
  today: 'Today',
  yesterday: 'Yesterday',
  unread: 'New messages',
  gone: 'a message further up',
  reply: 'Reply',
  edit: 'Edit',
  remove: 'Delete',
  retry: 'Try again',
  discard: 'Discard',
  replying: 'Reply to',
  replyingTo: (who) => `Reply to ${who}`,
  replyingToSelf: 'Reply to yourself',
  editing: 'Edit your message',
  newest: (n) => (n === 1 ? '1 new message' : `${n} new messages`),
  toNewest: 'Newest messages',
  joined: (who) => `${who} entered the room`,
  left: (who) => `${who} has handed over`,
  assigned: (who) => `${who} was assigned to this conversation`,
  summaryRequested: 'A summary of this conversation was requested',
  summaryReady: 'The summary is ready',
  summary: {
    none: 'Nobody has asked for a summary of this conversation.',
    requested: 'The summary is being written. It will be announced when it is ready.',
    ready: 'The summary is ready.',
    failed: 'The summary could not be made.',
    unchanged: 'Nothing was said since this summary was made.',
    ask: 'Ask for a summary',
    again: 'Ask again',
    refused: { SUMMARIES_OFF: 'Summaries are turned off here.', FORBIDDEN: 'A summary is not allowed for this conversation.', CONFLICT: 'The student has not agreed to a summary yet, or nothing was said.' },
    parts: { summary: 'In short', agreed: 'What was agreed', riskSigns: 'Signs of risk', openQuestions: 'Open questions', positions: 'Rests on', omittedMessages: 'Messages left out, the oldest' },
    kinds: { self_harm: 'Self-harm', harm_by_others: 'Harm by others', harm_to_others: 'Harm to others', neglect: 'Neglect', substances: 'Drink or drugs', other: 'Something else' },
    message: (id) => `message no. ${id}`,
    messageAt: (time) => `message of ${time}`,
  },
  files: {
    uploading: (percent) => `${percent} %`,
    waiting: 'waits',
    done: 'ready',
    failed: 'failed',
    cancel: (name) => `Take ${name} out`,
    again: (name) => `Try ${name} again`,
    add: 'Add files',
    save: (name) => `Save ${name}`,
    busy: 'It is sent as soon as the file is there.',
    stuck: 'A file could not be sent. Try it again, or take it out.',
    download: 'Download',
    picture: (name) => `Picture: ${name}`,
    file: (name, size) => `File: ${name}, ${size}`,
    many: (n) => `${n} files at most in one message.`,
    failures: {
      TOO_LARGE: 'This file is too large, or there is no room for more.',
      EMPTY: 'This file is empty.',
      UNSUPPORTED_TYPE: 'Files of this kind are not taken here.',
      BAD_CONTENT: 'This file is damaged.',
      CONFLICT: 'Too many files wait to be sent.',
      RATE_LIMITED: 'Too many files at once. Try again in a moment.',
      SESSION_ENDED: 'The conversation has ended.',
      STORE_UNAVAILABLE: 'There is no room for files just now. Try again later.',
      FORBIDDEN: 'You may not send files here.',
      NETWORK: 'The connection broke.',
      other: 'The file could not be sent.',
    },
  },
  tooLong: (over) => `${over} characters too long`,
  nearlyTooLong: (left) => `${left} characters left`,
  said: (who, text) => `${who}: ${text}`,
  saidSeveral: (who, n) => `${n} new messages from ${who}`,
  erasedIn: (time) => `Erased in ${time}`,
  link: {
    connecting: 'Connecting…',
    reconnecting: 'The connection was lost. Reconnecting…',
    offline: 'You are offline.',
    back: 'Connected again.',
    waiting: (n) => (n === 1 ? 'Your message waits and will be sent.' : `${n} messages wait and will be sent.`),
    ticket: 'Your link has run out. Ask for a new one and open it in this browser: the conversation goes on here.',
    ticketSoon: (time) => `Your link runs out at ${time}. Ask for a new one to go on writing.`,
    otherTicket: 'That link belongs to another conversation or person.',
  },
  failures: {
    RATE_LIMITED: 'That was a lot at once. It goes on in a moment.',
    BAD_CONTENT: 'This text cannot be sent.',
    TOO_LARGE: 'This text is too long.',
    FORBIDDEN: 'You may not do this.',
    LOG_FULL: 'This conversation is full.',
    SESSION_ENDED: 'The conversation had ended before this could be sent.',
    NETWORK: 'There is no connection.',
    other: 'That did not work. Try again in a moment.',
  },
  ended: (time) => `This conversation has ended. It can be read until ${time}, then it is erased.`,
  ask: {
    end: {
      title: 'End the conversation?',
      text: 'Nobody can write any more. What was said can be read until the time runs out, then it is erased.',
      yes: 'End it',
    },
    erase: {
      title: 'Erase everything now?',
      text: 'Every message is erased at once, for both of you, and the conversation is over. Nobody can bring it back, neither you nor we.',
      yes: 'Erase now',
    },
    remove: { title: 'Delete this message?', text: 'Its text disappears for both of you.', yes: 'Delete' },
  },
  over: {
    expired: { icon: 'hourglass', title: 'This conversation has been erased', text: 'The time ran out and every word of it is gone. If you would like to talk again, ask for a new link where you got the last one.' },
    erased: { icon: 'erase', title: 'Everything has been erased', text: 'Every message is gone, for both of you. If you would like to talk again, ask for a new link where you got the last one.' },
    missing: { icon: 'door', title: 'There is no such conversation', text: 'It may have been erased, or the link is not complete. Ask for a new link where you got this one.' },
    denied: { icon: 'door', title: 'This link does not open the room', text: 'Ask for a new link where you got this one.' },
    ticket: { icon: 'key', title: 'Your link has run out', text: 'Links are short-lived, so that nobody else can use them later. Ask for a new one where you got this one: if the conversation has not been erased yet, it will be there.' },
    none: { icon: 'lamp', title: 'Welcome to the Reading Room', text: 'You need a link to enter: it comes from the helpline or university that invited you. Open that link, and the conversation opens here.' },
    old: { icon: 'door', title: 'This browser is too old', text: 'The page could not start. Please try it with a newer browser.' },
  },
};

export const roleName = (role) => roles[role] ?? 'Guest';

export function failureText(error) {
  return words.failures[error?.code] ?? (error?.status >= 400 && error.status < 500 && error.message ? error.message : words.failures.other);
}
