// Files of sessions (design §7): what is taken, what is made of it, who gets it, and that nothing of it is left.
import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { ok, refused } from '../lib/contract.mjs';
import { rnd } from '../lib/jwt.mjs';
import { download, foldersOf, holding, under, upload, uploaded } from '../lib/files.mjs';
import { bareJpeg, gif, jpeg, mp3, mp4, ogg, orientationOf, pdf, png, pngChunk, wav, webm, webp } from '../lib/pictures.mjs';
import { Raw } from '../lib/http.mjs';
import { startStack } from '../lib/stack.mjs';
import { until } from '../lib/wait.mjs';
import { runWorker } from '../lib/worker.mjs';

const MB = 1024 * 1024;
const student = (s) => ({ ticket: s.tickets.student });
const get = (stack, s, who, id, more) => download(stack, s.path, s.tickets[who], id, more);

describe('one session', () => {
  let stack, s;
  const put = (bytes, type, name, more) => upload(stack, s.path, student(s), bytes, type, name, more);
  const sent = async (bytes, type, name) => { const f = ok(await put(bytes, type, name), 201); ok(await stack.as(s.tickets.student).post(`${s.path}/messages`, { files: [f.id] }), 201); return f; };
  before(async () => { stack = await startStack({ env: { ROOM_FILE_MB: '2', ROOM_FILES_SESSION_MB: '16' } }); });
  after(() => stack?.stop());
  // Some 20 files may wait to be sent: a session of its own for each test
  const fresh = async () => { s = await stack.session(); };

  test('what was uploaded is its owner\'s until it is sent, then both have it, byte for byte', async () => {
    await fresh();
    const bytes = Buffer.from('plain words, and ünïcode\n');
    const f = ok(await put(bytes, 'text/plain', 'Notes of today.txt'), 201);
    assert.deepEqual(f, { id: f.id, name: 'Notes of today.txt', type: 'text/plain', size: bytes.length });
    assert.match(f.id, /^file_[0-9A-Za-z]{22}$/);
    assert.equal((await get(stack, s, 'counselor', f.id)).status, 404);
    assert.deepEqual((await get(stack, s, 'student', f.id)).bytes, bytes);
    const { cursor } = ok(await stack.as(s.tickets.counselor).get(`${s.path}/messages`));
    const m = ok(await stack.as(s.tickets.student).post(`${s.path}/messages`, { type: 'file', files: [f.id], content: 'look', metadata: { files: 'mine' }, clientId: 'c1' }), 201);
    assert.deepEqual([m.type, m.content, m.files, m.metadata], ['file', 'look', [f], { files: 'mine' }]);
    const again = ok(await stack.as(s.tickets.student).post(`${s.path}/messages`, { type: 'file', files: [f.id], content: 'look', metadata: { files: 'mine' }, clientId: 'c1' }), 200);
    assert.deepEqual([again.id, again.files, again.metadata], [m.id, [f], { files: 'mine' }]);
    const { events } = ok(await stack.as(s.tickets.counselor).get(`${s.path}/poll?after=${cursor}&wait=5`));
    assert.deepEqual(events.find((e) => e.event === 'message:new').data.files, [f]);
    const page = ok(await stack.as(s.tickets.counselor).get(`${s.path}/messages`)).messages.at(-1);
    assert.deepEqual([page.files, page.metadata], [[f], { files: 'mine' }]);
    const r = await get(stack, s, 'counselor', f.id);
    assert.deepEqual(r.bytes, bytes);
    assert.equal(r.headers['content-type'], 'text/plain; charset=utf-8');
    assert.equal(r.headers['content-disposition'], "attachment; filename=\"Notes of today.txt\"; filename*=UTF-8''Notes%20of%20today.txt");
    assert.equal(r.headers['x-content-type-options'], 'nosniff');
    assert.match(r.headers['content-security-policy'], /default-src 'none'.*sandbox/);
    assert.match(r.headers['cache-control'], /no-store/);
    const part = await get(stack, s, 'counselor', f.id, { headers: { Range: 'bytes=6-10' } });
    assert.deepEqual([part.status, part.bytes.toString(), part.headers['content-range']], [206, 'words', `bytes 6-10/${bytes.length}`]);
    const head = await get(stack, s, 'counselor', f.id, { method: 'HEAD' });
    assert.deepEqual([head.status, head.bytes.length, head.headers['content-length']], [200, 0, String(bytes.length)]);
    const edited = ok(await stack.as(s.tickets.student).patch(`${s.path}/messages/${m.id}`, { content: 'see', metadata: { b: 1 } }));
    assert.deepEqual([edited.content, edited.files, edited.metadata], ['see', [f], { b: 1 }]);
    assert.deepEqual(ok(await stack.as(s.tickets.counselor).get(`${s.path}/messages`)).messages.at(-1).files, [f]);
  });

  test('types: each is known by its bytes; shown or saved as befits it; a wrong claim is refused', async () => {
    await fresh();
    const kinds = {
      'image/jpeg': [jpeg(), 'inline'], 'image/png': [png(), 'inline'], 'image/gif': [gif(), 'inline'], 'image/webp': [webp(), 'inline'], 'application/pdf': [pdf(), 'attachment'],
      'audio/mpeg': [mp3(), 'inline'], 'audio/ogg': [ogg(), 'inline'], 'audio/wav': [wav(), 'inline'], 'video/mp4': [mp4(), 'inline'], 'audio/mp4': [mp4({ brand: 'M4A ' }), 'inline'],
      'video/quicktime': [mp4({ brand: 'qt  ' }), 'inline'], 'video/webm': [webm(), 'inline'], 'text/plain': [Buffer.from('words'), 'attachment'],
    };
    for (const [type, [bytes, how]] of Object.entries(kinds)) {
      const f = ok(await put(bytes, type, 'x'), 201, type);
      assert.equal(f.type, type);
      const r = await get(stack, s, 'student', f.id);
      assert.equal(r.headers['content-type'].split(';')[0], type);
      assert.ok(r.headers['content-disposition'].startsWith(`${how};`), `${type}: ${r.headers['content-disposition']}`);
      const wrong = type === 'image/png' ? 'image/jpeg' : 'image/png';
      refused(await put(bytes, wrong, 'x'), 'UNSUPPORTED_TYPE', `${type} as ${wrong}`);
    }
    await fresh();
    assert.equal(ok(await put(png(), 'application/octet-stream', 'x'), 201).type, 'image/png', 'no claim');
    assert.equal(ok(await put(png(), undefined, 'x'), 201).type, 'image/png', 'none at all');
    for (const [what, bytes, type] of [
      ['a program', Buffer.from('\x7fELF\x02\x01\x01\0\0\0', 'latin1'), 'application/octet-stream'], ['HTML called a picture', Buffer.from('<html><script>1</script>'), 'image/png'],
      ['HTML', Buffer.from('<!doctype html><p>x'), 'text/html'], ['SVG', Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" onload="x()"/>'), 'image/svg+xml'],
      ['an archive', Buffer.from('PK\x03\x04\0\0\0\0', 'latin1'), 'application/zip'], ['HEIC', Buffer.from('\0\0\0\x18ftypheic\0\0\0\0mif1heic', 'latin1'), 'image/heic'],
      ['Matroska', Buffer.concat([Buffer.from('1a45dfa3a3428288', 'hex'), Buffer.from('matroska'), Buffer.alloc(60)]), 'video/webm'], ['UTF-16', Buffer.from('words', 'utf16le'), 'text/plain'],
    ]) refused(await put(bytes, type, 'x'), 'UNSUPPORTED_TYPE', what);
    refused(await put(Buffer.alloc(0), 'text/plain', 'x'), 'BAD_REQUEST', 'nothing');
    refused(await put(png(), 'image/png', 'x', { headers: { 'Content-Encoding': 'gzip' } }), 'UNSUPPORTED_TYPE', 'compressed');
  });

  test('where and with what a photo was taken stays behind; which way up it is stays; what follows it is cut off', async () => {
    await fresh();
    const canary = `GPS${rnd(8)}`;
    for (const [type, make, turns] of [['image/jpeg', jpeg, true], ['image/png', png, true], ['image/webp', webp, true], ['image/gif', gif, false], ['video/mp4', mp4, false], ['video/mp4', (o) => mp4({ ...o, early: true }), false], ['video/quicktime', (o) => mp4({ ...o, brand: 'qt  ' }), false]]) {
      for (const orientation of turns ? [1, 6] : [1]) {
        const given = make({ canary, orientation });
        assert.ok(given.includes(canary));
        const f = ok(await put(given, type, 'photo'), 201, type);
        const { bytes } = await get(stack, s, 'student', f.id);
        assert.equal(bytes.length, f.size);
        assert.ok(!bytes.includes(canary), `${type}: the place is gone`);
        if (turns) {
          assert.equal(orientationOf(bytes), orientation, type);
          assert.deepEqual([f.width, f.height], orientation === 6 ? [4, 8] : [8, 4], type);
        }
        if (type.startsWith('video')) {
          assert.equal(bytes.length, given.length, 'places named by number still hold');
          assert.ok(bytes.includes('\0sound\0') && bytes.includes('\0 and picture') && bytes.includes('pictures\0') && !bytes.includes(Buffer.from([0xde, 0xad, 0xbe, 0xef])), 'no time of taking');
          assert.deepEqual([f.width, f.height], [320, 240]);
        }
        if (type === 'image/gif') assert.ok(bytes.includes('NETSCAPE2.0'), 'it still runs for ever');
      }
    }
    const bare = bareJpeg();
    const f = ok(await put(bare, 'image/jpeg', 'x'), 201);
    assert.deepEqual((await get(stack, s, 'student', f.id)).bytes, bare, 'what has nothing to hide stays as it is');
    assert.deepEqual(holding(Object.values(foldersOf(stack)), canary), []);
  });

  test('pictures that are cut off or damaged are refused, wherever', async () => {
    await fresh();
    let n = 0;
    for (const [type, whole] of [['image/jpeg', jpeg({ trailer: false })], ['image/png', png({ meta: false })], ['image/webp', webp()], ['image/gif', gif()]]) {
      const end = type === 'image/webp' ? whole.readUInt32LE(4) + 8 : type === 'image/gif' ? whole.lastIndexOf(0x3b) + 1 : whole.length;
      for (const at of [13, 30, Math.floor(end / 2), end - 5, end - 1]) {
        const r = await put(whole.subarray(0, at), type, 'x');
        assert.ok(['BAD_CONTENT', 'UNSUPPORTED_TYPE'].includes(r.code), `${type} cut at ${at} of ${end}: ${r.status} ${r.text}`);
        n++;
      }
    }
    assert.equal(n, 20);
    const damaged = png({ meta: false });
    damaged[60] ^= 1;
    refused(await put(damaged, 'image/png', 'x'), 'BAD_CONTENT', 'a wrong sum');
    refused(await put(Buffer.concat([png().subarray(0, 8), pngChunk('IEND', Buffer.alloc(0))]), 'image/png', 'x'), 'BAD_CONTENT', 'nothing in it');
    assert.deepEqual(under(join(foldersOf(stack).memory, s.id)), [], 'nothing was kept');
  });

  test('names: whatever they are, harmless text comes out', async () => {
    await fresh();
    const tricks = {
      '../../../etc/passwd': 'passwd.txt', 'C:\\Windows\\system32\\cmd.exe': 'cmd.exe.txt', '/': 'file.txt', '..': 'file.txt', '.htaccess': 'htaccess.txt', 'con': '_con.txt', 'LPT1.txt': '_LPT1.txt', 'a\0b': null,
      'invoice\u202Etxt.exe': 'invoicetxt.exe.txt', 'a\r\nSet-Cookie: x=1.txt': null, 'a\u0085\u2028b.txt': 'ab.txt', 'a: b.txt': 'a_ b.txt', '  spaced  out . txt. ': 'spaced out . txt.txt', 'quo"te;\\..txt': 'txt.txt', 'we<i>rd*?|.txt': 'we_i_rd___.txt',
      'zero\u200Bwidth\uFEFF.txt': 'zerowidth.txt', '日本語のファイル.txt': '日本語のファイル.txt', '👩‍👩‍👧.txt': '👩‍👩‍👧.txt', '%2e%2e%2f.txt': '%2e%2e%2f.txt', 'ok.TXT': 'ok.TXT', 'x.tar.gz': 'x.tar.gz.txt', '\u2066\u2069': 'file.txt',
    };
    for (const [given, want] of Object.entries(tricks)) {
      const r = await put(Buffer.from('words'), 'text/plain', given);
      if (want === null) { refused(r, 'BAD_REQUEST', JSON.stringify(given)); continue; }
      const f = ok(r, 201, JSON.stringify(given));
      assert.equal(f.name, want, JSON.stringify(given));
      const d = await get(stack, s, 'student', f.id);
      assert.equal(decodeURIComponent(/filename\*=UTF-8''(\S+)$/.exec(d.headers['content-disposition'])[1]), want);
      assert.match(/filename="([^"]*)"/.exec(d.headers['content-disposition'])[1], /^[\x20-\x7e]+$/);
      assert.equal(d.headers['set-cookie'], undefined);
      ok(await stack.as(s.tickets.student).delete(`${s.path}/files/${f.id}`), 204);
    }
    for (const long of ['x'.repeat(300), '語'.repeat(200), `${'é'.repeat(400)}.jpg`]) {
      const f = ok(await put(jpeg(), 'image/jpeg', long), 201);
      assert.ok(Buffer.byteLength(f.name) <= 180 && f.name.endsWith('.jpg') && !f.name.includes('\uFFFD'), f.name);
    }
    assert.equal(ok(await put(jpeg(), 'image/jpeg', undefined), 201).name, 'file.jpg');
    refused(await stack.as(s.tickets.student).post(`${s.path}/files?name=a&name=b`, undefined, { body: 'x', headers: { 'Content-Type': 'text/plain' } }), 'BAD_REQUEST', 'two names');
  });

  test('sizes, at the byte: of a file, of a session', async () => {
    await fresh();
    ok(await put(Buffer.alloc(2 * MB, 'a'), 'text/plain', 'just'), 201);
    refused(await put(Buffer.alloc(2 * MB + 1, 'a'), 'text/plain', 'over').catch((e) => assert.fail(`no answer: ${e.message}`)), 'TOO_LARGE');
    const big = await stack.as(s.tickets.student).post(`${s.path}/messages`, undefined, { body: Buffer.alloc(65 * 1024, 'a'), headers: { 'Content-Type': 'application/json' } });
    assert.equal(big.status, 413, 'everything else keeps its bound');
    for (let i = 0; i < 7; i++) ok(await put(Buffer.alloc(2 * MB, String(i)), 'text/plain', 'x'), 201);
    refused(await put(Buffer.alloc(1, 'b'), 'text/plain', 'one byte more'), 'TOO_LARGE');
    s = await stack.session();
    ok(await put(Buffer.alloc(1, 'b'), 'text/plain', 'another session may'), 201);
  });

  test('the same bytes twice in a session are kept once, and for as long as one of them is needed; two sessions share nothing', async () => {
    await fresh();
    const bytes = Buffer.from(`same ${rnd(8)}`);
    const [a, b] = [await sent(bytes, 'text/plain', 'a'), ok(await put(bytes, 'text/plain', 'b'), 201)];
    assert.notEqual(a.id, b.id);
    const folder = join(foldersOf(stack).memory, s.id);
    assert.equal(under(folder).length, 1);
    const other = await stack.session();
    await uploaded(stack, other.path, student(other), bytes, 'text/plain', 'c');
    const hashes = async (x) => (await stack.redis('HKEYS', `{0}:conv:${x.id}:files`)).split('\n').filter((k) => k.startsWith('h:'));
    assert.notDeepEqual(await hashes(s), await hashes(other), 'nobody can tell that they are the same');
    const [m] = ok(await stack.as(s.tickets.student).get(`${s.path}/messages`)).messages;
    ok(await stack.as(s.tickets.student).delete(`${s.path}/messages/${m.id}`), 204);
    assert.equal((await get(stack, s, 'counselor', a.id)).status, 404);
    assert.deepEqual((await get(stack, s, 'student', b.id)).bytes, bytes);
    ok(await stack.as(s.tickets.student).delete(`${s.path}/files/${b.id}`), 204);
    assert.deepEqual(under(folder), []);
  });

  test('who may: neither another session nor its own people under its path; sent files are not taken back, nor sent twice', async () => {
    await fresh();
    const f = await sent(Buffer.from('secret'), 'text/plain', 'a');
    const other = await stack.session();
    const unknown = `file_${'x'.repeat(22)}`;
    const answers = [await get(stack, other, 'student', f.id), await get(stack, other, 'student', unknown)];
    assert.deepEqual(answers.map((r) => [r.status, JSON.parse(r.bytes).error]), Array(2).fill([404, JSON.parse(answers[1].bytes).error]));
    assert.equal((await download(stack, s.path, other.tickets.student, f.id)).status, 404);
    assert.equal((await download(stack, s.path, undefined, f.id)).status, 401);
    for (const id of ['..%2f..%2fsecret', '.lock', 'file_short', `${f.id}x`]) assert.equal((await get(stack, s, 'student', id)).status, 404, id);
    const blind = stack.student(s.id, s.student, { chatPermissions: ['send_message'] });
    assert.equal((await download(stack, s.path, blind, f.id)).status, 403);
    const mute = stack.student(s.id, s.student, { chatPermissions: ['view_history'] });
    refused(await upload(stack, s.path, { ticket: mute }, 'x', 'text/plain', 'a'), 'FORBIDDEN');
    const me = stack.as(s.tickets.student);
    refused(await me.delete(`${s.path}/files/${f.id}`), 'CONFLICT');
    refused(await stack.as(s.tickets.counselor).delete(`${s.path}/files/${f.id}`), 'NOT_FOUND');
    refused(await me.post(`${s.path}/messages`, { files: [f.id] }), 'BAD_REQUEST', 'twice');
    const g = ok(await put('mine', 'text/plain', 'g'), 201);
    refused(await stack.as(s.tickets.counselor).post(`${s.path}/messages`, { files: [g.id] }), 'BAD_REQUEST', 'another\'s');
    for (const bad of [{ files: [] }, { files: 'x' }, { files: [g.id, g.id] }, { files: [1] }, { files: Array.from({ length: 11 }, () => unknown) }, { files: [g.id], type: 'text' }, { type: 'file', content: 'x' }, { files: [g.id], content: '' }]) {
      refused(await me.post(`${s.path}/messages`, bad), ['BAD_REQUEST', 'BAD_CONTENT'], JSON.stringify(bad));
    }
    ok(await me.post(`${s.path}/messages`, { files: [g.id] }), 201);
    ok(await me.post(`${s.path}/end`), 200);
    refused(await put('late', 'text/plain', 'x'), 'SESSION_ENDED');
    assert.equal((await get(stack, s, 'counselor', g.id)).status, 200, 'read-only means readable');
  });

  test('with the cookie alone: pictures load, uploads need a type that no other page can send unasked', async () => {
    await fresh();
    const f = await sent(png(), 'image/png', 'a');
    const r = await stack.as(s.tickets.student).post(`${s.path}/cookie`, {});
    const cookie = r.headers['set-cookie'][0].split(';')[0];
    assert.equal((await download(stack, s.path, undefined, f.id, { headers: { Cookie: cookie, 'Sec-Fetch-Site': 'same-origin' } })).status, 200);
    const by = (type, headers = {}) => upload(stack, s.path, {}, png(), type, 'x', { headers: { Cookie: cookie, Origin: stack.base, ...headers } });
    ok(await by('image/png'), 201);
    ok(await by('application/octet-stream'), 201);
    for (const type of ['text/plain', 'multipart/form-data', 'application/x-www-form-urlencoded', undefined]) refused(await by(type), 'UNSUPPORTED_TYPE', type);
    refused(await by('image/png', { Origin: 'https://evil.example' }), 'FORBIDDEN');
  });

  test('at most 20 wait to be sent', async () => {
    await fresh();
    const ids = [];
    for (let i = 0; i < 20; i++) ids.push(ok(await put(`n${i}`, 'text/plain', 'x'), 201).id);
    refused(await put('one more', 'text/plain', 'x'), 'CONFLICT');
    ok(await stack.as(s.tickets.student).post(`${s.path}/messages`, { files: ids.slice(0, 10) }), 201);
    ok(await put('now', 'text/plain', 'x'), 201);
  });

  test('a client that goes away in the middle leaves nothing, and holds nobody up', async () => {
    await fresh();
    const folders = foldersOf(stack);
    const canary = `half${rnd(10)}`;
    const head = `POST ${s.path}/files?name=x HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${s.tickets.student}\r\nContent-Type: text/plain\r\nContent-Length: 1000000\r\n\r\n`;
    const halves = await Promise.all(Array.from({ length: 10 }, async (_, i) => { const c = new Raw(stack.base).read(); await c.write(head + canary + 'x'.repeat(i * 20_000)); return c; }));
    await until('their bytes on our side', () => holding([folders.memory], canary).length === 10);
    const before = Date.now();
    ok(await put('a whole one meanwhile', 'text/plain', 'x'), 201);
    ok(await stack.as(s.tickets.student).post(`${s.path}/messages`, { content: 'and a message' }), 201);
    assert.ok(Date.now() - before < 10_000, 'nobody waits for the slow');
    for (const c of halves) c.destroy();
    await until('nothing of them', () => holding(Object.values(folders), canary).length === 0);
    assert.equal(under(join(folders.memory, '.new')).length, 0);
  });

  test('requests that are refused are answered before their body has come', async () => {
    await fresh();
    for (const [auth, status] of [['Bearer nonsense', 401], [`Bearer ${(await stack.session()).tickets.student}`, 404]]) {
      const c = new Raw(stack.base).read();
      await c.write(`POST ${s.path}/files?name=x HTTP/1.1\r\nHost: x\r\nAuthorization: ${auth}\r\nContent-Type: text/plain\r\nContent-Length: 1000000\r\n\r\nabc`);
      await until(`${status}`, () => c.text.startsWith(`HTTP/1.1 ${status} `));
      c.destroy();
    }
    const c = new Raw(stack.base).read();
    await c.write(`POST ${s.path}/files?name=x HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${s.tickets.student}\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n`);
    await until('an answer', () => /^HTTP\/1.1 4\d\d /.test(c.text) || /^HTTP\/1.1 201 /.test(c.text));
    c.destroy();
  });
});

