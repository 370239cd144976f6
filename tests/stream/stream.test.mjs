// Event streams (design §3, §5, §7): what they say, in which order, and what they never say.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { EventSource } from 'eventsource';
import { common, isMessage, ok, plain, refused } from '../lib/contract.mjs';
import { Raw, SseParser, Stream, call, dechunk, pieces, positionOf, rnd, sleep, until, within } from '../lib/client.mjs';
import { startStack } from '../lib/stack.mjs';

let stack;
let idle; // descriptors of the hubs that serve nobody
const fds = () => stack.children().hub.reduce((n, pid) => n + stack.fds(pid), 0);
before(async () => {
  stack = await startStack();
  await until('quiet', () => { const n = fds(); return sleep(300).then(() => fds() === n); });
  idle = fds();
});
after(() => stack?.stop());

const open = async (s, who = 'student', { query = '', ...options } = {}) => {
  const st = new Stream(stack.base, `${s.path}/events${query}`, { ticket: s.tickets[who], ...options });
  await st.opened;
  return st;
};
const sendAs = (s, who) => (content, more = {}) => stack.as(s.tickets[who]).post(`${s.path}/messages`, { content, ...more });

describe('what a stream says', () => {
  test('its head, and `ready` first', async () => {
    const s = await stack.session();
    const st = await open(s);
    assert.equal(st.status, 200);
    common({ ...st, text: '' }, 'stream');
    assert.equal(st.headers['content-type'].split(';')[0], 'text/event-stream');
    assert.equal(st.headers['content-encoding'], undefined);
    assert.equal(st.headers['content-length'], undefined);
    const ready = await st.next(() => true);
    assert.equal(ready.event, 'ready');
    assert.equal(ready.id, ready.data.cursor);
    assert.deepEqual(Object.keys(ready.data).sort(), ['cursor', 'delivered', 'expiresAt', 'online', 'read', 'resumed', 'status']);
    assert.equal(ready.data.resumed, null);
    assert.equal(ready.data.status, 'active');
    assert.deepEqual(ready.data.online, [s.student]);
    assert.deepEqual([ready.data.read, ready.data.delivered].map((x) => typeof x), ['object', 'object']);
    assert.equal(ready.data.expiresAt, ok(await stack.as(stack.service()).get(`/api/sessions/${s.id}`)).expiresAt);
    await st.when('retry:', () => st.parser.retry !== undefined);
    assert.ok(st.parser.retry >= 100 && st.parser.retry <= 30_000, String(st.parser.retry));
    st.close();
  });
  test('`retry:` is jittered', async () => {
    const s = await stack.session();
    const all = new Set();
    for (let i = 0; i < 12; i++) {
      const st = await open(s);
      await st.ready();
      all.add(st.parser.retry);
      st.close();
    }
    assert.ok(all.size >= 3, [...all].join());
  });
  test('sent, edited and deleted: each an event with its cursor, the message and the new deadline', async () => {
    const s = await stack.session();
    const streams = [await open(s), await open(s, 'counselor')];
    await Promise.all(streams.map((x) => x.ready()));
    const a = sendAs(s, 'student');
    const m = ok(await a('one', { clientId: 'c1', metadata: { k: 'v' }, threadId: 't1' }), 201);
    const e = ok(await stack.as(s.tickets.student).patch(`${s.path}/messages/${m.id}`, { content: 'two' }));
    ok(await stack.as(s.tickets.student).delete(`${s.path}/messages/${m.id}`), 204);
    const page = ok(await stack.as(s.tickets.student).get(`${s.path}/messages`));
    for (const st of streams) {
      const [made, edited, deleted] = [await st.next('message:new'), await st.next('message:edited'), await st.next('message:deleted')];
      assert.equal(made.id, m.cursor);
      // What an event holds is the entry as it is when it is told: here at once or after one of the changes.
      isMessage(plain(made.data), { id: m.id, cursor: m.cursor, sender: s.student });
      assert.ok(positionOf(edited.id) > m.id && positionOf(deleted.id) > positionOf(edited.id));
      assert.equal(deleted.id, page.cursor);
      for (const x of [edited, deleted]) assert.deepEqual([x.data.id, x.data.cursor, x.data.conversationId], [m.id, m.cursor, s.id]);
      assert.deepEqual(Object.keys(plain(deleted.data)).filter((k) => k !== 'threadId').sort(), ['clientId', 'conversationId', 'cursor', 'deletedAt', 'id', 'role', 'sender', 'sentAt', 'type'], 'no content, no metadata');
      for (const x of [made, edited, deleted]) assert.ok(x.data.expiresAt > Date.now());
      assert.ok(deleted.data.expiresAt >= made.data.expiresAt);
      if (edited.data.content !== undefined) assert.deepEqual(plain(edited.data), plain(e));
      st.close();
    }
  });
  test('a live message is exactly what its sender was answered', async () => {
    const s = await stack.session();
    const st = await open(s, 'counselor');
    await st.ready();
    for (let i = 0; i < 20; i++) {
      const from = st.events.length;
      const m = ok(await sendAs(s, 'student')(`m${i}`, { clientId: `c${i}` }), 201);
      const e = await st.next('message:new', { from });
      assert.deepEqual([e.id, plain(e.data)], [m.cursor, plain(m)]);
    }
    st.close();
  });
  test('text of every kind is one event, one line, intact', async () => {
    const s = await stack.session();
    const st = await open(s, 'counselor');
    await st.ready();
    const odd = ['a\rb', 'a\nb', 'a\r\nb', 'a\n\rb', '\u2028x\u2029', 'data: x', 'x\n\nevent: session:erased\ndata: {}\n\n', 'x\rid: 9-000000000000\r\r', ': comment', '\ufeffbom', 'retry: 1', '\u0085x', '\u000b\u000cx', '😀'.repeat(4096), 'x'.repeat(16384), '\n'.repeat(8000) + 'x', '\u2028'.repeat(5000) + 'x'];
    for (const content of odd) ok(await sendAs(s, 'student')(content), 201);
    await st.when('all of them', () => st.named('message:new').length >= odd.length);
    assert.deepEqual(st.named('message:new').map((e) => e.data.content), odd);
    for (const e of st.events) assert.ok(!e.raw.includes('\n') && !e.raw.includes('\r'), 'data is one line');
    assert.equal(st.named('session:erased').length, 0);
    const again = await open(s, 'counselor', { lastEventId: st.events[0].id });
    await again.when('the replay', () => again.named('message:new').length >= odd.length);
    assert.deepEqual(again.named('message:new').map((e) => e.data.content), odd);
    st.close();
    again.close();
  });
  test('whatever the bytes are split into, the same events come out', async () => {
    const s = await stack.session();
    const c = new Raw(stack.base).read();
    const bytes = `GET ${s.path}/events HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\nAuthorization: Bearer ${s.tickets.counselor}\r\n\r\n`;
    for (const piece of pieces(bytes, [1, 3, 2])) await c.write(piece);
    await until('ready', () => c.text.includes('event: ready'));
    for (let i = 0; i < 20; i++) ok(await sendAs(s, 'student')(`é😀 ${i} \r\n`), 201);
    const head = () => c.buffer.indexOf('\r\n\r\n') + 4;
    await until('the last', () => dechunk(c.buffer.subarray(head())).body.toString().includes('😀 19 '));
    const body = dechunk(c.buffer.subarray(head())).body;
    const parse = (sizes) => {
      const events = [];
      const p = new SseParser((e) => events.push(e));
      for (const piece of pieces(body, sizes)) p.push(piece);
      return events;
    };
    const whole = parse([body.length]);
    assert.equal(whole.filter((e) => e.event === 'message:new').length, 20);
    for (const sizes of [[1], [2, 5], [3], [1021]]) assert.deepEqual(parse(sizes), whole);
    c.destroy();
  });
  test('a request in slow pieces with other streams beside it', async () => {
    const s = await stack.session();
    const slowOne = new Raw(stack.base).read();
    const bytes = `GET ${s.path}/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${s.tickets.counselor}\r\n\r\n`;
    await slowOne.write(bytes.slice(0, 30));
    const st = await open(s);
    await st.ready();
    await slowOne.write(bytes.slice(30));
    await until('ready', () => slowOne.text.includes('event: ready'));
    st.close();
    slowOne.destroy();
  });
});

