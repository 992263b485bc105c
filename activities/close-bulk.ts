import { getClient } from '@temporalio/activity';
import { Blob, isBulkRecords } from '../enrollment/blobs.js';
import {
  bulkAddress,
  bulkBatchId,
  wasStarted,
  type BulkResult,
  type ClosedBulk,
} from '../enrollment/bulk.js';
import { workflowIdOf } from '../enrollment/identifiers.js';
import { eraseCardholderData } from '../retention/erase.js';
import { executionOf } from '../retention/find-execution.js';
import { lookingClient } from '../retention/looking-client.js';
import { putJson } from '../store/store.js';
import { failingClearly } from './failures.js';
import type { ActivityDependencies } from './dependencies.js';

export interface CloseBulkInput {
  result: BulkResult;
  /** The number of the last batch whose records may have been sealed; those that were begun see to themselves. */
  lastSealed: number;
}

/**
 * Closes a job in the store: the records of batches that were never begun are erased, and then the job is
 * remembered. A job that was reset may have begun more of them than it knows. Repeating it changes nothing.
 */
export function closeBulk({ store, now }: Pick<ActivityDependencies, 'store' | 'now'>) {
  return ({ result, lastSealed }: CloseBulkInput): Promise<void> =>
    failingClearly(async () => {
      const { program, bulkId } = result;
      const temporal = lookingClient(getClient());
      for (let n = 1; n <= lastSealed; n += 1) {
        if (wasStarted(result, n)) continue;
        const batch = { program, externalBatchId: bulkBatchId(bulkId, n) };
        const refs = await store.list(batch);
        const sealed = refs.filter(isBulkRecords);
        if (sealed.length === 0) continue;
        const execution = await executionOf(temporal, workflowIdOf(batch));
        // Of one that Temporal has forgotten, the sweep makes an end.
        const wasBegun = execution ? execution.bulkId === bulkId : sealed.length < refs.length;
        // Whatever else there is belongs to another batch of that id.
        if (!wasBegun) await eraseCardholderData(store, batch, sealed);
      }
      const closed: ClosedBulk = { closedAt: now().toISOString(), result };
      await putJson(store, bulkAddress(result), Blob.closed, closed);
    });
}
