// The one dialog of the page: a question with a safe answer and a grave one. The safe one has the focus.
import { $, setText } from './dom.js';
import { failureText } from './words.js';

/**
 * @param {{title: string, text: string, yes: string}} words
 * @param {() => Promise<string|null>} act   runs while the dialog stays open; resolves with a text when it failed
 */
export function ask(words, act) {
  const dialog = $('ask');
  const [yes, no] = [$('ask-yes'), $('ask-no')];
  const opener = document.activeElement;
  setText($('ask-title'), words.title);
  setText($('ask-text'), words.text);
  setText(yes, words.yes);
  setText($('ask-error'), '');
  return new Promise((resolve) => {
    // `close` comes a moment after the dialog is gone, maybe when the next question stands there: so the end is ours to make, at once.
    const end = (done) => {
      yes.removeEventListener('click', onYes);
      no.removeEventListener('click', onNo);
      dialog.removeEventListener('cancel', onCancel);
      dialog.removeEventListener('close', onClose);
      dialog.close();
      if (opener?.isConnected) opener.focus();
      resolve(done);
    };
    const onYes = async () => {
      yes.disabled = true;
      dialog.setAttribute('aria-busy', 'true');
      const failure = await act();
      dialog.removeAttribute('aria-busy');
      yes.disabled = false;
      if (failure) setText($('ask-error'), failure);
      else end(true);
    };
    const onNo = () => end(false);
    const onCancel = (event) => {
      event.preventDefault();
      end(false);
    };
    const onClose = () => {
      if (!dialog.open) end(false);
    };
    yes.addEventListener('click', onYes);
    no.addEventListener('click', onNo);
    dialog.addEventListener('cancel', onCancel);
    dialog.addEventListener('close', onClose);
    dialog.showModal();
    no.focus();
  });
}

/** What follows a yes: a request. Null when it went well, else why not, for the dialog. */
export async function tried(act, reason = failureText) {
  try {
    await act();
    return null;
  } catch (error) {
    return reason(error);
  }
}

/** Ending or erasing: asked from the page, or from the sheet, which closes. */
export function askGravely(question, act) {
  $('sheet').close();
  return ask(question, () => tried(act));
}