describe('resuming', () => {
  test('after the cursor of `ready`, when nothing else was seen', async () => {
    const s = await stack.session();
    const st = await open(s, 'counselor');
    const { cursor } = await st.ready();
    st.close();
    const m = ok(await sendAs(s, 'student')('while away'), 201);
    for (const options of [{ lastEventId: cursor }, { query: `?after=${cursor}` }]) {
      const back = await open(s, 'counselor', options);
      const ready = await back.ready();
      assert.deepEqual([ready.resumed, ready.cursor], [true, cursor]);
      assert.equal((await back.next('message:new')).id, m.cursor);
      assert.equal(back.named('reset').length, 0);
      back.close();
    }
  });
  test('Last-Event-ID is newer than `after` in the address: EventSource reconnects so', async () => {
    const s = await stack.session();
    const first = ok(await sendAs(s, 'student')('one'), 201);
    const second = ok(await sendAs(s, 'student')('two'), 201);
    const third = ok(await sendAs(s, 'student')('three'), 201);
    const st = await open(s, 'student', { query: `?after=${first.cursor}`, lastEventId: second.cursor });
    await st.next((e) => e.id === third.cursor && e.event === 'message:new');
    assert.ok(!st.entries.some((e) => positionOf(e.id) <= second.id), 'shown again');
    st.close();
  });
  test('load, then stream after it, misses nothing', async () => {
    const s = await stack.session();
    ok(await sendAs(s, 'student')('one'), 201);
    const page = ok(await stack.as(s.tickets.counselor).get(`${s.path}/messages`));
    const m = ok(await sendAs(s, 'student')('two'), 201);
    const st = await open(s, 'counselor', { query: `?after=${page.cursor}` });
    const e = await st.next('message:new');
    assert.equal(e.id, m.cursor);
    assert.equal(st.named('message:new').length, 1);
    st.close();
  });
  test('cursors that make no sense: `ready` with resumed false, `reset` next, and on from ready.cursor', async () => {
    const s = await stack.session();
    const other = await stack.session();
    const mine = ok(await sendAs(s, 'student')('one'), 201);
    const theirs = ok(await sendAs(other, 'student')('one'), 201);
    const [, check] = mine.cursor.split('-');
    for (const bad of ['x', '1', '-1', `${mine.id}`, `${mine.id}-000000000000`, `999-${check}`, theirs.cursor, `18446744073709551616-${check}`, `-${mine.cursor}`, `${mine.cursor}-1`, `${mine.cursor},${mine.cursor}`, '0-000000000000', `${mine.id + 1}-${check}`, 'x'.repeat(2000), '[1]', '1e5-aaaaaaaaaaaa', `00${mine.cursor}`]) {
      for (const options of [{ lastEventId: bad }, { query: `?after=${encodeURIComponent(bad)}` }]) {
        const st = await open(s, 'counselor', options);
        assert.equal(st.status, 200, `${bad}: ${st.status} ${st.body}`);
        await st.next('reset');
        assert.deepEqual(st.events.slice(0, 2).map((e) => e.event), ['ready', 'reset'], bad);
        assert.equal(st.events[0].data.resumed, false, bad);
        const end = ok(await stack.as(s.tickets.student).get(`${s.path}/messages`)).cursor;
        assert.equal(st.events[0].data.cursor, end, 'ready.cursor is the log’s end');
        const from = st.events.length;
        const m = ok(await sendAs(s, 'student')('on'), 201);
        const e = await st.next((x) => x.event === 'message:new', { from });
        assert.equal(e.id, m.cursor);
        assert.equal(positionOf(e.id), positionOf(end) + 1);
        st.close();
      }
    }
  });
  test('a deleted message replays as deleted, an edited one as it is now', async () => {
    const s = await stack.session();
    const start = ok(await stack.as(s.tickets.student).get(`${s.path}/messages`)).cursor;
    const student = stack.as(s.tickets.student);
    const gone = ok(await sendAs(s, 'student')('secret words'), 201);
    const kept = ok(await sendAs(s, 'student')('first version'), 201);
    ok(await student.patch(`${s.path}/messages/${kept.id}`, { content: 'second version' }));
    ok(await student.delete(`${s.path}/messages/${gone.id}`), 204);
    const end = ok(await student.get(`${s.path}/messages`)).cursor;
    const st = await open(s, 'counselor', { lastEventId: start });
    await st.next((e) => e.id === end && e.event !== 'ready');
    const all = st.events.map((e) => e.raw).join('\n');
    assert.ok(!all.includes('secret words') && !all.includes('first version'), all);
    assert.equal(st.events.find((e) => e.id === gone.cursor).event, 'message:deleted');
    const k = st.events.find((e) => e.id === kept.cursor);
    assert.deepEqual([k.event, k.data.content], ['message:new', 'second version']);
    st.close();
  });
});

