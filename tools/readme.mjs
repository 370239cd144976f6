#!/usr/bin/env node
// Writes the generated parts of README.md: the settings and the rights, from the program's own tables, and, when a file is named, the figures (what `make bench` printed).
//   tools/readme.mjs [bench.txt]     BUILD names the build directory. tests/http/readme.test.mjs checks that the page is up to date.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import path from 'node:path';

const root = path.join(path.dirname(fileURLToPath(import.meta.url)), '..');
const page = path.join(root, 'README.md');

export function settingsTable(build = process.env.BUILD || 'build') {
  // The environment of whoever runs this must not leak into the page.
  const text = execFileSync(path.resolve(root, build, 'room'), ['config', '--json'], { env: { PATH: process.env.PATH } });
  const rows = JSON.parse(text).map(({ name, default: value, unit, help }) =>
    `| \`${name}\` | ${value ? `\`${value}\`${unit && !unit.includes('/') ? ` ${unit}` : ''}` : ''} | ${help} |`);
  return ['| setting | default | what it does |', '|---|---|---|', ...rows].join('\n');
}

// Who may do what in lasting conversations, as the program has it.
export function rightsTable(build = process.env.BUILD || 'build') {
  return execFileSync(path.resolve(root, build, 'room'), ['rights'], { env: { PATH: process.env.PATH }, encoding: 'utf8' });
}

export function replacePart(text, name, content) {
  return text.replace(new RegExp(`(<!-- ${name}: begin[^>]*-->)[^]*?(<!-- ${name}: end -->)`), (_, begin, end) => `${begin}\n\n${content.trim()}\n\n${end}`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  let text = replacePart(readFileSync(page, 'utf8'), 'settings', settingsTable());
  text = replacePart(text, 'rights', rightsTable());
  if (process.argv[2]) text = replacePart(text, 'bench', readFileSync(process.argv[2], 'utf8'));
  writeFileSync(page, text);
}
