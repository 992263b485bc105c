import { MOST_BATCHES_IN_FLIGHT, type BulkLimits } from './bulk.js';
import type { EnrollmentPolicy } from './policy.js';

/** Why no job can have these limits, those that are given: a sentence. */
export function bulkLimitsProblem(limits: {
  [Limit in keyof BulkLimits]?: BulkLimits[Limit] | undefined;
}): string | undefined {
  const { maxBatchesInFlight: window, batchesPerMinute: rate } = limits;
  if (window !== undefined && !(Number.isInteger(window) && window >= 1 && window <= MOST_BATCHES_IN_FLIGHT))
    return `maxBatchesInFlight must be a whole number from 1 to ${MOST_BATCHES_IN_FLIGHT}`;
  if (rate !== undefined && rate !== null && !(Number.isFinite(rate) && rate > 0))
    return 'batchesPerMinute must be a number above 0, or null for no rate';
  return undefined;
}

/** Why a cancellation of a job cannot do this to batches of a policy: a sentence. */
export function onBulkCancelProblem(
  onCancel: unknown,
  policy: Pick<EnrollmentPolicy, 'onCancel'>,
): string | undefined {
  if (onCancel !== undefined && onCancel !== 'finish' && onCancel !== 'rollback')
    return 'onCancel must be finish or rollback';
  if (onCancel === 'rollback' && policy.onCancel === 'leave')
    return "onCancel cannot be rollback where the batches' policy is onCancel=leave";
  return undefined;
}
