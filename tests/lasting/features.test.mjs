// What the README says of lasting conversations: the rights are the program's, every feature names a test, and the tests are there.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { build, root } from '../lib/stack.mjs';
import { rightsTable } from '../../tools/readme.mjs';

const page = readFileSync(join(root, 'README.md'), 'utf8');
const part = (name) => new RegExp(`<!-- ${name}: begin[^>]*-->([^]*?)<!-- ${name}: end -->`).exec(page)[1].trim();

describe('the README', () => {
  test('its rights are the program’s (`BUILD=… tools/readme.mjs` writes them)', () => assert.equal(part('rights'), rightsTable(build).trim()));
  test('every feature names tests, and they are there', () => {
    const rows = [...part('features').matchAll(/^\| (\d+) \| ([^|]+) \|(.*)\|$/gm)].map(([, n, what, links]) => ({ n: Number(n), what, files: [...links.matchAll(/\]\(([^)]+)\)/g)].map((m) => m[1]) }));
    assert.deepEqual(rows.map((r) => r.n), Array.from({ length: 13 }, (_, i) => i + 1));
    for (const { n, what, files } of rows) {
      assert.ok(files.length > 0, `${n} (${what}) names no test`);
      for (const f of files) {
        assert.match(f, /^tests\/.*\.test\.mjs$/, `${n}: ${f}`);
        assert.ok(existsSync(join(root, f)), `${n}: ${f} is not there`);
        assert.match(readFileSync(join(root, f), 'utf8'), /\btest\(/, `${n}: ${f} holds no test`);
      }
    }
  });
});
