// One life of a session, from MainServer's token to nothing left (design §9, §10): on the real stack with its own worker, on both databases, with Google
// and MainServer played over HTTPS (tests/lib/outside.mjs checks each byte). Then `room life`, which shows the same to a person.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { ok, refused } from '../lib/contract.mjs';
import { Stream, slow, until } from '../lib/client.mjs';
import { rnd } from '../lib/jwt.mjs';
import { startOutside } from '../lib/outside.mjs';
import { build, root, startStack, still } from '../lib/stack.mjs';
import { within } from '../lib/wait.mjs';
import { run, settings } from '../room/helpers.mjs';
import { ledger, onBoth, outbox, past, rewriteFile } from './helpers.mjs';

onBoth('one life of a session', (db) => {
  let o, stack;
  before(async () => {
    o = await startOutside();
    stack = await startStack({ env: { ...o.env, ...(await db.env()), ROOM_TTL_S: String(25 * slow), ROOM_ACCESS_LOG: '1' } });
  });
  after(async () => { await stack?.stop(); await o?.stop(); });

  test('created, six messages, one push, back, ended, summed up, read, expired, accounted for, and nothing left', async () => {
    const mainserver = stack.as(stack.service());
    const devices = { student: { token: `student-${rnd(20)}` }, counselor: { token: `counselor-${rnd(20)}` } };
    const caseRef = `case_${rnd(10)}`;
    const s = await stack.session({ caseRef, devices });
    const [student, counselor] = [stack.as(s.tickets.student), stack.as(s.tickets.counselor)];
    const row = await ledger(stack, s.id);
    assert.deepEqual([row.how, row.closedAt, row.caseRef], ['', 0, caseRef], 'the row is there from the beginning');

    const said = [];
    const say = async (me, text) => {
      const content = `${text} ${rnd(16)}`;
      const m = ok(await me.post(`${s.path}/messages`, { content, clientId: `c${said.length}` }), 201);
      said.push(m);
      return m;
    };
    const page = new Stream(stack.base, `${s.path}/events`, { ticket: s.tickets.student });
    let desk = new Stream(stack.base, `${s.path}/events`, { ticket: s.tickets.counselor });
    const got = (stream, m) => stream.when(`message ${m.id}`, () => stream.events.find((e) => e.event === 'message:new' && e.data.id === m.id));
    const seen = (stream, name) => stream.when(name, () => stream.events.find((e) => e.event === name));
    await Promise.all([page.ready(), desk.ready()]);

    await got(desk, await say(student, 'I have not slept for a week'));
    const answer = await say(counselor, 'since when is it like that?');
    await got(page, answer);
    ok(await student.put(`${s.path}/alive`, { cursor: answer.cursor }), 204);

    // the counselor goes; what it takes until that is believed (10 s) is over at once
    const last = answer.cursor;
    desk.close();
    const present = `{0}:conv:${s.id}:present`;
    const open = (await stack.redis('HKEYS', present)).split('\n').filter((k) => k.startsWith(`s:${s.counselor}:`));
    assert.equal(open.length, 1);
    await stack.redis('HDEL', present, ...open);
    await stack.redis('HSET', present, `l:${s.counselor}`, 1);
    await say(student, 'since the exams began');
    await say(student, 'are you there?');
    await stack.redis('ZADD', '{0}:push', 'XX', 1, `${s.id} ${s.counselor}`);
    await until('the push', () => o.fcm.pushes.length);
    assert.equal(o.fcm.pushes[0].target, devices.counselor.token);
    const notified = await seen(page, 'user:notified');
    assert.equal(notified.data.participant, s.counselor);
    await say(student, 'hello?');
    assert.equal(await stack.redis('ZSCORE', '{0}:push', `${s.id} ${s.counselor}`), '', 'not told twice');

    // he comes back where he was, and has all three in order
    desk = new Stream(stack.base, `${s.path}/events`, { ticket: s.tickets.counselor, lastEventId: last });
    assert.equal((await desk.ready()).resumed, true);
    await got(desk, said[4]);
    assert.deepEqual(desk.events.filter((e) => e.event === 'message:new').map((e) => e.data.content), said.slice(2).map((m) => m.content));
    await got(page, await say(counselor, 'I am here now. Let us talk tomorrow at ten.'));
    assert.equal(said.length, 6);

    assert.equal(ok(await counselor.post(`${s.path}/end`)).status, 'ended');
    await Promise.all([seen(page, 'session:ended'), seen(desk, 'session:ended')]);
    refused(await student.post(`${s.path}/messages`, { content: 'too late' }), 'SESSION_ENDED');
    assert.deepEqual(ok(await student.get(`${s.path}/messages`)).messages.map((m) => m.content), said.map((m) => m.content), 'read-only to its deadline');

    assert.equal(ok(await counselor.post(`${s.path}/summary`, {}), 202).status, 'requested');
    await seen(page, 'summary:requested');
    await Promise.all([seen(page, 'summary:ready'), seen(desk, 'summary:ready')]);
    const summary = ok(await counselor.get(`${s.path}/summary`));
    assert.equal(summary.status, 'ready');
    assert.equal(summary.summary.summary, 'They spoke; 6 messages.');
    assert.deepEqual(summary.summary.riskSigns[0].positions, [said[0].id]);
    assert.notEqual((await student.get(`${s.path}/summary`)).status, 200, 'the summary is the counselor\'s');

    const deadline = ok(await mainserver.get(`/api/sessions/${s.id}`)).expiresAt;
    await past(deadline);
    refused(await student.get(`${s.path}/messages`), 'GONE');
    await Promise.all([seen(page, 'session:expired'), seen(desk, 'session:expired')]);
    page.close();
    desk.close();
    const closed = await until('the ledger\'s row', async () => { const r = await ledger(stack, s.id); return r.closedAt && r; }, { every: 100 });
    assert.deepEqual([closed.how, closed.messages, closed.caseRef], ['expired', 6, caseRef]);
    assert.ok(closed.endedAt > closed.createdAt && closed.endedAt < closed.expiresAt && closed.expiresAt === deadline);
    assert.equal(ok(await counselor.get(`${s.path}/summary`)).summary.summary, summary.summary.summary, 'it outlives the session');

    const count = { 'session.joined': 2, 'message.waiting': 1, 'session.ended': 1, 'summary.ready': 1, 'session.expired': 1 };
    const types = () => o.mainserver.events.map((e) => e.type).sort();
    const wanted = Object.entries(count).flatMap(([type, n]) => Array(n).fill(type)).sort();
    await until('the webhooks', () => types().length >= wanted.length);
    assert.deepEqual(types(), wanted);
    await until('the outbox to know', async () => (await outbox(stack, s.id)).every((w) => w.state === 'delivered'));
    assert.equal((await outbox(stack, s.id)).length, wanted.length);

    assert.deepEqual(o.fcm.requests.map((r) => r.checked?.target), [devices.counselor.token], 'one push in all this life, to him alone');
    assert.equal(o.gemini.requests.length, 1);
    for (const { content } of said) {
      assert.deepEqual(o.search(content).map((r) => r.service), ['gemini'], 'words go where the counselor sent them, once');
    }
    for (const who of [s.id, s.student, s.counselor, caseRef]) assert.deepEqual(o.search(who).filter((r) => r.service !== 'mainserver'), [], 'Google learns of nobody');

    await rewriteFile(stack);
    const words = [...said.map((m) => m.content), s.student].join('\n');
    await until('nothing to be found', async () => { const r = await run(['doctor', '--residue', '--text', '-'], { env: stack.env, input: words }); assert.equal(r.code, 0, r.stdout); return true; }, { every: 500 });
    const keys = await run(['doctor', '--residue'], { env: stack.env });
    assert.equal(keys.code, 0, keys.stdout);
    for (const text of [...said.map((m) => m.content), s.student, s.counselor, ...Object.values(s.tickets)]) assert.ok(!stack.logs().includes(text), 'in no log');
  });
});

