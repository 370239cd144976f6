// Two people in two browsers: everything they can say, change, see of each other.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startStack } from '../lib/stack.mjs';
import { until } from '../lib/wait.mjs';
import { both, chromium, enter, inPhase, marked, onStage, shows, showsText, stack, startBrowser, texts, wait, write } from './browser.mjs';

onStage();

const act = async (page, index, name) => {
  await page.locator('.message article').nth(index).focus();
  await page.locator('.message').nth(index).locator(`[data-act=${name}]`).click();
};

test('two people talk: order, marks, who is here, who is writing', async () => {
  const { student, counselor, close } = await both();
  await showsText(student, '#peer', /^Counselor$/);
  await showsText(student, '#peer-state', /Here now/);
  await showsText(counselor, '#peer', /^Student$/);
  await showsText(counselor, '#peer-state', /Here now/);

  await write(student, 'Good evening');
  await shows(counselor, ['< Good evening']);
  await marked(student, 'read');

  await counselor.locator('#text').pressSequentially('I am li');
  await student.waitForSelector('#typing:not([hidden])', wait);
  await showsText(student, '#peer-state', /writing/);
  await counselor.locator('#text').pressSequentially('stening');
  await counselor.press('#text', 'Enter');
  await shows(student, ['> Good evening', '< I am listening']);
  await student.waitForSelector('#typing', { ...wait, state: 'hidden' });

  const many = Array.from({ length: 30 }, (_, i) => `line ${i}`);
  for (const line of many) await write(student, line);
  await shows(counselor, ['< Good evening', '> I am listening', ...many.map((line) => `< ${line}`)]);
  await shows(student, ['> Good evening', '< I am listening', ...many.map((line) => `> ${line}`)]);

  await counselor.close();
  await showsText(student, '#peer-state', /Not here/);
  await close();
});

test('a message nobody has opened is sent, then delivered, then read', async () => {
  const s = await stack.session();
  const student = await enter(await chromium.context(), stack.base, s.tickets.student);
  await write(student, 'anyone?');
  await marked(student, 'sent');
  await stack.as(s.tickets.counselor).put(`${s.path}/alive`, { cursor: (await stack.as(s.tickets.counselor).get(`${s.path}/messages`)).json.cursor });
  await marked(student, 'delivered');
  const counselor = await enter(await chromium.context(), stack.base, s.tickets.counselor);
  await shows(counselor, ['< anyone?']);
  await marked(student, 'read');
  await student.context().close();
  await counselor.context().close();
});

test('edit, reply and delete reach the other side', async () => {
  const { student, counselor, close } = await both();
  await write(student, 'I slept badley');
  await shows(counselor, ['< I slept badley']);

  await act(student, 0, 'edit');
  await student.fill('#text', 'I slept badly');
  await student.press('#text', 'Enter');
  await shows(counselor, ['< I slept badly']);
  await showsText(counselor, '.message .meta', /edited/);
  assert.equal(await student.inputValue('#text'), '', 'the field is empty again after an edit');

  await act(counselor, 0, 'reply');
  await showsText(counselor, '#context-title', /Reply to Student/);
  await write(counselor, 'Since when?');
  await showsText(student, '.message:last-child .quote', /You.*I slept badly/);
  assert.equal(await counselor.isVisible('#context'), false);
  assert.equal(await counselor.locator('.message').first().locator('[data-act=edit]').count(), 0, 'only one’s own can be edited');

  await act(student, 0, 'remove');
  await student.click('#ask-no');
  await shows(student, ['> I slept badly', '< Since when?']);
  await act(student, 0, 'remove');
  await student.click('#ask-yes');
  await shows(student, ['> You deleted this message', '< Since when?']);
  await shows(counselor, ['< This message was deleted', '> Since when?']);
  await showsText(counselor, '.message:last-child .quote', /This message was deleted/);
  for (const page of [student, counselor]) {
    await until('nothing of the deleted message to be in the document', async () => !(await page.content()).includes('badly'));
  }

  await student.press('#text', 'ArrowUp');
  assert.equal(await student.isVisible('#context'), false, 'a deleted message cannot be edited');
  await close();
});

test('markup, scripts, bidirectional text and long words are text and nothing else', async () => {
  const { student, counselor, close } = await both();
  const nasty = [
    '<img src=x onerror="document.title=\'owned\'"><script>document.title="owned"</script>',
    '&lt;b&gt; &amp; <b>bold</b> <style>*{display:none}</style></article></li></ol>',
    '"\'><svg/onload=fetch("/api/x")> javascript:alert(1) ${alert(1)} {{7*7}}',
    '\u202Eright to left\u202C and شكرا and \u2028line\u2029para',
    'W'.repeat(3000),
    'first line\n\n\tthird line   with   spaces',
  ];
  for (const text of nasty) await write(student, text);
  await shows(counselor, nasty.map((text) => `< ${text}`));
  await shows(student, nasty.map((text) => `> ${text}`));
  for (const page of [student, counselor]) {
    assert.equal(await page.locator('.list img, .list script, .list style, .list svg, .list b').count(), 0);
    assert.match(await page.title(), /^(\(\d+\) )?Reading Room$/);
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), 'no sideways scrolling');
  }
  await write(student, 'see https://help.example.org/a?b=c&d=<i>#e. Or javascript:void(0)');
  const links = counselor.locator('.list a');
  await links.first().waitFor();
  assert.equal(await links.count(), 1);
  assert.deepEqual(await links.first().evaluate((a) => [a.getAttribute('href'), a.rel, a.target]), ['https://help.example.org/a?b=c&d=', 'noopener noreferrer nofollow', '_blank']);
  await close();
});

