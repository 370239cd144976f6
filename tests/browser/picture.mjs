// Makes docs/page.png, the README's picture: the counselor's window and the student's phone in one conversation, taken from the real thing.
//   BUILD=build node tests/browser/picture.mjs [file]
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { root, startStack } from '../lib/stack.mjs';
import { enter, marked, shows, startBrowser, wait } from './browser.mjs';

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
  const shots = await Promise.all([counselor.screenshot(), student.screenshot()]);

  const table = await (await chromium.browser.newContext({ viewport: { width: 1460, height: 780 } })).newPage();
  const [wide, phone] = shots.map((shot) => `data:image/png;base64,${shot.toString('base64')}`);
  await table.setContent(`<body style="margin:0;height:100vh;position:relative;background:#dccfb8">
    <img src="${wide}" style="position:absolute;left:32px;top:40px;width:1000px;border-radius:14px;box-shadow:0 0 0 1px #b9a987">
    <img src="${phone}" style="position:absolute;right:32px;top:62px;width:360px;border-radius:26px;border:8px solid #2b2521;box-sizing:content-box">`);
  await table.waitForFunction(() => [...document.images].every((image) => image.complete));
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, await table.screenshot());
  console.log(file);
} finally {
  await chromium.stop();
  await stack.stop();
}
