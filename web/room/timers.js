// Timers by name: setting one again replaces it, and all of them end at once.

export class Timers {
  #timers = new Map();

  has(name) {
    return this.#timers.has(name);
  }

  later(name, ms, act) {
    this.cancel(name);
    this.#timers.set(name, setTimeout(() => {
      this.#timers.delete(name);
      act();
    }, ms));
  }

  cancel(name) {
    clearTimeout(this.#timers.get(name));
    this.#timers.delete(name);
  }

  stop() {
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
  }
}
