// Accounts for tests: made, logged in, and as a browser would use them.
import { call, rnd } from '../lib/client.mjs';
import { ok } from '../lib/contract.mjs';

export const password = 'a horse of 9 colours';

// One request to /auth without credentials.
export const auth = (stack, method, path, json, options = {}) => call(stack.base, method, `/auth/${path}`, { json, ...options });

// The login cookie that an answer sets: {pair, value, line, attributes}; undefined when it sets none.
export function loginCookie(r) {
  const line = [].concat(r.headers['set-cookie'] ?? []).find((l) => l.startsWith('room_login='));
  if (!line) return undefined;
  const [pair, ...rest] = line.split(/;\s*/);
  const attributes = Object.fromEntries(rest.map((a) => [a.split('=')[0].toLowerCase(), a.includes('=') ? a.slice(a.indexOf('=') + 1) : true]));
  return { pair, value: pair.slice('room_login='.length), line, attributes };
}

export async function logIn(stack, login, secret = password, options = {}) {
  const r = await auth(stack, 'POST', 'login', { login, password: secret }, options);
  const json = ok(r);
  const cookie = loginCookie(r);
  return {
    login, id: json.user.id, name: json.user.name, token: json.token, expiresAt: json.expiresAt, cookie,
    api: stack.as(json.token),
    browse: (method, path, body, more = {}) => browse(stack, [cookie.pair], method, path, body, more),
  };
}

// A new account, logged in.
export async function account(stack, { login = `u${rnd()}`, name = 'Ann', secret = password } = {}) {
  ok(await auth(stack, 'POST', 'register', { login, password: secret, name }), 202);
  return logIn(stack, login, secret);
}

// As a browser on our own pages: cookies, and the Origin with whatever writes.
export const browse = (stack, pairs, method, path, json, { origin = method === 'GET' ? undefined : stack.base, headers = {}, ...more } = {}) =>
  call(stack.base, method, path, { json, headers: { Cookie: pairs.join('; '), ...(origin ? { Origin: origin } : {}), ...headers }, ...more });
