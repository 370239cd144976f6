// Lasting conversations: what an open stream may have missed is told again, a place that heard of more than there is asks in no circle, and who goes is gone.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { ok } from '../lib/contract.mjs';
import { sleep, until } from '../lib/client.mjs';
import { startStack } from '../lib/stack.mjs';
import { group, listen, send } from './readers.mjs';

async function withStack(run) {
  const stack = await startStack({ env: { ROOM_HUBS: '1', ROOM_WORKER: '0' } });
  try { await run(stack); } finally { await stack.stop(); }
}
const inbox = async (stack) => (await stack.redis('KEYS', '*:inbox')).split('\n').filter(Boolean)[0];
const readUpTo = (st, who) => Math.max(0, ...st.events.map((e) => (e.event === 'ready' ? e.data.read[who] ?? 0 : e.event === 'receipt:read' && e.data.participant === who ? e.data.upTo : 0)));
const ticks = (pid) => { const f = readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /, '').split(' '); return Number(f[11]) + Number(f[12]); };

describe('open streams of what lasts', { concurrency: true }, () => {
  for (const [how, lose] of [
    ['the connection with the inbox broke', async (stack) => {
      await stack.redis('DEL', await inbox(stack));
      for (const c of (await stack.redis('CLIENT', 'LIST')).split('\n').filter((line) => /cmd=blmpop/.test(line))) await stack.redis('CLIENT', 'KILL', 'ID', /\bid=(\d+)/.exec(c)[1]);
    }],
    ['the inbox ran over', async (stack) => { await stack.redis('EVAL', "redis.call('DEL', KEYS[1]) return redis.call('RPUSH', KEYS[1], '\\no')", 1, await inbox(stack)); }],
  ]) {
    test(`marks that were missed when ${how}`, () => withStack(async (stack) => {
      const g = await group(stack, ['ann', 'bob']);
      const st = await listen(stack, g, 'ann');
      const m = await send(g, 'ann', 'x');
      await st.next((e) => e.id === m.cursor);
      const pid = stack.kill('hub', 'SIGSTOP');
      try {
        // What it had asked for already gets something: only what comes then waits in its inbox.
        await until('news to wait', async () => { ok(await g.as.bob.post(`${g.path}/typing`, { isTyping: true }), 204); await sleep(50); return inbox(stack); });
        ok(await g.as.bob.put(`${g.path}/read`, { upTo: m.id }), 204);
        await until('the mark among it', async () => (await stack.redis('LRANGE', await inbox(stack), 0, -1)).includes('receipt:read'));
        await lose(stack);
      } finally {
        process.kill(pid, 'SIGCONT');
      }
      await st.when('the mark', () => readUpTo(st, g.ids.bob) >= m.id, 10_000);
      const later = await send(g, 'bob', 'y');
      await st.next((e) => e.id === later.cursor, { ms: 12_000 });
      assert.equal(st.ended, false);
      st.close();
    }));
  }
  test('announced further than there is anything to read: nobody asks in a circle', () => withStack(async (stack) => {
    const g = await group(stack, ['ann', 'bob']);
    const watch = await listen(stack, g, 'ann');
    await send(g, 'ann', 'x');
    await watch.next('message:new');
    // A database put back from yesterday, beside a Redis of today.
    await stack.redis('HSET', `{0}:conv:=${g.id}`, 'told', 1000);
    const st = await listen(stack, g, 'bob');
    await sleep(500);
    const [hub] = stack.children().hub;
    const before = ticks(hub);
    await sleep(2000); // what it uses in that time is what is promised
    assert.ok(ticks(hub) - before < 40, `${ticks(hub) - before} ticks in 2 s`);
    await stack.redis('HDEL', `{0}:conv:=${g.id}`, 'told'); // else what comes seems to have been told
    const m = await send(g, 'ann', 'y');
    for (const one of [watch, st]) await one.next((e) => e.id === m.cursor, { ms: 12_000 });
    for (const one of [watch, st]) one.close();
  }));
  test('a page that says, as it closes, that it types no more, is gone as soon as any other', () => withStack(async (stack) => {
    const g = await group(stack, ['ann', 'bob']);
    const watch = await listen(stack, g, 'ann');
    const tab = await listen(stack, g, 'bob', { warm: true });
    await sleep(1500); // signs of life are noted once a second: the next one counts
    tab.close();
    await sleep(50);
    ok(await g.as.bob.post(`${g.path}/typing`, { isTyping: false }), 204);
    await watch.next((e) => e.event === 'presence' && e.data.participant === g.ids.bob && !e.data.online, { ms: 17_000 });
    watch.close();
  }));
});
