// From one conversation to another and back in the chat application: drafts with their files, panels on a phone, what a search has found, what could not be fetched.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../lib/wait.mjs';
import { chromium, onStage, showsText, stack, wait } from './browser.mjs';
import { act, choose, desktop, direct, group, people, person, row, say, shows, stored, talkLive, visit, write } from './chatting.mjs';

onStage();

const text = (name, content = 'plain words') => ({ name, mimeType: 'text/plain', buffer: Buffer.from(content) });
const phone = { viewport: { width: 360, height: 640 }, hasTouch: true, isMobile: true };
const uploads = (page, list = '#files') => page.$$eval(`${list} li`, (all) => all.map((one) => `${one.querySelector('b').textContent} ${one.className.replace('upload ', '')}`));
const messages = async (who, g) => (await who.http.get(`${g.path}/messages`)).json.messages.map((one) => [one.content, one.files?.map((file) => file.name).join()]);

/** Uploads wait at a gate until it is opened. */
async function gateFor(context) {
  let pass;
  const open = new Promise((resolve) => { pass = resolve; });
  await context.route((url) => url.pathname.endsWith('/files'), async (route) => {
    await open;
    return route.fallback().catch(() => {});
  });
  return pass;
}

test('files that are chosen stay with their conversation, go up meanwhile, and leave with its message', async () => {
  const { Ada, Ben } = await people(stack, ['Ada', 'Ben']);
  const [g, h] = [await group(Ada, [Ben], 'Loft'), await group(Ada, [Ben], 'Porch')];
  const context = await chromium.context(desktop);
  const pass = await gateFor(context);
  const ada = await visit(stack, context, Ada.id, 'Ada');
  await choose(ada, 'Loft');
  await ada.fill('#text', 'as promised');
  await ada.setInputFiles('#pick', [text('list.txt')]);
  await choose(ada, 'Porch');
  assert.deepEqual(await uploads(ada), []);
  await showsText(ada, '#rows', /Draft: as promised/);
  await ada.setInputFiles('#pick', [text('plan.txt')]);
  await choose(ada, 'Loft');
  assert.deepEqual([await uploads(ada), await ada.inputValue('#text')], [['list.txt up'], 'as promised']);
  await showsText(ada, '#rows', /Draft: plan\.txt/);
  await choose(ada, 'Porch');
  pass();
  await until('it to be up', async () => (await uploads(ada)).join() === 'plan.txt done');
  await choose(ada, 'Loft');
  await until('the other, too', async () => (await uploads(ada)).join() === 'list.txt done');
  await ada.press('#text', 'Enter');
  await stored(ada, 'as promised');
  assert.deepEqual([await messages(Ben, g), await messages(Ben, h)], [[['as promised', 'list.txt']], []]);
  await choose(ada, 'Porch');
  assert.deepEqual(await uploads(ada), ['plan.txt done']);
  await ada.locator('#files [aria-label^="Take"]').click();
  await choose(ada, 'Loft');
  assert.ok(!(await ada.textContent('#rows')).includes('Draft'), 'nothing is left of it');
  await context.close();
});

test('sent while its file is on the way, then elsewhere: it goes out by itself, once, where it belongs', async () => {
  const { Ada, Ben } = await people(stack, ['Ada', 'Ben']);
  const [g, h] = [await group(Ada, [Ben], 'Loft'), await group(Ada, [Ben], 'Porch')];
  const context = await chromium.context(desktop);
  const pass = await gateFor(context);
  const ada = await visit(stack, context, Ada.id, 'Ada');
  await choose(ada, 'Loft');
  await ada.setInputFiles('#pick', [text('list.txt')]);
  await ada.fill('#text', 'the list');
  await ada.press('#text', 'Enter');
  await showsText(ada, '#hint', /as soon as the file is there/);
  await choose(ada, 'Porch');
  await ada.fill('#text', 'something else');
  pass();
  await until('it to be sent', async () => (await messages(Ben, g)).length > 0);
  assert.deepEqual(await messages(Ben, g), [['the list', 'list.txt']]);
  assert.equal(await ada.inputValue('#text'), 'something else');
  await choose(ada, 'Loft');
  await shows(ada, ['> the list']);
  assert.deepEqual([await uploads(ada), await ada.inputValue('#text')], [[], '']);
  assert.deepEqual([await messages(Ben, g), await messages(Ben, h)], [[['the list', 'list.txt']], []]);
  await context.close();
});

