// Uploading, and looking where bytes are.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import http from 'node:http';
import { join } from 'node:path';
import { call } from './http.mjs';
import { ok } from './contract.mjs';

// who: what credentials() takes, e.g. { ticket }. The reply.
export const upload = (stack, path, who, bytes, type, name, more = {}) =>
  call(stack.base, 'POST', `${path}/files${name === undefined ? '' : `?name=${encodeURIComponent(name)}`}`, { ...who, body: bytes, headers: { ...(type ? { 'Content-Type': type } : {}), ...more.headers }, ...more.options });
export const uploaded = async (...args) => ok(await upload(...args), 201);

// The bytes of a download, as they are: {status, headers, bytes}.
export function download(stack, path, ticket, id, { method = 'GET', headers = {} } = {}) {
  const url = new URL(stack.base);
  return new Promise((done, fail) => {
    const req = http.request({ host: url.hostname, port: url.port, method, path: `${path}/files/${id}`, headers: { ...(ticket ? { Authorization: `Bearer ${ticket}` } : {}), ...headers } }, (res) => {
      const parts = [];
      res.on('data', (d) => parts.push(d));
      res.on('end', () => done({ status: res.statusCode, headers: res.headers, bytes: Buffer.concat(parts), whole: res.complete }));
      res.on('error', () => done({ status: res.statusCode, headers: res.headers, bytes: Buffer.concat(parts), whole: false }));
    });
    req.on('error', fail);
    req.end();
  });
}

// The folders that lighttpd may send from: {disk, memory}.
export function foldersOf(stack) {
  const conf = readFileSync(join(stack.state, 'lighttpd.conf'), 'utf8');
  const of = (name) => new RegExp(`^var\\.${name} = "(.*)"$`, 'm').exec(conf)[1];
  return { disk: of('files'), memory: of('files_memory'), upload: of('scratch') };
}

export function under(dir) {
  if (!existsSync(dir)) return [];
  return readdirSync(dir, { withFileTypes: true }).flatMap((e) => {
    const path = join(dir, e.name);
    try { return e.isDirectory() ? under(path) : [path]; } catch { return []; }
  });
}
// Paths of files that hold the text, in any of the folders.
export const holding = (dirs, text) => dirs.flatMap(under).filter((f) => { try { return statSync(f).isFile() && readFileSync(f).includes(text); } catch { return false; } });
