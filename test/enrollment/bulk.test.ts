import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { batchIdProblem } from '../../enrollment/acceptance.js';
import { bulkBatchId, bulkBatchOf, bulkIdProblem } from '../../enrollment/bulk.js';

describe('the id of a bulk job', () => {
  it.each(['debit', '2026-11-24-debit', 'a'.repeat(55), 'portfolio.2026:11', '2026-11'])(
    'may be %s',
    (id) => {
      expect(bulkIdProblem(id)).toBeUndefined();
    },
  );

  it.each(['', 'a b', 'a'.repeat(56), 'a~b', '5186001700009726', '2026-11-24', 'x-1234567', undefined, 7])(
    'may not be %s',
    (id) => {
      expect(bulkIdProblem(id)).toEqual(expect.any(String));
    },
  );

  it('gives each of a million batches an id that a batch may have, and that is found to be of the job', () => {
    const ids = fc.stringMatching(/^[A-Za-z0-9._:-]{1,55}$/).filter((id) => bulkIdProblem(id) === undefined);
    fc.assert(
      fc.property(ids, fc.integer({ min: 1, max: 999_999 }), (bulkId, n) => {
        const id = bulkBatchId(bulkId, n);
        expect(batchIdProblem(id)).toBeUndefined();
        expect(bulkBatchOf(id)).toEqual({ bulkId, n });
      }),
      { numRuns: 10_000 },
    );
  });
});

it('numbers the batches of a job from 000001 on', () => {
  expect(bulkBatchId('debit', 1)).toBe('debit-000001');
  expect(bulkBatchId('debit', 1_234_567)).toBe('debit-1234567');
});

it.each(['debit', 'debit-1', 'debit-0000001', 'debit_000001', '-000001', 'debit-000000'])(
  '%s is no batch of a job',
  (id) => {
    expect(bulkBatchOf(id)).toBeUndefined();
  },
);
