import { CancellationScope, patched, sleep } from '@temporalio/workflow';
import type { BlobRef } from '../enrollment/batch.js';
import { Blob } from '../enrollment/blobs.js';
import { FailureType } from '../enrollment/errors.js';
import { backoffDelay } from '../enrollment/schedule.js';
import type { SubmissionAnswer } from '../activities/index.js';
import { encrypt, submitOnce } from './activity-proxies.js';
import type { BatchState } from './batch-state.js';
import { endedByTimeout, failed, rejected, type Ending } from './ending.js';
import { handOverWhenLong } from './hand-over.js';

/**
 * What is offered. It is changed in place, so that whoever is called again, for instance after a cancellation,
 * goes on with the bytes that Mastercard may have.
 */
export interface Offer {
  enrollmentData: BlobRef;
}

export interface AcceptedSubmission {
  batchId: string;
  flowId?: string | undefined;
}

/** Mastercard has the round, or may have it; only a person can find out. `why` is what they will read. */
export interface UncertainSubmission {
  uncertain: true;
  why: string;
}

/**
 * Submits a round to Mastercard until it is settled whether Mastercard has it. After an attempt that was
 * definitely not accepted it waits, then submits again. Every attempt sends the same bytes under the same
 * externalBatchId, so that an attempt whose result is unknown can be repeated: a batch never becomes two batches
 * at Mastercard.
 * Only while every attempt was definitely not accepted may other bytes take their place, because Mastercard's key
 * has changed: once for each wait, so that workers which do not agree about the key do not prevent submission.
 *
 * @returns what Mastercard accepted, that it is uncertain, or how the batch ends because it did not.
 */
export async function submitUntilSettled(
  state: BatchState,
  round: number,
  offer: Offer,
): Promise<AcceptedSubmission | UncertainSubmission | Ending> {
  const { batch } = state;
  let encryptedAfresh = false;
  for (;;) {
    await handOverWhenLong(state, { stage: 'submitting', ...offer });
    const attempt = state.submissionStarts();
    const unlessKeyChanged = !state.mayBeAccepted && !encryptedAfresh;
    const answer = await attemptOnce(state, { batch, round, ...offer, unlessKeyChanged }, attempt);
    state.submissionAnswered(answer);
    const { policy } = state;
    switch (answer.kind) {
      case 'accepted':
        return { batchId: answer.batchId, flowId: answer.flowId };
      case 'duplicate':
        if (answer.batchId !== undefined) return { batchId: answer.batchId };
        return uncertain(
          'Mastercard has accepted this externalBatchId before and does not say as which batchId',
        );
      case 'refused':
        if (state.mayBeAccepted) {
          return uncertain(
            `Mastercard refused a repeated submission and may have accepted an earlier one: ${answer.message}`,
          );
        }
        return rejected([answer.message], {
          status: 'FAILED',
          reason: answer.reason ?? 'REFUSED',
          round,
          details: answer.details,
        });
      case 'keyChanged':
        // Since 0.4.0; before, it was offered as it was. replay-tested: 2026-11-24
        if (!patched('fresh-encryption')) break;
        await encryptAfresh(state, round, offer);
        encryptedAfresh = true;
        break;
      case 'notAccepted':
      case 'unknown': {
        if (answer.kind === 'unknown' && policy.uncertainSubmission === 'askOperator') {
          return uncertain(`it is unknown whether Mastercard accepted the batch: ${answer.message}`);
        }
        const backoff = backoffDelay(policy.submission, attempt - 1);
        const wait = answer.kind === 'notAccepted' ? Math.max(backoff, answer.retryAfter ?? 0) : backoff;
        if (Date.now() + wait > state.submissionDeadline) return outOfTime(state);
        state.waitsToSubmit(wait);
        await sleep(wait, {
          summary: `next attempt to submit (${answer.kind}: ${answer.reason ?? 'no answer'})`,
        });
        encryptedAfresh = false;
      }
    }
  }
}

/** Encrypts a round to the key that Mastercard has now. */
async function encryptAfresh(state: BatchState, round: number, offer: Offer): Promise<void> {
  const { batch } = state;
  const replaces = offer.enrollmentData;
  const { enrollmentData } = await encrypt(
    { batch, round, validated: Blob.validated(round), replaces },
    `round ${round}, ${state.progress().counts.pending} cards, afresh: Mastercard's key changed`,
  );
  // A worker that knows no other key gives the same again; it is then offered, and Mastercard decides.
  if (enrollmentData === replaces) return;
  offer.enrollmentData = enrollmentData;
  state.encryptedAfresh(round);
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

function outOfTime(state: BatchState): UncertainSubmission | Ending {
  if (state.mayBeAccepted) {
    return uncertain(
      'Mastercard may have accepted the batch, and gave no clear answer before the submission deadline',
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

function uncertain(why: string): UncertainSubmission {
  return { uncertain: true, why };
}
