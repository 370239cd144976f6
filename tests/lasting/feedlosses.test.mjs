// Feeds, when what is told of a conversation comes late, all at once, or was lost: nobody misses anything without being told so, and the outbox empties.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { call, pool, rnd, sleep, until } from '../lib/client.mjs';
import { ok, refused } from '../lib/contract.mjs';
import { root, startStack } from '../lib/stack.mjs';
import { onBoth, rows } from '../worker/helpers.mjs';
import { group, listen, open, openFeed, send } from './readers.mjs';

const quiet = { ROOM_WORKER: '0' };
const waiting = async (stack) => Number((await rows(stack, 'SELECT count(*) FROM outbox'))[0][0]);
const drained = (stack, ms = 20_000) => until('the outbox to be empty', async () => (await waiting(stack)) === 0, { ms });
const keysOf = (g, name) => `{0}:conv:@${g.ids[name]}`;

// Redis stands still while fn runs, and the (one) api knows it.
async function away(stack, fn) {
  const pid = stack.kill('redis', 'SIGSTOP');
  try {
    await until('the api to miss Redis', async () => ok(await call(stack.base, 'GET', '/health')).redis === 'away', { ms: 20_000, every: 100 });
    return await fn();
  } finally {
    process.kill(pid, 'SIGCONT');
  }
}
// Sent whatever happens, once.
async function insist(g, name, content, clientId = rnd(8)) {
  return until(`${content} to be sent`, async () => {
    const r = await g.as[name].post(`${g.path}/messages`, { content, clientId }, { timeout: 8000 });
    return (r.status === 201 || r.status === 200) && r.json;
  }, { ms: 30_000, every: 50 });
}

// Somebody's feed by long-poll.
class Polls {
  constructor(as) { Object.assign(this, { as, events: [], resets: 0 }); }
  async look(wait = 0) {
    const after = this.cursor === undefined ? '' : `&after=${this.cursor}`;
    const r = await until('the feed to answer', async () => { const a = await this.as.get(`/api/poll?wait=${wait}${after}`); return a.status !== 503 && a; });
    const { events, cursor } = ok(r);
    this.resets += events.filter((e) => e.event === 'reset').length;
    const entries = events.filter((e) => e.data.conversationId !== undefined);
    this.events.push(...entries);
    this.cursor = cursor;
    return entries.length;
  }
  async all() { while (await this.look()); return this; }
  async has(what, test, ms = 20_000) { await until(what, async () => { await this.all(); return this.events.some(test); }, { ms, every: 50 }); }
  messages(g) { return this.events.filter((e) => e.event === 'message:new' && e.data.conversationId === g.id).map((e) => e.data.id); }
}
const polls = async (g, name) => { const p = new Polls(g.as[name]); await p.look(); return p; };

