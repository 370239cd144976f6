// What the tests of lasting conversations share: people with a token of MainServer's, and conversations among them.
import assert from 'node:assert/strict';
import { ok } from '../lib/contract.mjs';
import { rnd } from '../lib/jwt.mjs';

export const base = '/api/conversations';
export const path = (c, more = '') => `${base}/${typeof c === 'string' ? c : c.id}${more}`;

// Somebody: {id, name, token, get, post, put, patch, delete}. The id is unlike any other's unless it is given.
export function person(stack, name = 'somebody', id = `${name.toLowerCase().replace(/[^a-z0-9]/g, '')}_${rnd(4)}`) {
  const token = stack.mint({ role: 'user', userId: id, name });
  return { id, name, token, ...stack.as(token) };
}
export const people = (stack, ...names) => names.map((n) => person(stack, n));
export const service = (stack) => stack.as(stack.service());

export const direct = async (one, other) => ok(await one.post(base, { type: 'direct', participants: [other.id] }), 201);
export const group = async (admin, others = [], more = {}) => ok(await admin.post(base, { type: 'group', participants: others.map((o) => (o.id && !o.role ? o.id : o)), ...more }), 201);
// A conversation of each role with a business, as only MainServer can make it.
export const business = async (stack, roles) => ok(await service(stack).post(base, { type: 'business', participants: Object.entries(roles).map(([role, who]) => ({ id: who.id, role })) }), 201);

export const send = async (who, c, content, more = {}) => ok(await who.post(path(c, '/messages'), { content, ...more }), 201);
export const list = async (who, query = '') => ok(await who.get(`${base}${query}`));
export const ids = (page) => page.conversations.map((c) => c.id);

export const seek = (who, query) => who.get(`/api/search?${new URLSearchParams(query)}`);

// All results of a search, page by page (one may hold fewer than it could, or none, as long as there is a next one); none twice.
export async function find(who, query, { limit = 50, between = async () => {} } = {}) {
  const all = [];
  for (let after; ;) {
    const page = ok(await seek(who, { ...(typeof query === 'string' ? { q: query } : query), limit, ...(after ? { after } : {}) }));
    assert.deepEqual(Object.keys(page).sort(), ['next', 'results']);
    assert.ok(page.results.length <= limit);
    all.push(...page.results);
    if (page.next === null) break;
    assert.equal(typeof page.next, 'string');
    after = page.next;
    await between(all);
  }
  const keys = all.map((r) => `${r.conversation.id} ${r.message?.id}`);
  assert.equal(new Set(keys).size, keys.length, 'nothing comes twice');
  return all;
}

// All of somebody's list, page by page.
export async function walk(who, limit, query = '', between = async () => {}) {
  const all = [];
  for (let next = ''; next !== null;) {
    const page = await list(who, `?limit=${limit}${query}${next && `&after=${next}`}`);
    all.push(...page.conversations);
    if (page.next !== null && page.next === next) throw new Error(`a page that leads to itself: ${next}`);
    next = page.next;
    if (all.length > 5000) throw new Error('a walk without an end');
    if (next !== null) await between(all);
  }
  return all;
}

// Everything that is told of a conversation, oldest first: {event, data}, read by long-poll from its beginning.
export async function told(who, c, after) {
  const r = ok(await who.get(path(c, `/poll?wait=0&after=${after}`)));
  return r.events;
}
