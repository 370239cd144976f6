// Messages (design §3, §4, §7): send once, read in pages, edit, delete; promises A, B and F on the REST side.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { common, isMessage, ok, plain, refused, stateOf } from '../lib/contract.mjs';
import { pool, positionOf, rnd, wholeHistory } from '../lib/client.mjs';
import { startStack } from '../lib/stack.mjs';

let stack;
before(async () => { stack = await startStack(); });
after(() => stack?.stop());

// A fresh session with calls for each side: a.send(json), a.page(query), a.edit(id, content), a.remove(id).
async function talk(body) {
  const s = await stack.session(body);
  const side = (ticket, id) => {
    const http = stack.as(ticket);
    return {
      id, http,
      send: (json) => http.post(`${s.path}/messages`, typeof json === 'string' ? { content: json } : json),
      page: async (query = '') => ok(await http.get(`${s.path}/messages${query}`)),
      edit: (mid, content, more = {}) => http.patch(`${s.path}/messages/${mid}`, { content, ...more }),
      remove: (mid) => http.delete(`${s.path}/messages/${mid}`),
    };
  };
  return { ...s, a: side(s.tickets.student, s.student), b: side(s.tickets.counselor, s.counselor) };
}

describe('sending', () => {
  test('201 with the message, which the other side then reads', async () => {
    const t = await talk();
    const m = isMessage(ok(await t.a.send('hello'), 201), { conversationId: t.id, sender: t.student, role: 'student', type: 'text', content: 'hello', clientId: undefined, editedAt: undefined, deletedAt: undefined });
    const page = await t.b.page();
    assert.deepEqual(page.messages, [plain(m)]);
    assert.equal(m.expiresAt, m.sentAt + 86_400_000, 'the deadline, slid');
    const reply = ok(await t.b.send('good day'), 201);
    isMessage(reply, { sender: t.counselor, role: 'counselor' });
    assert.ok(reply.id > m.id && reply.sentAt >= m.sentAt);
  });
  test('a volunteer is labelled so', async () => {
    const t = await talk({ counselorRole: 'volunteer' });
    isMessage(ok(await t.b.send('hi'), 201), { role: 'volunteer', sender: t.counselor });
  });
  test('the house\'s own words are not for participants: pages show what is of type system as nobody\'s', async () => {
    const t = await talk();
    for (const who of [t.a, t.b]) refused(await who.send({ content: 'The session has moved to another number.', type: 'system' }), 'FORBIDDEN');
    assert.deepEqual((await t.a.page()).messages, []);
    isMessage(ok(await t.a.send({ content: 'hello', type: 'text' }), 201), { type: 'text' });
  });
  test('positions rise, cursors never repeat', async () => {
    const t = await talk();
    const sent = [];
    for (let i = 0; i < 30; i++) sent.push(ok(await (i % 2 ? t.a : t.b).send(`m${i}`), 201));
    for (let i = 1; i < sent.length; i++) assert.ok(sent[i].id > sent[i - 1].id);
    assert.equal(new Set(sent.map((m) => m.cursor.split('-')[1])).size, 30, 'the check digits are random');
    assert.deepEqual((await t.a.page()).messages.map((m) => m.id), sent.map((m) => m.id));
  });
  test('200 senders at once: one order, nothing lost', async () => {
    const t = await talk();
    const sent = await pool(50, Array.from({ length: 200 }, (_, i) => i), async (i) => ok(await (i % 2 ? t.a : t.b).send({ content: `p${i}`, clientId: `p${i}` }), 201));
    const { messages } = await wholeHistory(stack.base, t.id, t.tickets.student);
    assert.deepEqual(messages.map((m) => m.cursor), sent.map((m) => m.cursor).sort((x, y) => positionOf(x) - positionOf(y)));
  });
});

