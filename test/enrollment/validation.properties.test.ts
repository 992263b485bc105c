import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { EXTERNAL_ID_PATTERN, looksLikePan } from '../../enrollment/identifiers.js';
import { cardKey } from '../../enrollment/outcomes.js';
import { ISSUE_CODES } from '../../enrollment/schemas.js';
import { validateRecords } from '../../enrollment/validation.js';
import { card, panOfLength, record } from './generators.js';
import { batchEnroll } from '../../mastercard/api/batch-enroll.js';

const TODAY = new Date('2026-11-24T12:00:00Z');

/** Nothing that is in a record may be in an outcome but its usable external ids. */
const MARK = 'MARK';
const secret = fc.oneof(
  fc.stringMatching(/^[A-Za-z0-9._:-]{0,8}$/).map((rest) => MARK + rest),
  panOfLength(16, 19),
  fc.constantFrom(`${MARK} with space`, `${MARK}@example.com`),
);
const anything = fc.oneof(
  secret,
  fc.dictionary(secret, secret, { maxKeys: 3 }),
  fc.array(secret, { maxLength: 3 }),
  fc.constantFrom(null, 0, true, '', undefined),
);

const ids = fc.oneof(fc.constantFrom('a', 'b', 'c', 'd', 'e', '', 1, undefined), secret);
const cards = fc.oneof(
  { weight: 4, arbitrary: ids.map((id) => card('k', { externalCardId: id })) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(ids, fc.dictionary(fc.constantFrom(...Object.keys(card('k')), 'billingAddress'), anything))
      .map(([id, changes]) => ({ ...card('k', { externalCardId: id }), ...changes })),
  },
  { weight: 1, arbitrary: anything },
);
const records = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .tuple(ids, fc.array(cards, { maxLength: 4 }))
      .map(([id, list]) => ({ ...record('c', list), externalConsumerId: id })),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(
        fc.array(cards, { maxLength: 3 }),
        fc.dictionary(fc.constantFrom(...Object.keys(record('c', []).consumer)), anything),
      )
      .map(([list, changes]) => record('c', list, changes)),
  },
  {
    weight: 1,
    arbitrary: fc.dictionary(fc.constantFrom('externalConsumerId', 'consumer', 'cards', 'x'), anything),
  },
  { weight: 1, arbitrary: anything },
);
const batches = fc.array(records, { maxLength: 6 });

function fieldsOf(input: unknown): Record<string, unknown> {
  return typeof input === 'object' && input !== null ? (input as Record<string, unknown>) : {};
}

function usable(id: unknown): id is string {
  return typeof id === 'string' && EXTERNAL_ID_PATTERN.test(id) && !looksLikePan(id);
}

describe('validateRecords, whatever it is given', () => {
  test('accounts for every card once: either valid or with one INVALID outcome', () => {
    fc.assert(
      fc.property(batches, (batch) => {
        const {
          valid,
          outcomes,
          positions,
          cards: all,
          validCards,
          keys,
        } = validateRecords(batch, batchEnroll.records, TODAY);
        const sendable = valid.flatMap(({ externalConsumerId, cards: list }) =>
          list.map(({ externalCardId }) => cardKey({ externalConsumerId, externalCardId })),
        );
        const invalid = outcomes.map(cardKey);
        expect(keys.map(cardKey)).toEqual(sendable);
        expect(validCards).toBe(sendable.length);
        expect(all).toBe(sendable.length + invalid.length);
        expect(new Set([...sendable, ...invalid]).size).toBe(all);
        expect(positions).toHaveLength(outcomes.length);
        expect(
          outcomes.every(({ status, details }) => status === 'INVALID' && (details?.length ?? 0) > 0),
        ).toBe(true);
      }),
    );
  });

  test('judges every place of the input, by its ids where they can be used and else by its position', () => {
    fc.assert(
      fc.property(batches, (batch) => {
        const { outcomes, keys } = validateRecords(batch, batchEnroll.records, TODAY);
        const places = batch.flatMap((input, index) => {
          const { externalConsumerId: id, cards: list } = fieldsOf(input);
          const externalConsumerId = usable(id) ? id : `#${index + 1}`;
          if (!Array.isArray(list) || list.length === 0) {
            return [{ externalConsumerId, externalCardId: `#${index + 1}` }];
          }
          return list.map((item, number) => {
            const cardId = fieldsOf(item)['externalCardId'];
            return {
              externalConsumerId,
              externalCardId: usable(cardId) ? cardId : `#${index + 1}.${number + 1}`,
            };
          });
        });
        expect(new Set([...keys, ...outcomes].map(cardKey))).toEqual(new Set(places.map(cardKey)));
      }),
    );
  });

  test('never repeats a value, nor the name of an unknown field', () => {
    fc.assert(
      fc.property(batches, (batch) => {
        const { outcomes, positions } = validateRecords(batch, batchEnroll.records, TODAY);
        const shown = outcomes.map(({ status, reason, details }) => ({ status, reason, details }));
        expect(JSON.stringify([shown, positions])).not.toContain(MARK);
        expect(JSON.stringify([outcomes, positions])).not.toMatch(/\d{13}/);
      }),
      { numRuns: 300 },
    );
  });

  test('uses only its documented codes', () => {
    fc.assert(
      fc.property(batches, (batch) => {
        for (const { details } of validateRecords(batch, batchEnroll.records, TODAY).outcomes) {
          for (const { code, message } of details ?? []) {
            expect(ISSUE_CODES).toContain(code);
            expect(message).toBeUndefined();
          }
        }
      }),
    );
  });

  test('accepts its own output unchanged', () => {
    fc.assert(
      fc.property(batches, (batch) => {
        const { valid } = validateRecords(batch, batchEnroll.records, TODAY);
        const again = validateRecords(
          JSON.parse(JSON.stringify(valid)) as unknown[],
          batchEnroll.records,
          TODAY,
        );
        expect(again.outcomes).toEqual([]);
        expect(JSON.stringify(again.valid)).toBe(JSON.stringify(valid));
      }),
    );
  });

  test('never throws on JSON', () => {
    fc.assert(
      fc.property(fc.array(fc.jsonValue()), (batch) => {
        expect(validateRecords(batch, batchEnroll.records, TODAY).validCards).toBe(0);
      }),
    );
    const hostile = JSON.parse(
      '{"__proto__": {"cards": []}, "constructor": 1, "cards": [{"__proto__": 1}]}',
    ) as unknown;
    expect(validateRecords([hostile], batchEnroll.records, TODAY).validCards).toBe(0);
  });

  test('does not change what it is given', () => {
    fc.assert(
      fc.property(batches, (batch) => {
        const before = structuredClone(batch);
        validateRecords(batch, batchEnroll.records, TODAY);
        expect(batch).toEqual(before);
      }),
    );
  });
});