test('a thread keeps what is being written in it: one there is, and one still to be made', async () => {
  const { Ada, Ben } = await people(stack, ['Ada', 'Ben']);
  const g = await group(Ada, [Ben], 'Loft');
  await group(Ada, [Ben], 'Porch');
  await say(Ben, g, 'first');
  const second = await say(Ben, g, 'second');
  await say(Ben, g, 'within', { threadId: (await Ben.http.post(`${g.path}/threads`, { root: second.id })).json.id });
  const ada = await visit(stack, await chromium.context(desktop), Ada.id, 'Ada');
  await choose(ada, 'Loft');
  await act(ada, 'first', 'thread');
  await ada.fill('#thread-text', 'to be made');
  await act(ada, 'second', 'thread');
  await showsText(ada, '#thread-list', /within/);
  assert.equal(await ada.inputValue('#thread-text'), '');
  await ada.fill('#thread-text', 'to go on');
  await ada.setInputFiles('#thread-pick', [text('note.txt')]);
  await ada.waitForSelector('#thread-files .done', wait);
  await ada.keyboard.press('Escape');
  await choose(ada, 'Porch');
  await choose(ada, 'Loft');
  await act(ada, 'first', 'thread');
  assert.equal(await ada.inputValue('#thread-text'), 'to be made');
  await act(ada, 'second', 'thread');
  await showsText(ada, '#thread-list', /within/);
  assert.deepEqual([await ada.inputValue('#thread-text'), await uploads(ada, '#thread-files')], ['to go on', ['note.txt done']]);
  await ada.press('#thread-text', 'Enter');
  await stored(ada, 'to go on', '#thread-list');
  await ada.context().close();
});

test('a message that changes while one presses a button of its: the button is pressed all the same', async () => {
  const { Ada, Ben } = await people(stack, ['Ada', 'Ben']);
  const g = await group(Ada, [Ben], 'Press');
  const ada = await visit(stack, await chromium.context(desktop), Ada.id, 'Ada');
  await choose(ada, 'Press');
  await write(ada, 'a tipo');
  await stored(ada, 'a tipo');
  const message = ada.locator('#list > .message.own', { hasText: 'a tipo' });
  await message.hover();
  await message.locator('[data-act=edit]').hover();
  await ada.mouse.down();
  assert.equal((await Ben.http.put(`${g.path}/read`, { upTo: (await Ben.http.get(g.path)).json.lastMessage.id })).status, 204);
  await ada.waitForSelector('#list .own [data-state=read]', wait);
  await ada.mouse.up();
  await showsText(ada, '#context-text', /a tipo/);
  await write(ada, 'a typo');
  await showsText(ada, '#list > .message.own', /a typo.*edited/s);
  await ada.context().close();
});

test('a list that changes its order while one presses a row that stays: it opens', async () => {
  const { Ada, Ben } = await people(stack, ['Ada', 'Ben']);
  for (const title of ['Low', 'Middle', 'Top']) await say(Ben, await group(Ada, [Ben], title), title);
  const ada = await visit(stack, await chromium.context(desktop), Ada.id, 'Ada');
  const names = () => ada.$$eval('#rows .who', (all) => all.map((one) => one.textContent));
  await until('all to be listed', async () => (await names()).join() === 'Top,Middle,Low');
  await row(ada, 'Low').hover();
  await ada.mouse.down();
  const middle = (await Ben.http.get('/api/conversations')).json.conversations.find((one) => one.title === 'Middle');
  await say(Ben, { path: `/api/conversations/${middle.id}` }, 'me first');
  await until('the order to change', async () => (await names()).join() === 'Middle,Top,Low');
  await ada.mouse.up();
  await showsText(ada, '#peer', /^Low$/);
  await ada.context().close();
});

