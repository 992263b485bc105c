import { describe, expect, test } from 'vitest';
import type { IssueCode } from '../../enrollment/schemas.js';
import { validateRecords } from '../../enrollment/validation.js';
import { card, checkDigit, record } from './generators.js';
import { batchEnroll } from '../../mastercard/api/batch-enroll.js';

const TODAY = new Date('2026-11-24T12:00:00Z');
const PAN = '5186001700009726';

/** The findings about a batch of one record, as `path code`. */
function findings(input: unknown): string[] {
  return validateRecords([input], batchEnroll.records, TODAY)
    .outcomes.flatMap(({ details }) => details ?? [])
    .map(({ path, code }) => `${path} ${code}`);
}

function consumerFindings(changes: object): string[] {
  return findings(record('c1', [card('k1')], changes));
}

function cardFindings(changes: object): string[] {
  return findings(record('c1', [card('k1', changes)]));
}

describe('a valid record', () => {
  test('comes out as it went in, with every optional field', () => {
    const accepted = {
      acceptedVersion: 'LATEST',
      latestVersion: '3',
      latestVersionUri: 'https://example.com/3',
    };
    const full = record(
      'cust-0001',
      [
        card('card-0001', {
          billingAddress: {
            name: 'Ana Díaz',
            line1: '1 Main St',
            line2: 'Floor 2',
            line3: 'Door 3',
            city: 'Edison',
            state: 'NJ',
            countryCode: 'US',
            zip: '08820',
          },
        }),
        card('card-0002'),
      ],
      {
        complianceSettings: {
          privacy: accepted,
          tnc: accepted,
          cookie: accepted,
          geoLocation: accepted,
          communications: { communicationsOptIn: true, allowEmail: false, allowText: true, allowCall: false },
        },
      },
    );
    const result = validateRecords([full], batchEnroll.records, TODAY);
    expect(result).toEqual({
      valid: [full],
      outcomes: [],
      positions: [],
      cards: 2,
      validCards: 2,
      keys: [
        { externalConsumerId: 'cust-0001', externalCardId: 'card-0001' },
        { externalConsumerId: 'cust-0001', externalCardId: 'card-0002' },
      ],
      order: [
        { externalConsumerId: 'cust-0001', externalCardId: 'card-0001' },
        { externalConsumerId: 'cust-0001', externalCardId: 'card-0002' },
      ],
    });
  });

  test('loses the white space around names, e-mail and address, and gets its codes in the usual case', () => {
    const padded = record(
      'c1',
      [card('k1', { billingAddress: { city: ' Edison ', line2: ' ', countryCode: 'us' } })],
      {
        firstName: ' Ana\t',
        emailAddress: 'Ana@Example.com ',
        locale: { country: 'de', language: 'DE' },
      },
    );
    const [normalised] = validateRecords([padded], batchEnroll.records, TODAY).valid;
    expect(normalised?.consumer).toMatchObject({
      firstName: 'Ana',
      emailAddress: 'Ana@Example.com',
      locale: { country: 'DE', language: 'de' },
    });
    expect(normalised?.cards[0]?.billingAddress).toEqual({ city: 'Edison', countryCode: 'US' });
  });

  test('may leave the address out, or all of its lines empty', () => {
    for (const billingAddress of [undefined, {}, { line1: '', countryCode: '' }]) {
      const [normalised] = validateRecords(
        [record('c1', [card('k1', { billingAddress })])],
        batchEnroll.records,
        TODAY,
      ).valid;
      expect(normalised?.cards).toEqual([card('k1')]);
      expect(JSON.stringify(normalised)).not.toContain('billingAddress');
    }
  });
});

