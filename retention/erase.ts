import type { BatchKey } from '../enrollment/batch.js';
import { KEPT_BLOBS } from '../enrollment/blobs.js';
import type { BatchStore } from '../store/store.js';

/**
 * Erases everything of a batch that holds cardholder data; what outlives a batch (`KEPT_BLOBS`) stays.
 * Repeating it changes nothing.
 * @returns how many blobs were there to erase.
 */
export async function eraseCardholderData(store: BatchStore, batch: BatchKey): Promise<number> {
  const refs = (await store.list(batch)).filter((ref) => !KEPT_BLOBS.has(ref));
  for (const ref of refs) await store.delete(batch, ref);
  return refs.length;
}
