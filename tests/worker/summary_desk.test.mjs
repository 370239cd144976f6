// Summaries at their counselor's desk: they outlive the sessions, and so does the way to them. As summary.test.mjs.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ok, refused } from '../lib/contract.mjs';
import { call } from '../lib/client.mjs';
import { rnd } from '../lib/jwt.mjs';
import { Stream } from '../lib/sse.mjs';
import { until } from '../lib/wait.mjs';
import { o, stack, service, onSummaries, talk, ask, work, askedFor, expire, bookkeeping, failed, HOUR } from './summaries.mjs';

onSummaries('summaries at the desk', () => {
  const deskTicket = (counselor, claims = {}) => stack.mint({ role: 'counselor', userId: counselor, ...claims });
  const at = (counselor, path = '') => stack.as(deskTicket(counselor)).get(`/api/desk/summaries${path}`);
  const ids = async (counselor, query) => ok(await at(counselor, query)).summaries.map((x) => x.sessionId);
  const over = async (s) => { await expire(s); await bookkeeping(s); };
  async function written(body) {
    const s = await talk(body);
    ok(await ask(s), 202);
    await work();
    return s;
  }
  async function desk(counselor) {
    const stream = new Stream(stack.base, '/api/desk/events', { ticket: deskTicket(counselor) });
    await stream.ready();
    return { stream, told: () => stream.events.filter((e) => e.event === 'desk:summary') };
  }

  test('listed and read after the session is gone, by who asked and nobody else', async () => {
    const counselor = `couns_${rnd()}`;
    assert.deepEqual(ok(await at(counselor)), { summaries: [], next: null });
    const [a, b] = [await written({ counselorId: counselor }), await written({ counselorId: counselor })];
    await over(a);
    const list = ok(await at(counselor));
    assert.deepEqual([list.summaries.map((x) => [x.sessionId, x.status, x.summary]), list.next], [[[b.id, 'ready', undefined], [a.id, 'ready', undefined]], null]);
    const one = ok(await at(counselor, `/${a.id}`));
    assert.deepEqual([one.sessionId, one.status, typeof one.summary.summary], [a.id, 'ready', 'string']);
    const other = `couns_${rnd()}`;
    assert.deepEqual(await ids(other), []);
    refused(await at(other, `/${a.id}`), 'NOT_FOUND');
    refused(await at(counselor, '/sess_never'), 'NOT_FOUND');
    for (const path of ['', `/${b.id}`]) {
      for (const ticket of [b.tickets.student, b.tickets.counselor, stack.service()]) refused(await stack.as(ticket).get(`/api/desk/summaries${path}`), 'FORBIDDEN');
      refused(await call(stack.base, 'GET', `/api/desk/summaries${path}`), 'UNAUTHENTICATED');
      refused(await stack.as(deskTicket(counselor)).post(`/api/desk/summaries${path}`, {}), 'METHOD_NOT_ALLOWED');
    }
  });
  test('page by page; what is erased is gone from the list and is not read; handed over, it is the next one\'s who asks', async () => {
    const [counselor, next] = [`couns_${rnd()}`, `couns_${rnd()}`];
    const all = [];
    for (let i = 0; i < 3; i++) all.unshift(await written({ counselorId: counselor }));
    const pages = [];
    for (let place = ''; place !== null;) {
      const page = ok(await at(counselor, `?limit=1${place && `&before=${place}`}`));
      pages.push(...page.summaries.map((x) => x.sessionId));
      place = page.next;
      assert.ok(pages.length <= 3, 'it ends');
    }
    assert.deepEqual(pages, all.map((s) => s.id));
    for (const q of ['?limit=0', '?limit=101', '?before=x']) refused(await at(counselor, q), 'BAD_REQUEST');
    const [erased, late, handed] = all;
    await over(late);
    for (const s of [erased, late]) ok(await service.delete(`/api/sessions/${s.id}`), 204); // their bookkeeping has not come yet
    for (const s of [erased, late]) refused(await at(counselor, `/${s.id}`), 'GONE');
    assert.deepEqual(await ids(counselor), [handed.id]);
    const { tickets } = ok(await service.put(`/api/sessions/${handed.id}`, { counselorId: next }));
    ok(await stack.as(tickets.counselor).post(`${handed.path}/summary`, {}), 200);
    assert.deepEqual([await ids(counselor), await ids(next)], [[], [handed.id]]);
  });
  test('heard of on the desk\'s stream when it is ready or failed, whether the session lives or not', async () => {
    const counselor = `couns_${rnd()}`;
    const [mine, other] = [await desk(counselor), await desk(`couns_${rnd()}`)];
    const living = await written({ counselorId: counselor });
    await until('the living one', () => mine.told().length === 1);
    const [gone, failing] = [await talk({ counselorId: counselor }), await talk({ counselorId: counselor })];
    for (const s of [gone, failing]) {
      ok(await ask(s), 202);
      await over(s);
      await until('it to leave the desk', () => mine.stream.events.some((e) => e.event === 'desk:removed' && e.data.conversationId === s.id));
      if (s === failing) o.gemini.next({ blockReason: 'PROHIBITED_CONTENT' });
      await work();
      await until('the one that is over', () => mine.told().some((e) => e.data.conversationId === s.id));
    }
    assert.deepEqual(mine.told().map((e) => [e.id, e.data.conversationId, e.data.status]), [[undefined, living.id, 'ready'], [undefined, gone.id, 'ready'], [undefined, failing.id, 'failed']]);
    for (const e of mine.told()) assert.deepEqual([Object.keys(e.data).sort().join(), Math.abs(e.data.at - Date.now()) < 60_000], ['at,conversationId,status', true]);
    assert.deepEqual(other.told(), []);
    assert.equal(askedFor(gone).length, 1);
    for (const d of [mine, other]) d.stream.close();
  });
  test('one that nobody wrote in its time is given up: the desk hears of it, and so do both sides while the session lives', async () => {
    const counselor = `couns_${rnd()}`;
    const mine = await desk(counselor);
    const [living, gone, later] = [await talk({ counselorId: counselor }), await talk({ counselorId: counselor }), await talk({ counselorId: counselor })];
    const reading = new Stream(stack.base, `${living.path}/events`, { ticket: living.tickets.student });
    await reading.ready();
    for (const s of [living, gone]) ok(await ask(s), 202);
    await over(gone);
    const nobody = { env: { ROOM_GEMINI_KEY: undefined } };
    await work(nobody);
    assert.deepEqual(mine.told(), []);
    await work({ ...nobody, clock_ms: 2 * HOUR });
    await until('both', () => mine.told().length === 2);
    assert.deepEqual(mine.told().map((e) => [e.data.conversationId, e.data.status]).sort(), [living, gone].map((s) => [s.id, 'failed']).sort());
    await until('the student to hear of it', () => reading.events.some((e) => e.event === 'summary:failed' && e.data.why === 'ABANDONED'));
    const list = ok(await stack.as(deskTicket(counselor)).get('/api/desk')).sessions;
    assert.deepEqual(list.map((x) => [x.conversationId, x.summary]).sort(), [[living.id, 'failed'], [later.id, null]].sort());
    for (const s of [living, gone]) await failed(s, 'ABANDONED');
    ok(await ask(living), 202);
    await work();
    await until('the one that was asked for again', () => mine.told().length === 3);
    assert.deepEqual([mine.told()[2].data.conversationId, mine.told()[2].data.status], [living.id, 'ready']);
    reading.close();
    mine.stream.close();
  });
  test('a poll that waits ends with it', async () => {
    const counselor = `couns_${rnd()}`;
    const s = await talk({ counselorId: counselor });
    ok(await ask(s), 202);
    await over(s);
    const poll = (query) => call(stack.base, 'GET', `/api/desk/poll?${query}`, { ticket: deskTicket(counselor) });
    const { cursor } = ok(await poll('wait=0'));
    const waiting = poll(`wait=30&after=${cursor}`);
    await until('the poll to be there', async () => (await stack.redis('HLEN', `{0}:desk:${counselor}:hubs`)) !== '0');
    await work();
    const r = ok(await waiting);
    assert.deepEqual(r.events.map((e) => [e.event, e.data.conversationId, e.data.status]), [['desk:summary', s.id, 'ready']]);
    assert.equal(r.cursor, cursor, 'the list of sessions is the same');
  });
});
