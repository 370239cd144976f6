// Three people and the chat application, from making an account to being taken out: everything by the page, on the whole stack.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rnd } from '../lib/jwt.mjs';
import { png } from '../lib/pictures.mjs';
import { until } from '../lib/wait.mjs';
import { chromium, onStage, showsText, stack, wait } from './browser.mjs';
import { act, addressOf, badge, begin, choose, desktop, direct, group, live, logIn, people, person, register, row, say, shows, visit, write } from './chatting.mjs';

onStage();

const account = (name) => ({ name, login: `${name.toLowerCase()}.${rnd()}`, password: `long enough ${rnd()}` });

test('three people: accounts, direct, group, thread, edit, delete, receipts, search, file, removal, archive', async () => {
  const accounts = ['Ada', 'Ben', 'Cleo'].map(account);
  const [ada, ben, cleo] = await Promise.all(accounts.map(async (one) => {
    const page = await (await chromium.context(desktop)).newPage();
    await page.goto(`${stack.base}/chat.html`);
    await register(page, one);
    await showsText(page, '#empty', /No conversations yet/);
    return page;
  }));

  // Out, and in again: with the wrong password nothing is told, with the right one all is as before.
  await cleo.click('#self');
  await cleo.click('#own-logout');
  await cleo.waitForSelector('#gate:not([hidden])', wait);
  await cleo.fill('#gate-login', accounts[2].login);
  await cleo.fill('#gate-password', 'not this one');
  await cleo.click('#gate-go');
  await showsText(cleo, '#gate-error', /no such login and password/);
  await logIn(cleo, accounts[2]);
  await live(cleo);

  // Two of them, by the address that one gives the other.
  await begin(ada, await addressOf(ben));
  await showsText(ada, '#peer', /^Ben$/);
  await write(ada, 'Is this you?');
  await badge(ben, 'Ada', 1);
  assert.match(await ben.title(), /^\(1\)/);
  await choose(ben, 'Ada');
  await shows(ben, ['< Is this you?']);
  await badge(ben, 'Ada', 0);
  await showsText(ada, '#list .own .state', /^Read$/);
  await ben.locator('#text').pressSequentially('It');
  await showsText(ada, '#peer-state', /Ben is writing/);
  await write(ben, 'It is.');
  await shows(ada, ['> Is this you?', '< It is.']);

  // A group: Ben is known by name now, Cleo by her address.
  await begin(ada, ['Ben', await addressOf(cleo)], 'Reading circle');
  await write(ada, 'Where do we meet, and who brings the lantern?');
  await badge(ben, 'Reading circle', 1);
  await badge(cleo, 'Reading circle', 1);
  await choose(ben, 'Reading circle');
  await choose(cleo, 'Reading circle');
  await until('names to be known', async () => (await ada.textContent('#peer-state')).includes('3 people'));

  // A thread, begun by the first reply, and followed by whoever has it open.
  await act(ben, 'lantern', 'thread');
  await write(ben, 'I bring it.', { within: 'thread-' });
  await shows(cleo, ['< Where do we meet, and who brings the lantern?', '(Ben: I bring it.)']);
  await showsText(cleo, '.has-thread', /1 reply/);
  await cleo.click('.has-thread');
  await shows(cleo, ['< Where do we meet, and who brings the lantern?', '< I bring it.'], '#thread-list');
  await write(cleo, 'And I bring oil.', { within: 'thread-' });
  await shows(ben, ['< Where do we meet, and who brings the lantern?', '> I bring it.', '< And I bring oil.'], '#thread-list');
  await showsText(ada, '.has-thread', /2 replies/);
  await shows(ada, ['> Where do we meet, and who brings the lantern?', '(Cleo: And I bring oil.)']);
  for (const one of [ben, cleo]) await one.click('[data-do=close-side]');

  // A reply, an edit, a deletion.
  await act(cleo, 'lantern', 'reply');
  await write(cleo, 'At the bridje');
  await shows(ada, ['> Where do we meet, and who brings the lantern?', '(Cleo: And I bring oil.)', '< At the bridje']);
  assert.match(await ada.locator('.quote').textContent(), /You.*Where do we meet/);
  await act(cleo, 'bridje', 'edit');
  await write(cleo, 'At the bridge');
  for (const one of [ada, ben]) await showsText(one, '#list > .message:last-child', /At the bridge.*edited/s);
  await write(cleo, 'forget this');
  await act(cleo, 'forget this', 'remove');
  await cleo.click('#ask-yes');
  for (const one of [ada, ben]) await showsText(one, '#list > .message:last-child', /This message was deleted/);
  await until('nothing of it to stay', async () => !(await ada.content()).includes('forget this')); // nor what was read out

  // Who has read it.
  await write(ada, 'Agreed, then.');
  await until('both to have read it', async () => /Agreed.*Read by all/s.test(await ada.locator('#list > .own').last().textContent()));
  await act(ada, 'Agreed', 'info');
  await showsText(ada, '#receipts', /Read.*Ben.*Cleo/s);
  await ada.click('#receipts-close');

  // Search finds what was said in the thread, shows the word, and leads there; also from within.
  await ada.fill('#find', 'oil');
  await showsText(ada, '#hits mark', /^oil$/);
  await ada.click('#hits .hit');
  await shows(ada, ['> Where do we meet, and who brings the lantern?', '< I bring it.', '< And I bring oil.'], '#thread-list');
  await ada.fill('#find', '');
  await ada.click('#find-here');
  await ada.fill('#search-text', 'bridge');
  await ada.waitForSelector('#search-list mark', wait);
  await ada.click('#search-list .hit');
  await ada.waitForSelector('.message.found', wait);

  // A file: its progress is seen, the others get it by name, byte for byte.
  const bytes = Buffer.from(`What to bring\n${'lantern and oil\n'.repeat(20_000)}`);
  const network = await ada.context().newCDPSession(ada);
  await network.send('Network.enable');
  await network.send('Network.emulateNetworkConditions', { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: 60_000 });
  await ada.setInputFiles('#pick', { name: 'what to bring.txt', mimeType: 'text/plain', buffer: bytes });
  await until('its progress to be between nothing and all', () => ada.evaluate(() => {
    const bar = document.querySelector('#files progress');
    return bar && bar.value > 0 && bar.value < 1;
  }));
  await ada.fill('#text', 'The list');
  await ada.press('#text', 'Enter'); // waits for the file by itself
  await showsText(ada, '#hint', /as soon as the file is there/);
  await showsText(ben, '#list > .message:last-child', /The list.*what to bring\.txt.*320 KB/s);
  await network.detach();
  assert.equal(await ada.inputValue('#text'), '');
  assert.equal(await ada.locator('#files li').count(), 0);
  const got = await ben.evaluate(async () => (await fetch(document.querySelector('#list .file').href)).text());
  assert.equal(got, bytes.toString());

  // A picture stands where it was sent, and opens large.
  await ben.setInputFiles('#pick', { name: 'green.png', mimeType: 'image/png', buffer: png({ width: 40, height: 20 }) });
  await ben.waitForSelector('#files li.done', wait);
  await ben.click('#send');
  await until('the picture to be there', () => cleo.evaluate(() => [...document.querySelectorAll('#list .picture img')].some((one) => one.complete && one.naturalWidth === 40)));
  await cleo.click('#list .picture');
  await showsText(cleo, '#viewer-name', /green\.png/);
  await cleo.click('#viewer-close');

  // Renamed; one is taken out and sees nothing of it any more; put away.
  await ada.click('#menu');
  await ada.fill('#rename-text', 'Bridge watchers');
  await ada.press('#rename-text', 'Enter');
  await row(ben, 'Bridge watchers').waitFor(wait);
  await person(ada, 'Cleo');
  await ada.click('#person-out');
  await ada.click('#ask-yes');
  await showsText(cleo, '#chat', /not in this conversation any more/);
  assert.equal(await row(cleo, 'Bridge watchers').count(), 0);
  assert.ok(!(await cleo.textContent('#chat')).includes('lantern'));
  await showsText(ben, '#list', /Ada removed Cleo/);
  await showsText(ada, '#info-sub', /2 people/);
  await ada.click('#info-archive');
  await until('it to be put away', async () => (await row(ada, 'Bridge watchers').count()) === 0);
  await ada.click('[data-filter=archived]');
  await row(ada, 'Bridge watchers').waitFor(wait);
  await write(ben, 'Still here?'); // which brings it back
  await until('it to come back', async () => (await row(ada, 'Bridge watchers').count()) === 0);
  await ada.click('[data-filter=all]');
  await row(ada, 'Bridge watchers').waitFor(wait);

  // Another name: whoever comes anew sees it.
  await ben.click('#self');
  await ben.fill('#own-new-name', 'Benedict');
  await ben.press('#own-new-name', 'Enter');
  await showsText(ben, '#own-name', /^Benedict$/);
  await ada.reload();
  await row(ada, 'Benedict').waitFor(wait);

  for (const page of [ada, ben, cleo]) await page.context().close();
});

