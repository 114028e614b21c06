// Parrot's webhook: `{ "number": "...", "events": [ ... ] }`. Total: what is not understood becomes `other`
// with its raw part, and only a body that is no JSON object at all is an error.

import { failure, fromStatus, never } from './failure.js';
import { decode, encode } from './utf8.js';

// A page of items stays far below what one call may return.
const PAGE_ITEMS = 500;
const STATES = ['queued', 'sent', 'delivered', 'read', 'failed'];

export function parse(_context, webhook, skip) {
  const body = bodyOf(webhook.body);
  const route = body.number === undefined ? { tag: 'app' } : { tag: 'sender', val: body.number };
  const events = Array.isArray(body.json.events) ? body.json.events : undefined;
  if (events === undefined) {
    return { items: skip > 0 ? [] : [other(route, '', body.json)], next: undefined };
  }
  const page = events.slice(skip, skip + PAGE_ITEMS);
  const items = page.map((event, index) => item(route, `/events/${skip + index}`, event, webhook.receivedAt));
  const next = skip + page.length;
  return { items, next: next < events.length ? next : undefined };
}

function bodyOf(bytes) {
  let json;
  try {
    json = JSON.parse(decode(bytes));
  } catch {
    throw failure('malformed-response', never, "the webhook's body is not JSON");
  }
  if (json === null || typeof json !== 'object' || Array.isArray(json)) {
    throw failure('malformed-response', never, "the webhook's body is no JSON object");
  }
  return { json, number: name(json.number) };
}

function item(route, pointer, event, receivedAt) {
  return message(route, pointer, event, receivedAt) ?? status(route, pointer, event, receivedAt) ?? other(route, pointer, event);
}

function message(route, pointer, event, receivedAt) {
  const [id, from] = [name(event?.id), digits(event?.from)];
  if (event?.type !== 'message' || id === undefined || from === undefined || typeof event.text !== 'string') return undefined;
  return {
    route,
    pointer,
    dedupeKey: `message:${id}`,
    event: {
      tag: 'message',
      val: {
        providerMessageId: id,
        sender: { phone: from, userId: undefined, username: undefined, name: name(event.name) },
        group: undefined,
        at: time(event.at) ?? receivedAt,
        replyTo: name(event.reply_to),
        forwarded: event.forwarded === true,
        content: { tag: 'text', val: event.text.toWellFormed() },
        referral: undefined,
      },
    },
  };
}

function status(route, pointer, event, receivedAt) {
  const id = name(event?.id);
  if (event?.type !== 'status' || id === undefined || !STATES.includes(event.status)) return undefined;
  return {
    route,
    pointer,
    dedupeKey: `status:${id}:${event.status}`,
    event: {
      tag: 'status',
      val: {
        providerMessageId: id,
        recipient: undefined,
        state: event.status,
        at: time(event.at) ?? receivedAt,
        error: event.status === 'failed' ? fromStatus(event.error) : undefined,
        pricing: undefined,
        conversationId: undefined,
        messageId: name(event.reference),
        group: undefined,
      },
    },
  };
}

function other(route, pointer, event) {
  const raw = JSON.stringify(event);
  return { route, pointer, dedupeKey: `other:${fingerprint(raw)}`, event: { tag: 'other', val: raw } };
}

// A short text, or nothing.
function name(value) {
  return typeof value === 'string' && value !== '' && value.length <= 128 ? value.toWellFormed() : undefined;
}

// A phone number as the interface writes it: digits without a plus.
function digits(value) {
  return typeof value === 'string' ? /^\+?([0-9]{5,15})$/.exec(value)?.[1] : undefined;
}

// Parrot writes seconds; anything else is not believed. The interface has milliseconds.
function time(seconds) {
  return Number.isInteger(seconds) && seconds > 0 && seconds < 100_000_000_000 ? BigInt(seconds) * 1000n : undefined;
}

// FNV-1a, 64 bits: the same text gives the same key in every version of this plugin.
function fingerprint(text) {
  let hash = 0xcbf29ce484222325n;
  for (const byte of encode(text)) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  }
  return hash.toString(16).padStart(16, '0');
}