test('files: ten at most, and it is said; one that fails says why, the message waits; one that is refused for good can only be taken out', async () => {
  const { Ada, Ben } = await people(stack, ['Ada', 'Ben']);
  const g = await group(Ada, [Ben], 'Loft');
  const context = await chromium.context(desktop);
  const ada = await visit(stack, context, Ada.id, 'Ada');
  await choose(ada, 'Loft');
  await ada.setInputFiles('#pick', Array.from({ length: 12 }, (_, i) => text(`${i}.txt`)));
  await until('ten of them', async () => (await uploads(ada)).filter((one) => / done$/.test(one)).length === 10);
  await showsText(ada, '#hint', /10 files at most/);
  for (let i = 0; i < 10; i += 1) await ada.locator('#files [aria-label^="Take"]').first().click();

  await ada.setInputFiles('#pick', [text('nothing.txt', '')]);
  await showsText(ada, '#files .failed', /This file is empty/);
  await ada.locator('#files [aria-label^="Take"]').click();
  await ada.setInputFiles('#pick', [{ name: 'program.exe', mimeType: 'application/octet-stream', buffer: Buffer.from('MZ\0\0\x03') }]);
  await showsText(ada, '#files .failed', /Files of this kind are not taken here/);
  assert.equal(await ada.locator('#files [aria-label^="Try"]').count(), 0);
  await ada.fill('#text', 'with it');
  await ada.press('#text', 'Enter');
  await showsText(ada, '#hint', /could not be sent/);
  await ada.locator('#files [aria-label^="Take"]').click();
  await stored(ada, 'with it');

  await context.route((url) => url.pathname.endsWith('/files'), (route) => route.abort(), { times: 1 });
  await ada.setInputFiles('#pick', [text('list.txt')]);
  await showsText(ada, '#files .failed', /connection broke/);
  await ada.locator('#files [aria-label^="Try"]').click();
  await ada.waitForSelector('#files .done', wait);
  await ada.click('#send');
  await until('both to be there', async () => (await messages(Ben, g)).length === 2);
  assert.deepEqual(await messages(Ben, g), [['with it', undefined], ['', 'list.txt']]);
  await context.close();
});

