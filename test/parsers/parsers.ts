import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { defaultPayloadConverter, type Payload } from '@temporalio/common';
import { afterAll } from 'vitest';
import { openSource } from '../../bulk/source.js';
import { SourceError } from '../../bulk/source-error.js';
import { MAX_INPUT_BYTES } from '../../cli/input/bytes.js';
import { InputError } from '../../cli/input/input-error.js';
import { readRecords } from '../../cli/input/read-records.js';
import { ConfigError } from '../../config/errors.js';
import { loadConfig, MAX_CONFIG_BYTES } from '../../config/load.js';
import { PolicyError, parsePolicy, type PolicyInput } from '../../enrollment/policy-schema.js';
import { acceptBatch } from '../../enrollment/acceptance.js';
import type { EnrollmentRecord } from '../../enrollment/records.js';
import { batchEnroll } from '../../mastercard/api/batch-enroll.js';
import { validateRecords } from '../../enrollment/validation.js';
import { loadEncryptionKey } from '../../mastercard/encryption-key.js';
import { asCompactJwe, JweError } from '../../mastercard/jwe.js';
import { KeyError, MAX_KEY_FILE_BYTES } from '../../mastercard/key-material.js';
import { readError, readReport } from '../../mastercard/reading.js';
import { MAX_ANSWER_BYTES } from '../../mastercard/signed-call.js';
import { parseRetryAfter } from '../../mastercard/retry-after.js';
import { loadSigningIdentity } from '../../mastercard/signing-key.js';
import { parseShallow } from '../../protection/json-depth.js';
import { AccessRefused, accessTokens } from '../../protection/codec-server/access-tokens.js';
import { BODY_LIMIT } from '../../protection/codec-server/codec-server.js';
import { formatPayloads, parsePayloads } from '../../protection/codec-server/payloads-json.js';
import { maskPayload } from '../../protection/codec-server/personal-data.js';
import { fileKeyProvider } from '../../protection/file-key-provider.js';
import { KeyRingError, MAX_KEY_RING_BYTES, parseKeyRing } from '../../protection/key-ring-json.js';
import { KeyRing } from '../../protection/key-ring.js';
import { EncryptingPayloadCodec, PayloadCodecError } from '../../protection/payload-codec.js';
import { createLogger } from '../../protection/logger.js';
import { printable, printableJson, printableLine } from '../../protection/printable.js';
import { MAX_SEALED_BYTES, SealedBlobError } from '../../protection/seal.js';
import { HEADER } from '../cli/input-files.js';
import { csvRow } from '../bulk/memory-source.js';
import { MINIMAL_CONFIG } from '../config/minimal.js';
import { repeated } from '../support/growth.js';
import {
  ANY,
  JSON_TEXTS,
  JSON_VALUES,
  numbered,
  of,
  random,
  within,
  type Input,
  type Kinds,
  type Make,
  type Parser,
} from '../support/hostile-inputs.js';
import { testRing, testRingJson } from '../support/key-rings.js';
import { testRecord } from '../support/records.js';
import { AUDIENCE, ISSUER, SECRET } from '../support/tokens.js';

const KB = 1024;
const MB = 1024 * KB;

