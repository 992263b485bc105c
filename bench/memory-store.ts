import { SealedBlobMissingError, type BatchAddress, type BatchStore } from '../store/store.js';

/** A store that costs nothing: leaves disk and sealing out of what is measured. */
export class MemoryStore implements BatchStore {
  private readonly held = new Map<string, Map<string, Uint8Array>>();

  put(batch: BatchAddress, ref: string, plaintext: Uint8Array): Promise<void> {
    this.blobsOf(batch).set(ref, plaintext);
    return Promise.resolve();
  }

  async putNew(batch: BatchAddress, ref: string, plaintext: Uint8Array): Promise<boolean> {
    if (this.blobsOf(batch).has(ref)) return false;
    await this.put(batch, ref, plaintext);
    return true;
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

  // eslint-disable-next-line @typescript-eslint/require-await -- nothing to wait for in memory
  async *batches(): AsyncGenerator<BatchAddress> {
    for (const key of this.held.keys()) {
      const [program, externalBatchId] = JSON.parse(key) as [string, string];
      yield { program, externalBatchId };
    }
  }

  /** Drops all that there is of a batch. */
  forget({ program, externalBatchId }: BatchAddress): void {
    this.held.delete(JSON.stringify([program, externalBatchId]));
  }

  lastWritten(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  keyIdOf(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  reseal(): Promise<boolean> {
    return Promise.resolve(false);
  }

  private blobsOf({ program, externalBatchId }: BatchAddress): Map<string, Uint8Array> {
    const key = JSON.stringify([program, externalBatchId]);
    const blobs = this.held.get(key) ?? new Map<string, Uint8Array>();
    this.held.set(key, blobs);
    return blobs;
  }
}
