// What this plugin is and what it wants. Constant: the host calls it twice and compares.

export const HOST = 'api.parrot.example';
export const MESSAGES_PATH = '/v1/messages';

const input = (fields) => ({
  level: 'channel',
  required: true,
  help: '',
  choices: [],
  pattern: '',
  audience: [],
  ...fields,
});

export function descriptor() {
  return {
    id: 'example.parrot.js',
    name: 'Parrot (JavaScript)',
    version: '0.1.0',
    vendor: 'Example',
    homepage: undefined,
    capabilities: [
      { name: 'text', note: undefined },
      { name: 'to.phone', note: undefined },
      { name: 'reply', note: undefined },
    ],
    inputs: [
      input({ name: 'number', kind: 'text', title: 'Number', help: 'The number that sends, digits only.', pattern: '[0-9]{7,15}' }),
      // The value never enters this component. Only the host inserts it, and only towards this audience.
      input({ name: 'api_key', kind: 'secret', title: 'API key', audience: [HOST] }),
      input({ name: 'webhook_secret', kind: 'secret', title: 'Webhook secret' }),
    ],
    endpoints: [{ host: HOST, methods: ['post'], paths: [MESSAGES_PATH], hostSetting: undefined }],
    webhooks: [
      {
        name: 'main',
        level: 'channel',
        checks: [{ when: { tag: 'always' }, verify: { tag: 'mac', val: signature } }],
        challenge: undefined,
        ack: { status: 200, contentType: undefined, body: '' },
        headers: [],
        maxBody: 4 * 1024 * 1024,
      },
    ],
    senderSetting: 'number',
    accountSetting: undefined,
    rates: [],
    flows: [],
    responseHeaders: [],
  };
}

// The host verifies; this component only ever sees calls whose signature was right.
const signature = {
  header: 'x-parrot-signature',
  prefix: 'sha256=',
  separator: undefined,
  hash: 'sha256',
  encoding: 'hex',
  key: 'webhook_secret',
  keyEncoding: undefined,
  over: [{ tag: 'body' }],
  freshness: undefined,
};
