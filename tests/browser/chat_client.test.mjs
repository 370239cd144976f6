// The parts of the chat application's client without a browser: views of the list, names, what a page offers to whom, found words as pieces.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { Feed } from '../../web/chat/feed.js';
import { Listing } from '../../web/chat/listing.js';
import { Names } from '../../web/chat/names.js';
import { Online } from '../../web/chat/online.js';
import { gist, listed, whoIs } from '../../web/chat/people.js';
import { may, rolesToGive } from '../../web/chat/rights.js';
import { Selection } from '../../web/chat/selection.js';
import { RoomError } from '../../web/room/http.js';
import { build } from '../lib/stack.mjs';
import { sleep, until } from '../lib/wait.mjs';

const one = (id, lastActivityAt, more = {}) => ({ id, type: 'group', status: 'active', title: id, unread: 0, participants: [], lastActivityAt, cursor: `1-${'0'.repeat(12)}`, ...more });

// A server that has these conversations, newest first, and gives them out `size` at a time.
function view(filter, all, size = 2) {
  const chats = { conversations: new Map() };
  const asked = [];
  const selection = new Selection(chats, filter, {
    page: async (query) => {
      asked.push(query);
      const from = Number(query.after ?? 0);
      return { conversations: all.slice(from, from + size), next: from + size < all.length ? String(from + size) : null };
    },
    put: (row) => chats.conversations.set(row.id, row),
    stop: () => {},
    changed: () => {},
  });
  return { chats, selection, asked, ids: () => selection.arrange().map((row) => row.id) };
}

test('a view of the list: complete down to the oldest row loaded, and no further', async () => {
  const { chats, selection, ids } = view({ status: 'active' }, [one('a', 9), one('b', 7), one('c', 5), one('d', 3)]);
  await selection.load();
  assert.deepEqual([ids(), selection.hasMore], [['a', 'b'], true]);
  chats.conversations.set('x', one('x', 8)); // told by the feed
  chats.conversations.set('y', one('y', 6)); // older than what is loaded: it would stand before rows that nobody has seen
  assert.deepEqual(ids(), ['a', 'x', 'b']);
  chats.conversations.get('b').lastActivityAt = 12;
  chats.conversations.get('a').status = 'archived';
  assert.deepEqual(ids(), ['b', 'x']);
  await selection.more();
  assert.deepEqual([ids(), selection.hasMore], [['b', 'x', 'y', 'c', 'd'], false]);
});

test('a view of the list: loaded anew, it tells what is missing; unread and named ones are looked for further down', async () => {
  const { chats, selection } = view({ status: 'active' }, [one('a', 9), one('b', 7), one('c', 5)]);
  chats.conversations.set('left', one('left', 8));
  chats.conversations.set('older', one('older', 1));
  const missing = [];
  await selection.load({ missing: (id) => missing.push(id) });
  assert.deepEqual(missing, ['left']);

  const unread = view({ unread: true }, [one('a', 9), one('b', 8), one('c', 7), one('d', 6), one('e', 5, { unread: 2 })]);
  await unread.selection.load();
  assert.deepEqual(unread.ids(), ['e']);
  const named = view({ q: 'gar' }, [one('garden', 9)]);
  await named.selection.load();
  named.chats.conversations.set('z', one('z', 10));
  named.chats.conversations.set('gargoyle', one('gargoyle', 11));
  assert.deepEqual(named.ids(), ['gargoyle', 'garden'], 'what the feed brought is looked at here');
});

test('a view of the list: an answer that was overtaken by a newer wish changes nothing', async () => {
  const chats = { conversations: new Map() };
  const answers = [];
  const selection = new Selection(chats, {}, { page: () => new Promise((resolve) => answers.push(resolve)), put: (row) => chats.conversations.set(row.id, row), stop: () => {}, changed: () => {} });
  const [first, second] = [selection.load(), selection.load()];
  answers[1]({ conversations: [one('new', 2)], next: null });
  answers[0]({ conversations: [one('old', 1)], next: null });
  await Promise.all([first, second]);
  assert.deepEqual(selection.arrange().map((row) => row.id), ['new']);
});

test('a view of several statuses: pages of each, together complete down to where all are', async () => {
  const server = { archived: [one('a', 9), one('b', 5)], completed: [one('c', 4), one('d', 3), one('e', 2)] };
  const listing = new (class extends Listing {
    phase = 'open';
    _call(method, path, { query: { status, after } }) {
      const from = Number(after ?? 0);
      return { conversations: server[status].slice(from, from + 1).map((row) => ({ ...row, status })), next: from + 1 < server[status].length ? String(from + 1) : null };
    }

    _emit() {}
  })();
  const view = listing.select({ status: ['archived', 'completed'] });
  const seen = [];
  await view.load();
  while (seen.push(view.arrange().map((row) => row.id).join('')) && view.hasMore) await view.more();
  assert.deepEqual(seen, ['a', 'abcd', 'abcde']);
  listing._put({ ...one('f', 8), status: 'active' });
  assert.equal(view.arrange().length, 5);
});

