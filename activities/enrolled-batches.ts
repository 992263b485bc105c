import type { ClosedStatus } from '../enrollment/batch.js';
import { Blob, type ClosedBatch } from '../enrollment/blobs.js';
import { bulkBatchId, type BulkKey } from '../enrollment/bulk.js';
import type { OutcomeCounts } from '../enrollment/outcomes.js';
import { getJson } from '../store/store.js';
import { failingClearly } from './failures.js';
import type { ActivityDependencies } from './dependencies.js';

export interface EnrolledBatchesInput {
  bulk: BulkKey;
  /** The number of the first one to look at; those before it follow, down to 1. */
  from: number;
  /** How many to look at. */
  most: number;
}

/** A closed batch of a job that has cards enrolled. */
export interface EnrolledBatch {
  n: number;
  recordsDigest: string;
  status: ClosedStatus;
  batchIds: string[];
  counts: OutcomeCounts;
}

export interface EnrolledBatchesResult {
  /** The last of the source first. */
  batches: EnrolledBatch[];
}

/** Which of a job's closed batches have cards enrolled, from the last to the first, some at a time. */
export function enrolledBatches({ store }: Pick<ActivityDependencies, 'store'>) {
  return ({ bulk, from, most }: EnrolledBatchesInput): Promise<EnrolledBatchesResult> =>
    failingClearly(async () => {
      const batches: EnrolledBatch[] = [];
      for (let n = from; n > Math.max(0, from - most); n -= 1) {
        const batch = { program: bulk.program, externalBatchId: bulkBatchId(bulk.bulkId, n) };
        if (!(await store.has(batch, Blob.closed))) continue;
        const { result, recordsDigest } = await getJson<ClosedBatch>(store, batch, Blob.closed);
        const { status, batchIds, counts } = result;
        if (counts.enrolled > 0) batches.push({ n, recordsDigest, status, batchIds, counts });
      }
      return { batches };
    });
}
