// Summaries on the pages of a session: the student is asked for consent, the counselor asks for one, waits, reads; with keys alone, and as read out.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ok } from '../lib/contract.mjs';
import { rnd } from '../lib/jwt.mjs';
import { startOutside } from '../lib/outside.mjs';
import { startStack } from '../lib/stack.mjs';
import { until } from '../lib/wait.mjs';
import { runWorker } from '../lib/worker.mjs';
import { enter, isLive, showsText, startBrowser, wait } from './browser.mjs';

let o;
let stack;
let chromium;

before(async () => {
  o = await startOutside();
  stack = await startStack({ env: { ...o.env, ROOM_WORKER: '0' } });
  chromium = await startBrowser(stack.base);
});
after(async () => {
  try {
    await chromium?.stop();
  } finally {
    try {
      await stack?.stop();
    } finally {
      await o?.stop();
    }
  }
});

const wide = { viewport: { width: 1200, height: 800 } };
const work = async () => assert.equal((await runWorker(stack, ['summary', '--once'])).code, 0);

async function talk(body = {}) {
  const s = await stack.session(body);
  const say = async (who, content) => ok(await stack.as(s.tickets[who]).post(`${s.path}/messages`, { content }), 201);
  s.said = [await say('student', 'I cannot sleep'), await say('counselor', 'Since when?')];
  return s;
}

// What a screen reader was told, in order, from now on.
async function listenTo(page) {
  await page.evaluate(() => {
    window.spoken = [];
    new MutationObserver(() => {
      const text = document.getElementById('say').textContent;
      if (text) window.spoken.push(text);
    }).observe(document.getElementById('say'), { childList: true, characterData: true, subtree: true });
  });
  return (pattern) => until(`${pattern} to be said`, () => page.evaluate((source) => window.spoken.some((text) => new RegExp(source).test(text)), pattern.source), { ms: 20_000 });
}

const offered = (page) => page.waitForSelector('#summary-ask[aria-disabled=false]', { ...wait, state: 'attached' });

test('the student is asked where the session wants consent: agree, refuse, and it holds after a reload', async () => {
  const s = await talk({ summaries: 'consent' });
  const terms = async () => ok(await stack.as(s.tickets.student).get(`${s.path}/summary/consent`)).consent;
  const page = await enter(await chromium.context(wide), stack.base, s.tickets.student);
  const box = page.getByRole('checkbox', { name: /summed up by Google’s Gemini/ });
  await box.waitFor(wait);
  assert.equal(await box.isChecked(), false, 'nobody agrees by saying nothing');
  assert.equal(await terms(), null);
  const counselor = await enter(await chromium.context(wide), stack.base, s.tickets.counselor);
  const ask = counselor.getByRole('button', { name: 'Ask for a summary' });
  await ask.click();
  await showsText(counselor, '#summary-state', /has not agreed/);
  assert.equal(await counselor.getByRole('checkbox').count(), 0, 'the counselor does not decide this');

  await box.focus();
  await page.keyboard.press('Space');
  await until('the consent', async () => (await terms()) === true);
  assert.equal(await page.evaluate(() => document.activeElement.id), 'consent-given', 'the box keeps the focus');
  await page.reload();
  await isLive(page);
  await box.waitFor(wait);
  await until('the box to tell', () => box.isChecked());

  await box.click();
  await until('the refusal', async () => (await terms()) === false);
  await ask.click();
  await showsText(counselor, '#summary-state', /has not agreed/);
  assert.equal(o.gemini.requests.length, 0);

  await box.click();
  await until('the consent', async () => (await terms()) === true);
  await ask.click();
  await showsText(counselor, '#summary-state', /being written/);
  await page.waitForSelector('#summary-made:not([hidden])', { ...wait, state: 'attached' });
  await work();
  await showsText(counselor, '#summary-text', /They spoke; 2 messages/);
});

test('consent that could not be kept is not shown as given', async () => {
  const s = await talk({ summaries: 'consent' });
  const page = await enter(await chromium.context(wide), stack.base, s.tickets.student);
  const box = page.getByRole('checkbox');
  await box.waitFor(wait);
  await page.route('**/summary/consent', (route) => route.fulfill({ status: 403, contentType: 'application/json', body: '{"error":{"code":"FORBIDDEN","message":"no"}}' }));
  await box.click();
  await showsText(page, '#consent-error', /may not/);
  assert.equal(await box.isChecked(), false);
});

test('where no consent is needed the student is not asked, and learns of a summary all the same', async () => {
  const s = await talk();
  const page = await enter(await chromium.context(wide), stack.base, s.tickets.student);
  ok(await stack.as(s.tickets.counselor).post(`${s.path}/summary`, {}), 202);
  await page.waitForSelector('#summary-made:not([hidden])', wait);
  assert.equal(await page.getByRole('checkbox').count(), 0);
  assert.equal(await page.getByRole('button', { name: 'Ask for a summary' }).count(), 0, 'the button is the counselor’s');
  await work();
});