describe('what passes', () => {
  test('typing goes to the other, not to its author', async () => {
    const s = await stack.session();
    const [a, b] = [await open(s), await open(s, 'counselor')];
    await Promise.all([a.ready(), b.ready()]);
    ok(await stack.as(s.tickets.student).post(`${s.path}/typing`, { isTyping: true }), 204);
    const e = await b.next('user:typing');
    assert.deepEqual([e.id, e.data], [undefined, { participant: s.student, role: 'student', isTyping: true }]);
    ok(await stack.as(s.tickets.student).post(`${s.path}/typing`, { isTyping: false }), 204);
    assert.equal((await b.next((x) => x.event === 'user:typing' && !x.data.isTyping, { ms: 4500 })).data.participant, s.student);
    ok(await sendAs(s, 'counselor')('so that A has something after it'), 201);
    await a.next('message:new');
    assert.equal(a.named('user:typing').length, 0);
    a.close();
    b.close();
  });
  test('read and delivered marks: told once, only forward, and in `ready` afterwards', async () => {
    const s = await stack.session();
    const st = await open(s);
    await st.ready();
    const ids = [];
    for (let i = 0; i < 5; i++) ids.push(ok(await sendAs(s, 'student')(`m${i}`), 201));
    const counselor = stack.as(s.tickets.counselor);
    ok(await counselor.put(`${s.path}/alive`, { cursor: ids[3].cursor }), 204);
    const d = await st.next('receipt:delivered');
    assert.equal(d.id, undefined);
    assert.deepEqual([d.data.participant, d.data.upTo, typeof d.data.at], [s.counselor, ids[3].id, 'number']);
    ok(await counselor.put(`${s.path}/read`, { upTo: ids[1].id }), 204);
    assert.deepEqual([(await st.next('receipt:read')).data].map((x) => [x.participant, x.upTo]), [[s.counselor, ids[1].id]]);
    ok(await counselor.put(`${s.path}/read`, { upTo: ids[2].cursor }), 204);
    await st.next((e) => e.event === 'receipt:read' && e.data.upTo === ids[2].id);
    ok(await counselor.put(`${s.path}/read`, { upTo: ids[0].id }), 204);
    ok(await counselor.put(`${s.path}/alive`, { cursor: ids[0].cursor }), 204);
    const last = ok(await sendAs(s, 'student')('after it'), 201);
    await st.next((e) => e.id === last.cursor);
    assert.deepEqual(st.named('receipt:read').map((e) => e.data.upTo), [ids[1].id, ids[2].id], 'marks never go back');
    for (const who of ['student', 'counselor']) {
      const again = await open(s, who, { lastEventId: last.cursor });
      const ready = await again.ready();
      assert.equal(ready.read[s.counselor], ids[2].id);
      assert.ok(ready.delivered[s.counselor] >= ids[3].id);
      again.close();
    }
    st.close();
  });
  test('who comes is announced to the other, and stands in `ready`', async () => {
    const s = await stack.session();
    const a = await open(s);
    assert.deepEqual((await a.ready()).online, [s.student]);
    const b = await open(s, 'counselor');
    assert.deepEqual(new Set((await b.ready()).online), new Set([s.student, s.counselor]));
    const e = await a.next((x) => x.event === 'presence' && x.data.participant === s.counselor);
    assert.deepEqual([e.id, e.data.role, e.data.online, typeof e.data.at], [undefined, 'counselor', true, 'number']);
    a.close();
    b.close();
  });
  test('the first entrance is an entry: once for each', async () => {
    const s = await stack.session();
    const start = ok(await stack.as(stack.service()).get(`/api/sessions/${s.id}`)) && (await stack.as(s.tickets.student).get(`${s.path}/messages`)).json.cursor;
    for (let i = 0; i < 3; i++) {
      for (const who of ['student', 'counselor']) {
        const st = await open(s, who);
        await st.ready();
        st.close();
      }
    }
    const m = ok(await sendAs(s, 'student')('x'), 201);
    const st = await open(s, 'student', { lastEventId: start });
    await st.next((e) => e.id === m.cursor && e.event === 'message:new');
    const joined = st.named('user:joined');
    const count = (id) => joined.filter((e) => e.data.participant === id).length;
    assert.equal(count(s.counselor), 1);
    assert.ok(count(s.student) <= 1, 'the student may have entered before the start cursor');
    for (const e of joined) assert.ok(e.id && e.data.role && typeof e.data.at === 'number');
    st.close();
  });
});

