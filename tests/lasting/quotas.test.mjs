// What one user may do at most in a time: make conversations, bring people in, upload, change things over and over. Refusals say how long to wait and change nothing; others, and
// MainServer, are not held up. On both databases.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { ok, refused } from '../lib/contract.mjs';
import { upload } from '../lib/files.mjs';
import { rnd } from '../lib/jwt.mjs';
import { Raw, parseReply } from '../lib/http.mjs';
import { startStack } from '../lib/stack.mjs';
import { until } from '../lib/wait.mjs';
import { onBoth, rows } from '../worker/helpers.mjs';
import { runWorker } from '../lib/worker.mjs';
import { base, direct, group, list, path, people, service, walk } from './people.mjs';

const wait = (r, most, why) => {
  const { retry_after, details } = refused(r, 'RATE_LIMITED');
  assert.ok(retry_after >= 1 && retry_after <= most, `${retry_after}`);
  assert.match(details ?? '', why);
};

onBoth('quotas', (db) => {
  let stack;
  before(async () => { stack = await startStack({ env: { ...(await db.env()), ROOM_CONVERSATIONS: '4/60', ROOM_INVITES: '6/60', ROOM_UPLOADS: '3/60', ROOM_SENDS: '5/60' } }); });
  after(() => stack?.stop());

  test('conversations, however they are made; the same one again costs nothing', async () => {
    const [ann, bob, eve] = people(stack, 'Ann', 'Bob', 'Eve');
    const c = await direct(ann, bob);
    for (let i = 0; i < 3; i++) ok(await ann.post(base, { type: 'direct', participants: [bob.id] }), 200);
    const named = { type: 'group', participants: [], clientId: 'c1' };
    ok(await ann.post(base, named), 201);
    ok(await ann.post(base, named), 200);
    ok(await ann.post(`/chats/${ann.id}/send`, { receiverId: eve.id, message: 'hello' }), 201);
    await group(ann);
    wait(await ann.post(base, { type: 'group' }), 60, /conversations/);
    wait(await ann.post(base, { ...named, clientId: 'c2' }), 60, /conversations/);
    wait(await ann.post(`/chats/${ann.id}/send`, { receiverId: `new_${rnd(4)}`, message: 'hello' }), 60, /conversations/);
    assert.equal((await list(ann)).conversations.length, 4);
    ok(await ann.post(base, { type: 'direct', participants: [bob.id] }), 200);
    ok(await ann.post(`/chats/${ann.id}/send`, { receiverId: eve.id, message: 'again' }), 201);
    ok(await ann.post(path(c, '/messages'), { content: 'still here' }), 201);
    await group(bob);
    for (let i = 0; i < 6; i++) ok(await service(stack).post(base, { type: 'group', participants: [ann.id] }), 201);
  });

  test('many at once get no further than one after the other', async () => {
    const [ann] = people(stack, 'Ann');
    const all = await Promise.all(Array.from({ length: 16 }, () => ann.post(base, { type: 'group' })));
    assert.deepEqual([201, 429].map((status) => all.filter((r) => r.status === status).length), [4, 12]);
    assert.equal((await walk(ann, 10)).length, 4);
  });

  test('people, named at the making or later; whoever is in it already costs nothing', async () => {
    const [ann, bob, eve, kim] = people(stack, 'Ann', 'Bob', 'Eve', 'Kim');
    const c = await group(ann, [bob, eve]);
    const add = (who, other, more = {}) => who.post(path(c, '/participants'), { participant: other, ...more });
    for (let i = 0; i < 4; i++) ok(await add(ann, `p${i}_${rnd(4)}`), 201);
    ok(await add(ann, bob.id), 200);
    wait(await add(ann, kim.id), 60, /people/);
    wait(await ann.post(base, { type: 'group', participants: [kim.id] }), 60, /people/);
    refused(await kim.get(path(c)), 'NOT_FOUND');
    assert.equal(ok(await ann.get(path(c))).participantCount, 7);
    ok(await service(stack).post(path(c, '/participants'), { participant: kim.id }), 201);
    ok(await ann.put(path(c, `/participants/${bob.id}`), { role: 'admin' }));
    ok(await add(bob, `q_${rnd(4)}`), 201);
  });

  test('files', async () => {
    const [ann, bob] = people(stack, 'Ann', 'Bob');
    const one = await group(ann, [bob]);
    const two = await group(ann, [bob]);
    const put = (who, c, text) => upload(stack, path(c), { ticket: who.token }, Buffer.from(text), 'text/plain', 'a.txt');
    ok(await put(ann, one, 'a'), 201);
    const kept = ok(await put(ann, two, 'b'), 201);
    ok(await ann.delete(path(two, `/files/${kept.id}`)), 204);
    ok(await put(ann, two, 'c'), 201);
    wait(await put(ann, one, 'd'), 60, /files/);
    ok(await put(bob, one, 'e'), 201);
    const [n] = await rows(stack, `SELECT count(*) FROM files WHERE owner = '${ann.id}' AND state = 'kept'`);
    assert.deepEqual(n, ['2']);
  });

  test('changes are told to everybody, so they count as messages', async () => {
    const [ann, bob] = people(stack, 'Ann', 'Bob');
    const c = await group(ann, [bob]);
    for (const title of ['a', 'b']) ok(await ann.put(path(c), { title }));
    ok(await ann.put(path(c), { title: 'b' }), 200, 'nothing changes, and nothing is told');
    ok(await ann.put(path(c, `/participants/${bob.id}`), { role: 'agent' }));
    ok(await ann.put(path(c, `/participants/${bob.id}`), { silencedUntil: 5 }));
    ok(await ann.put(path(c), { status: 'archived' }));
    const { cursor } = ok(await ann.get(path(c)));
    for (const r of [await ann.put(path(c), { status: 'active' }), await ann.put(path(c, `/participants/${bob.id}`), { role: 'member' }), await ann.post(path(c, '/messages'), { content: 'x' })]) {
      const { retry_after } = refused(r, 'RATE_LIMITED');
      assert.ok(retry_after >= 1 && retry_after <= 60, `${retry_after}`);
    }
    assert.equal(ok(await ann.get(path(c))).cursor, cursor);
    for (const status of ['active', 'archived', 'active', 'archived', 'active', 'archived']) ok(await service(stack).put(path(c), { status }));
    ok(await bob.post(path(c, '/messages'), { content: 'I may' }), 201);
  });

  test('what is counted goes with its time', async () => {
    assert.ok((await rows(stack, 'SELECT person FROM rates')).length > 0);
    await runWorker(stack, ['login', '--once'], { clock_ms: 2 * 86400_000 });
    assert.deepEqual(await rows(stack, 'SELECT person FROM rates'), []);
  });
});

