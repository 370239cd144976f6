// Everybody whom the service calls, played on this machine over HTTPS: Google's token endpoint, Firebase Cloud Messaging, Gemini and MainServer.
// They check every byte of what they are sent against the documented contract, misbehave on command, and keep all requests for canary searches.
//
//   const o = await startOutside();
//   const stack = await startStack({ env: o.env });
//   o.fcm.next({ error: 'UNREGISTERED' });      // see outside/server.mjs for what any of them can be told, the others' files for their own words
//   o.fcm.pushes, o.gemini.asked, o.mainserver.events
//   o.clock_ms = …                              // the players' clock beside the real one, for tests that move the service's
//   o.search('canary')                          // requests that hold the text in whatever form
//   await o.stop();                             // throws when a request broke the contract (o.problems, unless the test emptied it)
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import { makeGemini } from './outside/gemini.mjs';
import { accountFile, makeAccount, makeFcm, makeOauth } from './outside/google.mjs';
import { makeMainserver } from './outside/mainserver.mjs';
import { makePki } from './outside/pki.mjs';
import { holds } from './outside/server.mjs';

export async function startOutside({ pushText = 'You have a new message', model = 'gemini-test-1' } = {}) {
  const dir = mkdtempSync(join(tmpdir(), 'room-outside-'));
  const o = { dir, clock_ms: 0, pushText };
  const now = () => Date.now() + o.clock_ms;
  try {
    o.pki = makePki(dir);
    o.account = makeAccount();
    o.geminiKey = `AQ.${randomBytes(16).toString('base64url')}`;
    o.webhookSecret = `whsec_${randomBytes(32).toString('base64')}`;
    o.oauth = await makeOauth(o.account, now).start(o.pki.tls);
    o.fcm = await makeFcm(o.account, o.oauth, now, () => o.pushText).start(o.pki.tls);
    o.gemini = await makeGemini(o.geminiKey).start(o.pki.tls);
    o.mainserver = await makeMainserver([o.webhookSecret], now).start(o.pki.tls);
    writeFileSync(join(dir, 'account.json'), accountFile(o.account, `${o.oauth.url}/token`), { mode: 0o600 });
  } catch (e) {
    rmSync(dir, { recursive: true, force: true });
    throw e;
  }
  const all = [o.oauth, o.fcm, o.gemini, o.mainserver];
  o.env = {
    ROOM_CA_FILE: o.pki.ca,
    ROOM_FCM_CREDENTIALS: join(dir, 'account.json'),
    ROOM_FCM_URL: o.fcm.url,
    ROOM_GEMINI_KEY: o.geminiKey,
    ROOM_GEMINI_URL: o.gemini.url,
    ROOM_GEMINI_MODEL: model,
    ROOM_WEBHOOK_URL: `${o.mainserver.url}/webhooks/chat`,
    ROOM_WEBHOOK_SECRET: o.webhookSecret,
  };
  Object.defineProperty(o, 'requests', { get: () => all.flatMap((s) => s.requests).sort((a, b) => a.at - b.at) });
  Object.defineProperty(o, 'problems', { get: () => all.flatMap((s) => s.problems) });
  o.forgive = () => { for (const s of all) s.problems.length = 0; };
  o.search = (text) => o.requests.filter((r) => holds(r, text));
  o.stop = async () => {
    await Promise.all(all.map((s) => (s.server.listening ? s.down() : undefined)));
    rmSync(dir, { recursive: true, force: true });
    if (o.problems.length) throw new Error(`the contract was broken:\n  ${[...new Set(o.problems)].slice(0, 10).join('\n  ')}`);
  };
  return o;
}
