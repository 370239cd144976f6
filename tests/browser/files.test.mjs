// Files in a session's page: chosen by keyboard, pasted, dropped; seen go up; sent; shown; refused with a reason; gone with the session.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { jpeg, pdf, png } from '../lib/pictures.mjs';
import { until } from '../lib/wait.mjs';
import { both, inPhase, onStage, showsText, stack, wait, write } from './browser.mjs';

onStage();

const file = (name, mimeType, buffer) => ({ name, mimeType, buffer });
const choose = (page, ...files) => page.setInputFiles('#pick', files);
const up = (page, n) => page.waitForFunction((count) => document.querySelectorAll('#files .upload.done').length === count, n, wait);

test('a photo and a paper go up, wait beside the text, and leave with it; the other side sees the one and saves the other', async () => {
  const { student, counselor, close } = await both();
  await choose(student, file('holiday.jpg', 'image/jpeg', jpeg()), file('letter.pdf', 'application/pdf', pdf()));
  await up(student, 2);
  assert.deepEqual(await student.locator('#files b').allTextContents(), ['holiday.jpg', 'letter.pdf']);
  if (process.env.SHOTS) await student.screenshot({ path: `${process.env.SHOTS}/waiting.png` });
  await write(student, 'Have a look');
  await counselor.waitForSelector('.message .attached img', wait);
  assert.equal(await student.locator('#files .upload').count(), 0, 'they have left');
  await until('the picture to be drawn', () => counselor.locator('.message .attached img').evaluate((img) => img.complete && img.naturalWidth === 8));
  assert.equal(await counselor.locator('.message .attached img').getAttribute('alt'), 'Picture: holiday.jpg');
  assert.match(await counselor.locator('.message article').last().getAttribute('aria-label'), /Have a look.*holiday\.jpg, letter\.pdf/);
  const [saved] = await Promise.all([counselor.waitForEvent('download', wait), counselor.locator('.message a.file').click()]);
  assert.equal(saved.suggestedFilename(), 'letter.pdf');
  if (process.env.SHOTS) await counselor.screenshot({ path: `${process.env.SHOTS}/shown.png` });
  await counselor.locator('.picture').click();
  await counselor.waitForSelector('#viewer[open]', wait);
  await showsText(counselor, '#viewer-name', /^holiday\.jpg$/);
  await counselor.keyboard.press('Escape');
  await counselor.waitForSelector('#viewer', { ...wait, state: 'hidden' });
  await close();
});

test('by keyboard alone, without a word; after a reload by the cookie alone', async () => {
  const { s, student, counselor, close } = await both();
  const chosen = student.waitForEvent('filechooser', wait);
  await student.locator('#attach:not([disabled])').focus(); // a round trip: from here on choosers are caught
  await student.keyboard.press('Enter');
  const chooser = await chosen;
  await chooser.setFiles(file('a.png', 'image/png', png()));
  await up(student, 1);
  assert.equal(await student.evaluate(() => document.activeElement.id), 'text', 'the focus is where one writes');
  await student.keyboard.press('Enter');
  await counselor.waitForSelector('.message .attached img', wait);
  await student.reload();
  await student.waitForSelector('.message .attached img', wait);
  await until('the picture after the reload', () => student.locator('.message .attached img').evaluate((img) => img.complete && img.naturalWidth === 8));
  await choose(student, file('notes.txt', 'text/plain', Buffer.from('some notes')));
  await up(student, 1);
  await write(student, 'and these');
  await until('both', async () => (await stack.as(s.tickets.counselor).get(`${s.path}/messages`)).json.messages.filter((m) => m.files).length === 2);
  await close();
});

test('what cannot be sent says why, and can be taken out; a message waits for a file that is still on its way', async () => {
  const { s, student, close } = await both();
  await choose(student, file('tool.exe', 'application/x-msdownload', Buffer.from('MZ\x90\0\x03', 'latin1')));
  await student.waitForSelector('#files .upload.failed', wait);
  await showsText(student, '#files .upload.failed .told', /kind/);
  await showsText(student, '#say', /tool\.exe/);
  if (process.env.SHOTS) await student.screenshot({ path: `${process.env.SHOTS}/failed.png` });
  await student.getByRole('button', { name: 'Take tool.exe out' }).click();
  await choose(student, file('cut.png', 'image/png', png().subarray(0, 70)));
  await showsText(student, '#files .upload.failed .told', /damaged/);
  await student.getByRole('button', { name: 'Take cut.png out' }).click();
  await choose(student, file('huge.txt', 'text/plain', Buffer.alloc(10 * 1024 * 1024 + 1, 'a')));
  await showsText(student, '#files .upload.failed .told', /too large|connection broke/);
  await student.getByRole('button', { name: 'Take huge.txt out' }).click();

  let go;
  const gate = new Promise((resolve) => { go = resolve; });
  await student.route('**/files?name=slow.png*', async (route) => { await gate; await route.continue(); });
  await choose(student, file('slow.png', 'image/png', png()));
  await student.waitForSelector('#files .upload.up progress', wait);
  await write(student, 'with a picture');
  await showsText(student, '#hint', /as soon as/);
  assert.equal((await stack.as(s.tickets.counselor).get(`${s.path}/messages`)).json.messages.length, 0);
  go();
  await until('the message', async () => (await stack.as(s.tickets.counselor).get(`${s.path}/messages`)).json.messages.at(-1)?.files?.length === 1);
  await close();
});

test('dropped and pasted files are taken; deleting the message takes the picture away; erasing leaves nothing to see', async () => {
  const { student, counselor, close } = await both();
  const give = (type) => async (target) => student.evaluate(([selector, kind, bytes]) => {
    const data = new DataTransfer();
    data.items.add(new File([Uint8Array.from(bytes)], `${kind}.png`, { type: 'image/png' }));
    const on = document.querySelector(selector);
    on.dispatchEvent(kind === 'paste' ? new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }) : new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true }));
  }, [target, type, [...png()]]);
  await give('drop')('#log');
  await give('paste')('#text');
  await up(student, 2);
  await write(student, 'two');
  await counselor.waitForFunction(() => document.querySelectorAll('.message .attached img').length === 2, null, wait);
  await student.locator('.message article').last().focus();
  await student.locator('.message').last().locator('[data-act=remove]').click();
  await student.locator('#ask-yes').click();
  await counselor.waitForFunction(() => document.querySelectorAll('.attached img').length === 0, null, wait);
  await choose(student, file('b.png', 'image/png', png()));
  await up(student, 1);
  await write(student, 'again');
  await counselor.waitForSelector('.message .attached img', wait);
  await counselor.locator('.picture').click();
  await counselor.waitForSelector('#viewer[open]', wait);
  await student.click('#menu');
  await student.click('#sheet [data-do=erase]');
  await student.click('#ask-yes');
  await inPhase(counselor, 'erased');
  await until('nothing of it on the page', () => counselor.evaluate(() => document.querySelectorAll('.attached, #viewer[open]').length === 0 && !document.querySelector('#viewer-picture')?.hasAttribute('src')));
  await close();
});
