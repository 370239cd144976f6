// What Google's token endpoint and Firebase Cloud Messaging do with a request (research: reference of FCM HTTP v1, RFC 7523).
import { createPublicKey, generateKeyPairSync, randomBytes, verify } from 'node:crypto';
import { Breach, Service, must, mustHave } from './server.mjs';

const SCOPE = 'https://www.googleapis.com/auth/firebase.messaging';
const GRANT = 'urn:ietf:params:oauth:grant-type:jwt-bearer';

export const googleError = (code, status, message, details) => ({ status: code, body: { error: { code, message, status, ...(details ? { details } : {}) } } });
const fcmError = (code, status, errorCode, more = []) =>
  googleError(code, status, 'An error.', [{ '@type': 'type.googleapis.com/google.firebase.fcm.v1.FcmError', errorCode }, ...more]);
const violation = (field) => ({ '@type': 'type.googleapis.com/google.rpc.BadRequest', fieldViolations: [{ field, description: 'Invalid value' }] });

// The service account, its key file, and what it is known by.
export function makeAccount() {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return {
    publicKey,
    email: 'firebase-adminsdk@reading-room-test.iam.gserviceaccount.com',
    project: 'reading-room-test',
    keyId: randomBytes(20).toString('hex'),
    pem: privateKey.export({ type: 'pkcs8', format: 'pem' }),
  };
}

export const accountFile = (a, tokenUri) => JSON.stringify({
  type: 'service_account', project_id: a.project, private_key_id: a.keyId, private_key: a.pem, client_email: a.email, client_id: '1',
  auth_uri: 'https://accounts.google.com/o/oauth2/auth', token_uri: tokenUri, universe_domain: 'googleapis.com',
}, null, 2);

// spec: error: 'invalid_grant' (400) · expiresIn
export function makeOauth(account, now) {
  const tokens = new Map(); // token → when it ends
  const service = new Service('oauth', {
    check(r) {
      must(r.method === 'POST' && r.path === '/token', `${r.method} ${r.path}`);
      must(r.headers['content-type'] === 'application/x-www-form-urlencoded', `Content-Type ${r.headers['content-type']}`);
      must(!r.headers.authorization, 'no Authorization is wanted here');
      const form = [...new URLSearchParams(r.body)];
      must(form.map(([k]) => k).sort().join() === 'assertion,grant_type', `form members ${form.map(([k]) => k)}`);
      const { grant_type, assertion } = Object.fromEntries(form);
      must(grant_type === GRANT, `grant_type ${grant_type}`);
      const [h, c, s, ...rest] = assertion.split('.');
      must(s && rest.length === 0 && !/[^A-Za-z0-9_.-]/.test(assertion), 'the assertion is no JWT');
      const [header, claims] = [h, c].map((x) => JSON.parse(Buffer.from(x, 'base64url')));
      mustHave(header, ['alg', 'typ', 'kid'], [], 'assertion header');
      must(header.alg === 'RS256' && header.typ === 'JWT' && header.kid === account.keyId, `assertion header ${JSON.stringify(header)}`);
      must(verify('RSA-SHA256', Buffer.from(`${h}.${c}`), createPublicKey(account.publicKey.export({ type: 'spki', format: 'pem' })), Buffer.from(s, 'base64url')), 'the assertion is not signed by the account');
      mustHave(claims, ['iss', 'scope', 'aud', 'iat', 'exp'], [], 'claims');
      must(claims.iss === account.email && claims.scope === SCOPE && claims.aud === `${service.url}/token`, `claims ${JSON.stringify(claims)}`);
      const s0 = Math.floor(now() / 1000);
      must(Number.isInteger(claims.iat) && Number.isInteger(claims.exp) && claims.iat <= s0 + 60 && claims.iat >= s0 - 300 && claims.exp > s0 && claims.exp - claims.iat <= 3600, `times ${JSON.stringify(claims)}`);
    },
    answer(r, checked, spec) {
      if (spec.error) return { status: 400, body: { error: spec.error, error_description: 'Invalid JWT Signature.' } };
      const expires_in = spec.expiresIn ?? 3599;
      const access_token = `ya29.${randomBytes(24).toString('base64url')}`;
      tokens.set(access_token, now() + expires_in * 1000);
      return { status: 200, body: { access_token, expires_in, token_type: 'Bearer' } };
    },
    refuse: (why) => ({ status: 400, body: { error: 'invalid_request', error_description: why } }),
  });
  service.tokens = tokens;
  service.revoke = () => tokens.clear();
  return service;
}

