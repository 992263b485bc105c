import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { generatedRecords, needlesOfRecord } from './generated-records.js';
import { findLeaks, needlesOf } from './leak-search.js';

const NUMBER = '5186001700009726';
const NAME = 'Zoë Łęcki-Ωμέγα漢';

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
  escaped: escapedIn(false),
  'escaped in upper case': escapedIn(true),
  'bytes in decimal': (value) => JSON.stringify(bytesOf(`.${value}.`)),
};
const SEPARATED: Record<string, (digits: string) => string> = {
  'spaces between groups': (digits) => digits.replace(/(.{4})(?=.)/g, '$1 '),
  'dashes between groups': (digits) => digits.replace(/(.{4})(?=.)/g, '$1-'),
  'a space after each digit': (digits) => digits.replace(/(?=.)/g, ' '),
  'groups of other lengths': (digits) => digits.replace(/(.{6})(?=.)/g, '$1 '),
};

function lying(planted: string | Buffer) {
  const around = Buffer.from('\0\u0001"');
  return { name: 'here', bytes: Buffer.concat([around, Buffer.from(planted as string), around]) };
}

describe('the search', () => {
  test.each(Object.keys(FORMS))('finds a name with all kinds of letters, written as: %s', (form) => {
    const found = findLeaks([lying(FORMS[form]!(NAME))], needlesOf('name', NAME));
    const same = { 'base64url at 2': /^base64(url)? at 2$/ }[form] ?? new RegExp(`^${form}$`);
    expect(found).toEqual([{ where: 'here', of: 'name', form: expect.stringMatching(same) as string }]);
  });

  test.each(Object.keys(FORMS))('finds a card number, written as: %s', (form) => {
    expect(findLeaks([lying(FORMS[form]!(NUMBER))], needlesOf('number', NUMBER))).toHaveLength(1);
  });

  test.each(Object.keys(SEPARATED))('finds a card number, with %s', (how) => {
    expect(findLeaks([lying(SEPARATED[how]!(NUMBER))], needlesOf('number', NUMBER))).toEqual([
      { where: 'here', of: 'number', form: 'separated' },
    ]);
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
    );
  });

  test('refuses values that are found everywhere by chance', () => {
    expect(() => needlesOf('name', 'Ana')).toThrow('name: too short');
  });
});
