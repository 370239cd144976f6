// The api process dies between Redis and SQL: whoever asked gets an error, and neither asking again nor leaving it at that loses or doubles anything.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { ok, refused } from '../lib/contract.mjs';
import { rnd } from '../lib/jwt.mjs';
import { startOutside } from '../lib/outside.mjs';
import { runWorker, standing } from '../lib/worker.mjs';
import { dueNow, ledger, onBoth, outbox, quietStack, rows } from './helpers.mjs';

onBoth('the api process dies', (db) => {
  let o, stack, service;
  before(async () => {
    o = await startOutside();
    stack = await quietStack(db, { ...o.env, ROOM_APIS: '1' }, { seams: true });
    service = stack.as(stack.service());
  });
  after(async () => { await stack?.stop(); await o?.stop(); });

  // The request that the process dies over, at that place.
  async function dies(failpoint, request) {
    const [pid] = stack.children().api;
    stack.arm(`${failpoint}:kill`);
    const r = await request();
    assert.ok(r.status >= 500, `${r.status} ${r.text}`);
    assert.ok(r.json.error.code, r.text);
    await stack.replaced('api', pid);
  }

  for (const step of ['create.redis', 'create.ledger']) {
    test(`creating a session, at ${step}: the same request makes it good`, async () => {
      const b = { sessionId: `sess_${rnd()}`, studentAnonymousId: `anon_${rnd()}`, counselorId: `couns_${rnd()}` };
      await dies(step, () => service.post('/api/sessions', b));
      assert.equal(Boolean(await ledger(stack, b.sessionId)), step === 'create.ledger');
      const r = ok(await service.post('/api/sessions', b), 200);
      const row = await ledger(stack, b.sessionId);
      assert.deepEqual([row.how, row.createdAt, row.expiresAt], ['', r.createdAt, r.expiresAt]);
      assert.equal((await rows(stack, `SELECT 1 FROM ledger WHERE conversation = '${b.sessionId}'`)).length, 1);
      ok(await stack.as(r.tickets.student).post(`/api/conversations/${b.sessionId}/messages`, { content: 'x' }), 201);
    });
    test(`creating a session, at ${step}, and nobody asks again: it expires and is accounted for`, async () => {
      const b = { sessionId: `sess_${rnd()}`, studentAnonymousId: `anon_${rnd()}` };
      await dies(step, () => service.post('/api/sessions', b));
      await stack.redis('HSET', `{0}:conv:${b.sessionId}`, 'expiresAt', Date.now() - 1000);
      await dueNow(stack, b.sessionId);
      assert.equal((await runWorker(stack, ['expiry', '--once'])).code, 0);
      const row = await ledger(stack, b.sessionId);
      assert.deepEqual([row.how, row.messages], ['expired', 0]);
    });
  }

  describe('asking for a summary', () => {
    const key = (s, part = '') => `{0}:summary:${s.id}${part}`;
    const ask = (s) => stack.as(s.tickets.counselor).post(`${s.path}/summary`, {});
    const status = async (s) => ok(await stack.as(s.tickets.counselor).get(`${s.path}/summary`)).status;
    const told = async (s) => (await outbox(stack, s.id)).filter((m) => m.type.startsWith('summary.')).map((m) => [m.type, m.data.why]);
    const work = async () => { const r = await runWorker(stack, ['summary', '--once']); assert.equal(r.code, 0, r.stderr); };
    const askedFor = (s) => o.gemini.requests.filter((r) => r.body.includes(s.canary)).length;
    async function talk(body = {}) {
      const s = await stack.session(body);
      s.canary = `canary${rnd(14)}`;
      ok(await stack.as(s.tickets.student).post(`${s.path}/messages`, { content: `I cannot sleep ${s.canary}` }), 201);
      return s;
    }
    async function left(s, step) {
      assert.equal(await stack.redis('EXISTS', key(s)), '1', 'the request stands');
      assert.equal(await stack.redis('EXISTS', key(s, ':copy')), step === 'ask.queued' ? '0' : '1');
      assert.equal((await rows(stack, `SELECT 1 FROM summaries WHERE conversation = '${s.id}'`)).length, step === 'ask.sql' ? 1 : 0);
    }
    async function once(s) {
      assert.equal(await status(s), 'ready');
      assert.deepEqual(await told(s), [['summary.ready', undefined]]);
      assert.equal(askedFor(s), 1);
      assert.equal((await rows(stack, `SELECT 1 FROM summaries WHERE conversation = '${s.id}'`)).length, 1);
      assert.equal(await stack.redis('EXISTS', key(s), key(s, ':copy')), '0');
    }

    // What comes of asking when this happens before the copy is made.
    async function meanwhile(s, happens) {
      const api = standing(stack, 'ask.copy');
      stack.arm(api.failpoint);
      const answer = ask(s);
      await api.here();
      await happens();
      api.go();
      return answer;
    }
    test('over before there is a copy: 410, not a promise', async () => {
      const s = await talk();
      refused(await meanwhile(s, () => stack.redis('HSET', `{0}:conv:${s.id}`, 'expiresAt', Date.now() - 1000)), 'GONE');
      await work();
      assert.equal(askedFor(s), 0);
      assert.deepEqual(await told(s), [['summary.failed', 'SESSION_OVER']]);
    });
    test('Redis takes no copy: 503, and asked again it is the same one', async () => {
      const s = await talk();
      const memory = (await stack.redis('CONFIG', 'GET', 'maxmemory')).split('\n')[1];
      try {
        refused(await meanwhile(s, () => stack.redis('CONFIG', 'SET', 'maxmemory', '1')), 'STORE_UNAVAILABLE');
      } finally {
        await stack.redis('CONFIG', 'SET', 'maxmemory', memory);
      }
      ok(await ask(s), 202);
      await work();
      await once(s);
    });
    test('the consent taken back before there is a copy: none is made', async () => {
      const s = await talk({ summaries: 'consent' });
      const consent = (value) => stack.as(s.tickets.student).put(`${s.path}/summary/consent`, { consent: value });
      ok(await consent(true), 204);
      ok(await meanwhile(s, async () => ok(await consent(false), 204)), 202);
      assert.equal(await stack.redis('EXISTS', key(s, ':copy')), '0');
      await work();
      assert.deepEqual([await told(s), askedFor(s)], [[['summary.failed', 'CONSENT']], 0]);
    });

    for (const step of ['ask.queued', 'ask.copied', 'ask.sql']) {
      test(`at ${step}: asked again it is the same one`, async () => {
        const s = await talk();
        await dies(step, () => ask(s));
        await left(s, step);
        const at = await stack.redis('HGET', key(s), 'at');
        assert.deepEqual(ok(await ask(s), 202), { status: 'requested' });
        assert.equal(await stack.redis('HGET', key(s), 'at'), at);
        await left(s, 'ask.sql');
        await work();
        await once(s);
      });
      test(`at ${step}, and nobody asks again: it is written all the same`, async () => {
        const s = await talk();
        await dies(step, () => ask(s));
        await work();
        await once(s);
      });
      test(`at ${step}, and the session expires at once: ${step === 'ask.queued' ? 'failed, and said' : 'written from the copy'}`, async () => {
        const s = await talk();
        await dies(step, () => ask(s));
        await stack.redis('HSET', `{0}:conv:${s.id}`, 'expiresAt', Date.now() - 1000);
        await dueNow(stack, s.id);
        assert.equal((await runWorker(stack, ['expiry', '--once'])).code, 0);
        await work();
        if (step !== 'ask.queued') return once(s);
        assert.equal(await status(s), 'failed');
        assert.deepEqual(await told(s), [['summary.failed', 'SESSION_OVER']]);
        assert.equal(askedFor(s), 0);
      });
    }
  });
});
