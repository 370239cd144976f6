// A failing database: three tries, then a clear 503, never a false 2xx; nothing acknowledged is lost, nothing is there twice. Sessions go on.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { ok, refused } from '../lib/contract.mjs';
import { Sender, StreamReader, beside, rnd, slow, until, verdict, wholeHistory } from '../lib/client.mjs';
import { startPostgres } from '../lib/postgres.mjs';
import { startStack } from '../lib/stack.mjs';
import { rows } from '../worker/helpers.mjs';
import { group, path, people } from './people.mjs';

describe('PostgreSQL', () => {
  let pg, stack;
  before(async () => {
    pg = await startPostgres();
    stack = await startStack({ env: { ROOM_DB: await pg.database(), ROOM_WORKER: '0' } });
  });
  after(async () => { try { await stack?.stop(); } finally { await pg?.stop(); } });

  test('away: everything that needs it says 503 soon, sessions go on; back again, what was refused can be sent and stands once', async () => {
    const [ann, bob] = people(stack, 'Ann', 'Bob');
    const c = await group(ann, [bob]);
    const first = ok(await ann.post(path(c, '/messages'), { content: 'before', clientId: 'before' }), 201);
    const session = await stack.session();
    await pg.stop({ signal: 'SIGQUIT', keep: true });
    try {
      const timed = async (what, fn) => {
        const t = performance.now();
        const error = refused(await fn(), 'STORE_UNAVAILABLE', what);
        assert.ok(error.retry_after >= 1, what);
        return { what, ms: performance.now() - t };
      };
      const alone = { agent: false };
      const { value: all, lag } = await beside(stack.base, () => Promise.all([
        ...Array.from({ length: 20 }, (_, i) => timed('send', () => ann.post(path(c, '/messages'), { content: `${i}`, clientId: `c${i}` }, alone))),
        timed('edit', () => ann.patch(path(c, `/messages/${first.id}`), { content: 'x' }, alone)),
        timed('delete', () => ann.delete(path(c, `/messages/${first.id}`), undefined, alone)),
        timed('history', () => bob.get(path(c, '/messages'), undefined, alone)),
        timed('read', () => bob.put(path(c, '/read'), { upTo: first.id }, alone)),
        timed('typing', () => bob.post(path(c, '/typing'), { isTyping: true }, alone)),
        timed('presence', () => bob.get(path(c, '/presence'), undefined, alone)),
      ]));
      for (const { what, ms } of all) assert.ok(ms - lag < 5000 * slow, `${what} took ${Math.round(ms)} ms, ${Math.round(lag)} of them the machine's`);
      ok(await stack.as(session.tickets.student).post(`${session.path}/messages`, { content: 'goes on' }), 201);
    } finally {
      await pg.start();
    }
    for (let i = 0; i < 20; i++) ok(await ann.post(path(c, '/messages'), { content: `${i}`, clientId: `c${i}` }), 201);
    const { messages } = await wholeHistory(stack.base, c.id, bob.token);
    assert.deepEqual(messages.map((m) => m.clientId), ['before', ...Array.from({ length: 20 }, (_, i) => `c${i}`)]);
    assert.equal(messages[0].content, 'before');
  });

  test('killed and started again under load: every acknowledged message stands once, streams miss nothing', async () => {
    const writers = people(stack, 'A', 'B', 'C', 'D', 'E', 'F');
    const c = await group(writers[0], writers.slice(1));
    const start = ok(await writers[0].get(path(c, '/messages'))).cursor;
    const reader = new StreamReader('stream', stack.base, c.id, writers[0].token, start);
    const senders = writers.map((w) => new Sender(w.id, stack.base, c.id, w.token, w.id));
    const acked = () => senders.reduce((n, s) => n + s.sends.filter((x) => x.acks.length).length, 0);
    let sending = true;
    const load = senders.map(async (s) => { for (let i = 0; sending; i++) await s.send(`${s.name}-${i}`, `message ${i} ${rnd()}`); });
    for (const l of load) l.catch(() => {}); // awaited below
    try {
      for (let i = 0; i < 3; i++) {
        const before = acked();
        await until('some to be acknowledged', () => acked() > before + 40);
        await pg.stop({ signal: 'SIGQUIT', keep: true });
        await pg.start();
      }
      const before = acked();
      await until('more to be acknowledged', () => acked() > before + 20);
    } finally { sending = false; }
    await Promise.all(load);
    const { messages } = await wholeHistory(stack.base, c.id, writers[1].token);
    await reader.reached(messages.at(-1).id);
    await reader.stop();
    assert.equal(verdict({ senders, readers: [reader], messages }).acked, messages.length);
    const own = new Map(writers.map((w) => [w.id, messages.filter((m) => m.sender === w.id).length]));
    for (const [who, unread] of await rows(stack, `SELECT participant, unread FROM members WHERE conversation = (SELECT n FROM conversations WHERE id = '${c.id}')`)) assert.equal(Number(unread), messages.length - own.get(who), who);
    await until('the outbox to be empty', async () => (await rows(stack, 'SELECT count(*) FROM outbox'))[0][0] === '0');
  });
});