describe('changes of the session', () => {
  test('ended: told to all, streams stay, new ones open read-only', async () => {
    const s = await stack.session();
    const [a, b] = [await open(s), await open(s, 'counselor')];
    await Promise.all([a.ready(), b.ready()]);
    const m = ok(await sendAs(s, 'student')('x'), 201);
    const { expiresAt } = ok(await stack.as(s.tickets.counselor).post(`${s.path}/end`, {}));
    for (const st of [a, b]) {
      const e = await st.next('session:ended');
      assert.ok(e.id, 'an entry');
      assert.ok([s.counselor, 'counselor'].includes(e.data.by), e.data.by);
      assert.deepEqual([e.data.expiresAt, typeof e.data.at], [expiresAt, 'number']);
    }
    ok(await stack.as(s.tickets.counselor).put(`${s.path}/read`, { upTo: m.id }), 204);
    await a.next('receipt:read');
    assert.ok(!a.ended && !b.ended);
    const again = await open(s, 'student', { lastEventId: m.cursor });
    assert.equal((await again.ready()).status, 'ended');
    await again.next('session:ended');
    for (const st of [a, b, again]) st.close();
  });
  test('assigned: told to the waiting student', async () => {
    const s = await stack.session({ counselorId: undefined });
    const a = await open(s);
    await a.ready();
    const r = ok(await stack.as(stack.service()).put(`/api/sessions/${s.id}`, { counselorId: 'couns_new' }));
    const e = await a.next('session:assigned');
    assert.ok(e.id, 'an entry');
    assert.deepEqual([e.data.participant, e.data.role], ['couns_new', 'counselor']);
    const b = new Stream(stack.base, `${s.path}/events`, { ticket: r.tickets.counselor });
    await b.ready();
    await a.next((x) => x.event === 'presence' && x.data.participant === 'couns_new' && x.data.online);
    a.close();
    b.close();
  });
  test('handed over: the former counselor’s streams end and do not come back', async () => {
    const s = await stack.session();
    const [a, b] = [await open(s), await open(s, 'counselor')];
    await Promise.all([a.ready(), b.ready()]);
    const waiting = call(stack.base, 'GET', `${s.path}/poll?wait=20&after=${(await b.ready()).cursor}`, { ticket: s.tickets.counselor });
    ok(await stack.as(stack.service()).put(`/api/sessions/${s.id}`, { counselorId: 'couns_new' }));
    const left = await a.next('user:left');
    assert.deepEqual([left.data.participant, left.data.role], [s.counselor, 'counselor']);
    await a.next('session:assigned');
    await b.end({ ms: 12_000 });
    await within('the open poll to end', 12_000, waiting);
    const m = ok(await sendAs(s, 'student')('not for the former one'), 201);
    await a.next((e) => e.id === m.cursor);
    assert.ok(!b.events.some((e) => e.raw.includes('not for the former')));
    const back = await open(s, 'counselor');
    assert.equal(back.status, 404);
    a.close();
  });
  test('erased: told, ended, then 204; open polls too', async () => {
    const s = await stack.session();
    const streams = [await open(s), await open(s, 'counselor'), await open(s, 'counselor')];
    const [{ cursor }] = await Promise.all(streams.map((x) => x.ready()));
    const polls = ['student', 'counselor'].map((who) => call(stack.base, 'GET', `${s.path}/poll?wait=25&after=${cursor}`, { ticket: s.tickets[who], agent: false }));
    ok(await sendAs(s, 'student')('x'), 201);
    ok(await stack.as(s.tickets.student).delete(s.path), 204);
    for (const st of streams) {
      await st.end({ ms: 12_000 });
      assert.equal(st.events.at(-1).event, 'session:erased');
      assert.equal(typeof st.events.at(-1).data.at, 'number');
    }
    for (const p of polls) {
      const r = await within('an open poll to end', 12_000, p);
      assert.ok(r.status === 200 || r.status === 410, `${r.status}`);
    }
    for (const who of ['student', 'counselor']) {
      const st = await open(s, who, { lastEventId: cursor });
      assert.equal(st.status, 204);
    }
  });
  test('whom another session concerns hears nothing', async () => {
    const sessions = await Promise.all(Array.from({ length: 6 }, () => stack.session()));
    const streams = await Promise.all(sessions.map((s) => open(s, 'counselor')));
    await Promise.all(streams.map((x) => x.ready()));
    await Promise.all(sessions.flatMap((s, i) => Array.from({ length: 30 }, (_, k) => sendAs(s, 'student')(`for ${i}: ${k}`))));
    ok(await stack.as(sessions[5].tickets.student).post(`${sessions[5].path}/typing`, { isTyping: true }), 204);
    for (const [i, st] of streams.entries()) {
      await st.when('thirty', () => st.named('message:new').length >= 30);
      for (const e of st.named('message:new')) assert.ok(e.data.conversationId === sessions[i].id && e.data.content.startsWith(`for ${i}:`));
      for (const e of st.events) assert.ok(!sessions.some((x, k) => k !== i && (e.raw.includes(x.id) || e.raw.includes(x.student))), e.raw);
      st.close();
    }
  });
});

