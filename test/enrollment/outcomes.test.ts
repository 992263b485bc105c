import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  cardKey,
  countOutcomes,
  inOrderOf,
  mergeOutcomes,
  OUTCOME_STATUSES,
  shownOutcome,
} from '../../enrollment/outcomes.js';
import type { Outcome } from '../../enrollment/outcomes.js';
import { cardKeys } from './generators.js';

const outcomes: fc.Arbitrary<Outcome[]> = fc.array(
  fc
    .tuple(cardKeys, fc.constantFrom(...OUTCOME_STATUSES), fc.nat({ max: 3 }))
    .map(([key, status, round]) => ({ ...key, status, round })),
  { maxLength: 20 },
);

describe('countOutcomes', () => {
  test('adds up to all cards, decided or not', () => {
    fc.assert(
      fc.property(outcomes, fc.nat({ max: 50 }), (decided, pending) => {
        const { cards, ...rest } = countOutcomes(decided.length + pending, decided);
        expect(cards).toBe(decided.length + pending);
        expect(rest.pending).toBe(pending);
        expect(Object.values(rest).reduce((sum, count) => sum + count, 0)).toBe(cards);
      }),
    );
  });

  test('counts each status under its own name', () => {
    const each = OUTCOME_STATUSES.flatMap((status, index) =>
      Array.from({ length: index + 1 }, (): Outcome => ({
        externalConsumerId: 'c',
        externalCardId: 'k',
        status,
      })),
    );
    expect(countOutcomes(15, each)).toEqual({
      cards: 15,
      pending: 0,
      enrolled: 1,
      failed: 2,
      invalid: 3,
      rolledBack: 4,
      unreported: 5,
    });
  });
});

describe('mergeOutcomes', () => {
  test('keeps the latest outcome of each card, in the order of first appearance', () => {
    fc.assert(
      fc.property(fc.array(outcomes, { maxLength: 4 }), (lists) => {
        const all = lists.flat();
        const keys = all.map(cardKey);
        const merged = mergeOutcomes(...lists);
        expect(merged.map(cardKey)).toEqual([...new Set(keys)]);
        for (const outcome of merged) expect(outcome).toBe(all[keys.lastIndexOf(cardKey(outcome))]);
      }),
    );
  });

  test('changes nothing when merged again', () => {
    fc.assert(
      fc.property(outcomes, (list) => {
        const merged = mergeOutcomes(list);
        expect(mergeOutcomes(merged, merged)).toEqual(merged);
      }),
    );
  });
});

describe('cardKey', () => {
  test('is equal for equal keys and only for those', () => {
    const anyKey = fc.record({ externalConsumerId: fc.string(), externalCardId: fc.string() });
    fc.assert(
      fc.property(fc.oneof(cardKeys, anyKey), fc.oneof(cardKeys, anyKey), (a, b) => {
        const same = a.externalConsumerId === b.externalConsumerId && a.externalCardId === b.externalCardId;
        expect(cardKey(a) === cardKey(b)).toBe(same);
      }),
    );
  });
});

test('inOrderOf puts outcomes in the order of the cards and leaves out what has no partner', () => {
  const [a, b, c] = ['a', 'b', 'c'].map((id) => ({ externalConsumerId: id, externalCardId: id }));
  const outcomes = [c!, a!].map((key) => ({ ...key, status: 'ENROLLED' as const }));

  expect(inOrderOf([a!, b!], outcomes)).toEqual([{ ...a, status: 'ENROLLED' }]);
});

test('an outcome shows no card number, e-mail address or phone number that Mastercard makes an id of', () => {
  const ids = { externalConsumerId: 'c1', externalCardId: 'k1', status: 'ENROLLED' } as const;
  const uuid = 'f1f225ed-4b1e-40c2-b522-42197061dc5a';
  expect(
    shownOutcome({ ...ids, srcConsumerId: 'ana@bank.example', srcDigitalCardId: '5186001700009726' }),
  ).toEqual({
    ...ids,
    srcConsumerId: '****************',
    srcDigitalCardId: '************9726',
  });
  expect(shownOutcome({ ...ids, srcConsumerId: uuid })).toEqual({ ...ids, srcConsumerId: uuid });
});
