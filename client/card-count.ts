import type { ProgramConfig } from '../config/config.js';
import { EXTERNAL_ID_PATTERN, looksLikePan } from '../enrollment/identifiers.js';
import type { EnrollmentRecord } from '../enrollment/records.js';
import { BatchInvalidError } from './errors.js';

/**
 * How many cards a request is about, every record counting as one at least.
 * @throws BatchInvalidError for no records, more cards than `maxCardsPerBatch`, or an unusable id.
 */
export function checkedCardCount(
  { externalBatchId, records }: { externalBatchId: string; records: readonly EnrollmentRecord[] },
  { maxCardsPerBatch }: Pick<ProgramConfig, 'maxCardsPerBatch'>,
): number {
  if (!EXTERNAL_ID_PATTERN.test(externalBatchId)) {
    throw new BatchInvalidError('externalBatchId must be 1 to 64 characters of A-Z a-z 0-9 . _ : -');
  }
  if (looksLikePan(externalBatchId)) {
    throw new BatchInvalidError(
      'externalBatchId looks like a card number; it is shown in clear, so choose another',
    );
  }
  if (!Array.isArray(records) || records.length === 0) {
    throw new BatchInvalidError(`batch '${externalBatchId}' has no records; give it at least one`);
  }
  // A record without a usable list of cards still gets an outcome, so it counts as one.
  const cards = (records as readonly unknown[]).reduce<number>((sum, record) => {
    const list = (record as EnrollmentRecord | null)?.cards;
    return sum + Math.max(1, Array.isArray(list) ? list.length : 1);
  }, 0);
  if (cards > maxCardsPerBatch) {
    throw new BatchInvalidError(
      `batch '${externalBatchId}' has ${cards} cards; at most ${maxCardsPerBatch} go into one batch (maxCardsPerBatch): split it`,
    );
  }
  return cards;
}
