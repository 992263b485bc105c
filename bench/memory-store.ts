import { SealedBlobMissingError, type BatchAddress, type BatchStore } from '../store/store.js';

/** A store that costs nothing: leaves disk and sealing out of what is measured. */
export class MemoryStore implements BatchStore {
  private readonly batches = new Map<string, Map<string, Uint8Array>>();

  put(batch: BatchAddress, ref: string, plaintext: Uint8Array): Promise<void> {
    this.blobsOf(batch).set(ref, plaintext);
    return Promise.resolve();
  }

  get(batch: BatchAddress, ref: string): Promise<Uint8Array> {
    const blob = this.blobsOf(batch).get(ref);
    return blob ? Promise.resolve(blob) : Promise.reject(new SealedBlobMissingError(batch, ref));
  }

  has(batch: BatchAddress, ref: string): Promise<boolean> {
    return Promise.resolve(this.blobsOf(batch).has(ref));
  }

  delete(batch: BatchAddress, ref: string): Promise<void> {
    this.blobsOf(batch).delete(ref);
    return Promise.resolve();
  }

  list(batch: BatchAddress): Promise<string[]> {
    return Promise.resolve([...this.blobsOf(batch).keys()].sort());
  }

  private blobsOf({ program, externalBatchId }: BatchAddress): Map<string, Uint8Array> {
    const key = JSON.stringify([program, externalBatchId]);
    const blobs = this.batches.get(key) ?? new Map<string, Uint8Array>();
    this.batches.set(key, blobs);
    return blobs;
  }
}
