// What the student knows and decides of summaries: that one was asked for, and, where the session wants it so, whether there may be one.
import { $, setText } from './dom.js';
import { failureText } from './words.js';

export class Consent {
  #room;
  #asking = false;

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

  async #decide(box) {
    const wanted = box.checked;
    box.disabled = true;
    setText($('consent-error'), '');
    try {
      await this.#room.consent(wanted);
    } catch (error) {
      box.checked = !wanted;
      setText($('consent-error'), failureText(error));
    } finally {
      box.disabled = false;
    }
  }
}
