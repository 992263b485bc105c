import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe } from 'vitest';
import { batchEnroll } from '../../mastercard/api/batch-enroll.js';
import { loadEncryptionKey } from '../../mastercard/encryption-key.js';
import { cleanText } from '../../mastercard/cleaning.js';
import type { EnrollmentGateway } from '../../mastercard/gateway.js';
import { createHttpGateway } from '../../mastercard/http-gateway.js';
import { asCompactJwe } from '../../mastercard/jwe.js';
import { readAnswer } from '../../protection/read-answer.js';
import { readReceipt, readReport, readWith } from '../../mastercard/reading.js';
import { readErrorBody } from './read-answers.js';
import { parseRetryAfter } from '../../mastercard/retry-after.js';
import { loadSigningIdentity } from '../../mastercard/signing-key.js';
import { linear, many, refusalOf, repeated, unknownFields } from '../support/growth.js';
import { certificate, KeyFolder, pem, rsaKeyPair } from './key-files.js';

const TEXTS = {
  'one run of digits': '4',
  'digits with spaces between them': '4 ',
  'digits with dashes between them': '4-',
  'digits with brackets between them': '4()',
  'many @': '@',
  'many words with an @': 'a@b ',
  'white space': ' \t\n',
  'control characters': '\u0000\u200b',
  'combining marks': 'a\u0301',
  emoji: '👩‍👩‍👧‍👦',
  'halves of surrogate pairs': '\ud83d',
  letters: 'A',
};

describe('cleaning a text of Mastercard takes time in proportion to', () => {
  for (const [shape, unit] of Object.entries(TEXTS)) {
    linear(shape, (size) => repeated(unit, size), cleanText, 1_000);
  }
});

describe('reading the body of an error answer takes time in proportion to', () => {
  const json = (body: unknown) => JSON.stringify(body);
  const error = { Source: 'Gateway', ReasonCode: 'DECLINED', Description: 'd', Recoverable: true };

  linear(
    'gateway errors',
    (count) => json({ Errors: { Error: many(count, () => error) } }),
    readErrorBody,
    500,
  );
  linear(
    'lists of gateway errors',
    (count) => json({ Errors: many(count, () => ({ Error: [error] })) }),
    readErrorBody,
    500,
  );
  linear(
    'details',
    (count) => json({ errordetail: many(count, () => ({ reason: 'R', source: 's' })) }),
    readErrorBody,
    500,
  );
  linear('details that are none', (count) => json({ details: many(count, (n) => n) }), readErrorBody, 1_000);
  linear('names', (count) => json(unknownFields(count)), readErrorBody, 400);
  linear(
    'lists in one another',
    (levels) => `{"Errors":${'['.repeat(levels)}${']'.repeat(levels)}}`,
    readErrorBody,
    2_000,
  );
  linear('brackets that are never closed', (size) => repeated('[', size), readErrorBody, 500);
  linear('text that is no JSON', (size) => `"${repeated('\\u0000', size)}`, readErrorBody, 50_000);
  linear(
    'details that name a place again and again',
    (size) => [{ reason: 'ALREADY_EXISTS', source: `${repeated('.externalBatchId', size)}s` }],
    (details) => batchEnroll.errors.kindOf({ operation: 'submitBatch', httpStatus: 400, error: { details } }),
    50_000,
  );
});

