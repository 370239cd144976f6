// What a role may do in a lasting conversation, as far as a page must know it to offer only what will be allowed. The server decides
// (src/chat/rights.c has the whole table, `room rights` prints it).
const GROUP = ['customer', 'member', 'agent', 'business', 'admin'];
const STAFF = ['agent', 'business', 'admin'];
const ADMIN = ['admin'];

const table = {
  deleteOthers: { group: STAFF },
  invite: { group: STAFF },
  remove: { group: ADMIN },
  roles: { group: ADMIN },
  silence: { group: ADMIN },
  rename: { group: STAFF },
  status: { group: STAFF, direct: true },
  retention: { group: ADMIN, direct: true },
  erase: { group: ADMIN, direct: true },
  leave: { group: GROUP },
};

/** @param {{type: string, role: string}} conversation  @param {keyof typeof table} right */
export function may(conversation, right) {
  const row = table[right];
  return conversation.type === 'direct' ? Boolean(row.direct) : row.group.includes(conversation.role);
}

/** Roles that somebody may give to others, in the order people look for them. */
export function rolesToGive(conversation) {
  if (conversation.role === 'admin') return ['member', 'admin', 'agent', 'business', 'customer'];
  return conversation.role === 'agent' ? ['member', 'customer', 'agent'] : conversation.role === 'business' ? ['member', 'customer', 'agent', 'business'] : [];
}