onBoth('feeds that fell behind', (db) => {
  let stack;
  before(async () => { stack = await startStack({ env: { ...quiet, ROOM_APIS: '1', ...(await db.env()) } }); });
  after(() => stack?.stop());

  test('the last one to leave: his other devices are told that it is gone', async () => {
    const g = await group(stack, ['ann', 'bob']);
    const f = await open(stack, '/api/events', g.ticket.ann);
    ok(await g.as.bob.delete(`${g.path}/participants/${g.ids.bob}`), 204);
    ok(await g.as.ann.delete(`${g.path}/participants/${g.ids.ann}`), 204);
    await f.next((e) => e.event === 'conversation:erased' && e.data.conversationId === g.id);
    f.close();
  });

  test('who comes to a conversation of very many people is told so, and what follows, at once', async () => {
    const g = await group(stack, ['ann', 'bob']);
    const crowd = Array.from({ length: 205 }, (_, i) => `y${i}_${g.id.slice(-8)}`);
    await pool(8, crowd, async (participant) => ok(await g.as.ann.post(`${g.path}/participants`, { participant }), 201));
    const zoe = { id: `zoe_${rnd()}` };
    const f = await open(stack, '/api/events', stack.user(zoe.id));
    ok(await g.as.ann.post(`${g.path}/participants`, { participant: zoe.id }), 201);
    const joined = await f.next((e) => e.event === 'user:joined' && e.data.participant === zoe.id);
    assert.equal(joined.data.conversationId, g.id);
    assert.notEqual(joined.id, undefined);
    const said = [];
    for (let i = 0; i < 3; i++) said.push(await send(g, 'ann', `to all ${i}`));
    await f.next((e) => e.data.cursor === said[2].cursor);
    assert.deepEqual(f.named('message:new').map((e) => e.data.cursor), said.map((m) => m.cursor));
    f.close();
  });

  test('who was removed at the end of a long backlog is told so, and the outbox empties', async () => {
    const g = await group(stack, ['ann', 'bob', 'cleo']);
    const [bob, cleo] = [await polls(g, 'bob'), await polls(g, 'cleo')];
    const first = await send(g, 'ann', 'first');
    for (const p of [bob, cleo]) await p.has('the first message', (e) => e.data.id === first.id);
    let last;
    await away(stack, async () => {
      await pool(16, Array.from({ length: 450 }, (_, i) => i), (i) => insist(g, 'ann', `away ${i}`));
      await until('her to be removed', async () => [204, 404].includes((await g.as.ann.delete(`${g.path}/participants/${g.ids.cleo}`)).status), { ms: 20_000 });
      last = await insist(g, 'ann', 'without her');
    });
    await drained(stack);
    await cleo.has('that she was removed', (e) => e.event === 'user:left' && e.data.participant === g.ids.cleo);
    await bob.has('the last message', (e) => e.data.id === last.id);
    if (bob.resets === 0) assert.equal(bob.messages(g).length, 452);
    assert.ok(!cleo.events.some((e) => e.data.content === 'without her'));
    assert.equal(cleo.resets, 0);
  });

  test('a feed that never heard of the conversation, and a backlog beyond what a feed holds: all of it, or it begins anew', async () => {
    const g = await group(stack, ['ann', 'bob']);
    await send(g, 'ann', 'before there was a feed');
    await drained(stack);
    const bob = await polls(g, 'bob');
    await away(stack, () => pool(16, Array.from({ length: 1100 }, (_, i) => i), (i) => insist(g, 'ann', `away ${i}`)));
    for (let i = 0; i < 20; i++) await insist(g, 'ann', `back ${i}`); // one of these may be announced before what came before it
    await drained(stack);
    const last = await send(g, 'ann', 'the last one');
    await until('the feed to be up to date', async () => { await bob.all(); return bob.resets > 0 || bob.messages(g).includes(last.id); });
    assert.ok(bob.resets > 0 || bob.messages(g).length > 1100, `${bob.messages(g).length} messages, and nothing said`);
  });

  test('rows of a time to come, as the clock was set back since, are announced all the same', async () => {
    const g = await group(stack, ['ann', 'bob']);
    const s = await listen(stack, g, 'bob');
    let m;
    await away(stack, async () => {
      m = await insist(g, 'ann', 'before the clock was set back');
      await rows(stack, 'UPDATE outbox SET at = at + 3600000');
    });
    await drained(stack);
    await s.next((e) => e.id === m.cursor);
    s.close();
  });

  test('without Redis, more than one look reads at a time: all of it, once, in order', async () => {
    const g = await group(stack, ['ann', 'bob']);
    const f = await openFeed(stack, g.ticket.bob);
    const sign = await send(g, 'ann', 'a sign');
    await f.next((e) => e.data.cursor === sign.cursor);
    await away(stack, async () => {
      await insist(g, 'ann', 'it is away');
      await pool(16, Array.from({ length: 1500 }, (_, i) => i), (i) => insist(g, 'ann', `away ${i}`));
      const last = await insist(g, 'ann', 'the last one');
      await f.next((e) => e.data.cursor === last.cursor, { ms: 15_000 });
      const seen = f.named('message:new').map((e) => e.data.id);
      assert.deepEqual(seen, Array.from({ length: 1503 }, (_, i) => sign.id + i));
    });
    f.close();
  });
});

describe('feeds of one hub', () => {
  let stack;
  before(async () => { stack = await startStack({ env: { ...quiet, ROOM_HUBS: '1' } }); });
  after(() => stack?.stop());

  test('whose day was over, while its list was younger: who comes back is told to load anew', async () => {
    const g = await group(stack, ['ann', 'bob']);
    const bob = await polls(g, 'bob');
    const first = await send(g, 'ann', 'first');
    await bob.has('the first message', (e) => e.data.id === first.id);
    await stack.redis('PEXPIRE', keysOf(g, 'bob'), 1);
    await until('it to be over', async () => (await stack.redis('EXISTS', keysOf(g, 'bob'))) === '0');
    await send(g, 'ann', 'while there was none');
    await drained(stack);
    await bob.look();
    assert.equal(bob.resets, 1);
  });

  test('a list that Redis lost: readers count anew, and the hub asks for nothing over and over', async () => {
    const g = await group(stack, ['ann', 'bob']);
    const bob = await polls(g, 'bob');
    for (let i = 0; i < 5; i++) await send(g, 'ann', `m${i}`);
    await bob.has('all of them', (e) => e.data.content === 'm4');
    await stack.redis('DEL', keysOf(g, 'bob'), `${keysOf(g, 'bob')}:log`);
    const f = await open(stack, '/api/events', g.ticket.bob);
    const calls = async () => Number(/cmdstat_evalsha:calls=(\d+)/.exec(await stack.redis('INFO', 'commandstats'))[1]);
    const before = await calls();
    await sleep(1000); // how often is asked in a second
    const asked = (await calls()) - before;
    assert.ok(asked < 100, `${asked} scripts in a second`);
    const m = await send(g, 'ann', 'goes on');
    await f.next((e) => e.data.cursor === m.cursor);
    f.close();
  });

  for (const slow of [false, true]) test(`what was said in a conversation that is erased by now is not told by a hub that stood still${slow ? ', however long Redis takes' : ''}`, async () => {
    const [g, other] = [await group(stack, ['ann', 'bob']), await group(stack, ['ann', 'bob'])];
    ok(await stack.as(other.ticket.ann).post(`${other.path}/participants`, { participant: g.ids.bob }), 201);
    const f = await open(stack, '/api/events', g.ticket.bob);
    const sign = await send(g, 'ann', 'a sign');
    await f.next((e) => e.data.cursor === sign.cursor);
    const [hub, redis] = [stack.kill('hub', 'SIGSTOP'), stack.children().redis[0]];
    try {
      await send(other, 'ann', 'what the hub waits for');
      for (let i = 0; i < 20; i++) await send(g, 'ann', `secret ${i}`); // more than there are pops under way
      ok(await g.as.ann.delete(g.path), 204);
      await drained(stack);
      if (slow) process.kill(redis, 'SIGSTOP');
      process.kill(hub, 'SIGCONT');
      // It goes on: each of these is an answer of the hub alone.
      for (let i = 0; slow && i < 3; i++) refused(await call(stack.base, 'GET', '/api/events'), 'UNAUTHENTICATED');
    } finally {
      process.kill(hub, 'SIGCONT');
      process.kill(redis, 'SIGCONT');
    }
    await f.next((e) => e.event === 'conversation:erased' && e.data.conversationId === g.id);
    assert.deepEqual(f.events.filter((e) => /secret/.test(e.raw)), []);
    assert.equal(f.named('conversation:erased').length, 1);
    f.close();
  });
});

