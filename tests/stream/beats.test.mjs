// Heartbeats are spread: what all were told together makes nobody's hub write to all of them together again.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ok } from '../lib/contract.mjs';
import { Stream, slow, until } from '../lib/client.mjs';
import { startStack } from '../lib/stack.mjs';

let stack;
before(async () => { stack = await startStack({ env: { ROOM_HUBS: '1' } }); });
after(async () => { await stack?.stop(); });

test('streams that were written to at the same time beat at different times, each within its interval', async () => {
  const s = await stack.session();
  const streams = await Promise.all(Array.from({ length: 40 }, async () => { const st = new Stream(stack.base, `${s.path}/events`, { ticket: s.tickets.counselor }); await st.ready(); return st; }));
  const m = ok(await stack.as(s.tickets.student).post(`${s.path}/messages`, { content: 'x' }), 201);
  const told = await Promise.all(streams.map((st) => st.next((e) => e.id === m.cursor)));
  const beats = await Promise.all(streams.map((st, i) => until('a heartbeat', () => st.parser.comments.find((c) => c.at > told[i].at), { ms: 25_000 })));
  const after = beats.map((beat, i) => beat.at - told[i].at);
  const [least, most] = [Math.min(...after), Math.max(...after)];
  assert.ok(most - least > 800, `all within ${Math.round(most - least)} ms`);
  assert.ok(least > 12_000 && most < 15_000 + 2000 * slow, `${least} to ${most} ms`);
  for (const st of streams) st.close();
});
