// The address bar. A link brings `#ticket=<jwt>`: it is taken out at once, before anything else happens. What stands there afterwards,
// `#c=<conversation>&as=<hash>&role=<role>`, is enough for a reload together with the HttpOnly cookie, and useless without it.
// Fragments never leave the browser.

/** @returns {{ticket: string}|{conversationId: string, as: string, role: string|undefined}|null} */
export function readAddress(hash) {
  const parts = new URLSearchParams(hash.replace(/^#/, ''));
  const ticket = parts.get('ticket');
  if (ticket) return { ticket };
  const conversationId = parts.get('c');
  const as = parts.get('as');
  if (!conversationId) return null;
  return { conversationId, as: as ?? '', role: parts.get('role') ?? undefined };
}

export function writeAddress(address) {
  let hash = '';
  if (address?.as) {
    const parts = new URLSearchParams({ c: address.conversationId, as: address.as });
    if (address.role) parts.set('role', address.role);
    hash = `#${parts}`;
  }
  history.replaceState(null, '', `${location.pathname}${location.search}${hash}`);
}

export function takeAddress() {
  const address = readAddress(location.hash);
  if (address?.ticket) writeAddress(null);
  return address;
}

/**
 * A new link opened in a tab that is already inside: same page, other fragment. The entry that brought the ticket is cleaned, and we
 * step back to the one before it, so that no way leads through this tab's history to an older address of the room.
 */
export function onNewLink(act) {
  addEventListener('hashchange', () => {
    const address = readAddress(location.hash);
    if (!address?.ticket) return;
    writeAddress(null);
    history.back();
    act(address.ticket);
  });
}
