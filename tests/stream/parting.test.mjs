// Who parts, and who only seems to; and that nobody is told anything after his ticket's end, however late the hub is.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { ok, refused } from '../lib/contract.mjs';
import { Stream, call, sleep, until } from '../lib/client.mjs';
import { startStack } from '../lib/stack.mjs';

let stack;
before(async () => { stack = await startStack({ env: { ROOM_HUBS: '1' } }); });
after(async () => { await stack?.stop(); });

const open = async (s, who, ticket = s.tickets[who]) => { const st = new Stream(stack.base, `${s.path}/events`, { ticket, warm: true }); await st.opened; await st.ready(); return st; };
const gone = (st, participant) => st.events.find((e) => e.event === 'presence' && e.data.participant === participant && !e.data.online);

describe('parting', { concurrency: true }, () => {
  test('a page that says, as it closes, that it types no more, is gone as soon as any other', async () => {
    const s = await stack.session();
    const watch = await open(s, 'counselor');
    const tab = await open(s, 'student');
    await sleep(1500); // signs of life are noted once a second: the next one counts
    tab.close();
    await sleep(50);
    ok(await stack.as(s.tickets.student).post(`${s.path}/typing`, { isTyping: false }), 204);
    await watch.when('his going', () => gone(watch, s.student), 17_000);
    watch.close();
  });
  test('a request that was still on its way when the page closed keeps nobody here', async () => {
    const s = await stack.session();
    const watch = await open(s, 'counselor');
    const page = await open(s, 'student');
    const m = ok(await stack.as(s.tickets.counselor).post(`${s.path}/messages`, { content: 'read as it closes' }), 201);
    await page.next('message:new');
    page.close();
    await sleep(1200); // so late that it is a sign of life of its own
    ok(await stack.as(s.tickets.student).put(`${s.path}/read`, { upTo: m.id }), 204);
    await watch.when('her going', () => gone(watch, s.student), 17_000);
    watch.close();
  });

  test('who goes in the middle of writing writes no more', async () => {
    const s = await stack.session();
    const watch = await open(s, 'counselor');
    const tabs = [await open(s, 'student'), await open(s, 'student')];
    ok(await stack.as(s.tickets.student).post(`${s.path}/typing`, { isTyping: true }), 204);
    const on = await watch.next('user:typing');
    tabs[0].close();
    await sleep(1000);
    assert.equal(watch.named('user:typing').length, 1, 'his other tab is open still');
    ok(await stack.as(s.tickets.student).post(`${s.path}/typing`, { isTyping: true }), 204);
    const again = await watch.next('user:typing', { from: watch.events.indexOf(on) + 1 });
    tabs[1].close();
    const off = await watch.next((e) => e.event === 'user:typing' && !e.data.isTyping && e.data.participant === s.student);
    assert.ok(off.at - again.at < 4500, 'before the time after which it ends by itself');
    watch.close();
  });
  test('an answered poll ends no writing', async () => {
    const s = await stack.session();
    const watch = await open(s, 'counselor');
    const { cursor } = ok(await call(stack.base, 'GET', `${s.path}/poll`, { ticket: s.tickets.student, agent: false }));
    ok(await stack.as(s.tickets.student).post(`${s.path}/typing`, { isTyping: true }), 204);
    await watch.next('user:typing');
    ok(await call(stack.base, 'GET', `${s.path}/poll?wait=1&after=${cursor}`, { ticket: s.tickets.student, agent: false }));
    const m = ok(await stack.as(s.tickets.counselor).post(`${s.path}/messages`, { content: 'x' }), 201);
    await watch.next((e) => e.id === m.cursor);
    assert.equal(watch.named('user:typing').length, 1);
    watch.close();
  });
  test('a stream that was refused is no leave', async () => {
    const s = await stack.session({ permissions: { student: ['send_message'] } });
    const watch = await open(s, 'counselor');
    ok(await stack.as(s.tickets.student).put(`${s.path}/alive`, {}), 204);
    await watch.when('his coming', () => watch.events.some((e) => e.event === 'presence' && e.data.participant === s.student && e.data.online));
    for (const route of ['events', 'poll?wait=1']) refused(await stack.as(s.tickets.student).get(`${s.path}/${route}`), 'FORBIDDEN');
    await sleep(14_000); // the silence is what is promised: past the time in which a leave would be told
    assert.equal(gone(watch, s.student), undefined);
    watch.close();
  });
});

test('a hub that is late tells nothing after a ticket’s end', async () => {
  const late = await startStack({ env: { ROOM_HUBS: '1' }, seams: true });
  try {
    const s = await late.session();
    const short = () => late.counselor(s.id, s.counselor, { exp: Math.floor(Date.now() / 1000) + 10 });
    const st = new Stream(late.base, `${s.path}/events`, { ticket: short() });
    await st.ready();
    const poll = call(late.base, 'GET', `${s.path}/poll?wait=25&after=${st.lastId}`, { ticket: short(), agent: false, timeout: 90_000 });
    await until('both to be there', async () => (await late.redis('HGETALL', `{0}:conv:${s.id}:present`)).split('\n').some((line, i, all) => line.startsWith(`s:${s.counselor}:`) && all[i + 1] === '2'));
    const before = st.events.length;
    const [hub] = late.children().hub;
    // It stops with the news in hand: an idle loop would look at its clock first.
    late.arm('news.taken:stop');
    ok(await late.as(s.tickets.student).post(`${s.path}/messages`, { content: 'too late' }), 201);
    await until('the hub to stand still', () => /\) T/.test(readFileSync(`/proc/${hub}/stat`, 'utf8')));
    await sleep(11_000); // the tickets end meanwhile
    process.kill(hub, 'SIGCONT');
    await st.end();
    const told = (events) => events.map((e) => e.event).filter((name) => name !== 'ticket:expiring');
    assert.deepEqual(told(st.events.slice(before)), ['ticket:expired']);
    assert.deepEqual(told(ok(await poll).events), ['ticket:expired']);
  } finally {
    await late.stop();
  }
});

test('one who is put out while another’s writing ends, both at once: the hub keeps its lists in order', async () => {
  const late = await startStack({ env: { ROOM_HUBS: '1' }, seams: true });
  try {
    const s = await late.session();
    const watch = new Stream(late.base, `${s.path}/events`, { ticket: s.tickets.counselor });
    await watch.ready();
    const st = new Stream(late.base, `${s.path}/events`, { ticket: late.student(s.id, s.student, { exp: Math.floor(Date.now() / 1000) + 10 }) });
    await st.ready();
    const [hub] = late.children().hub;
    ok(await late.as(s.tickets.counselor).post(`${s.path}/typing`, { isTyping: true }), 204);
    await st.next('user:typing');
    late.arm('news.taken:stop');
    ok(await late.as(s.tickets.student).post(`${s.path}/typing`, { isTyping: true }), 204);
    await until('the hub to stand still', () => /\) T/.test(readFileSync(`/proc/${hub}/stat`, 'utf8')));
    await sleep(11_000); // meanwhile the one’s writing is over, and the other’s ticket
    process.kill(hub, 'SIGCONT');
    await st.end();
    assert.equal(st.events.at(-1).event, 'ticket:expired');
    await watch.next((e) => e.event === 'user:typing' && e.data.participant === s.student && !e.data.isTyping);
    const m = ok(await late.as(s.tickets.student).post(`${s.path}/messages`, { content: 'x' }), 201);
    await watch.next((e) => e.id === m.cursor);
    assert.deepEqual(late.children().hub, [hub]);
  } finally {
    await late.stop();
  }
});
