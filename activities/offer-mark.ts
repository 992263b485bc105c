import { log } from '@temporalio/activity';
import type { BatchKey } from '../enrollment/batch.js';
import { Blob, type OfferMark } from '../enrollment/blobs.js';
import type { SubmissionReceipt } from '../mastercard/gateway.js';
import { getJson, putJson } from '../store/store.js';
import type { ActivityDependencies } from './dependencies.js';
import { storeProblem } from './failures.js';
import { readingBlobs, type Unreadable } from '../store/unreadable.js';

/** Nothing was sent: another chain offered the round, or its mark cannot be read, so that one may have. */
export interface OfferedBefore {
  kind: 'offeredBefore';
  /** ISO 8601, UTC. */
  offeredAt?: string | undefined;
  /** Mastercard's, where it accepted what that chain offered. */
  batchId?: string | undefined;
  /** Why the mark cannot be read. */
  unreadable?: string | undefined;
}

export interface OfferOf {
  batch: BatchKey;
  round: number;
  chain: string;
  takeOver?: boolean | undefined;
}

/** The activity reports what Mastercard accepted after this time (ms) at the latest, also if the store does not answer. */
const RECEIPT_WITHIN_MS = 10_000;

/**
 * Makes sure that the store has the mark of who offers a round, before anything is sent. Temporal may forget the
 * batch, or lose it; who then offers it again finds the mark.
 *
 * @returns the mark, which stays as it was where this chain had left it; or why the round must not be sent.
 * @throws what the store throws: then there may be a mark or not, and nothing must be sent.
 */
export async function leaveMark(
  { store, now }: Pick<ActivityDependencies, 'store' | 'now'>,
  { batch, round, chain, takeOver }: OfferOf,
): Promise<OfferMark | OfferedBefore | Unreadable> {
  const ref = Blob.offered(round);
  const mark: OfferMark = { chain, offeredAt: now().toISOString() };
  if (await store.putNew(batch, ref, Buffer.from(JSON.stringify(mark), 'utf8'))) return mark;
  const found = await readingBlobs(() => getJson<OfferMark>(store, batch, ref));
  if ('chain' in found && found.chain === chain) return found;
  if (takeOver) {
    await putJson(store, batch, ref, mark);
    return mark;
  }
  if ('chain' in found) return { kind: 'offeredBefore', offeredAt: found.offeredAt, batchId: found.batchId };
  // Whose it was cannot be known any more.
  return found.why === 'keyMissing' ? found : { kind: 'offeredBefore', unreadable: found.message };
}

/** Adds to the mark what Mastercard accepted the round as. A store that fails does not keep the activity from reporting it. */
export async function keepReceipt(
  { store }: Pick<ActivityDependencies, 'store'>,
  { batch, round }: OfferOf,
  mark: OfferMark,
  receipt: SubmissionReceipt,
): Promise<void> {
  const kept = putJson(store, batch, Blob.offered(round), { ...mark, ...receipt }).catch((error: unknown) => {
    log.warn('the receipt of a submission could not be kept', { ...batch, why: storeProblem(error) });
  });
  const late = new Promise<void>((resolve) => void setTimeout(resolve, RECEIPT_WITHIN_MS).unref());
  await Promise.race([kept, late]);
}
