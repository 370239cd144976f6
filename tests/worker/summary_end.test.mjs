// Summaries, when sessions, workers and their time come to an end: what is never written, written once, and kept. As summary.test.mjs.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { ok, refused } from '../lib/contract.mjs';
import { gate, until } from '../lib/client.mjs';
import { rnd } from '../lib/jwt.mjs';
import { standing } from '../lib/worker.mjs';
import { rows } from './helpers.mjs';
import { o, stack, service, HOUR, onSummaries, say, talk, ask, get, work, askedFor, key, queued, hasten, expire, bookkeeping, told, sqlRow, ready, failed } from './summaries.mjs';

onSummaries('summaries, at an end', (db) => {
  describe('the session goes meanwhile', () => {
    for (const step of ['summary.claim', 'summary.read', 'summary.copy', 'summary.begin', 'summary.check', 'summary.answer', 'summary.keep']) {
      test(`erased while the worker stands at ${step}: nothing is kept, the copy is gone`, async () => {
        const s = await talk();
        ok(await ask(s), 202);
        assert.equal((await work({ failpoint: `${step}:kill` })).signal, 'SIGKILL');
        ok(await stack.as(s.tickets.student).delete(s.path), 204);
        assert.equal(await stack.redis('EXISTS', key(s), key(s, ':copy')), '0');
        assert.equal(await queued(s), false);
        refused(await get(s), 'GONE');
        await work();
        await bookkeeping(s);
        assert.equal(await sqlRow(s), undefined);
        assert.deepEqual(await told(s), []);
        await work();
        assert.equal(await sqlRow(s), undefined);
      });
    }
    test('erased while Gemini writes: what it wrote is dropped', async () => {
      const s = await talk();
      ok(await ask(s), 202);
      const hold = gate();
      o.gemini.next({ until: hold.opened });
      const running = work();
      await until('the request', () => askedFor(s).length === 1);
      ok(await service.delete(`/api/sessions/${s.id}`), 204);
      hold.open();
      await running;
      assert.notEqual((await sqlRow(s))?.[0], 'ready');
      await bookkeeping(s);
      assert.equal(await sqlRow(s), undefined);
      assert.deepEqual(await told(s), []);
    });
    test('erased and accounted for while Gemini writes: the same', async () => {
      const s = await talk();
      ok(await ask(s), 202);
      const hold = gate();
      o.gemini.next({ until: hold.opened });
      const running = work();
      await until('the request', () => askedFor(s).length === 1);
      ok(await service.delete(`/api/sessions/${s.id}`), 204);
      await bookkeeping(s);
      hold.open();
      await running;
      assert.equal(await sqlRow(s), undefined);
      assert.deepEqual(await told(s), []);
    });
    test('erased when it was ready: not to be read any more, and gone with the bookkeeping', async () => {
      const s = await talk();
      ok(await ask(s), 202);
      await work();
      await ready(s);
      ok(await stack.as(s.tickets.student).delete(s.path), 204);
      refused(await get(s), 'GONE');
      await bookkeeping(s);
      assert.equal(await sqlRow(s), undefined);
    });
    test('expired after the copy was made: written from it within the hour, and read by the ticket that is still valid', async () => {
      const s = await talk();
      ok(await ask(s), 202);
      assert.equal((await work({ failpoint: 'summary.copy:kill' })).signal, 'SIGKILL');
      const ttl = Number(await stack.redis('PTTL', key(s, ':copy')));
      assert.ok(ttl > 0 && ttl <= HOUR, `${ttl}`);
      assert.ok(!(await stack.redis('GET', key(s, ':copy'))).includes(s.canary), 'sealed');
      await expire(s);
      await bookkeeping(s);
      assert.equal(await stack.redis('EXISTS', `{0}:conv:${s.id}:log`), '0');
      refused(await stack.as(s.tickets.counselor).get(`${s.path}/messages`), 'GONE');
      await hasten(s);
      await work();
      assert.equal(ok(await get(s)).status, 'ready');
      assert.deepEqual(askedFor(s)[0].checked.material.conversation.map((l) => [l.position, l.role, l.text.includes(s.canary)]), s.said.map((m) => [m.id, m.role, true]));
      assert.deepEqual((await told(s)).map((m) => m.type), ['summary.ready']);
      assert.equal(await stack.redis('EXISTS', key(s), key(s, ':copy')), '0');
      refused(await get(s, s.tickets.student), 'FORBIDDEN');
      refused(await get(s, stack.counselor(s.id, 'somebody')), 'NOT_FOUND');
      await stack.redis('DEL', `{0}:gone:${s.id}`); // 26 h later
      assert.equal(ok(await get(s)).status, 'ready');
    });
    test('expired at once: the request itself left a copy', async () => {
      const s = await talk();
      ok(await ask(s), 202);
      assert.ok(!(await stack.redis('GET', key(s, ':copy'))).includes(s.canary), 'sealed');
      const ttl = Number(await stack.redis('PTTL', key(s, ':copy')));
      assert.ok(ttl > 0 && ttl <= HOUR, `${ttl}`);
      await expire(s);
      await bookkeeping(s);
      await work();
      assert.equal(ok(await get(s)).status, 'ready');
      assert.deepEqual(askedFor(s)[0].checked.material.conversation.map((l) => l.position), s.said.map((m) => m.id));
      assert.deepEqual((await told(s)).map((m) => m.type), ['summary.ready']);
      assert.equal(await stack.redis('EXISTS', key(s), key(s, ':copy')), '0');
    });
    for (const who of ['the student', 'MainServer']) {
      test(`ended by ${who} just before its deadline, a summary wanted at the end: written from the copy that the end left`, async () => {
        const s = await talk({ summarizeOnEnd: true });
        await stack.redis('HSET', `{0}:conv:${s.id}`, 'expiresAt', Date.now() + 900);
        ok(who === 'MainServer' ? await service.post(`/api/sessions/${s.id}/end`, {}) : await stack.as(s.tickets.student).post(`${s.path}/end`, {}));
        assert.ok(!(await stack.redis('GET', key(s, ':copy'))).includes(s.canary), 'sealed');
        await expire(s);
        await bookkeeping(s);
        await work();
        assert.equal(ok(await get(s)).status, 'ready');
        assert.deepEqual(askedFor(s)[0].checked.material.conversation.map((l) => l.position), s.said.map((m) => m.id));
      });
    }
    test('asked for, then more was said: the worker reads anew, and the same again finds that one', async () => {
      const s = await talk();
      ok(await ask(s), 202);
      await say(s, `more ${s.canary}`);
      ok(await ask(s), 202);
      await work();
      await ready(s);
      assert.equal(askedFor(s)[0].checked.material.conversation.length, 3);
      assert.deepEqual(ok(await ask(s), 200), { status: 'ready' }, 'nothing was said since');
    });
    test('the consent taken back, then expired: no copy is left to be sent', async () => {
      const s = await talk({ summaries: 'consent' });
      const consent = (value) => stack.as(s.tickets.student).put(`${s.path}/summary/consent`, { consent: value });
      ok(await consent(true), 204);
      ok(await ask(s), 202);
      assert.equal(await stack.redis('EXISTS', key(s, ':copy')), '1');
      ok(await consent(false), 204);
      assert.equal(await stack.redis('EXISTS', key(s, ':copy')), '0');
      await expire(s);
      await bookkeeping(s);
      await work();
      assert.equal(askedFor(s).length, 0, 'nothing leaves the house');
      await failed(s, 'CONSENT');
    });
    for (const step of ['summary.read', 'summary.copy', 'summary.check']) {
      test(`the consent taken back while the worker stands at ${step}, then expired: ${step === 'summary.check' ? 'not kept' : 'nothing leaves the house'}`, async () => {
        const s = await talk({ summaries: 'consent' });
        const consent = (value) => stack.as(s.tickets.student).put(`${s.path}/summary/consent`, { consent: value });
        ok(await consent(true), 204);
        ok(await ask(s), 202);
        await stack.redis('DEL', key(s, ':copy')); // as if whoever asked had died before it
        const worker = standing(stack, step);
        const running = work({ failpoint: worker.failpoint });
        await worker.here();
        ok(await consent(false), 204);
        await expire(s);
        await bookkeeping(s);
        assert.equal(await stack.redis('EXISTS', `{0}:conv:${s.id}`), '0');
        worker.go();
        await running;
        assert.equal(await stack.redis('EXISTS', key(s, ':copy')), '0');
        if (step !== 'summary.check') assert.equal(askedFor(s).length, 0);
        await hasten(s);
        await work();
        await failed(s, 'CONSENT');
      });
    }
    test('the consent given again: a copy is made again', async () => {
      const s = await talk({ summaries: 'consent' });
      const consent = (value) => stack.as(s.tickets.student).put(`${s.path}/summary/consent`, { consent: value });
      ok(await consent(true), 204);
      ok(await ask(s), 202);
      ok(await consent(false), 204);
      ok(await consent(true), 204);
      await work();
      await ready(s);
    });
    test('expired before any copy: failed, and said', async () => {
      const s = await talk();
      ok(await ask(s), 202);
      await stack.redis('DEL', key(s, ':copy')); // as if whoever asked had died before it
      await expire(s);
      await work();
      await failed(s, 'SESSION_OVER');
      assert.equal(askedFor(s).length, 0);
    });
    test('the hour is over: failed', async () => {
      const s = await talk();
      ok(await ask(s), 202);
      await stack.redis('HINCRBY', key(s), 'at', -HOUR);
      await work();
      await failed(s, 'TOO_LATE');
      assert.equal(askedFor(s).length, 0);
    });
    test('Redis forgot the request: given up and said', async () => {
      const s = await talk();
      ok(await ask(s), 202);
      await stack.redis('DEL', key(s));
      await work({ clock_ms: 2 * HOUR });
      assert.deepEqual((await sqlRow(s)).slice(0, 3), ['failed', s.counselor, 'ABANDONED']);
      assert.deepEqual((await told(s)).map((m) => m.data.why), ['ABANDONED']);
    });
  });

  describe('whoever dies', () => {
    for (const step of ['summary.claim', 'summary.read', 'summary.copy', 'summary.begin', 'summary.check', 'summary.answer', 'summary.keep', 'summary.settle', 'summary.note']) {
      test(`SIGKILL at ${step}: one summary, told once`, async () => {
        const s = await talk();
        ok(await ask(s), 202);
        assert.equal((await work({ failpoint: `${step}:kill` })).signal, 'SIGKILL');
        await work();
        if (step !== 'summary.note') assert.equal(await queued(s), true, 'the claim holds for a while');
        await hasten(s);
        await work();
        await ready(s);
        assert.ok(askedFor(s).length <= (['summary.answer', 'summary.keep'].includes(step) ? 2 : 1));
      });
    }
    test('a row that nobody wrote: the worker makes it', async () => {
      const s = await talk();
      ok(await ask(s), 202);
      await rows(stack, `DELETE FROM summaries WHERE conversation = '${s.id}'`); // as if the handler had died before it
      await work();
      await ready(s);
      assert.equal((await sqlRow(s))[1], s.counselor);
    });
    test('two at once, and one that comes back late: one summary', async () => {
      const all = [];
      for (let i = 0; i < 6; i++) all.push(await talk());
      for (const s of all) ok(await ask(s), 202);
      await Promise.all([work(), work(), work()]);
      for (const s of all) { await ready(s); assert.equal(askedFor(s).length, 1); }

      const s = await talk();
      ok(await ask(s), 202);
      const hold = gate();
      o.gemini.next({ until: hold.opened });
      const slow = work();
      await until('the first request', () => askedFor(s).length === 1);
      await hasten(s); // its claim has lapsed
      await work();
      const first = await ready(s);
      hold.open();
      await slow;
      assert.deepEqual(await ready(s), first);
    });
    if (db.postgres) {
      test('the database away: put back, then written', async () => {
        const s = await talk();
        ok(await ask(s), 202);
        await db.pg.stop({ signal: 'SIGQUIT', keep: true });
        try {
          refused(await get(s), 'STORE_UNAVAILABLE');
          await work({ code: 3 });
          assert.equal(askedFor(s).length, 0);
        } finally {
          await db.pg.start();
        }
        await hasten(s);
        await work();
        await ready(s);
      });
    }
  });

  describe('what is kept', () => {
    if (!db.postgres) {
      test('sealed at rest: no text in the database', async () => {
        const s = await talk();
        const canary = `doc${rnd(16)}`;
        ok(await ask(s), 202);
        o.gemini.next({ document: { summary: canary, concerns: [canary], agreed: [], risk_signs: [], open_questions: [] } });
        await work();
        assert.equal((await ready(s)).summary.summary, canary);
        const files = readdirSync(stack.state).filter((f) => f.startsWith('room.db'));
        assert.ok(files.length > 0);
        for (const f of files) for (const text of [canary, s.canary]) assert.ok(!readFileSync(join(stack.state, f)).includes(text), `${f} holds it`);
        for (const text of [canary, s.canary]) assert.ok(!stack.logs().includes(text));
      });
    }
    test('retention: gone when it is over, and off the disk', async () => {
      const [s, t] = [await talk(), await talk()];
      for (const x of [s, t]) ok(await ask(x), 202);
      await work();
      const [[until_]] = await rows(stack, `SELECT expires_at - created_at FROM summaries WHERE conversation = '${s.id}'`);
      assert.equal(Number(until_), 90 * 24 * HOUR);
      await rows(stack, `UPDATE summaries SET expires_at = ${Date.now() - 1} WHERE conversation = '${s.id}'`);
      refused(await get(s), 'NOT_FOUND');
      const r = await work();
      assert.equal(r.jobs.summary.pruned, 1);
      assert.equal(await sqlRow(s), undefined);
      assert.equal(ok(await get(t)).status, 'ready');
      ok(await ask(s), 202);
      await work();
      assert.equal(ok(await get(s)).status, 'ready', 'asked for again, though nothing was said since');
    });
    test('SIGKILL when what is over went: off the disk all the same', async () => {
      const s = await talk();
      ok(await ask(s), 202);
      await work();
      const [[sealed]] = await rows(stack, `SELECT ${db.postgres ? "encode(document, 'hex')" : 'hex(document)'} FROM summaries WHERE conversation = '${s.id}'`);
      const bytes = Buffer.from(sealed, 'hex').subarray(40, 72);
      const holds = () => readdirSync(stack.state).filter((f) => f.startsWith('room.db')).some((f) => readFileSync(join(stack.state, f)).includes(bytes));
      if (!db.postgres) assert.ok(holds(), 'it was there');
      await rows(stack, `UPDATE summaries SET expires_at = ${Date.now() - 1} WHERE conversation = '${s.id}'`);
      assert.equal((await work({ failpoint: 'summary.prune:kill' })).signal, 'SIGKILL');
      assert.equal(await sqlRow(s), undefined);
      await work();
      if (!db.postgres) assert.ok(!holds());
    });
    test('SIGKILL when a request was given up: said once', async () => {
      const s = await talk();
      ok(await ask(s), 202);
      await stack.redis('DEL', key(s));
      assert.equal((await work({ clock_ms: 2 * HOUR, failpoint: 'summary.given_up:kill' })).signal, 'SIGKILL');
      await work({ clock_ms: 2 * HOUR });
      assert.deepEqual((await told(s)).map((m) => [m.type, m.data.why]), [['summary.failed', 'ABANDONED']]);
      assert.equal((await sqlRow(s))[0], 'failed');
    });
    test('a new key in front: everything is sealed anew, whoever dies over it; then the old one may go', async () => {
      const caseRef = `case_${rnd()}`;
      const s = await talk({ caseRef });
      const canary = `doc${rnd(16)}`;
      ok(await ask(s), 202);
      o.gemini.next({ document: { summary: canary, concerns: [], agreed: [], risk_signs: [], open_questions: [] } });
      await work();
      const old = readFileSync(join(stack.state, 'keys'), 'utf8').trim();
      const [fresh, foreign] = ['fresh', 'foreign'].map((id) => `${id}=${randomBytes(32).toString('base64')}`);
      const keys = async () => (await rows(stack, 'SELECT DISTINCT key_id FROM summaries WHERE key_id IS NOT NULL')).flat();
      const [was] = await keys();
      const [[n]] = await rows(stack, 'SELECT count(*) FROM summaries WHERE key_id IS NOT NULL');

      const lost = await work({ env: { ROOM_KEYS: foreign } });
      assert.match(lost.stderr, new RegExp(`"summary.no_key".*"documents":${n}\\b`));
      assert.deepEqual([lost.jobs.summary.resealed ?? 0, await keys()], [0, [was]], 'what no key of ours opens stays as it is');

      assert.equal((await work({ env: { ROOM_KEYS: `${fresh},${old}` }, failpoint: 'summary.resealed:kill' })).signal, 'SIGKILL');
      assert.deepEqual(await keys(), ['fresh']);
      const back = await work({ env: { ROOM_KEYS: `${old},${fresh}` } });
      assert.deepEqual([back.jobs.summary.resealed, back.stderr, await keys()], [Number(n), '', [was]]);
      assert.equal(ok(await get(s)).summary.summary, canary);
      assert.equal((await work({ env: { ROOM_KEYS: `${fresh},${old}` } })).jobs.summary.resealed, Number(n));
      const next = await talk({ caseRef });
      ok(await ask(next), 202);
      const alone = await work({ env: { ROOM_KEYS: fresh } });
      assert.doesNotMatch(alone.stderr, /no_key/);
      assert.equal(askedFor(next)[0].checked.material.previous.summary, canary, 'the fresh key opens it alone');
      await work({ env: { ROOM_KEYS: `${old},${fresh}` } });
      assert.equal(ok(await get(s)).summary.summary, canary);
    });
    test('one that no key opens any more is said to be so, hides no other, and can be written anew', async () => {
      const caseRef = `case_${rnd()}`;
      const [s, t] = [await talk({ caseRef }), await talk({ caseRef })];
      const desk = stack.as(stack.mint({ role: 'counselor', userId: s.counselor }));
      ok(await ask(t), 202);
      await work();
      ok(await ask(s), 202);
      await work({ env: { ROOM_KEYS: `foreign=${randomBytes(32).toString('base64')}` } });
      const list = ok(await service.get(`/api/cases/${caseRef}/summaries`)).summaries;
      assert.deepEqual(list.map((x) => [x.sessionId, x.status, x.why, typeof x.summary]), [[s.id, 'failed', 'NO_KEY', 'undefined'], [t.id, 'ready', undefined, 'object']]);
      for (const one of [ok(await get(s)), ok(await desk.get(`/api/desk/summaries/${s.id}`))]) assert.deepEqual([one.status, one.why, one.summary], ['failed', 'NO_KEY', undefined]);
      const u = await talk({ caseRef });
      ok(await ask(u), 202);
      await work();
      assert.equal(askedFor(u)[0].checked.material.previous?.summary, ok(await get(t)).summary.summary, 'the last that can be read is told on');
      ok(await ask(s), 202);
      for (const one of [ok(await get(s)), ok(await desk.get(`/api/desk/summaries/${s.id}`))]) assert.deepEqual([one.status, one.why], ['requested', undefined]);
      await work();
      await ready(s, { events: 2 });
    });
    test('MainServer reads a case, and erases it: with what is under way', async () => {
      const caseRef = `case_${rnd()}`;
      const [a, b, c] = [await talk({ caseRef }), await talk({ caseRef }), await talk({ caseRef })];
      const keep = await talk({ caseRef: `case_${rnd()}` });
      for (const s of [a, b, keep]) { ok(await ask(s), 202); await work(); }
      const list = ok(await service.get(`/api/cases/${caseRef}/summaries`));
      assert.deepEqual([list.summaries.map((x) => [x.sessionId, x.status, typeof x.summary.summary]), list.next], [[[b.id, 'ready', 'string'], [a.id, 'ready', 'string']], null]);
      const one = ok(await service.get(`/api/cases/${caseRef}/summaries?limit=1`));
      const two = ok(await service.get(`/api/cases/${caseRef}/summaries?limit=1&before=${one.next}`));
      assert.deepEqual([one.summaries[0].sessionId, two.summaries[0].sessionId], [b.id, a.id]);
      for (const q of ['limit=0', 'limit=101', 'before=x', 'before=']) refused(await service.get(`/api/cases/${caseRef}/summaries?${q}`), 'BAD_REQUEST');
      const gone = await talk({ caseRef });
      ok(await ask(gone), 202);
      await work();
      ok(await service.delete(`/api/sessions/${gone.id}`), 204); // its bookkeeping has not come yet
      assert.deepEqual(ok(await service.get(`/api/cases/${caseRef}/summaries`)).summaries.map((x) => x.sessionId), [b.id, a.id]);
      ok(await ask(c), 202);
      const hold = gate();
      o.gemini.next({ until: hold.opened });
      const running = work();
      await until('the request', () => askedFor(c).length === 1);
      ok(await service.delete(`/api/cases/${caseRef}`), 204);
      hold.open();
      await running;
      assert.deepEqual(ok(await service.get(`/api/cases/${caseRef}/summaries`)).summaries, []);
      for (const s of [a, b, c]) {
        assert.equal(await sqlRow(s), undefined);
        refused(await get(s), 'NOT_FOUND');
        assert.equal(await queued(s), false);
      }
      assert.deepEqual(await rows(stack, `SELECT conversation FROM ledger WHERE case_ref = '${caseRef}'`), []);
      ok(await service.delete(`/api/cases/${caseRef}`), 204);
      assert.equal(ok(await get(keep)).status, 'ready');
      // the session lives: its counselor may ask again, for a summary that belongs to no case
      ok(await ask(c), 202);
      await work();
      assert.equal(ok(await get(c)).status, 'ready');
      assert.deepEqual(ok(await service.get(`/api/cases/${caseRef}/summaries`)).summaries, []);
    });
    test('erased with its case while it waits: not written', async () => {
      const caseRef = `case_${rnd()}`;
      const s = await talk({ caseRef });
      ok(await ask(s), 202);
      ok(await service.delete(`/api/cases/${caseRef}`), 204);
      await work();
      assert.deepEqual([askedFor(s).length, await sqlRow(s), await queued(s)], [0, undefined, false]);
    });
  });
});
