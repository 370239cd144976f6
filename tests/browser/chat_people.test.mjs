// The people of a group in the chat application: silenced for a while, made admin, written to alone; and who is online.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../lib/wait.mjs';
import { chromium, onStage, showsText, stack, wait } from './browser.mjs';
import { act, choose, desktop, direct, group, people, person, row, say, shows, stored, visit, write } from './chatting.mjs';
import { faint, nameless, unresolved } from './looks.mjs';

onStage();

const focused = (page) => page.evaluate(() => document.activeElement.id || document.activeElement.dataset.person || document.activeElement.tagName.toLowerCase());
const sub = (page, name) => page.locator('#info-list li', { hasText: name }).locator('.soft').textContent();

test('somebody is silenced for a while, by an admin, and may write again', async () => {
  const { Ada, Ben, Cleo } = await people(stack, ['Ada', 'Ben', 'Cleo']);
  const g = await group(Ada, [Ben, Cleo], 'Debate');
  const root = await say(Ben, g, 'and another thing');
  await say(Cleo, g, 'go on', { threadId: (await Cleo.http.post(`${g.path}/threads`, { root: root.id })).json.id });
  const [ada, ben, cleo] = await Promise.all([Ada, Ben, Cleo].map(async (one) => {
    const page = await visit(stack, await chromium.context(desktop), one.id, one.name);
    await choose(page, 'Debate');
    return page;
  }));
  await act(ben, 'another thing', 'thread');
  await ben.fill('#text', 'what I still wanted to');
  await cleo.click('#menu');
  await person(cleo, 'Ben');
  assert.equal(await cleo.locator('#person-silence-field').isVisible(), false, 'a member silences nobody');
  await cleo.click('#person-close');

  await ada.click('#menu');
  await person(ada, 'Ben');
  assert.deepEqual([await nameless(ada), await unresolved(ada), (await faint(ada)).weak], [[], [], []]);
  await ada.selectOption('#person-silence', '3600');
  await showsText(ada, '#person-state', /Saved/);
  await showsText(ada, '#person-sub', /silenced until \d/);
  assert.equal(await focused(ada), 'person-silence');
  await ada.keyboard.press('Escape');
  await until('the focus to be back where it was opened', async () => (await focused(ada)) === Ben.id);
  assert.match(await sub(ada, 'Ben'), /Member · silenced until/);
  await showsText(ada, '#list', /Ben is silenced until/);

  await showsText(ben, '#closed', /You are silenced until \d/);
  await showsText(ben, '#thread-closed', /You are silenced until \d/);
  for (const id of ['#write', '#thread-write']) assert.equal(await ben.locator(id).isVisible(), false);
  assert.equal(await focused(ben), 'log', 'the field that had the focus is away');
  await showsText(ben, '#list', /You are silenced until .*, by Ada/);
  await ben.locator('#list > .own').first().hover();
  assert.deepEqual(await ben.locator('#list > .own').first().locator('.acts [data-act]').evaluateAll((all) => all.map((one) => one.dataset.act)), ['thread', 'info', 'remove'], 'what may still be done');
  await write(cleo, 'quiet now');
  await showsText(ben, '#list', /quiet now/);
  assert.ok(!(await cleo.textContent('#list')).includes('silenced'), 'others are not told in the conversation');

  await person(ada, 'Ben');
  await ada.selectOption('#person-silence', '0');
  await showsText(ada, '#person-state', /Saved/);
  await ben.waitForSelector('#write:not([hidden])', wait);
  assert.equal(await focused(ben), 'text');
  assert.equal(await ben.inputValue('#text'), 'what I still wanted to', 'what he was writing is still there');
  await ben.fill('#text', 'thank you');
  await ben.press('#text', 'Enter');
  await stored(ben, 'thank you');

  // The time passes by itself.
  await Ada.http.put(`${g.path}/participants/${Ben.id}`, { silencedUntil: Date.now() + 10_000 });
  await ben.waitForSelector('#closed:not([hidden])', wait);
  await ben.waitForSelector('#write:not([hidden])', wait);
  await write(ben, 'and I am back');
  await stored(ben, 'and I am back');
  for (const page of [ada, ben, cleo]) await page.context().close();
});

