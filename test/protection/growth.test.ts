import { defaultPayloadConverter, type Payload } from '@temporalio/common';
import { describe } from 'vitest';
import { AccessRefused, accessTokens } from '../../protection/codec-server/access-tokens.js';
import { refuseForeignPage } from '../../protection/codec-server/admission.js';
import { formatPayloads, parsePayloads } from '../../protection/codec-server/payloads-json.js';
import { maskPayload } from '../../protection/codec-server/personal-data.js';
import { errorText, maskedError } from '../../protection/error-text.js';
import { withNewKey } from '../../protection/key-ring-changes.js';
import { keyIdOf, retiredKey } from '../../protection/derived-keys.js';
import { parseKeyRing } from '../../protection/key-ring-json.js';
import { KeyRing } from '../../protection/key-ring.js';
import { createLogger, maskLogLine } from '../../protection/logger.js';
import { maskEmails, maskForeign, maskPans, maskPersonal } from '../../protection/mask.js';
import { EncryptingPayloadCodec } from '../../protection/payload-codec.js';
import { payloadsOf } from '../../protection/payloads-of.js';
import { linear, many, refusalOf, repeated } from '../support/growth.js';
import { testPan, testRecord } from '../support/records.js';
import { AUDIENCE, ISSUER, SECRET } from '../support/tokens.js';
import { testKey, testRing } from '../support/key-rings.js';

const PAN = testPan(1);

/** What a text may consist of to keep a masker busy. */
const SHAPES: Record<string, string> = {
  'one run of digits': '4',
  'digits with spaces between them': '4 ',
  'digits with dots between them': '4.',
  'digits with dashes between them': '4-',
  'digits with two spaces between them': '4  ',
  'digits and letters in turns': '4x',
  'card numbers side by side': PAN,
  'card numbers with spaces between them': `${PAN} `,
  'card numbers in groups': `${PAN.match(/.{4}/g)!.join('-')}, `,
  'almost card numbers': `${PAN.slice(0, -1)}${(Number(PAN.at(-1)) + 1) % 10} x `,
  'runs that are too short for a card number': '123456789012,',
  'many @': '@',
  'e-mail addresses': 'a@b ',
  'e-mail addresses without an end': 'a@',
  'encoded @': '%40',
  'a long word': 'x',
  'white space': ' ',
  'line breaks': '\n',
  quotes: '"',
  dots: '.',
  brackets: '(',
  'combining marks': 'a\u0301',
  'combining marks out of their order': '\u0301\u0323',
  'digits with combining marks': '4\u0301\u0323',
  'digits of other scripts': '९',
  'digits in full width': '４',
  'letters and digits in one character': '㋀',
  'percent signs': '%',
  'percent signs, encoded': '%25',
  'percent signs, encoded again and again': '25',
  'digits, encoded': '%34',
  'digits, encoded twice': '%2534',
  'beginnings of encoded characters': '%e2%80',
  'quoted digits': '"4", ',
  'plus signs': '+',
  'plus signs and digits': '+4',
  'phone numbers': '+1 201 555 0123 ',
  'almost UUIDs': '51860017-0000-4972-8600-',
  UUIDs: '51860017-0000-4972-8600-00000000000a ',
  'times and what is almost one': '2026-11-24 07:45:17 2026-11-24 07:',
  'almost addresses': '192.168.',
  'e-mail addresses with long domains': 'a@b.c.d.e.f.g.1 ',
  'labels of a domain': 'a@b.',
  emoji: '👩‍👩‍👧‍👦',
};

const payloadOf = (json: string): Payload => ({
  metadata: { encoding: Buffer.from('json/plain') },
  data: Buffer.from(json),
});

describe('masking takes time in proportion to', () => {
  for (const [shape, unit] of Object.entries(SHAPES)) {
    const make = (size: number) => repeated(unit, size);
    linear(
      shape,
      (size) => ({ text: make(size), json: JSON.stringify({ msg: make(size), [make(size)]: 1 }) }),
      ({ text, json }) => [
        maskPans(text),
        maskEmails(text),
        maskForeign(text),
        maskPersonal(text),
        maskLogLine(json),
        maskPayload(payloadOf(json)),
      ],
      500,
    );
  }
});