const isTtl = (s) => typeof s === 'string' && /^(0|[1-9]\d{0,6})(\.\d{1,9})?s$/.test(s) && parseFloat(s) <= 2_419_200;

function checkData(data, what) {
  must(data && typeof data === 'object' && !Array.isArray(data), `${what} is no map`);
  for (const [k, v] of Object.entries(data)) {
    must(typeof v === 'string', `${what}.${k} is no string`);
    must(!['from', 'message_type'].includes(k) && !/^(google|gcm)/.test(k), `${what}.${k} is reserved`);
  }
}

// The Message resource as documented; and what this house promises beyond it: the fixed sentence, no name, no text.
function checkMessage(m, text) {
  mustHave(m, [], ['fid', 'token', 'topic', 'condition', 'data', 'notification', 'android', 'apns', 'webpush', 'fcm_options'], 'message');
  const targets = ['fid', 'token', 'topic', 'condition'].filter((k) => Object.hasOwn(m, k));
  must(targets.length === 1 && ['fid', 'token'].includes(targets[0]), `targets: ${targets}`);
  must(typeof m[targets[0]] === 'string' && m[targets[0]].length > 0, 'an empty target');
  mustHave(m.notification, ['body'], [], 'notification');
  must(m.notification.body === text, `the notification says: ${m.notification.body}`);
  if (m.data) checkData(m.data, 'data');

  mustHave(m.android, ['collapse_key', 'priority', 'ttl'], ['notification', 'restricted_package_name', 'data', 'direct_boot_ok'], 'android');
  must(m.android.priority === 'HIGH', `android.priority ${m.android.priority}`);
  must(isTtl(m.android.ttl), `android.ttl ${JSON.stringify(m.android.ttl)}`);
  must(typeof m.android.collapse_key === 'string' && m.android.collapse_key, 'android.collapse_key');
  if (m.android.notification) mustHave(m.android.notification, [], ['tag', 'sound', 'channel_id'], 'android.notification');

  mustHave(m.apns, ['headers', 'payload'], ['fcm_options'], 'apns');
  mustHave(m.apns.headers, ['apns-priority', 'apns-expiration', 'apns-collapse-id'], ['apns-push-type'], 'apns.headers');
  for (const [k, v] of Object.entries(m.apns.headers)) must(typeof v === 'string', `apns.headers.${k} is no string`);
  must(m.apns.headers['apns-priority'] === '10', 'apns-priority');
  must(Buffer.byteLength(m.apns.headers['apns-collapse-id']) <= 64, 'apns-collapse-id is too long');
  mustHave(m.apns.payload, ['aps'], [], 'apns.payload');
  mustHave(m.apns.payload.aps, [], ['sound', 'badge', 'thread-id'], 'aps');

  mustHave(m.webpush, ['headers'], ['notification', 'data', 'fcm_options'], 'webpush');
  mustHave(m.webpush.headers, ['TTL', 'Urgency'], ['Topic'], 'webpush.headers');
  for (const [k, v] of Object.entries(m.webpush.headers)) must(typeof v === 'string', `webpush.headers.${k} is no string`);
  must(/^\d+$/.test(m.webpush.headers.TTL) && m.webpush.headers.Urgency === 'high', 'webpush.headers');
  must(/^[A-Za-z0-9_-]{1,32}$/.test(m.webpush.headers.Topic ?? 'x'), 'webpush Topic (RFC 8030: 32 of base64url)');
  if (m.webpush.notification) mustHave(m.webpush.notification, [], ['tag', 'renotify'], 'webpush.notification');
  return targets[0];
}