describe('the npm eventsource client', () => {
  const connect = (s, who, query = '') => {
    const log = { events: [], opens: 0, statuses: [] };
    const es = new EventSource(`${stack.base}${s.path}/events${query}`, {
      fetch: async (input, init) => {
        const r = await fetch(input, { ...init, headers: { ...init.headers, Authorization: `Bearer ${s.tickets[who]}` } });
        log.statuses.push(r.status);
        return r;
      },
    });
    es.onopen = () => { log.opens++; };
    for (const name of ['ready', 'reset', 'message:new', 'message:edited', 'message:deleted', 'session:erased', 'user:joined']) es.addEventListener(name, (e) => log.events.push({ event: name, id: e.lastEventId, data: JSON.parse(e.data) }));
    return { es, log };
  };
  test('hears everything in order and stops for good after an erasure', async () => {
    const s = await stack.session();
    const { es, log } = connect(s, 'counselor');
    await until('ready', () => log.events.length);
    const sent = [];
    for (let i = 0; i < 50; i++) sent.push(ok(await sendAs(s, 'student')(`m${i}\r\n`), 201).cursor);
    await until('all', () => log.events.filter((e) => e.event === 'message:new').length === 50);
    assert.deepEqual(log.events.filter((e) => e.event === 'message:new').map((e) => e.id), sent);
    ok(await stack.as(s.tickets.student).delete(s.path), 204);
    await until('the end', () => es.readyState === es.CLOSED);
    assert.equal(log.events.at(-1).event, 'session:erased');
    assert.deepEqual(log.statuses, [200, 204], 'one stream, one 204, no loop');
  });
  test('a wrong ticket stops it for good at once', async () => {
    const s = await stack.session();
    const { es, log } = connect({ ...s, tickets: { counselor: 'x.y.z' } }, 'counselor');
    await until('closed', () => es.readyState === es.CLOSED);
    assert.deepEqual(log.statuses, [401]);
  });
});

