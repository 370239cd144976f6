// A reporter for node's runner: at the end one short piece for each test that failed, where whoever sees only the end of a long log finds it.
import { relative } from 'node:path';

const linesOfOne = 12, charactersOfOne = 1500;

function told(error) {
  const cause = error?.cause ?? error;
  const text = String(cause?.stack || cause?.message || cause).slice(0, charactersOfOne);
  const lines = text.split('\n').filter((line) => line.trim() && !line.includes('node:'));
  return lines.slice(0, linesOfOne).map((line) => `    ${line}\n`).join('');
}

export default async function* failures(events) {
  const failed = [];
  const path = new Map(); // of a file: the names of the suites around a test, by nesting
  for await (const { type, data } of events) {
    if (type === 'test:start') {
      const names = path.get(data.file) ?? [];
      names.length = data.nesting;
      names[data.nesting] = data.name;
      path.set(data.file, names);
    }
    if (type !== 'test:fail' || data.details?.error?.failureType === 'subtestsFailed') continue;
    const names = (path.get(data.file) ?? []).slice(0, data.nesting).filter((name) => name && !name.endsWith('.mjs'));
    const file = data.file ? relative(process.cwd(), data.file) : '';
    failed.push({ name: `FAILED ${file}: ${[...names, data.name].join(' > ')}\n`, why: told(data.details?.error) });
  }
  for (const { name, why } of failed) yield name + why;
  if (failed.length > 1) yield failed.map(({ name }) => name).join('');
}
