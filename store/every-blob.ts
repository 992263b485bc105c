import type { BatchAddress, BatchStore } from './store.js';

export interface StoredBlob {
  /** The same object for all blobs of a batch, which come one after the other. */
  batch: BatchAddress;
  ref: string;
  /** Of the key that it is sealed under; nothing for one that was erased meanwhile, or is no sealed blob. */
  keyId: string | undefined;
}

/**
 * Every blob of every batch, in no order of the batches. Reads a few bytes of each.
 * @throws StoreUnavailableError
 */
export async function* everyBlob(store: BatchStore): AsyncGenerator<StoredBlob> {
  for await (const batch of store.batches())
    for (const ref of await store.list(batch)) yield { batch, ref, keyId: await store.keyIdOf(batch, ref) };
}