test('what an event did not tell is asked for until there is an answer; at once when the network is back, or another event tells of it', async (t) => {
  const network = new EventTarget();
  for (const name of ['addEventListener', 'removeEventListener']) {
    globalThis[name] = network[name].bind(network);
    t.after(() => delete globalThis[name]);
  }
  let failure = new RoomError({});
  let asked = 0;
  const listing = new (class extends Listing {
    phase = 'open';
    me = { id: 'ada' };
    async _call() {
      asked += 1;
      if (failure) throw failure;
      return one('a', 9);
    }

    _emit() {}
  })();
  const created = () => listing._take({ event: 'conversation:created', data: { conversationId: 'a' } });
  const online = () => network.dispatchEvent(new Event('online'));
  created();
  await until('it to be asked for twice, without anything else happening', () => asked === 2);
  failure = new RoomError({ status: 503, retryAfterMs: 60_000 });
  await until('it to be asked for once more', () => asked === 3);
  for (const [i, again] of [created, online, online].entries()) {
    if (i === 2) failure = null;
    again();
    await until('it to be asked for at once', () => asked === 4 + i, { ms: 5000 });
  }
  await until('it to be there', () => listing.conversations.has('a'));
  online();
  await sleep(300);
  assert.equal(asked, 6, 'and no more');
});

test('names, and whom somebody means', () => {
  const names = new Names(() => {});
  names.put('acct_1', 'Ada');
  names.put('acct_2', 'ben');
  names.put('acct_3', 'Ada B');
  names.put('acct_4', '');
  const chats = { names };
  assert.equal(names.of('acct_4'), 'acct_4');
  assert.deepEqual(names.all().map(([, name]) => name), ['Ada', 'Ada B', 'ben']);
  assert.equal(whoIs(chats, ' ada '), 'acct_1');
  assert.equal(whoIs(chats, 'https://chat.example/chat.html#with=acct_9'), 'acct_9');
  assert.equal(whoIs(chats, 'acct_77'), 'acct_77');
  assert.equal(whoIs(chats, 'Somebody Else'), null);
  names.put('acct_5', 'Ada');
  assert.equal(whoIs(chats, 'Ada'), null, 'two of that name: then only an address will do');
  assert.equal(whoIs(chats, 'Adda'), null, 'a slip is nobody’s address');
  assert.equal(listed(['Ada', 'Ben', 'Cleo', 'Dora', 'Eve']), 'Ada, Ben +3');
  assert.equal(listed(['Ada', 'Ben']), 'Ada and Ben');
  assert.equal(gist({ content: ' two\n lines ' }), 'two lines');
  assert.equal(gist({ type: 'file', files: [{ name: 'a.txt' }] }), 'a.txt');
  assert.equal(gist({ content: 'secret', deletedAt: 1 }), 'Message deleted');
});

test('what the page offers is what the server allows', async () => {
  const { stdout } = await promisify(execFile)(join(build, 'room'), ['rights', '--json']);
  const table = new Map(JSON.parse(stdout).rights.map((row) => [row.right, row.may]));
  const names = { deleteOthers: 'delete_others', invite: 'invite', remove: 'remove', roles: 'roles', silence: 'silence', rename: 'rename', status: 'status', retention: 'retention', erase: 'erase', leave: 'leave' };
  for (const [ours, theirs] of Object.entries(names)) {
    for (const role of ['customer', 'member', 'agent', 'business', 'admin']) {
      assert.equal(may({ type: 'group', role }, ours), table.get(theirs).includes(role), `${role} ${theirs}`);
    }
    assert.equal(may({ type: 'direct', role: 'member' }, ours), table.get(theirs).includes('direct'), `direct ${theirs}`);
  }
  assert.deepEqual(rolesToGive({ type: 'group', role: 'member' }), []);
});

