import type { Client } from '@temporalio/client';
import type { BatchKey, BatchResult } from '../enrollment/batch.js';
import { Blob, cardholderData, isRecords } from '../enrollment/blobs.js';
import { workflowIdOf } from '../enrollment/identifiers.js';
import type { Unreadable } from '../store/unreadable.js';
import type { CloseDependencies } from './close-batch.js';
import { closeEnded } from './close-ended.js';
import { eraseCardholderData } from './erase.js';
import { executionOf } from './find-execution.js';
import type { OrphanedBatch } from './orphans.js';
import { tellJob } from './tell-job.js';

export interface OrphanOptions {
  /** The person or program that closes it, as the batch's job reads it. */
  by: string;
  /** Somebody made sure that no other namespace has it open. */
  elsewhere?: boolean | undefined;
  /** Also where a key that is needed to account for its cards is missing. */
  withoutUnreadable?: boolean | undefined;
}

/**
 * What became of an orphaned batch:
 *
 * - `closed`: it has an outcome for every card, is remembered, and holds no cardholder data any more.
 * - `erased`: it never began, or was closed before; the cardholder data that was left is erased.
 * - `leftAlone`: it is `ELSEWHERE`, or was written to or taken back since it was found.
 * - `unreadable`: a key is missing; it is as it was.
 */
export type OrphanEnd =
  | { kind: 'closed'; blobs: number; result: BatchResult }
  | { kind: 'erased'; blobs: number }
  | { kind: 'leftAlone' }
  | Unreadable;

/**
 * Closes an orphaned batch, as the retention rule has it, and tells its bulk job. One that no workflow ever had,
 * or that is closed, is only erased. It may be repeated.
 * @throws ServiceError when Temporal does not answer; StoreUnavailableError.
 */
export async function closeOrphan(
  { temporal, ...deps }: CloseDependencies & { temporal: Client },
  { program, externalBatchId, why, lastWritten }: OrphanedBatch,
  { by, elsewhere = false, withoutUnreadable }: OrphanOptions,
): Promise<OrphanEnd> {
  if (why === 'ELSEWHERE' && !elsewhere) return { kind: 'leftAlone' };
  const batch: BatchKey = { program, externalBatchId };
  const execution = await executionOf(temporal, workflowIdOf(batch));
  if (execution && !execution.endedAt) return { kind: 'leftAlone' };
  // In this order: what is written after the list stays in any case.
  const { store } = deps;
  const refs = await store.list(batch);
  if ((await store.lastWritten(batch))?.toISOString() !== lastWritten) return { kind: 'leftAlone' };
  const blobs = cardholderData(refs).length;
  const neverBegan = !execution && refs.every(isRecords);
  const isClosed = refs.includes(Blob.closed) && !refs.includes(Blob.closing);
  if (neverBegan || isClosed) {
    await eraseCardholderData(store, batch, refs);
    return { kind: 'erased', blobs };
  }
  const end = await closeEnded(deps, { batch, execution }, { withoutUnreadable });
  if (end.kind === 'unreadable') return end;
  await tellJob(temporal, end.result, execution, by);
  return { kind: 'closed', blobs, result: end.result };
}