describe('the same clientId', () => {
  const first = ({ id, cursor, conversationId, clientId, sentAt }) => ({ id, cursor, conversationId, clientId, sentAt });
  test('again: 200, the first answer, no second message', async () => {
    const t = await talk();
    const one = ok(await t.a.send({ content: 'once', clientId: 'c1' }), 201);
    ok(await t.b.send('between'), 201);
    for (let i = 0; i < 3; i++) assert.deepEqual(first(ok(await t.a.send({ content: 'once', clientId: 'c1' }), 200)), first(one));
    assert.equal((await t.a.page()).messages.length, 2);
  });
  test('a hundred times at once: one message, one 201', async () => {
    for (let round = 0; round < 5; round++) {
      const t = await talk();
      const all = await Promise.all(Array.from({ length: 100 }, () => t.a.http.post(`${t.path}/messages`, { content: 'storm', clientId: 'storm' }, { agent: false })));
      assert.equal(all.filter((r) => r.status === 201).length, 1);
      assert.equal(all.filter((r) => r.status === 200).length, 99);
      assert.equal(new Set(all.map((r) => r.json.cursor)).size, 1);
      assert.equal((await t.b.page()).messages.length, 1);
    }
  });
  test('with other content: 422, and nothing changes', async () => {
    const t = await talk();
    ok(await t.a.send({ content: 'once', clientId: 'c1' }), 201);
    const state = await stateOf(stack, t);
    for (const content of ['twice', 'once ', 'Once', 'x'.repeat(16384)]) refused(await t.a.send({ content, clientId: 'c1' }), 'CLIENT_ID_REUSED');
    assert.deepEqual(await stateOf(stack, t), state);
  });
  test('of the other participant, or of another session, is another one', async () => {
    const t = await talk();
    const u = await talk();
    const ids = [ok(await t.a.send({ content: 'x', clientId: 'c1' }), 201), ok(await t.b.send({ content: 'y', clientId: 'c1' }), 201)];
    ok(await u.a.send({ content: 'z', clientId: 'c1' }), 201);
    assert.notEqual(ids[0].id, ids[1].id);
  });
  test('after an edit and after deletion both answers are still right', async () => {
    const t = await talk();
    const one = ok(await t.a.send({ content: 'before', clientId: 'c1' }), 201);
    ok(await t.a.edit(one.id, 'after'));
    assert.deepEqual(first(ok(await t.a.send({ content: 'before', clientId: 'c1' }), 200)), first(one));
    refused(await t.a.send({ content: 'after', clientId: 'c1' }), 'CLIENT_ID_REUSED');
    ok(await t.a.remove(one.id), 204);
    assert.deepEqual(first(ok(await t.a.send({ content: 'before', clientId: 'c1' }), 200)), first(one));
    refused(await t.a.send({ content: 'other', clientId: 'c1' }), 'CLIENT_ID_REUSED');
    assert.equal((await t.b.page()).messages.filter((m) => !m.deletedAt).length, 0, 'the repeat brought it back');
  });
  test('after the end: a repeat of what was stored is still answered, or refused as ended, never stored', async () => {
    const t = await talk();
    const one = ok(await t.a.send({ content: 'once', clientId: 'c1' }), 201);
    ok(await t.b.http.post(`${t.path}/end`, {}));
    const again = await t.a.send({ content: 'once', clientId: 'c1' });
    if (again.status === 200) assert.deepEqual(first(again.json), first(one));
    else refused(again, 'SESSION_ENDED');
    refused(await t.a.send({ content: 'new', clientId: 'c2' }), 'SESSION_ENDED');
    assert.equal((await t.a.page()).messages.length, 1);
  });
});

