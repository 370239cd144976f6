// A face for somebody who has none: initials on one of eight colours, the same for the same id everywhere.
import { element, icon } from '../app/dom.js';

const COLOURS = 8;

function colourOf(id) {
  let hash = 7;
  for (const char of id) hash = (hash * 31 + char.codePointAt(0)) >>> 0;
  return hash % COLOURS;
}

function initials(name) {
  const words = name.split(/[\s_-]+/).filter((word) => /[\p{L}\p{N}]/u.test(word));
  const letters = [words[0], words.length > 1 ? words.at(-1) : ''].map((word) => [...(word ?? '')].find((char) => /[\p{L}\p{N}]/u.test(char)) ?? '');
  return letters.join('').toUpperCase() || '?';
}

/** @param {{id: string, name: string, group?: boolean, online?: boolean, large?: boolean}} who */
export function portrait({ id, name, group = false, online = false, large = false }) {
  const classes = `face face-${colourOf(id)}${online ? ' here' : ''}${large ? ' large' : ''}`;
  return element('span', { class: classes, 'aria-hidden': 'true' }, group ? icon('group') : initials(name));
}

/** Puts it in the place of what was there, when it changed. */
export function setPortrait(place, who) {
  const print = JSON.stringify(who);
  if (place.dataset.print === print) return;
  place.dataset.print = print;
  place.replaceChildren(portrait(who));
}
