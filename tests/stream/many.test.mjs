// One person with very many streams (ROOM_STREAMS): the oldest goes, so that one ticket can't take every connection there is; nobody else notices.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ok, refused } from '../lib/contract.mjs';
import { Stream, call, until } from '../lib/client.mjs';
import { rnd } from '../lib/jwt.mjs';
import { startStack } from '../lib/stack.mjs';
import { within } from '../lib/wait.mjs';
import { group, send } from '../lasting/readers.mjs';

let stack;
before(async () => { stack = await startStack({ env: { ROOM_HUBS: '1', ROOM_STREAMS: '3' } }); });
after(() => stack?.stop());

async function opened(path, ticket) {
  const st = new Stream(stack.base, path, { ticket });
  await st.ready();
  return st;
}

async function several(n, path, ticket) {
  const all = [];
  for (let i = 0; i < n; i++) all.push(await opened(path, ticket));
  return all;
}

test('a session: the fourth stream ends the first, politely; the others, and the other one, are told on; nobody left', async () => {
  const s = await stack.session();
  const other = await opened(`${s.path}/events`, s.tickets.counselor);
  const [first, ...rest] = await several(4, `${s.path}/events`, s.tickets.student);
  await first.end();
  assert.ok(first.parser.retry >= 10_000, `one that comes back at once would end another: retry ${first.parser.retry}`);
  assert.deepEqual(first.events.map((e) => e.event).filter((name) => name !== 'presence'), ['ready'], 'no event of its own');
  const m = ok(await stack.as(s.tickets.counselor).post(`${s.path}/messages`, { content: 'who is there?' }), 201);
  for (const st of [...rest, other]) await st.next((e) => e.id === m.cursor);
  assert.deepEqual(ok(await stack.as(stack.service()).get(`/api/sessions/${s.id}`)).online.sort(), [s.counselor, s.student].sort());
  assert.ok(!other.events.some((e) => e.event === 'presence' && e.data.participant === s.student && !e.data.online));
  for (const st of [...rest, other]) st.close();
});

test('a stream ticket and a poll count like any other', async () => {
  const s = await stack.session();
  const as = stack.as(s.tickets.student);
  const { cursor } = ok(await as.get(`${s.path}/poll?wait=0`));
  const poll = call(stack.base, 'GET', `${s.path}/poll?wait=25&after=${cursor}`, { ticket: s.tickets.student, agent: false, timeout: 60_000 });
  await until('the poll to be there', async () => ok(await stack.as(stack.service()).get(`/api/sessions/${s.id}`)).online.includes(s.student));
  const rest = await several(2, `${s.path}/events`, s.tickets.student);
  const { ticket } = ok(await as.post(`${s.path}/stream-ticket`, {}), 201);
  rest.push(await opened(`${s.path}/events?stream_ticket=${ticket}`));
  const answer = await within('the poll to be answered before its time', 15_000, poll);
  refused(answer, 'RATE_LIMITED');
  assert.equal(answer.headers['retry-after'], '15', 'one that asks again at once would end another');
  assert.ok(rest.every((st) => !st.ended));
  const m = ok(await stack.as(s.tickets.counselor).post(`${s.path}/messages`, { content: 'x' }), 201);
  for (const st of rest) { await st.next((e) => e.id === m.cursor); st.close(); }
});

test('a lasting conversation, a feed, a desk', async () => {
  const g = await group(stack, ['a', 'b']);
  const counselor = `couns_${rnd()}`;
  await stack.session({ counselorId: counselor });
  const friend = await opened(`${g.path}/events`, g.ticket.b);
  for (const [path, ticket] of [[`${g.path}/events`, g.ticket.a], ['/api/events', g.ticket.a], ['/api/desk/events', stack.mint({ role: 'counselor', userId: counselor })]]) {
    const [first, ...rest] = await several(4, path, ticket);
    await first.end();
    assert.ok(first.parser.retry >= 10_000, path);
    assert.ok(rest.every((st) => !st.ended), path);
    for (const st of rest) st.close();
  }
  const m = await send(g, 'a', 'still here');
  await friend.next((e) => e.id === m.cursor);
  friend.close();
});
