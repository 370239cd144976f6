// The last page: nothing of what was shown is left in the document.
import { $, icon, setText } from './dom.js';

/** @param {{icon: string, title: string, text: string}} what   @param {string} title   the window's */
export function leaveNothing({ icon: name, title: heading, text }, title) {
  $('room').remove();
  for (const open of document.querySelectorAll('dialog')) open.remove();
  $('over-icon').replaceChildren(icon(name));
  setText($('over-title'), heading);
  setText($('over-text'), text);
  $('over').hidden = false;
  document.title = title;
  $('over-title').focus();
}
