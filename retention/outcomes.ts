import { createHash } from 'node:crypto';
import type { BatchKey } from '../enrollment/batch.js';
import { Blob, type ClosedBatch } from '../enrollment/blobs.js';
import type { Outcome } from '../enrollment/outcomes.js';
import { SealedBlobError } from '../protection/seal.js';
import { sealingContext } from '../store/sealing.js';
import { getJson, type BatchStore } from '../store/store.js';
import { isUnreadable, readingBlobs } from '../store/unreadable.js';

/** While one of these is there, the outcomes of a closed batch are being changed, and its record is still the old one. */
const BEING_CHANGED = [Blob.removing, Blob.closing];

/**
 * Reads the outcomes of a batch. Those of a closed one must be the ones that it was closed with: an older blob of the
 * same name opens as well, and would show what is no longer so.
 * @throws SealedBlobError, also where they are not the ones of its record; SealedBlobMissingError, StoreUnavailableError.
 */
export async function readOutcomes(store: BatchStore, batch: BatchKey): Promise<Outcome[]> {
  return (await readClosedOutcomes(store, batch)) ?? getJson<Outcome[]>(store, batch, Blob.outcomes);
}

/** As `readOutcomes`; nothing unless the batch is closed. */
export async function readClosedOutcomes(store: BatchStore, batch: BatchKey): Promise<Outcome[] | undefined> {
  const closed = await readingBlobs(() => getJson<ClosedBatch>(store, batch, Blob.closed));
  if (isUnreadable(closed) && closed.why === 'missing') return undefined;
  const outcomes = await getJson<Outcome[]>(store, batch, Blob.outcomes);
  if (isUnreadable(closed) || closed.outcomesDigest === digestOfOutcomes(outcomes)) return outcomes;
  const refs = await store.list(batch);
  if (BEING_CHANGED.some((ref) => refs.includes(ref))) return outcomes;
  throw new SealedBlobError('replaced', sealingContext(batch, Blob.outcomes));
}

/** What the record of a closed batch holds its outcomes to: SHA-256, in hex. */
export function digestOfOutcomes(outcomes: readonly Outcome[]): string {
  return createHash('sha256').update(JSON.stringify(outcomes)).digest('hex');
}
