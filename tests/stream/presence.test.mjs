// Who is here (design §5): a reload shows nobody leaving; a closed tab is seen within 15 s; who vanished, or whose hub was killed, within 75 s.
// The waits are long by promise, so all of it runs side by side, each in a session of its own.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { ok } from '../lib/contract.mjs';
import { Raw, Stream, StreamReader, call, slow, sleep, until } from '../lib/client.mjs';
import { startStack } from '../lib/stack.mjs';

let stack, other;
before(async () => { [stack, other] = await Promise.all([startStack(), startStack()]); });
after(async () => { await stack?.stop(); await other?.stop(); });

const open = async (s, who, on = stack) => { const st = new Stream(on.base, `${s.path}/events`, { ticket: s.tickets[who], warm: true }); await st.opened; await st.ready(); return st; };
const seen = (st, participant, online) => st.events.filter((e) => e.event === 'presence' && e.data.participant === participant && e.data.online === online);
const online = async (s, on = stack) => ok(await on.as(on.service()).get(`/api/sessions/${s.id}`)).online;
const offline = (st, participant, ms) => st.when(`${participant} going`, () => seen(st, participant, false)[0], ms);
// Keeps proving a participant's life as room.js does, only oftener.
function lively(s, who) {
  let going = true;
  (async () => { while (going) { await stack.as(s.tickets[who]).put(`${s.path}/alive`, {}).catch(() => {}); await sleep(5000); } })();
  return () => { going = false; };
}