test('the counselor asks with the keyboard, is told, and reads; the signs of risk lead to their messages', async () => {
  const s = await talk();
  const page = await enter(await chromium.context(wide), stack.base, s.tickets.counselor);
  await offered(page);
  await showsText(page, '#summary-state', /Nobody has asked/);
  const heard = await listenTo(page);
  const ask = page.getByRole('button', { name: 'Ask for a summary' });
  await ask.focus();
  await page.keyboard.press('Enter');
  await showsText(page, '#summary-state', /being written/);
  await heard(/being written/);
  assert.equal(await page.evaluate(() => document.activeElement.id), 'summary-ask', 'the focus stays where it was');
  assert.equal(await ask.getAttribute('aria-disabled'), 'true');
  await page.keyboard.press('Enter'); // nothing more happens

  const markup = `<img src=x onerror="document.title='broken'">${rnd(6)}`;
  o.gemini.next({ document: { summary: 'They spoke of the nights.', concerns: [markup], agreed: [], risk_signs: [{ kind: 'neglect', sign: 'sleeps little', positions: [s.said[0].id] }], open_questions: ['since when'] } });
  await work();
  await heard(/summary is ready/);
  const text = await showsText(page, '#summary-text', /They spoke of the nights/);
  for (const part of ['In short', 'Signs of risk', 'Open questions', 'Neglect', 'sleeps little', markup]) assert.ok(text.includes(part), part);
  assert.ok(!text.includes('What was agreed'), 'what is empty is not shown');
  assert.equal(await page.locator('#summary-text img').count(), 0);
  assert.equal(await page.evaluate(() => document.activeElement.id), 'summary-ask');

  await page.getByRole('button', { name: /^message of / }).focus();
  await page.keyboard.press('Enter');
  assert.match(await page.evaluate(() => document.activeElement.textContent), /I cannot sleep/);

  await page.getByRole('button', { name: 'Ask again' }).click();
  await showsText(page, '#summary-state', /Nothing was said since/);
  await page.reload();
  await isLive(page);
  await showsText(page, '#summary-text', /They spoke of the nights/);
});

test('a summary that failed says so, also to who looked away; the one of before stays', async () => {
  const s = await talk();
  const page = await enter(await chromium.context(wide), stack.base, s.tickets.counselor);
  await offered(page);
  const heard = await listenTo(page);
  await page.getByRole('button', { name: 'Ask for a summary' }).click();
  await showsText(page, '#summary-state', /being written/);
  o.gemini.next({ blockReason: 'SAFETY' });
  await work();
  await showsText(page, '#summary-state', /could not be made/);
  await heard(/could not be made/);

  await page.getByRole('button', { name: 'Ask again' }).click();
  await showsText(page, '#summary-state', /being written/);
  await work();
  await showsText(page, '#summary-text', /They spoke/);
  ok(await stack.as(s.tickets.student).post(`${s.path}/messages`, { content: 'one thing more' }), 201);
  await page.getByRole('button', { name: 'Ask again' }).click();
  await showsText(page, '#summary-state', /being written/);
  assert.match(await page.textContent('#summary-text'), /They spoke/);
  await page.context().setOffline(true);
  o.gemini.next({ blockReason: 'SAFETY' });
  await work();
  await page.context().setOffline(false);
  await isLive(page);
  await showsText(page, '#summary-state', /could not be made/);
  assert.match(await page.textContent('#summary-text'), /They spoke/);
});

test('on a narrow window it is behind the button of the facts; a sign of risk closes them', async () => {
  const s = await talk();
  ok(await stack.as(s.tickets.counselor).post(`${s.path}/summary`, {}), 202);
  await work();
  const page = await enter(await chromium.context({ viewport: { width: 320, height: 600 } }), stack.base, s.tickets.counselor);
  await page.getByRole('button', { name: 'About this conversation' }).click();
  const cite = page.getByRole('button', { name: /^message of / });
  await cite.waitFor(wait);
  assert.equal(await page.evaluate(() => document.querySelector('.sheet').scrollWidth <= 320), true);
  await cite.click();
  assert.equal(await page.locator('#sheet[open]').count(), 0);
  assert.match(await page.evaluate(() => document.activeElement.textContent), /I cannot sleep/);
});

test('at the desk: asked for in the open chat, read there, and marked on its row', async () => {
  const counselorId = `couns_${rnd()}`;
  const s = await talk({ counselorId });
  const page = await (await chromium.context(wide)).newPage();
  await page.goto(`${stack.base}/desk.html#ticket=${stack.mint({ role: 'counselor', userId: counselorId })}`);
  await page.locator(`.row[data-id="${s.id}"]`).click();
  await page.getByRole('button', { name: 'About this conversation' }).click();
  const ask = page.getByRole('button', { name: 'Ask for a summary' });
  await showsText(page, '#summary-state', /Nobody has asked/);
  await ask.focus();
  await page.keyboard.press('Enter');
  await showsText(page, '#summary-state', /being written/);
  assert.equal(await page.evaluate(() => document.activeElement.id), 'summary-ask');
  o.gemini.next({ blockReason: 'SAFETY' });
  await work();
  await showsText(page, '#summary-state', /could not be made/);
  await page.getByRole('button', { name: 'Ask again' }).click();
  await showsText(page, '#summary-state', /being written/);
  await work();
  await showsText(page, '#summary-text', /They spoke; 2 messages/);
  await showsText(page, `.row[data-id="${s.id}"]`, /Summary ready/);
  await page.context().close();
});

test('where summaries are turned off the counselor is told at once', async () => {
  const plain = await startStack({ env: { ROOM_WORKER: '0' } });
  const other = await startBrowser(plain.base);
  try {
    const s = await plain.session();
    const page = await enter(await other.context(wide), plain.base, s.tickets.counselor);
    await offered(page);
    await page.getByRole('button', { name: 'Ask for a summary' }).click();
    await showsText(page, '#summary-state', /turned off/);
    assert.equal(await page.locator('#consent:visible').count(), 0);
  } finally {
    await other.stop();
    await plain.stop();
  }
});
