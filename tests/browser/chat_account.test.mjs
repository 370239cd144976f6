// One's account in the chat application: another password, logged out everywhere, deleted; and somebody else at the same page.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rnd } from '../lib/jwt.mjs';
import { sleep, until } from '../lib/wait.mjs';
import { chromium, onStage, showsText, stack, wait } from './browser.mjs';
import { choose, desktop, group, live, logIn, people, register, row, say, shows, visit, write } from './chatting.mjs';
import { faint, nameless, unresolved } from './looks.mjs';

onStage();

const account = (name) => ({ name, login: `${name.toLowerCase()}.${rnd()}`, password: `long enough ${rnd()}` });

async function withAccount(one, options = desktop) {
  const page = await (await chromium.context(options)).newPage();
  await page.goto(`${stack.base}/chat.html`);
  await register(page, one);
  return page;
}

async function elsewhere(one) {
  const page = await (await chromium.context(desktop)).newPage();
  await page.goto(`${stack.base}/chat.html`);
  await logIn(page, one);
  await live(page);
  return page;
}

const idOf = (page) => page.evaluate(async () => (await (await fetch('/auth/me')).json()).user.id);
const focused = (page) => page.evaluate(() => document.activeElement.id || document.activeElement.tagName.toLowerCase());
const gate = (page, pattern) => showsText(page, '#gate-title', pattern);

test('another password: the one there is must be right; every other login is over, this one goes on', async () => {
  const ada = account('Ada');
  const here = await withAccount(ada);
  const there = await elsewhere(ada);
  const { Ben } = await people(stack, ['Ben']);
  const g = await group(Ben, [{ id: await idOf(here) }], 'Keys');
  await choose(here, 'Keys');

  await here.click('#self');
  await showsText(here, '#own-login', new RegExp(ada.login.replace('.', '\\.')));
  await here.click('#own-password summary');
  const change = async (old, fresh) => {
    await here.fill('#own-old', old);
    await here.fill('#own-new', fresh);
    await here.press('#own-new', 'Enter');
  };
  const fresh = `another one ${rnd()}`;
  await here.click('#own-password-go');
  await showsText(here, '#own-password-error', /fill in every field/);
  assert.equal(await focused(here), 'own-old');
  await change(ada.password, 'short');
  await showsText(here, '#own-password-error', /8 characters/);
  assert.equal(await focused(here), 'own-new');
  await change(ada.password, ada.password);
  await showsText(here, '#own-password-error', /the password you have/);
  await change('not the one', fresh);
  await showsText(here, '#own-password-error', /not your password/);
  assert.equal(await focused(here), 'own-old');
  await change(ada.password, '12345678');
  await showsText(here, '#own-password-error', /guessed first/);

  await here.check('#own-show');
  assert.equal(await here.getAttribute('#own-new', 'type'), 'text');
  await change(ada.password, fresh);
  await showsText(here, '#own-state', /is changed/);
  assert.deepEqual(await here.$$eval('#own-old, #own-new, #own-sure', (all) => all.map((one) => [one.value, one.type])), Array(3).fill(['', 'password']), 'no password stays in a field');
  await here.click('#own-close');
  await gate(there, /log in again/);
  await say(Ben, g, 'still with us?');
  await shows(here, ['< still with us?']);
  await write(here, 'yes');
  await shows(here, ['< still with us?', '> yes']);

  await there.fill('#gate-login', ada.login);
  await there.fill('#gate-password', ada.password);
  await there.press('#gate-password', 'Enter');
  await showsText(there, '#gate-error', /no such login and password/);
  await logIn(there, { login: ada.login, password: fresh });
  await row(there, 'Keys').waitFor(wait);
  assert.equal(await focused(there), 'title', 'and one is told where one is');
  for (const page of [here, there]) await page.context().close();
});

test('logged out everywhere', async () => {
  const ada = account('Ada');
  const here = await withAccount(ada);
  const there = await elsewhere(ada);
  await here.click('#self');
  await here.click('#own-everywhere');
  await gate(here, /Welcome back/);
  await gate(there, /log in again/);
  for (const page of [here, there]) await page.context().close();
});

