import { SealedBlobError } from '../protection/seal.js';
import type { BatchAddress, BatchStore } from './store.js';

/** Numbers of blobs. */
export interface ResealResult {
  /** All that were looked at. */
  blobs: number;
  /** Those that were sealed under another key than the current one, and are no longer. */
  resealed: number;
  /** Those that do not open, and stay as they are. */
  unreadable: number;
}

/**
 * Seals anew what is not sealed under the current key, blob by blob, while others read, write and erase.
 * It takes the same memory whatever is in the store; cut short, it may be begun again.
 *
 * @param options.onBatch is called after each batch with its progress; what it throws ends the work.
 * @param options.onUnreadable is called for each blob that does not open.
 * @throws StoreUnavailableError, KeyRingError.
 */
export async function resealStore(
  store: BatchStore,
  options: {
    onBatch?: (soFar: Readonly<ResealResult>) => void;
    onUnreadable?: (batch: BatchAddress, error: SealedBlobError) => void;
  } = {},
): Promise<ResealResult> {
  const result: ResealResult = { blobs: 0, resealed: 0, unreadable: 0 };
  for await (const batch of store.batches()) {
    for (const ref of await store.list(batch)) {
      result.blobs += 1;
      try {
        if (await store.reseal(batch, ref)) result.resealed += 1;
      } catch (error) {
        if (!(error instanceof SealedBlobError)) throw error;
        result.unreadable += 1;
        options.onUnreadable?.(batch, error);
      }
    }
    options.onBatch?.(result);
  }
  return result;
}