describe('room life', () => {
  // With a folder for temporary files of its own, so that what it leaves can be told from what others have there; settings of ours must not matter.
  const start = () => {
    const dir = mkdtempSync(join(tmpdir(), 'room-test-'));
    const child = spawn(join(build, 'room'), ['life'], { env: settings({ TMPDIR: dir, ROOM_TTL_S: '86400', ROOM_REDIS: 'unix:/nowhere' }), cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
    const r = { dir, child, out: '', err: '' };
    child.stdout.on('data', (d) => { r.out += d; });
    child.stderr.on('data', (d) => { r.err += d; });
    r.ended = new Promise((done) => { child.on('close', (code, signal) => done({ code, signal })); });
    return r;
  };
  // Its processes: which of them still run is to be asked later.
  const running = (r) => {
    const [state] = readdirSync(r.dir);
    const { pid, children } = JSON.parse(readFileSync(join(r.dir, state, 'room.json'), 'utf8'));
    return still([pid, ...Object.values(children).flat()]);
  };
  const nothingLeft = (r, left) => {
    assert.deepEqual(readdirSync(r.dir), [], 'no file');
    assert.deepEqual(left(), [], 'no process');
    rmSync(r.dir, { recursive: true });
  };

  test('shows it to a person, and leaves nothing', async () => {
    const r = start();
    const left = await until('the service', () => r.out.includes('is up on') && running(r), { ms: 60_000 });
    assert.ok(left().length >= 6);
    const end = await within('room life', 180_000, r.ended);
    assert.deepEqual(end, { code: 0, signal: null }, `${r.out}\n${r.err}`);
    for (const line of [/MainServer +opens a session/, /student +1  "/, /counselor +2  "/, /counselor +6  "/, /Google +one push to the counselor's device: "You have a new message"/, /sees that the counselor was notified/, /no second push/,
      /is back, and sees all three/, /ends the session/, /reads it: "/, /rests on message 4$/m, /are told that it expired/, /one row stays: expired, 6 messages/,
      /was told, each signed: session\.joined \(2\), message\.waiting, session\.ended, summary\.ready, session\.expired$/m, /pushes in all this life: 1$/m, /ok +residue in Redis +nothing/,
      /nothing is left of what was said/, /^All of it as promised/m]) assert.match(r.out, line);
    assert.ok(!r.out.includes('NOT AS PROMISED') && !r.out.includes('BAD'), r.out);
    assert.equal(r.err, '', r.err);
    nothingLeft(r, left);
  });

  test('interrupted, it leaves nothing either', async () => {
    const r = start();
    const left = await until('its first messages', () => /student +3  "/.test(r.out) && running(r), { ms: 60_000 });
    r.child.kill('SIGINT');
    assert.deepEqual(await within('its end', 30_000, r.ended), { code: 1, signal: null });
    assert.match(r.err, /interrupted/);
    nothingLeft(r, left);
  });
});