test('the account is deleted: not with a wrong password; out of every conversation, in every tab, and the login is nobody’s', async () => {
  const ada = account('Ada');
  const here = await withAccount(ada);
  const tab = await here.context().newPage();
  await tab.goto(here.url());
  await live(tab);
  const { Ben } = await people(stack, ['Ben']);
  const g = await group(Ben, [{ id: await idOf(here) }], 'Farewell');
  await choose(here, 'Farewell');
  await write(here, 'my last words');
  await shows(here, ['> my last words']);
  const ben = await visit(stack, await chromium.context(desktop), Ben.id, 'Ben');
  await choose(ben, 'Farewell');
  await showsText(ben, '#list .author', /^Ada$/);

  await here.click('#self');
  await here.click('#own-delete summary');
  await here.click('#own-delete-go');
  await showsText(here, '#own-delete-error', /password is needed/);
  await here.fill('#own-sure', 'not the one');
  await here.press('#own-sure', 'Enter');
  await showsText(here, '#own-delete-error', /not your password/);
  assert.equal((await Ben.http.get(g.path)).json.participantCount, 2);
  await here.fill('#own-sure', ada.password);
  await here.click('#own-delete-go');

  await gate(here, /account is deleted/);
  assert.ok(!(await here.content()).includes('my last words'), 'nothing of it stays on the page');
  assert.ok(!here.url().includes('#'), here.url());
  await gate(tab, /Welcome back/);
  await showsText(ben, '#list', /my last words.*left/s);
  await until('him alone to be in it', async () => (await Ben.http.get(g.path)).json.participantCount === 1);
  await here.fill('#gate-login', ada.login);
  await here.fill('#gate-password', ada.password);
  await here.press('#gate-password', 'Enter');
  await showsText(here, '#gate-error', /no such login and password/);
  await here.click('#gate-other');
  await gate(here, /Make an account/);
  await ben.reload();
  await showsText(ben, '#list', /my last words.*Former member/s);
  assert.ok(!(await ben.textContent('#list')).includes('Ada'), 'and her name is gone from it');
  for (const page of [here, ben]) await page.context().close();
});

test('whoever MainServer knows has no password here to change, and no account to delete', async () => {
  const { Ada } = await people(stack, ['Ada']);
  const page = await visit(stack, await chromium.context(desktop), Ada.id, 'Ada');
  await page.click('#self');
  await page.waitForSelector('#own-address', wait);
  assert.deepEqual([await page.locator('#own-account').isVisible(), await page.locator('#own-form').isVisible()], [false, false]);
  await page.context().close();
});

test('logged out while a newer link is being entered: no cookie stays behind', async () => {
  const { Ada } = await people(stack, ['Ada']);
  const context = await chromium.context(desktop);
  const page = await visit(stack, context, Ada.id, 'Ada');
  let late = false;
  await context.route('**/api/cookie*', async (route) => {
    if (route.request().method() !== 'POST') return route.fallback();
    const response = await route.fetch();
    late = true;
    await sleep(400);
    return route.fulfill({ response });
  });
  await context.route('**/chat.html*', async (route) => { await sleep(1200); return route.fallback(); });
  await page.evaluate((token) => { location.hash = `token=${token}`; }, stack.user(Ada.id, { name: 'Ada' }));
  await until('the newer token to be on its way', () => late);
  await page.click('#self');
  await page.click('#own-logout');
  await gate(page, /./);
  await until('no cookie', async () => (await context.cookies()).length === 0, { ms: 3000 });
  await sleep(500); // nor does one come later
  assert.deepEqual(await context.cookies(), []);
  await context.close();
});

test('a login that ended, and then somebody else at the same page: nothing of the one before is to be seen', async () => {
  const [ada, eve] = [account('Ada'), account('Eve')];
  const page = await withAccount(ada);
  await (await withAccount(eve)).context().close();
  const { Ben } = await people(stack, ['Ben']);
  const g = await group(Ben, [{ id: await idOf(page) }], 'Private');
  await say(Ben, g, 'only for Ada');
  await choose(page, 'Private');
  await shows(page, ['< only for Ada']);
  await page.evaluate(() => fetch('/auth/logout', { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' }));
  await gate(page, /log in again/);
  await logIn(page, eve);
  await live(page);
  await showsText(page, '#empty', /No conversations yet/);
  assert.ok(!(await page.content()).includes('only for Ada'));
  await page.context().close();
});

for (const look of [{ viewport: { width: 320, height: 560 }, hasTouch: true, isMobile: true }, { ...desktop, colorScheme: 'dark' }]) {
  test(`the dialog at ${look.viewport.width} px ${look.colorScheme ?? 'light'}: within reach, named, to be told from its ground`, async () => {
    const page = await withAccount(account('Ada'), look);
    await page.click('#self');
    await page.click('#own-password summary');
    await page.click('#own-delete summary');
    await page.click('#own-password-go');
    await showsText(page, '#own-password-error', /fill in/);
    assert.deepEqual(await page.$eval('#own', (one) => one.scrollWidth - one.clientWidth), 0, 'nothing sideways');
    for (const id of ['#own-old', '#own-new', '#own-password-go', '#own-sure', '#own-delete-go', '#own-everywhere', '#own-logout', '#own-close']) {
      await page.locator(id).scrollIntoViewIfNeeded();
      const box = await page.locator(id).boundingBox();
      assert.ok(box.x >= 0 && box.x + box.width <= look.viewport.width && box.height >= 40, `${id}: ${JSON.stringify(box)}`);
    }
    assert.deepEqual(await nameless(page), []);
    assert.deepEqual(await unresolved(page), []);
    assert.deepEqual((await faint(page)).weak, []);
    await page.context().close();
  });
}