test('who is online: whoever is heard of is, at once; looked at again when it is old, and no oftener', async (t) => {
  let now = 1_000_000;
  let tick;
  const page = new EventTarget();
  t.mock.method(Date, 'now', () => now);
  t.mock.method(globalThis, 'setInterval', (act) => { tick = act; });
  globalThis.addEventListener = page.addEventListener.bind(page);
  t.after(() => delete globalThis.addEventListener);
  const after = (ms, act) => {
    now += ms;
    act();
  };
  const ben = { participant: 'ben', online: false };
  const rows = [{ id: 'a', participants: [ben] }, { id: 'b', participants: [{ participant: 'cleo', online: false }] }];
  const told = { looks: 0, changes: 0, refreshed: [] };
  const online = new Online({
    rows: () => rows,
    look: async () => { told.looks += 1; },
    refresh: (id) => told.refreshed.push(id),
    changed: () => { told.changes += 1; },
  });
  online.here('ben', 40_000);
  assert.equal(ben.online, false, 'what was long ago says nothing');
  online.here('ben', 20);
  online.here('ben', 20);
  assert.deepEqual([ben.online, told.changes], [true, 1]);

  const room = Object.assign(new EventTarget(), { others: [], participants: new Map([['ben', {}], ['cleo', {}]]) });
  const hears = (...others) => {
    room.others = others.map((participant) => ({ participant, online: true }));
    room.dispatchEvent(new Event('people'));
  };
  online.follow('b', room);
  hears('cleo');
  assert.equal(rows[1].participants[0].online, true);
  assert.deepEqual(told.refreshed, []);
  hears();
  assert.deepEqual(told.refreshed, ['b'], 'out of this conversation: maybe out of all');
  for (let i = 0; i < 9; i += 1) room.participants.set(`more${i}`, {});
  hears('cleo');
  hears();
  assert.deepEqual(told.refreshed, ['b'], 'in a large one, all would ask at once');

  online.looked();
  online.start();
  const focus = () => page.dispatchEvent(new Event('focus'));
  after(40_000, tick);
  assert.equal(told.looks, 0);
  after(20_000, tick);
  assert.equal(told.looks, 1);
  after(3_000, focus);
  assert.equal(told.looks, 1, 'that was a moment ago');
  after(20_000, focus);
  assert.equal(told.looks, 2);
  online.stop();
  after(60_000, focus);
  assert.equal(told.looks, 2);
});

test('a tab that follows and missed something: what comes while it asks waits, and all is taken once, in order', async () => {
  const before = Object.getOwnPropertyDescriptor(globalThis, 'navigator');
  Object.defineProperty(globalThis, 'navigator', { configurable: true, value: { locks: { request: () => new Promise(() => {}) } } }); // another tab leads
  const name = `feed ${Math.random()}`;
  const leader = new BroadcastChannel(name);
  const cursor = (n) => `${n}-${'0'.repeat(12)}`;
  const frame = (n) => ({ id: cursor(n), event: 'message:new', data: { n } });
  const polls = [];
  const taken = [];
  let feed;
  try {
    const door = { foreign: false, url: () => 'x', call: (method, path) => new Promise((done, fail) => { polls.push({ path, done, fail }); }) };
    feed = new Feed({ door, name, frame: ({ data }) => { if (data.n) taken.push(data.n); }, reset: async () => {}, changed: () => {}, refused: () => {} });
    const asked = async (n) => { for (let i = 0; polls.length < n && i < 200; i++) await new Promise((done) => setTimeout(done, 10)); assert.equal(polls.length, n); };
    const heard = () => new Promise((done) => setTimeout(done, 50));
    const started = feed.start();
    await asked(1);
    polls[0].done({ cursor: cursor(5), events: [] });
    await started;
    leader.postMessage({ t: 'frame', frame: frame(7) });
    await asked(2);
    for (const n of [8, 9]) leader.postMessage({ t: 'frame', frame: frame(n) });
    leader.postMessage({ t: 'frame', frame: { id: null, event: 'user:typing', data: { n: 'typing' } } });
    await heard();
    assert.deepEqual(taken, []);
    polls[1].done({ cursor: cursor(8), events: [6, 7, 8].map(frame) });
    await heard();
    assert.deepEqual(taken, [6, 7, 8, 9, 'typing']);
    // One that fails: it is asked again when more comes, and nothing is taken in its place.
    leader.postMessage({ t: 'frame', frame: frame(11) });
    await asked(3);
    leader.postMessage({ t: 'frame', frame: frame(12) });
    await heard();
    polls[2].fail(Object.assign(new Error('away'), { passing: true }));
    await heard();
    assert.deepEqual(taken, [6, 7, 8, 9, 'typing']);
    leader.postMessage({ t: 'frame', frame: frame(13) });
    await asked(4);
    polls[3].done({ cursor: cursor(13), events: [10, 11, 12, 13].map(frame) });
    await heard();
    assert.deepEqual(taken, [6, 7, 8, 9, 'typing', 10, 11, 12, 13]);
  } finally {
    feed?.stop();
    leader.close();
    if (before) Object.defineProperty(globalThis, 'navigator', before); else delete globalThis.navigator;
  }
});
