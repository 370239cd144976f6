// Conversations of very many people and feeds that are open: whatever makes one of them, an open feed is told what is said in it, or how much is unread, at once.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { pool, rnd } from '../lib/client.mjs';
import { ok } from '../lib/contract.mjs';
import { startStack } from '../lib/stack.mjs';
import { onBoth } from '../worker/helpers.mjs';
import { group, open, send } from './readers.mjs';

const crowd = (n) => { const tag = rnd(4); return Array.from({ length: n }, (_, i) => `crowd${i}_${tag}`); };
const someone = (stack) => { const id = `bob_${rnd()}`; return { id, ticket: stack.user(id) }; };
const soon = { ms: 20_000 };
const free = { ROOM_WORKER: '0' };
const told = (f, g) => f.named('message:new').filter((e) => e.data.conversationId === g.id).map((e) => e.data.cursor);

onBoth('conversations of very many people', (db) => {
  let stack;
  before(async () => { stack = await startStack({ seams: true, env: { ...free, ROOM_APIS: '1', ...(await db.env()) } }); });
  after(() => stack?.stop());
  const speak = async (g, n, what = 'said') => { const all = []; for (let i = 0; i < n; i++) all.push(await send(g, 'ann', `${what} ${i}`)); return all; };

  test('one that begins with that many: everybody named hears of it and of what is said', async () => {
    const bob = someone(stack);
    const f = await open(stack, '/api/events', bob.ticket);
    const g = await group(stack, ['ann'], { participants: [bob.id, ...crowd(205)] });
    const said = await speak(g, 3);
    const made = await f.next((e) => e.event === 'conversation:created' && e.data.conversationId === g.id, soon);
    assert.notEqual(made.id, undefined);
    await f.next((e) => e.data.cursor === said[2].cursor, soon);
    assert.deepEqual(told(f, g), said.map((m) => m.cursor));
    f.close();
  });

  test('the same when the api dies before it is in the feeds', async () => {
    const bob = someone(stack);
    const f = await open(stack, '/api/events', bob.ticket);
    const [pid] = stack.children().api;
    stack.arm('announce.told:kill');
    const clientId = rnd();
    const tag = rnd(4);
    const ann = stack.as(stack.user(`ann_${tag}`));
    const people = [bob.id, ...crowd(205)];
    await ann.post('/api/conversations', { type: 'group', participants: people, clientId }, { retry: false }).catch(() => undefined); // the answer may be lost
    await stack.replaced('api', pid);
    const made = await f.next('conversation:created', soon);
    const again = await ann.post('/api/conversations', { type: 'group', participants: people, clientId });
    assert.equal(ok(again).id, made.data.conversationId);
    const m = ok(await ann.post(`/api/conversations/${made.data.conversationId}/messages`, { content: 'hello' }), 201);
    await f.next((e) => e.data.cursor === m.cursor, soon);
    f.close();
  });

  test('one that becomes that large while a feed is open, and small again', async () => {
    const bob = someone(stack);
    const g = await group(stack, ['ann'], { participants: [bob.id, ...crowd(148)] });
    const f = await open(stack, '/api/events', bob.ticket);
    const first = await send(g, 'ann', 'while it is small');
    await f.next((e) => e.data.cursor === first.cursor, soon);
    const more = crowd(60);
    await pool(8, more, async (participant) => ok(await g.as.ann.post(`${g.path}/participants`, { participant }), 201));
    const said = await speak(g, 3);
    await f.next((e) => e.data.cursor === said[2].cursor, soon);
    await pool(8, more.slice(0, 40), async (who) => ok(await g.as.ann.delete(`${g.path}/participants/${who}`), 204));
    const later = await speak(g, 3, 'small again');
    await f.next((e) => e.data.cursor === later[2].cursor, soon);
    await pool(8, more.slice(0, 40), async (participant) => ok(await g.as.ann.post(`${g.path}/participants`, { participant }), 201));
    const last = await speak(g, 3, 'large again');
    await f.next((e) => e.data.cursor === last[2].cursor, soon);
    assert.deepEqual(told(f, g), [first, ...said, ...later, ...last].map((m) => m.cursor));
    f.close();
  });

  test('somebody in more of them than one would think: what is said in each is told', async () => {
    const bob = someone(stack);
    const all = await pool(4, Array.from({ length: 60 }, (_, i) => i), () => group(stack, ['ann'], { participants: [bob.id, ...crowd(201)] }));
    for (const g of all) await send(g, 'ann', 'before');
    const f = await open(stack, '/api/events', bob.ticket);
    for (const g of all) {
      await f.next((e) => e.event === 'unread' && e.data.conversationId === g.id && e.data.unread >= 1, soon);
    }
    const said = [];
    for (const g of all) said.push(await send(g, 'ann', 'now'));
    for (const m of said) await f.next((e) => e.data.cursor === m.cursor, soon);
    f.close();
  });
});
