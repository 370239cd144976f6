// A whole Reading Room for a test: `room up` on a free port with a state directory and a secret of its own, ended by its own pid.
//
//   const stack = await startStack({ env: { ROOM_TTL_S: '3' } });
//   const s = await stack.session();            // {id, student, counselor, tickets: {student, counselor}, path}
//   await stack.as(s.tickets.student).post(`${s.path}/messages`, { content: 'hi' });
//   await stack.stop();
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build, root, testBuild } from './build.mjs';
import { call } from './http.mjs';
import { mint, rnd } from './jwt.mjs';
import { stopReaders } from './reader.mjs';
import { until, within } from './wait.mjs';

export { build, root };

const running = new Set();
process.on('exit', () => { for (const pid of running) try { process.kill(pid, 'SIGTERM'); } catch { /* gone already */ } });
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));

const sanitizer = /(ERROR|WARNING): (Address|Leak|Thread|Memory)Sanitizer|runtime error:/;

function filesUnder(dir) {
  return readdirSync(dir, { withFileTypes: true }).flatMap((f) => (f.isDirectory() ? filesUnder(join(dir, f.name)) : f.isFile() ? [join(dir, f.name)] : []));
}

// When a process began (ticks since boot); undefined: it does not run, or only waits to be reaped.
function bornAt(pid) {
  try {
    const [state, ...fields] = readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /s, '').split(' ');
    return state === 'Z' ? undefined : fields[18];
  } catch {
    return undefined;
  }
}

// Asked later, says which of these still run: who has the number of one that ended is another.
export function still(pids) {
  const born = pids.map(bornAt);
  return () => pids.filter((pid, i) => born[i] !== undefined && bornAt(pid) === born[i]);
}

