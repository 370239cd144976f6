// What people are called: learned from every list of participants that passes by, kept in memory.

export class Names {
  #names = new Map();
  #changed;
  #planned = false;

  constructor(changed) {
    this.#changed = changed;
  }

  put(participant, name) {
    if (!participant || !name || this.#names.get(participant) === name) return;
    this.#names.set(participant, name);
    if (this.#planned) return;
    this.#planned = true;
    queueMicrotask(() => {
      this.#planned = false;
      this.#changed();
    });
  }

  known(participant) {
    return this.#names.has(participant);
  }

  /** The name, or the id where none is known: whoever has no name is still somebody. */
  of(participant) {
    return this.#names.get(participant) ?? participant ?? '';
  }

  /** @returns {[string, string][]} everybody known by name, in the order of names */
  all() {
    return [...this.#names].sort((a, b) => a[1].localeCompare(b[1]));
  }
}
