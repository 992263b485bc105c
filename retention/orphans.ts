import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import type { BatchKey } from '../enrollment/batch.js';
import { cardholderData, sealedFor } from '../enrollment/blobs.js';
import { bulkBatchOf, bulkWorkflowIdOf } from '../enrollment/bulk.js';
import { workflowIdOf } from '../enrollment/identifiers.js';
import type { BatchStore } from '../store/store.js';
import { eraseCardholderData } from './erase.js';
import { isOver } from './execution.js';
import { namespaceIdOf } from './namespace.js';

/** A batch on which nobody works in this namespace and that still has cardholder data in the store. */
export interface OrphanedBatch extends BatchKey {
  /**
   * - `ENDED`: its workflow is closed, but not by c2p, which would have erased it.
   * - `UNKNOWN`: it was sealed for this namespace, which has no such workflow.
   * - `ELSEWHERE`: it was sealed for another namespace, or by a version of c2p that did not note for
   *   which, and may be open there.
   */
  why: 'ENDED' | 'UNKNOWN' | 'ELSEWHERE';
  /** How many sealed blobs hold cardholder data. */
  blobs: number;
  /** ISO 8601, UTC. */
  lastWritten: string;
}

export interface OrphanSearch {
  temporal: Client;
  store: BatchStore;
  /**
   * How long a batch must not have been written to, and its workflow have been closed (ms): the time that
   * a caller may take to start it, or an operator to take back a termination with a reset.
   */
  graceMs: number;
  now: Date;
}

/**
 * Finds sealed cardholder data that no workflow of this namespace will erase: it was terminated from
 * outside, or a caller died between sealing the records and starting the workflow. A batch that is open
 * here, or that an open bulk job may still start, is never among them.
 *
 * @throws ServiceError when Temporal does not answer; StoreUnavailableError.
 */
export async function* findOrphans(search: OrphanSearch): AsyncGenerator<OrphanedBatch> {
  const { temporal, store, graceMs, now } = search;
  const namespaceId = await namespaceIdOf(temporal);
  const quietSince = now.getTime() - graceMs;
  for await (const batch of store.batches()) {
    // Temporal is asked last: what it does not know then was not open when the store was read.
    const refs = await store.list(batch);
    const blobs = cardholderData(refs).length;
    const lastWritten = await store.lastWritten(batch);
    if (blobs === 0 || !lastWritten || lastWritten.getTime() > quietSince) continue;
    const workflow = await workflowOf(temporal, workflowIdOf(batch), quietSince);
    if (workflow === 'open' || (workflow === 'unknown' && (await isOfOpenJob(temporal, batch, quietSince))))
      continue;
    const why = reasonOf(workflow, sealedFor(refs, namespaceId));
    yield { ...batch, why, blobs, lastWritten: lastWritten.toISOString() };
  }
}

/**
 * Erases the cardholder data of an orphaned batch; its outcomes, as far as they are known, are kept.
 * @param options.elsewhere somebody made sure that no other namespace has it open.
 * @returns how many blobs: 0 when the batch was left alone, because it is `ELSEWHERE`, or because it was
 *   written to since it was found, as by a caller who starts it after all.
 */
export async function eraseOrphan(
  store: BatchStore,
  { program, externalBatchId, why, lastWritten }: OrphanedBatch,
  options: { elsewhere?: boolean | undefined } = {},
): Promise<number> {
  if (why === 'ELSEWHERE' && !options.elsewhere) return 0;
  const batch: BatchKey = { program, externalBatchId };
  // In this order: what is written after the list stays in any case.
  const refs = await store.list(batch);
  if ((await store.lastWritten(batch))?.toISOString() !== lastWritten) return 0;
  return eraseCardholderData(store, batch, refs);
}

type WorkflowState = 'open' | 'closed' | 'unknown';

function reasonOf(
  workflow: Exclude<WorkflowState, 'open'>,
  owner: ReturnType<typeof sealedFor>,
): OrphanedBatch['why'] {
  if (owner === 'elsewhere') return 'ELSEWHERE';
  if (workflow === 'closed') return 'ENDED';
  // To a wrong namespace every batch is unknown.
  return owner === 'here' ? 'UNKNOWN' : 'ELSEWHERE';
}

/** A bulk job seals the records of batches that it starts later: a paused one much later. */
async function isOfOpenJob(
  temporal: Client,
  { program, externalBatchId }: BatchKey,
  quietSince: number,
): Promise<boolean> {
  const job = bulkBatchOf(externalBatchId);
  if (!job) return false;
  const workflowId = bulkWorkflowIdOf({ program, bulkId: job.bulkId });
  return (await workflowOf(temporal, workflowId, quietSince)) === 'open';
}

/** Whether a workflow is open; one that closed within the grace time still counts as open. */
async function workflowOf(temporal: Client, workflowId: string, quietSince: number): Promise<WorkflowState> {
  try {
    const { status, closeTime } = await temporal.workflow.getHandle(workflowId).describe();
    const closed = isOver(status.name) && closeTime !== undefined && closeTime.getTime() <= quietSince;
    return closed ? 'closed' : 'open';
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return 'unknown';
    throw error;
  }
}
