import { MOST_BATCHES_IN_FLIGHT, type BulkLimits } from './bulk.js';

/** Why no job can have these limits, those that are given: a sentence. */
export function bulkLimitsProblem({
  maxBatchesInFlight,
  batchesPerMinute,
}: { [Limit in keyof BulkLimits]?: BulkLimits[Limit] | undefined }): string | undefined {
  if (maxBatchesInFlight !== undefined && !isWithin(maxBatchesInFlight, MOST_BATCHES_IN_FLIGHT))
    return `maxBatchesInFlight must be a whole number from 1 to ${MOST_BATCHES_IN_FLIGHT}`;
  if (batchesPerMinute != null && !isWithin(batchesPerMinute, MOST_A_MINUTE))
    return `batchesPerMinute must be a whole number from 1 to ${MOST_A_MINUTE}, or null for as many as fit`;
  return undefined;
}

/** Many times what any Temporal service takes; more is a slip of the hand. */
const MOST_A_MINUTE = 1_000_000;

function isWithin(value: unknown, most: number): boolean {
  return Number.isInteger(value) && (value as number) >= 1 && (value as number) <= most;
}
