// The tests' own tools: a judge that overlooks a fault, or a parser that repairs one, would make every other test worthless.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { SseParser, dechunk, judge, parseReply, pieces } from './client.mjs';

const cur = (n, check = '0') => `${n}-${check.repeat(12)}`;
const message = (n, more = {}) => ({ id: n, cursor: cur(n), sender: 'a', clientId: `c${n}`, content: `t${n}`, ...more });
const shown = (n, more = {}) => ({ cursor: cur(n), event: 'message:new', data: message(n, more) });
const sent = (n, more = {}) => ({ sender: 'a', clientId: `c${n}`, content: `t${n}`, acks: [{ id: n, cursor: cur(n) }], ...more });
const good = () => ({
  senders: [{ sends: [sent(1), sent(2), sent(3)] }],
  readers: [{ name: 'r', begin: 0, starts: [], resets: [], seen: [shown(1), shown(2), shown(3)] }],
  messages: [message(1), message(2), message(3)],
});

describe('the judge', () => {
  test('accepts a history in which every promise held', () => assert.deepEqual(judge(good()), { faults: [], acked: 3 }));
  const broken = {
    'A: an acknowledged message is missing': [/^A/, (h) => { h.messages.pop(); h.readers[0].seen.pop(); }],
    'A: it holds other text': [/^A/, (h) => { h.messages[1].content = 'x'; }],
    'A: a reader was shown what history has not': [/^A/, (h) => { h.readers[0].seen.push(shown(4)); }],
    'B: two places acknowledged': [/^B/, (h) => { h.senders[0].sends[0].acks.push({ id: 2, cursor: cur(2) }); }],
    'B: one client id twice in the log': [/^B/, (h) => { h.messages.push(message(4, { clientId: 'c1' })); h.readers[0].seen.push(shown(4, { clientId: 'c1' })); }],
    'C: shown twice': [/^C/, (h) => { h.readers[0].seen.push(shown(3)); }],
    'C: out of order': [/^C/, (h) => { h.readers[0].seen.reverse(); }],
    'C: another check at the same place': [/^C/, (h) => { h.readers[0].seen[2].cursor = cur(3, 'f'); }],
    'C: another sender at the same place': [/^C/, (h) => { h.readers[0].seen[2].data.sender = 'b'; }],
    'C: history out of order': [/^C/, (h) => { h.messages.reverse(); }],
    'D: one left out': [/^D/, (h) => { h.readers[0].seen.splice(1, 1); }],
    'D: the first left out': [/^D/, (h) => { h.readers[0].seen.shift(); }],
    'D: the last left out': [/^D/, (h) => { h.readers[0].seen.pop(); }],
    'D: a gap after an announced one': [/^D/, (h) => { h.readers[0].resets.push({ seen: 1, cursor: cur(1) }); h.readers[0].seen.splice(1, 1); }],
  };
  for (const [name, [pattern, breakIt]] of Object.entries(broken)) {
    test(name, () => {
      const h = good();
      breakIt(h);
      const { faults } = judge(h);
      assert.ok(faults.some((f) => pattern.test(f)), `saw only ${JSON.stringify(faults)}`);
    });
  }
  test('a reset excuses the jump it announces', () => {
    const h = good();
    h.readers[0].seen.splice(1, 1);
    h.readers[0].resets.push({ seen: 1, cursor: cur(2) });
    assert.deepEqual(judge(h).faults, []);
  });
});

describe('the stream parser', () => {
  const parse = (text, sizes = [1]) => {
    const events = [];
    const p = new SseParser((e) => events.push(e));
    for (const piece of pieces(text, sizes)) p.push(piece);
    return { events, p };
  };
  test('all three line ends, split at any byte', () => {
    for (const nl of ['\n', '\r', '\r\n']) {
      for (const sizes of [[1], [2], [3, 1], [1000]]) {
        const { events } = parse(`id: 7${nl}event: x${nl}data: é${nl}data:b${nl}${nl}data: c${nl}${nl}`, sizes);
        assert.deepEqual(events, [{ id: '7', lastId: '7', event: 'x', data: 'é\nb' }, { id: undefined, lastId: '7', event: 'message', data: 'c' }]);
      }
    }
  });
  test('an unfinished event is not dispatched; comments and retry', () => {
    const { events, p } = parse(': hi\nretry: 250\nretry: 9ms\n\ndata: a\n');
    assert.deepEqual(events, []);
    assert.equal(p.retry, 250);
    assert.equal(p.comments[0].text, ' hi');
  });
  test('invalid UTF-8 is an error, not a replacement character', () => {
    assert.throws(() => new SseParser(() => {}).push(Buffer.from([0x64, 0xff, 0x0a, 0x0a])));
  });
});

describe('the raw client', () => {
  test('chunked bodies as far as they came', () => {
    assert.deepEqual(dechunk(Buffer.from('3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n')), { body: Buffer.from('abcde'), complete: true });
    assert.deepEqual(dechunk(Buffer.from('3\r\nabc\r\n5\r\nde')), { body: Buffer.from('abcde'), complete: false });
  });
  test('a reply with a length', () => {
    const r = parseReply(Buffer.from('HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n{}'));
    assert.deepEqual([r.status, r.json, r.complete], [404, {}, true]);
    assert.equal(parseReply(Buffer.from('HTTP/1.1 404 N')), null);
  });
});