// Two messages may differ in target and time to live only.
function shapeOf(m, now) {
  const ttl = parseFloat(m.android.ttl);
  must(Number(m.webpush.headers.TTL) === ttl, `TTL ${m.webpush.headers.TTL} beside ${m.android.ttl}`);
  const until = Number(m.apns.headers['apns-expiration']);
  must(ttl === 0 ? until === 0 : Math.abs(until - (now / 1000 + ttl)) < 300, `apns-expiration ${until}, ttl ${ttl}`);
  const { fid, token, ...rest } = structuredClone(m);
  rest.android.ttl = rest.webpush.headers.TTL = rest.apns.headers['apns-expiration'] = '';
  return JSON.stringify(rest);
}

// spec: error: an errorCode of the documentation · violates: 'message.token' with INVALID_ARGUMENT
// .pushes: what was accepted, {target, kind, ttl, message}
export function makeFcm(account, oauth, now, text) {
  let shape;
  const pushes = [];
  const codes = {
    UNREGISTERED: [404, 'NOT_FOUND'], INVALID_ARGUMENT: [400, 'INVALID_ARGUMENT'], SENDER_ID_MISMATCH: [403, 'PERMISSION_DENIED'], THIRD_PARTY_AUTH_ERROR: [401, 'UNAUTHENTICATED'],
    QUOTA_EXCEEDED: [429, 'RESOURCE_EXHAUSTED'], UNAVAILABLE: [503, 'UNAVAILABLE'], INTERNAL: [500, 'INTERNAL'],
  };
  const service = new Service('fcm', {
    check(r) {
      must(r.method === 'POST' && r.path === `/v1/projects/${account.project}/messages:send`, `${r.method} ${r.path}`);
      must(/^application\/json\b/.test(r.headers['content-type'] ?? ''), `Content-Type ${r.headers['content-type']}`);
      must(!r.headers['x-request-id'] && !r.headers.cookie, 'our request ids are none of Google\'s business');
      const token = /^Bearer (\S+)$/.exec(r.headers.authorization ?? '')?.[1];
      must(token, 'no bearer token');
      must(r.bytes.length <= 4096, `${r.bytes.length} bytes`);
      const json = JSON.parse(r.body);
      mustHave(json, ['message'], ['validate_only'], 'request');
      const kind = checkMessage(json.message, text());
      const mine = shapeOf(json.message, now());
      must(shape === undefined || shape === mine, `two pushes differ in more than target and ttl:\n  ${shape}\n  ${mine}`);
      shape = mine;
      return { token, message: json.message, kind, target: json.message[kind] };
    },
    answer(r, { token, message, kind, target }, spec) {
      if (!((oauth.tokens.get(token) ?? 0) > now())) return googleError(401, 'UNAUTHENTICATED', 'Request had invalid authentication credentials.');
      const gone = service.gone.has(target) ? 'UNREGISTERED' : undefined;
      const code = spec.error ?? gone;
      if (code) return fcmError(codes[code]?.[0] ?? 400, codes[code]?.[1] ?? 'UNKNOWN', code, spec.violates ? [violation(spec.violates)] : []);
      if ((spec.status ?? 200) === 200) pushes.push({ target, kind, ttl: message.android.ttl, message, at: r.at });
      return { status: 200, body: { name: `projects/${account.project}/messages/${randomBytes(8).toString('hex')}` } };
    },
    refuse: (why) => fcmError(400, 'INVALID_ARGUMENT', 'INVALID_ARGUMENT', [{ '@type': 'x', why }]),
  });
  service.pushes = pushes;
  service.gone = new Set(); // targets that are no longer registered
  return service;
}

export { Breach };
