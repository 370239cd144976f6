// Leaving: quickly, by the end of the conversation, by erasure, by the deadline. What must be gone is looked for, also on the disk.
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { chromium as engine } from 'playwright-core';
import { ok } from '../lib/contract.mjs';
import { startStack } from '../lib/stack.mjs';
import { until } from '../lib/wait.mjs';
import { chromium, enter, exitUrl, inPhase, isLive, launchOptions, marked, onStage, shows, showsText, stack, startBrowser, wait, write } from './browser.mjs';

onStage();

const left = (page) => page.waitForURL(exitUrl, wait);

for (const [how, leave] of [
  ['the button', (page) => page.click('.leave')],
  ['Escape twice', async (page) => { await page.press('#text', 'Escape'); await page.keyboard.press('Escape'); }],
  ['Escape twice in a dialog', async (page) => { await page.click('#menu'); await page.keyboard.press('Escape'); await page.keyboard.press('Escape'); }],
]) {
  test(`quick exit by ${how}: another page, no way back, no cookie`, async () => {
    const s = await stack.session();
    const context = await chromium.context();
    const page = await enter(context, stack.base, s.tickets.student);
    await write(page, 'a secret of mine');
    await shows(page, ['> a secret of mine']);
    assert.equal((await context.cookies(`${stack.base}${s.path}`)).length, 1);
    const before = await page.evaluate(() => history.length);
    await leave(page);
    await left(page);
    await page.waitForSelector('#elsewhere');
    assert.equal(await page.evaluate(() => history.length), before, 'the room’s entry was replaced');
    assert.deepEqual(await context.cookies(`${stack.base}${s.path}`), []);
    await page.goBack();
    assert.equal(page.url(), 'about:blank', 'Back leads to what was before the room');
    await page.goForward();
    assert.equal(page.url(), exitUrl);
    await context.close();
  });
}

test('quick exit blanks the page before anything else, also when the server does not answer', async () => {
  const s = await stack.session();
  const context = await chromium.context();
  const page = await enter(context, stack.base, s.tickets.student);
  await write(page, 'a secret of mine');
  await shows(page, ['> a secret of mine']);
  await context.route('**/cookie?**', () => {}); // hangs
  const [body, title] = await page.evaluate(() => {
    document.querySelector('.leave').click();
    return [document.body.textContent.trim(), document.title.trim()];
  });
  assert.deepEqual([body, title], ['', '']);
  await left(page);
  await context.close();
});

test('quick exit takes every tab of this person along, and nobody else’s', async () => {
  const s = await stack.session();
  const context = await chromium.context();
  const first = await enter(context, stack.base, s.tickets.student);
  const second = await enter(context, stack.base, s.tickets.student);
  const counselor = await enter(context, stack.base, s.tickets.counselor);
  await write(first, 'hello');
  for (const page of [first, second]) await shows(page, ['> hello']);
  await second.click('.leave');
  await left(first);
  await left(second);
  await shows(counselor, ['< hello']);
  assert.equal((await context.cookies(`${stack.base}${s.path}`)).length, 1, 'the other participant’s cookie stays');
  await context.close();
});

test('quick exit leaves nothing in storage, and the link opens the conversation again', async () => {
  const s = await stack.session();
  const context = await chromium.context();
  const page = await enter(context, stack.base, s.tickets.student);
  await write(page, 'hello');
  await shows(page, ['> hello']);
  const nothing = () => page.evaluate(async () => ({
    local: Object.keys(localStorage), session: Object.keys(sessionStorage), databases: await indexedDB.databases(), caches: await caches.keys(),
    workers: (await navigator.serviceWorker.getRegistrations()).length, cookie: document.cookie,
  }));
  const empty = { local: [], session: [], databases: [], caches: [], workers: 0, cookie: '' };
  assert.deepEqual(await nothing(), empty, 'not even while the page is open');
  await page.click('.leave');
  await left(page);
  const again = await context.newPage();
  await again.goto(`${stack.base}/`);
  await showsText(again, '#over-title', /Welcome/);
  const { held, pending } = await again.evaluate(() => navigator.locks.query());
  assert.deepEqual([held, pending], [[], []]);
  await again.goto(`${stack.base}/#ticket=${s.tickets.student}`);
  await again.reload();
  const back = await enter(context, stack.base, s.tickets.student);
  await shows(back, ['> hello']);
  await context.close();
});

