// Running the `room` command itself, and a raw stream.
import { execFile } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build, root } from '../lib/stack.mjs';
import { rnd } from '../lib/jwt.mjs';

// An environment for `room` with a fresh state folder and secret; undefined takes a setting away.
export function settings(env = {}) {
  const all = {
    ...Object.fromEntries(Object.entries(process.env).filter(([k]) => !k.startsWith('ROOM_'))),
    ROOM_PORT: '0',
    ROOM_STATE: mkdtempSync(join(tmpdir(), 'room-test-')),
    ROOM_JWT_SECRET: `test-${rnd(20)}`,
    ...env,
  };
  for (const k of Object.keys(all)) if (all[k] === undefined) delete all[k];
  return all;
}

// Runs `room` to its end: {code, stdout, stderr}.
export const run = (args, { env = settings(), input } = {}) => new Promise((done) => {
  const child = execFile(join(build, 'room'), args, { env, cwd: root, timeout: 120_000 }, (e, stdout, stderr) => done({ code: e ? e.code ?? e.signal : 0, stdout, stderr }));
  child.stdin.end(input);
});

// A stream of that session's counselor, once its first bytes are there.
export const openStream = (base, session, query = '') => new Promise((done, fail) => {
  const req = request(`${base}${session.path}/events${query}`, { headers: { authorization: `Bearer ${session.tickets.counselor}` }, agent: false }, (res) => {
    res.on('error', () => {});
    res.once('data', () => done(req));
  });
  req.on('error', fail);
  req.end();
});
