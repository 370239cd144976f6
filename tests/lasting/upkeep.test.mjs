// What the worker does for PostgreSQL, where others write at the same time and a table may be large.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { after, before, describe, test } from 'node:test';
import { ok } from '../lib/contract.mjs';
import { startPostgres } from '../lib/postgres.mjs';
import { startStack } from '../lib/stack.mjs';
import { pool, within } from '../lib/wait.mjs';
import { runWorker } from '../lib/worker.mjs';
import { rows } from '../worker/helpers.mjs';
import { group, path, people, send } from './people.mjs';

describe('upkeep on PostgreSQL', () => {
  let pg, stack;
  before(async () => {
    pg = await startPostgres();
    stack = await startStack({ env: { ROOM_DB: await pg.database(), ROOM_WORKER: '0' } });
  });
  after(async () => { await stack?.stop(); await pg?.stop(); });
  const count = async (table) => Number((await rows(stack, `SELECT count(*) FROM ${table}`))[0][0]);
  const worker = async (job) => { const r = await runWorker(stack, [job, '--once']); assert.equal(r.code, 0, r.stderr); return r; };

  test('a title that is changed while its conversation is looked at is found all the same', async () => {
    const [ann] = people(stack, 'Ann');
    const c = await group(ann, [], { title: 'Before' });
    assert.ok(await count('search_stale') > 0, 'a note is there already');
    const psql = spawn('psql', ['-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', stack.env.ROOM_DB], { stdio: ['pipe', 'pipe', 'inherit'] });
    const ended = new Promise((done) => { psql.once('exit', done); });
    const changed = new Promise((done) => { psql.stdout.once('data', done); });
    psql.stdin.write(`BEGIN; UPDATE conversations SET title = 'Afterwards' WHERE id = '${c.id}'; SELECT 'changed';\n`);
    await within('the change', 20_000, changed);
    await worker('search');
    psql.stdin.end('COMMIT;\n');
    assert.equal(await within('psql to end', 20_000, ended), 0);
    await worker('search');
    const words = await rows(stack, `SELECT s.words FROM search_titles s JOIN conversations c ON c.n = s.n WHERE c.id = '${c.id}'`);
    assert.match(words[0][0], /afterwards/);
    assert.equal(await count('search_stale'), 0);
  });

  test('a table that is long in cleaning is cleaned to its end', async () => {
    const [ann] = people(stack, 'Ann');
    const c = await group(ann);
    const sent = await pool(8, Array.from({ length: 150 }, (_, i) => i), (i) => send(ann, c, `${i} ${Array.from({ length: 250 }, (_, k) => (i * 251 + k) * 7919).join(' ')}`));
    for (const m of sent.slice(0, 20)) ok(await ann.patch(path(c, `/messages/${m.id}`), { content: 'edited' }));
    assert.ok(await count('search_gone') > 0);
    const name = new URL(stack.env.ROOM_DB).pathname.slice(1);
    await rows(stack, `ALTER DATABASE ${name} SET vacuum_cost_delay = '12ms'`);
    await rows(stack, `ALTER DATABASE ${name} SET vacuum_cost_limit = 10`);
    try {
      const began = Date.now();
      await worker('search');
      assert.ok(Date.now() - began > 9500, `it took longer than any other statement may: ${Date.now() - began} ms`);
      assert.equal(await count('search_gone'), 0, 'and that was all');
    } finally {
      await rows(stack, `ALTER DATABASE ${name} RESET ALL`);
    }
  });
});