describe('reading a status answer takes time in proportion to', () => {
  const answer = (records: unknown) =>
    JSON.stringify({ batchId: 'b', externalBatchId: 'b', batchStatus: 'COMPLETED', records });
  const ids = (n: number) => ({ externalConsumerId: `c${n}`, externalCardId: `k${n}` });
  const read = (text: string) => {
    return readReport(batchEnroll, text);
  };

  linear('records', (count) => answer(many(count, (n) => ({ ...ids(n), status: 'SUCCESS' }))), read, 200);
  linear('records that are none', (count) => answer(many(count, (n) => n)), read, 200);
  linear(
    'records whose optional fields have other types',
    (count) =>
      answer(
        many(count, (n) => ({ ...ids(n), status: 'FAILED', srcConsumerId: n, error: { errordetail: 1 } })),
      ),
    read,
    50,
  );
  linear(
    'details of one record',
    (count) =>
      answer([
        { ...ids(1), status: 'FAILED', error: { errordetail: many(count, (n) => ({ reason: `R${n}` })) } },
      ]),
    read,
    200,
  );
  linear(
    'records with almost card numbers in their texts',
    (count) =>
      answer(
        many(count, (n) => ({
          ...ids(n),
          status: '4111 1111-1111 1112',
          error: { message: '4 '.repeat(500) },
        })),
      ),
    read,
    5,
  );
  linear(
    'a long batchId',
    (size) => JSON.stringify({ batchId: repeated('.', size) }),
    (text: string) => readReceipt(batchEnroll, text),
    300_000,
  );
  linear(
    'a long correlation id',
    (size) => JSON.stringify({ srcCorrelationId: repeated('4', size) }),
    (text: string) => readWith(text, batchEnroll.removal.isDone),
    300_000,
  );
});

describe('reading Retry-After takes time in proportion to', () => {
  const shapes = {
    digits: (size: number) => repeated('9', size),
    'white space': (size: number) => `${repeated(' ', size)}x${repeated(' ', size)}`,
    'letters of a day': (size: number) => `M${repeated('o', size)}`,
    'a date that never ends': (size: number) => `Mon, ${repeated(' GMT', size)}x`,
    'a date of many numbers': (size: number) => `Mon, ${repeated('1 ', size)} GMT`,
    'a date of brackets': (size: number) => `Mon, ${repeated('(', size)} GMT`,
  };
  for (const [shape, make] of Object.entries(shapes))
    linear(shape, make, (value) => parseRetryAfter(value), 50_000);
});

describe('reading a body takes time in proportion to', () => {
  const bytesOf = (chunk: number) => (size: number) => many(size / chunk, () => Buffer.alloc(chunk, 'x'));
  const read = (chunks: Buffer[]) => readAnswer({ headers: {}, body: flow(chunks) }, 1 << 26);
  // eslint-disable-next-line @typescript-eslint/require-await -- a response body is an async iterable
  async function* flow(chunks: Buffer[]) {
    yield* chunks;
  }

  linear('its bytes', bytesOf(50_000), read, 500_000);
  linear('pieces of one byte', bytesOf(1), read, 1_000);
  linear(
    'pieces behind the limit',
    bytesOf(1),
    (chunks) => readAnswer({ headers: {}, body: flow(chunks) }, 10),
    1_000,
  );
});

describe('recognising a JWE takes time in proportion to', () => {
  const refused = (text: string) => refusalOf(() => asCompactJwe(text));

  linear('dots', (size) => repeated('.', size), refused, 10_000);
  linear('a long part', (size) => `${repeated('A', size)}....`, refused, 200_000);
  linear('what is no base64url', (size) => `....${repeated('=+/', size)}`, refused, 20_000);
});

