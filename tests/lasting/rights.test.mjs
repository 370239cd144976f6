// Who may do what in lasting conversations, crossed completely: each role × each route × one's own, another's and an unknown conversation. The table is the program's own
// (`room rights`), the routes are those of cgi-bin/: a row or a route that is not tried here fails. What one may not see answers as what does not exist, byte for byte;
// what is refused changes nothing. On both databases.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { ok } from '../lib/contract.mjs';
import { call } from '../lib/http.mjs';
import { rnd } from '../lib/jwt.mjs';
import { Stream } from '../lib/sse.mjs';
import { build, root, startStack } from '../lib/stack.mjs';
import { onBoth, rows } from '../worker/helpers.mjs';
import { base, business, direct, path, person, send, service } from './people.mjs';

const table = JSON.parse(execFileSync(join(build, 'room'), ['rights', '--json'], { env: { PATH: process.env.PATH } }));
const roles = ['customer', 'member', 'agent', 'business', 'admin'];
const bytes = { body: 'some text\n', headers: { 'Content-Type': 'text/plain' } };

// One thing somebody may try at t, a conversation with things in it: {id, own, others: messages; tid; fid: a sent file, mine: one's own unsent one; self, victim: people}.
// The route is as cgi-bin/api.c names it. last: done when all others were, since nothing is as it was afterwards.
const tries = [
  ['see', 'GET {id}', (t) => ['GET', path(t)]],
  ['see', 'GET {id}/participants', (t) => ['GET', path(t, '/participants')]],
  ['read', 'GET {id}/messages', (t) => ['GET', path(t, '/messages')]],
  ['read', 'GET {id}/messages', (t) => ['GET', path(t, `/messages?thread=${t.tid}`)]],
  ['read', 'GET {id}/threads', (t) => ['GET', path(t, '/threads')]],
  ['read', 'GET {id}/threads/{tid}', (t) => ['GET', path(t, `/threads/${t.tid}`)]],
  ['read', 'GET {id}/presence', (t) => ['GET', path(t, '/presence')]],
  ['read', 'GET {id}/files/{fid}', (t) => ['GET', path(t, `/files/${t.fid}`)]],
  ['read', 'GET {id}/poll', (t) => ['GET', path(t, '/poll?wait=0')]],
  ['read', 'GET {id}/events', (t) => ['GET', path(t, '/events')], { stream: true }],
  ['read', 'POST {id}/stream-ticket', (t) => ['POST', path(t, '/stream-ticket'), {}]],
  ['send', 'POST {id}/messages', (t) => ['POST', path(t, '/messages'), { content: 'x', type: 'text' }]],
  ['send', 'POST {id}/threads/{tid}', (t) => ['POST', path(t, `/threads/${t.tid}`), { content: 'x' }]],
  ['send', 'POST {id}/typing', (t) => ['POST', path(t, '/typing'), { isTyping: true }]],
  ['edit_own', 'PATCH {id}/messages/{mid}', (t) => ['PATCH', path(t, `/messages/${t.own}`), { content: 'y' }]],
  ['delete_own', 'DELETE {id}/messages/{mid}', (t) => ['DELETE', path(t, `/messages/${t.own}`)]],
  ['delete_others', 'DELETE {id}/messages/{mid}', (t) => ['DELETE', path(t, `/messages/${t.others}`)]],
  ['receipts', 'PUT {id}/read', (t) => ['PUT', path(t, '/read'), { upTo: t.others }]],
  ['receipts', 'PUT {id}/alive', (t) => ['PUT', path(t, '/alive'), {}]],
  ['upload', 'POST {id}/files', (t) => ['POST', path(t, '/files?name=a.txt'), undefined, bytes]],
  ['upload', 'DELETE {id}/files/{fid}', (t) => ['DELETE', path(t, `/files/${t.mine}`)]],
  ['threads', 'POST {id}/threads', (t) => ['POST', path(t, '/threads'), { title: 'x' }]],
  ['mute', 'PUT {id}/mute', (t) => ['PUT', path(t, '/mute'), { muted: true }]],
  ['invite', 'POST {id}/participants', (t) => ['POST', path(t, '/participants'), { participant: 'somebody_new', role: 'customer' }]],
  ['roles', 'PUT {id}/participants/{pid}', (t) => ['PUT', path(t, `/participants/${t.victim}`), { role: 'agent' }]],
  ['silence', 'PUT {id}/participants/{pid}', (t) => ['PUT', path(t, `/participants/${t.victim}`), { silencedUntil: 4102444800000 }]],
  ['rename', 'PUT {id}', (t) => ['PUT', path(t), { title: 'another' }]],
  ['rename', 'PUT {id}', (t) => ['PUT', path(t), { channel: 'voice' }]],
  ['rename', 'PUT {id}', (t) => ['PUT', path(t), { metadata: { a: 1 } }]],
  ['retention', 'PUT {id}', (t) => ['PUT', path(t), { retentionS: 86400 }]],
  ['status', 'PUT {id}', (t) => ['PUT', path(t), { status: 'archived' }]],
  ['system', 'POST {id}/messages', (t) => ['POST', path(t, '/messages'), { content: 'x', type: 'system' }]],
  ['remove', 'DELETE {id}/participants/{pid}', (t) => ['DELETE', path(t, `/participants/${t.victim}`)]],
  ['leave', 'DELETE {id}/participants/{pid}', (t) => ['DELETE', path(t, `/participants/${t.self}`)], { last: true, own: true }],
  ['erase', 'DELETE {id}', (t) => ['DELETE', path(t)], { last: true }],
].map(([right, route, make, more = {}]) => ({ right, route, make, ...more }));

