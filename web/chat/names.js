// What people are called: learned from every list of participants that passes by, kept in memory.
import { words } from './words.js';

export class Names {
  #names = new Map(); // '': has none
  #strangers = new Set();
  #changed;
  #planned = false;

  constructor(changed) {
    this.#changed = changed;
  }

  put(participant, name) {
    if (!participant || (this.#names.has(participant) && !name) || this.#names.get(participant) === name) return;
    this.#names.set(participant, name ?? '');
    this.#strangers.delete(participant);
    this.#tell();
  }

  /** In no list that could tell: left, or deleted. */
  stranger(participant) {
    if (this.#names.has(participant) || this.#strangers.has(participant)) return;
    this.#strangers.add(participant);
    this.#tell();
  }

  #tell() {
    if (this.#planned) return;
    this.#planned = true;
    queueMicrotask(() => {
      this.#planned = false;
      this.#changed();
    });
  }

  /** Was it found out what they are called, or that nobody says? */
  known(participant) {
    return this.#names.has(participant) || this.#strangers.has(participant);
  }

  /** The name, or the id of who has none: whoever has no name is still somebody. */
  of(participant) {
    return this.#names.get(participant) || (this.#strangers.has(participant) ? words.former : participant ?? '');
  }

  /** @returns {[string, string][]} everybody known by name, in the order of names */
  all() {
    return [...this.#names].filter(([, name]) => name).sort((a, b) => a[1].localeCompare(b[1]));
  }
}
