// The judge: promises A to D of the design (§10) from what clients saw and nothing else, in the manner of Jepsen.
//   A  answered 2xx → readable                         C  one order, without gaps, for every reader
//   B  one (sender, clientId) → one message, one id    D  no silent gap: everything, or `reset`
import { call } from './http.mjs';
import { positionOf } from './sse.mjs';

// The whole log as history pages show it, oldest first, page by page from the start.
export async function wholeHistory(base, conversation, ticket, { limit = 200 } = {}) {
  const all = [];
  let page = await call(base, 'GET', `/api/conversations/${conversation}/messages?limit=${limit}`, { ticket });
  for (;;) {
    if (page.status !== 200) throw new Error(`history: ${page.status} ${page.text}`);
    all.unshift(...page.json.messages);
    if (!page.json.previous) return { messages: all };
    page = await call(base, 'GET', `/api/conversations/${conversation}/messages?limit=${limit}&before=${page.json.previous}`, { ticket });
  }
}

// senders: [{sends: [{sender, clientId, content, acks: [{id, cursor}]}]}] · readers: see reader.mjs · messages: the final history.
// Returns a list of sentences, empty when every promise held.
export function judge({ senders = [], readers = [], messages }) {
  const faults = [];
  const byId = new Map();
  const byClient = new Map();
  let before = 0;
  for (const m of messages) {
    if (!(m.id > before)) faults.push(`C: history shows position ${m.id} after ${before}`);
    before = m.id;
    if (positionOf(m.cursor) !== m.id) faults.push(`C: message ${m.id} has cursor ${m.cursor}`);
    byId.set(m.id, m);
    if (m.clientId !== undefined) {
      const key = `${m.sender} ${m.clientId}`;
      if (byClient.has(key)) faults.push(`B: ${key} stands at ${byClient.get(key).id} and ${m.id}`);
      byClient.set(key, m);
    }
  }

  let acked = 0;
  for (const s of senders.flatMap((x) => x.sends)) {
    const key = `${s.sender} ${s.clientId}`;
    const ids = new Set(s.acks.map((a) => `${a.id} ${a.cursor}`));
    if (ids.size > 1) faults.push(`B: ${key} was answered with several places: ${[...ids].join(', ')}`);
    for (const a of s.acks.slice(0, 1)) {
      acked++;
      const m = byId.get(a.id);
      if (!m) faults.push(`A: ${key} was acknowledged at ${a.id} and is not in the history`);
      else if (m.clientId !== s.clientId || m.sender !== s.sender) faults.push(`A: ${key} was acknowledged at ${a.id}, where ${m.sender} ${m.clientId} stands`);
      else if (m.cursor !== a.cursor) faults.push(`A: ${key} at ${a.id} was acknowledged as ${a.cursor}, stands as ${m.cursor}`);
      else if (!m.deletedAt && !m.editedAt && m.content !== s.content) faults.push(`A: ${key} at ${a.id} holds other text than was sent`);
    }
  }

  // Every reader's entries: same thing at the same place for all, upwards by one, from where it began to the end.
  const place = new Map();
  for (const r of readers) {
    const jumps = new Map(r.resets.map((x) => [x.seen, positionOf(x.cursor)])); // announced, hence no silent gap
    let last = r.begin;
    r.seen.forEach((e, i) => {
      const at = positionOf(e.cursor);
      if (jumps.has(i)) last = jumps.get(i);
      if (last !== undefined) {
        if (at <= last) faults.push(`C: ${r.name} was shown ${at} after ${last} (${e.event})`);
        else if (at !== last + 1) faults.push(`D: ${r.name} was shown ${at} after ${last} (${e.event}): a silent gap`);
      }
      last = at;
      const known = place.get(at);
      if (known === undefined) place.set(at, e);
      else if (known.cursor !== e.cursor) faults.push(`C: position ${at} is ${known.cursor} for one reader, ${e.cursor} for ${r.name}`);
      const m = byId.get(at);
      if (m) {
        if (m.cursor !== e.cursor) faults.push(`C: position ${at} is ${m.cursor} in the history, ${e.cursor} for ${r.name}`);
        if (e.event === 'message:new' && (e.data.clientId !== m.clientId || e.data.sender !== m.sender)) faults.push(`C: at ${at} ${r.name} was shown ${e.data.sender} ${e.data.clientId}, the history has ${m.sender} ${m.clientId}`);
      } else if (e.event === 'message:new') faults.push(`A: ${r.name} was shown message ${at}, which the history has not`);
    });
    const shown = new Set(r.seen.map((e) => positionOf(e.cursor)));
    const from = r.begin ?? (r.seen.length ? positionOf(r.seen[0].cursor) - 1 : Infinity);
    if (!r.resets.length) {
      for (const m of messages) if (m.id > from && !shown.has(m.id)) faults.push(`D: ${r.name} was never shown message ${m.id}, without a reset`);
    }
  }
  return { faults, acked };
}

// Throws with the first faults, and how many more.
export function verdict(history) {
  const { faults, acked } = judge(history);
  if (faults.length) throw new Error(`${faults.length} broken promises:\n  ${faults.slice(0, 12).join('\n  ')}`);
  return { acked };
}
