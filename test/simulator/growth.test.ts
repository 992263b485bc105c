import { generateKeyPairSync } from 'node:crypto';
import { describe } from 'vitest';
import { ApiError } from '../../simulator/api-error.js';
import { openJwe } from '../../simulator/jwe-opener.js';
import { createOAuthVerifier } from '../../simulator/oauth-verifier.js';
import { readBody, readPayload, readQuery } from '../../simulator/request-schema.js';
import { WIRE } from '../../simulator/wire.js';
import { effectOfBatch } from '../../simulator/triggers.js';
import { linear, many, refusalOf, repeated, unknownFields } from '../support/growth.js';
import { testRecord } from '../support/records.js';

const NOW = Date.parse('2026-11-24T12:00:00Z');
const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });

/** Work that the simulator must refuse. */
const refused =
  <Input>(work: (input: Input) => unknown) =>
  async (input: Input) => {
    const error = await refusalOf(() => work(input));
    if (!(error instanceof ApiError)) throw error;
  };

describe('verifying a signature takes time in proportion to', () => {
  const verify = createOAuthVerifier(
    () => publicKey,
    () => NOW,
  );
  const signed = (changes: object) => {
    const header = Object.entries({
      oauth_body_hash: '47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=',
      oauth_consumer_key: 'k',
      oauth_nonce: 'n',
      oauth_signature: 's',
      oauth_signature_method: 'RSA-SHA256',
      oauth_timestamp: String(NOW / 1000),
      oauth_version: '1.0',
      ...changes,
    });
    return `OAuth ${header.map(([name, value]) => `${name}="${value}"`).join(',')}`;
  };
  const request = (changes: object) => ({
    method: 'GET',
    host: 'h',
    target: '/',
    authorization: signed({}),
    body: Buffer.alloc(0),
    ...changes,
  });

  linear(
    'parameters of the header',
    (count) => request({ authorization: `OAuth ${many(count, () => 'a=""').join(',')}` }),
    refused(verify),
    1_000,
  );
  linear(
    'commas of the header',
    (size) => request({ authorization: `OAuth a=""${repeated(',', size)}` }),
    refused(verify),
    300_000,
  );
  linear(
    'a quote that is never closed',
    (size) => request({ authorization: `OAuth a="${repeated('x', size)}` }),
    refused(verify),
    50_000,
  );
  linear(
    'a long signature',
    (size) => request({ authorization: signed({ oauth_signature: repeated('%41', size) }) }),
    refused(verify),
    10_000,
  );
  linear(
    'parameters of the query',
    (count) => request({ target: `/?${many(count, (n) => `n${n}=1`).join('&')}` }),
    refused(verify),
    300,
  );
  linear('marks of the query', (size) => request({ target: repeated('?=&', size) }), refused(verify), 2_000);
  linear('a long host', (size) => request({ host: repeated(':80', size) }), refused(verify), 5_000);
  linear('a body', (size) => request({ body: Buffer.alloc(size) }), refused(verify), 200_000);
});

describe('reading a request takes time in proportion to', () => {
  const read = refused((body: Buffer) => readBody(WIRE.requests.enroll, body));
  linear('brackets', (size) => Buffer.from(repeated('[', size)), read, 500);
  linear(
    'fields that nobody knows',
    (count) => Buffer.from(JSON.stringify(unknownFields(count))),
    read,
    3_000,
  );
  linear(
    'a long batch id',
    (size) => Buffer.from(JSON.stringify({ externalBatchId: repeated('~1', size) })),
    read,
    300_000,
  );
  linear(
    'a long query',
    (size) => ({ srcCorrelationId: repeated('0-', size) }),
    refused((query: unknown) => readQuery(WIRE.requests.status, query)),
    300_000,
  );
  linear(
    'dots of a JWE',
    (size) => repeated('.', size),
    refused((token: string) => openJwe(token, privateKey, new Set())),
    10_000,
  );
  linear(
    'a long JWE',
    (size) => `AA.AA.AA.${repeated('A', size)}.AA`,
    refused((token: string) => openJwe(token, privateKey, new Set())),
    50_000,
  );
  linear('a long name of a batch', (size) => repeated('sim-', size), effectOfBatch, 50_000);
});

describe('reading the cards of a batch takes time in proportion to', () => {
  const payload = (enrollments: unknown) => Buffer.from(JSON.stringify({ enrollments }));
  const read = refused((plaintext: Buffer) => readPayload(WIRE, plaintext, NOW));

  linear(
    'records',
    (count) => payload(many(count, (n) => testRecord(n))),
    (plaintext) => readPayload(WIRE, plaintext, NOW),
    25,
  );
  linear('records that are none', (count) => payload(many(count, (n) => n)), read, 200);
  linear('empty records', (count) => payload(many(count, () => ({}))), read, 50);
  linear('the same record', (count) => payload(many(count, () => testRecord(1))), read, 50);
  linear(
    'expired cards',
    (count) =>
      payload(
        many(count, (n) => ({
          ...testRecord(n),
          cards: [{ ...testRecord(n).cards[0], panExpirationYear: '2020' }],
        })),
      ),
    read,
    50,
  );
  for (const [shape, unit] of [
    ['digits', '4'],
    ['@', '@'],
    ['words with an @', 'a@'],
    ['white space', ' '],
  ] as const)
    linear(
      `an e-mail address and a card number of ${shape}`,
      (size) =>
        payload([
          {
            ...testRecord(1),
            consumer: { emailAddress: repeated(unit, size) },
            cards: [{ primaryAccountNumber: repeated(unit, size) }],
          },
        ]),
      read,
      10_000,
    );
});
