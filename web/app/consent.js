// What the student knows and decides of summaries: that one was asked for, and, where the session wants it so, whether there may be one.
import { $, setText } from './dom.js';
import { failureText } from './words.js';

export class Consent {
  #room;
  #asking = false;
  #deciding = false;

  constructor(room) {
    this.#room = room;
    $('consent-given')?.addEventListener('change', (event) => this.#decide(event.target));
  }

  /** How it stands; for whoever is no student, nothing is shown. */
  async look() {
    if (this.#asking) return;
    this.#asking = true;
    try {
      const { policy, consent, requested } = await this.#room.summaryTerms();
      if ($('consent')) $('consent').hidden = policy !== 'consent';
      if ($('consent-given')) $('consent-given').checked = consent === true;
      if (requested) this.requested();
    } catch {
      // The counselor's page, or a moment without connection: the next look will tell.
    } finally {
      this.#asking = false;
    }
  }

  requested() {
    if ($('summary-made')) $('summary-made').hidden = false;
  }

  // The box is never disabled, so that it keeps the focus: what it says when an answer has come is what is said next.
  async #decide(box) {
    if (this.#deciding) return;
    this.#deciding = true;
    setText($('consent-error'), '');
    let held = !box.checked;
    try {
      while (box.checked !== held) {
        const wanted = box.checked;
        await this.#room.consent(wanted);
        held = wanted;
      }
    } catch (error) {
      box.checked = held;
      if ($('consent-error')) setText($('consent-error'), failureText(error));
    } finally {
      this.#deciding = false;
    }
  }
}