// env: settings over the harness's own (undefined takes one away, so the product's default holds); args: for `room up`.
// Sending is unlimited unless a test sets ROOM_SENDS and ROOM_SENDS_BURST; so are streams, uploads, new conversations and invitations.
// seams: the programs are those of a test build, and stack.arm('ask.sql:kill') makes whoever comes there next do that, once (base/failpoint.h).
export async function startStack({ env = {}, args = [], ready_ms = 60_000, seams = false } = {}) {
  const state = mkdtempSync(join(tmpdir(), 'room-test-'));
  const secret = `test-${rnd(20)}`;
  const settings = {
    ...Object.fromEntries(Object.entries(process.env).filter(([k]) => !k.startsWith('ROOM_'))),
    PATH: `${process.env.PATH}:/usr/sbin:/sbin`,
    ASAN_OPTIONS: `log_path=${state}/sanitizer:abort_on_error=0:${process.env.ASAN_OPTIONS ?? ''}`,
    UBSAN_OPTIONS: `log_path=${state}/sanitizer:print_stacktrace=1:${process.env.UBSAN_OPTIONS ?? ''}`,
    ROOM_PORT: '0',
    ROOM_STATE: state,
    ROOM_JWT_SECRET: secret,
    ROOM_SENDS: '0',
    ROOM_SENDS_BURST: '0',
    ROOM_STREAMS: '0',
    ROOM_UPLOADS: '0',
    ROOM_CONVERSATIONS: '0',
    ROOM_INVITES: '0',
    ...(seams ? { ROOM_TEST_FAILPOINT: `@${join(state, 'failpoint')}` } : {}),
    ...env,
  };
  for (const k of Object.keys(settings)) if (settings[k] === undefined) delete settings[k];

  const room = spawn(join(seams ? testBuild() : build, 'room'), ['up', ...args], { env: settings, cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '';
  let err = '';
  let exit;
  room.stdout.on('data', (d) => { out += d; });
  room.stderr.on('data', (d) => { err += d; });
  const gone = new Promise((done) => {
    room.on('error', (e) => { exit = { error: e }; done(); });
    room.on('close', (code, signal) => { exit = { code, signal }; done(); });
  });
  running.add(room.pid);
  try {
    await until('the line `ready <url>` of room up', () => exit || /^ready \S+$/m.test(out), { ms: ready_ms });
    if (exit) throw new Error(`room up ended: ${JSON.stringify(exit)} ${exit.error?.message ?? ''}`);
  } catch (e) {
    room.kill('SIGTERM');
    const story = `${e.message}\nstdout: ${out.slice(-2000)}\nstderr: ${err.slice(-4000)}\nlogs: ${readLogs().slice(-4000)}`;
    await within('room up to end', 30_000, gone).then(() => running.delete(room.pid), () => {});
    rmSync(state, { recursive: true, force: true });
    throw new Error(story);
  }
  const base = /^ready (\S+)$/m.exec(out)[1].replace(/\/$/, '');

  function readLogs() {
    let text = `${out}\n${err}\n`;
    try { for (const f of filesUnder(join(state, 'logs'))) text += readFileSync(f, 'utf8'); } catch { /* no logs yet */ }
    return text;
  }
  function sanitizerReports() {
    const reports = readdirSync(state).filter((f) => f.startsWith('sanitizer')).map((f) => readFileSync(join(state, f), 'utf8'));
    const logs = readLogs();
    if (sanitizer.test(logs)) reports.push(logs.slice(Math.max(0, logs.search(sanitizer) - 200)));
    return reports.join('\n').slice(0, 8000);
  }
  const described = () => JSON.parse(readFileSync(join(state, 'room.json'), 'utf8'));

  const stack = {
    base,
    secret,
    state,
    env: settings,
    pid: room.pid,
    output: () => out,
    // Calls with a ticket: as(ticket).get(path), .post(path, json), .put, .patch, .delete → {status, headers, text, json, code}.
    as(ticket, more = {}) {
      const go = (method) => (path, json, options = {}) => call(base, method, path, { ticket, json, ...more, ...options });
      return { get: go('GET'), post: go('POST'), put: go('PUT'), patch: go('PATCH'), delete: go('DELETE'), options: go('OPTIONS'), head: go('HEAD') };
    },
    mint: (claims, options = {}) => mint(claims, options.secret ?? secret, options),
    service: (claims = {}) => mint({ role: 'service', ...claims }, secret),
    student: (session, anonymousId, claims = {}) => mint({ sessionId: session, role: 'student', anonymousId, ...claims }, secret),
    counselor: (session, userId, claims = {}) => mint({ sessionId: session, role: 'counselor', userId, ...claims }, secret),
    user: (id, claims = {}) => mint({ role: 'user', userId: id, ...claims }, secret),
    // A fresh session with both participants; body members replace the defaults (undefined takes one away); more: options of call().
    async session(body = {}, more = {}) {
      const all = { studentAnonymousId: `anon_${rnd()}`, counselorId: `couns_${rnd()}`, ...body };
      const r = await call(base, 'POST', '/api/sessions', { ticket: stack.service(), json: all, ...more });
      if (r.status !== 201 && r.status !== 200) throw new Error(`POST /api/sessions: ${r.status} ${r.text}`);
      return { id: r.json.sessionId, student: all.studentAnonymousId, counselor: all.counselorId, tickets: r.json.tickets, created: r.json, path: `/api/conversations/${r.json.sessionId}` };
    },
    described,
    children: () => described().children,
    // Sends a signal to one child (redis, api, hub, lighttpd) and returns its pid.
    kill(name, signal = 'SIGKILL', index = 0) {
      const pid = described().children[name]?.[index];
      assert.ok(pid > 1, `room.json names no ${name}[${index}]`);
      process.kill(pid, signal);
      return pid;
    },
    // Resolves when the supervisor has put another process in the place of pid.
    replaced: (name, pid, ms = 40_000) => until(`${name} ${pid} to be replaced`, () => { const p = described().children[name]; return p.length && !p.includes(pid); }, { ms }),
    arm(failpoint) {
      assert.ok(seams && !existsSync(join(state, 'failpoint')), 'a test build, and nothing armed yet');
      writeFileSync(join(state, 'armed'), failpoint);
      renameSync(join(state, 'armed'), join(state, 'failpoint'));
    },
    // redis-cli on the private Redis; the reply as text.
    redis: (...words) => new Promise((done, fail) => execFile('redis-cli', ['-s', join(state, 'redis.sock'), ...words.map(String)], { maxBuffer: 1 << 28 }, (e, stdout, stderr) => (e ? fail(new Error(`${e.message} ${stderr}`)) : done(stdout.trimEnd())))),
    logs: readLogs,
    logFiles: () => filesUnder(join(state, 'logs')),
    // Ends the stack by its own pid and insists on a clean end: exit 0 in time, no child left, no sanitizer report.
    async stop() {
      stopReaders(base);
      const left = still(Object.values(described().children).flat());
      if (!exit) room.kill('SIGTERM');
      await within('room up to end after SIGTERM', 30_000, gone);
      running.delete(room.pid);
      const reports = sanitizerReports();
      assert.equal(reports, '', 'sanitizer report');
      assert.deepEqual(exit, { code: 0, signal: null }, `room up must end cleanly; stderr: ${err.slice(-2000)}`);
      assert.deepEqual(left(), [], 'children left behind');
      if (!process.env.ROOM_KEEP) rmSync(state, { recursive: true, force: true });
    },
    // For a test that killed the supervisor itself: nothing to end any more.
    forget() {
      stopReaders(base);
      running.delete(room.pid);
      rmSync(state, { recursive: true, force: true });
    },
    rss_kb: (pid) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]),
    fds: (pid) => readdirSync(`/proc/${pid}/fd`).length,
    size: (file) => statSync(join(state, file)).size,
  };
  return stack;
}