describe('history', () => {
  test('empty', async () => {
    const t = await talk();
    const page = await t.a.page();
    assert.deepEqual([page.messages, page.next, page.previous], [[], null, null]);
    assert.match(page.cursor, /^\d+-[0-9a-f]{12}$/);
  });
  test('pages backwards from the newest, forwards from any cursor', async () => {
    const t = await talk();
    for (let i = 0; i < 11; i++) ok(await t.a.send(`m${i}`), 201);
    const whole = (await t.a.page()).messages.map((m) => m.content);
    const back = [];
    let page = await t.b.page('?limit=3');
    for (;;) {
      assert.deepEqual(page.messages.map((m) => m.id), [...page.messages.map((m) => m.id)].sort((x, y) => x - y), 'ascending');
      back.unshift(...page.messages.map((m) => m.content));
      if (page.previous === null) break;
      page = await t.b.page(`?limit=3&before=${page.previous}`);
    }
    assert.deepEqual(back, whole);
    const zero = page.messages[0]; // the oldest
    const forth = [zero.content];
    for (page = await t.b.page(`?limit=3&after=${zero.cursor}`); ; page = await t.b.page(`?limit=3&after=${page.next}`)) {
      forth.push(...page.messages.map((m) => m.content));
      if (page.next === null) break;
    }
    assert.deepEqual(forth, whole);
  });
  test('the default is 50, the bounds 1 and 200', async () => {
    const t = await talk();
    await pool(20, Array.from({ length: 210 }), () => t.a.send('x'));
    assert.equal((await t.a.page()).messages.length, 50);
    assert.equal((await t.a.page('?limit=1')).messages.length, 1);
    assert.equal((await t.a.page('?limit=200')).messages.length, 200);
    for (const bad of ['0', '201', '-1', 'x', '1.5', '', '1e2', '99999999999999999999', '%31%00']) refused(await t.a.http.get(`${t.path}/messages?limit=${bad}`), 'BAD_REQUEST', `limit=${bad}`);
    refused(await t.a.http.get(`${t.path}/messages?limit=5&limit=6`), 'BAD_REQUEST', 'limit twice');
  });
  test('limit counts messages, not the markers of edits', async () => {
    const t = await talk();
    for (let i = 0; i < 12; i++) {
      const m = ok(await t.a.send(`m${i}`), 201);
      for (let k = 0; k < 10; k++) ok(await t.a.edit(m.id, `m${i} edit ${k}`));
    }
    assert.deepEqual((await t.b.page('?limit=12')).messages.map((m) => m.content), Array.from({ length: 12 }, (_, i) => `m${i} edit 9`));
    const page = await t.b.page('?limit=5');
    assert.deepEqual(page.messages.map((m) => m.content), Array.from({ length: 5 }, (_, i) => `m${i + 7} edit 9`));
    assert.deepEqual((await t.b.page(`?limit=5&before=${page.previous}`)).messages.map((m) => m.content), Array.from({ length: 5 }, (_, i) => `m${i + 2} edit 9`));
  });
  test('the page cursor is the end of the log as read, markers included', async () => {
    const t = await talk();
    const m = ok(await t.a.send('x'), 201);
    assert.equal((await t.a.page()).cursor, m.cursor);
    ok(await t.a.edit(m.id, 'y'));
    const { cursor } = await t.a.page();
    assert.ok(positionOf(cursor) > m.id);
    assert.deepEqual((await t.a.page(`?after=${cursor}`)).messages, []);
  });
  test('cursors that are none, of another log or of no entry: one refusal for all', async () => {
    const t = await talk();
    const u = await talk();
    const m = ok(await t.a.send('x'), 201);
    const foreign = ok(await u.a.send('x'), 201);
    const bodies = new Set();
    for (const name of ['after', 'before']) {
      for (const c of [foreign.cursor, `${m.id}-000000000000`, `999999-${m.cursor.split('-')[1]}`, '18446744073709551616-000000000000', '-1-000000000000', `-${m.cursor}`, 'x', String(m.id), `${m.cursor}0`, m.cursor.toUpperCase() === m.cursor ? `${m.cursor}x` : m.cursor.toUpperCase(), `${m.cursor},${m.cursor}`, `0${m.cursor}`, '%00', `0-${'0'.repeat(12)}`]) {
        const r = await t.a.http.get(`${t.path}/messages?${name}=${c}`);
        refused(r, 'BAD_REQUEST', `${name}=${c}`);
        if (/^\d+-[0-9a-f]{12}$/.test(c)) bodies.add(r.text);
      }
    }
    assert.equal(bodies.size, 1, [...bodies].join('\n'));
    refused(await t.a.http.get(`${t.path}/messages?after=${m.cursor}&before=${m.cursor}`), 'BAD_REQUEST', 'both');
  });
  test('large messages: pages stay whole beyond 256 KB', async () => {
    const t = await talk();
    for (let i = 0; i < 40; i++) ok(await t.a.send(`${i} ${'x'.repeat(16000)}`), 201);
    const { messages } = await wholeHistory(stack.base, t.id, t.tickets.counselor);
    assert.deepEqual(messages.map((m) => Number(m.content.split(' ')[0])), Array.from({ length: 40 }, (_, i) => i));
    assert.ok(messages.every((m) => m.content.length > 16000));
  });
});