test('on a phone, back leads out of a panel, then out of the conversation', async () => {
  const { Ada, Ben } = await people(stack, ['Ada', 'Ben']);
  const g = await group(Ada, [Ben], 'Loft');
  await say(Ben, g, 'hello');
  const page = await visit(stack, await chromium.context(phone), Ada.id, 'Ada');
  const open = () => page.evaluate(() => [document.getElementById('room').dataset.view, document.getElementById('room').dataset.side ?? null]);
  const at = (view, side) => until(`${view} and ${side}`, async () => JSON.stringify(await open()) === JSON.stringify([view, side]));
  await row(page, 'Loft').click();
  await talkLive(page);
  await page.click('#menu');
  await at('chat', 'info');
  await page.goBack();
  await at('chat', null);
  await shows(page, ['< hello']);
  await page.click('#menu');
  await page.click('#info-find');
  await at('chat', 'search');
  await page.fill('#search-text', 'hello');
  await page.click('#search-list .hit');
  await at('chat', null);
  await page.waitForSelector('.message.found', wait);
  await page.click('#menu');
  await page.click('[data-do=close-side]');
  await at('chat', null);
  await page.goBack();
  await at('list', null);
  await row(page, 'Loft').click();
  await page.click('#menu');
  await person(page, 'Ben');
  await page.click('#person-write');
  await showsText(page, '#peer', /^Ben$/);
  await at('chat', null);
  await page.goBack();
  await showsText(page, '#peer', /^Loft$/);
  await at('chat', null);
  await page.click('#back');
  await at('list', null);
  assert.ok(!/[#&]c=/.test(page.url()), page.url());
  await page.context().close();
});

test('what was found in a conversation that the list has not loaded is called by its name', async () => {
  const { 'Ada Lind': Ada, 'Ben Okri': Ben, Cleo } = await people(stack, ['Ada Lind', 'Ben Okri', 'Cleo']);
  await say(Ben, await direct(Ben, Ada), 'the quince tree');
  for (let i = 0; i < 45; i += 1) await group(Cleo, [Ada], `Shelf ${i}`);
  const ada = await visit(stack, await chromium.context(desktop), Ada.id, 'Ada Lind');
  await row(ada, 'Shelf 44').waitFor(wait);
  assert.equal(await row(ada, 'Ben Okri').count(), 0);
  await ada.fill('#find', 'quince');
  await showsText(ada, '#hits .hit', /^Ben Okri\d.*Ben Okri: the quince tree/);
  await ada.context().close();
});

test('what was found in a thread, far up: the thread opens there', async () => {
  const { Ada, Ben } = await people(stack, ['Ada', 'Ben']);
  const g = await group(Ada, [Ben], 'Loft');
  const root = await say(Ben, g, 'the great thread');
  const thread = (await Ben.http.post(`${g.path}/threads`, { root: root.id })).json;
  for (let i = 1; i <= 130; i += 1) await say(i % 2 ? Ada : Ben, g, i === 5 ? 'the quince tree' : `line ${i}`, { threadId: thread.id });
  const ada = await visit(stack, await chromium.context(desktop), Ada.id, 'Ada');
  await ada.fill('#find', 'quince');
  await ada.click('#hits .hit');
  await showsText(ada, '#thread-list .message.found', /the quince tree/);
  const box = await ada.locator('#thread-list .message.found').boundingBox();
  assert.ok(box.y > 50 && box.y < 750, 'in view');
  await ada.context().close();
});

test('a thread says that nobody replied only where nobody did: one that began at no message, too, and one whose first message is far up', async () => {
  const { Ada, Ben } = await people(stack, ['Ada', 'Ben']);
  const g = await group(Ada, [Ben], 'Loft');
  const old = await say(Ben, g, 'long ago');
  const far = (await Ben.http.post(`${g.path}/threads`, { title: 'Far up', root: old.id })).json;
  for (let i = 1; i <= 130; i += 1) await say(Ben, g, `line ${i}`);
  await say(Ben, g, 'just now');
  const rootless = (await Ben.http.post(`${g.path}/threads`, { title: 'Rootless' })).json;
  for (const thread of [far, rootless]) await say(Ben, g, `in ${thread.title}`, { threadId: thread.id });
  const ada = await visit(stack, await chromium.context(desktop), Ada.id, 'Ada');
  await choose(ada, 'Loft');
  await talkLive(ada);
  const nobody = (yes, what) => until(`${what}: nobody replied, ${yes}`, async () => (await ada.locator('#thread-start p').isVisible()) === yes, { ms: 5000 });
  await act(ada, 'just now', 'thread');
  await nobody(true, 'a new one');
  for (const { title } of [far, rootless]) {
    await ada.click('#threads-here');
    await ada.locator('#threads-list .hit', { hasText: title }).click();
    await showsText(ada, '#thread-list', new RegExp(`in ${title}`));
    await nobody(false, title);
  }
  await ada.context().close();
});

test('a conversation that cannot be fetched: why, and once more; a slow one is overtaken by what was chosen after it', async () => {
  const { Ada, Ben } = await people(stack, ['Ada', 'Ben']);
  const [g, h] = [await group(Ada, [Ben], 'Loft'), await group(Ada, [Ben], 'Porch')];
  await say(Ben, g, 'in the loft');
  await Ada.http.put(g.path, { status: 'archived' });
  const context = await chromium.context(desktop);
  let broken = true;
  await context.route((url) => url.pathname === g.path, (route) => (broken ? route.abort() : route.fallback()));
  const page = await visit(stack, context, Ada.id, 'Ada', { hash: `&c=${g.id}` });
  await showsText(page, '#chat', /could not be fetched.*connection/s);
  broken = false;
  await page.locator('#chat button', { hasText: 'Try again' }).click();
  await shows(page, ['< in the loft']);

  let pass;
  const gate = new Promise((resolve) => { pass = resolve; });
  await context.route((url) => url.pathname === g.path, async (route) => {
    await gate;
    return route.fallback().catch(() => {});
  });
  const slow = await context.newPage();
  const asked = slow.waitForRequest((request) => new URL(request.url()).pathname === g.path, wait);
  await slow.goto(page.url());
  await asked;
  await row(slow, 'Porch').click();
  await showsText(slow, '#peer', /^Porch$/);
  const answered = slow.waitForResponse((response) => new URL(response.url()).pathname === g.path, wait);
  pass();
  await answered;
  await write(slow, 'on the porch');
  await stored(slow, 'on the porch');
  assert.equal(await slow.textContent('#peer'), 'Porch');
  assert.deepEqual(await messages(Ben, h), [['on the porch', undefined]]);
  await context.close();
});
