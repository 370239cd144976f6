// The log of lasting conversations by the routes that sessions have: sends, client ids, edits, deletions, replies, pages, marks, and who may what.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { ok, refused } from '../lib/contract.mjs';
import { pool, rnd, until, wholeHistory } from '../lib/client.mjs';
import { onBoth, quietStack, rows } from '../worker/helpers.mjs';
import { direct, group, path, people, person, send, service } from './people.mjs';

onBoth('the log of lasting conversations', (db) => {
  let stack;
  before(async () => { stack = await quietStack(db); });
  after(() => stack?.stop());
  const messages = (c) => path(c, '/messages');
  const all = async (who, c) => ok(await who.get(`${messages(c)}?limit=200`)).messages;

  // Ann made it and is its admin; Bob and Cem are members.
  async function three(more) {
    const [ann, bob, cem] = people(stack, 'Ann', 'Bob', 'Cem');
    return { ann, bob, cem, c: await group(ann, [bob, cem], more) };
  }
  const put = async (c, who, change) => ok(await who.put(path(c), change));

  describe('sending', () => {
    test('a message as it was sent comes back, with sender, role and sender type', async () => {
      const { ann, bob, c } = await three();
      const content = 'Grüße\n"quoted" \u2028 </script> \u202e 👩‍👩‍👧';
      const m = await send(bob, c, content, { clientId: 'c1', metadata: { a: [1, 2.5, null], b: { c: 'é' } } });
      const { id, cursor, sentAt, ...rest } = m;
      assert.deepEqual(rest, { conversationId: c.id, sender: bob.id, role: 'member', type: 'text', senderType: 'user', clientId: 'c1', content, metadata: { a: [1, 2.5, null], b: { c: 'é' } } });
      assert.match(cursor, new RegExp(`^${id}-[0-9a-f]{12}$`));
      assert.ok(Math.abs(sentAt - Date.now()) < 60_000);
      assert.deepEqual(await all(ann, c), [m]);
    });

    test('metadata has 4 KB at most, sent or edited in', async () => {
      const { bob, c } = await three();
      const of = (bytes) => ({ k: 'x'.repeat(bytes - '{"k":""}'.length) });
      const m = await send(bob, c, 'x', { metadata: of(4096) });
      assert.deepEqual(m.metadata, of(4096));
      refused(await bob.post(messages(c), { content: 'x', metadata: of(4097) }), 'BAD_REQUEST');
      refused(await bob.patch(`${messages(c)}/${m.id}`, { content: 'y', metadata: of(4097) }), 'BAD_REQUEST');
      assert.deepEqual(ok(await bob.patch(`${messages(c)}/${m.id}`, { content: 'y', metadata: of(4096) })).content, 'y');
    });

    test('times do not go back along a log, though two machines do not agree on what time it is', async () => {
      const { ann, bob, c } = await three();
      const first = await send(ann, c, 'by a clock that is ahead');
      const ahead = Date.now() + 60_000;
      await rows(stack, `UPDATE conversations SET last_at = ${ahead} WHERE id = '${c.id}'`);
      const second = await send(bob, c, 'by another');
      assert.ok(second.sentAt >= ahead, `${second.sentAt}`);
      const edited = ok(await ann.patch(`${messages(c)}/${first.id}`, { content: 'edited' }));
      assert.ok(edited.editedAt >= second.sentAt);
    });

    test('agents and businesses speak as agents, MainServer as system; nobody else may send system messages', async () => {
      const [cus, agent, shop] = people(stack, 'Cus', 'Agent', 'Shop');
      const c = ok(await service(stack).post('/api/conversations', { type: 'business', participants: [{ id: cus.id, role: 'customer' }, { id: agent.id, role: 'agent' }, { id: shop.id, role: 'business' }] }), 201);
      assert.equal((await send(cus, c, 'x')).senderType, 'user');
      assert.equal((await send(agent, c, 'x')).senderType, 'agent');
      assert.equal((await send(shop, c, 'x')).senderType, 'agent');
      const m = await send(service(stack), c, 'the shop closes at six');
      assert.deepEqual([m.sender, m.role, m.type, m.senderType], ['system', 'system', 'system', 'system']);
      refused(await cus.post(messages(c), { content: 'x', type: 'system' }), 'FORBIDDEN');
      refused(await cus.post(messages(c), { content: 'x', type: 'letter' }), 'BAD_REQUEST');
      refused(await service(stack).get(messages(c)), ['FORBIDDEN', 'UNAUTHENTICATED']);
      assert.deepEqual((await all(cus, c)).map((x) => x.content), ['x', 'x', 'x', 'the shop closes at six']);
    });

    test('who is not in it finds nothing, whatever he does; so does who left', async () => {
      const { ann, bob, c } = await three();
      const m = await send(ann, c, 'x');
      const left = bob;
      ok(await left.delete(path(c, `/participants/${left.id}`)), 204);
      const nowhere = { id: 'conv_0000000000000000000000' };
      for (const [who, where] of [[person(stack, 'Eve'), c], [left, c], [ann, nowhere]]) {
        const at = (more) => path(where, more);
        for (const r of [
          await who.post(at('/messages'), { content: 'x' }), await who.get(at('/messages')), await who.patch(at(`/messages/${m.id}`), { content: 'y' }), await who.delete(at(`/messages/${m.id}`)),
          await who.post(at('/typing'), { isTyping: true }), await who.put(at('/read'), { upTo: m.id }), await who.put(at('/alive'), { cursor: m.cursor }), await who.get(at('/presence')),
        ]) refused(r, 'NOT_FOUND');
      }
      assert.deepEqual((await all(ann, c)).map((x) => x.content), ['x']);
    });

    test('a client id repeated is answered with the first place; other content is refused; also after an edit and a deletion', async () => {
      const { ann, bob, c } = await three();
      const body = { content: 'one', clientId: 'c1', metadata: { a: 1 } };
      const first = ok(await ann.post(messages(c), body), 201);
      assert.deepEqual(ok(await ann.post(messages(c), body)), first);
      for (const other of [{ ...body, content: 'two' }, { ...body, metadata: { a: 2 } }, { ...body, metadata: undefined }, { ...body, replyTo: first.id }]) refused(await ann.post(messages(c), other), 'CLIENT_ID_REUSED');
      const bobs = ok(await bob.post(messages(c), body), 201); // another's is another
      assert.notEqual(bobs.id, first.id);
      ok(await ann.patch(`${messages(c)}/${first.id}`, { content: 'edited' }));
      assert.equal(ok(await ann.post(messages(c), body)).cursor, first.cursor);
      ok(await ann.delete(`${messages(c)}/${first.id}`), 204);
      assert.equal(ok(await ann.post(messages(c), body)).cursor, first.cursor);
      refused(await ann.post(messages(c), { ...body, content: 'two' }), 'CLIENT_ID_REUSED');
      assert.deepEqual((await all(ann, c)).map((m) => m.content), [undefined, 'one']);
    });

    test('the same client id a hundred times at once makes one message', async () => {
      const { ann, c } = await three();
      const answers = await pool(50, Array.from({ length: 100 }), () => ann.post(messages(c), { content: 'once', clientId: 'c' }, { agent: false }));
      assert.deepEqual([...new Set(answers.map((r) => r.json.cursor))].length, 1);
      assert.deepEqual(answers.map((r) => r.status).filter((s) => s === 201).length, 1);
      assert.equal((await all(ann, c)).length, 1);
    });

    test('times don\'t go back along a log, however many send at once', async () => {
      const { ann, bob, cem, c } = await three();
      await pool(60, Array.from({ length: 600 }, (_, i) => i), (i) => send([ann, bob, cem][i % 3], c, `m${i}`, {}));
      const { messages: log } = await wholeHistory(stack.base, c.id, ann.token);
      assert.equal(log.length, 600);
      assert.deepEqual(log.filter((m, i) => i > 0 && m.sentAt < log[i - 1].sentAt).map((m) => m.id), []);
    });

    test('replyTo must be a message of this conversation, threadId one of its threads', async () => {
      const { ann, bob, c } = await three();
      const elsewhere = await group(ann, [bob]);
      const m = await send(ann, c, 'x');
      for (let i = 0; i < 5; i++) await send(ann, elsewhere, 'y');
      const e = ok(await ann.patch(`${messages(c)}/${m.id}`, { content: 'x2' }));
      assert.ok(e.editedAt);
      refused(await bob.post(messages(c), { content: 'r', replyTo: m.id + 1 }), 'BAD_REQUEST'); // the marker of that edit
      refused(await bob.post(messages(c), { content: 'r', replyTo: m.id + 3 }), 'BAD_REQUEST');
      refused(await bob.post(messages(c), { content: 'r', threadId: 't1' }), 'BAD_REQUEST');
      assert.equal((await send(bob, c, 'r', { replyTo: m.id })).replyTo, m.id);
      assert.equal((await all(ann, c)).length, 2);
    });

    test('who is silenced reads and deletes, but neither sends nor edits nor types, until the time is over', async () => {
      const { ann, bob, c } = await three();
      const m = await send(bob, c, 'x');
      ok(await ann.put(path(c, `/participants/${bob.id}`), { silencedUntil: Date.now() + 3600_000 }));
      refused(await bob.post(messages(c), { content: 'y' }), 'FORBIDDEN');
      refused(await bob.patch(`${messages(c)}/${m.id}`, { content: 'y' }), 'FORBIDDEN');
      refused(await bob.post(path(c, '/typing'), { isTyping: true }), 'FORBIDDEN');
      assert.equal((await all(bob, c)).length, 1);
      ok(await bob.delete(`${messages(c)}/${m.id}`), 204);
      ok(await ann.put(path(c, `/participants/${bob.id}`), { silencedUntil: Date.now() - 1 }));
      await send(bob, c, 'z');
    });

    test('an archived conversation comes back with the next message; a completed one can only be read and deleted from', async () => {
      const { ann, bob, c } = await three();
      const m = await send(bob, c, 'x');
      await put(c, ann, { status: 'archived' });
      await send(bob, c, 'y');
      assert.equal(ok(await ann.get(path(c))).status, 'active');
      await put(c, ann, { status: 'completed' });
      refused(await bob.post(messages(c), { content: 'z' }), 'SESSION_ENDED');
      refused(await bob.patch(`${messages(c)}/${m.id}`, { content: 'z' }), 'SESSION_ENDED');
      refused(await bob.post(path(c, '/typing'), { isTyping: true }), 'SESSION_ENDED');
      assert.equal((await all(bob, c)).length, 2);
      ok(await bob.delete(`${messages(c)}/${m.id}`), 204);
      await put(c, ann, { status: 'active' });
      await send(bob, c, 'z');
    });
  });

  describe('editing and deleting', () => {
    test('one edits one\'s own, as often as fifty times; metadata stays unless it is given', async () => {
      const { ann, bob, c } = await three();
      const m = await send(bob, c, 'v0', { metadata: { k: 1 } });
      const at = `${messages(c)}/${m.id}`;
      refused(await ann.patch(at, { content: 'mine' }), 'FORBIDDEN');
      for (let i = 1; i <= 50; i++) {
        const e = ok(await bob.patch(at, { content: `v${i}`, ...(i === 2 ? { metadata: { k: 2 } } : {}) }));
        assert.deepEqual([e.id, e.cursor, e.content, e.metadata], [m.id, m.cursor, `v${i}`, { k: i < 2 ? 1 : 2 }]);
      }
      refused(await bob.patch(at, { content: 'v51' }), 'CONFLICT');
      assert.deepEqual((await all(ann, c)).map((x) => [x.content, x.metadata]), [['v50', { k: 2 }]]);
      refused(await bob.patch(`${messages(c)}/${m.id + 1}`, { content: 'x' }), 'NOT_FOUND'); // a marker
      refused(await bob.patch(`${messages(c)}/99999`, { content: 'x' }), 'NOT_FOUND');
    });

    test('one deletes one\'s own, who may deletes others\'; what is deleted keeps no text, not even in the database', async () => {
      const { ann, bob, cem, c } = await three();
      const secret = `canary${rnd(12)}`;
      const m = await send(bob, c, secret, { metadata: { secret } });
      const at = `${messages(c)}/${m.id}`;
      ok(await bob.patch(at, { content: `${secret} again` }));
      refused(await cem.delete(at), 'FORBIDDEN');
      ok(await bob.delete(at), 204);
      ok(await bob.delete(at), 204);
      refused(await bob.patch(at, { content: 'back' }), 'NOT_FOUND');
      const [d] = await all(cem, c);
      assert.ok(d.deletedAt && d.content === undefined && d.metadata === undefined && d.editedAt === undefined);
      for (const table of ['entries', 'outbox', 'conversations', 'threads']) {
        const found = await rows(stack, `SELECT * FROM ${table}`);
        assert.ok(!JSON.stringify(found).includes(secret), table);
      }
      const other = await send(cem, c, 'by Cem');
      ok(await ann.delete(`${messages(c)}/${other.id}`), 204); // an admin
      assert.deepEqual((await all(cem, c)).map((x) => x.content), [undefined, undefined]);
    });

    test('in a direct conversation nobody deletes the other\'s', async () => {
      const [ann, bob] = people(stack, 'Ann', 'Bob');
      const c = await direct(ann, bob);
      const m = await send(ann, c, 'x');
      refused(await bob.delete(`${messages(c)}/${m.id}`), 'FORBIDDEN');
      assert.equal((await all(bob, c))[0].content, 'x');
    });
  });

  describe('history', () => {
    test('pages meet without gap or overlap in both directions, and end with null', async () => {
      const { ann, bob, c } = await three();
      const sent = [];
      for (let i = 0; i < 25; i++) sent.push(await send(i % 2 ? ann : bob, c, `m${i}`));
      ok(await ann.patch(`${messages(c)}/${sent[1].id}`, { content: 'm1' }));
      const page = async (query) => ok(await ann.get(`${messages(c)}?limit=7&${query}`));
      let p = await page('');
      let back = p.messages;
      while (p.previous) back = [...(p = await page(`before=${p.previous}`)).messages, ...back];
      assert.deepEqual(back.map((m) => m.content), sent.map((_, i) => `m${i}`));
      p = await page(`after=${sent[0].cursor}`);
      let on = p.messages;
      while (p.next) on = [...on, ...(p = await page(`after=${p.next}`)).messages];
      assert.deepEqual(on.map((m) => m.id), sent.slice(1).map((m) => m.id));
      assert.equal(p.next, null);
      assert.match(p.cursor, /^27-|^\d+-[0-9a-f]{12}$/);
    });

    test('cursors that are none, of another conversation, or both at once are refused', async () => {
      const { ann, bob, c } = await three();
      const m = await send(ann, c, 'x');
      const other = await send(ann, await group(ann, [bob]), 'y');
      const wrong = `${m.id}-${'0'.repeat(12)}`;
      for (const query of [`after=${wrong}`, `before=${wrong}`, 'after=1', `after=${other.id}-${other.cursor.split('-')[1]}`, `after=${m.cursor}&before=${m.cursor}`, `after=999999-${m.cursor.split('-')[1]}`]) {
        refused(await ann.get(`${messages(c)}?${query}`), 'BAD_REQUEST', query);
      }
      refused(await ann.get(`${messages(c)}?thread=t99`), 'NOT_FOUND');
    });

    test('a page holds no more than 256 KB, and misses nothing', async () => {
      const { ann, c } = await three();
      const text = '\u0001'.repeat(10000); // six bytes of JSON each
      for (let i = 0; i < 6; i++) await send(ann, c, text);
      let page = ok(await ann.get(messages(c)));
      assert.ok(page.messages.length >= 1 && page.messages.length < 6);
      let n = page.messages.length;
      while (page.previous) n += (page = ok(await ann.get(`${messages(c)}?before=${page.previous}`))).messages.length;
      assert.equal(n, 6);
    });
  });

  describe('marks', () => {
    test('they go only forward, by message or cursor; the other end is told', async () => {
      const { ann, bob, c } = await three();
      const sent = [];
      for (let i = 0; i < 4; i++) sent.push(await send(ann, c, `m${i}`));
      const unread = async () => ok(await bob.get(path(c))).unread;
      assert.equal(await unread(), 4);
      ok(await bob.put(path(c, '/read'), { upTo: sent[1].id }), 204);
      assert.equal(await unread(), 2);
      ok(await bob.put(path(c, '/read'), { upTo: sent[0].id }), 204);
      assert.equal(await unread(), 2);
      ok(await bob.put(path(c, '/read'), { upTo: sent[2].cursor }), 204);
      assert.equal(await unread(), 1);
      refused(await bob.put(path(c, '/read'), { upTo: sent[3].id + 1 }), 'BAD_REQUEST');
      refused(await bob.put(path(c, '/read'), { upTo: `${sent[3].id}-000000000000` }), 'BAD_REQUEST');
      refused(await bob.put(path(c, '/alive'), { cursor: `${sent[3].id}-000000000000` }), 'BAD_REQUEST');
      ok(await bob.put(path(c, '/alive'), { cursor: sent[3].cursor }), 204);
      assert.equal(await unread(), 1);
      const [[readTo, deliveredTo]] = await rows(stack, `SELECT read_to, delivered_to FROM members WHERE participant = '${bob.id}'`);
      assert.deepEqual([Number(readTo), Number(deliveredTo)], [sent[2].id, sent[3].id]);
    });

    test('who did something lately is here, who did not is not', async () => {
      const { ann, bob, c } = await three();
      await send(bob, c, 'x');
      await until('Bob to be here', async () => ok(await ann.get(path(c, '/presence'))).online.some((o) => o.participant === bob.id));
      const p = ok(await ann.get(path(c, '/presence')));
      assert.deepEqual(p.online.map((o) => o.participant).sort(), [ann.id, bob.id].sort());
      assert.deepEqual(p.participants.map((o) => o.online), p.participants.map((o) => o.participant === ann.id || o.participant === bob.id));
      assert.equal(p.participants.length, 3);
    });
  });
});

