import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { generatedRecords, needlesOfRecord } from './generated-records.js';
import { findLeaks, needlesOf, type Needle } from './leak-search.js';
import { NUMBER_SPELLINGS, TEXT_SPELLINGS } from './spellings.js';

const NUMBER = '5186001700009726';
const NAME = 'Zoe\u0308 Łęcki-Ωμέγα漢';

const bytesOf = (text: string) => Buffer.from(text, 'utf8');
const escapedIn =
  (upper: boolean) =>
  (value: string): string =>
    value.replace(/[^\0-\x7f]/g, (character) => {
      const code = character.charCodeAt(0).toString(16).padStart(4, '0');
      return `\\u${upper ? code.toUpperCase() : code}`;
    });

/** How a value comes to lie among others; written apart from the code under test. */
const FORMS: Record<string, (value: string) => string | Buffer> = {
  clear: (value) => value,
  'UTF-16': (value) => Buffer.from(`x${value}`, 'utf16le'),
  'base64 at 0': (value) => bytesOf(`abc${value}xyz`).toString('base64'),
  'base64 at 1': (value) => bytesOf(`a${value}xy`).toString('base64'),
  'base64 at 2': (value) => bytesOf(`abcde${value}`).toString('base64'),
  'base64url at 2': (value) => bytesOf(`ab${value}>>`).toString('base64url'),
  hex: (value) => bytesOf(`"${value}"`).toString('hex'),
  HEX: (value) => bytesOf(`"${value}"`).toString('hex').toUpperCase(),
  'percent-encoded': (value) => encodeURIComponent(`{${value}}`),
  'percent-encoded in lower case': (value) =>
    encodeURIComponent(value).replace(/%../g, (code) => code.toLowerCase()),
  'in JSON': (value) => JSON.stringify({ value }),
  escaped: (value) => escapedIn(false)(JSON.stringify(value)),
  'escaped in upper case': (value) => escapedIn(true)(JSON.stringify(value)),
  'bytes in decimal': (value) => JSON.stringify(bytesOf(`.${value}.`)),
};
const SEPARATED: Record<string, (digits: string) => string> = {
  'spaces between groups': (digits) => digits.replace(/(.{4})(?=.)/g, '$1 '),
  'dashes between groups': (digits) => digits.replace(/(.{4})(?=.)/g, '$1-'),
  'a space after each digit': (digits) => digits.replace(/(?=.)/g, ' '),
  'groups of other lengths': (digits) => digits.replace(/(.{6})(?=.)/g, '$1 '),
  'what a terminal shows of invisible characters': (digits) => [...digits].join('\ufffd'),
};

function lying(planted: string | Buffer) {
  const around = Buffer.from('\0\u0001"');
  return { name: 'here', bytes: Buffer.concat([around, Buffer.from(planted as string), around]) };
}

/** The forms in which the search finds a value. */
function formsFound(planted: string | Buffer, needles: Needle[]): string[] {
  return findLeaks([lying(planted)], needles).map(({ form }) => form);
}

describe('the search', () => {
  test('knows at least 40 spellings of a number and of a text', () => {
    for (const [spellings, value] of [
      [NUMBER_SPELLINGS, NUMBER],
      [TEXT_SPELLINGS, NAME],
    ] as const) {
      const written = new Set(Object.values(spellings).map((spell) => spell(value)));
      expect(written.size).toBeGreaterThanOrEqual(40);
    }
  });

  test.each(Object.keys(NUMBER_SPELLINGS))('finds a card number %s, however that is encoded', (spelling) => {
    const needles = needlesOf('value', NUMBER);
    for (const [form, encode] of Object.entries(FORMS))
      expect(formsFound(encode(NUMBER_SPELLINGS[spelling]!(NUMBER)), needles), form).not.toEqual([]);
  });

  test.each(Object.keys(TEXT_SPELLINGS))('finds a name %s, however that is encoded', (spelling) => {
    const needles = needlesOf('value', NAME);
    for (const [form, encode] of Object.entries(FORMS))
      expect(formsFound(encode(TEXT_SPELLINGS[spelling]!(NAME)), needles), form).not.toEqual([]);
  });

  test.each(Object.keys(SEPARATED))('finds a card number, with %s', (how) => {
    expect(formsFound(SEPARATED[how]!(NUMBER), needlesOf('number', NUMBER))).toContain('separated');
  });

  test('finds every value of every record wherever it lies, however it is written, and nothing else', () => {
    fc.assert(
      fc.property(
        fc.integer(),
        fc.nat(1_000_000),
        fc.uint8Array({ maxLength: 50 }),
        fc.constantFrom(...Object.values(FORMS)),
        (seed, chosen, before, form) => {
          const records = generatedRecords(4, seed);
          const needles = records.flatMap(needlesOfRecord);
          const clear = needles.filter((needle) => needle.form === 'clear');
          const { of, bytes } = clear[chosen % clear.length]!;
          const planted = form(bytes.toString('utf8'));
          const haystack = Buffer.concat([before, Buffer.from('"'), Buffer.from(planted as string)]);
          const found = findLeaks([{ name: 'here', bytes: haystack }], needles);
          expect(new Set(found.map((leak) => leak.of))).toEqual(new Set([of]));
        },
      ),
      { numRuns: 25 },
    );
  });

  test('refuses values that are found everywhere by chance', () => {
    expect(() => needlesOf('name', 'Ana')).toThrow('name: too short');
  });
});