test('the list: order, previews, filters, muted, names, more by scrolling', async () => {
  const { Ada, Ben, Dee } = await people(stack, ['Ada', 'Ben', 'Dee']);
  for (let i = 0; i < 45; i += 1) await group(Dee, [Ada], `Shelf ${i}`);
  const d = await direct(Ben, Ada);
  const g = await group(Ada, [Ben], 'Garden');
  await say(Ben, d, 'psst');
  const page = await visit(stack, await chromium.context(desktop), Ada.id, 'Ada');
  await showsText(page, '#rows > li:first-child .who', /^Ben$/);
  await badge(page, 'Ben', 1);
  await say(Ben, g, 'the beans are up');
  await showsText(page, '#rows > li:first-child', /Garden.*Ben: the beans are up/);
  await badge(page, 'Garden', 1);
  assert.match(await page.title(), /^\(2\)/);

  assert.equal(await row(page, 'Shelf 0').count(), 0, 'the oldest is not loaded yet');
  await Ada.http.put(`${g.path}/mute`, { muted: true }); // on the phone, say
  await row(page, 'Garden').locator('.row-muted').waitFor(wait);
  await page.click('[data-filter=direct]');
  await until('only the direct one', async () => (await page.locator('#rows .row').count()) === 1);
  await page.click('[data-filter=unread]');
  await until('both unread ones', async () => (await page.locator('#rows .row').count()) === 2);
  await page.click('[data-filter=all]');
  await row(page, 'Shelf 44').waitFor(wait);
  await until('scrolling to bring the rest', async () => {
    await page.evaluate(() => { const box = document.getElementById('sessions'); box.scrollTop = box.scrollHeight; });
    return (await page.locator('#rows .row').count()) === 47;
  });
  await page.fill('#find', 'Shelf 7');
  await until('one to be found', async () => (await page.locator('#rows .row .who').allTextContents()).join() === 'Shelf 7');
  await page.fill('#find', 'beans');
  await page.click('#hits .hit');
  await page.waitForSelector('.message.found', wait);
  await page.context().close();
});

