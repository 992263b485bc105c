import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import type { BatchKey } from '../enrollment/batch.js';
import { KEPT_BLOBS } from '../enrollment/blobs.js';
import { workflowIdOf } from '../enrollment/identifiers.js';
import type { BatchStore } from '../store/store.js';

/** A batch that nobody works on any more and that still has cardholder data in the store. */
export interface OrphanedBatch extends BatchKey {
  /** `ENDED`: its workflow is closed, but not by c2p, which would have erased it. `UNKNOWN`: Temporal has no such workflow. */
  why: 'ENDED' | 'UNKNOWN';
  /** How many sealed blobs hold cardholder data. */
  blobs: number;
  /** ISO 8601, UTC. */
  lastWritten: string;
}

/**
 * Finds sealed cardholder data that its workflow will never erase: it was terminated from outside, or
 * a caller died between sealing the records and starting the workflow. A batch that is open in
 * Temporal, or that was written to within the grace time, is never among them.
 *
 * @param graceMs how long a batch must not have been written to; the time a caller may take to start it.
 */
export async function* findOrphans(
  temporal: Client,
  store: BatchStore,
  graceMs: number,
): AsyncGenerator<OrphanedBatch> {
  for await (const batch of store.batches()) {
    const blobs = (await store.list(batch)).filter((ref) => !KEPT_BLOBS.has(ref)).length;
    const lastWritten = await store.lastWritten(batch);
    if (blobs === 0 || !lastWritten || Date.now() - lastWritten.getTime() < graceMs) continue;
    const why = await abandoned(temporal, batch);
    if (why) yield { ...batch, why, blobs, lastWritten: lastWritten.toISOString() };
  }
}

async function abandoned(temporal: Client, batch: BatchKey): Promise<OrphanedBatch['why'] | undefined> {
  try {
    const { status } = await temporal.workflow.getHandle(workflowIdOf(batch)).describe();
    return status.name === 'RUNNING' || status.name === 'PAUSED' ? undefined : 'ENDED';
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return 'UNKNOWN';
    throw error;
  }
}
