// Summaries on the desk's page: those of sessions that are over are listed, heard of, opened and read; what is erased goes; with keys, by pages.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ok } from '../lib/contract.mjs';
import { rnd } from '../lib/jwt.mjs';
import { startOutside } from '../lib/outside.mjs';
import { startStack } from '../lib/stack.mjs';
import { until } from '../lib/wait.mjs';
import { runWorker } from '../lib/worker.mjs';
import { showsText, startBrowser, wait } from './browser.mjs';

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

const work = async (job) => assert.equal((await runWorker(stack, [job, '--once'])).code, 0);

async function talk(counselorId) {
  const s = await stack.session({ counselorId, studentAnonymousId: `anon_${rnd(6)}` });
  s.said = ok(await stack.as(s.tickets.student).post(`${s.path}/messages`, { content: 'I cannot sleep' }), 201);
  return s;
}
const ask = async (s) => ok(await stack.as(s.tickets.counselor).post(`${s.path}/summary`, {}), 202);
async function over(s) {
  await stack.redis('HSET', `{0}:conv:${s.id}`, 'expiresAt', Date.now() - 1000);
  await stack.redis('ZADD', '{0}:due', 'XX', 1, s.id);
  await work('expiry');
}
async function deskPage(counselor, options = {}) {
  const context = await chromium.context({ viewport: { width: 1200, height: 760 }, ...options });
  const page = await context.newPage();
  await page.goto(`${stack.base}/desk.html#ticket=${stack.mint({ role: 'counselor', userId: counselor })}`);
  await page.waitForSelector('html[data-desk=live]', wait);
  return page;
}
// What a screen reader is told from now on.
async function listenTo(page) {
  await page.evaluate(() => {
    window.spoken = [];
    new MutationObserver(() => window.spoken.push(document.getElementById('say').textContent)).observe(document.getElementById('say'), { childList: true, characterData: true, subtree: true });
  });
  return (text) => until(`${text} to be said`, () => page.evaluate((one) => window.spoken.includes(one), text), { ms: 30_000 });
}
const row = (page, s) => page.locator(`#group-summaries .row[data-id="${s.id}"]`);
const listed = (page, all) => until(`${all.length} summaries in the list`, async () => {
  const shown = await page.locator('#group-summaries .row').evaluateAll((rows) => rows.map((one) => one.dataset.id));
  return shown.join() === all.map((s) => s.id).join();
});
const note = { summary: 'They spoke of the nights.', concerns: ['<img src=x onerror=alert(1)>'], agreed: [], risk_signs: [], open_questions: ['since when'] };

test('written after the session is over: heard of, listed, opened and read as text; the keyboard leads there and back', async () => {
  const counselor = `couns_${rnd()}`;
  const s = await talk(counselor);
  const page = await deskPage(counselor);
  await page.waitForSelector(`.row[data-id="${s.id}"]`, wait);
  assert.equal(await page.locator('#group-summaries').isHidden(), true, 'no group without one');
  await ask(s);
  await over(s);
  await showsText(page, '#group-gone', new RegExp(s.student));
  const heard = await listenTo(page);
  o.gemini.next({ document: { ...note, risk_signs: [{ kind: 'neglect', sign: 'sleeps little', positions: [s.said.id] }] } });
  await work('summary');
  await heard(`${s.student}: Summary ready`);
  await listed(page, [s]);
  assert.match(await row(page, s).textContent(), new RegExp(`${s.student}.*Summary ready`));
  await row(page, s).focus();
  await page.keyboard.press('Enter');
  const text = await showsText(page, '.kept-text', /They spoke of the nights/);
  for (const part of ['In short', '<img src=x', 'since when', 'Neglect', 'sleeps little', `message no. ${s.said.id}`]) assert.ok(text.includes(part), part);
  assert.equal(await page.locator('.kept-text img').count(), 0);
  assert.equal(await page.evaluate(() => document.activeElement.textContent), `Summary: ${s.student}`);
  assert.equal(await row(page, s).getAttribute('aria-current'), 'true');
  await page.keyboard.press('Escape');
  await showsText(page, '.place', /Choose a conversation/);
  assert.equal(await page.evaluate(() => document.activeElement.dataset.id), s.id);
  assert.equal(await page.locator('.kept-text').count(), 0, 'no word of it stays');
  await page.context().close();
});

test('opened anew the list is there, narrow windows too; failed ones say so; what was erased is gone', async () => {
  const counselor = `couns_${rnd()}`;
  const [read, failed, erased] = [await talk(counselor), await talk(counselor), await talk(counselor)];
  for (const s of [read, failed, erased]) {
    await ask(s);
    if (s === failed) o.gemini.next({ blockReason: 'PROHIBITED_CONTENT' });
    await work('summary');
    await over(s);
  }
  const page = await deskPage(counselor, { viewport: { width: 380, height: 700 } });
  await listed(page, [erased, failed, read]);
  assert.match(await row(page, failed).textContent(), /Summary failed/);
  await row(page, failed).click();
  await showsText(page, '.kept-text', /could not be made/);
  assert.equal(await row(page, failed).isVisible(), false, 'one or the other is shown');
  await page.getByRole('button', { name: 'Back to the list' }).click();
  await row(page, read).click();
  await showsText(page, '.kept-text', /They spoke/);
  await page.keyboard.press('Escape');
  ok(await stack.as(stack.service()).delete(`/api/sessions/${erased.id}`), 204);
  await row(page, erased).click();
  await showsText(page, '.kept-text', /was erased/);
  await listed(page, [failed, read]);
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), true, 'nothing sticks out');
  await page.context().close();
});

test('an open chat and a summary take turns; a living session that is erased takes its summary off the page', async () => {
  const counselor = `couns_${rnd()}`;
  const s = await talk(counselor);
  await ask(s);
  await work('summary');
  const page = await deskPage(counselor);
  await listed(page, [s]);
  await page.locator(`#group-waiting .row[data-id="${s.id}"]`).click();
  await page.waitForSelector('#text:enabled', wait);
  await row(page, s).click();
  await showsText(page, '.kept-text', /They spoke/);
  assert.equal(await page.locator('#text').count(), 0, 'the chat is closed');
  ok(await stack.as(stack.service()).delete(`/api/sessions/${s.id}`), 204);
  await showsText(page, '.place', /Erased/);
  assert.equal(await page.locator('.kept-text').count(), 0);
  await until('the group to go', () => page.locator('#group-summaries').isHidden());
  await page.context().close();
});

test('more than a page: the earlier ones are fetched on request', async () => {
  const counselor = `couns_${rnd()}`;
  const all = [];
  for (let i = 0; i < 22; i++) {
    const s = await talk(counselor);
    await ask(s);
    all.unshift(s);
  }
  const page = await deskPage(counselor);
  await listed(page, all.slice(0, 20));
  assert.equal(await page.locator('#group-summaries .count').textContent(), '20+');
  await page.getByRole('button', { name: 'Earlier summaries' }).click();
  await listed(page, all);
  assert.equal(await page.locator('#summaries-older').isHidden(), true);
  assert.equal(await page.evaluate(() => document.activeElement.dataset.id), all[20].id);
  await page.context().close();
});
