// Lasting conversations: making, listing, looking at, changing and erasing them, on both databases.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { ok, refused } from '../lib/contract.mjs';
import { rnd } from '../lib/jwt.mjs';
import { pool, until } from '../lib/wait.mjs';
import { onBoth, rows } from '../worker/helpers.mjs';
import { startStack } from '../lib/stack.mjs';
import { base, business, direct, group, ids, list, path, people, person, send, service, walk } from './people.mjs';

const unknown = () => `conv_${rnd(11)}`;
const members = ['id', 'type', 'channel', 'status', 'title', 'createdAt', 'createdBy', 'lastActivityAt', 'lastMessage', 'unread', 'muted', 'role', 'participants', 'participantCount', 'cursor'];

onBoth('conversations', (db) => {
  let stack;
  before(async () => { stack = await startStack({ env: { ...(await db.env()), ROOM_GROUP_MOST: '20' } }); });
  after(() => stack?.stop());

  describe('made', () => {
    test('a group: its maker is admin, the others members, and everybody sees the same', async () => {
      const [ann, bob, eve] = people(stack, 'Ann', 'Bob', 'Eve');
      const c = await group(ann, [bob], { title: 'Café “x” \u2028 ☕', channel: 'voice', metadata: { k: [1, 'ü'] }, retentionS: 60 });
      assert.deepEqual(Object.keys(c).filter((k) => !['metadata', 'retentionS'].includes(k)).sort(), [...members].sort());
      assert.match(c.id, /^conv_[0-9A-Za-z]{22}$/);
      assert.match(c.cursor, /^\d+-[0-9a-f]{12}$/);
      const { role, ...seen } = c;
      assert.equal(role, 'admin');
      assert.deepEqual([c.type, c.channel, c.status, c.title, c.metadata, c.retentionS, c.createdBy, c.lastMessage, c.unread, c.muted, c.participantCount],
        ['group', 'voice', 'active', 'Café “x” \u2028 ☕', { k: [1, 'ü'] }, 60, ann.id, null, 0, false, 2]);
      assert.ok(Math.abs(c.createdAt - Date.now()) < 60_000 && c.lastActivityAt === c.createdAt);
      assert.deepEqual(c.participants.map(({ participant, role: r }) => [participant, r]).sort(), [[ann.id, 'admin'], [bob.id, 'member']].sort());
      const bobs = ok(await bob.get(path(c)));
      const names = (x) => ({ ...x, participants: x.participants.map(({ name, online, ...p }) => p) });
      assert.deepEqual(names(bobs), names({ ...seen, role: 'member' }));
      assert.equal(bobs.participants.find((p) => p.participant === ann.id).name, 'Ann', 'what MainServer calls her');
      refused(await eve.get(path(c)), 'NOT_FOUND');
      assert.deepEqual(ids(await list(eve)), []);
    });
    test('a direct one is the same for the same two, whoever asks, however often', async () => {
      const [ann, bob] = people(stack, 'Ann', 'Bob');
      const c = await direct(ann, bob);
      assert.deepEqual([c.type, c.role, c.participantCount], ['direct', 'member', 2]);
      for (const [who, other] of [[ann, bob], [bob, ann], [ann, bob]]) assert.equal(ok(await who.post(base, { type: 'direct', participants: [other.id] }), 200).id, c.id);
      assert.equal(ok(await ann.post(base, { type: 'direct', participants: [ann.id, bob.id] }), 200).id, c.id, 'oneself may be named');
      assert.equal(ok(await service(stack).post(base, { type: 'direct', participants: [bob.id, ann.id] }), 200).id, c.id, 'by MainServer, too');
      assert.deepEqual(ids(await list(bob)), [c.id]);
    });
    test('a direct one made by both at the same instant is one', async () => {
      await pool(4, Array.from({ length: 12 }), async () => {
        const [ann, bob] = people(stack, 'Ann', 'Bob');
        const answers = await Promise.all([ann, bob, ann, bob].map((who) => who.post(base, { type: 'direct', participants: [who === ann ? bob.id : ann.id] })));
        assert.deepEqual(answers.map((r) => r.status).sort(), [200, 200, 200, 201]);
        assert.equal(new Set(answers.map((r) => r.json.id)).size, 1);
        assert.deepEqual(ids(await list(ann)), [answers[0].json.id]);
        const c = ok(await bob.get(path(answers[0].json)));
        assert.equal(c.participantCount, 2);
        assert.equal(c.cursor.split('-')[0], '1', 'one entry tells that it was made');
      });
    });
    test('a clientId makes it once; with another content it is refused; it is one’s own', async () => {
      const [ann, bob, eve] = people(stack, 'Ann', 'Bob', 'Eve');
      const body = { type: 'group', title: 'x', participants: [bob.id, eve.id], clientId: 'again' };
      const answers = await Promise.all(Array.from({ length: 4 }, () => ann.post(base, body)));
      assert.deepEqual(answers.map((r) => r.status).sort(), [200, 200, 200, 201]);
      const [{ id }] = answers.map((r) => r.json);
      assert.equal(ok(await ann.post(base, { ...body, participants: [eve.id, bob.id] }), 200).id, id, 'the order says nothing');
      for (const other of [{ title: 'y' }, { participants: [bob.id] }, { type: 'business' }, { channel: 'email' }, { metadata: { a: 1 } }, { retentionS: 9 }]) refused(await ann.post(base, { ...body, ...other }), 'CLIENT_ID_REUSED', JSON.stringify(other));
      assert.notEqual(ok(await bob.post(base, { ...body, participants: [ann.id, eve.id] }), 201).id, id);
      ok(await ann.put(path(id), { title: 'changed since' }));
      assert.equal(ok(await ann.post(base, body), 200).title, 'changed since');
      ok(await ann.delete(path(id, `/participants/${ann.id}`)), 204);
      refused(await ann.post(base, body), 'CONFLICT', 'whoever left gets nothing of it back');
    });
    test('a business’ conversation: a customer opens it, MainServer gives any role', async () => {
      const [cust, agent, shop] = people(stack, 'Customer', 'Agent', 'Shop');
      const c = ok(await cust.post(base, { type: 'business', participants: [shop.id, { id: agent.id, role: 'agent' }] }), 201);
      assert.deepEqual(Object.fromEntries(c.participants.map((p) => [p.participant, p.role])), { [cust.id]: 'customer', [agent.id]: 'agent', [shop.id]: 'business' });
      refused(await agent.post(base, { type: 'business', participants: [{ id: agent.id, role: 'agent' }, cust.id] }), 'BAD_REQUEST', 'nobody makes himself an agent');
      refused(await cust.post(base, { type: 'business', participants: [{ id: shop.id, role: 'admin' }] }), 'BAD_REQUEST');
      const made = await business(stack, { agent, customer: cust, admin: shop });
      assert.deepEqual([made.createdBy, made.participantCount], [null, 3]);
      for (const own of ['unread', 'role', 'muted', 'lastMessage']) assert.ok(!(own in made), `MainServer is no member and reads nothing: ${own}`);
      assert.equal(ok(await agent.get(path(made))).role, 'agent');
    });
    test('wrong bodies: 400, and nothing is made', async () => {
      const [ann, bob] = people(stack, 'Ann', 'Bob');
      const bad = [
        {}, { type: 'party' }, { type: 3 }, { type: 'direct' }, { type: 'direct', participants: [] }, { type: 'direct', participants: [ann.id] },
        { type: 'direct', participants: [bob.id, 'third'] }, { type: 'direct', participants: [{ id: bob.id, role: 'admin' }] }, { type: 'direct', participants: [bob.id], title: 'x' },
        { type: 'group', participants: bob.id }, { type: 'group', participants: [bob.id, bob.id] }, { type: 'group', participants: [''] }, { type: 'group', participants: ['system'] }, { type: 'direct', participants: ['system'] }, { type: 'group', participants: ['a b'] },
        { type: 'group', participants: [null] }, { type: 'group', participants: [{ role: 'member' }] }, { type: 'group', participants: [{ id: bob.id, role: 'king' }] }, { type: 'group', participants: [{ id: bob.id, role: 7 }] },
        { type: 'group', participants: [{ id: ann.id, role: 'member' }] }, { type: 'group', participants: Array.from({ length: 20 }, (_, i) => `p${i}`) },
        { type: 'group', title: 'x'.repeat(257) }, { type: 'group', title: 7 }, { type: 'group', title: ' \u200b' }, { type: 'group', title: 'two\nlines' }, { type: 'group', channel: 'smoke' }, { type: 'group', metadata: [] }, { type: 'group', metadata: { x: 'y'.repeat(4096) } },
        { type: 'group', retentionS: -1 }, { type: 'group', retentionS: 'long' }, { type: 'group', clientId: 'a b' },
      ];
      for (const body of bad) refused(await ann.post(base, body), 'BAD_REQUEST', JSON.stringify(body).slice(0, 100));
      refused(await ann.post(base, undefined, { body: '{', headers: { 'Content-Type': 'application/json' } }), 'BAD_JSON');
      refused(await ann.post(base, undefined, { body: '{}', headers: { 'Content-Type': 'text/plain' } }), 'UNSUPPORTED_TYPE');
      refused(await service(stack).post(base, { type: 'group' }), 'BAD_REQUEST', 'MainServer is in none itself');
      assert.deepEqual(ids(await list(ann)), []);
      assert.equal(ok(await ann.post(base, { type: 'group', participants: Array.from({ length: 19 }, (_, i) => `p${i}`) }), 201).participantCount, 20);
    });
  });

  describe('listed', () => {
    test('by last activity, newest first, with the last message, unread and the log’s end', async () => {
      const [ann, bob, eve] = people(stack, 'Ann', 'Bob', 'Eve');
      const a = await direct(ann, bob);
      const b = await group(ann, [bob, eve]);
      const c = await direct(ann, eve);
      assert.deepEqual(ids(await list(ann)), [c.id, b.id, a.id]);
      const m = await send(bob, a, 'hello');
      const page = await list(ann);
      assert.deepEqual(ids(page), [a.id, c.id, b.id]);
      const [first] = page.conversations;
      assert.deepEqual([first.lastMessage, first.unread, first.cursor, first.lastActivityAt], [m, 1, m.cursor, m.sentAt]);
      assert.deepEqual((await list(bob)).conversations[0].unread, 0, 'one’s own is read');
      const still = (x) => ({ ...x, participants: x.participants.map(({ online, ...p }) => p) });
      assert.deepEqual(still(first), still(ok(await ann.get(path(a)))), 'alone it is the same');
    });
    test('an answer is of one instant: while somebody writes, unread, last message and the log’s end never differ', async () => {
      const [ann, bob] = people(stack, 'Ann', 'Bob');
      ok(await bob.get(base));
      for (let i = 0; i < 25; i += 1) {
        const c = await group(ann, [bob]);
        const seen = [];
        let written = false;
        const look = async (get) => { for (let last = false; !last;) { last = written; const one = await get(); if (one?.id === c.id) seen.push(one); } };
        const looking = [look(async () => ok(await bob.get(path(c)))), look(async () => (await list(bob, '?limit=2')).conversations[0])];
        const m = await send(ann, c, 'hello');
        written = true;
        await Promise.all(looking);
        assert.ok(seen.length >= 2);
        for (const one of seen) {
          const there = one.cursor === m.cursor;
          assert.deepEqual([one.unread, one.lastMessage?.id ?? null], there ? [1, m.id] : [0, null], `the log ends at ${one.cursor}`);
        }
      }
    });
    test('the last message and unread follow edits, deletions and reads', async () => {
      const [ann, bob] = people(stack, 'Ann', 'Bob');
      const c = await group(ann, [bob]);
      const one = await send(ann, c, 'one');
      const two = await send(ann, c, 'two');
      const look = async () => { const [{ lastMessage, unread }] = (await list(bob)).conversations; return [lastMessage.id, lastMessage.content, unread]; };
      assert.deepEqual(await look(), [two.id, 'two', 2]);
      ok(await ann.patch(path(c, `/messages/${two.id}`), { content: 'zwei' }));
      assert.deepEqual(await look(), [two.id, 'zwei', 2]);
      ok(await ann.delete(path(c, `/messages/${one.id}`)), 204);
      assert.deepEqual(await look(), [two.id, 'zwei', 1]);
      ok(await ann.delete(path(c, `/messages/${two.id}`)), 204);
      assert.deepEqual(await look(), [two.id, undefined, 0], 'a deleted one says that it was deleted');
      assert.ok((await list(bob)).conversations[0].lastMessage.deletedAt > 0);
      const three = await send(ann, c, 'three');
      assert.deepEqual(await look(), [three.id, 'three', 1]);
      ok(await bob.put(path(c, '/read'), { upTo: three.id }), 204);
      assert.deepEqual(await look(), [three.id, 'three', 0]);
    });
    test('filters: type, status, participant, text in titles and others’ names, whatever the case', async () => {
      const [ann, bob, zoe] = [person(stack, 'Ann'), person(stack, 'Bob'), person(stack, 'Zoë ÖSTERREICH')];
      await Promise.all([bob, zoe].map((p) => p.get(base))); // their names are known from now on
      const a = await direct(ann, bob);
      const b = await group(ann, [bob], { title: 'Ärzte ohne Grenzen' });
      const c = await group(ann, [zoe], { title: '100%_x' });
      ok(await ann.put(path(c), { status: 'archived' }));
      const of = async (query) => ids(await list(ann, query));
      assert.deepEqual(await of('?type=direct'), [a.id]);
      assert.deepEqual(await of('?type=group'), [c.id, b.id]);
      assert.deepEqual(await of('?type=business'), []);
      assert.deepEqual(await of('?status=archived'), [c.id]);
      assert.deepEqual(await of('?status=active&type=group'), [b.id]);
      assert.deepEqual(await of(`?participant=${bob.id}`), [b.id, a.id]);
      assert.deepEqual(await of('?participant=nobody_here'), []);
      for (const [text, want] of [['äRZ', [b.id]], ['ÖHNE', []], ['ohne gren', [b.id]], ['österr', [c.id]], ['BOB', [b.id, a.id]], ['ann', []], ['0%_', [c.id]], ['%', [c.id]], ['_', [c.id]], ['nothing like it', []], ['', [c.id, b.id, a.id]]]) {
        assert.deepEqual(await of(`?q=${encodeURIComponent(text)}`), want, text);
      }
      assert.deepEqual(await of(`?q=bob&type=direct&participant=${bob.id}`), [a.id]);
      for (const bad of ['?type=x', '?status=x', '?participant=a%20b', '?limit=0', '?limit=101', '?limit=x', '?after=x', '?after=1', '?after=-1-1', '?after=1-0', `?q=${'x'.repeat(201)}`, '?type=group&type=group', '?q=%ff']) refused(await ann.get(`${base}${bad}`), 'BAD_REQUEST', bad);
    });
    test('page by page: nothing twice, nothing lost, whatever happens meanwhile, unless it moved', async () => {
      const ann = person(stack, 'Ann');
      const others = Array.from({ length: 24 }, (_, i) => person(stack, `P${i}`));
      const all = await pool(4, others, (o) => direct(ann, o));
      assert.deepEqual((await walk(ann, 100)).map((c) => c.id).sort(), all.map((c) => c.id).sort());
      for (const limit of [1, 5, 24]) assert.deepEqual((await walk(ann, limit)).map((c) => c.id), ids(await list(ann)), `limit ${limit}`);
      // Between any two pages somebody writes, and a new conversation begins.
      const moved = new Set();
      const seen = await walk(ann, 5, '', async () => {
        const n = moved.size * 2;
        await send(others[n], all[n], 'meanwhile');
        moved.add(all[n].id);
        await direct(ann, person(stack, 'New'));
      });
      assert.equal(new Set(seen.map((c) => c.id)).size, seen.length, 'twice');
      assert.deepEqual(all.map((c) => c.id).filter((id) => !moved.has(id) && !seen.some((c) => c.id === id)), [], 'lost');
      const order = seen.map((c) => c.lastActivityAt);
      assert.deepEqual(order, [...order].sort((x, y) => y - x));
    });
    test('many looked through for a text, page by page', async () => {
      const [ann, bob] = people(stack, 'Ann', 'Bob');
      const made = [];
      for (let i = 0; i < 30; i++) made.push(await group(ann, [bob], { title: i % 10 === 3 ? `needle ${i}` : `hay ${i}` }));
      const want = made.filter((c) => c.title.startsWith('needle')).map((c) => c.id).reverse();
      for (const limit of [1, 2, 3, 50]) assert.deepEqual((await walk(ann, limit, '&q=NEEDLE')).map((c) => c.id), want, `limit ${limit}`);
    });
    test('MainServer sees all of them, or somebody’s, and nothing of what was said', async () => {
      const [ann, bob] = people(stack, 'Ann', 'Bob');
      const c = await group(ann, [bob], { title: 't' });
      await send(ann, c, 'secret words');
      const page = await list(service(stack), '?limit=1');
      assert.deepEqual(ids(page), [c.id], 'made last');
      const of = await list(service(stack), `?participant=${bob.id}`);
      assert.deepEqual(ids(of), [c.id]);
      assert.deepEqual(ids(await list(service(stack), `?participant=${bob.id}&type=direct`)), []);
      assert.ok(!JSON.stringify([page, of]).includes('secret words'));
      const all = await walk(service(stack), 7);
      assert.equal(new Set(all.map((x) => x.id)).size, all.length);
      assert.ok(all.length >= 2);
    });
    test('the first fifty people of a large one, and how many there are', async () => {
      const big = await startStack({ env: { ...(await db.env()) } });
      try {
        const ann = person(big, 'Ann');
        const c = await group(ann, Array.from({ length: 120 }, (_, i) => `p_${String(i).padStart(3, '0')}`));
        assert.deepEqual([c.participants.length, c.participantCount], [50, 121]);
        const seen = [];
        for (let next = ''; next !== null;) {
          const page = ok(await ann.get(path(c, `/participants?limit=50${next && `&after=${next}`}`)));
          seen.push(...page.participants.map((p) => p.participant));
          next = page.next;
        }
        assert.equal(seen.length, 121);
        assert.equal(new Set(seen).size, 121);
      } finally {
        await big.stop();
      }
    });
  });

  describe('who is online', () => {
    test('whoever has the feed open, or did something lately; seen by the others', async () => {
      const [ann, bob] = people(stack, 'Ann', 'Bob');
      const c = await direct(ann, bob);
      const there = async () => (await list(ann)).conversations[0].participants.find((p) => p.participant === bob.id).online;
      assert.equal(await there(), false, 'never here');
      ok(await bob.get('/api/poll?wait=0'));
      await until('Bob to be online', there);
      assert.equal(ok(await ann.get(path(c))).participants.find((p) => p.participant === bob.id).online, true);
    });
  });

  describe('changed', () => {
    test('title, channel, status, metadata, retention; told to everybody as one entry', async () => {
      const [ann, bob] = people(stack, 'Ann', 'Bob');
      const c = await group(ann, [bob], { title: 'old', metadata: { a: 1 } });
      const now = ok(await ann.put(path(c), { title: 'new', channel: 'email', status: 'archived', metadata: { b: 2 }, retentionS: 90 }));
      assert.deepEqual([now.title, now.channel, now.status, now.metadata, now.retentionS], ['new', 'email', 'archived', { b: 2 }, 90]);
      assert.equal(Number(now.cursor.split('-')[0]), Number(c.cursor.split('-')[0]) + 1);
      const [{ event, data }] = (ok(await bob.get(path(c, `/poll?wait=0&after=${c.cursor}`)))).events;
      assert.equal(event, 'conversation:updated');
      assert.deepEqual([data.by, data.title, data.channel, data.status, data.metadata, data.retentionS, data.conversationId], [ann.id, 'new', 'email', 'archived', { b: 2 }, 90, c.id]);
      assert.ok(Math.abs(data.at - Date.now()) < 60_000);
      const same = ok(await ann.put(path(c), { title: 'new', status: 'archived' }));
      assert.equal(same.cursor, now.cursor, 'what changes nothing is told to nobody');
      const back = ok(await ann.put(path(c), { title: '', metadata: {}, retentionS: null }));
      assert.deepEqual([back.title, back.metadata, back.retentionS], ['', undefined, undefined]);
      assert.equal(ok(await ann.put(path(c), { retentionS: 0 })).retentionS, 0, 'for ever');
      assert.equal(back.lastActivityAt, c.lastActivityAt, 'no activity: the list stays in order');
    });
    test('wrong bodies change nothing', async () => {
      const [ann] = people(stack, 'Ann');
      const c = await group(ann);
      for (const body of [{ title: 7 }, { title: ' ' }, { title: 'two\nlines' }, { title: 'x'.repeat(257) }, { status: 'gone' }, { channel: 'x' }, { metadata: 'x' }, { retentionS: -1 }, { retentionS: 1.5 }]) refused(await ann.put(path(c), { title: 'x', ...body }), 'BAD_REQUEST', JSON.stringify(body));
      assert.deepEqual(ok(await ann.get(path(c))), c);
    });
    test('a completed one takes no messages; an archived one comes back with the first', async () => {
      const [ann, bob] = people(stack, 'Ann', 'Bob');
      const c = await group(ann, [bob]);
      ok(await ann.put(path(c), { status: 'completed' }));
      refused(await bob.post(path(c, '/messages'), { content: 'x' }), 'SESSION_ENDED');
      ok(await ann.put(path(c), { status: 'archived' }));
      await send(bob, c, 'hello again');
      assert.equal(ok(await ann.get(path(c))).status, 'active');
    });
  });

  describe('erased', () => {
    test('nothing is left of it, for anybody, and the same two begin anew', async () => {
      const [ann, bob] = people(stack, 'Ann', 'Bob');
      const c = await direct(ann, bob);
      await send(ann, c, 'words');
      const [[n]] = await rows(stack, `SELECT n FROM conversations WHERE id = '${c.id}'`);
      ok(await bob.delete(path(c)), 204);
      for (const who of [ann, bob, service(stack)]) {
        refused(await who.get(path(c)), 'NOT_FOUND');
        refused(await who.delete(path(c)), 'NOT_FOUND');
      }
      refused(await ann.get(path(c, '/messages')), 'NOT_FOUND');
      refused(await ann.post(path(c, '/messages'), { content: 'x' }), 'NOT_FOUND');
      assert.deepEqual(ids(await list(ann)), []);
      for (const table of ['entries', 'members', 'threads']) assert.deepEqual(await rows(stack, `SELECT count(*) FROM ${table} WHERE conversation = ${n}`), [['0']], table);
      assert.notEqual((await direct(ann, bob)).id, c.id);
    });
    test('while others write: whoever was answered wrote before it, and nothing stays behind', async () => {
      const [ann, bob] = people(stack, 'Ann', 'Bob');
      const c = await group(ann, [bob]);
      const [[n]] = await rows(stack, `SELECT n FROM conversations WHERE id = '${c.id}'`);
      let over = false;
      const writers = [ann, bob].map(async (who) => {
        const codes = new Set();
        while (!over) codes.add((await who.post(path(c, '/messages'), { content: 'more' })).status);
        return codes;
      });
      await until('a few messages', async () => (await list(bob)).conversations[0].lastMessage?.id > 10);
      ok(await ann.delete(path(c)), 204);
      over = true;
      for (const codes of await Promise.all(writers)) assert.deepEqual([...codes].filter((s) => ![201, 404].includes(s)), []);
      assert.deepEqual(await rows(stack, `SELECT count(*) FROM entries WHERE conversation = ${n}`), [['0']]);
    });
    test('unknown ones', async () => {
      const [ann] = people(stack, 'Ann');
      for (const who of [ann, service(stack)]) {
        for (const r of [await who.get(path(unknown())), await who.put(path(unknown()), { title: 'x' }), await who.delete(path(unknown()))]) refused(r, 'NOT_FOUND');
      }
    });
    test('a session’s ticket finds a session there, and no lasting conversation', async () => {
      const s = await stack.session();
      const student = stack.as(s.tickets.student);
      refused(await student.get(s.path), 'NOT_FOUND');
      refused(await student.put(s.path, { title: 'x' }), 'NOT_FOUND');
      refused(await student.get(base), 'FORBIDDEN');
      ok(await student.delete(s.path), 204);
      refused(await student.get(`${s.path}/messages`), 'GONE');
    });
  });
});
