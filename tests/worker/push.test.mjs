// Push (design §9): whoever is away is told once that something waits, and nothing else. On the real stack, with Google and MainServer played
// (tests/lib/outside.mjs). The worker runs by hand; time is moved by moving scores and signs in Redis, never waited for.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ok } from '../lib/contract.mjs';
import { Stream, call, gate, pool, slow, until } from '../lib/client.mjs';
import { rnd } from '../lib/jwt.mjs';
import { startPostgres } from '../lib/postgres.mjs';
import { startStack } from '../lib/stack.mjs';
import { runWorker } from '../lib/worker.mjs';
import { holdOpen, onBoth } from './helpers.mjs';
import { o, stack, playPush, session, say, push, due, told, hasten, goes, pushesTo, attemptsTo, dead, waitingTold } from './pushing.mjs';

const whoIsTold = () => describe('who is told', () => {
  test('away: exactly one push, and the other side learns of it', async () => {
    const s = await session();
    const watch = new Stream(stack.base, `${s.path}/events`, { ticket: s.tickets.counselor });
    await watch.ready();
    await say(s);
    await push();
    assert.equal(pushesTo(s.target).length, 1);
    const e = await watch.when('user:notified', () => watch.events.find((x) => x.event === 'user:notified'));
    assert.deepEqual([e.id, Object.keys(e.data).sort().join(), e.data.participant], [undefined, 'at,participant', s.student]);
    assert.ok(Math.abs(e.data.at - Date.now()) < 60_000);
    assert.equal(await due(s), 0, 'nothing is left in the queue');
    await push();
    await say(s);
    assert.equal(await due(s), 0, 'not even scheduled again');
    await push();
    assert.equal(pushesTo(s.target).length, 1, 'one push until they come');
    assert.equal(pushesTo(s.devices.counselor.token).length, 0, 'none to who spoke');
    watch.close();
  });

  test('a burst of messages, with workers running all the while: one', async () => {
    const s = await session();
    for (let i = 0; i < 5; i++) await Promise.all([say(s), say(s), say(s), push()]);
    await push();
    assert.equal(attemptsTo(s.target).length, 1);
  });

  test('present and delivered: none', async () => {
    const s = await session();
    const page = new Stream(stack.base, `${s.path}/events`, { ticket: s.tickets.student });
    await page.ready();
    const m = await say(s);
    await page.when('the message', () => page.events.find((x) => x.event === 'message:new'));
    const at = await due(s);
    assert.ok(at > m.sentAt + 9000 && at <= m.sentAt + 10_000, 'due in 10 s, not now');
    ok(await stack.as(s.tickets.student).put(`${s.path}/alive`, { cursor: m.cursor }), 204);
    await hasten(s);
    const r = await push();
    assert.ok(r.jobs.push.dropped >= 1);
    assert.equal(await due(s), 0);
    page.close();
    assert.equal(attemptsTo(s.target).length, 0);
  });

  test('present, not known to have got it: put off, and told when presence ends', async () => {
    const s = await session();
    ok(await stack.as(s.tickets.student).put(`${s.path}/alive`, {}), 204);
    await say(s);
    await hasten(s);
    assert.ok((await push()).jobs.push.later >= 1);
    assert.ok(await due(s) > Date.now(), 'looked at again');
    assert.equal(attemptsTo(s.target).length, 0);
    await goes(s);
    await hasten(s);
    await push();
    assert.equal(pushesTo(s.target).length, 1);
  });

  test('back within 10 s, resuming after what it had: dropped', async () => {
    const s = await session();
    const page = new Stream(stack.base, `${s.path}/events`, { ticket: s.tickets.student });
    const ready = await page.ready();
    page.close();
    const m = await say(s);
    const again = new Stream(stack.base, `${s.path}/events`, { ticket: s.tickets.student, lastEventId: ready.cursor });
    await again.when('the message', () => again.events.find((x) => x.event === 'message:new'));
    // a client without `alive`: its next resumption says that it got the message
    ok(await call(stack.base, 'GET', `${s.path}/poll?wait=0&after=${m.cursor}`, { ticket: s.tickets.student }));
    again.close();
    await goes(s);
    await hasten(s);
    await push();
    assert.equal(attemptsTo(s.target).length, 0);
    assert.equal(await due(s), 0, 'dropped, not put off');
  });

  test('read meanwhile, answered meanwhile, deleted meanwhile: dropped', async () => {
    const [read, answered, deleted] = [await session(), await session(), await session()];
    for (const s of [read, answered, deleted]) s.message = await say(s);
    ok(await stack.as(read.tickets.student).put(`${read.path}/read`, { upTo: read.message.id }), 204);
    await say(answered, 'student');
    ok(await stack.as(deleted.tickets.counselor).delete(`${deleted.path}/messages/${deleted.message.id}`), 204);
    for (const s of [read, answered, deleted]) { await goes(s); await hasten(s); }
    await push();
    for (const s of [read, answered, deleted]) assert.deepEqual([attemptsTo(s.target).length, await due(s)], [0, 0]);
  });

  test('presence re-arms', async () => {
    const s = await session();
    for (let burst = 1; burst <= 3; burst++) {
      await say(s);
      await goes(s);
      await hasten(s);
      await push();
      assert.equal(pushesTo(s.target).length, burst);
      assert.equal(await told(s), 'p');
      ok(await stack.as(s.tickets.student).get(`${s.path}/presence`));
      assert.equal(await told(s), '1');
    }
  });

  test('what comes while a push is under way, after a visit, is judged anew', async () => {
    for (const dies of [true, false]) {
      const s = await session();
      await say(s);
      const hold = gate();
      o.fcm.next({ until: hold.opened });
      const running = push(dies ? { failpoint: 'push.send:kill' } : {});
      await until('the request', () => attemptsTo(s.target).length === 1);
      ok(await stack.as(s.tickets.student).put(`${s.path}/alive`, {}), 204); // came, and left again
      await goes(s);
      await say(s);
      hold.open();
      await running;
      assert.ok(await due(s) > 0);
      await hasten(s);
      await push();
      assert.equal(pushesTo(s.target).length, 2, 'the second burst has a push of its own');
      assert.equal(await told(s), 'p');
    }
  });

  test('erased, expired, ended, handed over meanwhile: none', async () => {
    const service = stack.as(stack.service());
    const [erased, expired, ended, handed, erasedByOne] = await pool(5, [1, 2, 3, 4, 5], () => session());
    for (const s of [erased, expired, ended, erasedByOne]) await say(s);
    await say(handed, 'student');
    ok(await service.delete(`/api/sessions/${erased.id}`), 204);
    ok(await stack.as(erasedByOne.tickets.student).delete(erasedByOne.path), 204);
    await stack.redis('HSET', `{0}:conv:${expired.id}`, 'expiresAt', Date.now() - 1);
    ok(await service.post(`/api/sessions/${ended.id}/end`));
    ok(await service.put(`/api/sessions/${handed.id}`, { counselorId: `couns_${rnd()}` }));
    for (const round of ['as it is', 'whatever is left in the queue']) {
      await push();
      for (const s of [erased, expired, ended, erasedByOne]) assert.deepEqual([attemptsTo(s.target).length, await due(s)], [0, 0], round);
      assert.deepEqual([attemptsTo(handed.devices.counselor.token).length, await due(handed, handed.counselor)], [0, 0], round);
      await stack.redis('HSET', `{0}:conv:${handed.id}:device`, handed.counselor, JSON.stringify(handed.devices.counselor));
      await stack.redis('ZADD', '{0}:push', ...[erased, expired, ended, erasedByOne].flatMap((s) => [1, s.key()]), 1, handed.key(handed.counselor), 1, 'nobody anon_x', 1, 'strange');
    }
    await push();
    assert.equal(await stack.redis('ZCOUNT', '{0}:push', 1, 1), '0', 'strange ones are thrown away');
  });

  test('nobody assigned yet: MainServer is told once; who is assigned gets a push for what waits, and no more', async () => {
    const s = await session({ counselorId: undefined, devices: undefined });
    const next = `couns_${rnd()}`;
    const target = `next-${rnd(12)}`;
    ok(await stack.as(stack.service()).put(`/api/participants/${next}/device`, { token: target }), 204);
    for (let i = 0; i < 2; i++) await say(s, 'student');
    await push();
    assert.equal(await waitingTold(s), 1);
    ok(await stack.as(stack.service()).put(`/api/sessions/${s.id}`, { counselorId: next, counselorRole: 'volunteer' }));
    await push();
    await push();
    assert.deepEqual([pushesTo(target).length, await waitingTold(s)], [1, 2], 'and that it waits for somebody by name');
    await say(s, 'student');
    await push();
    assert.deepEqual([pushesTo(target).length, await waitingTold(s)], [1, 2]);
  });

  test('handed over with a message that nobody answered: the next one is told; of one that was answered, or with none, nobody', async () => {
    const [unread, read, answered, deleted, silent, back] = await pool(6, [1, 2, 3, 4, 5, 6], () => session());
    const all = [unread, read, answered, deleted, silent, back];
    for (const s of [unread, read, answered, deleted, back]) s.message = await say(s, 'student');
    ok(await stack.as(read.tickets.counselor).put(`${read.path}/read`, { upTo: read.message.id }), 204);
    await say(answered, 'counselor');
    ok(await stack.as(deleted.tickets.student).delete(`${deleted.path}/messages/${deleted.message.id}`), 204);
    for (const s of all) {
      s.next = `couns_${rnd()}`;
      s.token = `next-${rnd(12)}`;
      ok(await stack.as(stack.service()).put(`/api/participants/${s.next}/device`, { token: s.token }), 204);
      ok(await stack.as(stack.service()).put(`/api/sessions/${s.id}`, { counselorId: s.next }));
    }
    ok(await stack.as(stack.service()).put(`/api/sessions/${back.id}`, { counselorId: back.counselor }));
    await push();
    await push();
    assert.deepEqual(all.map((s) => pushesTo(s.token).length), [1, 1, 0, 0, 0, 0]);
    assert.deepEqual(await Promise.all(all.map((s) => due(s, s.next))), [0, 0, 0, 0, 0, 0]);
    assert.ok((await due(back, back.counselor)) > 0, 'back with who had it, whose device went with the first handover');
    assert.deepEqual(await Promise.all([unread, silent, deleted].map(waitingTold)), [1, 0, 0]);
    assert.deepEqual(all.map((s) => attemptsTo(s.devices.counselor.token).length), [0, 0, 0, 0, 0, 0]);
  });

  test('over between the claim and the note: nothing is left, nobody is told', async () => {
    for (const end of [(s) => stack.as(stack.service()).delete(`/api/sessions/${s.id}`), (s) => stack.redis('HSET', `{0}:conv:${s.id}`, 'expiresAt', Date.now() - 1)]) {
      const s = await session();
      await say(s);
      const hold = gate();
      o.fcm.next({ until: hold.opened });
      const running = push();
      await until('the request', () => attemptsTo(s.target).length === 1);
      await end(s);
      hold.open();
      await running;
      assert.equal(await due(s), 0);
    }
  });
});

