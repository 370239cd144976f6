// What the tests of summaries share: talks, asking and reading, what became of one.
import assert from 'node:assert/strict';
import { after, before, beforeEach } from 'node:test';
import { ok } from '../lib/contract.mjs';
import { call } from '../lib/client.mjs';
import { rnd } from '../lib/jwt.mjs';
import { startOutside } from '../lib/outside.mjs';
import { runWorker } from '../lib/worker.mjs';
import { dueNow, onBoth, outbox, quietStack, rows } from './helpers.mjs';

export const HOUR = 3600_000;

// Set before the first test on each database.
export let o, stack, service;

// fn(db) on both databases, each with a stack of its own whose worker runs by hand, and the outside world, played.
export function onSummaries(title, fn) {
  onBoth(title, (db) => {
    before(async () => {
      o = await startOutside();
      stack = await quietStack(db, o.env);
      service = stack.as(stack.service());
    });
    after(async () => { await stack?.stop(); await o?.stop(); });
    beforeEach(async () => {
      await stack.redis('DEL', '{0}:breaker:gemini', '{0}:summary');
      o.gemini.planned.length = 0;
      o.gemini.always();
    });
    fn(db);
  });
}

export const say = async (s, content, who = 'student') => ok(await stack.as(s.tickets[who]).post(`${s.path}/messages`, { content }), 201);
// A session in which the two spoke; every text holds s.canary.
export async function talk(body = {}, texts = ['I cannot sleep', 'since when?']) {
  const s = await stack.session({ sessionId: `sess_${rnd()}`, ...body });
  s.canary = `canary${rnd(14)}`;
  s.said = [];
  for (const [i, text] of texts.entries()) s.said.push(await say(s, `${text} ${s.canary}`, i % 2 ? 'counselor' : 'student'));
  return s;
}
export const ask = async (s, who = 'counselor') => stack.as(s.tickets[who]).post(`${s.path}/summary`, {});
export const get = async (s, ticket = s.tickets.counselor) => stack.as(ticket).get(`${s.path}/summary`);
export const work = async (options = {}) => {
  const r = await runWorker(stack, ['summary', '--once'], options);
  if (!options.failpoint) assert.equal(r.code, options.code ?? 0, r.stderr);
  return r;
};
export const askedFor = (s) => o.gemini.requests.filter((r) => r.body.includes(s.canary));
export const key = (s, part = '') => `{0}:summary:${s.id}${part}`;
export const queued = async (s) => (await stack.redis('ZSCORE', '{0}:summary', s.id)) !== '';
// A claim that lapsed, a time to wait that is over.
export const hasten = (s) => stack.redis('ZADD', '{0}:summary', 'XX', 1, s.id);
export const expire = (s) => stack.redis('HSET', `{0}:conv:${s.id}`, 'expiresAt', Date.now() - 1000);
// The bookkeeping of one whose deadline has passed, or that was erased.
export const bookkeeping = async (s) => { await dueNow(stack, s.id); assert.equal((await runWorker(stack, ['expiry', '--once'])).code, 0); };
export const told = async (s) => (await outbox(stack, s.id)).filter((m) => m.type.startsWith('summary.'));
export const events = async (s, name, who = 'student') => ok(await call(stack.base, 'GET', `${s.path}/poll?wait=0&after=0-${await stack.redis('HGET', `{0}:conv:${s.id}`, 'birth')}`, { ticket: s.tickets[who] }))
  .events.filter((e) => e.event === name);
export const sqlRow = async (s) => (await rows(stack, `SELECT status, counselor, reason, attempt FROM summaries WHERE conversation = '${s.id}'`))[0];

export async function ready(s, { events: n = 1 } = {}) {
  const r = ok(await get(s));
  assert.deepEqual([r.status, r.model, r.why], ['ready', 'gemini-test-1', undefined]);
  assert.deepEqual(Object.keys(r.summary).sort(), ['agreed', 'concerns', 'openQuestions', 'riskSigns', 'summary']);
  assert.deepEqual((await told(s)).map((m) => m.type), Array(n).fill('summary.ready'));
  assert.equal((await events(s, 'summary:ready')).length, n, 'told on the streams once');
  assert.equal(await queued(s), false);
  assert.equal(await stack.redis('EXISTS', key(s), key(s, ':copy')), '0');
  return r;
}
export async function failed(s, why) {
  const r = ok(await get(s));
  assert.deepEqual([r.status, r.why, r.summary], ['failed', why, undefined]);
  const messages = await told(s);
  assert.deepEqual(messages.map((m) => [m.type, m.data.why, m.data.sessionId]), [['summary.failed', why, s.id]]);
  assert.equal(await queued(s), false);
  assert.equal(await stack.redis('EXISTS', key(s), key(s, ':copy')), '0');
}