describe('presence', { concurrency: true }, () => {
  test('a closed tab: seen within 15 s, not before 8; back again at once', async () => {
    const s = await stack.session();
    const watch = await open(s, 'counselor');
    const tab = await open(s, 'student');
    await watch.when('coming', () => seen(watch, s.student, true)[0]);
    assert.deepEqual(new Set(await online(s)), new Set([s.student, s.counselor]));
    tab.close();
    const t = performance.now();
    const e = await offline(watch, s.student, 17_000);
    const took = performance.now() - t;
    assert.ok(took > 8000 && took < 15_000 * slow, `${took} ms`);
    assert.deepEqual([e.id, e.data.role], [undefined, 'student']);
    assert.deepEqual(await online(s), [s.counselor]);
    const before = seen(watch, s.student, true).length;
    const again = await open(s, 'student');
    await watch.when('coming back', () => seen(watch, s.student, true).length > before, 3000);
    again.close();
    watch.close();
  });
  test('reloading, again and again: nobody leaves', async () => {
    const s = await stack.session();
    const watch = await open(s, 'counselor');
    let tab = await open(s, 'student');
    for (let i = 0; i < 5; i++) {
      tab.close();
      await sleep(i % 2 ? 300 : 3000); // as long as a page takes to load
      tab = await open(s, 'student');
    }
    const t = performance.now();
    await sleep(12_000); // the silence is what is promised: past the time in which a leave would have been told
    assert.equal(seen(watch, s.student, false).length, 0, 'a reload was told as a leave');
    assert.equal(seen(watch, s.student, true).length, 1, 'and there was nothing to come back from');
    tab.close();
    await offline(watch, s.student, 17_000);
    assert.ok(performance.now() - t > 12_000);
    watch.close();
  });
  test('one of two tabs closed: still here', async () => {
    const s = await stack.session();
    const watch = await open(s, 'counselor');
    const [one, two] = [await open(s, 'student'), await open(s, 'student')];
    one.close();
    await sleep(13_000); // as above
    assert.equal(seen(watch, s.student, false).length, 0);
    assert.ok((await online(s)).includes(s.student));
    two.close();
    await offline(watch, s.student, 17_000);
    watch.close();
  });
  test('from poll to stream and back is no leave; the last poll answered and no more is one', async () => {
    const s = await stack.session();
    const watch = await open(s, 'counselor');
    const poll = (query) => call(stack.base, 'GET', `${s.path}/poll${query}`, { ticket: s.tickets.student, agent: false, timeout: 40_000 });
    let { cursor } = ok(await poll(''));
    for (let i = 0; i < 6; i++) {
      ({ cursor } = ok(await poll(`?wait=1&after=${cursor}`)));
      const st = await open(s, 'student');
      st.close();
    }
    assert.equal(seen(watch, s.student, false).length, 0);
    ({ cursor } = ok(await poll(`?wait=1&after=${cursor}`)));
    await offline(watch, s.student, 75_000);
    watch.close();
  });
  test('typing ends by itself after 5 s', async () => {
    const s = await stack.session();
    const watch = await open(s, 'counselor');
    const tab = await open(s, 'student');
    ok(await stack.as(s.tickets.student).post(`${s.path}/typing`, { isTyping: true }), 204);
    const on = await watch.next('user:typing');
    assert.equal(on.data.isTyping, true);
    const off = await watch.next((e) => e.event === 'user:typing' && !e.data.isTyping, { ms: 20_000 });
    const took = off.at - on.at;
    assert.ok(took > 4000 && took < 9000 * slow, `${took} ms`);
    // Kept up, it lasts; each sign counts from itself.
    const from = watch.events.length;
    for (let i = 0; i < 4; i++) { ok(await stack.as(s.tickets.student).post(`${s.path}/typing`, { isTyping: true }), 204); await sleep(2000); }
    assert.equal(watch.events.slice(from).filter((e) => e.event === 'user:typing' && !e.data.isTyping).length, 0, 'ended though kept up');
    await watch.next((e) => e.event === 'user:typing' && !e.data.isTyping, { from, ms: 20_000 });
    for (const x of [tab, watch]) x.close();
  });
  test('a message ends the typing before it', async () => {
    const s = await stack.session();
    const watch = await open(s, 'counselor');
    ok(await stack.as(s.tickets.student).post(`${s.path}/typing`, { isTyping: true }), 204);
    await watch.next('user:typing');
    const m = ok(await stack.as(s.tickets.student).post(`${s.path}/messages`, { content: 'x' }), 201);
    await watch.next((e) => e.id === m.cursor);
    await sleep(7000); // whether told with the message or by itself, it is over by now
    assert.equal(watch.named('user:typing').at(-1).data.isTyping, false);
    watch.close();
  });
  test('someone who proved his life and vanished, socket open: gone within 75 s, not within 45', async () => {
    const s = await stack.session();
    const watch = await open(s, 'counselor');
    const stop = lively(s, 'counselor');
    // A client behind a dead network: its connection stays, nobody reads or writes on it any more.
    const raw = new Raw(stack.base);
    await raw.write(`GET ${s.path}/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${s.tickets.student}\r\n\r\n`);
    await watch.when('coming', () => seen(watch, s.student, true)[0]);
    ok(await stack.as(s.tickets.student).put(`${s.path}/alive`, {}), 204);
    await sleep(2000);
    ok(await stack.as(s.tickets.student).put(`${s.path}/alive`, {}), 204);
    const t = performance.now();
    await offline(watch, s.student, 78_000);
    const took = performance.now() - t;
    assert.ok(took > 45_000 && took < 75_000 + 2000 * slow, `${Math.round(took / 1000)} s`);
    assert.ok(!(await online(s)).includes(s.student));
    assert.equal(seen(watch, s.counselor, false).length, 0);
    raw.destroy();
    stop();
    watch.close();
  });
  test('who keeps proving his life stays, beyond 75 s; and a plain EventSource without any stays too', async () => {
    const s = await stack.session();
    const watch = await open(s, 'counselor'); // never says alive: a plain EventSource
    const tab = await open(s, 'student');
    const stop = lively(s, 'student');
    await sleep(80_000); // the promise is about time
    assert.deepEqual([seen(watch, s.student, false).length, seen(tab, s.counselor, false).length], [0, 0]);
    assert.deepEqual(new Set(await online(s)), new Set([s.student, s.counselor]));
    stop();
    tab.close();
    watch.close();
  });
  test('whose hub was killed and who does not come back: gone within 75 s', async () => {
    const s = await other.session();
    const watch = new StreamReader('watch', other.base, s.id, s.tickets.counselor);
    await until('ready', () => watch.cursor);
    const tab = await open(s, 'student', other);
    await until('both', async () => (await online(s, other)).length === 2);
    for (const pid of other.children().hub) {
      if (tab.ended) break;
      process.kill(pid, 'SIGKILL');
      await other.replaced('hub', pid);
      await until('the stream to break, if it was this hub’s', () => tab.ended, { ms: 1500 / slow }).catch(() => {});
    }
    assert.ok(tab.ended, 'the stream died with its hub');
    const t = performance.now();
    await until('his leaving to be seen', async () => !(await online(s, other)).includes(s.student), { ms: 78_000, every: 500 });
    assert.ok(performance.now() - t < 75_000 + 2000 * slow);
    await until('his leaving to be told', () => watch.passing.some((e) => e.event === 'presence' && e.data.participant === s.student && e.data.online === false), { ms: 5000 });
    assert.ok((await online(s, other)).includes(s.counselor), 'the one who came back is here');
    await watch.stop();
  });
});