describe('the end of files', () => {
  test('an upload under way does not hold up the end of the service', async () => {
    const stack = await startStack();
    const s = await stack.session();
    const c = new Raw(stack.base).read();
    await c.write(`POST ${s.path}/files?name=x HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${s.tickets.student}\r\nContent-Type: text/plain\r\nContent-Length: 1000000\r\n\r\nabc`);
    const { memory } = foldersOf(stack);
    await until('its first bytes', () => holding([memory], 'abc').length === 1);
    const began = Date.now();
    await stack.stop();
    assert.ok(Date.now() - began < 10_000);
    assert.deepEqual(under(memory), [], 'nothing is left in memory');
    c.destroy();
  });

  test('erased, expired, deleted: no byte is left anywhere', async () => {
    const stack = await startStack({ env: { ROOM_TTL_S: '3' } });
    try {
      const folders = Object.values(foldersOf(stack));
      const canary = `canary${rnd(12)}`;
      const make = async () => {
        const s = await stack.session();
        const f = await uploaded(stack, s.path, student(s), canary, 'text/plain', `${canary}-name.txt`);
        const m = ok(await stack.as(s.tickets.student).post(`${s.path}/messages`, { files: [f.id] }), 201);
        return { s, f, m };
      };
      const a = await make();
      const [file] = holding(folders, canary);
      assert.equal(statSync(file).mode & 0o007, 0, 'not for others');
      ok(await stack.as(a.s.tickets.student).delete(`${a.s.path}/messages/${a.m.id}`), 204);
      assert.deepEqual(holding(folders, canary), [], 'with its message');
      const b = await make();
      ok(await stack.as(b.s.tickets.student).delete(b.s.path), 204);
      assert.deepEqual(holding(folders, canary), [], 'at once when erased');
      assert.equal((await get(stack, b.s, 'counselor', b.f.id)).status, 410);
      const c = await make();
      ok(await stack.as(stack.service()).delete(`/api/sessions/${c.s.id}`), 204);
      assert.deepEqual(holding(folders, canary), [], 'by MainServer, too');
      const d = await make();
      await until('its deadline', () => Date.now() > d.m.expiresAt + 5, { ms: 10_000 });
      assert.equal((await get(stack, d.s, 'counselor', d.f.id)).status, 410, 'at the deadline itself');
      await until('the worker', () => holding(folders, canary).length === 0, { ms: 15_000 });
      assert.equal(under(stack.state).filter((f) => holding([stack.state], canary).includes(f)).length, 0);
      assert.ok(!stack.logs().includes(canary));
    } finally { await stack.stop(); }
  });

  test('never sent: gone after an hour; a file of somebody who died is gone as well; living ones stay', async () => {
    const stack = await startStack({ env: { ROOM_WORKER: '0' } });
    try {
      const { memory } = foldersOf(stack);
      const s = await stack.session();
      const [kept, waiting] = [await uploaded(stack, s.path, student(s), 'kept', 'text/plain', 'a'), await uploaded(stack, s.path, student(s), 'waiting', 'text/plain', 'b')];
      ok(await stack.as(s.tickets.student).post(`${s.path}/messages`, { files: [kept.id] }), 201);
      assert.equal((await runWorker(stack, ['files', '--once'])).code, 0);
      assert.equal((await get(stack, s, 'student', waiting.id)).status, 200);
      assert.equal((await runWorker(stack, ['files', '--once'], { clock_ms: 3_700_000 })).code, 0);
      assert.equal((await get(stack, s, 'student', waiting.id)).status, 404);
      assert.deepEqual(holding([memory], 'waiting'), []);
      assert.equal((await get(stack, s, 'counselor', kept.id)).status, 200);
      const lost = await stack.session();
      await uploaded(stack, lost.path, student(lost), 'of a session that Redis lost', 'text/plain', 'b');
      await stack.redis('DEL', `{0}:conv:${lost.id}`, `{0}:conv:${lost.id}:files`, `{0}:gone:${lost.id}`);
      assert.equal((await runWorker(stack, ['files', '--once'])).code, 0);
      assert.deepEqual(holding([memory], 'of a session'), []);
      assert.equal((await get(stack, s, 'counselor', kept.id)).status, 200);
    } finally { await stack.stop(); }
  });

  test('the memory of all files together is bounded: then uploads wait, messages go on', async () => {
    const stack = await startStack({ env: { ROOM_FILES_MEMORY_MB: '2', ROOM_FILE_MB: '1' } });
    try {
      const all = await Promise.all(Array.from({ length: 6 }, () => stack.session()));
      const answers = await Promise.all(all.map((s, i) => upload(stack, s.path, student(s), Buffer.alloc(MB - 5000, String(i)), 'text/plain', 'x')));
      const taken = answers.filter((r) => r.status === 201).length;
      assert.ok(taken === 2, `${taken} of 1 MB in 2 MB`);
      for (const r of answers.filter((x) => x.status !== 201)) refused(r, 'STORE_UNAVAILABLE');
      for (const s of all) ok(await stack.as(s.tickets.student).post(`${s.path}/messages`, { content: 'x' }), 201);
      await Promise.all(all.map((s) => stack.as(s.tickets.student).delete(s.path)));
      ok(await upload(stack, (all[0] = await stack.session()).path, student(all[0]), Buffer.alloc(MB - 5000, 'x'), 'text/plain', 'x'), 201);
    } finally { await stack.stop(); }
  });
});
