// Where no `room up` runs a worker: the line of crontab, literally, started as cron starts it, by a minute that is ten times as short.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { ok } from '../lib/contract.mjs';
import { startOutside } from '../lib/outside.mjs';
import { build, root } from '../lib/stack.mjs';
import { until, within } from '../lib/wait.mjs';
import { ledger, onBoth, quietStack } from './helpers.mjs';

const MINUTE_MS = 6000, WORKER_S = '7';
const line = readFileSync(join(root, 'crontab'), 'utf8').split('\n').find((l) => l && !l.startsWith('#'));

// The line's command with the test's own three places.
function commandOf(places) {
  let [, command] = /^\* \* \* \* \* +(.+)$/.exec(line);
  for (const [was, is] of Object.entries(places)) {
    assert.equal(command.split(was).length, 2, was);
    command = command.replace(was, is);
  }
  return command;
}

test('README shows the line that crontab holds', () => {
  assert.ok(readFileSync(join(root, 'README.md'), 'utf8').split('\n').includes(`    ${line}`));
});

onBoth('workers that cron starts', (db) => {
  let o, stack;
  before(async () => {
    o = await startOutside();
    stack = await quietStack(db, { ...o.env, ROOM_TTL_S: '3', ROOM_WORKER_S: WORKER_S });
  });
  after(async () => { await stack?.stop(); await o?.stop(); });

  test('one is killed at its work: MainServer is told within a minute of each deadline, once, and cron has nothing to mail', async () => {
    const [env, log] = [join(stack.state, 'settings.env'), join(stack.state, 'logs', 'cron.log')];
    writeFileSync(env, Object.entries(stack.env).filter(([k]) => k.startsWith('ROOM_')).map(([k, v]) => `${k}=${v}\n`).join(''), { mode: 0o600 });
    const command = commandOf({ '/etc/reading-room.env': env, '/usr/local/bin/room': join(build, 'room'), '/var/log/reading-room-worker.log': log });
    const runs = [];
    const start = () => {
      const child = spawn('/bin/sh', ['-c', command], { cwd: '/', env: { HOME: '/', LOGNAME: 'root', SHELL: '/bin/sh', PATH: '/usr/bin:/bin' }, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
      const run = { pid: child.pid, mail: '' };
      for (const s of [child.stdout, child.stderr]) s.on('data', (d) => { run.mail += d; });
      run.ended = new Promise((done) => { child.on('close', (code, signal) => done([code, signal])); });
      runs.push(run);
      return run;
    };
    const expiredOf = (s) => o.mainserver.events.find((e) => e.type === 'session.expired' && e.data.sessionId === s.id);
    const first = start();
    const cron = setInterval(start, MINUTE_MS);
    try {
      await until('its first round', async () => (await stack.redis('EXISTS', '{0}:mark')) === '1', { ms: 60_000 });
      for (const killed of [true, false]) {
        if (killed) process.kill(-first.pid, 'SIGKILL');
        const s = await stack.session();
        ok(await stack.as(s.tickets.student).post(`${s.path}/messages`, { content: 'x' }), 201);
        await until('MainServer to be told', () => expiredOf(s), { ms: 90_000 });
        const { expiresAt, how } = await ledger(stack, s.id);
        assert.ok(Date.now() - expiresAt < 60_000, `${Date.now() - expiresAt} ms`);
        assert.equal(how, 'expired');
      }
      await until('two to have followed it', () => runs.length > 2);
    } finally {
      clearInterval(cron);
    }
    const ends = await within('all to end', 60_000, Promise.all(runs.map((r) => r.ended)));
    assert.deepEqual(ends, runs.map((r) => (r === first ? [null, 'SIGKILL'] : [0, null])));
    assert.deepEqual(runs.map((r) => r.mail), runs.map(() => ''));
    for (const e of o.mainserver.events) assert.equal(o.mainserver.deliveries.get(e.id), 1, e.type);
    const lines = readFileSync(log, 'utf8').trim().split('\n').map((l) => JSON.parse(l));
    assert.equal(lines.filter((l) => l.job === 'expiry').length, runs.length - 1, 'a line from each run that ended');
  });
});
