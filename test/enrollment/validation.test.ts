import { describe, expect, test } from 'vitest';
import type { Outcome } from '../../enrollment/outcomes.js';
import type { IssueCode } from '../../enrollment/schemas.js';
import { validateRecords } from '../../enrollment/validation.js';
import { card, checkDigit, record } from './generators.js';

const TODAY = new Date('2026-11-24T12:00:00Z');
const PAN = '5186001700009726';

/** The findings about a batch of one record, as `path code`. */
function findings(input: unknown): string[] {
  return validateRecords([input], TODAY).outcomes.flatMap(findingsOf);
}

function findingsOf(outcome: Outcome | undefined): string[] {
  return (outcome?.details ?? []).map(({ path, code }) => `${path} ${code}`);
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
    const result = validateRecords([full], TODAY);
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
    const [normalised] = validateRecords([padded], TODAY).valid;
    expect(normalised?.consumer).toMatchObject({
      firstName: 'Ana',
      emailAddress: 'Ana@Example.com',
      locale: { country: 'DE', language: 'de' },
    });
    expect(normalised?.cards[0]?.billingAddress).toEqual({ city: 'Edison', countryCode: 'US' });
  });

  test('may leave the address out, or all of its lines empty', () => {
    for (const billingAddress of [undefined, {}, { line1: '', countryCode: '' }]) {
      const [normalised] = validateRecords([record('c1', [card('k1', { billingAddress })])], TODAY).valid;
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
    ['a name that is missing', { firstName: undefined }, 'firstName', 'required'],
    ['a name of white space', { lastName: ' \t ' }, 'lastName', 'required'],
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
      'a card number of 20 digits',
      { primaryAccountNumber: `${PAN}0000` },
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

  test('names a phone number that is not only digits', () => {
    expect(consumerFindings({ mobileNumber: { countryCode: '+1', phoneNumber: '555-555-0100' } })).toEqual([
      'consumer.mobileNumber.countryCode format',
      'consumer.mobileNumber.phoneNumber format',
    ]);
  });
});

describe('expiry', () => {
  const expiry = { panExpirationMonth: '11', panExpirationYear: '2026' };

  test.each([
    ['the first instant of its month', '2026-11-01T00:00:00.000Z', true],
    ['the last instant of its month', '2026-11-30T23:59:59.999Z', true],
    ['the month after', '2026-12-01T00:00:00.000Z', false],
    ['the year after', '2027-01-01T00:00:00.000Z', false],
  ])('a card at %s', (_, now, good) => {
    expect(validateRecords([record('c1', [card('k1', expiry)])], new Date(now)).validCards).toBe(
      good ? 1 : 0,
    );
  });

  test('is told beside whatever else is wrong with the card', () => {
    const changes = { primaryAccountNumber: '1', panExpirationMonth: '10', panExpirationYear: '2026' };
    expect(cardFindings(changes)).toEqual([
      'cards[0].primaryAccountNumber too_short',
      'cards[0].panExpirationYear expired',
    ]);
  });
});

describe('the unit of validity', () => {
  test('is the card: a bad one leaves the other cards of its consumer valid', () => {
    const result = validateRecords(
      [record('c1', [card('k1'), card('k2', { panExpirationMonth: '00' }), card('k3')])],
      TODAY,
    );
    expect(result.valid).toEqual([record('c1', [card('k1'), card('k3')])]);
    expect(result.keys.map(({ externalCardId }) => externalCardId)).toEqual(['k1', 'k3']);
    expect(result.outcomes).toEqual([
      {
        externalConsumerId: 'c1',
        externalCardId: 'k2',
        status: 'INVALID',
        reason: 'INVALID_RECORD',
        details: [{ path: 'cards[1].panExpirationMonth', code: 'month' }],
      },
    ]);
    expect(result.positions).toEqual([{ record: 0, card: 1 }]);
    expect([result.cards, result.validCards]).toEqual([3, 2]);
  });

  test('is the card: something wrong with a consumer is told of each of their cards', () => {
    const result = validateRecords(
      [record('c1', [card('k1'), card('k2')], { emailAddress: 'x' }), record('c2', [card('k3')])],
      TODAY,
    );
    expect(result.valid).toEqual([record('c2', [card('k3')])]);
    expect(result.outcomes.map(({ externalCardId }) => externalCardId)).toEqual(['k1', 'k2']);
    expect(result.outcomes.map(findingsOf)).toEqual([
      ['consumer.emailAddress format'],
      ['consumer.emailAddress format'],
    ]);
  });

  test.each<[string, unknown, string]>([
    ['null', null, ' type'],
    ['a number', 7, ' type'],
    ['a list', [record('c1', [card('k1')])], ' type'],
    ['an empty object', {}, 'externalConsumerId required'],
  ])('names a record that is %s by its position', (_, input, finding) => {
    const { outcomes, positions, cards } = validateRecords([record('c1', [card('k1')]), input], TODAY);
    expect(outcomes).toMatchObject([{ externalConsumerId: '#2', externalCardId: '#2', status: 'INVALID' }]);
    expect(findingsOf(outcomes[0])[0]).toBe(finding);
    expect(positions).toEqual([{ record: 1 }]);
    expect(cards).toBe(2);
  });

  test.each<[string, unknown, string]>([
    ['no cards', undefined, 'cards required'],
    ['an empty list of cards', [], 'cards required'],
    ['cards that are no list', {}, 'cards type'],
  ])('gives a consumer with %s one outcome', (_, cards, finding) => {
    const { outcomes } = validateRecords([{ ...record('c1', []), cards }], TODAY);
    expect(outcomes).toMatchObject([{ externalConsumerId: 'c1', externalCardId: '#1' }]);
    expect(outcomes.flatMap(findingsOf)).toEqual([finding]);
  });

  test.each<[string, unknown, IssueCode]>([
    ['missing', undefined, 'required'],
    ['empty', '', 'required'],
    ['65 characters long', 'k'.repeat(65), 'too_long'],
    ['of other characters', 'karte 1', 'format'],
    ['a number', 1, 'type'],
    ['a card number', PAN, 'looks_like_pan'],
    ['a card number in disguise', 'card-5186.0017_0000-9726', 'looks_like_pan'],
  ])('names a card by its position when its id is %s', (_, externalCardId, code) => {
    const { outcomes } = validateRecords([record('c1', [card('k1'), card('k2', { externalCardId })])], TODAY);
    expect(outcomes).toMatchObject([{ externalConsumerId: 'c1', externalCardId: '#1.2' }]);
    expect(outcomes.flatMap(findingsOf)).toEqual([`cards[1].externalCardId ${code}`]);
  });

  test('names a consumer by position when only their id is unusable', () => {
    const { outcomes } = validateRecords([record(PAN, [card('k1')])], TODAY);
    expect(outcomes).toMatchObject([{ externalConsumerId: '#1', externalCardId: 'k1' }]);
    expect(outcomes.flatMap(findingsOf)).toEqual(['externalConsumerId looks_like_pan']);
  });

  test('a batch of nothing has no outcomes', () => {
    expect(validateRecords([], TODAY)).toEqual({
      valid: [],
      outcomes: [],
      positions: [],
      cards: 0,
      validCards: 0,
      keys: [],
    });
  });
});

describe('duplicates', () => {
  test('a card id that two consumers have makes both cards INVALID and names both places', () => {
    const batch = [
      record('c1', [card('k1'), card('k2')]),
      record('c2', [card('k2')]),
      record('c3', [card('k3')]),
    ];
    const { valid, outcomes } = validateRecords(batch, TODAY);
    expect(valid).toEqual([record('c1', [card('k1')]), record('c3', [card('k3')])]);
    expect(outcomes.map(({ externalConsumerId }) => externalConsumerId)).toEqual(['c1', 'c2']);
    for (const outcome of outcomes) {
      expect(findingsOf(outcome)).toEqual([
        'records[0].cards[1] duplicate_external_card_id',
        'records[1].cards[0] duplicate_external_card_id',
      ]);
    }
  });

  test('a card that a consumer has twice is one card with one outcome', () => {
    const { valid, outcomes, cards } = validateRecords([record('c1', [card('k1'), card('k1')])], TODAY);
    expect(valid).toEqual([]);
    expect(cards).toBe(1);
    expect(outcomes.map(findingsOf)).toEqual([
      ['records[0].cards[0] duplicate_external_card_id', 'records[0].cards[1] duplicate_external_card_id'],
    ]);
  });

  test('an occurrence counts even where it is invalid for another reason', () => {
    const { validCards, outcomes } = validateRecords(
      [record('c1', [card('k1')]), record('c2', [card('k1', { panExpirationMonth: '13' })])],
      TODAY,
    );
    expect(validCards).toBe(0);
    expect(findingsOf(outcomes[1])).toContain('cards[0].panExpirationMonth month');
  });

  test('a consumer id that two records have makes all cards of both INVALID', () => {
    const batch = [
      record('c1', [card('k1'), card('k2')]),
      record('c2', [card('k3')]),
      record('c1', [card('k4')]),
    ];
    const { valid, outcomes } = validateRecords(batch, TODAY);
    expect(valid).toEqual([record('c2', [card('k3')])]);
    expect(outcomes.map(({ externalCardId }) => externalCardId)).toEqual(['k1', 'k2', 'k4']);
    for (const outcome of outcomes) {
      expect(findingsOf(outcome)).toEqual([
        'records[0] duplicate_external_consumer_id',
        'records[2] duplicate_external_consumer_id',
      ]);
    }
  });

  test('an id that a whole file has lists no more than twenty places', () => {
    const batch = Array.from({ length: 500 }, (_, n) => record(`c${n}`, [card('same')]));
    const { outcomes } = validateRecords(batch, TODAY);
    expect(outcomes).toHaveLength(500);
    expect(outcomes.every(({ details }) => details?.length === 20)).toBe(true);
  });

  test('unusable ids are no duplicates of each other', () => {
    const { outcomes } = validateRecords([record('', [card(''), card('')])], TODAY);
    expect(outcomes.map(({ externalCardId }) => externalCardId)).toEqual(['#1.1', '#1.2']);
  });
});
