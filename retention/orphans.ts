import type { BatchKey } from '../enrollment/batch.js';
import { cardholderData, sealedFor } from '../enrollment/blobs.js';
import { bulkBatchOf, bulkWorkflowIdOf } from '../enrollment/bulk.js';
import { PROBE } from '../store/key-ring-probe.js';
import type { BatchStore } from '../store/store.js';
import { namespaceIdOf } from './namespace.js';
import { fateOf, mayGoOn, type Retention } from './rule.js';

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

/**
 * Finds sealed cardholder data that no workflow of this namespace will erase, and that is kept no longer: its
 * workflow was terminated from outside, or a caller died between sealing the records and starting it. A batch that
 * is open here, or that an open bulk job may still start, is never among them.
 *
 * @throws ServiceError when Temporal does not answer; StoreUnavailableError.
 */
export async function* findOrphans(store: BatchStore, retention: Retention): AsyncGenerator<OrphanedBatch> {
  const { temporal, graceMs, now } = retention;
  const namespaceId = await namespaceIdOf(temporal);
  for await (const batch of store.batches()) {
    if (batch.program === PROBE.program) continue;
    // Temporal is asked last: what it does not know then was not open when the store was read.
    const refs = await store.list(batch);
    const blobs = cardholderData(refs).length;
    const lastWritten = await store.lastWritten(batch);
    if (blobs === 0 || !lastWritten || lastWritten.getTime() + graceMs > now.getTime()) continue;
    const fate = await fateOf(retention, batch, lastWritten);
    if (fate.kind !== 'due' || (!fate.execution && (await isOfOpenJob(retention, batch)))) continue;
    const why = reasonOf(fate.execution !== undefined, sealedFor(refs, namespaceId));
    yield { ...batch, why, blobs, lastWritten: lastWritten.toISOString() };
  }
}

function reasonOf(isKnown: boolean, owner: ReturnType<typeof sealedFor>): OrphanedBatch['why'] {
  if (owner === 'elsewhere') return 'ELSEWHERE';
  if (isKnown) return 'ENDED';
  // To a wrong namespace every batch is unknown.
  return owner === 'here' ? 'UNKNOWN' : 'ELSEWHERE';
}

/** A bulk job seals the records of batches that it starts later, and looks after those that it started. */
async function isOfOpenJob(retention: Retention, { program, externalBatchId }: BatchKey): Promise<boolean> {
  const job = bulkBatchOf(externalBatchId);
  return job !== undefined && mayGoOn(retention, bulkWorkflowIdOf({ program, bulkId: job.bulkId }));
}
