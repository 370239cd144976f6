// Subscribing while others send, ten thousand times: what is sent in the very instant of subscribing must not fall between.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Stream, call, pool, positionOf } from '../lib/client.mjs';
import { startStack } from '../lib/stack.mjs';

let stack, sessions;
before(async () => {
  stack = await startStack();
  sessions = await Promise.all(Array.from({ length: 16 }, () => stack.session()));
  for (const s of sessions) s.cursor = (await stack.as(s.tickets.student).get(`${s.path}/messages`)).json.cursor;
});
after(() => stack?.stop());

// Entries of a list that does not go up by one from the given position, in words; '' when all is well.
function hole(entries, from) {
  for (const e of entries) {
    const at = positionOf(e.id);
    if (at !== from + 1) return `${at} after ${from}`;
    from = at;
  }
  return '';
}

async function byStream(s, after) {
  const st = new Stream(stack.base, `${s.path}/events`, { ticket: s.tickets.counselor, lastEventId: after });
  const [r] = await Promise.all([
    call(stack.base, 'POST', `${s.path}/messages`, { ticket: s.tickets.student, json: { content: 'now' } }),
    st.opened,
  ]);
  assert.equal(r.status, 201);
  const { cursor } = await st.ready();
  const begin = positionOf(cursor);
  if (begin < r.json.id) await st.next((e) => e.event !== 'ready' && e.id !== undefined && positionOf(e.id) >= r.json.id);
  else assert.equal(after, undefined, 'with a cursor ready.cursor is that cursor');
  assert.equal(hole(st.entries, begin), '');
  assert.equal(st.named('reset').length, 0);
  st.close();
  return r.json.cursor;
}

async function byPoll(s, after) {
  const sending = call(stack.base, 'POST', `${s.path}/messages`, { ticket: s.tickets.counselor, json: { content: 'now' } });
  let cursor = after;
  const entries = [];
  let sent;
  do {
    const r = await call(stack.base, 'GET', `${s.path}/poll?wait=10&after=${cursor}`, { ticket: s.tickets.student });
    assert.equal(r.status, 200);
    entries.push(...r.json.events.filter((e) => e.id !== undefined && e.event !== 'ready'));
    assert.ok(!r.json.events.some((e) => e.event === 'reset'), 'reset');
    cursor = r.json.cursor;
    sent ??= await sending;
    assert.equal(sent.status, 201);
  } while (positionOf(cursor) < sent.json.id);
  assert.equal(hole(entries, positionOf(after)), '');
  return cursor;
}

test('10,000 subscriptions racing with 10,000 sends', { timeout: 240_000 }, async () => {
  const n = Number(process.env.RACES ?? (process.env.SAN === '1' ? 3000 : 10_000));
  let done = 0;
  await pool(24, Array.from({ length: n }, (_, i) => i), async (i) => {
    const s = sessions[i % sessions.length];
    const cursor = s.cursor;
    const next = i % 2 ? await byPoll(s, cursor) : await byStream(s, i % 6 === 0 ? undefined : cursor);
    if (positionOf(next) > positionOf(s.cursor)) s.cursor = next;
    done++;
  });
  assert.equal(done, n);
});
