// A private PostgreSQL for a test, as an ordinary user, on a unix socket in a temporary directory, ended by its own pid (tests/lib/postgres).
//
//   const pg = await startPostgres();
//   const stack = await startStack({ env: { ROOM_DB: await pg.database() } });   // a fresh, empty database
//   await pg.sql(url, 'SELECT 1');                  // psql's answer, fields parted by |
//   await pg.stop();
import { execFile, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { until, within } from './wait.mjs';

const script = join(dirname(fileURLToPath(import.meta.url)), 'postgres');

function programs() {
  const all = '/usr/lib/postgresql';
  const found = existsSync(all) ? readdirSync(all).map((v) => join(all, v, 'bin')).filter((d) => existsSync(join(d, 'postgres'))) : [];
  return found.at(-1);
}

export async function startPostgres() {
  const bin = programs();
  if (!bin) throw new Error('PostgreSQL is not installed: `tools/install test` installs it (Debian: the package postgresql)');
  const dir = mkdtempSync(join(tmpdir(), 'room-postgres-'));
  const url = (name) => `postgres:///${name}?host=${dir}&user=room`;
  const sql = (where, text) => new Promise((done, fail) => {
    execFile(join(bin, 'psql'), ['-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', where, '-c', text], (e, out, err) => (e ? fail(new Error(`${e.message} ${err}`)) : done(out.trimEnd())));
  });
  let server;
  let gone;
  let count = 0;

  const pg = {
    dir,
    sql,
    // Starts the server (again, after stop({ keep: true })).
    async start() {
      let ended = false;
      server = spawn(script, [dir], { stdio: ['ignore', 'ignore', 'inherit'], detached: true });
      gone = new Promise((done) => { server.once('exit', () => { ended = true; done(); }); });
      await until('PostgreSQL to answer', async () => {
        if (ended) return true;
        return (await sql(url('postgres'), 'SELECT 1')) === '1';
      }, { ms: 60_000 });
      if (ended) throw new Error(`PostgreSQL ended at once; see ${dir}/log`);
    },
    // A fresh, empty database; its address.
    async database() {
      const name = `t${++count}`;
      await sql(url('postgres'), `CREATE DATABASE ${name}`);
      return url(name);
    },
    // SIGINT ends it in order, SIGQUIT at once, as a crash would.
    async stop({ signal = 'SIGINT', keep = false } = {}) {
      server.kill(signal);
      await within('PostgreSQL to end', 40_000, gone);
      if (!keep) rmSync(dir, { recursive: true, force: true });
    },
  };
  await pg.start();
  return pg;
}