describe('messages per time', () => {
  let stack;
  before(async () => { stack = await quietStack({ env: async () => ({}) }, { ROOM_SENDS: '6/3600', ROOM_SENDS_BURST: '3/6' }); });
  after(() => stack?.stop());

  test('each member for himself, in a burst and over time; repeats and deletions cost nothing; what is refused is not there', async () => {
    const [ann, bob] = people(stack, 'Ann', 'Bob');
    const c = await group(ann, [bob]);
    const at = path(c, '/messages');
    const first = ok(await ann.post(at, { content: '0', clientId: 'c0' }), 201);
    for (let i = 1; i < 3; i++) await send(ann, c, `${i}`);
    const r = await ann.post(at, { content: 'too much' });
    assert.ok(refused(r, 'RATE_LIMITED').retry_after >= 1);
    refused(await ann.patch(`${at}/${first.id}`, { content: 'too much' }), 'RATE_LIMITED');
    assert.equal(ok(await ann.post(at, { content: '0', clientId: 'c0' })).id, first.id);
    await send(bob, c, 'b');
    await until('the burst to be over', async () => (await ann.post(at, { content: '3' })).status === 201);
    await until('the burst to be over', async () => (await ann.post(at, { content: '4' })).status === 201);
    await until('the burst to be over', async () => (await ann.post(at, { content: '5' })).status === 201);
    await new Promise((done) => setTimeout(done, 6100)); // a burst's time: what is refused now is refused by the other limit
    assert.ok(refused(await ann.post(at, { content: 'too much' }), 'RATE_LIMITED').retry_after > 60);
    ok(await ann.delete(`${at}/${first.id}`), 204);
    const other = await group(bob, [ann]);
    const theirs = [];
    for (let i = 0; i < 2; i++) theirs.push(await send(ann, other, `${i}`));
    for (const m of theirs) ok(await ann.delete(path(other, `/messages/${m.id}`)), 204);
    ok(await ann.post(path(other, '/messages'), { content: 'deletions have not used up the burst' }), 201);
    const page = ok(await bob.get(at));
    assert.deepEqual(page.messages.map((m) => m.content), [undefined, '1', '2', 'b', '3', '4', '5']);
  });
});
