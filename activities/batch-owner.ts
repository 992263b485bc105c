import type { BatchKey } from '../enrollment/batch.js';
import { Blob, isBulkRecords, isRecords, type ClosedBatch } from '../enrollment/blobs.js';
import type { Execution } from '../retention/find-execution.js';
import { getJson, type BatchStore } from '../store/store.js';
import { permanentFailureType } from './failures.js';

/**
 * Whose a batch is that has the id of one of a job's:
 *
 * - `job`: the job's own, as one that was reset finds it: a batch that it started before.
 * - `other`: somebody enrolled it under that id without the job.
 * - `unsaid`: nothing tells.
 */
export type Owner = 'job' | 'other' | 'unsaid';

/**
 * Temporal says whose a batch is, by the search attribute with which a job starts its own; where it has forgotten
 * the batch, the store does: only a job seals records under the name that `Blob.bulkRecords` gives them, and a
 * closed batch is remembered with it.
 * @param execution of the batch's workflow, as far as Temporal knows it.
 * @throws SealedBlobError for a key that is missing; StoreUnavailableError.
 */
export async function ownerOf(
  store: BatchStore,
  batch: BatchKey,
  execution: Pick<Execution, 'bulkId'> | undefined,
  bulkId: string,
): Promise<Owner> {
  if (execution) return execution.bulkId === bulkId ? 'job' : 'other';
  const records = (await store.list(batch)).filter(isRecords);
  if (records.some(isBulkRecords)) return 'job';
  if (records.length > 0) return 'other';
  try {
    const { records: erased } = await getJson<ClosedBatch>(store, batch, Blob.closed);
    if (erased === '') return 'unsaid';
    return isBulkRecords(erased) ? 'job' : 'other';
  } catch (error) {
    if (!permanentFailureType(error)) throw error;
    return 'unsaid';
  }
}
