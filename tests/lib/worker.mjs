// `room worker` by hand, beside a stack that runs none (ROOM_WORKER: '0'), and made to die where a test says.
//
//   const r = await runWorker(stack, ['expiry', '--once']);                                   // {code, signal, jobs: {expiry: {…}}, stderr}
//   const r = await runWorker(stack, ['push', '--once'], { failpoint: 'push.claimed:kill' }); // signal 'SIGKILL'
//   …, { clock_ms: 3600_000 })                                                                // its clock is an hour ahead (not Redis's)
//   const w = await startWorker(stack, ['--stay']); … await w.stop();
import { spawn } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { root, testBuild } from './build.mjs';
import { until, within } from './wait.mjs';

export function startWorker(stack, args, { env = {}, failpoint, clock_ms } = {}) {
  const settings = { ...stack.env, ...env };
  if (failpoint) settings.ROOM_TEST_FAILPOINT = failpoint;
  if (clock_ms) settings.ROOM_TEST_CLOCK_MS = String(clock_ms);
  for (const k of Object.keys(settings)) if (settings[k] === undefined) delete settings[k];
  const child = spawn(join(testBuild(), 'room'), ['worker', ...args], { env: settings, cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '';
  let stderr = '';
  child.stdout.on('data', (d) => { out += d; });
  child.stderr.on('data', (d) => { stderr += d; });
  const ended = new Promise((done, fail) => {
    child.on('error', fail);
    child.on('close', (code, signal) => {
      const lines = out.split('\n').filter(Boolean).map((l) => { try { return JSON.parse(l); } catch { return { text: l }; } });
      done({ code, signal, out, stderr, jobs: Object.fromEntries(lines.filter((l) => l.job).map((l) => [l.job, l])) });
    });
  });
  return { pid: child.pid, child, ended, stderr: () => stderr, stop: (signal = 'SIGTERM') => { child.kill(signal); return within('the worker to end', 30_000, ended); } };
}

// Makes whoever comes to that failpoint stand there: {failpoint, here(), go()} (base/failpoint.h). For a worker, or for stack.arm.
export function standing(stack, name) {
  const file = join(stack.state, `at-${name}-${process.hrtime.bigint()}`);
  return {
    failpoint: `${name}:hold=${file}`,
    here: () => until(`somebody to stand at ${name}`, () => existsSync(file), { ms: 20_000 }),
    go: () => rmSync(file),
  };
}

export async function runWorker(stack, args, options) {
  const w = startWorker(stack, args, options);
  try {
    return await within(`room worker ${args.join(' ')}`, 120_000, w.ended);
  } catch (e) {
    w.child.kill('SIGKILL');
    throw e;
  }
}