describe('the script that feeds', () => {
  test('tells nothing of a conversation after its erasure, however late an entry of it comes', async () => {
    const stack = await startStack({ env: quiet });
    try {
      const g = await group(stack, ['ann', 'bob']);
      await polls(g, 'bob');
      const source = (name) => readFileSync(join(root, 'src/store/lua', name), 'utf8').replace(/^--- include (\S+)$/gm, (_, included) => source(included));
      const script = source('feed.lua');
      const feed = keysOf(g, 'bob');
      const message = (text) => `m\n0123456789ab\n1700000000000\nann\nmember\n"type":"text"\n"${text}"\n\n\n\n0`;
      const erased = 's\n000000000000\n1700000000000\nconversation:erased\n{}';
      const tell = (from, mode, entry) => stack.redis('EVAL', script, 4, feed, `${feed}:log`, `${feed}:hubs`, `${feed}:present`, 'conv_x', from, mode, '0123456789ab', '', '', 1000, entry);
      const length = async () => Number(await stack.redis('LLEN', `${feed}:log`));
      const begin = await length();
      assert.equal(await tell(5, '1', message('in time')), 'OK\n-1\n0');
      assert.equal(await length(), begin + 1);
      assert.equal(await tell(0, '0', erased), 'OK\n-1\n0');
      assert.equal(await length(), begin + 2);
      for (const [from, mode] of [[6, '0'], [6, '1'], [6, '2'], [0, '0']]) assert.equal(await tell(from, mode, from ? message('late') : erased), 'OK\n-1\n0');
      assert.equal(await length(), begin + 2);
    } finally {
      await stack.stop();
    }
  });
});

describe('one api process stands still between hubs and feeds', () => {
  test('while another goes on: who comes back into a conversation gets it in order, from his coming on', async () => {
    const stack = await startStack({ seams: true, env: { ...quiet, ROOM_APIS: '2' } });
    try {
      const g = await group(stack, ['ann', 'bob']);
      const bob = await polls(g, 'bob');
      await send(g, 'ann', 'first');
      await bob.has('the first message', (e) => e.event === 'message:new');
      ok(await g.as.ann.delete(`${g.path}/participants/${g.ids.bob}`), 204);
      await bob.has('that he is out', (e) => e.event === 'user:left');
      await drained(stack);
      stack.arm('announce.told:stall');
      ok(await g.as.ann.post(`${g.path}/participants`, { participant: g.ids.bob }), 201);
      await until('one to stand still', () => !existsSync(join(stack.state, 'failpoint')));
      const fresh = { agent: false };
      await until('the other to announce something', async () => {
        ok(await g.as.ann.post(`${g.path}/messages`, { content: 'on' }, fresh), 201);
        await bob.look();
        return bob.messages(g).length > 1;
      }, { ms: 20_000, every: 50 });
      for (const pid of stack.children().api) process.kill(pid, 'SIGKILL');
      await drained(stack);
      await bob.all();
      const log = ok(await g.as.ann.get(`${g.path}/messages?limit=100`)).messages.map((m) => m.id);
      const told = bob.events.filter((e) => e.data.conversationId === g.id).map((e) => [e.event, e.data.id ?? e.data.participant]).filter(([event]) => event !== 'conversation:created'); // a feed that is new may begin a moment earlier
      assert.deepEqual(told, [['message:new', log[0]], ['user:left', g.ids.bob], ['user:joined', g.ids.bob], ...log.slice(1).map((id) => ['message:new', id])]);
      assert.equal(bob.resets, 0);
    } finally {
      await stack.stop();
    }
  });
});
