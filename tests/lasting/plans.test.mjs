// What the databases make of the statements that lists, pages and searches live on: indexes, no walks through whole tables, no sorting of everything. SQLite explains what the store's
// functions prepare (tests/drivers/plans.c); PostgreSQL writes down the plan of each statement that the service really runs.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { after, before, describe, test } from 'node:test';
import { ok } from '../lib/contract.mjs';
import { startPostgres } from '../lib/postgres.mjs';
import { build, startStack } from '../lib/stack.mjs';
import { until } from '../lib/wait.mjs';
import { base, path } from './people.mjs';

const run = promisify(execFile);
const words = ['meeting', 'zanzibar', 'meeting budget', 'ska', 'skan', '"meeting budget"'];
const fill = async (env, conversations, messages) => {
  const settings = { env: { PATH: process.env.PATH, ...env }, maxBuffer: 1 << 26 };
  await run(join(build, 'room'), ['migrate'], settings);
  return JSON.parse((await run(join(build, 'drivers', 'seed'), ['scale', String(conversations), String(messages)], settings)).stdout);
};

describe('plans, SQLite', () => {
  let dir;
  let plans;
  before(async () => {
    dir = mkdtempSync(join(tmpdir(), 'room-plans-'));
    const seed = await fill({ ROOM_STATE: dir }, 300, 3000);
    const { stdout } = await run(join(build, 'drivers', 'plans'), ['scale', seed.conversation, '1000', ...words], { env: { PATH: process.env.PATH, ROOM_STATE: dir }, maxBuffer: 1 << 26 });
    plans = stdout.trim().split('\n').map((l) => JSON.parse(l));
  });
  after(() => rmSync(dir, { recursive: true, force: true }));

  test('every statement finds its rows by an index', () => {
    assert.ok(plans.length > 40, `${plans.length} statements`);
    for (const { sql, plan } of plans) {
      for (const step of plan.filter((s) => s.startsWith('SCAN'))) {
        // What was handed in as JSON, single rows, the words of the index from one on, and the index by its words, within a range of rows, in their order (fts5: M, then < and >);
        // and the 500 memberships that were found by their index just before, and the index that has only files which are to go or wait.
        assert.match(step, /^SCAN (CONSTANT ROW|m|files USING INDEX files_due|\S+ VIRTUAL TABLE INDEX (1:|2:|\d+:M\d+<>))$/, sql);
      }
      assert.ok(!plan.some((s) => /AUTOMATIC/.test(s)), sql);
    }
  });
  test('nothing is sorted but the people of a page, 500 conversations of somebody, and a message\'s files', () => {
    for (const { sql, plan } of plans) if (!/json_each|c\.people > \$|ORDER BY place LIMIT 16/.test(sql)) assert.ok(!plan.some((s) => /TEMP B-TREE/.test(s)), `${sql}\n${plan}`);
  });
  test('list, pages and searches use the index that was made for them', () => {
    const uses = (like, index) => assert.ok(plans.some(({ sql, plan }) => like.test(sql) && plan.some((s) => s.includes(index))), `${like} by ${index}`);
    uses(/FROM members/, 'members_list');
    uses(/FROM entries e .*ORDER BY e\.position/s, 'conversation=? AND position');
    uses(/thread/, 'entries_thread');
    uses(/search_messages MATCH/, 'INTEGER PRIMARY KEY');
    uses(/retention_s IS NOT NULL/, 'conversations_retention');
    uses(/FROM files .*message = 0 AND owner/s, 'files_conversation');
    uses(/FROM files WHERE state = 'gone'/s, 'files_due');
    uses(/UPDATE files/, 'files_conversation');
    uses(/FROM outbox/, 'conversation=?');
    uses(/DELETE FROM outbox/, 'conversation=?');
    uses(/DELETE FROM entries/, 'conversation=? AND position');
  });
});

describe('plans, PostgreSQL', () => {
  let pg;
  let stack;
  let seed;
  before(async () => {
    pg = await startPostgres();
    const url = await pg.database();
    seed = await fill({ ROOM_DB: url, ROOM_STATE: pg.dir }, 1500, 10000);
    const name = await pg.sql(url, 'SELECT current_database()');
    for (const [setting, value] of Object.entries({ session_preload_libraries: 'auto_explain', 'auto_explain.log_min_duration': '0', log_min_messages: 'log' })) await pg.sql(url, `ALTER DATABASE ${name} SET ${setting} = '${value}'`);
    stack = await startStack({ env: { ROOM_DB: url, ROOM_WORKER: '0' } });
  });
  after(async () => {
    await stack?.stop();
    await pg?.stop();
  });

  test('what the service runs finds its rows by an index', { timeout: 120_000 }, async () => {
    const who = stack.as(stack.mint({ role: 'user', userId: 'scale' }));
    const c = seed.conversation;
    const first = ok(await who.get(`${base}?limit=50`));
    ok(await who.get(`${base}?limit=50&after=${first.next}`));
    ok(await who.get(path(c)));
    for (const query of ['', `?before=${seed.cursors[1000]}`, `?after=${seed.cursors[1000]}`]) ok(await who.get(path(c, `/messages${query}`)));
    for (const q of words) {
      ok(await who.get(`/api/search?${new URLSearchParams({ q })}`));
      ok(await who.get(`/api/search?${new URLSearchParams({ q, conversation: c })}`));
    }
    for (let i = 0; i < 5; i++) ok(await who.post(path(c, '/messages'), { content: `plans ${i}`, clientId: `p${i}` }), 201);
    ok(await who.put(path(c, '/read'), { upTo: 100 }), 204);
    const said = await until('the plans', () => { const text = readFileSync(join(pg.dir, 'log'), 'utf8'); return /INSERT INTO entries/.test(text) && text; });
    const plans = said.split(/^(?=.*LOG: {2}duration: )/m).filter((p) => /plan:\n/.test(p));
    assert.ok(plans.length > 30, `${plans.length} plans`);
    // (Where a page is joined with some thousand conversations or members, walking through those small tables is right; the log is the large one.)
    for (const p of plans) assert.ok(!/Seq Scan on entries\b/.test(p), p);
    assert.ok(plans.some((p) => /Bitmap Index Scan on entries_words/.test(p)), 'rare words by GIN');
    assert.ok(plans.some((p) => /Index (Only )?Scan.* using members_list/.test(p)), 'the list by its index');
  });
});
