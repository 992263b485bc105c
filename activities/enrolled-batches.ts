import type { BlobRef, ClosedStatus } from '../enrollment/batch.js';
import { Blob, isBulkRecords, type ClosedBatch } from '../enrollment/blobs.js';
import { bulkBatchId, type BulkKey } from '../enrollment/bulk.js';
import type { OutcomeCounts } from '../enrollment/outcomes.js';
import { getJson } from '../store/store.js';
import { isUnreadable, readingBlobs } from '../store/unreadable.js';
import { unreadableBatch, type UnreadableBatch } from './check-batches.js';
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
  /** Closed batches whose record does not open: c2p does not know whether they have cards enrolled. */
  unreadable: UnreadableBatch[];
}

/**
 * Which of a job's closed batches have cards enrolled, from the last to the first, some at a time. One whose record
 * cannot be read hides no other. A batch that somebody enrolled under such an id without the job is none of them.
 */
export function enrolledBatches({ store }: Pick<ActivityDependencies, 'store'>) {
  return async ({ bulk, from, most }: EnrolledBatchesInput): Promise<EnrolledBatchesResult> => {
    const found: EnrolledBatchesResult = { batches: [], unreadable: [] };
    for (let n = from; n > Math.max(0, from - most); n -= 1) {
      const batch = { program: bulk.program, externalBatchId: bulkBatchId(bulk.bulkId, n) };
      if (!(await store.has(batch, Blob.closed))) continue;
      const closed = await readingBlobs(() => getJson<ClosedBatch>(store, batch, Blob.closed));
      if (isUnreadable(closed)) {
        found.unreadable.push(unreadableBatch(n, closed));
        continue;
      }
      const { result, records, recordsDigest } = closed;
      const { status, batchIds, counts } = result;
      if (counts.enrolled > 0 && isJobs(records))
        found.batches.push({ n, recordsDigest, status, batchIds, counts });
    }
    return found;
  };
}

/** Where nobody knows any more what the records were called, the number says that the batch is the job's. */
function isJobs(records: BlobRef): boolean {
  return records === '' || isBulkRecords(records);
}
