import { ApplicationFailure } from '@temporalio/activity';
import type { BatchKey, BatchResult, BlobRef, ClosedStatus } from '../enrollment/batch.js';
import { Blob, type ClosedBatch } from '../enrollment/blobs.js';
import { FailureType } from '../enrollment/errors.js';
import {
  countOutcomes,
  inOrderOf,
  mergeOutcomes,
  type Outcome,
  type OutcomeDetail,
} from '../enrollment/outcomes.js';
import { cardKeysOf, type CardKey, type EnrollmentRecord } from '../enrollment/records.js';
import { eraseCardholderData } from '../retention/erase.js';
import { getJson, putJson, type BatchStore } from '../store/store.js';
import { failingClearly, permanentFailureType } from './failures.js';
import type { ActivityDependencies } from './dependencies.js';
import { validateBatch } from './validate-batch.js';

export interface PurgeBatchInput {
  batch: BatchKey;
  records: BlobRef;
  recordsDigest: string;
  /** How many cards the issuer handed over; used where the records themselves cannot be read. */
  cards: number;
  status: ClosedStatus;
  batchIds: string[];
  reasons: string[];
  failure?: FailureType | undefined;
  /** The outcome of every card that has none yet. */
  remaining: RemainingOutcome;
  /** The round whose cards get `remaining` in the place of what an earlier round said of them. */
  unsettledRound?: number | undefined;
}

export interface RemainingOutcome {
  status: 'FAILED' | 'UNREPORTED';
  reason: string;
  round?: number | undefined;
  details?: OutcomeDetail[] | undefined;
}

/**
 * Closes a batch in the store: every card gets an outcome, everything that holds cardholder data is
 * erased, and then the batch is remembered (id, digest, result). Repeating it changes nothing.
 */
export function purgeBatch(deps: Pick<ActivityDependencies, 'store' | 'now'>) {
  return (input: PurgeBatchInput): Promise<BatchResult> =>
    failingClearly(async () => {
      const { store } = deps;
      const { batch } = input;
      const outcomes = await finalOutcomes(deps, input);
      const result: BatchResult = {
        ...batch,
        status: input.status,
        batchIds: input.batchIds,
        counts: countOutcomes(outcomes.length > 0 ? outcomes.length : input.cards, outcomes),
        outcomes: Blob.outcomes,
        reasons: input.reasons,
        failure: input.failure,
      };
      await putJson(store, batch, Blob.outcomes, outcomes);
      await eraseCardholderData(store, batch, await store.list(batch));
      // Last: who finds it may rely on the rest being done.
      const closed: ClosedBatch = {
        recordsDigest: input.recordsDigest,
        closedAt: deps.now().toISOString(),
        result,
      };
      await putJson(store, batch, Blob.closed, closed, { closedAt: closed.closedAt, rows: outcomes });
      return result;
    });
}

async function finalOutcomes(
  deps: Pick<ActivityDependencies, 'store' | 'now'>,
  { batch, records, remaining, unsettledRound }: PurgeBatchInput,
): Promise<Outcome[]> {
  const { store } = deps;
  // A batch that closed before it was validated still owes its issuer one outcome a card.
  if (!(await store.has(batch, Blob.outcomes))) {
    await validateBatch(deps)({ batch, records }).catch(toleratingUnreadableRecords);
  }
  const known = (await store.has(batch, Blob.outcomes))
    ? await getJson<Outcome[]>(store, batch, Blob.outcomes)
    : [];
  // Gone if an earlier attempt came as far as erasing: then the outcomes are already complete.
  if (!(await store.has(batch, Blob.cards))) return known;
  const cards = await getJson<CardKey[]>(store, batch, Blob.cards);
  const toRemaining = (card: CardKey): Outcome => ({ ...card, ...remaining });
  const settled = known.filter(({ round }) => round === unsettledRound);
  const unsettled = await cardsOfRound(store, batch, unsettledRound);
  return inOrderOf(cards, mergeOutcomes(cards.map(toRemaining), known, unsettled.map(toRemaining), settled));
}

async function cardsOfRound(
  store: BatchStore,
  batch: BatchKey,
  round: number | undefined,
): Promise<CardKey[]> {
  if (round === undefined) return [];
  try {
    return cardKeysOf(await getJson<EnrollmentRecord[]>(store, batch, Blob.validated(round)));
  } catch (error) {
    // What cannot be read must not keep the batch from being closed and erased.
    if (permanentFailureType(error)) return [];
    throw error;
  }
}

/** Records that cannot be read must not keep the batch from being closed and erased. */
function toleratingUnreadableRecords(error: unknown): void {
  const type = error instanceof ApplicationFailure ? error.type : undefined;
  if (type !== FailureType.SealedBlobUnreadable && type !== FailureType.SealedBlobMissing) throw error;
}
