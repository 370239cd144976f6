// The story of room.js without a browser or server: a tab that follows and missed something gets all of it, whatever becomes of its first attempts.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RoomError } from '../../web/room/http.js';
import { Story } from '../../web/room/story.js';
import { sleep, until } from '../lib/wait.mjs';

const cursor = (position) => `${position}-0123456789ab`;
const message = (id) => ({ id, cursor: cursor(id), sender: 'a', role: 'student', content: `m${id}`, sentAt: id });
const entry = (id) => ({ id: cursor(id), event: 'message:new', data: message(id) });
const ids = (story) => story.log.messages.map((one) => one.id);

// A follower. answers: what each call gets, a value, an error or a function of the call; the history holds messages 1 and 2.
function follower(answers = []) {
  const seen = { calls: [], refused: [], restarts: 0, leading: false };
  const story = new Story({
    call: async (method, path, options) => {
      if (path === '/presence') return { participants: [] };
      seen.calls.push(path);
      if (path === '/messages') { await seen.history; return { messages: [message(1), message(2)], cursor: cursor(2), previous: null }; }
      const answer = answers.shift() ?? { events: [], cursor: cursor(2) };
      const value = typeof answer === 'function' ? await answer(options) : answer;
      if (value instanceof Error) throw value;
      return value;
    },
    pageSize: 50, random: () => 0, over: () => false, leading: () => seen.leading, restart: () => { assert.ok(seen.leading); seen.restarts += 1; }, waiting: () => {},
    refused: (error) => seen.refused.push(error.status), people: () => {}, shown: () => {}, caughtUp: () => {}, snapshot: () => {}, message: () => {}, again: () => {}, side: () => {},
  });
  return { story, seen };
}
const page = (...positions) => ({ events: positions.map(entry), cursor: cursor(positions.at(-1)) });

test('a gap is filled though the first looks at the log fail in passing', async () => {
  const { story } = follower([new RoomError({ status: 503 }), new RoomError({}), page(3, 4, 5)]);
  await story.load();
  story.frame(entry(5));
  story.frame(entry(6));
  assert.deepEqual(ids(story), [1, 2], 'nothing is told before what is missing');
  await until('all of it', () => story.log.position === 6);
  assert.deepEqual(ids(story), [1, 2, 3, 4, 5, 6]);
});

test('a page that brings only a part is followed by the next', async () => {
  const { story, seen } = follower([page(3), page(4, 5), page(6, 7)]);
  await story.load();
  story.frame(entry(7));
  await until('all of it', () => story.log.position === 7);
  assert.deepEqual(ids(story), [1, 2, 3, 4, 5, 6, 7]);
  assert.equal(seen.calls.filter((path) => path === '/poll').length, 3);
});

test('what the server itself does not have is no gap for ever', async () => {
  const { story } = follower([{ events: [], cursor: cursor(2) }]);
  await story.load();
  story.frame(entry(5));
  await until('what there is', () => story.log.position === 5);
  assert.deepEqual(ids(story), [1, 2, 5]);
});

test('refused for good: nothing is skipped, and the next frame asks again', async () => {
  const { story, seen } = follower([new RoomError({ status: 401 }), page(3, 4, 5)]);
  await story.load();
  story.frame(entry(4));
  await until('the refusal', () => seen.refused.length === 1);
  assert.deepEqual([seen.refused, ids(story)], [[401], [1, 2]]);
  story.frame(entry(5));
  await until('all of it', () => story.log.position === 5);
  assert.deepEqual(ids(story), [1, 2, 3, 4, 5]);
});

test('who led when something was missing, and leads no more, looks for it all the same', async () => {
  const { story, seen } = follower([page(3, 4, 5)]);
  await story.load();
  seen.leading = true;
  story.frame(entry(5));
  assert.deepEqual([seen.restarts, ids(story)], [1, [1, 2]]);
  seen.leading = false; // another tab took over before the line was back
  story.frame(entry(6));
  await until('all of it', () => story.log.position === 6 || ids(story).length > 5);
  assert.deepEqual(ids(story), [1, 2, 3, 4, 5, 6]);
});

test('a look at the log while the history is on its way does not lose the history', async () => {
  const { story, seen } = follower();
  await story.load();
  let come;
  seen.history = new Promise((done) => { come = done; });
  story.reload();
  story.frame(entry(3));
  await story.fill();
  assert.deepEqual(ids(story), [], 'it is on its way');
  come();
  await until('the history, and what came meanwhile', () => story.log.position === 3);
  assert.deepEqual(ids(story), [1, 2, 3]);
  await sleep(0);
  assert.equal(seen.calls.filter((path) => path === '/poll').length, 0);
});
