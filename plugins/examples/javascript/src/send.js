// A message out: one exchange, and what its answer means.

import { HOST, MESSAGES_PATH } from './descriptor.js';
import { failure, fromResponse, fromTransport, never } from './failure.js';
import { parse } from './json.js';

const ANSWER_BYTES_MAX = 64 * 1024;

export function start(_context, message) {
  if (message.content.tag !== 'text') {
    throw failure('unsupported', never, `Parrot cannot send ${message.content.tag}`, { remedy: 'Send a text.' });
  }
  if (message.to.tag !== 'phone') {
    throw failure('unsupported', never, 'Parrot reaches people by phone number only', { remedy: 'Give a phone number.' });
  }
  const document = JSON.stringify({
    from: message.sender,
    to: `+${message.to.val}`,
    text: message.content.val.body,
    // Absent is `undefined` natively and `null` inside the component.
    reply_to: message.replyTo ?? undefined,
    // Comes back in every status, so that one which arrives before the answer still finds its message.
    reference: message.id,
  });
  return {
    tag: 'exchange',
    val: {
      label: 'send',
      request: {
        method: 'post',
        url: `https://${HOST}${MESSAGES_PATH}`,
        query: { tag: 'fields', val: [] },
        headers: [{ name: 'authorization', value: [{ tag: 'text', val: 'Bearer ' }, { tag: 'secret', val: 'api_key' }] }],
        body: { tag: 'json', val: { document, insert: [] } },
        timeoutMs: undefined,
      },
      // Parrot has no idempotency key: a lost answer must not be sent again.
      replay: 'unsafe',
      sink: { tag: 'buffer', val: ANSWER_BYTES_MAX },
      capture: [],
      memo: undefined,
      bucket: undefined,
      delayMs: 0,
      state: new Uint8Array(),
    },
  };
}

export function resume(_context, _message, _state, outcome) {
  switch (outcome.tag) {
    case 'response':
      return { tag: 'done', val: accepted(outcome.val) };
    case 'failed':
      throw fromTransport(outcome.val);
    default:
      throw failure('misconfigured', never, 'this plugin stores no answers');
  }
}

function accepted(response) {
  if (response.status < 200 || response.status > 299) throw fromResponse(response);
  let id;
  try {
    id = parse(response.body)?.id;
  } catch {
    // Said below, with what else can be wrong with it.
  }
  if (typeof id !== 'string' || id === '' || id.length > 128) {
    // It was accepted and cannot be matched: never again.
    throw failure('malformed-response', { tag: 'uncertain' }, 'Parrot accepted the message and named no id');
  }
  return { providerMessageId: id.toWellFormed(), pace: [], recipient: undefined, pending: true };
}

