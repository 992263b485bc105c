import { createHash } from 'node:crypto';
import { stringify } from 'safe-stable-stringify';
import type { BatchResult, BlobRef, ClosedStatus } from '../enrollment/batch.js';
import { Blob, type ClosedBatch, type CloseDecision } from '../enrollment/blobs.js';
import { FailureType } from '../enrollment/errors.js';
import { countOutcomes } from '../enrollment/outcomes.js';
import type { RecordRules } from '../enrollment/record-rules.js';
import { getJson, putJson, type BatchStore } from '../store/store.js';
import { isUnreadable, readingBlobs, type Unreadable } from '../store/unreadable.js';
import { accountFor, type Account, type BatchToAccount } from './account.js';
import { eraseCardholderData } from './erase.js';
import { digestOfOutcomes } from './outcomes.js';
import { KeyMissing, Salvage } from './salvage.js';

/** How a batch is to be closed. */
export interface BatchToClose extends BatchToAccount {
  /** The first run of the workflow that closes it, or left it to be closed; absent where nobody knows it any more. */
  chain?: string | undefined;
  recordsDigest: string;
  status: ClosedStatus;
  reasons: string[];
  failure?: FailureType | undefined;
}

export interface CloseOptions {
  /** A blob whose key is missing is lost like any other. */
  withoutUnreadable?: boolean | undefined;
  /** Nobody knows how far the batch's own workflow came with closing it: what that had decided is carried out. */
  orphaned?: boolean | undefined;
}

export type CloseResult = { kind: 'closed'; result: BatchResult } | Unreadable;

export interface CloseDependencies {
  store: BatchStore;
  /** What records of a program may be: for a batch of which it is unknown what validation found. */
  recordRules(program: string): RecordRules;
  now(): Date;
}

/**
 * Closes a batch in the store, whatever its blobs are: every card gets an outcome, the result's reasons
 * name what cannot be read, everything that holds cardholder data is erased, and then the batch is remembered. Where
 * what Mastercard reported is lost, an operator must act: the batch is `FAILED`.
 *
 * It may be repeated, also by several at once: what it comes to is decided once, before anything is erased.
 *
 * @returns `keyMissing` where a blob that is needed is sealed under a key that is not there; then nothing is changed.
 * @throws StoreUnavailableError
 */
export async function closeBatch(
  deps: CloseDependencies,
  input: BatchToClose,
  { withoutUnreadable = false, orphaned = false }: CloseOptions = {},
): Promise<CloseResult> {
  const { store } = deps;
  const { batch } = input;
  const blobs = new Salvage(store, batch, await store.list(batch), withoutUnreadable);
  try {
    return { kind: 'closed', result: await new Close(deps, input, blobs, orphaned).run() };
  } catch (error) {
    if (error instanceof KeyMissing) return error.unreadable;
    throw error;
  }
}

class Close {
  private readonly close: string;

  constructor(
    private readonly deps: CloseDependencies,
    private readonly input: BatchToClose,
    private readonly blobs: Salvage,
    private readonly orphaned: boolean,
  ) {
    this.close = nameOf(input);
  }

  async run(): Promise<BatchResult> {
    const { blobs } = this;
    const begun = blobs.has(Blob.closing) ? await blobs.readAny<CloseDecision>(Blob.closing) : undefined;
    // `closing` before `closed`: where `closed` is not there afterwards, no other attempt has finished meanwhile.
    const before =
      begun || blobs.has(Blob.closed) ? await blobs.readAny<ClosedBatch>(Blob.closed) : undefined;
    if (begun && this.isOurs(begun.closed))
      return begun.closed.close === before?.close ? this.finish(before) : this.carryOut(begun);
    if (before && this.isOurs(before)) return this.finish(before);

    const { closing, isStored } = await this.decide(before);
    const meanwhile = await this.stored<ClosedBatch>(Blob.closed);
    if (meanwhile && this.isOurs(meanwhile)) return this.finish(meanwhile);
    return this.carryOut(closing, isStored);
  }

  /** Whether it is of the same close; an orphaned batch has no other than that of its last workflow. */
  private isOurs({ close, chain }: ClosedBatch): boolean {
    if (!this.orphaned) return close === this.close;
    return chain === undefined || this.input.chain === undefined || chain === this.input.chain;
  }

  /** Of several that decide at once, the first has decided for all. */
  private async decide(
    before: ClosedBatch | undefined,
  ): Promise<{ closing: CloseDecision; isStored: boolean }> {
    const { store } = this.deps;
    const { batch } = this.input;
    const { isStored, ...account } = await accountFor(this.blobs, this.input, this.deps);
    const closing: CloseDecision = { closed: this.closedBatch(account, before), outcomes: account.outcomes };
    if (await store.putNew(batch, Blob.closing, Buffer.from(JSON.stringify(closing), 'utf8')))
      return { closing, isStored };
    const theirs = await this.stored<CloseDecision>(Blob.closing);
    if (theirs && this.isOurs(theirs.closed)) return { closing: theirs, isStored: false };
    await putJson(store, batch, Blob.closing, closing);
    return { closing, isStored };
  }

  private closedBatch(
    { outcomes, losses, reportsLost }: Omit<Account, 'isStored'>,
    before: ClosedBatch | undefined,
  ): ClosedBatch {
    const { batch, chain, records, recordsDigest, status, batchIds, reasons, failure } = this.input;
    return {
      close: this.close,
      chain,
      recordsDigest: recordsDigest || (before?.recordsDigest ?? ''),
      records: records || (before?.records ?? ''),
      outcomesDigest: digestOfOutcomes(outcomes),
      closedAt: this.deps.now().toISOString(),
      result: {
        ...batch,
        status: reportsLost && !failure ? 'FAILED' : status,
        batchIds,
        counts: countOutcomes(outcomes.length, outcomes),
        outcomes: Blob.outcomes,
        reasons: [...reasons, ...losses],
        failure: failure ?? (reportsLost && FAILURE_OF[reportsLost.why]),
      },
    };
  }

  private async carryOut({ closed, outcomes }: CloseDecision, isStored = false): Promise<BatchResult> {
    const { store } = this.deps;
    const { batch } = this.input;
    if (!isStored) await putJson(store, batch, Blob.outcomes, outcomes);
    const refs = this.orphaned ? this.blobs.refs : await store.list(batch);
    await eraseCardholderData(
      store,
      batch,
      refs.filter((ref) => ref !== Blob.closing),
    );
    // Last: who finds it may rely on the rest being done.
    await putJson(store, batch, Blob.closed, closed, { closedAt: closed.closedAt, rows: outcomes });
    await store.delete(batch, Blob.closing);
    return closed.result;
  }

  /** Erases what an attempt that came to the end, or nearly, may have left. */
  private async finish({ result }: ClosedBatch): Promise<BatchResult> {
    const { store } = this.deps;
    const { batch } = this.input;
    await eraseCardholderData(store, batch, await store.list(batch));
    return result;
  }

  private async stored<T>(ref: BlobRef): Promise<T | undefined> {
    const read = await readingBlobs(() => getJson<T>(this.deps.store, this.input.batch, ref));
    return isUnreadable(read) ? undefined : read;
  }
}

const FAILURE_OF: Record<Unreadable['why'], FailureType> = {
  missing: FailureType.SealedBlobMissing,
  altered: FailureType.SealedBlobUnreadable,
  keyMissing: FailureType.SealedBlobUnreadable,
};

/** Equal for attempts that close the batch in the same way, and only for those. */
function nameOf(input: BatchToClose): string {
  return createHash('sha256').update(stringify(input)).digest('hex').slice(0, 32);
}