describe('telling of an error takes time in proportion to', () => {
  const told = (error: Error) => [errorText(error), maskedError(error)];

  for (const [shape, unit] of Object.entries(SHAPES))
    linear(`a message with ${shape}`, (size) => new Error(repeated(unit, size)), told, 500);
  linear('a message with quoted words', (size) => new Error(repeated('"x" ', size)), told, 1_000);
  linear('a message with dots and quotes', (size) => new Error(repeated('..."', size)), told, 1_000);
  linear(
    'a message that often says what JSON is not',
    (size) => new Error(`"${repeated('x is not valid JSON', size)}`),
    told,
    1_000,
  );
  linear(
    'a message of the JSON parser',
    (size) => new SyntaxError(`Unexpected token, "${repeated('x', size)}" is not valid JSON`),
    told,
    1_000,
  );
  const withStack = (stack: string) => Object.assign(new Error('x'), { stack });
  linear(
    'a stack of many frames',
    (size) => withStack(repeated('    at f (file.js:1:1)\n', size)),
    told,
    2_000,
  );
  linear('a stack of white space', (size) => withStack(repeated(' ', size)), told, 50_000);
  linear('a stack of line breaks', (size) => withStack(repeated('\n', size)), told, 10_000);
  linear('a stack of almost frames', (size) => withStack(repeated(' a', size)), told, 50_000);
  linear(
    'errors that it gathers',
    (count) =>
      new AggregateError(
        many(count, (n) => new Error(`e${n}`)),
        'x',
      ),
    told,
    200,
  );
  linear(
    'causes in one another',
    (count) => many(count, (n) => n).reduce((cause, n) => new Error(`e${n}`, { cause }), new Error('x')),
    told,
    1_000,
  );
});

describe('writing a line of a log takes time in proportion to', () => {
  const logger = createLogger({ level: 'info', name: 'test', destination: { write: () => undefined } });
  const log = (entry: object) => logger.info(entry, 'x');

  linear('entries of a list', (count) => ({ list: many(count, (n) => n) }), log, 500);
  linear(
    'numbers that look like card numbers',
    (count) => ({ list: many(count, () => Number(PAN)) }),
    log,
    200,
  );
  linear('names', (count) => Object.fromEntries(many(count, (n) => [`n${n}`, n])), log, 1_500);
  linear('bytes', (size) => ({ body: Buffer.alloc(size) }), log, 2_000);
  linear('objects with numbered names', (count) => ({ body: { ...many(count, () => 1), x: 1 } }), log, 1_500);
  linear('a message of an error', (size) => ({ err: new Error(repeated('4 ', size)) }), log, 1_000);
  linear('lists in one another', (levels) => '['.repeat(levels) + ']'.repeat(levels), maskLogLine, 25);
  linear('what is no JSON', (size) => `{"${repeated('4-', size)}`, maskLogLine, 1_000);
});

describe('reading a key ring takes time in proportion to', () => {
  const key = testKey(1);
  const idOf = (name: string, kept = retiredKey(key)) => keyIdOf(name, kept);
  const ringOf = (count: number, changes: object = {}) =>
    JSON.stringify({
      current: idOf('k0'),
      keys: Object.fromEntries(many(count, (n) => [idOf(`k${n}`), key])),
      secret: key,
      ...changes,
    });
  const refused = (text: string) => refusalOf(() => parseKeyRing(text, 'test'));

  linear(
    'its keys',
    (count) => ringOf(count),
    (text) => KeyRing.parse(parseKeyRing(text, 'test'), 'test'),
    10,
  );
  linear(
    'keys that are retired',
    (count) => ringOf(1, { retired: Object.fromEntries(many(count, (n) => [idOf(`r${n}`, key), key])) }),
    (text) => withNewKey(parseKeyRing(text, 'test'), new Date()),
    1_500,
  );
  linear(
    'ids that are none',
    (count) => ringOf(1, { made: Object.fromEntries(many(count, (n) => [`4 ${n}`, '2026'])) }),
    refused,
    300,
  );
  linear('a long key', (size) => ringOf(1, { retired: { r: repeated('A', size) } }), refused, 300_000);
  linear(
    'a long date',
    (size) => ringOf(1, { currentSince: `2026-11-24T12:00:00.${repeated('0', size)}` }),
    refused,
    170_000,
  );
  linear('brackets', (size) => `{"keys":${repeated('{"k":', size)}`, refused, 20_000);
  linear('quotes', (size) => repeated('"', size), refused, 500_000);
});

describe('the payload codec takes time in proportion to', () => {
  const ring = testRing(1);
  const codec = new EncryptingPayloadCodec(ring);
  const workflow = { type: 'workflow', namespace: 'default', workflowId: 'any' } as const;
  const payload = (size: number): Payload => ({ metadata: {}, data: Buffer.alloc(size) });
  const thereAndBack = async (payloads: Payload[]) => codec.decode(await codec.encode(payloads, workflow));
  const encrypted = (data: Buffer, keyId = Buffer.from('k1')): Payload => ({
    metadata: {
      encoding: Buffer.from('binary/encrypted'),
      'encryption-key-id': keyId,
      'c2p-namespace': Buffer.from('default'),
      'c2p-workflow-id': Buffer.from('any'),
    },
    data,
  });

  linear('the size of a payload', (size) => [payload(size)], thereAndBack, 50_000);
  linear('payloads', (count) => many(count, () => payload(1)), thereAndBack, 10);
  linear(
    'metadata',
    (count) => [{ metadata: Object.fromEntries(many(count, (n) => [`n${n}`, Buffer.alloc(1)])) }],
    thereAndBack,
    1_500,
  );
  linear(
    'what was altered',
    (size) => [encrypted(Buffer.alloc(size, 2))],
    (payloads) => refusalOf(() => codec.decode(payloads)),
    50_000,
  );
  linear(
    'a long key id',
    (size) => [encrypted(Buffer.alloc(50), Buffer.alloc(size, 'k'))],
    (payloads) => refusalOf(() => codec.decode(payloads)),
    250_000,
  );
  linear(
    'a sealed blob',
    (size) => ring.seal(Buffer.alloc(size), 'x'),
    (blob) => ring.open(blob, 'x'),
    100_000,
  );
  linear(
    'a sealed blob that was altered',
    (size) => ring.seal(Buffer.alloc(size), 'x'),
    (blob) => refusalOf(() => ring.open(blob, 'y')),
    100_000,
  );
});

