// The conversations of a page that are open: one object for each id, until it is over, or nobody looks at it and nothing waits in it to be sent.

const OVER = ['erased', 'missing', 'removed', 'left'];

export class Rooms {
  #on;
  #rooms = new Map();
  #leaving = new Set(); // nobody looks at them any more; they stay while something waits to be sent

  /**
   * @param {{make: (id: string) => import('./conversation.js').Conversation, over: (id: string, phase: string) => void,
   *          ticket: () => void, updated: (id: string) => void, read: (id: string, upTo: number) => void}} on
   */
  constructor(on) {
    this.#on = on;
  }

  /** The same object for the same id. */
  get(id) {
    this.#leaving.delete(id);
    let room = this.#rooms.get(id);
    if (!room) {
      room = this.#on.make(id);
      this.#rooms.set(id, room);
      this.#hear(id, room);
    }
    return room;
  }

  /** Closes it; what waits in its outbox is kept, and goes out when it is opened again. */
  release(id) {
    const room = this.#rooms.get(id);
    if (!room) return;
    this.#leaving.add(id);
    if (room.pending.some((item) => item.state !== 'sent')) return; // the last one sent closes it
    room.close();
    this.#rooms.delete(id);
  }

  get unsent() {
    return [...this.#rooms.values()].some((room) => room.pending.some((item) => item.state !== 'failed'));
  }

  resume() {
    for (const room of this.#rooms.values()) room.resume();
  }

  close() {
    for (const room of this.#rooms.values()) room.close();
    this.#rooms.clear();
  }

  #hear(id, room) {
    room.addEventListener('phase', ({ detail: { phase } }) => {
      if (phase === 'ticket') this.#on.ticket();
      if (!OVER.includes(phase)) return;
      this.#rooms.delete(id);
      this.#on.over(id, phase);
    });
    room.addEventListener('outbox', () => {
      if (this.#leaving.has(id)) this.release(id);
    });
    room.addEventListener('marks', () => this.#on.read(id, room.myRead));
    room.addEventListener('notice', ({ detail: { event } }) => {
      if (event === 'conversation:updated') this.#on.updated(id);
    });
  }
}