const whatIsSent = () => describe('what is sent', () => {
  test('to a token, to a fid; bytes equal but for target and time to live; nothing said', async () => {
    const [a, b] = [await session(), await session({ devices: { student: { fid: `fid-${rnd(16)}` } } })];
    a.said = await say(a);
    b.said = await say(b);
    await stack.redis('HSET', `{0}:conv:${b.id}`, 'expiresAt', Date.now() + 100_000);
    await push();
    const [one] = pushesTo(a.target);
    const other = o.fcm.pushes.find((p) => p.target.startsWith('fid-'));
    assert.deepEqual([one.kind, other.kind], ['token', 'fid']);
    assert.ok(parseFloat(other.ttl) <= 100 && parseFloat(other.ttl) > 40, `ttl ${other.ttl} of 100 s left`);
    assert.ok(parseFloat(one.ttl) <= 86_400 && parseFloat(one.ttl) > 86_000, `ttl ${one.ttl}`);
    const bare = (p) => attemptsTo(p.target)[0].body.replace(`"${p.kind}":"${p.target}"`, 'TARGET')
      .replaceAll(`"${parseInt(p.ttl, 10)}s"`, 'TTL').replaceAll(`"TTL":"${parseInt(p.ttl, 10)}"`, 'TTL').replace(/"apns-expiration":"\d+"/, 'UNTIL');
    assert.equal(bare(one), bare(other));
    for (const s of [a, b]) for (const word of [s.said.content, s.id, s.student, s.counselor]) assert.deepEqual(o.search(word), [], `${word} left the house`);
  });

  test('sent late in a round, a push lives no longer than its session for that', async () => {
    const all = await pool(4, Array.from({ length: 40 }), async () => { const s = await session(); await say(s); return s; });
    const until = Date.now() + 100_000;
    for (const s of all) await stack.redis('HSET', `{0}:conv:${s.id}`, 'expiresAt', until);
    o.fcm.next({ delay_ms: 4000 }, 32);
    await push();
    const [{ at }] = attemptsTo(all[0].target);
    const left = all.map((s) => pushesTo(s.target)[0]).map((p) => [p.at, parseFloat(p.ttl)]);
    assert.ok(left.some(([sent]) => sent > at + 3500), 'some went when the first were answered');
    for (const [sent, ttl] of left) assert.ok(ttl > 0 && sent + ttl * 1000 <= until - 25_000, `${ttl} s, ${until - sent} ms before the end`);
  });

  test('a session about to end: now or never, and never when a retry would come too late', async () => {
    const s = await session();
    await say(s);
    await stack.redis('HSET', `{0}:conv:${s.id}`, 'expiresAt', Date.now() + 20_000);
    o.fcm.next({ error: 'QUOTA_EXCEEDED' });
    const before = await dead('SESSION_ENDS_BEFORE');
    await push();
    assert.equal(attemptsTo(s.target).length, 1);
    assert.match(attemptsTo(s.target)[0].body, /"ttl":"0s"/);
    assert.equal(await due(s), 0);
    assert.equal(await dead('SESSION_ENDS_BEFORE'), before + 1);
  });
});