describe('a rule of the contract', () => {
  test.each<[string, object, string, IssueCode]>([
    ['an e-mail that is missing', { emailAddress: undefined }, 'emailAddress', 'required'],
    ['an empty e-mail', { emailAddress: ' ' }, 'emailAddress', 'required'],
    ['an e-mail without @', { emailAddress: 'ana.example.com' }, 'emailAddress', 'format'],
    ['an e-mail without a domain', { emailAddress: 'ana@example' }, 'emailAddress', 'format'],
    [
      'an e-mail of 256 characters',
      { emailAddress: `${'a'.repeat(244)}@example.com` },
      'emailAddress',
      'too_long',
    ],
    ['a first name of 31 characters', { firstName: 'a'.repeat(31) }, 'firstName', 'too_long'],
    ['a name that is missing', { firstName: undefined }, 'firstName', 'required'],
    ['a name of white space', { lastName: ' \t ' }, 'lastName', 'required'],
    ...(
      [
        ['an escape sequence', 'An\u001b[31ma'],
        ['a NUL', 'A\u0000na'],
        ['a line break', 'Ana\nMaria'],
        ['a C1 control character', 'Ana\u009b'],
        ['U+2028', 'Ana\u2028Maria'],
        ['an override of the direction of writing', 'Ana\u202egnp.exe'],
        ['a lone surrogate', 'Ana\ud800'],
        ['nothing but characters without width', '\u200b\u200d\u2060'],
        ['nothing but a filler', '\u3164'],
        ['nothing but a blank of Braille', '\u2800'],
        ['nothing but combining marks', '\u0301\u0301'],
      ] as const
    ).map(([what, firstName]): [string, object, string, IssueCode] => [
      `a name with ${what}`,
      { firstName },
      'firstName',
      'invisible_characters',
    ]),
    ['a name that is a number', { lastName: 7 }, 'lastName', 'type'],
    ['a name that is null', { lastName: null }, 'lastName', 'type'],
    ['a phone number that is missing', { mobileNumber: undefined }, 'mobileNumber', 'required'],
    [
      'a country that does not exist',
      { locale: { country: 'ZZ', language: 'en' } },
      'locale.country',
      'country',
    ],
    [
      'a country of three letters',
      { locale: { country: 'USA', language: 'en' } },
      'locale.country',
      'country',
    ],
    [
      'letters that upper case makes a country',
      { locale: { country: 'ß', language: 'en' } },
      'locale.country',
      'country',
    ],
    [
      'a country that only users assigned',
      { locale: { country: 'XK', language: 'en' } },
      'locale.country',
      'country',
    ],
    [
      'a language that does not exist',
      { locale: { country: 'US', language: 'xx' } },
      'locale.language',
      'language',
    ],
    ['a language tag', { locale: { country: 'US', language: 'en-US' } }, 'locale.language', 'language'],
    ['no locale', { locale: undefined }, 'locale', 'required'],
    [
      'an accepted document without version',
      { complianceSettings: { tnc: {} } },
      'complianceSettings.tnc.acceptedVersion',
      'required',
    ],
    [
      'a consent that is text',
      { complianceSettings: { communications: { allowText: 'yes' } } },
      'complianceSettings.communications.allowText',
      'type',
    ],
    ['a field that is not in the contract', { nickname: 'A' }, '', 'unknown_field'],
  ])('names %s', (_, changes, path, code) => {
    expect(consumerFindings(changes)).toEqual([`${['consumer', path].filter(Boolean).join('.')} ${code}`]);
  });

  test.each<[string, object, string, IssueCode]>([
    [
      'a card number that is missing',
      { primaryAccountNumber: undefined },
      'primaryAccountNumber',
      'required',
    ],
    [
      'a card number that is a number',
      { primaryAccountNumber: 5186001700009726 },
      'primaryAccountNumber',
      'type',
    ],
    [
      'a card number with spaces',
      { primaryAccountNumber: '5186 0017 0000 9726' },
      'primaryAccountNumber',
      'format',
    ],
    [
      'a card number with white space around',
      { primaryAccountNumber: `${PAN} ` },
      'primaryAccountNumber',
      'format',
    ],
    [
      'a card number in other digits',
      { primaryAccountNumber: '٥١٨٦٠٠١٧٠٠٠٠٩٧٢٦' },
      'primaryAccountNumber',
      'format',
    ],
    [
      'a card number of 15 digits',
      { primaryAccountNumber: '378282246310005' },
      'primaryAccountNumber',
      'too_short',
    ],
    [
      'a card number of 21 digits',
      { primaryAccountNumber: `${PAN}00000` },
      'primaryAccountNumber',
      'too_long',
    ],
    ['a mistyped card number', { primaryAccountNumber: '5186001700009727' }, 'primaryAccountNumber', 'luhn'],
    ['month 13', { panExpirationMonth: '13' }, 'panExpirationMonth', 'month'],
    ['a month of one digit', { panExpirationMonth: '1' }, 'panExpirationMonth', 'month'],
    ['a year of two digits', { panExpirationYear: '30' }, 'panExpirationYear', 'format'],
    ['an empty year', { panExpirationYear: '' }, 'panExpirationYear', 'required'],
    ['an expired card', { panExpirationYear: '2025' }, 'panExpirationYear', 'expired'],
    [
      'a long name in the address',
      { billingAddress: { name: 'n'.repeat(61) } },
      'billingAddress.name',
      'too_long',
    ],
    [
      'a long line of the address',
      { billingAddress: { line3: 'l'.repeat(76) } },
      'billingAddress.line3',
      'too_long',
    ],
    ['a long city', { billingAddress: { city: 'c'.repeat(51) } }, 'billingAddress.city', 'too_long'],
    ['a long state', { billingAddress: { state: 's'.repeat(31) } }, 'billingAddress.state', 'too_long'],
    ['a long zip', { billingAddress: { zip: '1'.repeat(17) } }, 'billingAddress.zip', 'too_long'],
    [
      'an unknown country of the address',
      { billingAddress: { countryCode: 'ZZ' } },
      'billingAddress.countryCode',
      'country',
    ],
    ...['name', 'line1', 'line2', 'line3', 'city', 'state', 'zip'].map(
      (field): [string, object, string, IssueCode] => [
        `a control character in ${field} of the address`,
        { billingAddress: { [field]: 'a\u001bb' } },
        `billingAddress.${field}`,
        'invisible_characters',
      ],
    ),
    ['an address that is text', { billingAddress: '1 Main St' }, 'billingAddress', 'type'],
    ['a field that is not in the contract', { cvc: '123' }, '', 'unknown_field'],
    [
      'a field that is not in the address',
      { billingAddress: { planet: 'Earth' } },
      'billingAddress',
      'unknown_field',
    ],
  ])('names %s', (_, changes, path, code) => {
    expect(cardFindings(changes)).toEqual([`${['cards[0]', path].filter(Boolean).join('.')} ${code}`]);
  });

  test.each(['Zoë', 'Nguyễn', 'می\u200cخواهم', 'क्\u200dष', '山田', "O'Brien-Smith", 'א\u200f', 'Jo\u00ad'])(
    'takes the name %s, whatever its script needs between letters',
    (firstName) => expect(consumerFindings({ firstName })).toEqual([]),
  );

  test('takes text of exactly the longest length', () => {
    const billingAddress = {
      name: 'n'.repeat(60),
      line1: 'l'.repeat(75),
      city: 'c'.repeat(50),
      zip: 'z'.repeat(16),
    };
    expect(cardFindings({ billingAddress })).toEqual([]);
    expect(consumerFindings({ emailAddress: `${'a'.repeat(243)}@example.com` })).toEqual([]);
  });

  test.each([16, 17, 18, 19])('takes a card number of %s digits', (length) => {
    const digits = '5204739900'.padEnd(length - 1, '0');
    expect(cardFindings({ primaryAccountNumber: digits + checkDigit(digits) })).toEqual([]);
  });

  test.each([
    ['1', '5555550100'],
    ['44', '7700900123'],
    ['39', '0612345678'],
    ['61', '491570006'],
    ['353', '209110123'],
  ])('takes a number that is possible for calling code %s', (countryCode, phoneNumber) => {
    expect(consumerFindings({ mobileNumber: { countryCode, phoneNumber } })).toEqual([]);
  });

  test.each([
    ['too short for its country', '1', '55501'],
    ['too long for its country', '44', '770090012345'],
    ['of a calling code that nobody has', '999', '123456789'],
    ['split at another place than its calling code ends', '120', '45551234567'],
    ['with a trunk prefix, which is not part of it', '44', '07700900123'],
  ])('names a phone number %s', (_, countryCode, phoneNumber) => {
    expect(consumerFindings({ mobileNumber: { countryCode, phoneNumber } })).toEqual([
      'consumer.mobileNumber phone_implausible',
    ]);
  });

  test.each([
    'firstName',
    'lastName',
    'emailAddress',
    'mobileNumber.phoneNumber',
    'mobileNumber.countryCode',
    'locale.country',
    'locale.language',
  ])('takes an object for no text, whatever length it says it has: %s', (path) => {
    const length = { toString: null, valueOf: 1 };
    const [first, second] = path.split('.') as [string, string?];
    const { consumer } = record('c1', [card('k1')]) as unknown as { consumer: Record<string, object> };
    const changed = second === undefined ? { length } : { ...consumer[first], [second]: { length } };
    expect(consumerFindings({ [first]: changed })).toContain(`consumer.${path} type`);
    expect(cardFindings({ primaryAccountNumber: { length }, panExpirationYear: { length } })).toEqual([
      'cards[0].primaryAccountNumber type',
      'cards[0].panExpirationYear type',
    ]);
  });

  test('names a phone number that is not only digits', () => {
    expect(consumerFindings({ mobileNumber: { countryCode: '+1', phoneNumber: '555-555-0100' } })).toEqual([
      'consumer.mobileNumber.countryCode format',
      'consumer.mobileNumber.phoneNumber format',
    ]);
  });
});

test('a security code, track data or a PIN is refused as unknown_field, its value and name not repeated', () => {
  for (const name of ['securityCode', 'cvv', 'track2', 'pinBlock']) {
    const result = validateRecords(
      [record('c1', [card('k1', { [name]: 'SECRET-VALUE' })])],
      batchEnroll.records,
      TODAY,
    );
    expect(result.validCards).toBe(0);
    expect(findings(record('c1', [card('k1', { [name]: 'SECRET-VALUE' })]))).toEqual([
      'cards[0] unknown_field',
    ]);
    expect(JSON.stringify(result)).not.toMatch(new RegExp(`SECRET-VALUE|${name}`));
  }
});
