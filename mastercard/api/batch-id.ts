import { follows } from '../../enrollment/record-rules.js';
import type { EnrollmentApi } from './enrollment-api.js';

/**
 * Why an API does not take a batch's id, in its first round or in the last that its policy allows: a sentence without
 * the id. Nothing where it takes it.
 */
export function batchIdProblem(
  { batch: { externalBatchId: rule, roundId } }: Pick<EnrollmentApi, 'batch'>,
  externalBatchId: string,
  maxRounds: number,
): string | undefined {
  if (!follows(externalBatchId, rule)) return `externalBatchId ${rule.problem}`;
  const last = roundId(externalBatchId, maxRounds);
  if (follows(last, rule)) return undefined;
  const suffix = last.length - externalBatchId.length;
  return (
    `externalBatchId must have at most ${rule.longest - suffix} characters, since it is longer in round ${maxRounds} ` +
    '(retryFailedRecords.maxRounds of the policy)'
  );
}
