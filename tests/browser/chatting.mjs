// The chat application in tests: people with accounts or MainServer's tokens, each in a browser of their own, and what they see.
import { rnd } from '../lib/jwt.mjs';
import { until } from '../lib/wait.mjs';
import { wait } from './browser.mjs';

/** Wide enough for the list, the conversation and a panel. */
export const desktop = { viewport: { width: 1280, height: 800 } };

export const row = (page, name) => page.locator('#rows .row', { has: page.locator('.who', { hasText: new RegExp(`^${name}$`) }) });
export const live = (page) => page.waitForSelector('html[data-feed=live]', { ...wait, state: 'attached' });
export const talkLive = (page) => page.waitForSelector('html[data-link=live]', { ...wait, state: 'attached' });

/** A page of MainServer's user: by link, with the list loaded and the feed open. */
export async function visit(stack, context, id, name, { hash = '', settled = true } = {}) {
  const page = await context.newPage();
  await page.goto(`${stack.base}/chat.html#token=${stack.user(id, { name })}${hash}`);
  if (settled) await live(page);
  return page;
}

/** Two or more of MainServer's users, and how to be each of them over HTTP. */
export async function people(stack, names) {
  const all = {};
  for (const name of names) {
    const id = `${name.toLowerCase().replace(/\W+/g, '').slice(0, 12)}_${rnd()}`;
    const http = stack.as(stack.user(id, { name }));
    await http.get('/auth/me'); // whoever has never come has no name
    all[name] = { id, name, http };
  }
  return all;
}

export async function group(creator, others, title) {
  const { status, json, text } = await creator.http.post('/api/conversations', { type: 'group', title, participants: others.map((one) => one.id) });
  if (status !== 201) throw new Error(`${status} ${text}`);
  return { ...json, path: `/api/conversations/${json.id}` };
}

export async function direct(one, other) {
  const { json } = await one.http.post('/api/conversations', { type: 'direct', participants: [other.id] });
  return { ...json, path: `/api/conversations/${json.id}` };
}

export async function say(who, conversation, content, more = {}) {
  const { status, json, text } = await who.http.post(`${conversation.path}/messages`, { content, ...more });
  if (status !== 201) throw new Error(`${status} ${text}`);
  return json;
}

export async function register(page, { login, password, name }) {
  await page.click('#gate-other');
  await page.fill('#gate-name', name);
  await page.fill('#gate-login', login);
  await page.fill('#gate-password', password);
  await page.click('#gate-go');
  await live(page);
}

export async function logIn(page, { login, password }) {
  await page.fill('#gate-login', login);
  await page.fill('#gate-password', password);
  await page.press('#gate-password', 'Enter');
  await page.waitForSelector('#room:not([hidden])', wait);
}

export async function addressOf(page) {
  await page.click('#self');
  const address = await page.textContent('#own-address');
  await page.click('#own-close');
  return address;
}

export async function begin(page, who, title = null) {
  await page.click('#new');
  for (const one of [who].flat()) {
    await page.fill('#create-who', one);
    await page.press('#create-who', 'Enter');
  }
  if (title !== null) {
    await page.check('#create-group');
    await page.fill('#create-name', title);
  }
  // The conversation that was open before can be written in until the new one has come.
  const before = await page.evaluate(() => document.getElementById('peer')?.textContent ?? null);
  await page.click('#create-go');
  await page.waitForFunction((was) => (document.getElementById('peer')?.textContent ?? was) !== was, before, wait);
  await page.waitForSelector('#text:not(:disabled)', wait);
}

export async function choose(page, name) {
  await row(page, name).click();
  await page.waitForFunction((wanted) => document.getElementById('peer')?.textContent === wanted, name, wait);
  await talkLive(page);
}

export async function write(page, text, { within = '' } = {}) {
  await page.fill(`#${within}text`, text);
  await page.press(`#${within}text`, 'Enter');
}

/** What stands in a list of messages, in order: side and text; what was said in threads stands in parentheses. */
export const talk = (page, list = '#list') => page.$$eval(`${list} > :is(.message, .inthread)`, (rows) => rows.map((one) => (one.classList.contains('inthread')
  ? `(${one.querySelector('b').textContent}: ${one.querySelector('.what-said').textContent})`
  : `${one.classList.contains('own') ? '>' : '<'} ${one.querySelector('.text, .what b, img')?.textContent || one.querySelector('img')?.alt}`)));

export const shows = (page, wanted, list = '#list') => until(`${list} to show ${JSON.stringify(wanted)}`, async () => {
  const seen = await talk(page, list);
  if (JSON.stringify(seen) === JSON.stringify(wanted)) return true;
  throw new Error(`it shows ${JSON.stringify(seen)}`);
}, { ms: 45_000 });

/** What the page wrote is the server's: its mark says so, and it no longer waits in the page alone. */
export const stored = (page, text, list = '#list') => until(`"${text}" to be stored`, async () => {
  const state = await page.locator(`${list} > .message.own`, { hasText: text }).last().locator('[data-state]').getAttribute('data-state', { timeout: 1000 });
  if (['sent', 'delivered', 'read'].includes(state)) return true;
  throw new Error(`it is ${state}`);
}, { ms: 40_000 });

export const badge = (page, name, n) => until(`the badge of ${name} to say ${n}`, async () => {
  const one = row(page, name).locator('.badge');
  const text = (await one.count()) && (await one.isVisible()) ? await one.textContent() : '0';
  if (text === String(n)) return true;
  throw new Error(`it says ${text}`);
}, { ms: 45_000 });

/** Opens the dialog about somebody in the group, in the panel that is open. */
export async function person(page, name) {
  await page.locator('#info-list .member', { hasText: name }).click();
  await page.waitForFunction((wanted) => document.getElementById('person').open && document.getElementById('person-name').textContent === wanted, name, wait);
}

/** Presses what can be done with a message, as a mouse would. */
export async function act(page, text, name, { list = '#list' } = {}) {
  const message = page.locator(`${list} > .message`, { hasText: text }).last();
  await message.hover();
  await message.locator(`[data-act=${name}]`).first().click();
}
