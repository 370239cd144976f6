// Where the programs under test are: the build, and one with the test seams (clock, failpoints).
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = resolve(dirname(fileURLToPath(import.meta.url)), '..', '..');
export const build = resolve(root, process.env.BUILD || (process.env.SAN === '1' ? 'build-san' : 'build'));

let seams;

// The build itself under sanitizers, else one beside it, made when it is old.
export function testBuild() {
  if (seams) return seams;
  if (process.env.SAN === '1') return (seams = build);
  const dir = `${build}-test`;
  if (!existsSync(dir)) mkdirSync(dir, { recursive: true });
  execFileSync('flock', [join(dir, 'lock'), 'make', '-s', '-j2', 'TEST=1', 'CFLAGS=-O1', `BUILD=${dir}`, 'all'], { cwd: root, stdio: ['ignore', 'ignore', 'pipe'] });
  return (seams = dir);
}