const whatGoogleAnswers = () => describe('what Google answers', () => {
  // A session with a push that went wrong as told; what stands in the queue afterwards.
  async function failed(spec) {
    const s = await session();
    await say(s);
    o.fcm.next(spec);
    const at = Date.now();
    const r = await push();
    return { s, r, wait: (await due(s)) - at };
  }
  async function thenWell(s) {
    await hasten(s);
    await stack.redis('DEL', '{0}:breaker:fcm');
    const before = pushesTo(s.target).length; // cut off in mid-answer, one may have been accepted
    await push();
    assert.equal(pushesTo(s.target).length, before + 1);
    assert.equal(await due(s), 0);
  }

  test('UNREGISTERED: the target is forgotten; a person\'s other one is tried', async () => {
    const { s } = await failed({ error: 'UNREGISTERED' });
    assert.equal(await stack.redis('HEXISTS', `{0}:conv:${s.id}:device`, s.student), '0');
    assert.equal(attemptsTo(s.target).length, 1);
    assert.equal(await told(s), 'n');

    const c = await session();
    const own = `person-${rnd(12)}`;
    ok(await stack.as(stack.service()).put(`/api/participants/${c.counselor}/device`, { token: own }), 204);
    o.fcm.gone.add(c.devices.counselor.token);
    await say(c, 'student');
    await push();
    assert.deepEqual([attemptsTo(c.devices.counselor.token).length, pushesTo(own).length], [1, 1]);
    assert.equal(await told(c, c.counselor), 'p');
    // and when that one is gone, too, it is no longer known
    o.fcm.gone.add(own);
    ok(await stack.as(c.tickets.counselor).get(`${c.path}/presence`));
    await goes(c, c.counselor);
    await say(c, 'student');
    await hasten(c, c.counselor);
    await push();
    assert.equal(await told(c, c.counselor), 'n');
    const n = attemptsTo(own).length;
    await hasten(c, c.counselor);
    await push();
    assert.equal(attemptsTo(own).length, n);
  });

  test('404 that speaks of no target (a wrong project, a proxy): a dead letter; the target stays', async () => {
    const before = await dead('NOT_FOUND');
    const { s } = await failed({ status: 404, body: { error: { code: 404, message: 'Requested entity was not found.', status: 'NOT_FOUND' } } });
    assert.equal(await stack.redis('HEXISTS', `{0}:conv:${s.id}:device`, s.student), '1');
    assert.equal(await dead('NOT_FOUND'), before + 1);
    await say(s);
    await push();
    assert.equal(pushesTo(s.target).length, 1);
  });

  test('429 with Retry-After: nobody else is sent meanwhile, by whichever worker', async () => {
    const { s, wait } = await failed({ error: 'QUOTA_EXCEEDED', retryAfter: 100 });
    assert.ok(wait >= 100_000 && wait < 110_000, `${wait} ms`);
    const other = await session();
    await say(other);
    await push();
    assert.equal(attemptsTo(other.target).length, 0);
    const held = (await due(other)) - Date.now();
    assert.ok(held > 80_000 && held <= 101_000, `${held} ms`);
    assert.equal(await stack.redis('HGET', `{0}:conv:${other.id}:present`, `n:${other.student}`), '', 'no failure of its own');
    await thenWell(s);
    await thenWell(other);
  });

  test('429: after Retry-After; without one, a minute at least', async () => {
    const told300 = await failed({ error: 'QUOTA_EXCEEDED', retryAfter: 300 });
    assert.ok(told300.wait >= 300_000 && told300.wait < 320_000, `${told300.wait} ms`);
    await stack.redis('DEL', '{0}:breaker:fcm');
    const untold = await failed({ error: 'QUOTA_EXCEEDED' });
    assert.ok(untold.wait >= 60_000 && untold.wait <= 130_000, `${untold.wait} ms`);
    assert.equal(untold.r.code, 0);
    await thenWell(told300.s);
    await thenWell(untold.s);
  });

  test('503, HTML, 10 MB, a cut answer, a cut connection: again soon, and longer each time', async () => {
    for (const spec of [{ error: 'UNAVAILABLE' }, { status: 502, html: true }, { huge: true }, { cut: true }, { reset: true }, { status: 503, retryAfter: 40 }]) {
      await stack.redis('DEL', '{0}:breaker:fcm');
      const { s, wait } = await failed(spec);
      const least = spec.retryAfter ? 40_000 : 1000;
      assert.ok(wait >= least && wait < least + 20_000, `${JSON.stringify(spec)}: ${wait} ms`);
      assert.equal(await told(s), 'w');
      await thenWell(s);
    }
    const s = await session();
    await say(s);
    o.fcm.always({ error: 'UNAVAILABLE' });
    const waits = [];
    for (let i = 0; i < 5; i++) {
      await stack.redis('DEL', '{0}:breaker:fcm');
      await hasten(s);
      await push();
      waits.push((await due(s)) - Date.now());
    }
    o.fcm.always();
    assert.ok(waits[4] > 4 * waits[0], `backs off: ${waits}`);
    await thenWell(s);
  });

  test('an open breaker: waiting is no failure', async () => {
    const all = await pool(8, Array.from({ length: 8 }), () => session());
    o.fcm.always({ error: 'UNAVAILABLE' });
    for (const s of all) await say(s);
    await push();
    o.fcm.always();
    await holdOpen(stack, 'fcm');
    const [late] = await pool(1, [0], () => session());
    await say(late);
    await push();
    assert.equal(attemptsTo(late.target).length, 0, 'the breaker is open');
    assert.ok(await due(late) > Date.now());
    assert.equal(await stack.redis('HGET', `{0}:conv:${late.id}:present`, `n:${late.student}`), '');
    await stack.redis('DEL', '{0}:breaker:fcm');
    for (const s of [...all, late]) await hasten(s);
    await push();
    for (const s of [...all, late]) assert.deepEqual([pushesTo(s.target).length, await due(s)], [1, 0]);
  });

  test('401 THIRD_PARTY_AUTH_ERROR, 403: a dead letter; the target stays, and the next message tries again', async () => {
    for (const error of ['THIRD_PARTY_AUTH_ERROR', 'SENDER_ID_MISMATCH']) {
      const before = await dead(error);
      const { s } = await failed({ error });
      assert.equal(await dead(error), before + 1);
      assert.ok(Number(await stack.redis('HGET', '{0}:push:dead', `at:${error}`)) > Date.now() - 60_000);
      assert.equal(await due(s), 0);
      assert.equal(await stack.redis('HEXISTS', `{0}:conv:${s.id}:device`, s.student), '1');
      await say(s);
      await push();
      assert.equal(pushesTo(s.target).length, 1);
    }
    assert.ok(!/student-|counselor-/.test(await stack.redis('HGETALL', '{0}:push:dead')), 'no targets in there');
    const words = await runWorker(stack, ['--status']);
    assert.match(words.out, /^pushes +THIRD_PARTY_AUTH_ERROR: \d+ given up, the last \d+ s ago$/m);
    const status = JSON.parse((await runWorker(stack, ['--status', '--json'])).out);
    const counts = Object.values(status.deadPushes).map((d) => d.count);
    assert.equal(status.deadPushes.SENDER_ID_MISMATCH.count, await dead('SENDER_ID_MISMATCH'));
    assert.ok(status.deadPushes.SENDER_ID_MISMATCH.lastAt > Date.now() - 60_000);
    const metrics = await call(stack.base, 'GET', '/metrics');
    assert.match(metrics.text, new RegExp(`^room_push_dead_letters\\{[^}]*\\} ${counts.reduce((a, b) => a + b, 0)}$`, 'm'));
  });
});