test('a long history: older by scrolling, a jump to what was found far back, and to what is unread', async () => {
  const { Ada, Ben } = await people(stack, ['Ada', 'Ben']);
  const g = await group(Ada, [Ben], 'Archive');
  for (let i = 1; i <= 260; i += 1) await say(i % 2 ? Ada : Ben, g, i === 12 ? 'the quince tree' : `line ${i}`);
  const page = await visit(stack, await chromium.context(desktop), Ben.id, 'Ben');
  await badge(page, 'Archive', '99+');
  await choose(page, 'Archive');
  await showsText(page, '#list > .message:last-child', /line 260/);
  const lines = () => page.$$eval('#list .text', (all) => all.map((one) => one.textContent)); // without the times that stand beside them
  assert.ok(!(await lines()).includes('line 100'), 'only the newest page is there');

  await page.click('#to-unread');
  await page.waitForSelector('#list .unread', wait);
  await showsText(page, '#list .unread + .message .text', /^line 1$/);
  await showsText(page, '#newest', /Newest messages/);
  await page.reload();
  await showsText(page, '#list > .message:last-child', /line 260/);

  await page.click('#find-here');
  await page.fill('#search-text', 'quince');
  await page.click('#search-list .hit');
  await showsText(page, '.message.found', /the quince tree/);
  assert.ok(!(await lines()).includes('line 200'), 'a window of the history, not all of it');
  await say(Ada, g, 'and something new meanwhile');
  await page.click('#newest');
  await showsText(page, '#list > .message:last-child', /and something new meanwhile/);
  await until('older ones to come by scrolling', async () => {
    await page.evaluate(() => { document.getElementById('log').scrollTop = 0; });
    return (await lines()).includes('line 150');
  });
  const positions = await page.$$eval('#list > .message', (all) => all.map((one) => Number(one.dataset.id)));
  assert.deepEqual(positions, [...positions].sort((a, b) => a - b));
  assert.equal(new Set(positions).size, positions.length);
  await page.context().close();
});

test('a link to write to somebody; another role; leaving; erasing', async () => {
  const { Ada, Ben, Cleo } = await people(stack, ['Ada', 'Ben', 'Cleo']);
  const g = await group(Ada, [Ben, Cleo], 'Rota');
  const ada = await visit(stack, await chromium.context(desktop), Ada.id, 'Ada');
  const ben = await visit(stack, await chromium.context(desktop), Ben.id, 'Ben', { hash: `&with=${Cleo.id}` });
  await ben.locator('#create').waitFor({ ...wait, state: 'visible' });
  assert.ok(!ben.url().includes('token') && !ben.url().includes('with='), ben.url());
  const direct = async () => (await Cleo.http.get('/api/conversations?type=direct')).json.conversations.length;
  assert.equal(await direct(), 0, 'who only follows a link is not told of');
  await ben.click('#create-go');
  await showsText(ben, '#peer', /^Cleo$/);
  assert.equal(await direct(), 1);

  await choose(ada, 'Rota');
  await choose(ben, 'Rota');
  await ben.click('#menu');
  assert.equal(await ben.locator('#rename').isVisible(), false, 'a member does not rename');
  assert.equal(await ben.locator('#info-erase').isVisible(), false);
  await ada.click('#menu');
  await person(ada, 'Ben');
  await ada.selectOption('#person-role', 'admin');
  await showsText(ada, '#person-state', /Saved/);
  await ada.click('#person-close');
  await ben.locator('#rename').waitFor({ ...wait, state: 'visible' });
  await ben.selectOption('#keep', '604800');
  await until('what was chosen to be kept', async () => (await Ada.http.get(g.path)).json.retentionS === 604800);

  await ada.click('#info-leave');
  await ada.click('#ask-yes');
  await showsText(ada, '#chat', /You left/);
  await showsText(ben, '#list', /Ada left/);
  await ben.click('#info-erase');
  await ben.click('#ask-yes');
  await showsText(ben, '#chat', /Every message of this conversation is gone/);
  assert.equal((await Ben.http.get(`${g.path}/messages`)).status, 404);
  for (const page of [ada, ben]) await page.context().close();
});
