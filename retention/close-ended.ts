import type { BatchKey, BlobRef } from '../enrollment/batch.js';
import { Blob, isRecords, offeredRounds, type OfferMark } from '../enrollment/blobs.js';
import { FailureType } from '../enrollment/errors.js';
import { getJson, type BatchStore } from '../store/store.js';
import { isUnreadable, readingBlobs } from '../store/unreadable.js';
import { closeBatch, type CloseDependencies, type CloseResult } from './close-batch.js';
import type { Execution } from './find-execution.js';
import { whatBecameOf } from './rule.js';

export interface EndedBatch {
  batch: BatchKey;
  /** What Temporal knows of its workflow, which is over; absent where that is nothing. */
  execution: Execution | undefined;
  /** The first run of the workflow, where somebody else knows it. */
  chain?: string | undefined;
  /** How many cards it has, where somebody else knows it. */
  cards?: number | undefined;
}

/**
 * Closes a batch whose workflow ended without doing so: as FAILED, unless the workflow had decided how and was cut
 * short. Cards without an outcome are UNREPORTED; those that were offered to Mastercard may be enrolled.
 *
 * @returns as `closeBatch`.
 * @throws StoreUnavailableError
 */
export async function closeEnded(
  deps: CloseDependencies,
  { batch, execution, chain = execution?.chain, cards = execution?.cards ?? 0 }: EndedBatch,
  { withoutUnreadable }: { withoutUnreadable?: boolean | undefined } = {},
): Promise<CloseResult> {
  const { recordsDigest, records } = (execution?.memo ?? {}) as Memo;
  const refs = await deps.store.list(batch);
  const offered = offeredRounds(refs);
  const wasClosed = refs.includes(Blob.closed);
  const reasons = [`its workflow ${whatBecameOf(execution)}`];
  if (wasClosed)
    reasons.push('the batch was closed before: cards that count as enrolled may have been removed since');
  else if (refs.includes(Blob.removing))
    reasons.push('its cards were being removed again: those that count as enrolled may have been removed');
  return closeBatch(
    deps,
    {
      batch,
      chain,
      records: records ?? refs.find(isRecords) ?? '',
      recordsDigest: recordsDigest ?? '',
      cards,
      validated: refs.some(isMadeByValidation),
      status: 'FAILED',
      batchIds: await batchIdsOf(deps.store, batch, offered),
      reasons,
      failure: FailureType.BatchFailed,
      remaining: { status: 'UNREPORTED', reason: 'TERMINATED_IN_TEMPORAL' },
      unsettledRound: offered.at(-1),
    },
    { withoutUnreadable, orphaned: true },
  );
}

/** `null` is what cannot be decrypted any more. */
interface Memo {
  recordsDigest?: string | null;
  records?: BlobRef | null;
}

function isMadeByValidation(ref: BlobRef): boolean {
  return [Blob.outcomes, Blob.cards, Blob.validated(1)].includes(ref);
}

/** As far as they can be read: the batch is closed in any case. */
async function batchIdsOf(store: BatchStore, batch: BatchKey, rounds: readonly number[]): Promise<string[]> {
  const ids: string[] = [];
  for (const round of rounds) {
    const mark = await readingBlobs(() => getJson<OfferMark>(store, batch, Blob.offered(round)));
    if (!isUnreadable(mark) && mark.batchId !== undefined) ids.push(mark.batchId);
  }
  return ids;
}
