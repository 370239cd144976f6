// Makes docs/page.png, the README's picture: the counselor's window and the student's phone in one conversation, taken from the real thing.
//   BUILD=build node tests/browser/picture.mjs [file]
import { join } from 'node:path';
import { root, startStack } from '../lib/stack.mjs';
import { enter, marked, shows, startBrowser, wait } from './browser.mjs';
import { onTable } from './table.mjs';

const file = process.argv[2] ?? join(root, 'docs', 'page.png');
const stack = await startStack();
const chromium = await startBrowser(stack.base);
try {
  const s = await stack.session({ studentAnonymousId: 'anon_heron_42', counselorId: 'couns_7' });
  const counselor = await enter(await chromium.context({ viewport: { width: 1000, height: 700 } }), stack.base, s.tickets.counselor);
  const student = await enter(await chromium.context({ viewport: { width: 360, height: 640 }, colorScheme: 'dark', hasTouch: true, isMobile: true, deviceScaleFactor: 1 }), stack.base, s.tickets.student);
  const said = [];
  const say = async (page, text) => {
    said.push([page, text]);
    await page.fill('#text', text);
    await page.click('#send');
    for (const one of [counselor, student]) await shows(one, said.map(([by, words]) => `${by === one ? '>' : '<'} ${words}`));
    await marked(page, 'read');
  };
  await say(counselor, 'Good evening. I’m glad you wrote. There is no hurry here.');
  await say(student, 'hi. i don’t really know where to start');
  await say(student, 'i haven’t slept properly since the results came out');
  await say(counselor, 'That sounds exhausting. Would you like to begin with the nights, or with the results?');
  await say(student, 'the nights i think 🌙');
  await say(counselor, 'Then let’s stay there for a while.');
  await student.evaluate(() => document.activeElement.blur());
  await counselor.locator('#text').pressSequentially('What goes through your mind when');
  await student.waitForSelector('#typing:not([hidden])', wait);
  await onTable(chromium, file, counselor, student);
} finally {
  await chromium.stop();
  await stack.stop();
}