const killed = () => describe('killed, and many at once', () => {
  for (const point of ['push.look', 'push.claim', 'push.send', 'push.note']) {
    test(`SIGKILL at ${point}: never lost, at most once more on the wire, one to be seen`, async () => {
      const s = await session();
      await say(s);
      const r = await push({ failpoint: `${point}:kill` });
      assert.equal(r.signal, 'SIGKILL');
      const before = attemptsTo(s.target).length;
      assert.equal(before, ['push.send', 'push.note'].includes(point) ? 1 : 0);
      await push();
      if (point === 'push.look') assert.equal(attemptsTo(s.target).length, 1, 'nothing was claimed');
      else assert.equal(attemptsTo(s.target).length, before, 'while the claim stands nobody else takes it');
      const until180 = (await due(s)) - Date.now();
      if (['push.claim', 'push.send'].includes(point)) assert.ok(until180 > 150_000 && until180 <= 180_000, `claimed for ${until180} ms`);
      await hasten(s);
      await push();
      const all = pushesTo(s.target);
      assert.equal(all.length, point === 'push.send' ? 2 : 1);
      assert.equal(new Set(all.map((p) => p.message.android.collapse_key)).size, 1);
      assert.equal(await due(s), 0);
      await say(s);
      await push();
      assert.equal(pushesTo(s.target).length, all.length);
    });
  }

  test('SIGKILL while forgetting a target: forgotten by the next', async () => {
    const s = await session();
    await say(s);
    o.fcm.gone.add(s.target);
    assert.equal((await push({ failpoint: 'push.forget:kill' })).signal, 'SIGKILL');
    await hasten(s);
    await push();
    assert.equal(await stack.redis('HEXISTS', `{0}:conv:${s.id}:device`, s.student), '0');
  });

  test('killed after sending, and they came and read: no second', async () => {
    const s = await session();
    const m = await say(s);
    await push({ failpoint: 'push.send:kill' });
    ok(await stack.as(s.tickets.student).put(`${s.path}/read`, { upTo: m.id }), 204);
    await goes(s);
    await hasten(s);
    await push();
    assert.equal(attemptsTo(s.target).length, 1);
  });

  test('a worker that hangs loses its claim; what it notes later counts for nothing', async () => {
    const s = await session();
    await say(s);
    const hold = gate();
    o.fcm.next({ until: hold.opened });
    const slow = push();
    await until('its request', () => attemptsTo(s.target).length === 1);
    await hasten(s);
    await push();
    assert.equal(await told(s), 'p');
    ok(await stack.as(s.tickets.student).get(`${s.path}/presence`));
    hold.open();
    await slow;
    assert.deepEqual([await told(s), await due(s)], ['1', 0], 'the late note changed nothing');
  });

  test('four workers and 120 sessions: one push each', async () => {
    const all = await pool(8, Array.from({ length: 120 }), async () => { const s = await session(); await say(s); return s; });
    await Promise.all([push(), push(), push(), push()]);
    for (const s of all) assert.equal(attemptsTo(s.target).length, 1);
  });
});

