import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OUTCOME_STATUSES, type Outcome } from '../../enrollment/outcomes.js';
import {
  countRemovals,
  emptiedProfiles,
  mergeRemovals,
  removalFailed,
  rolledBack,
  withProfileFailure,
} from '../../enrollment/removal.js';

function outcome(n: number, changes: Partial<Outcome> = {}): Outcome {
  return {
    externalConsumerId: `cust-${n}`,
    externalCardId: `card-${n}`,
    status: 'ENROLLED',
    round: 1,
    srcConsumerId: `src-${n}`,
    srcDigitalCardId: `dig-${n}`,
    ...changes,
  };
}

describe('the outcome of a removed card', () => {
  it('keeps its ids and its round and says how it came out', () => {
    expect(rolledBack(outcome(1), 'removed')).toEqual({
      ...outcome(1),
      status: 'ROLLED_BACK',
      reason: 'ROLLED_BACK',
      details: [{ code: 'REMOVED' }],
    });
    expect(rolledBack(outcome(1), 'alreadyAbsent').details).toEqual([{ code: 'ALREADY_ABSENT' }]);
  });

  it('keeps what was said of the card when it was enrolled, and nothing of a failed removal', () => {
    const contradictory = { code: 'CONTRADICTORY_ANSWER', message: 'also reported as FAILED' };
    const before = outcome(1, { details: [contradictory] });
    const failedTwice = removalFailed(removalFailed(before, 'first'), 'second');
    expect(failedTwice.status).toBe('ENROLLED');
    expect(failedTwice.details).toEqual([contradictory, { code: 'REMOVAL_FAILED', message: 'second' }]);
    expect(rolledBack(failedTwice, 'removed').details).toEqual([contradictory, { code: 'REMOVED' }]);
  });

  it('tells of a profile that could not be removed, until it can', () => {
    const removed = rolledBack(outcome(1), 'removed');
    const failed = withProfileFailure(withProfileFailure(removed, 'first'), 'second');
    expect(failed.details).toEqual([
      { code: 'REMOVED' },
      { code: 'PROFILE_REMOVAL_FAILED', message: 'second' },
    ]);
    expect(withProfileFailure(failed, undefined)).toEqual(removed);
  });
});

describe('emptiedProfiles', () => {
  it('names each consumer once who has no card of the batch left, the last first', () => {
    const out = (n: number, srcConsumerId: string) => rolledBack(outcome(n, { srcConsumerId }), 'removed');
    const outcomes = [
      out(1, 'a'),
      out(2, 'b'),
      out(3, 'a'),
      out(4, 'still-enrolled'),
      removalFailed(outcome(5, { srcConsumerId: 'still-enrolled' }), 'refused'),
      outcome(6, { status: 'FAILED', srcConsumerId: 'never-enrolled' }),
    ];
    const profiles = [...emptiedProfiles(outcomes)].map(([id, cards]) => [
      id,
      cards.map(({ externalCardId }) => externalCardId),
    ]);
    expect(profiles).toEqual([
      ['a', ['card-3', 'card-1']],
      ['b', ['card-2']],
    ]);
  });
});

describe('mergeRemovals and countRemovals', () => {
  const batch = fc
    .array(fc.constantFrom(...OUTCOME_STATUSES), { maxLength: 12 })
    .map((statuses) =>
      statuses.map((status, n) =>
        status === 'ROLLED_BACK' ? rolledBack(outcome(n), 'removed') : outcome(n, { status }),
      ),
    );
  const attempt = fc.array(fc.constantFrom('removed', 'alreadyAbsent', 'failed', undefined), {
    maxLength: 12,
  });

  it('never lose a removal, whichever of two attempts at the same batch writes last', () => {
    fc.assert(
      fc.property(batch, attempt, attempt, (outcomes, first, second) => {
        const findings = (results: typeof first) =>
          outcomes.flatMap((card, n) => {
            const result = results[n];
            if (card.status !== 'ENROLLED' || result === undefined) return [];
            return [result === 'failed' ? removalFailed(card, 'refused') : rolledBack(card, result)];
          });
        const found = [...findings(first), ...findings(second)];
        const merged = mergeRemovals(mergeRemovals(outcomes, findings(first)), findings(second));

        expect(merged.map(({ externalCardId }) => externalCardId)).toEqual(
          outcomes.map(({ externalCardId }) => externalCardId),
        );
        for (const [n, after] of merged.entries()) {
          const isOut =
            outcomes[n]?.status === 'ROLLED_BACK' ||
            found.some(
              ({ status, externalCardId }) =>
                status === 'ROLLED_BACK' && externalCardId === after.externalCardId,
            );
          expect(after.status).toBe(isOut ? 'ROLLED_BACK' : outcomes[n]?.status);
        }
        const { removed, absent, failed } = countRemovals(merged);
        expect(removed + absent).toBe(merged.filter(({ status }) => status === 'ROLLED_BACK').length);
        expect(failed).toBe(merged.filter(({ status }) => status === 'ENROLLED').length);
      }),
    );
  });
});
