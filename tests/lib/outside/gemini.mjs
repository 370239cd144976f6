// What generateContent does with a request (research: python-genai's types, the API's error pages).
import { googleError } from './google.mjs';
import { Service, must, mustHave } from './server.mjs';

const categories = ['HARASSMENT', 'HATE_SPEECH', 'SEXUALLY_EXPLICIT', 'DANGEROUS_CONTENT'].map((c) => `HARM_CATEGORY_${c}`);
const thresholds = ['BLOCK_LOW_AND_ABOVE', 'BLOCK_MEDIUM_AND_ABOVE', 'BLOCK_ONLY_HIGH', 'BLOCK_NONE', 'OFF'];
const keywords = ['$id', '$defs', '$ref', '$anchor', 'type', 'format', 'title', 'description', 'enum', 'items', 'prefixItems', 'minItems', 'maxItems', 'minimum', 'maximum', 'anyOf', 'oneOf',
  'properties', 'additionalProperties', 'required', 'propertyOrdering'];

function checkSchema(s, what) {
  mustHave(s, [], keywords, what);
  must(['object', 'array', 'string', 'integer', 'number', 'boolean'].includes(s.type), `${what}.type ${s.type}`);
  for (const [k, v] of Object.entries(s.properties ?? {})) checkSchema(v, `${what}.${k}`);
  for (const k of s.required ?? []) must(Object.hasOwn(s.properties, k), `${what} requires ${k}, which it does not describe`);
  if (s.items) checkSchema(s.items, `${what}[]`);
}

const isText = (parts, what) => {
  must(Array.isArray(parts) && parts.length > 0, `${what} has no parts`);
  for (const p of parts) {
    mustHave(p, ['text'], [], `a part of ${what}`);
    must(typeof p.text === 'string' && p.text, `an empty part of ${what}`);
  }
};

function checkRequest(json) {
  mustHave(json, ['contents', 'systemInstruction', 'generationConfig'], ['safetySettings'], 'request');
  mustHave(json.systemInstruction, ['parts'], ['role'], 'systemInstruction');
  isText(json.systemInstruction.parts, 'systemInstruction');
  must(Array.isArray(json.contents) && json.contents.length > 0, 'no contents');
  for (const c of json.contents) {
    mustHave(c, ['role', 'parts'], [], 'content');
    must(['user', 'model'].includes(c.role), `role ${c.role}`);
    isText(c.parts, 'content');
  }
  must(json.contents.at(-1).role === 'user', 'the last turn must be the user\'s');
  for (const s of json.safetySettings ?? []) {
    mustHave(s, ['category', 'threshold'], [], 'safetySetting');
    must(categories.includes(s.category) && thresholds.includes(s.threshold), JSON.stringify(s));
  }
  must(new Set((json.safetySettings ?? []).map((s) => s.category)).size === (json.safetySettings ?? []).length, 'a category twice');
  const g = json.generationConfig;
  mustHave(g, ['responseMimeType', 'responseJsonSchema', 'maxOutputTokens'], ['stopSequences', 'thinkingConfig'], 'generationConfig'); // no temperature and the like: dropped
  must(g.responseMimeType === 'application/json', g.responseMimeType);
  must(Number.isInteger(g.maxOutputTokens) && g.maxOutputTokens > 0 && g.maxOutputTokens <= 65_536, `maxOutputTokens ${g.maxOutputTokens}`);
  checkSchema(g.responseJsonSchema, 'schema');
  for (const k of ['concerns', 'agreed', 'risk_signs', 'open_questions', 'summary']) must(Object.hasOwn(g.responseJsonSchema.properties, k), `the schema lacks ${k}`);
}

// The quoted material: the one part that is JSON. Chat text must stand in it and nowhere else.
function materialOf(json) {
  const found = json.contents.flatMap((c) => c.parts).map((p) => { try { return JSON.parse(p.text); } catch { return undefined; } }).filter((m) => m?.conversation);
  must(found.length === 1, `${found.length} parts hold a conversation`);
  mustHave(found[0], ['conversation'], ['previous', 'omitted_earlier_messages'], 'material');
  for (const l of found[0].conversation) {
    mustHave(l, ['position', 'role', 'minute', 'text'], [], 'a message');
    must(['student', 'counselor', 'volunteer'].includes(l.role), `role ${l.role}`);
    must(Number.isInteger(l.position) && Number.isInteger(l.minute) && typeof l.text === 'string', 'a message');
  }
  must(found[0].conversation.length > 0, 'nothing to summarize');
  return found[0];
}

export const goodDocument = (material, cite = [material.conversation[0].position]) => ({
  summary: `They spoke; ${material.conversation.length} messages.`, concerns: ['sleep'], agreed: ['to talk again'],
  risk_signs: [{ kind: 'self_harm', sign: 'a sign', positions: cite }], open_questions: ['since when?'],
});

// spec: document (an object, in place of the good one) · text (what the model wrote, verbatim) · cite: positions · finishReason · noContent ·
//       blockReason · error: status word of Google's errors with status · retryDelay: '3s' · parts: n (the text in so many)
// .asked: [{model, material, request}] of what was answered with 200
export function makeGemini(key) {
  const asked = [];
  const service = new Service('gemini', {
    check(r) {
      const model = /^\/v1beta\/models\/([a-z0-9.-]+):generateContent$/.exec(r.path)?.[1];
      must(r.method === 'POST' && model, `${r.method} ${r.path}`);
      must(r.headers['x-goog-api-key'] === key, 'x-goog-api-key');
      must(!r.headers.authorization && !r.headers['x-request-id'] && !r.headers.cookie, 'more headers than Google should see');
      must(/^application\/json\b/.test(r.headers['content-type'] ?? ''), `Content-Type ${r.headers['content-type']}`);
      const json = JSON.parse(r.body);
      checkRequest(json);
      return { model, request: json, material: materialOf(json) };
    },
    answer(r, c, spec) {
      const status = spec.status ?? 200;
      if (status >= 300) {
        const details = spec.retryDelay ? [{ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: spec.retryDelay }] : undefined;
        return googleError(status, spec.error ?? { 400: 'INVALID_ARGUMENT', 403: 'PERMISSION_DENIED', 404: 'NOT_FOUND', 429: 'RESOURCE_EXHAUSTED', 500: 'INTERNAL', 503: 'UNAVAILABLE', 504: 'DEADLINE_EXCEEDED' }[status] ?? 'UNKNOWN', 'An error.', details);
      }
      asked.push(c);
      const usageMetadata = { promptTokenCount: 100, candidatesTokenCount: 50, totalTokenCount: 150 };
      if (spec.blockReason) return { status, body: { promptFeedback: { blockReason: spec.blockReason }, usageMetadata, modelVersion: c.model } };
      const text = spec.text ?? JSON.stringify(spec.document ?? goodDocument(c.material, spec.cite));
      const n = spec.parts ?? 1;
      const parts = Array.from({ length: n }, (_, i) => ({ text: text.slice(Math.floor((i * text.length) / n), Math.floor(((i + 1) * text.length) / n)) }));
      const candidate = { ...(spec.noContent ? {} : { content: { role: 'model', parts } }), finishReason: spec.finishReason ?? 'STOP', index: 0 };
      return { status, body: { candidates: [candidate], usageMetadata, modelVersion: c.model, responseId: 'r' } };
    },
    refuse: (why) => googleError(400, 'INVALID_ARGUMENT', `Invalid JSON payload received. ${why}`),
  });
  service.asked = asked;
  return service;
}
