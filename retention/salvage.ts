import type { BatchKey, BlobRef } from '../enrollment/batch.js';
import { Blob } from '../enrollment/blobs.js';
import type { Outcome } from '../enrollment/outcomes.js';
import { getJson, type BatchStore } from '../store/store.js';
import { isUnreadable, readingBlobs, type Unreadable } from '../store/unreadable.js';
import { readOutcomes } from './outcomes.js';

/** A blob cannot be read for want of a key, which may come: nothing is to be done without it. */
export class KeyMissing extends Error {
  override readonly name = 'KeyMissing';
  constructor(readonly unreadable: Unreadable) {
    super(unreadable.message);
  }
}

/** Reads what can be read of a batch that is to be closed in any case, and remembers what cannot. */
export class Salvage {
  /** What was needed and cannot be read. */
  readonly lost = new Map<BlobRef, Unreadable>();

  /** @param withoutUnreadable a blob whose key is missing is lost like any other. */
  constructor(
    private readonly store: BatchStore,
    private readonly batch: BatchKey,
    /** Its blobs, as the store listed them. */
    readonly refs: readonly BlobRef[],
    private readonly withoutUnreadable: boolean,
  ) {}

  has(ref: BlobRef): boolean {
    return this.refs.includes(ref);
  }

  /**
   * Reads what the batch has to have.
   * @returns nothing where it is lost.
   * @throws KeyMissing, StoreUnavailableError.
   */
  read<T>(ref: BlobRef): Promise<T | undefined> {
    return this.reading(ref, () => getJson<T>(this.store, this.batch, ref));
  }

  /** As `read`. */
  readOutcomes(): Promise<Outcome[] | undefined> {
    return this.reading(Blob.outcomes, () => readOutcomes(this.store, this.batch));
  }

  private async reading<T>(ref: BlobRef, work: () => Promise<T>): Promise<T | undefined> {
    const read = await readingBlobs(work);
    if (!isUnreadable(read)) return read;
    if (read.why === 'keyMissing' && !this.withoutUnreadable) throw new KeyMissing(read);
    this.lost.set(ref, read);
    return undefined;
  }

  /** Reads what the batch may have; its absence is no loss. */
  async readAny<T>(ref: BlobRef): Promise<T | undefined> {
    const read = await this.read<T>(ref);
    if (this.lost.get(ref)?.why === 'missing') this.lost.delete(ref);
    return read;
  }
}