const asRoomUpRunsIt = () => describe('as `room up` runs it, on four buckets', () => {
  for (const postgres of [false, true]) {
    test(`due pushes leave within a second or so; people's devices in ${postgres ? 'PostgreSQL' : 'SQLite'}`, async () => {
      const pg = postgres && await startPostgres();
      const own = await startStack({ env: { ...o.env, ROOM_BUCKETS: '4', ...(pg ? { ROOM_DB: await pg.database() } : {}) } });
      try {
        await pool(4, Array.from({ length: 12 }), async () => {
          const s = await own.session();
          const [token, person] = [`up-${rnd(12)}`, `up-person-${rnd(12)}`];
          ok(await own.as(s.tickets.student).put(`${s.path}/device`, { token }), 204);
          ok(await own.as(own.service()).put(`/api/participants/${s.counselor}/device`, { fid: person }), 204);
          ok(await own.as(s.tickets.student).post(`${s.path}/messages`, { content: 'is anybody there?' }), 201);
          const began = performance.now();
          await until('the push', () => pushesTo(person).length);
          const took = performance.now() - began;
          assert.ok(took < 9000 * slow, `it took ${took} ms; those that are put off wait 10 s`);
          assert.equal(attemptsTo(token).length, 0);
        });
      } finally {
        await own.stop();
        await pg?.stop?.();
      }
    });
  }
});

describe('push, with what Redis knows', () => {
  playPush();
  whoIsTold();
  whatIsSent();
  asRoomUpRunsIt();
});

onBoth('push', (db) => {
  playPush(db);
  whatGoogleAnswers();
  killed();
  if (db.postgres) {
    test('the database away: people\'s devices are looked for again soon; sessions\' own need none', async () => {
      const [s, own] = [await session({ devices: {} }), await session()];
      const token = `person-${rnd(12)}`;
      ok(await stack.as(stack.service()).put(`/api/participants/${s.counselor}/device`, { token }), 204);
      await say(s, 'student');
      await say(own);
      await db.pg.stop({ signal: 'SIGQUIT', keep: true });
      try {
        await push({ code: 3 });
        assert.equal(pushesTo(own.target).length, 1);
        const wait = (await due(s, s.counselor)) - Date.now();
        assert.ok(wait > 0 && wait <= 5000, `${wait} ms`);
      } finally {
        await db.pg.start();
      }
      await hasten(s, s.counselor);
      await push();
      assert.equal(pushesTo(token).length, 1);
    });
  }
});
