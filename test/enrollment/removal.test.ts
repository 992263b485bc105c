import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OUTCOME_STATUSES, type Outcome } from '../../enrollment/outcomes.js';
import {
  emptiedProfiles,
  howItIsOut,
  withProfileRemovals,
  withProfilesThatMayRemain,
  withRemovals,
  type RemovalAnswer,
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

const REMOVED: RemovalAnswer = { kind: 'removed' };
const ABSENT: RemovalAnswer = { kind: 'absent' };

function failing(message: string): RemovalAnswer {
  return { kind: 'failed', message };
}

function out(n: number, changes: Partial<Outcome> = {}): Outcome {
  return withRemovals([outcome(n, changes)], { 0: REMOVED })[0]!;
}

describe('the outcome of a removed card', () => {
  it('keeps its ids and its round and says how it came out', () => {
    const [removed, absent] = withRemovals([outcome(1), outcome(2)], { 0: REMOVED, 1: ABSENT });
    const rolledBack = { status: 'ROLLED_BACK', reason: 'ROLLED_BACK' };
    expect(removed).toEqual({ ...outcome(1), ...rolledBack, details: [{ code: 'REMOVED' }] });
    expect(absent).toEqual({ ...outcome(2), ...rolledBack, details: [{ code: 'ALREADY_ABSENT' }] });
    expect([removed, absent].map((one) => howItIsOut(one!))).toEqual([REMOVED, ABSENT]);
  });

  it('keeps what was said of the card when it was enrolled, and nothing of a failed removal', () => {
    const contradictory = { code: 'CONTRADICTORY_ANSWER', message: 'also reported as FAILED' };
    const before = [outcome(1, { details: [contradictory] })];
    const failedTwice = withRemovals(withRemovals(before, { 0: failing('first') }), { 0: failing('second') });
    expect(failedTwice).toEqual([
      { ...before[0], details: [contradictory, { code: 'REMOVAL_FAILED', message: 'second' }] },
    ]);
    const [removed] = withRemovals(failedTwice, { 0: REMOVED });
    expect(removed?.details).toEqual([contradictory, { code: 'REMOVED' }]);
  });

  it('names a profile that could not be removed, until it can be', () => {
    const before = [out(1)];
    const failed = withProfileRemovals(withProfileRemovals(before, { 0: failing('first') }), {
      0: failing('second'),
    });
    expect(failed[0]?.details).toEqual([
      { code: 'REMOVED' },
      { code: 'PROFILE_REMOVAL_FAILED', message: 'second' },
    ]);
    for (const answer of [REMOVED, ABSENT, { kind: 'inUse' as const }])
      expect(withProfileRemovals(failed, { 0: answer })).toEqual(before);
  });
});

describe('the profiles that a removal leaves empty', () => {
  const outcomes = [
    out(1, { srcConsumerId: 'a' }),
    out(2, { srcConsumerId: 'b' }),
    out(3, { srcConsumerId: 'a' }),
    out(4, { srcConsumerId: 'still-enrolled' }),
    outcome(5, { srcConsumerId: 'still-enrolled' }),
    outcome(6, { status: 'FAILED', srcConsumerId: 'declined' }),
    out(7, { srcConsumerId: undefined }),
  ];

  it('are named once each, by their cards, the last first; that of a declined card, too', () => {
    expect(emptiedProfiles(outcomes)).toEqual([[5], [2, 0], [1]]);
  });

  it('are named with each of their cards, by whichever card the answer came, and no other is', () => {
    const answers = { 0: failing('a'), 3: failing('in use'), 5: failing('declined'), 6: failing('none') };
    const told = withProfileRemovals(outcomes, answers).map(({ details = [] }) => details.at(-1)?.message);
    expect(told).toEqual(['a', undefined, 'a', undefined, undefined, 'declined', undefined]);
  });
});

describe('a declined card whose consumer Mastercard names', () => {
  const declined = outcome(1, { status: 'FAILED', srcConsumerId: 'a' });
  const said = { ...declined, details: [{ code: 'PROFILE_MAY_REMAIN' }] };

  it('says that the profile may remain, unless another card of the consumer is enrolled', () => {
    expect(withProfilesThatMayRemain([declined])).toEqual([said]);
    expect(withProfilesThatMayRemain([said])).toEqual([said]);
    const enrolled = outcome(2, { srcConsumerId: 'a' });
    expect(withProfilesThatMayRemain([said, enrolled])).toEqual([{ ...declined, details: [] }, enrolled]);
  });

  it('says no more of it once the profile is removed', () => {
    expect(withProfileRemovals([said], { 0: REMOVED })).toEqual([{ ...declined, details: [] }]);
  });
});

describe('recording removals', () => {
  const batch = fc
    .array(fc.constantFrom(...OUTCOME_STATUSES), { maxLength: 12 })
    .map((statuses) =>
      statuses.map((status, n) => (status === 'ROLLED_BACK' ? out(n) : outcome(n, { status }))),
    );
  const answers = fc.dictionary(
    fc.nat(12).map(String),
    fc.constantFrom(REMOVED, ABSENT, failing('refused')),
  ) as fc.Arbitrary<Record<number, RemovalAnswer>>;

  it('loses no removal, moves no card, touches none that was not enrolled, and changes nothing again', () => {
    fc.assert(
      fc.property(batch, answers, answers, (outcomes, first, second) => {
        const merged = withRemovals(withRemovals(outcomes, first), second);
        expect(withRemovals(merged, second)).toEqual(merged);
        expect(merged.map(({ externalCardId }) => externalCardId)).toEqual(
          outcomes.map(({ externalCardId }) => externalCardId),
        );
        for (const [n, before] of outcomes.entries()) {
          const isOut = [first[n], second[n]].some((answer) => answer && answer.kind !== 'failed');
          if (before.status !== 'ENROLLED') expect(merged[n]).toEqual(before);
          else expect(merged[n]?.status).toBe(isOut ? 'ROLLED_BACK' : 'ENROLLED');
        }
      }),
    );
  });
});