describe('a call takes time in proportion to', () => {
  let server: Server;
  let gateway: EnrollmentGateway;
  let answer: { status: number; headers?: Record<string, string>; pieces: string[] };
  beforeAll(async () => {
    server = createServer((request, response) => {
      request.resume();
      response.writeHead(answer.status, answer.headers);
      for (const piece of answer.pieces) response.write(piece);
      response.end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    gateway = createHttpGateway({
      api: batchEnroll,
      baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/src/api`,
      srcClientId: '5e0d4b84-189d-4c86-822d-590602f62062',
      serviceId: 'SRC',
      consumerKey: 'client!key',
      // Small, since each request is signed.
      signingKey: rsaKeyPair(512).privateKey,
    });
  });
  afterAll(async () => {
    await gateway.close();
    server.close();
  });

  const failing = (given: typeof answer) => {
    answer = given;
    const correlationId = '6f0a1c1e-8d1b-4a5e-9a43-1d7a4d0f4a11';
    return refusalOf(() => gateway.fetchBatchStatus({ batchId: 'b', correlationId }));
  };

  linear(
    'errors in the answer',
    (count) => ({
      status: 400,
      pieces: [JSON.stringify({ errordetail: many(count, () => ({ reason: 'R' })) })],
    }),
    failing,
    600,
  );
  linear(
    'an answer in tiny pieces',
    (count) => ({ status: 500, pieces: many(count, () => '[') }),
    failing,
    200,
  );
  linear(
    'long headers',
    (size) => ({
      status: 429,
      headers: { 'retry-after': `Mon, ${repeated('4 ', size)}`, 'correlation-id': repeated('4-', size) },
      pieces: ['{}'],
    }),
    failing,
    900,
  );
});

describe('loading a key takes time in proportion to', () => {
  const files = new KeyFolder();
  afterAll(() => files.remove());
  let number = 0;
  const file = (content: string | Buffer) => files.write(`key-${(number += 1)}`, content);
  const encryption = (path: string) => refusalOf(() => loadEncryptionKey({ path, kid: 'x' }));
  const signing = (path: string) => refusalOf(() => loadSigningIdentity({ path }));
  const own = pem(rsaKeyPair().privateKey, 'pkcs8');
  const others = certificate(rsaKeyPair());

  linear('dashes', (size) => file(repeated('-', size)), encryption, 50_000);
  linear('beginnings of PEM', (size) => file(repeated('-----BEGIN ', size)), encryption, 50_000);
  linear(
    'beginnings of a private key in one another',
    (size) => file(`-----BEGIN ${repeated('PRIVATE KEY ', size)}`),
    encryption,
    50_000,
  );
  linear(
    'a certificate that never ends',
    (size) => file(`-----BEGIN CERTIFICATE-----\n${repeated('AAAA\n', size)}`),
    encryption,
    15_000,
  );
  linear(
    'certificates',
    (count) => file(others.repeat(count)),
    (path) => loadEncryptionKey({ path }),
    10,
  );
  linear(
    'white space in what is almost base64',
    (size) => file(`A${repeated(' ', size)}!`),
    encryption,
    50_000,
  );
  linear(
    'members of a set',
    (count) => file(JSON.stringify({ keys: many(count, (n) => ({ kty: 'RSA', use: 'enc', kid: `k${n}` })) })),
    encryption,
    300,
  );
  linear('brackets of a set', (size) => file(`{"keys":${repeated('[', size)}`), encryption, 10_000);
  linear(
    'beginnings of a certificate beside a signing key',
    (size) => file(repeated('-----BEGIN CERTIFICATE-----A', size)),
    signing,
    50_000,
  );
  linear(
    'certificates beside a signing key',
    (count) => file(`${own}\n${others.repeat(count)}`),
    (path) => loadSigningIdentity({ path }),
    10,
  );
  const der = (tag: number, content: Buffer) =>
    Buffer.concat([
      Buffer.from([tag, 0x84, ...[24, 16, 8, 0].map((shift) => (content.length >> shift) & 255)]),
      content,
    ]);
  linear(
    'values of a PKCS#12 file',
    (count) => file(der(0x30, Buffer.alloc(2 * count, Buffer.from([5, 0])))),
    signing,
    3_000,
  );
  linear(
    'a long value of a PKCS#12 file',
    (size) => file(der(0x30, der(4, Buffer.alloc(size)))),
    signing,
    50_000,
  );
  linear(
    'values in one another of a PKCS#12 file',
    (levels) => file(many(levels, () => 0x30).reduce((inner, tag) => der(tag, inner), Buffer.alloc(0))),
    signing,
    200,
  );
  linear(
    'strings of bits in one another of a PKCS#12 file',
    (levels) =>
      file(
        many(levels, () => 3).reduce(
          (inner, tag) => der(tag, Buffer.concat([Buffer.from([0]), inner])),
          Buffer.from([5, 0]),
        ),
      ),
    signing,
    200,
  );
});
