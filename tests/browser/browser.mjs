// Debian's Chromium for the page's tests: one browser a file, watched for everything that must not happen on any page.
import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { chromium as engine } from 'playwright-core';
import { startStack } from '../lib/stack.mjs';
import { slow, until } from '../lib/wait.mjs';

const flags = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update',
  '--disable-sync', '--disable-default-apps', '--disable-dev-shm-usage', '--hide-scrollbars'];
export const launchOptions = { executablePath: process.env.CHROMIUM || '/usr/bin/chromium', headless: true, args: flags };
export const exitUrl = 'https://www.wikipedia.org/';
export const wait = { timeout: 45_000 * slow };

const violation = /Content Security Policy|Refused to|TrustedHTML|violates the following/i;

/**
 * A browser whose pages are all watched: `stop()` fails after an uncaught exception, a policy violation or a request that left the machine.
 * The neutral page of the quick exit is answered here; nothing else outside is.
 */
export async function startBrowser(base) {
  const browser = await engine.launch(launchOptions);
  const found = [];
  const expected = [];
  const note = (what) => {
    if (!expected.some((pattern) => pattern.test(what))) found.push(what);
  };
  const allowed = new URL(base).host;

  async function watch(context) {
    context.setDefaultTimeout(wait.timeout);
    await context.route((url) => url.host !== allowed, (route) => {
      const url = route.request().url();
      if (url === exitUrl) return route.fulfill({ contentType: 'text/html', body: '<title>Elsewhere</title><p id="elsewhere">elsewhere</p>' });
      note(`request to ${url}`);
      return route.abort();
    });
    await context.addInitScript(() => {
      addEventListener('securitypolicyviolation', (event) => {
        console.error(`violates the following: ${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`);
      });
    });
    const onPage = (page) => {
      page.on('pageerror', (error) => note(`exception: ${error.stack ?? error}`));
      page.on('console', (message) => {
        if (violation.test(message.text())) note(message.text());
      });
    };
    context.on('page', onPage);
    context.pages().forEach(onPage);
    return context;
  }

  return {
    browser,
    watch,
    /** A browser of its own: no cookies shared with any other. */
    context: async (options = {}) => watch(await browser.newContext({ viewport: { width: 900, height: 700 }, locale: 'en-GB', ...options })),
    /** For a test that provokes such a thing. */
    expect: (pattern) => expected.push(pattern),
    async stop() {
      await browser.close();
      assert.deepEqual(found, [], 'nothing that must not happen on any page');
    },
  };
}

/** The file's own service and browser, made before its first test. */
export let stack;
export let chromium;

export function onStage() {
  before(async () => {
    stack = await startStack();
    chromium = await startBrowser(stack.base);
  });
  after(async () => {
    try {
      await chromium?.stop();
    } finally {
      await stack?.stop();
    }
  });
}

/** Where the focus is, in one word. */
export const focus = (page) => page.evaluate(() => {
  const { activeElement: at } = document;
  return at.id || at.dataset.act || at.dataset.id || at.dataset.do || at.getAttribute('aria-label') || at.tagName.toLowerCase();
});

/** A page of that context, opened by a link with a ticket, up and with its line open. */
export async function enter(context, base, ticket, { live = true } = {}) {
  const page = await context.newPage();
  await page.goto(`${base}/#ticket=${ticket}`);
  if (live) await isLive(page);
  return page;
}

/** A fresh session with both people inside. */
export async function both() {
  const s = await stack.session();
  const student = await enter(await chromium.context(), stack.base, s.tickets.student);
  const counselor = await enter(await chromium.context(), stack.base, s.tickets.counselor);
  return { s, student, counselor, close: () => Promise.all([student.context().close(), counselor.context().close()]) };
}

export const isLive = (page) => page.waitForSelector('html[data-link=live]', wait);
export const inPhase = (page, phase) => page.waitForSelector(`html[data-phase=${phase}]`, { ...wait, state: 'attached' });

export async function write(page, text) {
  await page.fill('#text', text);
  await page.press('#text', 'Enter');
}

/** What stands in the list, in order: every message with its author's side and its text. */
export const texts = (page) => page.$$eval('.message', (rows) => rows.map((row) => `${row.classList.contains('own') ? '>' : '<'} ${row.querySelector('.text').textContent}`));

export const shows = (page, wanted) => until(`the page to show ${JSON.stringify(wanted)}`, async () => {
  const seen = await texts(page);
  if (JSON.stringify(seen) === JSON.stringify(wanted)) return true;
  throw new Error(`it shows ${JSON.stringify(seen)}`);
}, { ms: 45_000 });

export const showsText = (page, selector, pattern) => until(`${selector} to say ${pattern}`, async () => {
  const text = (await page.textContent(selector)) ?? '';
  if (pattern.test(text)) return text;
  throw new Error(`it says ${JSON.stringify(text)}`);
}, { ms: 45_000 });

/** The mark of the page's last own message: waiting, sent, delivered, read, failed. */
export const marked = (page, state) => page.waitForFunction((wanted) => [...document.querySelectorAll('.own [data-state]')].at(-1)?.dataset.state === wanted, state, wait);

/** Counts the requests of a page to a route, by what their address holds. */
export function counted(page, part) {
  const seen = [];
  page.on('request', (request) => {
    if (new URL(request.url()).pathname.endsWith(part)) seen.push(request.url());
  });
  return seen;
}
