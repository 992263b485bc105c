import type { BatchKey, BlobRef } from '../enrollment/batch.js';
import { Blob, type ClosedBatch } from '../enrollment/blobs.js';
import { validateRecords } from '../enrollment/validation.js';
import { digestKeyId, type KeyRingSource } from '../protection/key-ring.js';
import { SealedBlobError } from '../protection/seal.js';
import { digestedBytes } from '../protection/records-digest.js';
import { sealingContext } from '../store/sealing.js';
import { getJson, putJson, type BatchStore } from '../store/store.js';
import type { ActivityDependencies } from './dependencies.js';
import { inputRefused } from './failures.js';
import { readingBlobs, type Unreadable } from '../store/unreadable.js';

export interface ValidateBatchInput {
  batch: BatchKey;
  /** The id of the first run of its workflow. */
  chain: string;
  records: BlobRef;
  /** Keyed: an older blob in the place of the records is noticed. */
  recordsDigest: string;
}

export interface ValidateBatchResult {
  kind: 'validated';
  /** Where the valid, normalised records are. */
  validated: BlobRef;
  cards: number;
  validCards: number;
  invalidCards: number;
}

/**
 * Sorts the valid cards from the invalid ones and normalises them. An invalid card gets its outcome
 * here and never leaves the house; it does not hold up a valid one.
 *
 * @throws ApplicationFailure of type InputRefused where the store remembers the batch as closed by another workflow: who
 *   can write to Temporal may start one once more that Temporal has forgotten.
 */
export function validateBatch(deps: Pick<ActivityDependencies, 'store' | 'keyRing' | 'program' | 'now'>) {
  return (input: ValidateBatchInput): Promise<ValidateBatchResult | Unreadable> =>
    readingBlobs(async () => {
      const { batch, chain } = input;
      await refuseClosed(deps.store, batch, chain);
      const records = await getJson<unknown[]>(deps.store, batch, input.records);
      await requireSame(deps.keyRing, records, input);
      const { valid, order, outcomes, cards, validCards } = validateRecords(
        records,
        deps.program(batch.program).api.records,
        deps.now(),
      );
      await putJson(deps.store, batch, Blob.validated(1), valid);
      await putJson(deps.store, batch, Blob.cards, order);
      await putJson(deps.store, batch, Blob.outcomes, outcomes);
      const invalidCards = outcomes.length;
      return { kind: 'validated', validated: Blob.validated(1), cards, validCards, invalidCards };
    });
}

async function refuseClosed(store: BatchStore, batch: BatchKey, chain: string): Promise<void> {
  if (!(await store.has(batch, Blob.closed))) return;
  const closed = await getJson<ClosedBatch>(store, batch, Blob.closed);
  if (closed.chain === chain) return;
  throw inputRefused(
    'the batch is closed, and was enrolled by another workflow: enroll its cards under a new id',
  );
}

/** @throws SealedBlobError where these are not the records that the batch was started with, or their digest has a key that is missing. */
async function requireSame(
  keyRing: KeyRingSource,
  records: unknown[],
  { batch, records: ref, recordsDigest }: ValidateBatchInput,
): Promise<void> {
  const keyId = digestKeyId(recordsDigest);
  const knowing = await keyRing.knowing(keyId);
  const context = sealingContext(batch, ref);
  if (!knowing.knows(keyId)) throw new SealedBlobError('unknownKey', context, keyId);
  if (!knowing.digestMatches(digestedBytes(records), recordsDigest))
    throw new SealedBlobError('replaced', context);
}
