// What the README says, tried: MainServer's thirty lines, the signed test vectors, the list of settings.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';

import { startStack } from '../lib/stack.mjs';
import { settingsTable } from '../../tools/readme.mjs';

const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
const root = new URL('../..', import.meta.url).pathname;

describe('the README', { concurrency: true }, () => {
  let stack, dir;
  before(async () => { stack = await startStack(); dir = mkdtempSync(path.join(tmpdir(), 'room-readme-')); });
  after(async () => { rmSync(dir, { recursive: true }); await stack?.stop(); });

  test('its integration of MainServer runs as it stands', async () => {
    const code = readme.match(/```js\n([^]*?)```/)[1];
    assert.ok(code.split('\n').length < 45);
    const file = path.join(dir, 'mainserver.mjs');
    writeFileSync(file, code);
    const { stdout } = await promisify(execFile)(process.execPath, [file], { env: { PATH: process.env.PATH, ROOM_URL: stack.base, ROOM_JWT_SECRET: stack.secret } });
    assert.match(stdout, /^student: {3}http:\S+#ticket=\S+\ncounselor: http:\S+#ticket=\S+\n$/);
  });

  test('its test vectors are signed as it says', () => {
    const secret = readme.match(/with the secret\n`([^`]+)`/)[1];
    const vectors = [...readme.matchAll(/^\| `(\{"iss"[^`]+)` \| `([^`]+)` \|$/gm)];
    assert.equal(vectors.length, 3);
    for (const [, claims, token] of vectors) {
      const text = [`{"alg":"HS256","typ":"JWT"}`, claims].map((t) => Buffer.from(t).toString('base64url')).join('.');
      assert.equal(token, `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`);
    }
  });

  test('its settings are the program’s', () => {
    assert.ok(readme.includes(settingsTable(path.resolve(root, process.env.BUILD || 'build'))), 'run tools/readme.mjs');
  });

  test('what it links to is there', () => {
    for (const [, link] of readme.matchAll(/\]\(([^)#:]+)\)/g)) assert.ok(readFileSync(path.join(root, link)).length > 0, link);
  });
});
