// Direct messages by user: /chats/{userId}/send and /with/{withUser}; the same conversation that everything else shows. On both databases.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { isMessage, ok, refused } from '../lib/contract.mjs';
import { Stream } from '../lib/sse.mjs';
import { until } from '../lib/wait.mjs';
import { onBoth } from '../worker/helpers.mjs';
import { startStack } from '../lib/stack.mjs';
import { base, direct, ids, list, path, people, service } from './people.mjs';

onBoth('chats', (db) => {
  let stack;
  before(async () => { stack = await startStack({ env: { ...(await db.env()) } }); });
  after(() => stack?.stop());
  const chat = (who, to, message, more = {}) => who.post(`/chats/${who.id}/send`, { receiverId: to.id, message, ...more });
  const read = (who, other, query = '') => who.get(`/chats/${who.id}/with/${other.id}${query}`);

  test('the first message makes the conversation; all routes show the same', async () => {
    const [ann, bob] = people(stack, 'Ann', 'Bob');
    assert.deepEqual(ok(await read(ann, bob)), { conversationId: null, messages: [], next: null, previous: null, cursor: null });
    const { delivered, ...m } = ok(await chat(ann, bob, 'hi', { clientId: 'k' }), 201);
    assert.equal(delivered, false, 'Bob is nowhere');
    assert.deepEqual([m.sender, m.content, m.clientId, m.type], [ann.id, 'hi', 'k', 'text']);
    assert.deepEqual(ids(await list(bob)), [m.conversationId]);
    const c = ok(await bob.get(path(m.conversationId)));
    assert.deepEqual([c.type, c.unread, c.participantCount], ['direct', 1, 2]);
    const reply = ok(await chat(bob, ann, 'hello'), 201);
    assert.equal(reply.conversationId, m.conversationId);
    const page = ok(await read(ann, bob));
    assert.equal(page.conversationId, m.conversationId);
    assert.deepEqual(page.messages.map((x) => x.content), ['hi', 'hello']);
    assert.deepEqual(ok(await read(bob, ann)).messages, page.messages);
    assert.deepEqual(ok(await ann.get(path(c, '/messages'))).messages, page.messages);
    assert.equal((await ann.post(base, { type: 'direct', participants: [bob.id] })).json.id, m.conversationId);
    for (const x of page.messages) assert.equal(x.conversationId, m.conversationId);
  });
  test('a repeat is the first one; another content: 422', async () => {
    const [ann, bob] = people(stack, 'Ann', 'Bob');
    const first = ok(await chat(ann, bob, 'once', { clientId: 'k' }), 201);
    assert.equal(ok(await chat(ann, bob, 'once', { clientId: 'k' }), 200).id, first.id);
    refused(await chat(ann, bob, 'other', { clientId: 'k' }), 'CLIENT_ID_REUSED');
    assert.equal(ok(await read(ann, bob)).messages.length, 1);
  });
  test('both write first at the same instant: one conversation', async () => {
    for (let i = 0; i < 5; i++) {
      const [ann, bob] = people(stack, 'Ann', 'Bob');
      const answers = await Promise.all([chat(ann, bob, 'a'), chat(bob, ann, 'b'), chat(ann, bob, 'c')]);
      assert.equal(new Set(answers.map((r) => ok(r, 201).conversationId)).size, 1);
      assert.deepEqual(ok(await read(ann, bob)).messages.map((m) => m.content).sort(), ['a', 'b', 'c']);
    }
  });
  test('delivered says whether the other is connected: in the conversation', async () => {
    const [ann, bob] = people(stack, 'Ann', 'Bob');
    const c = await direct(ann, bob);
    const stream = new Stream(stack.base, path(c, '/events'), { ticket: bob.token });
    await stream.ready();
    const m = ok(await chat(ann, bob, 'live'), 201);
    assert.equal(m.delivered, true);
    const { data } = await stream.next('message:new');
    assert.equal(data.id, m.id);
    stream.close();
  });
  test('and by the feed', async () => {
    const [ann, bob] = people(stack, 'Ann', 'Bob');
    ok(await chat(ann, bob, 'first'), 201);
    const feed = new Stream(stack.base, '/api/events', { ticket: bob.token });
    await feed.ready();
    await until('a message that is delivered', async () => ok(await chat(ann, bob, 'live'), 201).delivered);
    assert.equal((await feed.next('message:new')).data.sender, ann.id);
    feed.close();
  });
  test('without the right name in the path, and with wrong bodies', async () => {
    const [ann, bob, eve] = people(stack, 'Ann', 'Bob', 'Eve');
    ok(await chat(ann, bob, 'hi'), 201);
    refused(await eve.post(`/chats/${ann.id}/send`, { receiverId: bob.id, message: 'x' }), 'NOT_FOUND');
    refused(await eve.get(`/chats/${ann.id}/with/${bob.id}`), 'NOT_FOUND');
    for (const body of [{}, { receiverId: bob.id }, { message: 'x' }, { receiverId: ann.id, message: 'x' }, { receiverId: 'a b', message: 'x' }, { receiverId: 'system', message: 'x' }, { receiverId: bob.id, message: 'x', clientId: 'a b' }]) refused(await ann.post(`/chats/${ann.id}/send`, body), ['BAD_REQUEST', 'BAD_CONTENT'], JSON.stringify(body));
    for (const message of ['', ' \n', 'x'.repeat(16385), 7]) refused(await chat(ann, bob, message), 'BAD_CONTENT', String(message).slice(0, 9));
    for (const bad of ['?limit=0', '?after=x', '?after=1-000000000000']) refused(await read(ann, bob, bad), 'BAD_REQUEST', bad);
    assert.equal(ok(await read(ann, bob)).messages.length, 1);
    assert.deepEqual(ids(await list(eve)), []);
    refused(await service(stack).post(`/chats/${ann.id}/send`, { receiverId: bob.id, message: 'x' }), 'FORBIDDEN');
    refused(await stack.as().get(`/chats/${ann.id}/with/${bob.id}`), 'UNAUTHENTICATED');
  });
  test('pages', async () => {
    const [ann, bob] = people(stack, 'Ann', 'Bob');
    for (let i = 0; i < 5; i++) isMessage((({ delivered, senderType, ...m }) => m)(ok(await chat(i % 2 ? ann : bob, i % 2 ? bob : ann, `m${i}`), 201)));
    const newest = ok(await read(ann, bob, '?limit=2'));
    assert.deepEqual(newest.messages.map((m) => m.content), ['m3', 'm4']);
    assert.deepEqual(ok(await read(ann, bob, `?limit=2&before=${newest.previous}`)).messages.map((m) => m.content), ['m1', 'm2']);
    assert.deepEqual(ok(await read(ann, bob, `?after=${newest.messages[0].cursor}`)).messages.map((m) => m.content), ['m4']);
  });
});