// Routes that only sessions have: for users there is nothing there, whatever the id.
const sessionsOnly = [['PUT', '/device', { token: 'x' }], ['DELETE', '/device'], ['POST', '/end', {}], ['POST', '/cookie', {}], ['POST', '/summary', {}], ['GET', '/summary'], ['GET', '/summary/consent'], ['PUT', '/summary/consent', { consent: true }]];

describe('the table and what is tried', () => {
  test('each row of the table is tried', () => assert.deepEqual([...new Set(tries.map((t) => t.right))].sort(), table.rights.map((r) => r.right).sort()));
  test('each column of the table is a role here', () => assert.deepEqual([...table.columns].sort(), [...roles, 'direct', 'service'].sort()));
  test('each route of a conversation is tried', () => {
    const api = readFileSync(join(root, 'cgi-bin/api.c'), 'utf8');
    const there = [...api.matchAll(/\{METHOD_(\w+), CONVERSATION(?: "([^"]*)")?, (\w+)/g)].map(([, method, rest = '', who]) => ({ route: `${method} {id}${rest}`, who }));
    assert.ok(there.length > 30);
    const session = sessionsOnly.map(([method, rest]) => `${method} {id}${rest}`);
    for (const { route, who } of there) {
      if (who === 'WHO_PARTICIPANT' || who === 'WHO_ENTRANT') assert.ok(session.includes(route), `sessions only: ${route}`);
      else if (who !== 'WHO_ANYONE') assert.ok(tries.some((t) => t.route === route), `nobody tries ${route}`);
    }
    const streams = readFileSync(join(root, 'lighttpd.conf'), 'utf8');
    for (const route of ['events', 'poll']) assert.ok(streams.includes(route) && tries.some((t) => t.route === `GET {id}/${route}`), route);
  });
});

// What two who may not see must not be able to tell apart.
function face(r) {
  const { 'x-request-id': id, date, ...headers } = r.headers;
  return { status: r.status, text: r.text, headers };
}

onBoth('rights', (db) => {
  let stack;
  let main;
  before(async () => { stack = await startStack({ env: { ...(await db.env()), ROOM_WORKER: '0' } }); main = service(stack); });
  after(() => stack?.stop());

  const go = (who, [method, where, json, more = {}]) => call(stack.base, method, where, { ticket: who?.token, json, ...more });
  // A try that may succeed as a stream: its status, and then it is left.
  async function attempt(who, t, at) {
    const [method, where, ...rest] = t.make(at);
    if (!t.stream) return go(who, [method, where, ...rest]);
    const s = new Stream(stack.base, where, { ticket: who?.token });
    try {
      await s.opened;
      if (s.status === 200) { await s.ready(); return { status: 200 }; }
    } finally {
      s.close();
    }
    return go(who, [method, where]);
  }

  // Everything that is kept of it.
  async function kept(id) {
    const n = `(SELECT n FROM conversations WHERE id = '${id}')`;
    const parts = await Promise.all([
      `SELECT id, type, channel, status, title, metadata, retention_s, people, length, last_message, last_at FROM conversations WHERE id = '${id}'`,
      `SELECT participant, role, joined_at, left_at, muted, silenced_until, read_to, delivered_to, unread, rate FROM members WHERE conversation = ${n} ORDER BY participant`,
      `SELECT position, mark, kind, target, event, data, sender, type, content, metadata, edited_at, deleted_at FROM entries WHERE conversation = ${n} ORDER BY position`,
      `SELECT id, parent, title, messages FROM threads WHERE conversation = ${n} ORDER BY id`,
      `SELECT id FROM files WHERE conversation = '${id}' ORDER BY id`,
    ].map((sql) => rows(stack, sql)));
    return createHash('sha256').update(JSON.stringify(parts)).digest('hex') + JSON.stringify(parts).slice(0, 2000);
  }

  const upload = async (who, c) => ok(await go(who, ['POST', path(c, '/files?name=a.txt'), undefined, bytes]), 201).id;

  // A conversation with things in it, as who meets it.
  async function furnish(c, who, other, victim) {
    const sent = await upload(other, c);
    const t = { id: c.id, self: who.id, victim: victim.id };
    t.tid = ok(await other.post(path(c, '/threads'), { title: 't' }), 201).id;
    t.others = (await send(other, c, '', { content: undefined, type: 'file', files: [sent] })).id;
    t.fid = sent;
    if (who.post && who !== main) {
      t.own = (await send(who, c, 'mine')).id;
      t.mine = await upload(who, c);
    } else {
      Object.assign(t, { own: t.others, mine: sent });
    }
    return t;
  }

  // One with every role in it; who has the first.
  async function every(role) {
    const cast = Object.fromEntries(roles.map((r) => [r, person(stack, r)]));
    const victim = person(stack, 'Victim');
    const c = await business(stack, cast);
    ok(await main.post(path(c, '/participants'), { participant: victim.id, role: 'member' }), 201);
    const other = role === 'admin' ? cast.agent : cast.admin;
    return { c, who: cast[role], other, victim, cast };
  }
  async function pair() {
    const [who, other] = [person(stack, 'One'), person(stack, 'Other')];
    return { c: await direct(who, other), who, other, victim: other };
  }

  async function cross(column, who, t, may) {
    const allowed = tries.filter((x) => may.includes(x.right));
    const refused = tries.filter((x) => !may.includes(x.right) && !(x.own && who === main));
    const was = await kept(t.id);
    for (const x of refused) {
      const r = await attempt(who, x, t);
      assert.equal(r.status, 403, `${column} may not ${x.right} (${x.route}): ${r.status} ${r.text}`);
      assert.equal(r.code, 'FORBIDDEN');
    }
    assert.equal(await kept(t.id), was, `${column}: what was refused changed something`);
    const last = allowed.filter((x) => x.last);
    for (const x of allowed.filter((y) => !y.last)) {
      const r = await attempt(who, x, t);
      assert.ok(r.status >= 200 && r.status < 300, `${column} may ${x.right} (${x.route}): ${r.status} ${r.text}`);
    }
    return last;
  }

  describe('in one’s own conversation', () => {
    for (const column of [...roles, 'direct']) {
      test(column, async () => {
        const may = table.rights.filter((r) => r.may.includes(column)).map((r) => r.right);
        const fresh = async () => {
          const { c, who, other, victim } = await (column === 'direct' ? pair() : every(column));
          return [who, await furnish(c, who, other, victim)];
        };
        const [who, t] = await fresh();
        for (const x of await cross(column, who, t, may)) {
          const [own, there] = await fresh();
          ok(await attempt(own, x, there), 204, `${column} may ${x.right}`);
          assert.equal((await own.get(path(there))).status, 404, `after ${x.right} there is nothing there`);
        }
      });
    }
    test('service: every lasting conversation is its own', async () => {
      const may = table.rights.filter((r) => r.may.includes('service')).map((r) => r.right);
      const { c, who, other, victim } = await every('member');
      const t = await furnish(c, main, other, victim);
      main.token ??= stack.service();
      for (const x of await cross('service', main, { ...t, self: who.id }, may)) ok(await attempt(main, x, t), 204);
      const two = await pair();
      const d = await furnish(two.c, main, two.other, two.other);
      for (const x of tries.filter((y) => ['invite', 'remove', 'roles'].includes(y.right))) assert.equal((await attempt(main, x, d)).status, 403, `nobody may ${x.right} in a direct one`);
    });
  });

  describe('in one that is not one’s own', () => {
    // Everybody who may not see it: nobody can tell it from one that was never there.
    const strangers = {
      outsider: async () => person(stack, 'Outsider'),
      'somebody of another conversation': async () => (await every('admin')).who,
      'removed from it': async ({ admin }, c) => {
        const who = person(stack, 'Removed');
        ok(await admin.post(path(c, '/participants'), { participant: who.id }), 201);
        await send(who, c, 'I was here');
        ok(await admin.delete(path(c, `/participants/${who.id}`)), 204);
        return who;
      },
      'who left it': async ({ admin }, c) => {
        const who = person(stack, 'Left');
        ok(await admin.post(path(c, '/participants'), { participant: who.id, role: 'admin' }), 201);
        ok(await who.delete(path(c, `/participants/${who.id}`)), 204);
        return who;
      },
      'a student of a session': async () => ({ token: (await stack.session()).tickets.student }),
      'a counselor’s desk': async () => ({ token: stack.mint({ role: 'counselor', userId: 'c_1' }) }),
      nobody: async () => undefined,
    };
    for (const [name, make] of Object.entries(strangers)) {
      test(name, async () => {
        const { c, who: admin, other, victim, cast } = await every('admin');
        const t = await furnish(c, admin, other, victim);
        const who = await make(cast, c);
        const was = await kept(c.id);
        const unknown = { ...t, id: `conv_${rnd(11)}` };
        const erased = { ...t, id: (await group404()).id };
        for (const x of tries) {
          const at = (y) => (x.own && who?.id ? { ...y, self: who.id } : y);
          const [here, nowhere, gone] = [await attempt(who, x, at(t)), await attempt(who, x, at(unknown)), await attempt(who, x, at(erased))];
          assert.ok([401, 403, 404].includes(here.status), `${name}, ${x.route}: ${here.status} ${here.text}`);
          if (who?.id) assert.equal(here.status, 404, `${name}, ${x.route}: ${here.status} ${here.text}`);
          if (!who) assert.equal(here.status, 401, `${name}, ${x.route}: ${here.status} ${here.text}`);
          assert.deepEqual(face(here), face(nowhere), `${name}, ${x.route}: unknown`);
          assert.deepEqual(face(here), face(gone), `${name}, ${x.route}: erased`);
        }
        assert.equal(await kept(c.id), was, `${name}: what was refused changed something`);
      });
    }
    async function group404() {
      const who = person(stack, 'Eraser');
      const c = ok(await who.post(base, { type: 'group' }), 201);
      ok(await who.delete(path(c)), 204);
      return c;
    }
    test('service: what is nowhere is not found, whatever it tries', async () => {
      const { c, who, other, victim } = await every('member');
      const t = { ...(await furnish(c, main, other, victim)), self: who.id };
      const [unknown, erased] = [`conv_${rnd(11)}`, (await group404()).id];
      main.token ??= stack.service();
      for (const x of tries) {
        const [nowhere, gone] = [await attempt(main, x, { ...t, id: unknown }), await attempt(main, x, { ...t, id: erased })];
        assert.ok([403, 404].includes(nowhere.status), `${x.route}: ${nowhere.status} ${nowhere.text}`);
        assert.deepEqual(face(nowhere), face(gone), x.route);
      }
    });
  });

  describe('unknown things in one’s own conversation', () => {
    test('messages, threads, files and people that are not there, or are another conversation’s', async () => {
      const { c, who, other, victim } = await every('admin');
      const t = await furnish(c, who, other, victim);
      const foreign = await every('admin');
      const f = await furnish(foreign.c, foreign.who, foreign.other, foreign.victim);
      const was = await kept(c.id);
      const things = { own: [f.own + 50, 999_999, t.tid.slice(1)], others: [999_999], tid: ['t999999', 'nothing'], fid: [f.fid, `file_${rnd(11)}`], mine: [f.mine, f.fid], victim: [foreign.victim.id, 'nobody_here'] };
      let tried = 0;
      for (const [thing, values] of Object.entries(things)) {
        for (const x of tries.filter((y) => y.route.includes('/{') && !['leave'].includes(y.right))) {
          if (JSON.stringify(x.make(t)) === JSON.stringify(x.make({ ...t, [thing]: 'changed' }))) continue;
          const faces = [];
          for (const value of values) {
            const r = await attempt(who, x, { ...t, [thing]: value });
            assert.equal(r.status, 404, `${x.route} with ${thing} ${value}: ${r.status} ${r.text}`);
            faces.push(face(r));
            tried++;
          }
          for (const one of faces) assert.deepEqual(one, faces[0], x.route);
        }
      }
      assert.ok(tried > 12);
      assert.equal(await kept(c.id), was);
      assert.equal((await kept(foreign.c.id)).length > 64, true);
    });
  });

  describe('users and sessions', () => {
    test('what only sessions have is nowhere for users: a session’s id, their own conversation’s, none', async () => {
      const { c, who } = await every('admin');
      const s = await stack.session();
      for (const [method, rest, json] of sessionsOnly) {
        const answers = [];
        for (const id of [s.id, c.id, `conv_${rnd(11)}`, `sess_${rnd(11)}`]) answers.push(await call(stack.base, method, path(id, rest), { ticket: who.token, json }));
        for (const r of answers) {
          assert.equal(r.status, 404, `${method} ${rest}: ${r.status} ${r.text}`);
          assert.deepEqual(face(r), face(answers[0]), `${method} ${rest}`);
        }
      }
    });
    test('a session is none of theirs, on the routes that both have', async () => {
      const who = person(stack, 'User');
      const s = await stack.session();
      const t = { id: s.id, own: 1, others: 1, tid: 't1', fid: `file_${rnd(11)}`, mine: `file_${rnd(11)}`, self: who.id, victim: s.student };
      await stack.as(s.tickets.student).post(`${s.path}/messages`, { content: 'x' });
      for (const x of tries) {
        const [here, nowhere] = [await attempt(who, x, t), await attempt(who, x, { ...t, id: `sess_${rnd(11)}` })];
        assert.equal(here.status, 404, `${x.route}: ${here.status} ${here.text}`);
        assert.deepEqual(face(here), face(nowhere), x.route);
      }
      assert.equal(ok(await stack.as(s.tickets.counselor).get(`${s.path}/messages`)).messages.length, 1);
    });
  });
});
