// Who takes part, who is here, who is writing, and how far each has received and read. room.js feeds it what the server says.
import { positionOf } from './log.js';

const TYPING_SHOWN_MS = 6000; // the server ends it after five seconds; this is for the case that its word gets lost
const isStudent = (role) => role === 'student';

export class People {
  /** @type {{participant: string|null, role: string|null}} */
  me;
  /** @type {Map<string, import('../room.js').Participant>} */
  participants = new Map();
  /** @type {Map<string, string>} who is typing now: participant → role */
  typing = new Map();
  marks = { read: {}, delivered: {} };
  marksKnown = false;
  #timers = new Map();
  #changed;

  /** @param {{me: {participant: string|null, role: string|null}, changed: (what: 'people'|'typing'|'marks') => void}} how */
  constructor({ me, changed }) {
    this.me = me;
    this.#changed = changed;
  }

  isMe(participant) {
    return participant !== undefined && participant === this.me.participant;
  }

  get others() {
    return [...this.participants.values()].filter((one) => !this.isMe(one.participant));
  }

  get online() {
    return [...this.participants.values()].filter((one) => one.online).map((one) => one.participant);
  }

  markOf(message) {
    const reached = (marks) => Object.entries(marks).some(([who, upTo]) => !this.isMe(who) && upTo >= message.id);
    if (reached(this.marks.read)) return 'read';
    return reached(this.marks.delivered) ? 'delivered' : 'sent';
  }

  /** The answer of the presence route. After a reload it also tells who we are: whoever has our role. */
  set({ participants, online }) {
    const list = participants ?? online.map((one) => ({ ...one, online: true }));
    this.participants = new Map(list.map(({ participant, role, online: here }) => [participant, { participant, role, online: here }]));
    if (!this.me.participant && this.me.role) {
      const mine = list.find((one) => isStudent(one.role) === isStudent(this.me.role));
      if (mine) this.me = { participant: mine.participant, role: mine.role };
    }
    this.#changed('people');
  }

  put(participant, role, online = this.participants.get(participant)?.online ?? false) {
    this.participants.set(participant, { participant, role: role ?? this.participants.get(participant)?.role, online });
    if (!online) this.stopsTyping(participant);
    this.#changed('people');
  }

  /** A conversation has one counselor: whoever it was before has no place any more, though he may never have entered, and left nothing to be told. */
  assigned(participant, role) {
    for (const one of this.others) if (!isStudent(one.role) && one.participant !== participant) this.remove(one.participant);
    this.put(participant, role);
  }

  remove(participant) {
    this.participants.delete(participant);
    this.stopsTyping(participant);
    this.#changed('people');
  }

  /** Who is online, by id. @returns {boolean} whether somebody is among them whom we don't know yet */
  present(online) {
    for (const one of this.participants.values()) one.online = online.includes(one.participant);
    this.#changed('people');
    return online.some((participant) => !this.participants.has(participant));
  }

  mark(kind, { participant, upTo }) {
    if (this.#raise(kind, participant, upTo)) this.#changed('marks');
  }

  /** All marks at once, as `ready` brings them. */
  markAll({ read = {}, delivered = {} }) {
    for (const [participant, upTo] of Object.entries(read)) this.#raise('read', participant, upTo);
    for (const [participant, upTo] of Object.entries(delivered)) this.#raise('delivered', participant, upTo);
    this.marksKnown = true;
    this.#changed('marks');
  }

  isTyping(participant, role) {
    clearTimeout(this.#timers.get(participant));
    this.#timers.set(participant, setTimeout(() => this.stopsTyping(participant), TYPING_SHOWN_MS));
    if (this.typing.has(participant)) return;
    this.typing.set(participant, role);
    this.#changed('typing');
  }

  stopsTyping(participant) {
    clearTimeout(this.#timers.get(participant));
    this.#timers.delete(participant);
    if (this.typing.delete(participant)) this.#changed('typing');
  }

  stop() {
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
    this.typing.clear();
  }

  #raise(kind, participant, upTo) {
    const position = positionOf(upTo);
    if (position <= (this.marks[kind][participant] ?? 0)) return false;
    this.marks[kind][participant] = position;
    return true;
  }
}
