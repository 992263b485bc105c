import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import type { InputRecords } from '../../cli/input/input-records.js';
import { lineOfDetail, readRecords } from '../../cli/input/read-records.js';
import { validateRecords } from '../../enrollment/validation.js';
import { effectOfCard, TRIGGERS } from '../../simulator/triggers.js';
import { batchEnroll } from '../../mastercard/api/batch-enroll.js';

const TODAY = new Date('2026-11-24T12:00:00Z');

let jsonl: InputRecords;
let csv: InputRecords;
beforeAll(async () => {
  const example = (name: string) => fileURLToPath(new URL(`../../examples/${name}`, import.meta.url));
  jsonl = await readRecords(example('cards.jsonl'));
  csv = await readRecords(example('cards.csv'));
});

/** What validation finds, as a person would write it: `line path code`. */
function findings(input: InputRecords): string[] {
  const { outcomes, positions } = validateRecords(input.records, batchEnroll.records, TODAY);
  return outcomes.flatMap(({ details }, index) =>
    (details ?? []).map(({ path, code }) => {
      const position = positions[index] ?? { record: -1 };
      return `${lineOfDetail(input, position, path)} ${path} ${code}`;
    }),
  );
}

describe('the examples', () => {
  test('are the same records in both formats', () => {
    expect(jsonl.records).toHaveLength(25);
    expect(csv.records).toEqual(jsonl.records);
  });

  test('are 30 cards, 26 of them valid', () => {
    expect(validateRecords(jsonl.records, batchEnroll.records, TODAY)).toMatchObject({
      cards: 30,
      validCards: 26,
    });
  });

  test('show four things that can be wrong, with their lines', () => {
    expect(findings(jsonl)).toEqual([
      '8 cards[1].primaryAccountNumber luhn',
      '10 cards[0].panExpirationYear expired',
      '16 consumer.emailAddress format',
      '19 consumer.mobileNumber phone_implausible',
    ]);
    expect(findings(csv)).toEqual([
      '11 cards[1].primaryAccountNumber luhn',
      '13 cards[0].panExpirationYear expired',
      '20 consumer.emailAddress format',
      '24 consumer.mobileNumber phone_implausible',
    ]);
  });

  test('have four cards that the simulator declines, and 22 that it enrolls', () => {
    const { valid } = validateRecords(jsonl.records, batchEnroll.records, TODAY);
    const pans = valid.flatMap(({ cards }) => cards.map(({ primaryAccountNumber }) => primaryAccountNumber));
    expect(new Set(pans).size).toBe(26);
    const { PAN_INELIGIBLE, ISSUER_DECLINED, SUSPENDED_CARD, NO_RESPONSE_FROM_ISSUER } = TRIGGERS.cards;
    expect(pans.filter((pan) => effectOfCard(pan).kind !== 'succeed')).toEqual(
      [PAN_INELIGIBLE, ISSUER_DECLINED, SUSPENDED_CARD, NO_RESPONSE_FROM_ISSUER].map(({ pan }) => pan),
    );
  });
});
