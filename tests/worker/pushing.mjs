// What the tests of push share: sessions with devices, the queue, what Google was asked.
import assert from 'node:assert/strict';
import { after, before, beforeEach } from 'node:test';
import { ok } from '../lib/contract.mjs';
import { rnd } from '../lib/jwt.mjs';
import { startOutside } from '../lib/outside.mjs';
import { startStack } from '../lib/stack.mjs';
import { runWorker } from '../lib/worker.mjs';

// Set before the first test.
export let o, stack;

// A stack of the suite's own whose worker runs by hand, on that database (helpers.mjs, onBoth), and the outside world, played.
export function playPush(db) {
  before(async () => {
    o = await startOutside();
    stack = await startStack({ env: { ...o.env, ROOM_WORKER: '0', ...(await db?.env()) } });
  });
  after(async () => { await stack?.stop(); await o?.stop(); });
  beforeEach(async () => { await stack.redis('DEL', '{0}:breaker:fcm', '{0}:breaker:oauth'); });
}

// A session whose student and counselor have a device each, unless told otherwise.
export async function session(body = {}) {
  const devices = { student: { token: `student-${rnd(20)}` }, counselor: { token: `counselor-${rnd(20)}` } };
  const s = await stack.session({ devices, ...body });
  return Object.assign(s, { devices, target: devices.student.token, key: (who) => `${s.id} ${who ?? s.student}` });
}
export const say = async (s, who = 'counselor', content = `canary ${rnd(12)}`) => ok(await stack.as(s.tickets[who]).post(`${s.path}/messages`, { content }), 201);
export const push = async (options = {}) => {
  const r = await runWorker(stack, ['push', '--once'], options);
  if (!options.failpoint) assert.equal(r.code, options.code ?? 0, r.stderr);
  return r;
};
export const due = async (s, who) => Number(await stack.redis('ZSCORE', '{0}:push', s.key(who)));
export const told = (s, who = s.student) => stack.redis('HGET', `{0}:conv:${s.id}:present`, `o:${who}`);
// What is put off, claimed, or waits for a retry is due now.
export const hasten = async (s, who) => stack.redis('ZADD', '{0}:push', 'XX', 1, s.key(who));
// No sign of life for longer than presence lasts.
export const goes = async (s, who = s.student) => stack.redis('HSET', `{0}:conv:${s.id}:present`, `l:${who}`, 1);
export const pushesTo = (target) => o.fcm.pushes.filter((p) => p.target === target);
export const attemptsTo = (target) => o.fcm.requests.filter((r) => r.checked?.target === target);
export const dead = async (why) => Number(await stack.redis('HGET', '{0}:push:dead', why)) || 0;
export const waitingTold = async (s) => (await stack.redis('LRANGE', '{0}:events', 0, -1)).split('\n').filter((l) => l.includes(` waiting ${s.id} `)).length;
