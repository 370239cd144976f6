// The one dialog of the page: a question with a safe answer and a grave one. The safe one has the focus.
import { $, setText } from './dom.js';

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
    let done = false;
    const onYes = async () => {
      yes.disabled = true;
      dialog.setAttribute('aria-busy', 'true');
      const failure = await act();
      dialog.removeAttribute('aria-busy');
      yes.disabled = false;
      if (failure) {
        setText($('ask-error'), failure);
        return;
      }
      done = true;
      dialog.close();
    };
    const onNo = () => dialog.close();
    yes.addEventListener('click', onYes);
    no.addEventListener('click', onNo);
    dialog.addEventListener(
      'close',
      () => {
        yes.removeEventListener('click', onYes);
        no.removeEventListener('click', onNo);
        if (opener?.isConnected) opener.focus();
        resolve(done);
      },
      { once: true },
    );
    dialog.showModal();
    no.focus();
  });
}
