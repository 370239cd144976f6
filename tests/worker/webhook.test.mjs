// MainServer is told what happened: at least once whoever dies, under one id, for a day; then it is a dead letter that can be sent again.
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { ok } from '../lib/contract.mjs';
import { startOutside } from '../lib/outside.mjs';
import { StreamReader } from '../lib/reader.mjs';
import { until } from '../lib/wait.mjs';
import { runWorker } from '../lib/worker.mjs';
import { run } from '../room/helpers.mjs';
import { holdOpen, onBoth, quietStack, rows } from './helpers.mjs';

const hour = 3_600_000;

onBoth('webhooks', (db) => {
  let stack, o;
  before(async () => {
    o = await startOutside();
    stack = await quietStack(db, { ...o.env, ROOM_TTL_S: '600' });
  });
  after(async () => {
    await stack?.stop();
    await o?.stop();
  });
  beforeEach(async () => {
    o.mainserver.always();
    o.mainserver.planned.length = 0;
    o.clock_ms = 0;
    await stack.redis('DEL', '{0}:breaker:mainserver', '{0}:events');
    await rows(stack, 'DELETE FROM webhooks');
  });
  const once = ({ clock_ms = 0, ...options } = {}) => { o.clock_ms = clock_ms; return runWorker(stack, ['webhook', '--once'], { clock_ms, ...options }); };
  const told = (s) => o.mainserver.events.filter((e) => e.data.sessionId === s.id);
  const state = async () => (await rows(stack, 'SELECT state, last_error, attempt FROM webhooks')).map((r) => r.join(' '));
  const webhook = (...args) => run(['webhook', ...args], { env: stack.env });
  async function ended() {
    const s = await stack.session();
    ok(await stack.as(s.tickets.student).post(`${s.path}/end`, {}));
    return s;
  }

  test('joined and ended: role and times, no person, no content; each once', async () => {
    const s = await stack.session();
    for (const who of ['student', 'counselor', 'student']) ok(await stack.as(s.tickets[who]).post(`${s.path}/messages`, { content: 'canary' }), 201);
    const { expiresAt } = ok(await stack.as(s.tickets.counselor).post(`${s.path}/end`, {}));
    const r = await once();
    assert.deepEqual([r.code, r.jobs.webhook.events, r.jobs.webhook.delivered], [0, 3, 3], r.stderr);
    const events = told(s).sort((a, b) => a.data.at - b.data.at);
    assert.deepEqual(events.map((e) => [e.type, e.data.role ?? e.data.by]), [['session.joined', 'student'], ['session.joined', 'counselor'], ['session.ended', 'counselor']]);
    assert.equal(events[2].data.expiresAt, expiresAt);
    for (const e of events) assert.ok(Math.abs(Date.parse(e.timestamp) - e.data.at) < 2);
    for (const text of [s.student, s.counselor, 'canary']) assert.deepEqual(o.search(text), [], text);
    assert.equal((await once()).jobs.webhook.delivered ?? 0, 0);
    assert.equal((await rows(stack, `SELECT ended_at FROM ledger WHERE conversation = '${s.id}'`))[0][0], String(events[2].data.at), 'the ledger knows as well');
  });
  test('what somebody asked for carries the id of his request; what came by itself, none', async () => {
    const [s, t, u] = [await stack.session(), await stack.session(), await stack.session()];
    const ids = {};
    const noted = (name, r, status) => { ids[name] = r.headers['x-request-id']; return ok(r, status); };
    noted(`session.joined ${s.id}`, await stack.as(s.tickets.student).post(`${s.path}/messages`, { content: 'I cannot sleep' }), 201);
    ok(await stack.as(s.tickets.student).post(`${s.path}/messages`, { content: 'again' }), 201);
    noted(`summary.ready ${s.id}`, await stack.as(s.tickets.counselor).post(`${s.path}/summary`, {}), 202);
    noted(`session.ended ${s.id}`, await stack.as(s.tickets.student).post(`${s.path}/end`, {}));
    noted(`session.ended ${t.id}`, await stack.as(stack.service()).post(`/api/sessions/${t.id}/end`, {}));
    noted(`session.expired ${t.id}`, await stack.as(stack.service()).delete(`/api/sessions/${t.id}`), 204);
    noted(`session.expired ${u.id}`, await stack.as(u.tickets.student).delete(u.path), 204);
    const v = await stack.session();
    await stack.redis('HSET', `{0}:conv:${v.id}`, 'expiresAt', Date.now() - 1000);
    await stack.redis('ZADD', '{0}:due', 1, v.id);
    ids[`session.expired ${v.id}`] = undefined;
    const w = await stack.session();
    const stream = new StreamReader('r', stack.base, w.id, w.tickets.student);
    await until('ready', () => stream.cursor);
    await stream.stop();
    for (const job of ['summary', 'expiry']) assert.equal((await runWorker(stack, [job, '--once'])).code, 0);
    await once();
    await once();
    const sent = Object.fromEntries(o.mainserver.requests.map((r) => [r, JSON.parse(r.body)]).filter(([, e]) => e.data.role !== 'counselor').map(([r, e]) => [`${e.type} ${e.data.sessionId}`, r.headers['x-request-id']]));
    for (const [what, id] of Object.entries(ids)) {
      assert.ok(what in sent, `${what} among ${Object.keys(sent)}`);
      assert.equal(sent[what], id, what);
    }
    assert.match(sent[`session.joined ${w.id}`], /^[0-9a-f]{16}$/, 'a stream is a request, too');
  });
  test('expired and erased', async () => {
    const s = await stack.session();
    ok(await stack.as(stack.service()).delete(`/api/sessions/${s.id}`), 204);
    await runWorker(stack, ['expiry', '--once']);
    await once();
    assert.deepEqual(told(s).map((e) => [e.type, e.data.reason, e.data.messageCount]), [['session.expired', 'erased', 0]]);
  });
  for (const step of ['drain.looked', 'drain.written', 'drain.removed', 'webhook.claimed', 'webhook.sent', 'webhook.settled']) {
    test(`killed at ${step}: told all the same, under the same id`, async () => {
      const s = await ended();
      assert.equal((await once({ failpoint: `${step}:kill` })).signal, 'SIGKILL');
      const r = await once({ clock_ms: 130_000 }); // the dead one's lease is over
      assert.equal(r.code, 0, r.stderr);
      assert.deepEqual(told(s).map((e) => e.type), ['session.ended']);
      assert.ok(o.mainserver.deliveries.get(told(s)[0].id) <= 2);
      assert.deepEqual(await state(), [`delivered  ${await rows(stack, 'SELECT attempt FROM webhooks')}`]);
    });
  }
  test('two at once tell each once', async () => {
    const all = [];
    for (let i = 0; i < 40; i++) all.push(await ended());
    const runs = await Promise.all([once(), once()]);
    for (const r of runs) assert.equal(r.code, 0, r.stderr);
    await once();
    for (const s of all) assert.deepEqual(told(s).map((e) => o.mainserver.deliveries.get(e.id)), [1]);
  });
  test('refused, hung up on, redirected: again later, less and less often', async () => {
    const s = await ended();
    const went = [];
    let clock_ms = 0;
    for (const spec of [{ status: 503 }, { reset: true }, { status: 302, headers: { Location: 'https://elsewhere.example/' } }, { status: 400 }, { status: 500, html: true }, {}]) {
      o.mainserver.next(spec);
      const before_ = o.mainserver.requests.length;
      const began = Date.now();
      await once({ clock_ms });
      const ended_ = Date.now();
      assert.equal(o.mainserver.requests.length, before_ + 1, JSON.stringify(spec));
      const [[next]] = await rows(stack, 'SELECT next_at FROM webhooks');
      went.push({ most: Number(next) - clock_ms - began, least: Number(next) - clock_ms - ended_ }); // it was put off somewhere between the two
      const quiet = await once({ clock_ms });
      assert.equal(o.mainserver.requests.length, before_ + 1, `not before its time ${quiet.stderr}`);
      clock_ms = Math.max(clock_ms, Number(next) - Date.now()) + 100;
      await stack.redis('DEL', '{0}:breaker:mainserver');
    }
    assert.equal(told(s).length, 1);
    assert.ok(went[0].most >= 4500 && went[0].least <= 11_000 && went[4].least > went[0].most, JSON.stringify(went));
    assert.deepEqual((await state())[0].split(' ')[0], 'delivered');
  });
  test('a day in vain makes a dead letter; resent it has a fresh day', async () => {
    const s = await ended();
    o.mainserver.always({ status: 503 });
    await once();
    await stack.redis('DEL', '{0}:breaker:mainserver');
    await once({ clock_ms: 23.9 * hour });
    assert.match((await state())[0], /^pending UNAVAILABLE/);
    await stack.redis('DEL', '{0}:breaker:mainserver');
    await once({ clock_ms: 24.1 * hour });
    assert.match((await state())[0], /^dead UNAVAILABLE/);
    await stack.redis('DEL', '{0}:breaker:mainserver');
    await once({ clock_ms: 48 * hour });
    assert.equal(told(s).length, 0);

    const list = await webhook('list', '--state', 'dead', '--json');
    const [letter] = list.stdout.trim().split('\n').map((l) => JSON.parse(l));
    assert.deepEqual([letter.type, letter.state, letter.sessionId, letter.why], ['session.ended', 'dead', s.id, 'UNAVAILABLE']);
    assert.match((await webhook('list')).stdout, /session\.ended +dead .*UNAVAILABLE/);
    assert.equal((await webhook('resend', 'evt_nosuch')).code, 1);
    assert.equal((await webhook('resend')).code, 2);
    const again = await webhook('resend', letter.id);
    assert.deepEqual([again.code, again.stdout], [0, '1 to be sent again\n']);
    o.mainserver.always();
    await stack.redis('DEL', '{0}:breaker:mainserver');
    await once();
    assert.deepEqual(told(s).map((e) => e.id), [letter.id]);
  });
  test('410: dead at once; --all-dead sends them all again', async () => {
    const all = [await ended(), await ended()];
    o.mainserver.next({ status: 410 }, 2);
    await once();
    assert.deepEqual((await state()).map((x) => x.split(' ').slice(0, 2).join(' ')), ['dead GONE', 'dead GONE']);
    assert.equal((await webhook('resend', '--all-dead')).stdout, '2 to be sent again\n');
    await once();
    for (const s of all) assert.equal(told(s).length, 1);
  });
  test('nobody there: the breaker opens, nothing more is tried or counted, and when he is back it all comes', async () => {
    const all = [];
    for (let i = 0; i < 6; i++) all.push(await ended());
    o.mainserver.always({ status: 503 });
    await once();
    const tried = o.mainserver.requests.length;
    const release = await holdOpen(stack, 'mainserver');
    const attempts = async () => (await rows(stack, 'SELECT sum(attempt) FROM webhooks'))[0][0];
    const counted = await attempts();
    await once({ clock_ms: 60_000 });
    assert.equal(o.mainserver.requests.length, tried);
    assert.equal(await attempts(), counted);
    await release();
    o.mainserver.always();
    await until('all of them', async () => { await once({ clock_ms: 120_000 }); return all.every((s) => told(s).length === 1); }, { every: 1000 });
  });
  test('open for longer than any opening lasts (the clock was set back): tried', async () => {
    const s = await ended();
    await stack.redis('SET', '{0}:breaker:mainserver', `5 1 ${Date.now() + hour} 0`);
    await once();
    assert.equal(told(s).length, 1);
  });
  test('429 with Retry-After: nothing else is sent there meanwhile, and that is no attempt', async () => {
    const s = await ended();
    o.mainserver.next({ status: 429, retryAfter: 200 });
    await once();
    const t = await ended();
    const sent = o.mainserver.requests.length;
    await once();
    assert.equal(o.mainserver.requests.length, sent);
    assert.deepEqual((await rows(stack, 'SELECT conversation, state, attempt FROM webhooks')).map((r) => r.join(' ')).sort(), [`${s.id} pending 1`, `${t.id} pending 0`].sort());
    await stack.redis('DEL', '{0}:breaker:mainserver'); // so much later
    await once({ clock_ms: 220_000 });
    for (const x of [s, t]) assert.equal(told(x).length, 1);
  });
  test('what was settled a month ago goes, however much there is', async () => {
    const old = Date.now() - 31 * 24 * hour;
    const some = (n, state, done_at) => rows(stack, `INSERT INTO webhooks (id, type, conversation, payload, created_at, since, next_at, state, done_at) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${n}) `
      + `SELECT '${state}_${done_at}_' || i, 'session.ended', 'x', '{}', ${old}, ${old}, ${old}, '${state}', ${done_at} FROM n`);
    await some(2500, 'delivered', old);
    await some(20, 'dead', old);
    await some(3, 'delivered', Date.now());
    const r = await once();
    assert.equal(r.code, 0, r.stderr);
    assert.deepEqual(await rows(stack, 'SELECT state, count(*) FROM webhooks GROUP BY state'), [['delivered', '3']]);
  });
  test('nobody to tell any more: what waits is a dead letter after a day, as it would be otherwise', async () => {
    await ended();
    o.mainserver.always({ status: 503 });
    await once();
    assert.match((await state())[0], /^pending/);
    const nowhere = { env: { ROOM_WEBHOOK_URL: undefined, ROOM_WEBHOOK_SECRET: undefined } };
    await once({ ...nowhere, clock_ms: 23.9 * hour });
    assert.match((await state())[0], /^pending/);
    await once({ ...nowhere, clock_ms: 24.1 * hour });
    assert.match((await state())[0], /^dead NO_ADDRESS/);
    assert.equal((await webhook('resend', '--all-dead')).stdout, '1 to be sent again\n');
  });
  test('without ROOM_WEBHOOK_URL nothing piles up', async () => {
    await ended();
    const r = await runWorker(stack, ['webhook', '--once'], { env: { ROOM_WEBHOOK_URL: undefined, ROOM_WEBHOOK_SECRET: undefined } });
    assert.equal(r.code, 0, r.stderr);
    assert.deepEqual(await rows(stack, 'SELECT id FROM webhooks'), []);
    assert.equal(await stack.redis('LLEN', '{0}:events'), '0');
    const wrong = await runWorker(stack, ['webhook', '--once'], { env: { ROOM_WEBHOOK_SECRET: 'short' } });
    assert.equal(wrong.code, 2);
    assert.match(wrong.stderr, /ROOM_WEBHOOK_SECRET/);
    assert.ok(!wrong.stderr.includes('short'.repeat(2)));
  });
});