describe('finding the payloads of a message takes time in proportion to', () => {
  const payload = defaultPayloadConverter.toPayload('x');

  linear(
    'payloads in a list',
    (count) => ({ events: many(count, () => ({ input: { payloads: [payload] } })) }),
    payloadsOf,
    150,
  );
  linear(
    'payloads in one another',
    (levels) => many(levels, () => payload).reduce<object>((cause, one) => ({ cause, one }), {}),
    payloadsOf,
    100,
  );
  linear(
    'bytes',
    (size) => ({ signature: Buffer.alloc(size), list: many(size, () => 0) }),
    payloadsOf,
    1_000,
  );
});

describe('the codec server takes time in proportion to', () => {
  const base64 = (size: number) => Buffer.alloc(size).toString('base64');
  const body = (payloads: unknown[]) => ({ payloads });
  const converted = (json: unknown) => formatPayloads(parsePayloads(json) ?? []);
  const json = (value: unknown) => defaultPayloadConverter.toPayload(value);

  linear('payloads of a request', (count) => body(many(count, () => ({ data: base64(10) }))), converted, 100);
  linear('a long payload', (size) => body([{ data: base64(size) }]), converted, 10_000);
  linear('what is almost base64', (size) => body([{ data: `${base64(size)}!` }]), parsePayloads, 50_000);
  linear('many = of base64', (size) => body([{ data: repeated('=', size) }]), parsePayloads, 200_000);
  linear(
    'metadata of a request',
    (count) =>
      body(many(count, () => ({ metadata: Object.fromEntries(many(100, (n) => [`n${n}`, 'AA=='])) }))),
    converted,
    15,
  );
  linear('payloads that are none', (count) => body(many(count, () => 1)), parsePayloads, 300);
  linear(
    'records of a decoded payload',
    (count) => json({ records: many(count, (n) => testRecord(n)) }),
    maskPayload,
    20,
  );
  linear(
    'names of a decoded payload',
    (count) => json(Object.fromEntries(many(count, (n) => [`4 ${n}`, n]))),
    maskPayload,
    1_500,
  );
  linear(
    'lists of a decoded payload',
    (width) => json(many(90, () => width).reduce<unknown[]>((inner) => [inner, ...many(width, () => 0)], [])),
    maskPayload,
    20,
  );
  linear(
    'a consumer of many fields',
    (count) => json({ consumer: many(count, (n) => ({ externalCardId: `${n}`, n })) }),
    maskPayload,
    100,
  );
  linear(
    'a decoded payload that is no JSON',
    (size) => ({ metadata: json(1).metadata!, data: Buffer.alloc(size, '[') }),
    maskPayload,
    1_000,
  );
  linear(
    'a decoded payload of bytes',
    (size) => ({ metadata: {}, data: Buffer.alloc(size) }),
    maskPayload,
    100_000,
  );
});

describe('finding out who calls takes time in proportion to', () => {
  const authenticate = accessTokens({ key: { secret: SECRET }, issuer: ISSUER, audience: AUDIENCE });
  const refused = async (authorization: string) => {
    const error = await refusalOf(() => authenticate(authorization));
    if (!(error instanceof AccessRefused)) throw error;
  };
  const part = (value: string) => Buffer.from(value).toString('base64url');

  linear('spaces before a token', (size) => `Bearer${repeated(' ', size)}`, refused, 50_000);
  linear('spaces behind a token', (size) => `Bearer x${repeated(' ', size)}x`, refused, 50_000);
  linear('a long token', (size) => `Bearer ${repeated('x', size)}`, refused, 100_000);
  linear('dots of a token', (size) => `Bearer ${repeated('.', size)}`, refused, 32_000);
  linear(
    'a long header of a token',
    (size) => `Bearer ${part(`{"alg":"HS256","x":"${repeated('x', size)}"}`)}.e30.AA`,
    refused,
    20_000,
  );
  linear(
    'a long content of a token',
    (size) => `Bearer ${part('{"alg":"HS256"}')}.${part(repeated('{', size))}.AA`,
    refused,
    20_000,
  );
  linear(
    'a long origin',
    (size) => ({ origin: repeated('https://a', size) }),
    (headers) => refusalOf(() => refuseForeignPage(headers, ['https://a'])),
    500_000,
  );
});