/** Where in a folder one of these texts stands, as UTF-8 or as UTF-16. */
function findings(folder, needles) {
  const found = [];
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile()) continue;
    const file = join(entry.parentPath ?? entry.path, entry.name);
    let bytes;
    try {
      bytes = readFileSync(file);
    } catch {
      continue; // a socket or a lock that went with the browser
    }
    for (const [name, text] of Object.entries(needles)) {
      if (bytes.includes(Buffer.from(text)) || bytes.includes(Buffer.from(text, 'utf16le'))) found.push(`${name} in ${file.slice(folder.length + 1)}`);
    }
  }
  return found;
}

test('after a quick exit the profile on the disk holds neither words nor cookie', async () => {
  const s = await stack.session();
  const folder = mkdtempSync(join(tmpdir(), 'room-profile-'));
  let context;
  try {
    context = await engine.launchPersistentContext(folder, { ...launchOptions, locale: 'en-GB' });
    await chromium.watch(context);
    const page = await enter(context, stack.base, s.tickets.student);
    await write(page, 'PeculiarWordsOfMine');
    await shows(page, ['> PeculiarWordsOfMine']);
    await marked(page, 'sent');
    await stack.as(s.tickets.counselor).post(`${s.path}/messages`, { content: 'PeculiarWordsOfTheirs' });
    await shows(page, ['> PeculiarWordsOfMine', '< PeculiarWordsOfTheirs']);
    await page.reload();
    await isLive(page);
    await page.fill('#text', 'PeculiarDraft');
    await page.click('.leave');
    await left(page);
    await context.close();
    const needles = { 'own words': 'PeculiarWordsOfMine', 'their words': 'PeculiarWordsOfTheirs', draft: 'PeculiarDraft', cookie: 'room_' };
    assert.deepEqual(findings(folder, needles), []);
    // The address of the link itself is the browser's own note, as of every link that is opened: no page can take it out (the panel says so).
    const signature = s.tickets.student.split('.')[2];
    assert.deepEqual(findings(join(folder, 'Default'), { ticket: signature }).filter((one) => !/ in (History|Favicons|Sessions|Shortcuts|Top Sites)/.test(one)), []);
  } finally {
    await context?.close();
    rmSync(folder, { recursive: true, force: true });
  }
});

test('erase now: asked first, then gone for both, and for every link', async () => {
  const s = await stack.session();
  const student = await enter(await chromium.context(), stack.base, s.tickets.student);
  const counselor = await enter(await chromium.context(), stack.base, s.tickets.counselor);
  await write(student, 'please forget this');
  await shows(counselor, ['< please forget this']);
  await student.click('#menu');
  await student.click('#sheet [data-do=erase]');
  await showsText(student, '#ask-title', /Erase everything now/);
  assert.equal(await student.evaluate(() => document.activeElement.id), 'ask-no', 'the safe answer has the focus');
  await student.click('#ask-no');
  await shows(student, ['> please forget this']);
  await student.click('#menu');
  await student.click('#sheet [data-do=erase]');
  await student.click('#ask-yes');
  for (const page of [student, counselor]) {
    await inPhase(page, 'erased');
    await showsText(page, '#over-title', /Everything has been erased/);
    assert.ok(!(await page.content()).includes('forget this'));
    assert.equal(new URL(page.url()).hash, '');
    await until('its cookie to go', async () => (await page.context().cookies(`${stack.base}${s.path}`)).length === 0);
  }
  const late = await chromium.context();
  const page = await late.newPage();
  await page.goto(`${stack.base}/#ticket=${s.tickets.student}`);
  await showsText(page, '#over-title', /erased/);
  await late.close();
  await student.context().close();
  await counselor.context().close();
});

test('the deadline: erased before one’s eyes, and what was typed goes too', async () => {
  const short = await startStack({ env: { ROOM_TTL_S: '15' } });
  const browser = await startBrowser(short.base);
  try {
    const s = await short.session();
    const student = await enter(await browser.context(), short.base, s.tickets.student);
    ok(await short.as(s.tickets.counselor).post(`${s.path}/messages`, { content: 'a moment' }), 201); // the deadline moves: entering takes its time
    const counselor = await enter(await browser.context(), short.base, s.tickets.counselor);
    await write(student, 'a few seconds');
    await shows(counselor, ['> a moment', '< a few seconds']);
    await student.fill('#text', 'a draft');
    // One of them hears nothing any more: that page must erase by its own clock.
    await counselor.context().setOffline(true);
    for (const page of [student, counselor]) {
      await inPhase(page, 'expired');
      await showsText(page, '#over-title', /has been erased/);
      const html = await page.content();
      assert.ok(!html.includes('a few seconds') && !html.includes('a draft'));
    }
    await student.reload();
    await showsText(student, '#over-title', /Welcome|erased/);
  } finally {
    try {
      await browser.stop();
    } finally {
      await short.stop();
    }
  }
});