describe('editing', () => {
  test('changes the text and says when, nothing else', async () => {
    const t = await talk();
    const m = ok(await t.a.send({ content: 'before', clientId: 'c1', metadata: { k: 1 }, threadId: 't1' }), 201);
    const e = isMessage(ok(await t.a.edit(m.id, 'after')));
    assert.ok(Number.isInteger(e.editedAt) && e.editedAt >= m.sentAt);
    const { editedAt, ...rest } = plain(e);
    assert.deepEqual(rest, { ...plain(m), content: 'after' });
    assert.deepEqual((await t.b.page()).messages, [plain(e)]);
  });
  test("somebody else's: 403, and nothing changes", async () => {
    const t = await talk();
    const m = ok(await t.a.send('mine'), 201);
    await t.b.page(); // enters
    const state = await stateOf(stack, t);
    refused(await t.b.edit(m.id, 'theirs'), 'FORBIDDEN');
    refused(await t.b.remove(m.id), 'FORBIDDEN');
    assert.deepEqual(await stateOf(stack, t), state);
  });
  test('ids that name no message: 404, with one body', async () => {
    const t = await talk();
    const m = ok(await t.a.send('mine'), 201);
    ok(await t.a.edit(m.id, 'again'));
    const marker = positionOf((await t.a.page()).cursor);
    assert.notEqual(marker, m.id);
    const bodies = new Set();
    for (const id of [0, -1, marker, marker + 1, 999999, '99999999999999999999', 'abc', '1e3', `${m.id}.0`, `0${m.id}`, `%2b${m.id}`, m.cursor]) {
      for (const r of [await t.a.edit(id, 'x'), await t.a.remove(id)]) {
        refused(r, 'NOT_FOUND', String(id));
        bodies.add(r.text);
      }
    }
    assert.equal(bodies.size, 1, [...bodies].join('\n'));
  });
  test('fifty edits, the next one 409', async () => {
    const t = await talk();
    const m = ok(await t.a.send('e0'), 201);
    for (let i = 1; i <= 50; i++) ok(await t.a.edit(m.id, `e${i}`), 200, `edit ${i}`);
    const state = await stateOf(stack, t);
    refused(await t.a.edit(m.id, 'e51'), 'CONFLICT');
    assert.deepEqual(await stateOf(stack, t), state);
    ok(await t.a.remove(m.id), 204);
  });
  test('a deleted message stays deleted', async () => {
    const t = await talk();
    const m = ok(await t.a.send('gone'), 201);
    ok(await t.a.remove(m.id), 204);
    refused(await t.a.edit(m.id, 'back'), 'NOT_FOUND');
    assert.ok((await t.a.page()).messages.every((x) => x.content === undefined));
  });
});

describe('deleting', () => {
  test('204, again 204; history keeps the place and no text', async () => {
    const t = await talk();
    const m = ok(await t.a.send({ content: 'secret', clientId: 'c1', metadata: { k: 'also secret' } }), 201);
    const end = async () => positionOf((await t.a.page()).cursor);
    ok(await t.a.remove(m.id), 204);
    const after = await end();
    ok(await t.a.remove(m.id), 204);
    assert.equal(await end(), after, 'the second one appends nothing');
    const page = await t.b.page();
    assert.ok(!JSON.stringify(page).includes('secret'));
    assert.equal(page.messages.length, 1);
    const [d] = page.messages;
    assert.deepEqual([d.id, d.cursor, d.sender, d.role, d.sentAt], [m.id, m.cursor, m.sender, m.role, m.sentAt]);
    assert.ok(Number.isInteger(d.deletedAt) && d.deletedAt >= d.sentAt);
    assert.ok(!('content' in d) && !('metadata' in d));
  });
  test('neither deleted text nor an earlier version is left in Redis', async () => {
    const t = await talk();
    const canary = (n) => `canary${n}${rnd(8)}`;
    const [old, now, gone, kept] = [1, 2, 3, 4].map(canary);
    const m = ok(await t.a.send({ content: old, clientId: rnd() }), 201);
    ok(await t.a.edit(m.id, now));
    const d = ok(await t.a.send({ content: gone, clientId: rnd(), metadata: { canary: gone } }), 201);
    ok(await t.a.remove(d.id), 204);
    ok(await t.a.send({ content: kept }), 201);
    const dump = await dumpRedis();
    assert.ok(dump.includes(kept) && dump.includes(now), 'the dump sees what is there');
    assert.ok(!dump.includes(old), 'an earlier version is still there');
    assert.ok(!dump.includes(gone), 'deleted text is still there');
  });
});

