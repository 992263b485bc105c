import type { BatchKey, BlobRef } from '../enrollment/batch.js';
import { cardholderData } from '../enrollment/blobs.js';
import type { BatchStore } from '../store/store.js';

/**
 * Erases what holds cardholder data; what outlives a batch stays. Repeating it changes nothing.
 * @param refs the batch's blobs, as the store listed them: what was written since stays.
 * @returns how many of them held cardholder data.
 */
export async function eraseCardholderData(
  store: BatchStore,
  batch: BatchKey,
  refs: readonly BlobRef[],
): Promise<number> {
  const erased = cardholderData(refs);
  for (const ref of erased) await store.delete(batch, ref);
  return erased.length;
}
