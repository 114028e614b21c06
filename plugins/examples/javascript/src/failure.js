// Parrot's failures, mapped to the closed list that the host acts on: by Parrot's own code first, by the
// HTTP status second.

import { parse } from './json.js';

const BY_CODE = {
  number_not_on_whatsapp: { code: 'recipient-unknown', remedy: 'Check the number; it has no WhatsApp account.' },
  opted_out: { code: 'recipient-opted-out', remedy: 'Do not write to this person again before they write to you.' },
  window_closed: { code: 'window-closed', remedy: 'Send a template, or wait until the customer writes.' },
  no_credit: { code: 'payment-required', remedy: "Top up the account at Parrot's console." },
  too_many_requests: { code: 'rate-limited', retry: { tag: 'backoff' } },
};

const AUTH_REMEDY = "Set the channel's api_key to the one that Parrot's console shows.";

// `at` is for operators: which answer, never what a person wrote.
export function failure(code, retry, detail, more = {}) {
  return { code, retry, providerCode: undefined, traceId: undefined, detail, remedy: undefined, pace: [], ...more };
}

export const never = { tag: 'never' };
export const backoff = { tag: 'backoff' };

// An answer that is not 2xx.
export function fromResponse(response) {
  const error = errorOf(response.body);
  const known = remembered(error.code);
  const retryAfter = Number(header(response, 'retry-after'));
  const wait = Number.isFinite(retryAfter) && retryAfter > 0
    ? { tag: 'after-ms', val: Math.min(retryAfter, 86_400) * 1000 }
    : backoff;
  const detail = `Parrot answered ${response.status}${error.code ? ` ${error.code}` : ''}`;
  const more = { providerCode: error.code, remedy: known?.remedy };
  if (known && !known.retry) return failure(known.code, never, detail, more);
  if (known?.retry || response.status === 429) return failure('rate-limited', wait, detail, more);
  if (response.status === 401 || response.status === 403) {
    return failure('auth-failed', never, detail, { ...more, remedy: AUTH_REMEDY });
  }
  // Parrot's documents say that a 5xx means that nothing was sent.
  if (response.status >= 500) return failure('provider-unavailable', wait, detail, more);
  if (response.status === 400 || response.status === 422) return failure('invalid-message', never, detail, more);
  return failure('other', never, detail, more);
}

// The reason inside a status `failed`.
export function fromStatus(error) {
  const code = text(error?.code);
  const known = remembered(code);
  return failure(known?.code ?? 'other', never, `Parrot reports ${code || 'a failure without a reason'}`, {
    providerCode: code || undefined,
    remedy: known?.remedy,
  });
}

// No answer was read. Whether the message went out is known only when it cannot have left.
export function fromTransport(kind) {
  const unsent = ['dns', 'connect', 'tls', 'timeout-before-send', 'denied', 'canceled'];
  const retry = kind === 'denied' ? never : unsent.includes(kind) ? backoff : { tag: 'uncertain' };
  return failure('provider-unavailable', retry, `no answer from Parrot: ${kind}`);
}

function errorOf(bytes) {
  try {
    const code = text(parse(bytes)?.error?.code);
    return { code: code || undefined };
  } catch {
    return { code: undefined };
  }
}

function remembered(code) {
  return code !== undefined && Object.hasOwn(BY_CODE, code) ? BY_CODE[code] : undefined;
}

function header(response, name) {
  return response.headers.find(([found]) => found === name)?.[1];
}

function text(value) {
  return typeof value === 'string' ? value.toWellFormed().slice(0, 64) : '';
}
