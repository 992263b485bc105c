import { Blob, isBulkRecords } from '../enrollment/blobs.js';
import {
  bulkAddress,
  bulkBatchId,
  wasStarted,
  type BulkResult,
  type ClosedBulk,
} from '../enrollment/bulk.js';
import { eraseCardholderData } from '../retention/erase.js';
import { putJson } from '../store/store.js';
import { failingClearly } from './failures.js';
import type { ActivityDependencies } from './dependencies.js';

export interface CloseBulkInput {
  result: BulkResult;
  /** The number of the last batch whose records may have been sealed; those that were started see to themselves. */
  lastSealed: number;
}

/**
 * Closes a job in the store: the records of batches that were never started are erased, and then the job is
 * remembered. Repeating it changes nothing.
 */
export function closeBulk({ store, now }: Pick<ActivityDependencies, 'store' | 'now'>) {
  return ({ result, lastSealed }: CloseBulkInput): Promise<void> =>
    failingClearly(async () => {
      const { program, bulkId } = result;
      for (let n = 1; n <= lastSealed; n += 1) {
        if (wasStarted(result, n)) continue;
        const batch = { program, externalBatchId: bulkBatchId(bulkId, n) };
        // Whatever else there is belongs to another batch of that id.
        await eraseCardholderData(store, batch, (await store.list(batch)).filter(isBulkRecords));
      }
      const closed: ClosedBulk = { closedAt: now().toISOString(), result };
      await putJson(store, bulkAddress(result), Blob.closed, closed);
    });
}
