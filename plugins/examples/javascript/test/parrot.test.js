// Runs natively: what the component exports are plain functions.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { HOST } from '../src/descriptor.js';
import { inbound, manifest, outbound } from '../src/index.js';

const AT = 1_790_000_000_000;
const context = { settings: [['number', '15550100']], now: AT, seed: new Uint8Array(32), locale: undefined };
const bytes = (text) => new TextEncoder().encode(text);

const message = (more = {}) => ({
  id: '01J9ZQ5Y3W8V7T6S5R4Q3P2N1M',
  to: { tag: 'phone', val: '4915112345678' },
  sender: '15550100',
  content: { tag: 'text', val: { body: 'Hallo {{api_key}}', previewUrl: false } },
  replyTo: undefined,
  options: '{}',
  ...more,
});
const answered = (status, body, headers = []) => ({ tag: 'response', val: { status, headers, body: bytes(body) } });
const resumed = (outcome) => outbound.resume(context, message(), new Uint8Array(), outcome);
const parsed = (body, skip = 0) => {
  const raw = body instanceof Uint8Array ? body : bytes(JSON.stringify(body));
  return inbound.parse(context, { name: 'main', method: 'post', query: [], headers: [], body: raw, receivedAt: AT }, skip);
};

test('a text becomes one request with the text verbatim', () => {
  const { tag, val } = outbound.start(context, message());
  assert.equal(tag, 'exchange');
  assert.equal(val.replay, 'unsafe');
  assert.deepEqual(val.request.headers[0].value.at(-1), { tag: 'secret', val: 'api_key' });
  const document = JSON.parse(val.request.body.val.document);
  assert.equal(document.text, 'Hallo {{api_key}}');
  assert.equal(document.to, '+4915112345678');
});

test('what Parrot cannot do is unsupported', () => {
  const location = { tag: 'location', val: { latitude: 1, longitude: 2, name: undefined, address: undefined } };
  for (const wrong of [{ content: location }, { to: { tag: 'user-id', val: 'x' } }]) {
    assert.throws(() => outbound.start(context, message(wrong)), { code: 'unsupported', retry: { tag: 'never' } });
  }
});

test('an accepted message has an id', () => {
  assert.equal(resumed(answered(201, '{"id":"p-1"}')).val.providerMessageId, 'p-1');
});

test('every failure has a class and an advice', () => {
  const failed = (val) => ({ tag: 'failed', val });
  for (const [outcome, code, retry] of [
    [answered(401, '{}'), 'auth-failed', { tag: 'never' }],
    [answered(429, '<html>'), 'rate-limited', { tag: 'backoff' }],
    [answered(429, '', [['retry-after', '7']]), 'rate-limited', { tag: 'after-ms', val: 7000 }],
    [answered(503, ''), 'provider-unavailable', { tag: 'backoff' }],
    [answered(400, '{"error":{"code":"opted_out"}}'), 'recipient-opted-out', { tag: 'never' }],
    [answered(400, '{"error":{"code":"toString"}}'), 'invalid-message', { tag: 'never' }],
    [answered(200, '{"id":7}'), 'malformed-response', { tag: 'uncertain' }],
    [answered(200, '<html>'), 'malformed-response', { tag: 'uncertain' }],
    [failed('connect'), 'provider-unavailable', { tag: 'backoff' }],
    [failed('denied'), 'provider-unavailable', { tag: 'never' }],
    [failed('timeout-after-send'), 'provider-unavailable', { tag: 'uncertain' }],
  ]) {
    assert.throws(() => resumed(outcome), { code, retry });
  }
});

test('messages, statuses, and what nobody knows', () => {
  const events = [
    { type: 'message', id: 'm-1', from: '+4915112345678', at: 1_790_000_001, text: 'Hi 👋' },
    { type: 'status', id: 'p-1', status: 'failed', error: { code: 'opted_out' } },
    { type: 'poke', by: 'nobody' },
    'not even an object',
    null,
  ];
  const { items } = parsed({ number: '15550100', events });
  const [text, status, ...others] = items.map((item) => item.event);
  assert.deepEqual(text.val.content, { tag: 'text', val: 'Hi 👋' });
  assert.equal(text.val.at, 1_790_000_001_000);
  assert.equal(status.val.error.code, 'recipient-opted-out');
  assert.deepEqual(others.map((other) => JSON.parse(other.val)), events.slice(2));
  assert.equal(new Set(items.map((item) => item.dedupeKey)).size, events.length);
});

test('a long webhook comes in pages', () => {
  const events = Array.from({ length: 4200 }, (_, n) => ({ type: 'status', id: `p-${n}`, status: 'read' }));
  const keys = [];
  for (let skip = 0; skip !== undefined; ) {
    const page = parsed({ number: '15550100', events }, skip);
    keys.push(...page.items.map((item) => item.dedupeKey));
    skip = page.next;
  }
  assert.deepEqual(keys, events.map((event) => `status:${event.id}:read`));
});

test('text that is no Unicode does no harm', () => {
  const body = bytes('{"events":[{"type":"message","id":"m","from":"15550199","text":"\\ud83d"}]}');
  assert.ok(parsed(body).items[0].event.val.content.val.isWellFormed());
});

test('only a body that is no object is an error', () => {
  for (const body of ['', '{', '[]', 'null', '7', '['.repeat(100_000), '{"a":'.repeat(100)]) {
    assert.throws(() => parsed(bytes(body)), { code: 'malformed-response' }, body);
  }
  assert.throws(() => parsed(new Uint8Array([0xff])), { code: 'malformed-response' });
  assert.equal(parsed({}).items.length, 1);
});

test('it is constant, and every secret that is sent has an audience', () => {
  assert.deepEqual(manifest.describe(), manifest.describe());
  const key = manifest.describe().inputs.find((input) => input.name === 'api_key');
  assert.deepEqual(key.audience, [HOST]);
});
