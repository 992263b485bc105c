import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cardKey } from '../../enrollment/outcomes.js';
import type { AnswerAnomalies, ReportedCard } from '../../enrollment/reconciliation.js';
import { reconcile } from '../../enrollment/reconciliation.js';
import type { CardKey } from '../../enrollment/records.js';
import { cardKeys } from './generators.js';

const NO_ANOMALIES: AnswerAnomalies = {
  missing: 0,
  repeated: 0,
  contradictory: 0,
  foreign: 0,
  unknownStatus: 0,
};

const k1: CardKey = { externalConsumerId: 'c1', externalCardId: 'k1' };
const k2: CardKey = { externalConsumerId: 'c1', externalCardId: 'k2' };

function enrolled(key: CardKey, srcDigitalCardId: string | undefined = 'd1'): ReportedCard {
  return { ...key, result: 'enrolled', rawStatus: 'SUCCESS', srcConsumerId: 's1', srcDigitalCardId };
}

function failed(key: CardKey, reason: string | undefined = 'PAN_INELIGIBLE'): ReportedCard {
  return {
    ...key,
    result: 'failed',
    rawStatus: 'FAILED',
    reason,
    details: [{ code: 'PAN_INELIGIBLE', path: 'Card' }],
  };
}

function unknown(key: CardKey, rawStatus = 'UNDER_REVIEW'): ReportedCard {
  return { ...key, result: 'unknown', rawStatus };
}

describe('reconcile', () => {
  test('matches cards by external ids, whatever their order, and answers in the order they were sent', () => {
    const { outcomes, anomalies } = reconcile([k1, k2], [failed(k2), enrolled(k1)], 3);
    expect(outcomes).toEqual([
      { ...k1, status: 'ENROLLED', round: 3, srcConsumerId: 's1', srcDigitalCardId: 'd1' },
      {
        ...k2,
        status: 'FAILED',
        round: 3,
        reason: 'PAN_INELIGIBLE',
        details: [{ code: 'PAN_INELIGIBLE', path: 'Card' }],
      },
    ]);
    expect(anomalies).toEqual(NO_ANOMALIES);
  });

  test('does not confuse cards of one id that belong to two consumers', () => {
    const other = { ...k1, externalConsumerId: 'c2' };
    const { outcomes } = reconcile([k1, other], [enrolled(other), failed(k1)], 1);
    expect(outcomes.map(({ status }) => status)).toEqual(['FAILED', 'ENROLLED']);
  });

  test('says of a card that the answer does not mention that it is unreported', () => {
    const { outcomes, anomalies } = reconcile([k1, k2], [enrolled(k1)], 1);
    expect(outcomes[1]).toEqual({ ...k2, status: 'UNREPORTED', round: 1, reason: 'MISSING_FROM_ANSWER' });
    expect(anomalies).toEqual({ ...NO_ANOMALIES, missing: 1 });
  });

  test('takes an entry that is repeated for one', () => {
    const { outcomes, anomalies } = reconcile([k1], [failed(k1), failed(k1), failed(k1)], 1);
    expect(outcomes).toMatchObject([{ status: 'FAILED', reason: 'PAN_INELIGIBLE' }]);
    expect(outcomes[0]?.details).toHaveLength(1);
    expect(anomalies).toEqual({ ...NO_ANOMALIES, repeated: 2 });
  });

  test('ignores and counts cards that were not sent', () => {
    const { outcomes, anomalies } = reconcile([k1], [enrolled(k2), enrolled(k1), failed(k2)], 1);
    expect(outcomes.map(cardKey)).toEqual([cardKey(k1)]);
    expect(anomalies).toEqual({ ...NO_ANOMALIES, foreign: 2 });
  });

  test('says of a status that nobody knows that the card is unreported, and keeps the status', () => {
    const { outcomes, anomalies } = reconcile([k1], [unknown(k1)], 1);
    expect(outcomes).toEqual([
      {
        ...k1,
        status: 'UNREPORTED',
        round: 1,
        reason: 'UNKNOWN_STATUS',
        details: [{ code: 'UNKNOWN_STATUS', message: 'UNDER_REVIEW' }],
      },
    ]);
    expect(anomalies).toEqual({ ...NO_ANOMALIES, unknownStatus: 1 });
  });

  test('believes in success when the answer also says failure, since the card then exists, and tells both', () => {
    for (const answer of [
      [failed(k1), enrolled(k1)],
      [enrolled(k1), failed(k1)],
    ]) {
      const { outcomes, anomalies } = reconcile([k1], answer, 1);
      expect(outcomes).toMatchObject([
        {
          status: 'ENROLLED',
          srcDigitalCardId: 'd1',
          details: [{ code: 'CONTRADICTORY_ANSWER', message: 'also reported as FAILED PAN_INELIGIBLE' }],
        },
      ]);
      expect(anomalies).toEqual({ ...NO_ANOMALIES, contradictory: 1 });
    }
  });

  test('prefers the success that names a digital card, and tells the id of a second one', () => {
    const without = { ...enrolled(k1), srcDigitalCardId: undefined };
    expect(reconcile([k1], [without, enrolled(k1)], 1).outcomes).toMatchObject([{ srcDigitalCardId: 'd1' }]);
    expect(reconcile([k1], [enrolled(k1, 'd2'), enrolled(k1)], 1).outcomes).toMatchObject([
      { srcDigitalCardId: 'd1', details: [{ message: 'also reported as SUCCESS srcDigitalCardId d2' }] },
    ]);
  });

  test('believes in failure rather than in a status that nobody knows', () => {
    const { outcomes, anomalies } = reconcile([k1], [unknown(k1), failed(k1)], 1);
    expect(outcomes).toMatchObject([{ status: 'FAILED', reason: 'PAN_INELIGIBLE' }]);
    expect(anomalies).toEqual({ ...NO_ANOMALIES, contradictory: 1 });
  });

  test('gives a failure without a reason one of its own', () => {
    const unexplained: ReportedCard = { ...k1, result: 'failed', rawStatus: 'FAILED' };
    expect(reconcile([k1], [unexplained], 1).outcomes).toEqual([
      { ...k1, status: 'FAILED', round: 1, reason: 'NO_REASON_GIVEN' },
    ]);
  });
});