const folder = mkdtempSync(join(tmpdir(), 'c2p-hostile-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Has the bytes read from a file. */
const inFile = (name: string, read: (path: string) => unknown) => (input: Input) => {
  const path = join(folder, name);
  writeFileSync(path, input.bytes);
  chmodSync(path, 0o600);
  return read(path);
};

/** What refuses its input with an error of this class, and with no other. */
const refusing =
  <Given>(refusal: new (...args: never[]) => Error, work: (input: Given) => unknown) =>
  async (input: Given) => {
    try {
      await work(input);
    } catch (error) {
      if (!(error instanceof refusal)) throw error;
    }
  };

const values = (before: string, after: string, where: string) => within(before, JSON_VALUES, after, where);
/** JSON where one is expected; nothing for what is none. */
const json = (input: Input): unknown => {
  try {
    return parseShallow(input.text);
  } catch {
    return undefined;
  }
};

const PEM = {
  ...ANY,
  dashes: of('-'),
  'beginnings of PEM': of('-----BEGIN '),
  'beginnings of certificates': of('-----BEGIN CERTIFICATE-----\n'),
  'beginnings of private keys': of('-----BEGIN PRIVATE KEY-----\n'),
  'beginnings of a private key in one another': of('PRIVATE KEY ', '-----BEGIN '),
  'ends of certificates': of('-----END CERTIFICATE-----\n'),
  'a certificate that never ends': of('AAAA\n', '-----BEGIN CERTIFICATE-----\n'),
  'a private key that never ends': of('AAAA\n', '-----BEGIN PRIVATE KEY-----\n'),
  'empty certificates': of('-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'),
  'letters and dashes at random': random('-BEGIN \n', 10),
} satisfies Kinds;

const der = (tag: number, content: Buffer) =>
  Buffer.concat([
    Buffer.from([tag, 0x84, ...[24, 16, 8, 0].map((shift) => (content.length >> shift) & 255)]),
    content,
  ]);
const derOf =
  (tag: number, unit: number[]): Make =>
  (bytes) =>
    der(tag, Buffer.alloc(bytes, Buffer.from(unit)));
const inOneAnother =
  (tag: number, before: number[] = []): Make =>
  (bytes) => {
    const length = 6 + before.length;
    const levels = Math.floor(bytes / length);
    return Buffer.concat(
      Array.from({ length: levels }, (_, n) => {
        const rest = (levels - n - 1) * length + before.length;
        return Buffer.from([tag, 0x84, ...[24, 16, 8, 0].map((shift) => (rest >> shift) & 255), ...before]);
      }),
    );
  };
const PKCS12: Kinds = {
  'values of a sequence': derOf(0x30, [5, 0]),
  'empty sequences': derOf(0x30, [0x30, 0]),
  'a long text': derOf(0x30, [4, 0]),
  'numbers of a byte': derOf(0x30, [2, 1, 1]),
  'object identifiers': derOf(0x30, [6, 1, 42]),
  'strings of bits': derOf(0x30, [3, 2, 0, 0]),
  'sequences in one another': inOneAnother(0x30),
  'sets in one another': inOneAnother(0x31),
  'strings of bits in one another': inOneAnother(3, [0]),
  'sequences of indefinite length': (bytes) => Buffer.alloc(bytes, Buffer.from([0x30, 0x80])),
  'ends of what has no end': (bytes) => Buffer.alloc(bytes),
  'a length that is a lie': (bytes) =>
    Buffer.concat([Buffer.from([0x30, 0x84, 0xff, 0xff, 0xff, 0xff]), Buffer.alloc(bytes)]),
};

const part = (text: string | Buffer) => Buffer.from(text).toString('base64url');
const TOKENS: Kinds = {
  ...within('Bearer ', ANY, '', 'a token'),
  dots: of('.', 'Bearer '),
  'spaces before it': (bytes) => `Bearer${repeated(' ', bytes)}x`,
  'spaces behind it': (bytes) => `Bearer x${repeated(' ', bytes)}x`,
  'Bearer many times': of('Bearer '),
  'a long header': (bytes) => `Bearer ${part(`{"alg":"HS256","x":"${repeated('x', bytes)}"}`)}.e30.AA`,
  'a header of brackets': (bytes) => `Bearer ${part(repeated('[', bytes))}.e30.AA`,
  'a long list of what is critical': (bytes) =>
    `Bearer ${part(`{"alg":"HS256","crit":[${repeated('"b64",', bytes)}"b64"]}`)}.e30.AA`,
  'a content of brackets': (bytes) =>
    `Bearer ${part('{"alg":"HS256"}')}.${part(repeated('{"a":', bytes))}.AA`,
  'a long signature': (bytes) => `Bearer ${part('{"alg":"HS256"}')}.e30.${repeated('A', bytes)}`,
};

const gz =
  (make: Make): Make =>
  (bytes) =>
    gzipSync(make(bytes));
const member = gzipSync('');
const GZIP: Kinds = {
  ...Object.fromEntries(
    Object.entries(ANY).map(([kind, make]) => [
      `a damaged member of ${kind}`,
      (bytes: number) => Buffer.concat([Buffer.from([0x1f, 0x8b, 8, 0]), Buffer.from(make(bytes))]),
    ]),
  ),
  'a bomb': (bytes) => gzipSync(Buffer.alloc(bytes * 100)),
  'a bomb in a bomb': (bytes) => gzipSync(gzipSync(Buffer.alloc(bytes * 100))),
  'empty members': (bytes) => Buffer.concat(Array<Buffer>(Math.ceil(bytes / member.length)).fill(member)),
  'what cannot be compressed': gz(random(undefined, 11)),
  'one that is cut off': (bytes) => gzipSync(random(undefined, 12)(bytes)).subarray(0, -8),
  'zeros behind a member': (bytes) => Buffer.concat([member, Buffer.alloc(bytes)]),
  'random bytes behind a member': (bytes) =>
    Buffer.concat([member, Buffer.from(random(undefined, 13)(bytes))]),
  'a name without end': (bytes) =>
    Buffer.concat([Buffer.from([0x1f, 0x8b, 8, 8, 0, 0, 0, 0, 0, 0]), Buffer.alloc(bytes, 'x')]),
};

const ring = testRing(1);
const codec = new EncryptingPayloadCodec(ring);
const encrypted = (changes: Payload): Payload => ({
  ...changes,
  metadata: {
    encoding: Buffer.from('binary/encrypted'),
    'encryption-key-id': Buffer.from(ring.currentKeyId),
    'c2p-namespace': Buffer.from('default'),
    'c2p-workflow-id': Buffer.from('any'),
    ...changes.metadata,
  },
});

const logger = createLogger({ level: 'info', name: 'test', destination: { write: () => undefined } });

const status = (records: string) => [
  `{"batchId":"b","externalBatchId":"b","batchStatus":"COMPLETED","records":${records}`,
  '}',
];

/** Each parser of what comes from outside, but for those of bulk sources (`test/bulk/hostile-sources.ts`). */
export const PARSERS: readonly Parser[] = [
  {
    name: 'records for c2p enroll in JSONL',
    limit: MAX_INPUT_BYTES,
    kinds: { ...JSON_TEXTS, 'lines of numbers': of('7\n'), 'lines of empty objects': of('{}\n') },
    parse: refusing(InputError, inFile('input.jsonl', readRecords)),
  },
  {
    name: 'records for c2p enroll in CSV',
    limit: MAX_INPUT_BYTES,
    kinds: {
      ...within(`${HEADER}\n`, ANY, '', 'rows'),
      ...within('', ANY, '', 'a header'),
      'quotes, commas and line breaks at random': random('",\n', 3),
      quotes: of('"', `${HEADER}\n`),
      commas: of(',', `${HEADER}\n`),
      'rows of one consumer': (bytes) =>
        `${HEADER}\n${numbered((n) => `${csvRow('c', `k${n}`)}\n`)(bytes).toString()}`,
      'rows of nobody': of(`${csvRow('', 'k')}\n`, `${HEADER}\n`),
    },
    parse: refusing(InputError, inFile('input.csv', readRecords)),
  },
  {
    name: 'a configuration',
    limit: MAX_CONFIG_BYTES,
    kinds: {
      ...JSON_TEXTS,
      ...values('{"programs":', '}', 'programs'),
      ...values(`${JSON.stringify(MINIMAL_CONFIG).slice(0, -1)},"taskQueue":`, '}', 'a field'),
      'slashes amid a URL': (bytes) =>
        JSON.stringify({ programs: { demo: { baseUrl: `https://h${repeated('/', bytes)}x` } } }),
      'programs whose names may not be shown': (bytes) =>
        `{"programs":{${numbered((n) => `"4 ${n}":{},`)(bytes).toString()}"x":{}}}`,
    },
    parse: refusing(ConfigError, inFile('config.json', loadConfig)),
  },
  {
    name: 'a key ring',
    limit: MAX_KEY_RING_BYTES,
    kinds: {
      ...JSON_TEXTS,
      ...values(`${JSON.stringify(testRingJson(1)).slice(0, -1)},"retired":`, '}', 'retired keys'),
      ...values('{"keys":', '}', 'keys'),
    },
    parse: refusing(
      KeyRingError,
      inFile('keys.json', async (path) =>
        KeyRing.parse(parseKeyRing(await fileKeyProvider(path).read(), path), path),
      ),
    ),
  },
  {
    name: "a file with Mastercard's key",
    limit: MAX_KEY_FILE_BYTES,
    kinds: {
      ...PEM,
      ...JSON_VALUES,
      ...values('{"keys":', '}', 'a set'),
      ...values('{"kty":"RSA","n":', '}', 'a key'),
    },
    parse: refusing(
      KeyError,
      inFile('mastercard', (path) => loadEncryptionKey({ path })),
    ),
  },
  {
    name: 'a file with the signing key',
    limit: MAX_KEY_FILE_BYTES,
    kinds: { ...PEM, ...PKCS12 },
    parse: refusing(
      KeyError,
      inFile('signing', (path) => loadSigningIdentity({ path })),
    ),
  },
  {
    name: "Mastercard's answers",
    limit: MAX_ANSWER_BYTES,
    kinds: {
      ...JSON_TEXTS,
      ...values(...(status('') as [string, string]), 'records'),
      'records that are right': (bytes) => {
        const [before, after] = status('[');
        const one = (n: number) => `{"externalConsumerId":"c${n}","externalCardId":"k","status":"FAILED"},`;
        return `${before}${numbered(one)(bytes).toString().slice(0, -1)}]${after}`;
      },
    },
    parse: (input) => readReport(batchEnroll, input.text),
  },
  {
    name: "Mastercard's error answers",
    limit: MAX_ANSWER_BYTES,
    kinds: {
      ...JSON_TEXTS,
      ...values('{"Errors":{"Error":', '}}', 'errors of the gateway'),
      ...values('{"errordetail":', '}', 'details'),
    },
    parse: (input) => {
      const error = readError(batchEnroll, input.text);
      return batchEnroll.errors.kindOf({ operation: 'submitBatch', httpStatus: 400, error });
    },
  },
  {
    name: "headers of Mastercard's answers",
    limit: 16 * KB,
    kinds: {
      ...ANY,
      ...within('Mon, ', { digits: of('1 '), brackets: of('('), GMT: of(' GMT') }, ' GMT', 'a date'),
      digits: of('9'),
    },
    parse: (input) => parseRetryAfter(input.text),
  },
  {
    name: 'a JWE',
    limit: 4 * MB,
    kinds: {
      ...ANY,
      dots: of('.'),
      'a long part': of('A'),
      'parts at random': random('A.', 14),
      '=': of('='),
      'four dots first': of('=+/', '....'),
    },
    parse: refusing(JweError, (input: Input) => asCompactJwe(input.text)),
  },
  {
    name: 'access tokens',
    limit: 16 * KB,
    kinds: TOKENS,
    parse: refusing(
      AccessRefused,
      (() => {
        const authenticate = accessTokens({ key: { secret: SECRET }, issuer: ISSUER, audience: AUDIENCE });
        return (input: Input) => authenticate(input.text);
      })(),
    ),
  },
  {
    name: 'requests of the codec server',
    limit: BODY_LIMIT,
    kinds: {
      ...JSON_TEXTS,
      ...values('{"payloads":', '}', 'payloads'),
      ...values('{"payloads":[{"metadata":', '}]}', 'metadata'),
      ...values('{"payloads":[{"data":', '}]}', 'data'),
    },
    parse: (input) => formatPayloads(parsePayloads(json(input)) ?? []),
  },
  {
    name: 'payloads that the codec server masks',
    limit: 4 * MB,
    kinds: {
      ...JSON_TEXTS,
      ...values('{"records":', '}', 'records'),
      ...values('{"consumer":', '}', 'a consumer'),
    },
    parse: (input) =>
      maskPayload({ metadata: defaultPayloadConverter.toPayload(1).metadata!, data: input.bytes }),
  },
  {
    name: 'payloads of Temporal',
    limit: 4 * MB,
    kinds: { ...ANY, ...within('\u0002', ANY, '', 'of our version') },
    parse: async (input) => {
      for (const payload of [
        encrypted({ data: input.bytes }),
        encrypted({ data: Buffer.alloc(80, 2), metadata: { 'c2p-workflow-id': input.bytes } }),
        encrypted({ data: Buffer.alloc(80, 2), metadata: { 'encryption-key-id': input.bytes } }),
      ])
        await refusing(PayloadCodecError, () => codec.decode([payload]))(undefined);
    },
  },
  {
    name: 'sealed blobs',
    limit: MAX_SEALED_BYTES,
    kinds: {
      ...ANY,
      ...within('c2p\u0001', ANY, '', 'of our version'),
      'one that was altered': (bytes) => {
        const blob = Buffer.from(ring.seal(Buffer.alloc(bytes), 'x'));
        blob[blob.length - 1]! ^= 1;
        return blob;
      },
      'one of something else': (bytes) => Buffer.from(ring.seal(Buffer.alloc(bytes), 'y')),
    },
    parse: refusing(SealedBlobError, (input: Input) => ring.open(input.bytes, 'x')),
  },
  {
    name: 'records',
    limit: 2 * MB,
    kinds: {
      ...JSON_TEXTS,
      ...values('[', ']', 'a record'),
      ...values('[{"externalConsumerId":"c","cards":', '}]', 'cards'),
      ...values(
        `[${JSON.stringify(testRecord(1))
          .replace(/"consumer":\{.*?\},"cards"/, '"cards"')
          .slice(0, -1)},"consumer":`,
        '}]',
        'a consumer',
      ),
    },
    parse: (input) => {
      const records = json(input) as EnrollmentRecord[];
      const accepted = acceptBatch(
        { externalBatchId: 'b', records },
        { maxCardsPerBatch: batchEnroll.batch.maxCards },
      );
      if (accepted.problem === undefined)
        validateRecords(records, batchEnroll.records, new Date('2026-11-24'));
    },
  },
  {
    name: 'a policy',
    limit: 2 * MB,
    kinds: {
      ...JSON_TEXTS,
      ...values('{"polling":', '}', 'polling'),
      ...values('{"polling":{"initial":', '}}', 'a duration'),
    },
    parse: refusing(PolicyError, (input: Input) => parsePolicy((json(input) ?? {}) as PolicyInput)),
  },
  {
    name: 'texts for a log',
    limit: MB,
    kinds: JSON_TEXTS,
    parse: (input) => {
      const text = input.text;
      logger.info({ text, err: new Error(text) }, text);
    },
  },
  ...[printable, printableLine, printableJson].map((show) => ({
    name: `texts for a terminal (${show.name})`,
    limit: 256 * KB,
    kinds: JSON_TEXTS,
    parse: (input: Input) => show(input.text),
  })),
  {
    name: 'compressed sources',
    limit: 64 * MB,
    kinds: GZIP,
    parse: refusing(
      SourceError,
      inFile('portfolio.csv.gz', async (path) => {
        const source = await openSource({ path });
        for await (const block of source.read(0)) void block;
      }),
    ),
  },
];