describe('two tabs and many', () => {
  test('every tab of a participant hears everything', async () => {
    const s = await stack.session();
    const tabs = await Promise.all(Array.from({ length: 8 }, (_, i) => open(s, i % 2 ? 'student' : 'counselor')));
    await Promise.all(tabs.map((x) => x.ready()));
    const sent = [];
    for (let i = 0; i < 40; i++) sent.push(ok(await sendAs(s, i % 2 ? 'student' : 'counselor')(`m${i}`), 201).cursor);
    for (const t of tabs) {
      await t.next((e) => e.id === sent.at(-1));
      assert.deepEqual(t.named('message:new').map((e) => e.id), sent);
      t.close();
    }
  });
  test('500 streams at once, all ready, all served, all let go', async () => {
    await until('those of other tests to be let go', () => fds() <= idle + 5, { ms: 40_000 });
    const s = await stack.session();
    const streams = await Promise.all(Array.from({ length: 500 }, (_, i) => open(s, i % 2 ? 'student' : 'counselor')));
    await Promise.all(streams.map((x) => x.ready()));
    assert.ok(fds() >= idle + 500);
    const m = ok(await sendAs(s, 'student')('to all'), 201);
    await Promise.all(streams.map((x) => x.next((e) => e.id === m.cursor)));
    for (const x of streams) x.close();
    await until('descriptors to be given back', () => fds() <= idle + 5, { ms: 40_000 });
  });
});

