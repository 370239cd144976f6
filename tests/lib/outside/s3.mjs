// An S3-compatible store: verifies AWS Signature 4 of every request by itself (docs.aws.amazon.com, "Authenticating Requests: Using the Authorization
// Header"), the hash of every body, and keeps objects in memory.
import { createHash, createHmac } from 'node:crypto';
import { Service, must } from './server.mjs';

const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');
const hmac = (key, text) => createHmac('sha256', key).update(text).digest();

// The signature that a request must carry; headers: those that were signed, in their order.
function signatureOf(r, { day, region, secret, stamp, headers, payload }) {
  const url = new URL(r.path, 'https://x');
  const query = [...url.searchParams].map(([k, v]) => `${encodeURIComponent(k)}=${encodeURIComponent(v)}`).sort().join('&');
  const canonical = [r.method, url.pathname, query, ...headers.map((h) => `${h}:${String(r.headers[h]).trim().replace(/ +/g, ' ')}`), '', headers.join(';'), payload].join('\n');
  const scope = `${day}/${region}/s3/aws4_request`;
  const toSign = ['AWS4-HMAC-SHA256', stamp, scope, sha256(canonical)].join('\n');
  const key = ['s3', 'aws4_request'].reduce((k, part) => hmac(k, part), hmac(hmac(`AWS4${secret}`, day), region));
  return createHmac('sha256', key).update(toSign).digest('hex');
}

// .objects: Map name → Buffer; .stuck: names that nobody may delete; .corrupt(name): changes a byte. Beside what every service can be told (server.mjs): {forget: true} answers a PUT without keeping it.
export function makeS3({ bucket = 'room-files', region = 'eu-test-1', key = 'AKTEST', secret = 's3cr3t/with+signs' } = {}) {
  const objects = new Map();
  const stuck = new Set();
  const service = new Service('s3', {
    check(r) {
      const name = new RegExp(`^/${bucket}/([A-Za-z0-9_-]{1,64})$`).exec(r.path)?.[1];
      must(name, `path ${r.path}`);
      must(['GET', 'PUT', 'DELETE'].includes(r.method), r.method);
      const m = /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/s3\/aws4_request, ?SignedHeaders=([a-z0-9;-]+), ?Signature=([0-9a-f]{64})$/.exec(r.headers.authorization ?? '');
      must(m, `Authorization ${r.headers.authorization}`);
      const [, id, day, where, list, signature] = m;
      const headers = list.split(';');
      const stamp = r.headers['x-amz-date'];
      must(id === key && where === region, `credential of ${id} in ${where}`);
      must(/^\d{8}T\d{6}Z$/.test(stamp ?? '') && stamp.startsWith(day), `x-amz-date ${stamp}`);
      const at = Date.parse(stamp.replace(/^(....)(..)(..)T(..)(..)(..)Z$/, '$1-$2-$3T$4:$5:$6Z'));
      must(Math.abs(at - Date.now()) < 900_000, `x-amz-date ${stamp} is not now`);
      for (const h of ['host', 'x-amz-date', 'x-amz-content-sha256']) must(headers.includes(h), `${h} is not signed`);
      for (const h of Object.keys(r.headers).filter((n) => n.startsWith('x-amz-'))) must(headers.includes(h), `${h} is not signed`);
      must(headers.join() === [...headers].sort().join(), 'signed headers in their order');
      const payload = r.headers['x-amz-content-sha256'];
      must(payload === sha256(r.bytes), 'x-amz-content-sha256 is not the hash of the body');
      must(signature === signatureOf(r, { day, region, secret, stamp, headers, payload }), 'the signature is wrong');
      return { name };
    },
    answer(r, { name }, spec) {
      const good = (spec.status ?? 200) < 300 && !spec.reset && !spec.hang;
      if (r.method === 'PUT') {
        if (good && !spec.forget) objects.set(name, r.bytes);
        return { status: 200 };
      }
      if (r.method === 'DELETE') {
        if (stuck.has(name)) return { status: 403, headers: { 'Content-Type': 'application/xml' }, body: '<Error><Code>AccessDenied</Code></Error>' };
        if (good) objects.delete(name);
        return { status: 204 };
      }
      const bytes = objects.get(name);
      return bytes ? { status: 200, headers: { 'Content-Type': 'application/octet-stream' }, bytes } : { status: 404, headers: { 'Content-Type': 'application/xml' }, body: '<Error><Code>NoSuchKey</Code></Error>' };
    },
    refuse: (why) => ({ status: 403, headers: { 'Content-Type': 'application/xml' }, body: `<Error><Code>SignatureDoesNotMatch</Code><Message>${why}</Message></Error>` }),
  });
  const corrupt = (name, at = 200) => { const b = Buffer.from(objects.get(name)); b[at] ^= 1; objects.set(name, b); };
  const env = (ca) => ({ ROOM_CA_FILE: ca, ROOM_S3_URL: service.url, ROOM_S3_BUCKET: bucket, ROOM_S3_REGION: region, ROOM_S3_KEY: key, ROOM_S3_SECRET: secret });
  return Object.assign(service, { objects, stuck, corrupt, env });
}
