import { EXTERNAL_ID_PATTERN, holdsPan, looksLikePan, pansOf } from './identifiers.js';
import type { EnrollmentRecord } from './records.js';

/** How many cards a batch is about, or why it cannot be started as it is: a sentence without values. */
export type Acceptance = { cards: number; problem?: undefined } | { problem: string };

/**
 * Whether a batch can be started: its id is usable, it has records, and no more cards than go into one.
 * Every record counts as one card at least, since one without a usable list of cards gets an outcome too.
 */
export function acceptBatch(
  { externalBatchId, records }: { externalBatchId: string; records: readonly EnrollmentRecord[] },
  { maxCardsPerBatch }: { maxCardsPerBatch: number },
): Acceptance {
  const problem = batchIdProblem(externalBatchId);
  if (problem !== undefined) return { problem };
  if (!Array.isArray(records) || records.length === 0) {
    return { problem: `batch '${externalBatchId}' has no records; give it at least one` };
  }
  const cards = (records as readonly unknown[]).reduce<number>((sum, record) => {
    const list = (record as EnrollmentRecord | null)?.cards;
    return sum + Math.max(1, Array.isArray(list) ? list.length : 1);
  }, 0);
  if (cards > maxCardsPerBatch) {
    const most = `at most ${maxCardsPerBatch} go into one batch (maxCardsPerBatch): split it`;
    return { problem: `batch '${externalBatchId}' has ${cards} cards; ${most}` };
  }
  if (records.some((record) => holdsPan(externalBatchId, pansOf(record)))) return { problem: LIKE_A_PAN };
  return { cards };
}

const LIKE_A_PAN = 'externalBatchId looks like a card number; it is shown in clear, so choose another';

/** Why no batch can have this id: a sentence without it. */
export function batchIdProblem(externalBatchId: unknown): string | undefined {
  if (typeof externalBatchId !== 'string' || !EXTERNAL_ID_PATTERN.test(externalBatchId))
    return 'externalBatchId must be 1 to 64 characters of A-Z a-z 0-9 . _ : -';
  if (looksLikePan(externalBatchId)) return LIKE_A_PAN;
  return undefined;
}
