import { expect, test } from 'vitest';
import fc from 'fast-check';
import { Rerun, RerunRefusedError } from '../../cli/bulk/rerun.js';
import { bulkBatchId } from '../../enrollment/bulk.js';
import { cardKey, OUTCOME_STATUSES, type Outcome } from '../../enrollment/outcomes.js';
import type { EnrollmentRecord } from '../../enrollment/records.js';
import { memorySource, split } from '../bulk/memory-source.js';
import { testRecord, testRecords } from '../support/records.js';
import { batchEnroll } from '../../mastercard/api/batch-enroll.js';

const MAX_CARDS = 3;

function sourceOf(records: readonly unknown[]) {
  return memorySource(records.map((record) => `${JSON.stringify(record)}\n`).join(''), '.jsonl');
}

/** A closed job whose batches have these outcomes, the first batch's first. */
function jobWith(batches: ReadonlyArray<readonly Outcome[] | undefined>) {
  return {
    batchOutcomes: (n: number) => {
      const outcomes = batches[n - 1];
      return Promise.resolve(outcomes && { externalBatchId: bulkBatchId('job', n), outcomes: [...outcomes] });
    },
  };
}

function rerunOf(
  batches: ReadonlyArray<readonly Outcome[] | undefined>,
  records: readonly unknown[],
  notStarted: number[] = [],
): Rerun {
  return new Rerun(
    jobWith(batches),
    { batches: batches.length - notStarted.length, notStarted },
    { maxCardsPerBatch: MAX_CARDS },
    sourceOf(records),
    batchEnroll,
  );
}

async function recordsOf(rerun: Rerun): Promise<EnrollmentRecord[]> {
  const records: EnrollmentRecord[] = [];
  for await (const record of rerun.records()) records.push(record as EnrollmentRecord);
  return records;
}

type Fate = Pick<Outcome, 'status' | 'reason'>;

function outcomesOf(records: readonly EnrollmentRecord[], ...fates: readonly Fate[]): Outcome[] {
  return records
    .flatMap(({ externalConsumerId, cards }) =>
      cards.map(({ externalCardId }) => ({ externalConsumerId, externalCardId })),
    )
    .map((key, at) => ({ ...key, ...(fates[at] ?? { status: 'ENROLLED' }) }));
}

test.each<[Fate, boolean]>([
  [{ status: 'ENROLLED' }, false],
  [{ status: 'ENROLLED', reason: 'REMOVAL_FAILED' }, false],
  [{ status: 'INVALID', reason: 'INVALID_RECORD' }, false],
  [{ status: 'FAILED', reason: 'PAN_INELIGIBLE' }, false],
  [{ status: 'FAILED', reason: 'NO_RESPONSE_FROM_ISSUER' }, true],
  [{ status: 'ROLLED_BACK' }, true],
  [{ status: 'UNREPORTED', reason: 'NOT_SENT' }, true],
  [{ status: 'UNREPORTED', reason: 'CANCELLED_NOT_SENT' }, true],
  [{ status: 'UNREPORTED', reason: 'CANCELLED_UNREPORTED' }, false],
  [{ status: 'UNREPORTED', reason: 'SUBMISSION_UNRESOLVED' }, false],
  [{ status: 'UNREPORTED', reason: 'MISSING_FROM_ANSWER' }, false],
  [{ status: 'UNREPORTED', reason: 'TERMINATED_IN_TEMPORAL' }, false],
])('a card that is %o may be sent again: %s', async (fate, isTaken) => {
  const records = [testRecord(1)];
  expect(await recordsOf(rerunOf([outcomesOf(records, fate)], records))).toEqual(isTaken ? records : []);
});

test('of a consumer only the cards are taken that may be sent again, and what stays out is counted', async () => {
  const records = [testRecord(1, 3), testRecord(2, 2)];
  const [first, second] = records as [EnrollmentRecord, EnrollmentRecord];
  const passing: Fate = { status: 'FAILED', reason: 'UNAVAILABLE' };
  const rerun = rerunOf(
    [
      outcomesOf([first], passing, { status: 'FAILED', reason: 'INVALID_PAN' }, passing),
      outcomesOf([second], { status: 'INVALID', reason: 'INVALID_RECORD' }),
    ],
    records,
  );
  expect(await recordsOf(rerun)).toEqual([{ ...first, cards: [first.cards[0], first.cards[2]] }]);
  expect(rerun.consumers).toBe(1);
  expect([...rerun.taken]).toEqual([['FAILED UNAVAILABLE', 2]]);
  expect([...rerun.leftOut]).toEqual([
    ['FAILED INVALID_PAN', 1],
    ['INVALID INVALID_RECORD', 1],
  ]);
});

