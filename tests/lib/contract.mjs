// What every answer of the service must look like (design §7), and tickets of a table of wrong ones.
import assert from 'node:assert/strict';

export const codes = {
  BAD_REQUEST: 400, BAD_JSON: 400, BAD_CONTENT: 400, UNAUTHENTICATED: 401, TICKET_EXPIRED: 401, FORBIDDEN: 403, NOT_FOUND: 404,
  METHOD_NOT_ALLOWED: 405, CONFLICT: 409, SESSION_ENDED: 409, LOG_FULL: 409, GONE: 410, TOO_LARGE: 413, UNSUPPORTED_TYPE: 415,
  CLIENT_ID_REUSED: 422, RATE_LIMITED: 429, INTERNAL: 500, STORE_UNAVAILABLE: 503, PROFILE_SERVICE_UNAVAILABLE: 503, SUMMARIES_OFF: 503,
};

const brief = (r) => `${r.status} ${r.text.slice(0, 300)}`;

// What holds for every reply of ours, good or bad.
export function common(r, what = '') {
  assert.match(r.headers['x-request-id'] ?? '', /^[A-Za-z0-9_-]{8,64}$/, `${what}: X-Request-Id of ${brief(r)}`);
  assert.match(r.headers['cache-control'] ?? '', /no-store/, `${what}: Cache-Control of ${brief(r)}`);
}

// A good answer with that status; returns its JSON.
export function ok(r, status = 200, what = '') {
  assert.equal(r.status, status, `${what}: ${brief(r)}`);
  common(r, what);
  if (status === 204) assert.equal(r.text, '', `${what}: 204 has no body`);
  else {
    assert.match(r.headers['content-type'] ?? '', /^application\/json/, what);
    assert.ok(r.json && !r.json.error, `${what}: ${brief(r)}`);
  }
  return r.json;
}

// The error body of the contract, whoever wrote it (lighttpd too).
export function errorBody(r, what = '') {
  assert.match(r.headers['content-type'] ?? '', /^application\/json/, `${what}: type of ${brief(r)}`);
  assert.deepEqual(Object.keys(r.json ?? {}), ['error'], `${what}: ${brief(r)}`);
  const { code, message, details, retry_after, ...rest } = r.json.error;
  assert.deepEqual(rest, {}, `${what}: unknown members in ${brief(r)}`);
  assert.ok(typeof message === 'string' && message.length > 0, `${what}: message of ${brief(r)}`);
  assert.ok(details === undefined || typeof details === 'string', `${what}: details of ${brief(r)}`);
  assert.equal(codes[code], r.status, `${what}: ${code} with status ${r.status}`);
  if (retry_after !== undefined) assert.equal(r.headers['retry-after'], String(retry_after), `${what}: Retry-After`);
  return r.json.error;
}

// Our refusal: one of the given codes (a text, or a list where the design leaves a choice), with the common headers.
export function refused(r, want, what = '') {
  const list = [].concat(want);
  assert.ok(list.includes(r.code), `${what}: wanted ${list.join(' or ')}, got ${brief(r)}`);
  errorBody(r, what);
  common(r, what);
  return r.json.error;
}

export const isMessage = (m, want = {}) => {
  const known = ['expiresAt', 'id', 'cursor', 'conversationId', 'sender', 'role', 'type', 'content', 'sentAt', 'clientId', 'replyTo', 'threadId', 'metadata', 'files', 'editedAt', 'deletedAt'];
  assert.deepEqual(Object.keys(m).filter((k) => !known.includes(k)), [], `members of ${JSON.stringify(m)}`);
  assert.ok(Number.isInteger(m.id) && m.id > 0);
  assert.match(m.cursor, new RegExp(`^${m.id}-[0-9a-f]{12}$`));
  assert.ok(Number.isInteger(m.sentAt) && Math.abs(m.sentAt - Date.now()) < 600_000, `sentAt ${m.sentAt} is in ms, now`);
  for (const [k, v] of Object.entries(want)) assert.deepEqual(m[k], v, k);
  return m;
};

// A message as answers and events carry it, less the session's deadline beside it, which is that of the telling.
export const plain = ({ expiresAt, ...message }) => message;

// What a refused request must leave as it was: metadata and the whole visible log.
export async function stateOf(stack, s) {
  const meta = await stack.as(stack.service()).get(`/api/sessions/${s.id}`);
  const log = await stack.as(s.tickets.student).get(`${s.path}/messages?limit=200`);
  const { online, ...rest } = ok(meta);
  return { meta: rest, log: ok(log) };
}