describe('files of a session', () => {
  let stack;
  before(async () => { stack = await startStack({ env: { ROOM_UPLOADS: '2/6', ROOM_APIS: '1' } }); });
  after(() => stack?.stop());
  const put = (s, who, text) => upload(stack, s.path, { ticket: s.tickets[who] }, Buffer.from(text), 'text/plain', 'a.txt');

  test('so many each; whoever waits as long as he was told gets through', async () => {
    const s = await stack.session();
    const other = await stack.session();
    for (const text of ['a', 'b']) ok(await put(s, 'student', text), 201);
    wait(await put(s, 'student', 'c'), 6, /files/);
    ok(await put(s, 'counselor', 'd'), 201);
    ok(await put(other, 'student', 'e'), 201);
    const r = await until('another turn', async () => { const x = await put(s, 'student', 'f'); return x.status === 201 ? x : (wait(x, 6, /files/), false); });
    ok(r, 201);
  });
});

describe('files that come slowly', () => {
  let stack;
  before(async () => { stack = await startStack({ env: { ROOM_APIS: '1' } }); });
  after(() => stack?.stop());

  test('what waits to be sent is counted when it has come, however many come at once; who is refused for want of hands has not used up his turns', async () => {
    const own = await startStack({ env: { ROOM_APIS: '1', ROOM_UPLOADS: '31/600' } });
    try {
      const [ann] = people(own, 'Ann');
      const c = await group(ann);
      const put = (text) => upload(own, path(c), { ticket: ann.token }, Buffer.from(text), 'text/plain', 'a.txt');
      for (let i = 0; i < 19; i++) ok(await put(`n${i}`), 201);
      const size = 50_000;
      const head = `POST ${path(c)}/files?name=a.txt HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${ann.token}\r\nContent-Type: text/plain\r\nContent-Length: ${size}\r\n\r\n`;
      const slow = Array.from({ length: 16 }, () => new Raw(own.base).read());
      try {
        await Promise.all(slow.map((one) => one.write(head)));
        const answered = () => slow.filter((one) => parseReply(one.buffer)?.complete);
        await until('those that are too many to be told', () => answered().length === 4);
        const refusedOnes = answered();
        for (const one of refusedOnes) wait(parseReply(one.buffer), 60, /files/);
        const coming = slow.filter((one) => !refusedOnes.includes(one));
        await Promise.all(coming.map((one, i) => one.write(`${i}`.padEnd(size, 'x'))));
        const replies = await until('all to be answered', () => { const all = coming.map((one) => parseReply(one.buffer)).filter((r) => r?.complete); return all.length === 12 && all; }, { ms: 30_000 });
        assert.deepEqual(replies.map((r) => r.status).sort(), [201, ...Array(11).fill(409)]);
      } finally {
        for (const one of slow) one.destroy();
      }
    } finally { await own.stop(); }
  });

  test('nobody keeps more than his share of the hands that take them', async () => {
    const s = await stack.session();
    const head = (who) => `POST ${s.path}/files?name=a.txt HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${s.tickets[who]}\r\nContent-Type: text/plain\r\nContent-Length: 100000\r\n\r\nslowly`;
    const slow = Array.from({ length: 16 }, () => new Raw(stack.base).read());
    try {
      await Promise.all(slow.map((c) => c.write(head('student'))));
      const answers = await until('those that are too many to be told', () => { const all = slow.map((c) => parseReply(c.buffer)).filter((r) => r?.complete); return all.length === 4 && all; });
      for (const r of answers) wait(r, 60, /files/);
      ok(await upload(stack, s.path, { ticket: s.tickets.counselor }, Buffer.from('mine'), 'text/plain', 'b.txt'), 201);
    } finally {
      for (const c of slow) c.destroy();
    }
    await until('the places to be free again', async () => (await upload(stack, s.path, { ticket: s.tickets.student }, Buffer.from('now'), 'text/plain', 'c.txt')).status === 201);
  });
});