describe('reconcile, whatever the answer', () => {
  const entries: fc.Arbitrary<ReportedCard> = cardKeys.chain((key) =>
    fc.constantFrom(
      enrolled(key),
      enrolled(key, 'd2'),
      { ...enrolled(key), srcDigitalCardId: undefined },
      failed(key),
      failed(key, 'SUSPENDED_CARD'),
      { ...failed(key), reason: undefined },
      unknown(key),
      unknown(key, 'PENDING'),
    ),
  );
  const sent = fc.uniqueArray(cardKeys, { selector: cardKey });
  const answers = fc.array(entries, { maxLength: 25 });

  test('gives every card sent exactly one outcome, and none to any other', () => {
    fc.assert(
      fc.property(sent, answers, (keys, answer) => {
        const { outcomes } = reconcile(keys, answer, 1);
        expect(outcomes.map(cardKey)).toEqual(keys.map(cardKey));
        expect(reconcile([...keys, ...keys], answer, 1).outcomes).toEqual(outcomes);
      }),
    );
  });

  test('does not depend on the order of the answer', () => {
    const shuffled = answers.chain((answer) =>
      fc.tuple(fc.constant(answer), fc.shuffledSubarray(answer, { minLength: answer.length })),
    );
    fc.assert(
      fc.property(sent, shuffled, (keys, [answer, other]) => {
        expect(reconcile(keys, other, 1)).toEqual(reconcile(keys, answer, 1));
      }),
    );
  });

  test('never calls a card enrolled that no entry does, nor anything else that one does', () => {
    fc.assert(
      fc.property(sent, answers, (keys, answer) => {
        for (const outcome of reconcile(keys, answer, 1).outcomes) {
          const said = answer.some(
            (entry) => cardKey(entry) === cardKey(outcome) && entry.result === 'enrolled',
          );
          expect(outcome.status === 'ENROLLED').toBe(said);
        }
      }),
    );
  });

  test('accounts for every entry: used, repeated, told as a contradiction, or foreign', () => {
    fc.assert(
      fc.property(sent, answers, (keys, answer) => {
        const { outcomes, anomalies } = reconcile(keys, answer, 1);
        const told = outcomes
          .flatMap(({ details }) => details ?? [])
          .filter(({ code }) => code === 'CONTRADICTORY_ANSWER').length;
        const used = outcomes.length - anomalies.missing;
        expect(used + told + anomalies.repeated + anomalies.foreign).toBe(answer.length);
      }),
    );
  });
});
