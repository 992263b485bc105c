import { CancellationScope, sleep } from '@temporalio/workflow';
import type { BlobRef } from '../enrollment/batch.js';
import { FailureType } from '../enrollment/errors.js';
import { backoffDelay } from '../enrollment/schedule.js';
import type { SubmissionAnswer } from '../activities/index.js';
import { submitOnce } from './activity-proxies.js';
import type { BatchState } from './batch-state.js';
import { endedByTimeout, failed, rejected, type Ending } from './ending.js';

export interface AcceptedSubmission {
  batchId: string;
  flowId?: string | undefined;
}

/**
 * Offers a round to Mastercard until it is settled whether it has it. Every attempt sends the same
 * bytes under the same externalBatchId, so that an attempt whose fate is unknown can be repeated
 * without making a second batch.
 *
 * @returns what Mastercard accepted, or how the batch ends because it did not.
 */
export async function submitUntilSettled(
  state: BatchState,
  round: number,
  enrollmentData: BlobRef,
): Promise<AcceptedSubmission | Ending> {
  const { batch, policy } = state;
  const startedAt = Date.now();
  for (let waits = 0; ; waits += 1) {
    const attempt = state.submissionStarts();
    const answer = await attemptOnce(state, { batch, round, enrollmentData }, attempt);
    state.submissionAnswered(answer);
    switch (answer.kind) {
      case 'accepted':
        return { batchId: answer.batchId, flowId: answer.flowId };
      case 'duplicate':
        if (answer.batchId !== undefined) return { batchId: answer.batchId };
        return unresolved(
          'Mastercard has accepted this externalBatchId before and does not say as which batchId',
          round,
        );
      case 'refused':
        if (state.mayBeAccepted) {
          return unresolved(
            `Mastercard refused a repeated offer and may have accepted an earlier one: ${answer.message}`,
            round,
          );
        }
        return rejected([answer.message], {
          status: 'FAILED',
          reason: answer.reason ?? 'REFUSED',
          round,
          details: answer.details,
        });
      case 'notAccepted':
      case 'unknown': {
        const backoff = backoffDelay(policy.submission, waits);
        const wait = answer.kind === 'notAccepted' ? Math.max(backoff, answer.retryAfter ?? 0) : backoff;
        if (Date.now() + wait > startedAt + policy.submission.deadline) return outOfTime(state, round);
        state.waitsToSubmit(wait);
        await sleep(wait, {
          summary: `next attempt to submit (${answer.kind}: ${answer.reason ?? 'no answer'})`,
        });
      }
    }
  }
}

/**
 * One attempt, which a cancellation does not interrupt: half a submission would leave it unknown
 * whether Mastercard has the batch.
 */
async function attemptOnce(
  state: BatchState,
  input: Parameters<typeof submitOnce>[0],
  attempt: number,
): Promise<SubmissionAnswer> {
  try {
    return await CancellationScope.nonCancellable(() =>
      submitOnce(input, `round ${input.round}, attempt ${attempt}, ${state.progress().counts.pending} cards`),
    );
  } catch (error) {
    if (!endedByTimeout(error)) throw error;
    return { kind: 'unknown', message: 'the attempt did not report back', reason: 'NO_REPORT', details: [] };
  }
}

function outOfTime(state: BatchState, round: number): Ending {
  if (state.mayBeAccepted) {
    return unresolved(
      'Mastercard may have accepted the batch, and gave no clear answer before the submission deadline',
      round,
    );
  }
  return failed(
    FailureType.BatchFailed,
    'Mastercard did not accept the batch before the submission deadline',
    {
      status: 'UNREPORTED',
      reason: 'NOT_SENT',
    },
  );
}

/** Mastercard has the batch, or may have it, and its batchId is not known. */
function unresolved(reason: string, round: number): Ending {
  return failed(FailureType.SubmissionUnresolved, reason, {
    status: 'UNREPORTED',
    reason: 'SUBMISSION_UNRESOLVED',
    round,
  });
}
