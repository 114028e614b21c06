// Parrot's webhook: `{ "number": "...", "events": [ ... ] }`. Total: what is not understood becomes `other`
// with its raw part, and only a body that is no JSON object at all is an error.

import { failure, fromStatus, never } from './failure.js';
import { parse as parseJson } from './json.js';

// As many as one call may return: each further page reads the whole body again.
const PAGE_ITEMS = 2000;
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
    json = parseJson(bytes);
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
  return Number.isInteger(seconds) && seconds > 0 && seconds < 100_000_000_000 ? seconds * 1000 : undefined;
}

// Two FNV-1a hashes of 32 bits over the UTF-16 units: the same text gives the same key in every version of
// this plugin.
function fingerprint(text) {
  let [one, two] = [0x811c9dc5, 0x9747b28c];
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at);
    one = Math.imul(one ^ unit, 0x01000193);
    two = Math.imul(two ^ unit, 0x85ebca6b);
  }
  return [one, two].map((hash) => (hash >>> 0).toString(16).padStart(8, '0')).join('');
}
