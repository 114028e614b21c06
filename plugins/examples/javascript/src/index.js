// What the component exports. Each object is one interface of `wit/provider.wit`; names are camelCase,
// a variant is `{ tag, val }`, an absent option is `undefined`, and an error is thrown.

import { descriptor } from './descriptor.js';
import { start, resume } from './send.js';
import { parse } from './webhook.js';

export const manifest = { describe: descriptor };
export const outbound = { start, resume };
export const inbound = { parse };
