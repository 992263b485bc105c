import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { defaultPayloadConverter } from '@temporalio/common';
import fc from 'fast-check';
import { pino } from 'pino';
import { Client } from 'undici';
import { afterAll, beforeAll } from 'vitest';
import { createCodecServer, type CodecServer } from '../../../protection/codec-server/codec-server.js';
import { formatPayloads } from '../../../protection/codec-server/payloads-json.js';
import { EncryptingPayloadCodec } from '../../../protection/payload-codec.js';
import { damaged, noise } from '../../support/fuzz/bytes.js';
import { fuzz } from '../../support/fuzz/fuzz.js';
import { estranged } from '../../support/fuzz/json.js';
import { expectNoSecret, SECRETS } from '../../support/fuzz/secrets.js';
import { testRing } from '../../support/key-rings.js';
import { testRecord } from '../../support/records.js';

const codec = new EncryptingPayloadCodec(testRing(1), { encrypts: false });
const batch = {
  records: {
    inline: [{ ...testRecord(1), consumer: { lastName: SECRETS.name, emailAddress: SECRETS.email } }],
  },
};
const clear = [batch, `card ${SECRETS.pan}`, { [SECRETS.pan]: SECRETS.pan }, new Uint8Array([1]), undefined];
const payloads = clear.map((value) => defaultPayloadConverter.toPayload(value));

let server: CodecServer;
let client: Client;
let audit = '';
const encrypted = formatPayloads(
  await new EncryptingPayloadCodec(testRing(1)).encode(payloads, {
    type: 'workflow',
    namespace: 'default',
    workflowId: 'any',
  }),
);
beforeAll(async () => {
  server = await createCodecServer({
    host: '127.0.0.1',
    port: 0,
    codec,
    authenticate: () => Promise.resolve({ subject: 'operator', scopes: new Set(), mayRead: () => true }),
    origins: [],
    namespaces: ['default'],
    requestsPerMinute: 10_000_000,
    audit: pino(
      {},
      new Writable({
        write: (line: Buffer, _encoding, done) => {
          audit = line.toString();
          done();
        },
      }),
    ),
  });
  client = new Client(server.url);
});
afterAll(async () => {
  await client.close();
  await server.close();
});

const one = fc.constantFrom(...encrypted.payloads, ...formatPayloads(payloads).payloads);
const texts = estranged(fc.record({ payloads: fc.array(one, { maxLength: 3 }) }), 3);
const bodies = fc.oneof(
  { weight: 8, arbitrary: texts.map((text) => Buffer.from(text)) },
  { weight: 3, arbitrary: damaged(texts.map((text) => Buffer.from(text))) },
  { weight: 1, arbitrary: noise },
);

fuzz(
  'a body is decoded with personal data masked, or refused without being repeated',
  bodies,
  async (body) => {
    const { statusCode, body: answer } = await client.request({
      method: 'POST',
      path: '/decode',
      headers: { 'content-type': 'application/json', 'x-namespace': 'default' },
      body,
    });
    const text = await answer.text();
    assert([200, 400, 422].includes(statusCode), `status ${statusCode}`);
    expectNoSecret(audit);
    if (statusCode !== 200) {
      assert.deepEqual(Object.keys(JSON.parse(text) as object), ['message']);
      expectNoSecret(text);
      return;
    }
    const decoded = JSON.parse(text) as typeof encrypted;
    for (const { data } of decoded.payloads) expectNoSecret(Buffer.from(data, 'base64').toString('utf8'));
  },
);
