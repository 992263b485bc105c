import { describe, expect, test } from 'vitest';
import type { Outcome } from '../../enrollment/outcomes.js';
import type { IssueCode } from '../../enrollment/schemas.js';
import { validateRecords } from '../../enrollment/validation.js';
import { card, record } from './generators.js';
import { batchEnroll } from '../../mastercard/api/batch-enroll.js';

const TODAY = new Date('2026-11-24T12:00:00Z');
const PAN = '5186001700009726';

/** The findings about a batch of one record, as `path code`. */
function findings(input: unknown): string[] {
  return validateRecords([input], batchEnroll.records, TODAY).outcomes.flatMap(findingsOf);
}

function findingsOf(outcome: Outcome | undefined): string[] {
  return (outcome?.details ?? []).map(({ path, code }) => `${path} ${code}`);
}

function cardFindings(changes: object): string[] {
  return findings(record('c1', [card('k1', changes)]));
}

describe('expiry', () => {
  const expiry = { panExpirationMonth: '11', panExpirationYear: '2026' };

  test.each([
    ['the first instant of its month', '2026-11-01T00:00:00.000Z', true],
    ['the last instant of its month', '2026-11-30T23:59:59.999Z', true],
    ['the month after', '2026-12-01T00:00:00.000Z', false],
    ['the year after', '2027-01-01T00:00:00.000Z', false],
  ])('a card at %s', (_, now, good) => {
    expect(
      validateRecords([record('c1', [card('k1', expiry)])], batchEnroll.records, new Date(now)).validCards,
    ).toBe(good ? 1 : 0);
  });

  test('is reported beside whatever else is wrong with the card', () => {
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
      batchEnroll.records,
      TODAY,
    );
    expect(result.valid).toEqual([record('c1', [card('k1'), card('k3')])]);
    expect(result.keys.map(({ externalCardId }) => externalCardId)).toEqual(['k1', 'k3']);
    expect(result.order.map(({ externalCardId }) => externalCardId)).toEqual(['k1', 'k2', 'k3']);
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

  test('is the card: something wrong with a consumer is reported for each of their cards', () => {
    const result = validateRecords(
      [record('c1', [card('k1'), card('k2')], { emailAddress: 'x' }), record('c2', [card('k3')])],
      batchEnroll.records,
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
    const { outcomes, positions, cards } = validateRecords(
      [record('c1', [card('k1')]), input],
      batchEnroll.records,
      TODAY,
    );
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
    const { outcomes } = validateRecords([{ ...record('c1', []), cards }], batchEnroll.records, TODAY);
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
    const { outcomes } = validateRecords(
      [record('c1', [card('k1'), card('k2', { externalCardId })])],
      batchEnroll.records,
      TODAY,
    );
    expect(outcomes).toMatchObject([{ externalConsumerId: 'c1', externalCardId: '#1.2' }]);
    expect(outcomes.flatMap(findingsOf)).toEqual([`cards[1].externalCardId ${code}`]);
  });

  test.each([
    ['with a sequence number behind it', `${PAN}01`],
    ['with an expiry date behind it, in groups', 'k.5186-0017-0000-9726-1030'],
    ['behind other digits', `20261${PAN}`],
  ])('refuses an id that holds any number of Mastercard %s', (_, externalCardId) => {
    const cards = [card('k1'), card('k2', { externalCardId, primaryAccountNumber: '5204731600014784' })];
    const { outcomes } = validateRecords([record('c1', cards)], batchEnroll.records, TODAY);
    expect(outcomes.flatMap(findingsOf)).toEqual(['cards[1].externalCardId looks_like_pan']);
  });

  test.each([
    ['letters between the digits', '4a000b0000c0000d0000e006'],
    ['another digit before it', '14000000000000000006'],
  ])('refuses an id that holds a card number of its own record with %s', (_, id) => {
    const own = card('k1', { primaryAccountNumber: '4000000000000000006' });
    const refusedOf = (input: unknown) =>
      validateRecords([input], batchEnroll.records, TODAY).outcomes.flatMap(findingsOf);
    expect(refusedOf(record(id, [own]))).toEqual(['externalConsumerId looks_like_pan']);
    expect(refusedOf(record('c1', [own, card(id)]))).toEqual(['cards[1].externalCardId looks_like_pan']);
    // Nobody else takes it for one.
    expect(refusedOf(record(id, [card('k1')]))).toEqual([]);
  });

  test('looks for a card number in the ids of its own record also where it was mistyped', () => {
    const primaryAccountNumber = '4111-1111-1111-1112';
    const own = card('k-x4111-11a11-1111-1112', { primaryAccountNumber });
    const { outcomes } = validateRecords([record('c1', [own])], batchEnroll.records, TODAY);
    expect(outcomes.flatMap(findingsOf)).toContain('cards[0].externalCardId looks_like_pan');
  });

  test('names a consumer by position when only their id is unusable', () => {
    const { outcomes } = validateRecords([record(PAN, [card('k1')])], batchEnroll.records, TODAY);
    expect(outcomes).toMatchObject([{ externalConsumerId: '#1', externalCardId: 'k1' }]);
    expect(outcomes.flatMap(findingsOf)).toEqual(['externalConsumerId looks_like_pan']);
  });

  test('a batch of nothing has no outcomes', () => {
    expect(validateRecords([], batchEnroll.records, TODAY)).toEqual({
      valid: [],
      outcomes: [],
      positions: [],
      cards: 0,
      validCards: 0,
      keys: [],
      order: [],
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
    const { valid, outcomes } = validateRecords(batch, batchEnroll.records, TODAY);
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
    const { valid, outcomes, cards } = validateRecords(
      [record('c1', [card('k1'), card('k1')])],
      batchEnroll.records,
      TODAY,
    );
    expect(valid).toEqual([]);
    expect(cards).toBe(1);
    expect(outcomes.map(findingsOf)).toEqual([
      ['records[0].cards[0] duplicate_external_card_id', 'records[0].cards[1] duplicate_external_card_id'],
    ]);
  });

  test('an occurrence counts even where it is invalid for another reason', () => {
    const { validCards, outcomes } = validateRecords(
      [record('c1', [card('k1')]), record('c2', [card('k1', { panExpirationMonth: '13' })])],
      batchEnroll.records,
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
    const { valid, outcomes } = validateRecords(batch, batchEnroll.records, TODAY);
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
    const { outcomes } = validateRecords(batch, batchEnroll.records, TODAY);
    expect(outcomes).toHaveLength(500);
    expect(outcomes.every(({ details }) => details?.length === 20)).toBe(true);
  });

  test('unusable ids are no duplicates of each other', () => {
    const { outcomes } = validateRecords([record('', [card(''), card('')])], batchEnroll.records, TODAY);
    expect(outcomes.map(({ externalCardId }) => externalCardId)).toEqual(['#1.1', '#1.2']);
  });
});