// Every value of every key, as text.
async function dumpRedis() {
  return stack.redis('EVAL', `local out = {}
    for _, k in ipairs(redis.call('KEYS', '*')) do
      local t = redis.call('TYPE', k).ok
      local v = t == 'string' and redis.call('GET', k) or t == 'list' and redis.call('LRANGE', k, 0, -1) or t == 'hash' and redis.call('HGETALL', k)
        or t == 'set' and redis.call('SMEMBERS', k) or t == 'zset' and redis.call('ZRANGE', k, 0, -1) or ''
      out[#out + 1] = k .. ' ' .. (type(v) == 'table' and table.concat(v, ' ') or v)
    end
    return table.concat(out, '\\n')`, '0');
}

describe('an ended session is read-only', () => {
  test('409 for every change, 200 for every look', async () => {
    const t = await talk();
    const m = ok(await t.a.send('x'), 201);
    const ended = ok(await t.a.http.post(`${t.path}/end`, {}));
    assert.equal(ended.status, 'ended');
    const state = await stateOf(stack, t);
    refused(await t.a.send('y'), 'SESSION_ENDED');
    refused(await t.b.send('y'), 'SESSION_ENDED');
    refused(await t.a.edit(m.id, 'y'), 'SESSION_ENDED');
    refused(await t.a.remove(m.id), 'SESSION_ENDED');
    refused(await t.a.http.post(`${t.path}/typing`, { isTyping: true }), 'SESSION_ENDED');
    assert.equal(ok(await t.b.http.post(`${t.path}/end`, {})).status, 'ended', 'ending again is fine');
    assert.deepEqual(await stateOf(stack, t), state);
    assert.equal((await t.b.page()).messages.length, 1);
    ok(await t.b.http.get(`${t.path}/presence`));
    ok(await t.b.http.put(`${t.path}/read`, { upTo: m.id }), 204);
    ok(await t.b.http.put(`${t.path}/alive`, { cursor: m.cursor }), 204);
  });
});

describe('typing, read, alive, presence', () => {
  test('the answers', async () => {
    const t = await talk();
    const m = ok(await t.a.send('x'), 201);
    for (const isTyping of [true, false]) ok(await t.b.http.post(`${t.path}/typing`, { isTyping }), 204);
    for (const upTo of [m.id, m.cursor, 1]) ok(await t.b.http.put(`${t.path}/read`, { upTo }), 204, `upTo ${upTo}`);
    ok(await t.b.http.put(`${t.path}/alive`, { cursor: m.cursor }), 204);
    ok(await t.b.http.put(`${t.path}/alive`, {}), 204);
    const p = ok(await t.a.http.get(`${t.path}/presence`));
    assert.deepEqual(Object.keys(p).sort(), ['online', 'participants']);
    assert.deepEqual(new Set(p.participants.map((x) => `${x.participant} ${x.role} ${x.online}`)), new Set([`${t.student} student true`, `${t.counselor} counselor true`]));
    assert.deepEqual(new Set(p.online.map((x) => `${x.participant} ${x.role}`)), new Set([`${t.student} student`, `${t.counselor} counselor`]));
  });
  test('bad values: 400, and nothing changes', async () => {
    const t = await talk();
    const u = await talk();
    const m = ok(await t.a.send('x'), 201);
    const foreign = ok(await u.a.send('x'), 201);
    const state = await stateOf(stack, t);
    for (const isTyping of [undefined, null, 'true', 1, 0, [], {}]) refused(await t.a.http.post(`${t.path}/typing`, { isTyping }), 'BAD_REQUEST', JSON.stringify(isTyping));
    for (const upTo of [undefined, null, '', 'x', -1, 1.5, true, [], {}, m.id + 100, `${m.id}-000000000000`, foreign.cursor, `${m.id + 100}-000000000000`]) refused(await t.a.http.put(`${t.path}/read`, { upTo }), 'BAD_REQUEST', JSON.stringify(upTo));
    for (const cursor of ['x', 5, true, [], `${m.id}-000000000000`, foreign.cursor]) refused(await t.a.http.put(`${t.path}/alive`, { cursor }), 'BAD_REQUEST', JSON.stringify(cursor));
    assert.deepEqual(await stateOf(stack, t), state);
  });
});