test('the browser itself refuses to parse text as HTML on this page', async () => {
  const { student, close } = await both();
  chromium.expect(/trusted-types-sink|TrustedHTML/);
  const refused = await student.evaluate(() => {
    try {
      document.createElement('p').innerHTML = '<b>x</b>';
      return 'accepted';
    } catch (error) {
      return error.name;
    }
  });
  assert.equal(refused, 'TypeError');
  await close();
});

test('the countdown jumps back when someone writes', async () => {
  const short = await startStack({ env: { ROOM_TTL_S: '90' } });
  const browser = await startBrowser(short.base);
  try {
    const s = await short.session();
    const student = await enter(await browser.context(), short.base, s.tickets.student);
    const counselor = await enter(await browser.context(), short.base, s.tickets.counselor);
    const left = async () => {
      const [, minutes, seconds] = /(\d+):(\d\d)/.exec(await student.textContent('#strip-left'));
      return Number(minutes) * 60 + Number(seconds);
    };
    await until('the countdown to run', async () => (await left()) <= 80);
    await write(counselor, 'still here');
    await shows(student, ['< still here']);
    await until('the countdown to jump back', async () => (await left()) > 82);
    await until('it to run again', async () => (await left()) <= 80);
    await counselor.focus('.message article');
    await counselor.click('.message [data-act=edit]');
    await counselor.fill('#text', 'still here, edited');
    await counselor.press('#text', 'Enter');
    await shows(student, ['< still here, edited']);
    await until('an edit to push it back too', async () => (await left()) > 82);
    assert.match(await student.textContent('.life'), /1 minute|2 minutes|90 seconds/);
  } finally {
    try {
      await browser.stop();
    } finally {
      await short.stop();
    }
  }
});

test('a long conversation: the newest page first, earlier ones on the way up, the place is kept', async () => {
  const s = await stack.session();
  const say = stack.as(s.tickets.counselor);
  for (let i = 1; i <= 150; i += 1) assert.equal((await say.post(`${s.path}/messages`, { content: `note ${i}` })).status, 201);
  const student = await enter(await chromium.context(), stack.base, s.tickets.student);
  await until('the newest page', async () => (await texts(student)).at(-1) === '< note 150');
  assert.ok((await texts(student)).length < 100);
  const first = (await texts(student))[0];
  await until('an earlier page', async () => {
    if ((await texts(student))[0] !== first) return true;
    await student.locator('#log').evaluate((log) => log.scrollTo(0, 0)); // once more if the page was still on its way to its end
    return false;
  }, { every: 500 });
  assert.ok(await student.locator('.message', { hasText: first.slice(2) }).first().isVisible());
  await until('all of them', async () => {
    await student.locator('#log').evaluate((log) => log.scrollTo(0, 0));
    return (await texts(student)).length === 150;
  });
  assert.deepEqual(await texts(student), Array.from({ length: 150 }, (_, i) => `< note ${i + 1}`));

  await say.post(`${s.path}/messages`, { content: 'and one more' });
  await showsText(student, '#newest', /1 new message/);
  await student.click('#newest');
  await until('the view at the end', () => student.locator('#log').evaluate((log) => log.scrollHeight - log.scrollTop - log.clientHeight < 4));
  assert.equal(await student.isVisible('#newest'), false);
  await student.context().close();
});

test('unread messages are marked off after coming back', async () => {
  const { s, student, counselor, close } = await both();
  await write(counselor, 'one');
  await shows(student, ['< one']);
  await marked(counselor, 'read');
  await student.goto('about:blank');
  await write(counselor, 'two');
  await write(counselor, 'three');
  await marked(counselor, 'sent');
  await student.goto(`${stack.base}/#ticket=${s.tickets.student}`);
  await shows(student, ['< one', '< two', '< three']);
  await student.waitForSelector('.unread', wait);
  const order = await student.$$eval('#list > li', (rows) => rows.map((row) => row.className.split(' ')[0]));
  assert.deepEqual(order.slice(order.indexOf('unread') - 1), ['message', 'unread', 'message', 'message']);
  await write(student, 'thanks');
  await student.waitForSelector('.unread', { ...wait, state: 'detached' });
  await close();
});

test('a session without a counselor yet: the student is told, and sees them arrive', async () => {
  const s = await stack.session({ counselorId: undefined });
  const student = await enter(await chromium.context(), stack.base, s.tickets.student);
  await showsText(student, '#peer', /will join/);
  await write(student, 'hello?');
  const put = await stack.as(stack.service()).put(`/api/sessions/${s.id}`, { counselorId: 'couns_late' });
  assert.equal(put.status, 200);
  await showsText(student, '#peer', /^Counselor$/);
  const counselor = await enter(await chromium.context(), stack.base, put.json.tickets.counselor);
  await shows(counselor, ['< hello?']);
  await showsText(student, '#peer-state', /Here now/);
  await student.context().close();
  await counselor.context().close();
});

test('ended is read-only for both, until it is erased', async () => {
  const { student, counselor, close } = await both();
  await write(student, 'goodbye');
  await shows(counselor, ['< goodbye']);
  await counselor.click('#menu');
  await counselor.click('#sheet [data-do=end]');
  await showsText(counselor, '#ask-title', /End the conversation/);
  await counselor.click('#ask-yes');
  for (const page of [student, counselor]) {
    await inPhase(page, 'ended');
    await showsText(page, '#closed-text', /has ended/);
    assert.equal(await page.isVisible('#write'), false);
    assert.equal(await page.locator('.acts').count(), 0, 'nothing can be changed any more');
  }
  await shows(student, ['> goodbye']);
  await student.reload();
  await inPhase(student, 'ended');
  await shows(student, ['> goodbye']);
  await close();
});
