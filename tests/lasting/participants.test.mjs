// Who is in a lasting conversation: brought in, removed, leaving, roles, silence, mute; told as entries of the log. On both databases.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { ok, refused } from '../lib/contract.mjs';
import { Stream } from '../lib/sse.mjs';
import { pool } from '../lib/wait.mjs';
import { onBoth, rows } from '../worker/helpers.mjs';
import { startStack } from '../lib/stack.mjs';
import { business, direct, group, ids, list, path, people, person, send, service, told } from './people.mjs';

const of = (c, who) => path(c, `/participants/${who.id}`);
const roles = async (who, c) => Object.fromEntries(ok(await who.get(path(c, '/participants'))).participants.map((p) => [p.participant, p.role]));

onBoth('participants', (db) => {
  let stack;
  before(async () => { stack = await startStack({ env: { ...(await db.env()), ROOM_GROUP_MOST: '12' } }); });
  after(() => stack?.stop());

  describe('brought in', () => {
    test('sees all of it from then on, with nothing unread; everybody is told', async () => {
      const [ann, bob, eve] = people(stack, 'Ann', 'Bob', 'Eve');
      const c = await group(ann, [bob]);
      await send(bob, c, 'before');
      const { cursor } = ok(await ann.get(path(c)));
      refused(await eve.get(path(c)), 'NOT_FOUND');
      const p = ok(await ann.post(path(c, '/participants'), { participant: eve.id }), 201);
      assert.deepEqual([p.participant, p.role, typeof p.joinedAt, p.online], [eve.id, 'member', 'number', false]);
      const [{ event, data, id }] = await told(bob, c, cursor);
      assert.deepEqual([event, data.participant, data.role, data.by, data.conversationId], ['user:joined', eve.id, 'member', ann.id, c.id]);
      const seen = ok(await eve.get(path(c)));
      assert.deepEqual([seen.unread, seen.role, seen.participantCount, seen.lastMessage.content, seen.cursor], [0, 'member', 3, 'before', id]);
      await send(bob, c, 'after');
      assert.equal((await list(eve)).conversations[0].unread, 1);
    });
    test('twice is once; as somebody else: 409', async () => {
      const [ann, bob] = people(stack, 'Ann', 'Bob');
      const c = await group(ann, []);
      const answers = await Promise.all(Array.from({ length: 5 }, () => ann.post(path(c, '/participants'), { participant: bob.id, role: 'agent' })));
      assert.deepEqual(answers.map((r) => r.status).sort(), [200, 200, 200, 200, 201]);
      const { participantCount, cursor } = ok(await ann.get(path(c)));
      assert.deepEqual([participantCount, cursor.split('-')[0]], [2, '2']);
      assert.equal(ok(await ann.post(path(c, '/participants'), { participant: bob.id })).role, 'agent');
      refused(await ann.post(path(c, '/participants'), { participant: bob.id, role: 'member' }), 'CONFLICT');
      assert.equal(ok(await ann.get(path(c))).cursor, cursor);
    });
    test('comes back after leaving: what was said meanwhile is read, the silence stands', async () => {
      const [ann, bob] = people(stack, 'Ann', 'Bob');
      const c = await group(ann, [bob]);
      const until = Date.now() + 3_600_000;
      ok(await ann.put(of(c, bob), { silencedUntil: until }));
      ok(await bob.delete(of(c, bob)), 204);
      await send(ann, c, 'meanwhile');
      const p = ok(await ann.post(path(c, '/participants'), { participant: bob.id, role: 'customer' }), 201);
      assert.deepEqual([p.role, p.silencedUntil], ['customer', until]);
      assert.equal((await list(bob)).conversations[0].unread, 0);
      refused(await bob.post(path(c, '/messages'), { content: 'x' }), 'FORBIDDEN');
    });
    test('no more than there may be, also when many come at once', async () => {
      const ann = person(stack, 'Ann');
      const c = await group(ann, []);
      const answers = await pool(8, Array.from({ length: 16 }, (_, i) => `p${i}`), (p) => ann.post(path(c, '/participants'), { participant: p }));
      assert.equal(answers.filter((r) => r.status === 201).length, 11);
      for (const r of answers.filter((x) => x.status !== 201)) refused(r, 'CONFLICT');
      assert.equal(ok(await ann.get(path(c))).participantCount, 12);
      assert.equal(Object.keys(await roles(ann, c)).length, 12);
    });
    test('nobody gives out more than he has', async () => {
      const [agent, shop, customer, admin] = people(stack, 'Agent', 'Shop', 'Customer', 'Admin');
      const c = await business(stack, { agent, business: shop, customer, admin });
      const may = { agent: ['customer', 'member', 'agent'], business: ['customer', 'member', 'agent', 'business'], admin: ['customer', 'member', 'agent', 'business', 'admin'], customer: [] };
      let n = 0;
      for (const [role, who] of Object.entries({ agent, business: shop, admin, customer })) {
        for (const given of ['customer', 'member', 'agent', 'business', 'admin']) {
          const p = `new_${role}_${given}`;
          const r = await who.post(path(c, '/participants'), { participant: p, role: given });
          if (may[role].includes(given)) { assert.equal(ok(r, 201, `${role} gives ${given}`).role, given); ok(await admin.delete(path(c, `/participants/${p}`)), 204); n++; }
          else refused(r, 'FORBIDDEN', `${role} gives ${given}`);
        }
      }
      assert.equal(n, 12);
      assert.equal(ok(await agent.post(path(c, '/participants'), { participant: 'someone' }), 201).role, 'customer', 'what a business’ conversation gives by itself');
    });
    test('wrong bodies', async () => {
      const ann = person(stack, 'Ann');
      const c = await group(ann, []);
      for (const body of [{}, { participant: 'a b' }, { participant: 'system' }, { participant: 7 }, { participant: 'x', role: 'king' }, { participant: 'x', role: 7 }]) refused(await ann.post(path(c, '/participants'), body), 'BAD_REQUEST', JSON.stringify(body));
      assert.deepEqual(ok(await ann.get(path(c))), c);
    });
  });

  describe('out', () => {
    test('a removed one finds nothing there any more; the others are told', async () => {
      const [ann, bob, eve] = people(stack, 'Ann', 'Bob', 'Eve');
      const c = await group(ann, [bob, eve]);
      const m = await send(bob, c, 'mine');
      const { cursor } = ok(await ann.get(path(c)));
      ok(await ann.delete(of(c, bob)), 204);
      const [{ event, data }] = await told(eve, c, cursor);
      assert.deepEqual([event, data.participant, data.role, data.by], ['user:left', bob.id, 'member', ann.id]);
      for (const r of [await bob.get(path(c)), await bob.get(path(c, '/messages')), await bob.post(path(c, '/messages'), { content: 'x' }), await bob.patch(path(c, `/messages/${m.id}`), { content: 'x' }), await bob.delete(path(c, `/messages/${m.id}`)), await bob.get(path(c, '/participants')), await bob.put(path(c, '/mute'), { muted: true }), await bob.delete(of(c, bob))]) refused(r, 'NOT_FOUND');
      assert.deepEqual(ids(await list(bob)), []);
      assert.deepEqual(Object.keys(await roles(ann, c)).sort(), [ann.id, eve.id].sort());
      refused(await ann.delete(of(c, bob)), 'NOT_FOUND', 'he is not in it any more');
      assert.equal(ok(await eve.get(path(c, '/messages'))).messages[0].content, 'mine', 'what he said stays');
    });
    test('removed while he writes: what was answered stands before it, and nothing of his after it', async () => {
      const [ann, bob] = people(stack, 'Ann', 'Bob');
      const c = await group(ann, [bob]);
      let over = false;
      const sent = [];
      const writer = (async () => {
        for (let i = 0; !over; i++) {
          const r = await bob.post(path(c, '/messages'), { content: `n${i}` });
          if (r.status === 201) sent.push(r.json.id);
          else { refused(r, 'NOT_FOUND'); break; }
        }
      })();
      while (sent.length < 5) await new Promise((done) => setImmediate(done));
      ok(await ann.delete(of(c, bob)), 204);
      await writer;
      over = true;
      const log = ok(await ann.get(path(c, '/messages?limit=200'))).messages.map((m) => m.id);
      assert.deepEqual(log.slice(-sent.length).sort((x, y) => x - y), sent.slice(-log.length), 'each answered one is there');
      const events = await told(ann, c, c.cursor);
      const left = events.findIndex((e) => e.event === 'user:left');
      if (left >= 0) assert.deepEqual(events.slice(left).filter((e) => e.event === 'message:new'), []);
    });
    test('leaving; the last admin’s place goes to whoever was there longest', async () => {
      const [ann, bob, eve] = people(stack, 'Ann', 'Bob', 'Eve');
      const c = await group(ann, []);
      ok(await ann.post(path(c, '/participants'), { participant: eve.id }), 201);
      ok(await ann.post(path(c, '/participants'), { participant: bob.id }), 201);
      const { cursor } = ok(await ann.get(path(c)));
      ok(await ann.delete(of(c, ann)), 204);
      refused(await ann.get(path(c)), 'NOT_FOUND');
      assert.deepEqual(await roles(bob, c), { [eve.id]: 'admin', [bob.id]: 'member' });
      const events = await told(bob, c, cursor);
      assert.deepEqual(events.map((e) => [e.event, e.data.participant, e.data.role]), [['user:left', ann.id, 'admin'], ['conversation:updated', eve.id, 'admin']]);
    });
    test('an admin goes while another is there: nobody is promoted', async () => {
      const [ann, bob, eve] = people(stack, 'Ann', 'Bob', 'Eve');
      const c = await group(ann, [{ id: bob.id, role: 'admin' }, eve]);
      ok(await ann.delete(of(c, ann)), 204);
      assert.deepEqual(await roles(eve, c), { [bob.id]: 'admin', [eve.id]: 'member' });
    });
    test('all admins leave at once: there is always one', async () => {
      await pool(3, Array.from({ length: 6 }), async () => {
        const admins = people(stack, 'A', 'B', 'C');
        const rest = people(stack, 'D', 'E');
        const c = await group(admins[0], [...admins.slice(1).map((a) => ({ id: a.id, role: 'admin' })), ...rest]);
        await Promise.all([...admins.map(async (a) => ok(await a.delete(of(c, a)), 204)), rest[0].put(of(c, rest[1]), { role: 'admin' })]);
        const left = await roles(rest[0], c);
        assert.equal(Object.keys(left).length, 2);
        assert.ok(Object.values(left).includes('admin'), JSON.stringify(left));
      });
    });
    test('a conversation nobody is in is erased', async () => {
      const [ann, bob] = people(stack, 'Ann', 'Bob');
      const c = await group(ann, [bob]);
      await send(ann, c, 'x');
      ok(await ann.delete(of(c, ann)), 204);
      ok(await bob.delete(of(c, bob)), 204);
      refused(await service(stack).get(path(c)), 'NOT_FOUND');
    });
    test('both of the last two leave at once', async () => {
      await pool(3, Array.from({ length: 6 }), async () => {
        const [ann, bob] = people(stack, 'Ann', 'Bob');
        const c = await group(ann, [bob]);
        for (const r of await Promise.all([ann, bob].map((p) => p.delete(of(c, p))))) ok(r, 204);
        refused(await service(stack).get(path(c)), 'NOT_FOUND');
      });
    });
    test('nobody is added to a direct one, nobody leaves it', async () => {
      const [ann, bob, eve] = people(stack, 'Ann', 'Bob', 'Eve');
      const c = await direct(ann, bob);
      for (const who of [ann, service(stack)]) {
        refused(await who.post(path(c, '/participants'), { participant: eve.id }), 'FORBIDDEN');
        refused(await who.delete(of(c, bob)), 'FORBIDDEN');
        refused(await who.put(of(c, bob), { role: 'admin' }), 'FORBIDDEN');
      }
      refused(await ann.delete(of(c, ann)), 'FORBIDDEN');
      assert.equal(ok(await ann.get(path(c))).cursor, c.cursor);
    });
  });

  describe('heard of at once', () => {
    test('a new conversation, being brought in, removed, erased: on the feed; a removed one’s streams end', async () => {
      const [ann, bob, eve] = people(stack, 'Ann', 'Bob', 'Eve');
      const feed = new Stream(stack.base, '/api/events', { ticket: bob.token });
      await feed.ready();
      const about = (event, c) => feed.next((e) => e.event === event && e.data.conversationId === c.id);
      const c = await group(ann, [bob]);
      assert.equal((await about('conversation:created', c)).data.by, ann.id);
      const d = await group(ann, [eve]);
      ok(await ann.post(path(d, '/participants'), { participant: bob.id }), 201);
      assert.equal((await about('user:joined', d)).data.participant, bob.id);
      const stream = new Stream(stack.base, path(d, '/events'), { ticket: bob.token });
      await stream.ready();
      ok(await ann.delete(of(d, bob)), 204);
      await stream.end();
      assert.equal(stream.named('user:left').at(-1).data.participant, bob.id, 'the last he hears');
      assert.equal((await about('user:left', d)).data.participant, bob.id);
      await send(eve, d, 'among ourselves');
      ok(await ann.delete(path(c)), 204);
      await about('conversation:erased', c);
      assert.deepEqual(feed.events.filter((e) => e.event === 'message:new'), [], 'nothing of what was said after him');
      feed.close();
    });
  });

  describe('roles, silence, mute', () => {
    test('a role is given and told; a group keeps an admin', async () => {
      const [ann, bob] = people(stack, 'Ann', 'Bob');
      const c = await group(ann, [bob]);
      refused(await bob.put(of(c, bob), { role: 'admin' }), 'FORBIDDEN');
      refused(await ann.put(of(c, ann), { role: 'member' }), 'CONFLICT');
      refused(await service(stack).put(of(c, ann), { role: 'member' }), 'CONFLICT');
      assert.equal(ok(await ann.put(of(c, bob), { role: 'admin' })).role, 'admin');
      const [{ event, data }] = await told(bob, c, c.cursor);
      assert.deepEqual([event, data.participant, data.role, data.by], ['conversation:updated', bob.id, 'admin', ann.id]);
      assert.equal(ok(await ann.put(of(c, ann), { role: 'member' })).role, 'member');
      refused(await ann.put(path(c), { title: 'x' }), 'FORBIDDEN', 'it holds at once');
      const { cursor } = ok(await ann.get(path(c)));
      ok(await bob.put(of(c, bob), { role: 'admin' }));
      assert.equal(ok(await ann.get(path(c))).cursor, cursor, 'what changes nothing is not told');
    });
    test('two admins demote each other at once: one stays', async () => {
      await pool(3, Array.from({ length: 6 }), async () => {
        const [ann, bob] = people(stack, 'Ann', 'Bob');
        const c = await group(ann, [{ id: bob.id, role: 'admin' }]);
        const answers = await Promise.all([ann.put(of(c, bob), { role: 'member' }), bob.put(of(c, ann), { role: 'member' })]);
        assert.deepEqual(answers.map((r) => r.status).sort(), [200, 403]);
        assert.deepEqual(Object.values(await roles(ann, c)).sort(), ['admin', 'member']);
      });
    });
    test('a silenced one reads, and writes when it is over or lifted', async () => {
      const [ann, bob] = people(stack, 'Ann', 'Bob');
      const c = await group(ann, [bob]);
      const at = Date.now() + 3_600_000;
      assert.equal(ok(await ann.put(of(c, bob), { silencedUntil: at })).silencedUntil, at);
      assert.equal(ok(await bob.get(path(c))).silencedUntil, at, 'he knows');
      refused(await bob.post(path(c, '/messages'), { content: 'x' }), 'FORBIDDEN');
      refused(await bob.post(path(c, '/threads'), { title: 'x' }), 'FORBIDDEN');
      ok(await bob.get(path(c, '/messages')));
      const [{ event, data }] = await told(bob, c, c.cursor);
      assert.deepEqual([event, data.participant, data.silencedUntil], ['conversation:updated', bob.id, at]);
      const lifted = ok(await ann.put(of(c, bob), { silencedUntil: 0 }));
      assert.ok(!('silencedUntil' in lifted));
      await send(bob, c, 'x');
      for (const body of [{}, { silencedUntil: -1 }, { silencedUntil: 'x' }, { role: 'x' }]) refused(await ann.put(of(c, bob), body), 'BAD_REQUEST', JSON.stringify(body));
      refused(await ann.put(path(c, '/participants/nobody'), { role: 'member' }), 'NOT_FOUND');
    });
    test('muted: for oneself alone', async () => {
      const [ann, bob] = people(stack, 'Ann', 'Bob');
      const c = await group(ann, [bob]);
      ok(await bob.put(path(c, '/mute'), { muted: true }), 204);
      assert.deepEqual([ok(await bob.get(path(c))).muted, ok(await ann.get(path(c))).muted], [true, false]);
      assert.equal(ok(await ann.get(path(c))).cursor, c.cursor, 'nobody is told');
      await send(ann, c, 'x');
      assert.equal((await list(bob)).conversations[0].unread, 1, 'counted all the same');
      ok(await bob.put(path(c, '/mute'), { muted: false }), 204);
      assert.equal(ok(await bob.get(path(c))).muted, false);
      for (const body of [{}, { muted: 1 }, { muted: 'yes' }]) refused(await bob.put(path(c, '/mute'), body), 'BAD_REQUEST');
    });
  });

  describe('all at once', () => {
    test('people come and go, write, read, promote each other: in the end everything adds up', async () => {
      const all = people(stack, 'A', 'B', 'C', 'D', 'E', 'F');
      const groups = [await group(all[0], all.slice(1, 4)), await group(all[1], [all[0], { id: all[5].id, role: 'admin' }])];
      let state = 7;
      const dice = (n) => { state = (state * 1103515245 + 12345) % 2147483648; return Math.floor((state / 2147483648) * n); };
      let done = 0;
      await pool(8, Array.from({ length: 400 }), async () => {
        const who = all[dice(all.length)];
        const other = all[dice(all.length)];
        const c = groups[dice(2)];
        const mid = 1 + dice(200);
        const acts = [
          () => who.post(path(c, '/messages'), { content: 'x' }), () => who.post(path(c, '/messages'), { content: 'y' }), () => who.patch(path(c, `/messages/${mid}`), { content: 'z' }),
          () => who.delete(path(c, `/messages/${mid}`)), () => who.put(path(c, '/read'), { upTo: mid }), () => who.post(path(c, '/participants'), { participant: other.id, role: ['member', 'admin', 'agent'][dice(3)] }),
          () => who.post(path(c, '/participants'), { participant: other.id }), () => who.delete(of(c, other)), () => (dice(3) ? who.get(path(c)) : who.delete(of(c, who))), () => who.put(of(c, other), { role: ['member', 'admin'][dice(2)] }),
          () => who.put(path(c), { title: `t${mid}` }), () => service(stack).post(path(c, '/participants'), { participant: other.id, role: 'admin' }),
        ];
        const r = await acts[dice(acts.length)]();
        done += r.status < 300 ? 1 : 0;
        assert.ok([200, 201, 204, 400, 403, 404, 409].includes(r.status), `${r.status} ${r.text}`);
      });
      assert.ok(done > 60, `only ${done} of 400 did something`);
      const one = async (sql) => (await rows(stack, sql))[0];
      for (const c of groups) {
        const found = await one(`SELECT n, people, length, last_message FROM conversations WHERE id = '${c.id}'`);
        if (!found) { refused(await service(stack).get(path(c)), 'NOT_FOUND'); continue; } // everybody left it
        const [n, count, length, last] = found.map(Number);
        const [there, admins] = (await one(`SELECT count(*), sum(CASE WHEN role = 'admin' THEN 1 ELSE 0 END) FROM members WHERE conversation = ${n} AND left_at IS NULL`)).map(Number);
        assert.equal(count, there, 'how many are in it');
        assert.ok(admins >= 1, 'somebody is admin');
        assert.deepEqual((await one(`SELECT count(*), min(position), max(position), max(CASE WHEN kind = 'm' THEN position ELSE 0 END) FROM entries WHERE conversation = ${n}`)).map(Number), [length, 1, length, last], 'positions');
        const wrong = await rows(stack, `SELECT m.participant, m.unread, (SELECT count(*) FROM entries e WHERE e.conversation = m.conversation AND e.kind = 'm' AND e.deleted_at IS NULL AND e.position > m.read_to AND e.sender <> m.participant) FROM members m WHERE m.conversation = ${n} AND m.left_at IS NULL`);
        for (const [who, unread, really] of wrong) assert.equal(unread, really, `unread of ${who}`);
        const inIt = await roles(service(stack), c);
        for (const p of all) assert.equal((await p.get(path(c))).status, p.id in inIt ? 200 : 404, p.id);
      }
    });
  });

  describe('the list of them', () => {
    test('in the order they came, page by page; each once while others come and go', async () => {
      const ann = person(stack, 'Ann');
      const c = await group(ann, []);
      const came = [ann.id];
      for (let i = 0; i < 9; i++) { came.push(`p${i}`); ok(await ann.post(path(c, '/participants'), { participant: `p${i}` }), 201); }
      const seen = [];
      for (let next = '', n = 0; next !== null; n++) {
        const page = ok(await ann.get(path(c, `/participants?limit=3${next && `&after=${next}`}`)));
        seen.push(...page.participants.map((p) => p.participant));
        next = page.next;
        if (n === 0) { ok(await ann.delete(path(c, '/participants/p0')), 204); ok(await ann.post(path(c, '/participants'), { participant: 'late' }), 201); }
      }
      assert.deepEqual(seen, [...came, 'late']);
      for (const bad of ['limit=0', 'limit=201', 'after=x', 'after=1-', 'after=-x', 'after=1-a%20b']) refused(await ann.get(path(c, `/participants?${bad}`)), 'BAD_REQUEST', bad);
    });
  });
});