test('another role, told to all; written to alone; and back', async () => {
  const { Ada, Ben, Cleo } = await people(stack, ['Ada', 'Ben', 'Cleo']);
  const g = await group(Ada, [Ben, Cleo], 'Board');
  await say(Ada, g, 'welcome');
  const [ada, ben] = await Promise.all([Ada, Ben].map(async (one) => {
    const page = await visit(stack, await chromium.context(desktop), one.id, one.name);
    await choose(page, 'Board');
    await page.click('#menu');
    return page;
  }));
  await person(ada, 'Ben');
  await ada.selectOption('#person-role', 'admin');
  await showsText(ada, '#person-sub', /^Admin/);
  await showsText(ben, '#list', /You are an admin now/);
  await showsText(ada, '#list', /Ben is an admin now/);
  await ada.click('#person-close');
  await person(ben, 'Ada');
  await ben.selectOption('#person-role', 'member');
  await showsText(ben, '#person-state', /Saved/);
  await until('what she may not do any more to be away', async () => !(await ada.locator('#rename').isVisible()));

  await ben.click('#person-close');
  await person(ben, 'Cleo');
  await ben.click('#person-write');
  await showsText(ben, '#peer', /^Cleo$/);
  assert.equal(await ben.locator('#person').isVisible(), false);
  await write(ben, 'a word, please');
  await stored(ben, 'a word, please');
  const { conversations } = (await Cleo.http.get('/api/conversations?type=direct')).json;
  assert.equal(conversations[0].lastMessage.content, 'a word, please');
  for (const page of [ada, ben]) await page.context().close();
});

test('completed by an admin: read-only for all, found with what is archived, taken up again', async () => {
  const { Ada, Ben } = await people(stack, ['Ada', 'Ben']);
  const g = await group(Ada, [Ben], 'Case 7');
  await say(Ben, g, 'all is well now');
  const [ada, ben] = await Promise.all([Ada, Ben].map(async (one) => {
    const page = await visit(stack, await chromium.context(desktop), one.id, one.name);
    await choose(page, 'Case 7');
    await page.click('#menu');
    return page;
  }));
  assert.equal(await ben.locator('#info-complete').isVisible(), false);
  await ada.click('#info-complete');
  for (const page of [ada, ben]) {
    await showsText(page, '#closed', /completed/);
    await until('it to be away from the list', async () => (await row(page, 'Case 7').count()) === 0);
  }
  await ada.click('[data-filter=archived]');
  await row(ada, 'Case 7').waitFor(wait);
  await ada.click('#info-complete');
  await ben.waitForSelector('#write:not([hidden])', wait);
  await write(ben, 'one more thing');
  await stored(ben, 'one more thing');
  for (const page of [ada, ben]) await page.context().close();
});

test('online in the list: at once when heard of; gone when out of the open conversation; looked at when one comes back to it', async () => {
  const { Ada, Ben, Cleo } = await people(stack, ['Ada', 'Ben', 'Cleo']);
  await group(Ada, [Cleo], 'Choir');
  const d = await direct(Ada, Ben);
  const ada = await visit(stack, await chromium.context(desktop), Ada.id, 'Ada');
  const dot = async (name, wanted) => until(`${name} to be ${wanted ? 'online' : 'offline'}`, async () => (await row(ada, name).locator('.face.here').count() > 0) === wanted, { ms: 25_000 });
  await row(ada, 'Ben').waitFor(wait);
  await dot('Ben', false);
  await say(Ben, d, 'I am on the bus');
  await dot('Ben', true);
  assert.match(await row(ada, 'Ben').textContent(), /online/);

  await choose(ada, 'Ben');
  const ben = await visit(stack, await chromium.context(desktop), Ben.id, 'Ben');
  await choose(ben, 'Ada');
  await showsText(ada, '#peer-state', /online/);
  await ben.context().close();
  await dot('Ben', false);
  await showsText(ada, '#peer-state', /offline/);

  const cleo = await visit(stack, await chromium.context(desktop), Cleo.id, 'Cleo');
  await until('a look to show her', async () => {
    await ada.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
    return (await row(ada, 'Choir').locator('.face.here').count()) > 0;
  }, { ms: 25_000 });
  await cleo.context().close();
  await until('another look to show that she has gone', async () => {
    await choose(ada, 'Choir');
    await choose(ada, 'Ben');
    return (await row(ada, 'Choir').locator('.face.here').count()) === 0;
  }, { ms: 25_000 });
  await ada.context().close();
});

test('people who left keep their words, not their ids; in a large group everybody is called by name', async () => {
  const { Ada, Ben, Zoe } = await people(stack, ['Ada', 'Ben', 'Zoe']);
  const crowd = Array.from({ length: 60 }, (_, i) => ({ id: `crowd_${i}_${Ada.id}` }));
  const g = await group(Ada, [...crowd, Ben], 'Square');
  await Ada.http.post(`${g.path}/participants`, { participant: Zoe.id });
  await say(Ben, g, 'I was here');
  await say(Zoe, g, 'and I am the last');
  await Ben.http.delete(`${g.path}/participants/${Ben.id}`);
  const ada = await visit(stack, await chromium.context(desktop), Ada.id, 'Ada');
  await choose(ada, 'Square');
  await showsText(ada, '#list', /I was here/);
  await until('both to be called something', async () => (await ada.locator('#list .author').allTextContents()).join() === 'Former member,Zoe');
  assert.ok(!(await ada.textContent('#room')).includes(Ben.id));
  await ada.context().close();
});
