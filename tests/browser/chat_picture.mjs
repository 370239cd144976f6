// Makes docs/chat.png, the README's picture of the chat application: Ada at her desk, Ben on his phone, taken from the real thing.
//   BUILD=build node tests/browser/chat_picture.mjs [file]
import { join } from 'node:path';
import { root, startStack } from '../lib/stack.mjs';
import { startBrowser, wait } from './browser.mjs';
import { choose, direct, group, people, say, visit, write } from './chatting.mjs';
import { onTable } from './table.mjs';

const file = process.argv[2] ?? join(root, 'docs', 'chat.png');
const stack = await startStack();
const chromium = await startBrowser(stack.base);
try {
  const { 'Ada Lind': Ada, 'Ben Okri': Ben, 'Cleo Sertori': Cleo, 'Dora Weiss': Dora } = await people(stack, ['Ada Lind', 'Ben Okri', 'Cleo Sertori', 'Dora Weiss']);
  const allotment = await group(Cleo, [Ada], 'Allotment 14');
  await say(Cleo, allotment, 'The water is back on.');
  const choir = await group(Dora, [Ada, Ben], 'Thursday choir');
  await say(Dora, choir, 'Scores are in the cupboard.');
  const heron = await direct(Ada, Dora);
  await say(Dora, heron, 'Did you see the heron by the bridge?');
  const circle = await group(Ada, [Ben, Cleo], 'Reading circle');
  await say(Ben, circle, 'The room is ours on Thursday, from seven.');
  const book = await say(Ada, circle, 'Wonderful. Which book was it in the end?');
  await say(Cleo, circle, '“The Waves”. I have two copies to lend.', { replyTo: book.id });
  const lend = (await Ben.http.get(`${circle.path}/messages?limit=1`)).json.messages[0];
  const thread = (await Ben.http.post(`${circle.path}/threads`, { root: lend.id })).json;
  await say(Ben, circle, 'I take one, if nobody else wants it.', { threadId: thread.id });
  await say(Cleo, circle, 'It is yours. I leave it at the desk.', { threadId: thread.id });

  const ben = await visit(stack, await chromium.context({ viewport: { width: 360, height: 640 }, colorScheme: 'dark', hasTouch: true, isMobile: true, deviceScaleFactor: 1 }), Ben.id, 'Ben Okri');
  await choose(ben, 'Reading circle');
  const ada = await visit(stack, await chromium.context({ viewport: { width: 1000, height: 700 } }), Ada.id, 'Ada Lind');
  await choose(ada, 'Reading circle');
  await write(ada, 'Thank you both! Shall I bring tea?');
  await ada.waitForFunction(() => /Read by/.test(document.querySelector('#list > .own:last-child')?.textContent), null, wait);
  await ada.evaluate(() => document.activeElement.blur());
  await ada.mouse.move(660, 500);
  await say(Cleo, allotment, 'And the beans are up!');
  await ben.locator('#text').pressSequentially('Always');
  await ada.waitForSelector('#typing:not([hidden])', wait);
  await onTable(chromium, file, ada, ben);
} finally {
  await chromium.stop();
  await stack.stop();
}