test('all of batches that were never started are taken as they are, and none without outcomes', async () => {
  const records = [...testRecords(6), { externalConsumerId: 'c-7', cards: [{ externalCardId: 7 }] }];
  const rerun = rerunOf([undefined, outcomesOf(records.slice(3, 6) as EnrollmentRecord[])], records);
  expect(await recordsOf(rerun)).toEqual([records[6]]);
  expect([...rerun.taken]).toEqual([['of batches that were never started', 1]]);
  expect([...rerun.leftOut]).toEqual([['of batches without outcomes', 3]]);
});

test('of a batch some of whose cards cannot be named any more none is taken, and the others are', async () => {
  const records = testRecords(6);
  const unnamed: Outcome = {
    externalConsumerId: '#3',
    externalCardId: '#3',
    status: 'UNREPORTED',
    reason: 'UNREADABLE',
  };
  const notSent: Fate = { status: 'UNREPORTED', reason: 'NOT_SENT' };
  const damaged = [...outcomesOf(records.slice(0, 2), notSent, notSent), unnamed];
  const rerun = rerunOf([damaged, outcomesOf(records.slice(3), notSent)], records);
  expect(await recordsOf(rerun)).toEqual([records[3]]);
  expect([...rerun.leftOut]).toEqual([['of batches whose cards cannot be named', 3]]);
});

test('of a batch whose id another had, all is taken, whatever the outcomes of that one are', async () => {
  const records = testRecords(9);
  const known = [0, 3, 6].map((from) => outcomesOf(records.slice(from, from + 3)));
  known[1] = outcomesOf([testRecord(99)]);
  expect(await recordsOf(rerunOf(known, records, [2]))).toEqual(records.slice(3, 6));
  await expect(recordsOf(rerunOf(known, records.slice(0, 3), [2]))).rejects.toThrow(
    /it has 1 batches, and 2 were enrolled/,
  );
});

test.each([
  ['has another card', [testRecord(1), testRecord(3)], /from line 1 on it has other cards than batch 1/],
  ['has its cards in another order', [testRecord(2), testRecord(1)], /from line 1 on/],
  ['has a card less', [testRecord(1)], /from line 1 on/],
  ['has nothing', [], /it has 0 batches, and 1 were enrolled/],
])('a source that %s is not the one that was enrolled', async (_, records, says) => {
  const rerun = rerunOf([outcomesOf(testRecords(2))], records);
  const attempt = recordsOf(rerun);
  await expect(attempt).rejects.toThrow(RerunRefusedError);
  await expect(attempt).rejects.toThrow(says);
});

test('every card of a source is enrolled, taken, or counted among those that are left out', async () => {
  const fate = fc.record({
    status: fc.constantFrom(...OUTCOME_STATUSES),
    reason: fc.constantFrom(undefined, 'NOT_SENT', 'UNAVAILABLE', 'MISSING_FROM_ANSWER'),
  });
  const portfolio = fc
    .array(fc.integer({ min: 1, max: MAX_CARDS }), { maxLength: 12 })
    .map((cards) => cards.map((count, n) => testRecord(n + 1, count)));
  await fc.assert(
    fc.asyncProperty(
      portfolio,
      fc.array(fate, { minLength: 40, maxLength: 40 }),
      fc.nat(12),
      async (records, fates, started) => {
        const { batches } = await split(sourceOf(records), { maxCardsPerBatch: MAX_CARDS });
        const known = batches.slice(0, started).map(({ records: some }, n) =>
          outcomesOf(
            some.map(({ value }) => value as EnrollmentRecord),
            ...fates.slice(n * MAX_CARDS),
          ),
        );
        const rerun = rerunOf(known, records);
        const taken = (await recordsOf(rerun)).flatMap((record) => outcomesOf([record]).map(cardKey));
        const enrolled = known
          .flat()
          .filter(({ status }) => status === 'ENROLLED')
          .map(cardKey);
        expect(new Set([...taken, ...enrolled]).size).toBe(taken.length + enrolled.length);
        const leftOut = [...rerun.leftOut.values()].reduce((all, count) => all + count, 0);
        expect(taken.length + enrolled.length + leftOut).toBe(outcomesOf(records).length);
      },
    ),
  );
});
