// Summaries of what was erased: after its deadline, long after it, one life of several; and what they may not go into. As summary.test.mjs.
import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { ok, refused } from '../lib/contract.mjs';
import { gate, until } from '../lib/client.mjs';
import { rnd } from '../lib/jwt.mjs';
import { runWorker, startWorker } from '../lib/worker.mjs';
import { ledger, outbox, rows } from './helpers.mjs';
import { o, stack, service, onSummaries, talk, ask, get, work, askedFor, key, queued, expire, bookkeeping, told, sqlRow, ready } from './summaries.mjs';

onSummaries('summaries, erased', () => {
  const erase = (s, as = service) => as.delete(as === service ? `/api/sessions/${s.id}` : s.path);
  const written = async (body) => {
    const s = await talk(body);
    ok(await ask(s), 202);
    await work();
    await ready(s);
    return s;
  };
  const over = async (s) => { await expire(s); await bookkeeping(s); };
  const forgetStub = async (s) => { for (const k of (await stack.redis('KEYS', `*gone*${s.id}*`)).split('\n')) await stack.redis('DEL', k); };

  describe('after the deadline', () => {
    test('asked for, not written yet: request and copy go at once, the row with the bookkeeping; nothing leaves the house', async () => {
      const s = await talk();
      ok(await ask(s), 202);
      await over(s);
      assert.deepEqual([await queued(s), await stack.redis('EXISTS', key(s), key(s, ':copy'))], [true, '2']);
      ok(await erase(s), 204);
      assert.deepEqual([await queued(s), await stack.redis('EXISTS', key(s), key(s, ':copy'))], [false, '0']);
      refused(await get(s), 'GONE');
      refused(await erase(s), 'GONE');
      await work();
      await bookkeeping(s);
      assert.deepEqual([await sqlRow(s), askedFor(s).length, await told(s)], [undefined, 0, []]);
      assert.equal((await ledger(stack, s.id)).how, 'erased');
      assert.deepEqual((await outbox(stack, s.id)).filter((m) => m.type === 'session.expired').map((m) => m.data.reason), ['expired'], 'told once that it is over');
      assert.equal(await stack.redis('ZSCORE', '{0}:due', s.id), '');
    });
    test('written: not to be read any more, and gone with the bookkeeping, off the case too', async () => {
      const caseRef = `case_${rnd()}`;
      const [s, other] = [await written({ caseRef }), await written({ caseRef })];
      await over(s);
      assert.equal(ok(await get(s)).status, 'ready', 'it outlives its session');
      ok(await erase(s), 204);
      refused(await get(s), 'GONE');
      assert.deepEqual(ok(await service.get(`/api/cases/${caseRef}/summaries`)).summaries.map((x) => x.sessionId), [other.id]);
      await bookkeeping(s);
      assert.equal(await sqlRow(s), undefined);
      assert.equal((await sqlRow(other))[0], 'ready');
    });
    test('before the bookkeeping came: by the service, and by who may erase; by nobody else', async () => {
      const [bySelf, byService] = [await written(), await written()];
      for (const s of [bySelf, byService]) await expire(s);
      refused(await erase(bySelf, stack.as(byService.tickets.student)), 'NOT_FOUND');
      const may = await written({ permissions: { student: ['send_message', 'view_history'] } });
      await expire(may);
      refused(await erase(may, stack.as(may.tickets.student)), 'GONE');
      assert.equal(ok(await get(may)).status, 'ready');
      ok(await erase(bySelf, stack.as(bySelf.tickets.student)), 204);
      ok(await erase(byService), 204);
      for (const s of [bySelf, byService]) {
        refused(await get(s), 'GONE');
        await bookkeeping(s);
        assert.equal(await sqlRow(s), undefined);
        assert.equal((await ledger(stack, s.id)).how, 'erased');
      }
    });
    test('while the bookkeeping of its deadline is under way: erased all the same', async () => {
      const s = await written();
      await expire(s);
      await stack.redis('ZADD', '{0}:due', 'XX', 1, s.id);
      assert.equal((await runWorker(stack, ['expiry', '--once'], { failpoint: 'expiry.settled:kill' })).signal, 'SIGKILL');
      ok(await erase(s), 204);
      await bookkeeping(s);
      assert.equal(await sqlRow(s), undefined);
    });
    for (const step of ['summary.claim', 'summary.begin', 'summary.check']) {
      test(`while the worker stands at ${step}, and accounted for before it goes on: nothing is kept, nothing told`, async () => {
        const s = await talk();
        ok(await ask(s), 202);
        await over(s);
        await rows(stack, `DELETE FROM summaries WHERE conversation = '${s.id}'`);
        const failpoint = join(stack.state, 'failpoint');
        writeFileSync(failpoint, `${step}:stop`);
        const w = startWorker(stack, ['summary', '--once'], { failpoint: `@${failpoint}` });
        await until('it to stand still', () => !existsSync(failpoint) && /\) T /.test(readFileSync(`/proc/${w.pid}/stat`, 'utf8')));
        try {
          ok(await erase(s), 204);
          await bookkeeping(s);
        } finally {
          w.child.kill('SIGCONT');
        }
        assert.equal((await w.ended).code, 0);
        assert.deepEqual([await sqlRow(s), askedFor(s).length, await told(s)], [undefined, step === 'summary.check' ? 1 : 0, []], 'the last look is over only in the last of them');
      });
    }
    test('while Gemini writes it: what it wrote is dropped', async () => {
      const s = await talk();
      ok(await ask(s), 202);
      await over(s);
      const hold = gate();
      o.gemini.next({ until: hold.opened });
      const running = work();
      await until('the request', () => askedFor(s).length === 1);
      ok(await erase(s), 204);
      await bookkeeping(s);
      hold.open();
      await running;
      assert.deepEqual([await sqlRow(s), await told(s)], [undefined, []]);
    });
    test('when not even a stub is left: straight from the database; once', async () => {
      const s = await written();
      await over(s);
      await forgetStub(s);
      assert.equal(ok(await get(s)).status, 'ready');
      ok(await erase(s), 204);
      assert.equal(await sqlRow(s), undefined);
      refused(await get(s), 'NOT_FOUND');
      refused(await erase(s), 'NOT_FOUND');
      refused(await service.delete(`/api/sessions/sess_${rnd()}`), 'NOT_FOUND');
    });
    test('the keys went by their TTL, and nobody looked yet', async () => {
      const s = await written();
      await expire(s);
      for (const k of (await stack.redis('KEYS', `*${s.id}*`)).split('\n')) if (k && !/gone/.test(k)) await stack.redis('DEL', k);
      ok(await erase(s), 204);
      refused(await get(s), 'GONE');
      await bookkeeping(s);
      assert.deepEqual([await sqlRow(s), (await ledger(stack, s.id)).how], [undefined, 'erased']);
    });
  });

  test('one life of several: what belongs to another stays, and is still shown', async () => {
    const caseRef = `case_${rnd()}`;
    const s = await written({ caseRef });
    await over(s);
    await forgetStub(s);
    const again = await stack.session({ sessionId: s.id, caseRef });
    ok(await stack.as(again.tickets.student).post(`${s.path}/messages`, { content: `back ${s.canary}` }), 201);
    ok(await ask(again), 202);
    await work();
    const lives = async () => (await rows(stack, `SELECT session_at FROM summaries WHERE conversation = '${s.id}' ORDER BY session_at`)).map((r) => Number(r[0]));
    assert.deepEqual(await lives(), [s.created.createdAt, again.created.createdAt]);
    ok(await erase(again), 204);
    const shown = async () => ok(await service.get(`/api/cases/${caseRef}/summaries`)).summaries.length;
    assert.equal(await shown(), 1);
    await bookkeeping(again);
    assert.deepEqual([await lives(), await shown()], [[s.created.createdAt], 1]);
  });

  describe('what is part of the next', () => {
    const previous = (s) => askedFor(s).at(-1).checked.material.previous?.summary;
    const note = (text) => ({ document: { summary: text, concerns: [], agreed: [], risk_signs: [], open_questions: [] } });
    async function noted(body) {
      const text = `note${rnd(10)}`;
      o.gemini.next(note(text));
      return Object.assign(await written(body), { note: text });
    }
    test('never the one of a session that was erased, bookkeeping or not; then the one before it', async () => {
      const caseRef = `case_${rnd()}`;
      const old = await noted({ caseRef });
      const a = await noted({ caseRef });
      const [b, c] = [await talk({ caseRef }), await talk({ caseRef })];
      ok(await erase(a), 204);
      ok(await ask(b), 202);
      await work();
      assert.equal(previous(b), old.note);
      await rows(stack, `DELETE FROM summaries WHERE conversation = '${b.id}'`);
      ok(await erase(old), 204);
      ok(await ask(c), 202);
      await work();
      assert.equal(previous(c), undefined);
      assert.equal(ok(await get(c)).status, 'ready');
    });
    test('erased while the next is written: that one is written anew, without it', async () => {
      const caseRef = `case_${rnd()}`;
      const a = await noted({ caseRef });
      const b = await talk({ caseRef });
      ok(await ask(b), 202);
      const hold = gate();
      o.gemini.next({ until: hold.opened });
      const running = work();
      await until('the request', () => askedFor(b).length === 1);
      ok(await erase(a), 204);
      hold.open();
      await running;
      assert.equal(askedFor(b).length, 2);
      assert.deepEqual([askedFor(b)[0].checked.material.previous.summary, previous(b)], [a.note, undefined]);
      await ready(b);
    });
  });

  test('a case is paged through without losing one, whatever was asked for in the same moment', async () => {
    const caseRef = `case_${rnd()}`;
    const all = [];
    for (let i = 0; i < 5; i++) all.push(await written({ caseRef }));
    const at = all[2].created.createdAt;
    await rows(stack, `UPDATE summaries SET created_at = ${at} WHERE conversation IN (${all.slice(0, 4).map((s) => `'${s.id}'`).join()})`);
    for (const limit of [1, 2, 3]) {
      const seen = [];
      for (let next = ''; next !== null;) {
        const page = ok(await service.get(`/api/cases/${caseRef}/summaries?limit=${limit}${next && `&before=${next}`}`));
        seen.push(...page.summaries.map((x) => x.sessionId));
        next = page.next;
        assert.ok(seen.length <= 5, 'it ends');
      }
      assert.deepEqual([seen[0], [...seen].sort()], [all[4].id, all.map((s) => s.id).sort()], `pages of ${limit}`);
    }
    const since = ok(await service.get(`/api/cases/${caseRef}/summaries?before=${at}`));
    assert.deepEqual(since.summaries, [], 'a time alone: what is older than that');
    for (const q of ['before=1-', 'before=-sum_1', 'before=1-sum%20', 'before=1.5']) refused(await service.get(`/api/cases/${caseRef}/summaries?${q}`), 'BAD_REQUEST', q);
  });
});