describe('erasing by a participant', () => {
  test('204, then 410 for everybody and nothing in Redis', async () => {
    const t = await talk();
    const canary = `canary${rnd(8)}`;
    ok(await t.a.send({ content: canary, clientId: 'c1' }), 201);
    ok(await t.a.http.delete(t.path), 204);
    for (const who of [t.a, t.b]) {
      refused(await who.http.get(`${t.path}/messages`), 'GONE');
      refused(await who.send({ content: 'late', clientId: 'c1' }), 'GONE');
      refused(await who.edit(1, 'late'), 'GONE');
      refused(await who.remove(1), 'GONE');
      refused(await who.http.post(`${t.path}/typing`, { isTyping: true }), 'GONE');
      refused(await who.http.put(`${t.path}/read`, { upTo: 1 }), 'GONE');
      refused(await who.http.put(`${t.path}/alive`, {}), 'GONE');
      refused(await who.http.get(`${t.path}/presence`), 'GONE');
      refused(await who.http.post(`${t.path}/end`, {}), 'GONE');
      refused(await who.http.post(`${t.path}/cookie`, {}), 'GONE');
      refused(await who.http.post(`${t.path}/stream-ticket`, {}), 'GONE');
      refused(await who.http.get(`${t.path}/poll`), 'GONE');
      const events = await who.http.get(`${t.path}/events`);
      assert.equal(events.status, 204, `events: ${events.text}`);
      common(events);
    }
    const service = stack.as(stack.service());
    refused(await service.get(`/api/sessions/${t.id}`), 'GONE');
    refused(await service.post('/api/sessions', { sessionId: t.id, studentAnonymousId: t.student, counselorId: t.counselor }), 'GONE');
    const dump = await dumpRedis();
    assert.ok(!dump.includes(canary), 'the text is still in Redis');
  });
  test('while messages pour in: stored or 410, and no late one brings anything back', async () => {
    for (let round = 0; round < 8; round++) {
      const t = await talk();
      const canary = `canary${rnd(8)}`;
      const sends = Array.from({ length: 60 }, (_, i) => (i % 2 ? t.a : t.b).http.post(`${t.path}/messages`, { content: `${canary} ${i}`, clientId: `c${i}` }, { agent: false }));
      await Promise.race(sends);
      ok(await t.b.http.delete(t.path), 204);
      for (const r of await Promise.all(sends)) if (r.status !== 201) refused(r, 'GONE');
      refused(await t.a.http.get(`${t.path}/messages`), 'GONE');
      assert.ok(!(await dumpRedis()).includes(canary), 'a message survived its erasure');
    }
  });
});

test('no content, ticket or participant in the logs', async () => {
  const t = await talk();
  const canary = `canary${rnd(8)}`;
  const m = ok(await t.a.send({ content: canary, clientId: canary }), 201);
  await t.a.edit(m.id, `${canary} again`);
  await t.a.http.get(`${t.path}/messages?after=${m.cursor}&limit=7`);
  await t.a.http.get(`${t.path}/messages?limit=${canary}`);
  await t.a.http.get(`${t.path}/${canary}`);
  await t.a.remove(m.id);
  const logs = stack.logs();
  assert.ok(logs.length > 0);
  for (const secret of [`${canary} again`, m.cursor, t.student, t.counselor, t.tickets.student.split('.')[2], t.tickets.student.split('.')[1]]) assert.ok(!logs.includes(secret), `in the logs: ${secret}`);
  assert.ok(!logs.includes(`=${canary}`) && !logs.includes(`"${canary}"`), 'a query or content stands in the logs');
});
