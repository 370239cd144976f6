// Threads of lasting conversations: begun at a message or under another thread, listed with counts, read and written; one log for all. On both databases.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ok, refused } from '../lib/contract.mjs';
import { onBoth } from '../worker/helpers.mjs';
import { startStack } from '../lib/stack.mjs';
import { group, list, path, people, send, told } from './people.mjs';

onBoth('threads', (db) => {
  let stack;
  before(async () => { stack = await startStack({ env: { ...(await db.env()) } }); });
  after(() => stack?.stop());
  const begin = async (who, c, body = {}) => ok(await who.post(path(c, '/threads'), body), 201);
  const threads = async (who, c, query = '') => ok(await who.get(path(c, `/threads${query}`)));

  test('begun at a message; everybody is told; its messages are of the same log', async () => {
    const [ann, bob] = people(stack, 'Ann', 'Bob');
    const c = await group(ann, [bob]);
    const root = await send(ann, c, 'shall we?');
    const t = await begin(bob, c, { root: root.id, title: 'Plans “ü”' });
    assert.deepEqual(Object.keys(t).sort(), ['createdAt', 'createdBy', 'id', 'lastActivityAt', 'messageCount', 'parent', 'root', 'title']);
    assert.deepEqual([t.root, t.parent, t.title, t.createdBy, t.messageCount], [root.id, null, 'Plans “ü”', bob.id, 0]);
    const [{ event, data, id }] = await told(ann, c, root.cursor);
    assert.equal(event, 'thread:created');
    const { at, by, conversationId, ...rest } = data;
    assert.deepEqual([rest, by, conversationId, at], [t, bob.id, c.id, t.createdAt]);
    const one = ok(await ann.post(path(c, `/threads/${t.id}`), { content: 'yes', replyTo: root.id, clientId: 'c1' }), 201);
    assert.deepEqual([one.threadId, one.replyTo, one.id], [t.id, root.id, Number(id.split('-')[0]) + 1]);
    assert.equal(ok(await ann.post(path(c, `/threads/${t.id}`), { content: 'yes', replyTo: root.id, clientId: 'c1' }), 200).id, one.id, 'a repeat is the first');
    const two = await send(bob, c, 'good', { threadId: t.id });
    const plain = await send(bob, c, 'beside');
    const all = ok(await ann.get(path(c, '/messages'))).messages.map((m) => m.id);
    assert.deepEqual(all, [root.id, one.id, two.id, plain.id]);
    const page = ok(await ann.get(path(c, `/threads/${t.id}`)));
    assert.deepEqual(page.messages.map((m) => m.id), [one.id, two.id]);
    assert.deepEqual([page.thread.messageCount, page.thread.lastActivityAt, page.thread.id], [2, two.sentAt, t.id]);
    assert.deepEqual(ok(await ann.get(path(c, `/messages?thread=${t.id}`))).messages.map((m) => m.id), [one.id, two.id]);
  });
  test('pages of a thread: after, before, limit', async () => {
    const [ann] = people(stack, 'Ann');
    const c = await group(ann);
    const t = await begin(ann, c);
    const sent = [];
    for (let i = 0; i < 7; i++) { sent.push(await send(ann, c, `t${i}`, { threadId: t.id })); await send(ann, c, 'beside'); }
    const page = async (query) => ok(await ann.get(path(c, `/threads/${t.id}?${query}`)));
    const newest = await page('limit=3');
    assert.deepEqual(newest.messages.map((m) => m.content), ['t4', 't5', 't6']);
    assert.equal(newest.next, null);
    const before = await page(`limit=3&before=${newest.previous}`);
    assert.deepEqual(before.messages.map((m) => m.content), ['t1', 't2', 't3']);
    assert.deepEqual((await page(`limit=2&after=${before.next}`)).messages.map((m) => m.content), ['t4', 't5']);
    for (const bad of ['limit=0', 'after=x', `after=${sent[0].cursor}&before=${sent[1].cursor}`, 'before=1-000000000000']) refused(await ann.get(path(c, `/threads/${t.id}?${bad}`)), 'BAD_REQUEST', bad);
  });
  test('under threads; listed by last activity, with counts that follow deletions', async () => {
    const [ann, bob] = people(stack, 'Ann', 'Bob');
    const c = await group(ann, [bob]);
    const a = await begin(ann, c, { title: 'a' });
    const b = await begin(ann, c, { title: 'b' });
    const under = await begin(bob, c, { title: 'under a', parent: a.id });
    const deeper = await begin(bob, c, { title: 'deeper', parent: under.id });
    assert.deepEqual([under.parent, deeper.parent], [a.id, under.id]);
    const m = await send(bob, c, 'x', { threadId: a.id });
    const of = async (query) => (await threads(ann, c, query)).threads.map((t) => t.id);
    assert.deepEqual(await of('?parent='), [a.id, b.id], 'those under no other');
    assert.deepEqual(await of(`?parent=${a.id}`), [under.id]);
    assert.deepEqual(await of(`?parent=${under.id}`), [deeper.id]);
    assert.deepEqual((await of('')).sort(), [a.id, b.id, under.id, deeper.id].sort());
    const count = async () => (await threads(ann, c)).threads.find((t) => t.id === a.id).messageCount;
    assert.equal(await count(), 1);
    ok(await bob.patch(path(c, `/messages/${m.id}`), { content: 'y' }));
    assert.equal(await count(), 1);
    ok(await bob.delete(path(c, `/messages/${m.id}`)), 204);
    assert.equal(await count(), 0);
    refused(await ann.get(path(c, '/threads?parent=t999')), 'NOT_FOUND');
  });
  test('listed page by page, each once while others move', async () => {
    const [ann] = people(stack, 'Ann');
    const c = await group(ann);
    const all = [];
    for (let i = 0; i < 9; i++) all.push((await begin(ann, c, { title: `t${i}` })).id);
    const seen = [];
    let moved;
    for (let next = ''; next !== null;) {
      const page = await threads(ann, c, `?limit=2${next && `&after=${next}`}`);
      seen.push(...page.threads.map((t) => t.id));
      next = page.next;
      moved ??= (await send(ann, c, 'x', { threadId: all[2] })).threadId;
    }
    assert.deepEqual(seen, all.filter((id) => id !== moved).reverse());
    for (const bad of ['limit=0', 'limit=201', 'after=x', 'after=1', 'after=0-t1', 'parent=a%20b']) refused(await ann.get(path(c, `/threads?${bad}`)), 'BAD_REQUEST', bad);
  });
  test('unread counts a thread’s messages like all others', async () => {
    const [ann, bob] = people(stack, 'Ann', 'Bob');
    const c = await group(ann, [bob]);
    const t = await begin(ann, c);
    assert.equal((await list(bob)).conversations[0].unread, 0, 'its beginning is no message');
    await send(ann, c, 'x', { threadId: t.id });
    assert.equal((await list(bob)).conversations[0].unread, 1);
  });
  test('what cannot be: unknown roots, parents and threads; completed conversations; outsiders', async () => {
    const [ann, bob, eve] = people(stack, 'Ann', 'Bob', 'Eve');
    const c = await group(ann, [bob]);
    const other = await group(ann, [eve]);
    const foreign = await begin(ann, other);
    await begin(ann, other);
    const m = await send(ann, c, 'x');
    const { cursor } = ok(await ann.get(path(c)));
    for (const body of [{ root: 1 }, { root: 99 }, { root: 0 }, { root: 'x' }, { parent: 't99' }, { parent: foreign.id }, { parent: 7 }, { title: '' }, { title: ' ' }, { title: 'two\nlines' }, { title: 'x'.repeat(257) }]) refused(await ann.post(path(c, '/threads'), body), 'BAD_REQUEST', JSON.stringify(body));
    for (const id of ['t99', foreign.id, 'x']) {
      refused(await ann.get(path(c, `/threads/${id}`)), 'NOT_FOUND');
      refused(await ann.post(path(c, `/threads/${id}`), { content: 'x' }), 'NOT_FOUND');
      refused(await ann.post(path(c, '/messages'), { content: 'x', threadId: id }), 'BAD_REQUEST');
    }
    assert.equal(ok(await ann.get(path(c))).cursor, cursor);
    const t = await begin(ann, c, { root: m.id });
    refused(await ann.post(path(c, `/threads/${t.id}`), { content: 'x', threadId: 't99' }), 'BAD_REQUEST');
    for (const r of [await eve.get(path(c, '/threads')), await eve.post(path(c, '/threads'), {}), await eve.get(path(c, `/threads/${t.id}`)), await eve.post(path(c, `/threads/${t.id}`), { content: 'x' })]) refused(r, 'NOT_FOUND');
    ok(await ann.put(path(c), { status: 'completed' }));
    refused(await bob.post(path(c, '/threads'), {}), 'SESSION_ENDED');
    refused(await bob.post(path(c, `/threads/${t.id}`), { content: 'x' }), 'SESSION_ENDED');
    ok(await bob.get(path(c, `/threads/${t.id}`)));
  });
  test('beginning many is limited like sending', async () => {
    const own = await startStack({ env: { ...(await db.env()), ROOM_SENDS_BURST: '3/60', ROOM_SENDS: '0' } });
    try {
      const [ann] = people(own, 'Ann');
      const c = await group(ann);
      for (let i = 0; i < 3; i++) await begin(ann, c);
      const { retry_after } = refused(await ann.post(path(c, '/threads'), {}), 'RATE_LIMITED');
      assert.ok(retry_after >= 1 && retry_after <= 60);
      assert.equal((await threads(ann, c)).threads.length, 3);
    } finally {
      await own.stop();
    }
  });
});
