// The few helpers with which the page builds elements. Text goes in as text, always: nothing here or elsewhere parses HTML
// (and the page's policy, `require-trusted-types-for 'script'`, makes the browser refuse it).

export const $ = (id) => document.getElementById(id);

/** element('p', {class: 'x', 'aria-label': 'y', hidden: false, onclick: fn}, 'text', child, …) */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    if (key.startsWith('on')) made.addEventListener(key.slice(2), value);
    else made.setAttribute(key, value === true ? '' : value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

export const icon = (name) => element('span', { class: `icon icon-${name}`, 'aria-hidden': 'true' });

/** Sets text only when it differs, so that live regions and selections are left alone. */
export function setText(target, text) {
  if (target.textContent !== text) target.textContent = text;
}

/** These children, in this order; only what stands elsewhere is moved, so that a press on any other is not lost. @param {Element} list @param {Element[]} wanted */
export function arrange(list, wanted) {
  let at = list.firstElementChild;
  for (const one of wanted) {
    if (one === at) at = at.nextElementSibling;
    else list.insertBefore(one, at);
  }
  while (at) {
    const gone = at;
    at = at.nextElementSibling;
    gone.remove();
  }
}

const ADDRESS = /\bhttps?:\/\/[\w.~:/?#@!$&'()*+,;=%[\]-]*[\w/#=&~$%+-]/gi;

/** Text with web addresses (plain ASCII ones, so that nothing can dress up as something else) made into links. */
export function linked(text) {
  const parts = document.createDocumentFragment();
  let at = 0;
  for (const match of text.matchAll(ADDRESS)) {
    let href;
    try {
      href = new URL(match[0]).href;
    } catch {
      continue;
    }
    parts.append(text.slice(at, match.index));
    parts.append(element('a', { href, target: '_blank', rel: 'noopener noreferrer nofollow' }, match[0]));
    at = match.index + match[0].length;
  }
  parts.append(text.slice(at));
  return parts;
}

let speakTimer;
/** Says something to a screen reader, politely; what comes in quick succession is said once, in its last form, and does not stay. */
export function say(text) {
  clearTimeout(speakTimer);
  const show = (what, next) => {
    setText($('say'), what);
    if (next) speakTimer = setTimeout(next[0], next[1]);
  };
  speakTimer = setTimeout(() => show('', [() => show(text, [() => show(''), 6000]), 50]), 120);
}

/** Takes back whatever was being said. */
export function hush() {
  clearTimeout(speakTimer);
  $('say')?.replaceChildren();
}
