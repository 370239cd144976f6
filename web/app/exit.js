// "Leave quickly": the page is blank at once, then cookie, memory and every other tab of this participant are cleared, and the
// neutral page takes this one's place in the history, so that Back does not return here.
import { settings } from './settings.js';

const TWICE_MS = 800;
let leaving = false;

export const isLeaving = () => leaving;

function blank() {
  document.title = ' ';
  document.documentElement.className = 'blank';
  document.querySelector('link[rel=icon]')?.remove();
  document.body.replaceChildren();
  history.replaceState(null, '', location.pathname);
  for (const storage of ['localStorage', 'sessionStorage']) {
    try {
      window[storage].clear(); // we never put anything there; whatever did, it goes
    } catch {
      // Storage is switched off: all the better.
    }
  }
}

/** @param {import('../room.js').Room|null} room */
export async function leaveQuickly(room) {
  if (leaving) return;
  leaving = true;
  blank();
  try {
    await room?.forget();
  } finally {
    location.replace(settings.exitUrl);
  }
}

/** Escape twice with nothing in between, from anywhere on the page, dialogs included. */
export function onEscapeTwice(act) {
  let last = -TWICE_MS;
  addEventListener(
    'keydown',
    (event) => {
      if (event.repeat) return;
      const now = performance.now();
      if (event.key !== 'Escape') {
        last = -TWICE_MS;
      } else if (now - last < TWICE_MS) {
        event.stopImmediatePropagation(); // whoever would hear of it next is about to go
        act();
      } else {
        last = now;
      }
    },
    { capture: true },
  );
}