describe('heartbeats', { concurrency: true }, () => {
  test('a comment about every 15 s keeps the way open; `heartbeat=` asks for fewer', async () => {
    const s = await stack.session();
    const [plain, fifteen, sleepy] = await Promise.all([open(s), open(s, 'student', { query: '?heartbeat=15' }), open(s, 'counselor', { query: '?heartbeat=300' })]);
    await Promise.all([plain.ready(), fifteen.ready(), sleepy.ready()]);
    const t = performance.now();
    const beat = (st) => until('a heartbeat', () => st.parser.comments.find((c) => c.at > t), { ms: 25_000 });
    for (const { at } of await Promise.all([beat(plain), beat(fifteen)])) assert.ok(at - t > 7000 && at - t < 22_000, `after ${Math.round(at - t)} ms, not about 15 s`);
    assert.ok(!sleepy.parser.comments.some((c) => c.at > t), 'the sleeping phone was left alone');
    for (const x of [plain, fifteen, sleepy]) x.close();
  });
  test('other values are bent or refused, never a stream without end of beats', async () => {
    const s = await stack.session();
    for (const bad of ['0', '14', '301', '-1', 'x', '']) {
      const r = await open(s, 'student', { query: `?heartbeat=${bad}` });
      if (r.status === 200) r.close();
      else refused({ status: r.status, headers: r.headers, text: r.body, json: JSON.parse(r.body), code: JSON.parse(r.body).error.code }, 'BAD_REQUEST', bad);
    }
  });
});

test('a stream’s ticket, cursor and words are not in the logs', async () => {
  const s = await stack.session();
  const canary = `canary${rnd(8)}`;
  const m = ok(await sendAs(s, 'student')(canary), 201);
  const st = await open(s, 'counselor', { query: `?after=${m.cursor}` });
  await st.ready();
  st.close();
  const c = new Raw(stack.base).read();
  await c.write(`GET ${s.path}/events?after=${m.cursor} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${s.tickets.counselor}\r\n\r\n`);
  await until('ready', () => c.text.includes('event: ready'));
  c.destroy();
  await until('the hub to notice', async () => (await stack.as(s.tickets.student).get(`${s.path}/presence`)).status === 200);
  for (const secret of [canary, m.cursor, s.tickets.counselor.split('.')[2], s.student, s.counselor]) assert.ok(!stack.logs().includes(secret), secret);
});
