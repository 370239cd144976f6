// Tickets made with node's crypto alone, so that the service's own signing code is never its judge.
import { createHmac, randomBytes } from 'node:crypto';

export const b64 = (x) => Buffer.from(x).toString('base64url');
export const now_s = () => Math.floor(Date.now() / 1000);
export const rnd = (n = 6) => randomBytes(n).toString('hex');

// header and payload are JSON texts (so that tests can write duplicate members and odd numbers), signed as they are.
export function signText(header, payload, secret, { hash = 'sha256' } = {}) {
  const head = `${b64(header)}.${b64(payload)}`;
  return `${head}.${createHmac(hash, secret).update(head).digest('base64url')}`;
}

// A signed token: claims over the defaults iss and exp (one hour); a claim that is undefined is left out.
export function mint(claims, secret, { header = {} } = {}) {
  return signText(
    JSON.stringify({ alg: 'HS256', typ: 'JWT', ...header }),
    JSON.stringify({ iss: 'mainserver', exp: now_s() + 3600, ...claims }),
    secret,
  );
}

export const claimsOf = (token) => JSON.parse(Buffer.from(token.split('.')[1], 'base64url'));
export const headerOf = (token) => JSON.parse(Buffer.from(token.split('.')[0], 'base64url'));
