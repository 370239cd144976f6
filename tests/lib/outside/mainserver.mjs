// MainServer's ear for webhooks: verifies as the Standard Webhooks libraries do.
import { createHmac, timingSafeEqual } from 'node:crypto';
import { Service, must, mustHave } from './server.mjs';

export const eventTypes = ['session.joined', 'message.waiting', 'session.ended', 'session.expired', 'session.erased', 'session.lost', 'summary.ready', 'summary.failed'];

const keyOf = (secret) => (secret.startsWith('whsec_') ? Buffer.from(secret.slice(6), 'base64') : Buffer.from(secret));

export function signaturesOf(id, timestamp, body, secret) {
  return `v1,${createHmac('sha256', keyOf(secret)).update(`${id}.${timestamp}.${body}`).digest('base64')}`;
}

// .events: [{id, type, timestamp, data}] as accepted, each id once · .deliveries: how often each id was accepted · .secrets: any of them verifies
export function makeMainserver(secrets, now) {
  const events = [];
  const deliveries = new Map();
  const bodies = new Map();
  const service = new Service('mainserver', {
    check(r) {
      must(r.method === 'POST' && r.path === '/webhooks/chat', `${r.method} ${r.path}`);
      must(/^application\/json\b/.test(r.headers['content-type'] ?? ''), `Content-Type ${r.headers['content-type']}`);
      must(!r.headers.authorization && !r.headers.cookie, 'no credentials are wanted here');
      const { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signature } = r.headers;
      must(/^[A-Za-z0-9_-]{1,64}$/.test(id ?? ''), `webhook-id ${id}`);
      must(/^\d+$/.test(timestamp ?? '') && Math.abs(Number(timestamp) - now() / 1000) < 300, `webhook-timestamp ${timestamp}`);
      const given = (signature ?? '').split(' ');
      must(given.length > 0 && given.every((s) => /^v1,[A-Za-z0-9+/]{43}=$/.test(s)), `webhook-signature ${signature}`);
      const equal = (a, b) => a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));
      must(service.secrets.some((s) => given.some((g) => equal(g, signaturesOf(id, timestamp, r.body, s)))), 'no signature is right');
      const event = JSON.parse(r.body);
      mustHave(event, ['type', 'timestamp', 'data'], [], 'event');
      must(service.types === undefined || service.types.includes(event.type), `type ${event.type}`);
      must(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/.test(event.timestamp), `timestamp ${event.timestamp}`);
      must(event.data && typeof event.data === 'object', 'data');
      must((bodies.get(id) ?? r.body) === r.body, `${id} came with two bodies`);
      bodies.set(id, r.body);
      return { id, event, signatures: given.length };
    },
    answer(r, { id, event }, spec) {
      const status = spec.status ?? 200;
      if (status < 300 && !spec.hang && !spec.reset) {
        if (!deliveries.has(id)) events.push({ id, ...event });
        deliveries.set(id, (deliveries.get(id) ?? 0) + 1);
      }
      return { status, body: status < 300 ? { ok: true } : { error: 'no' } };
    },
    refuse: (why) => ({ status: 400, body: { error: why } }),
  });
  return Object.assign(service, { secrets, types: eventTypes, events, deliveries });
}
