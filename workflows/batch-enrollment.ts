import { ApplicationFailure, CancellationScope, CancelledFailure, setHandler } from '@temporalio/workflow';
import type { BatchResult } from '../enrollment/batch.js';
import { encrypt, purge, validate } from './activity-proxies.js';
import { BatchState } from './batch-state.js';
import { endingOf, rejected, type Ending } from './ending.js';
import { pollNowSignal, progressQuery, type BatchEnrollmentInput } from './messages.js';
import { pollUntilTerminal } from './polling.js';
import { submitUntilSettled } from './submission.js';

/**
 * Enrolls one batch of cards into Click to Pay: validate, encrypt, submit, poll until terminal, purge.
 *
 * It completes when every card has a known outcome, fails with a typed `ApplicationFailure`
 * (`FailureType`) when somebody must look, and is cancelled when asked to be. On each of these ways
 * the outcomes are complete in the store and the cardholder data is erased.
 */
export async function batchEnrollment(input: BatchEnrollmentInput): Promise<BatchResult> {
  const state = new BatchState(input);
  setHandler(progressQuery, () => state.progress());
  setHandler(pollNowSignal, () => state.nudge());

  let ending: Ending;
  try {
    ending = await enroll(input, state);
  } catch (error) {
    ending = endingOf(error, state.mayBeAccepted);
  }
  return CancellationScope.nonCancellable(() => close(input, state, ending));
}

/** The way of a batch from the issuer's records to the end that Mastercard gives it. */
async function enroll(input: BatchEnrollmentInput, state: BatchState): Promise<Ending> {
  const { batch, policy } = state;
  const round = 1;

  const validation = await validate({ batch, records: input.records }, `${input.cards} cards`);
  state.validated(validation);
  const { cards, validCards, invalidCards } = validation;
  if (validCards === 0) return rejected([`all ${cards} cards are invalid`], NOT_SENT);
  if (invalidCards > 0 && policy.onInvalidRecords === 'rejectBatch') {
    return rejected(
      [`${invalidCards} of ${cards} cards are invalid, and the policy is rejectBatch`],
      NOT_SENT,
    );
  }

  const { enrollmentData } = await encrypt(
    { batch, round, validated: validation.validated },
    `round ${round}, ${validCards} cards`,
  );

  state.enters('SUBMITTING');
  const submission = await submitUntilSettled(state, round, enrollmentData);
  if ('status' in submission) return submission;

  state.accepted(submission.batchId);
  return pollUntilTerminal(state, round, submission);
}

const NOT_SENT = { status: 'UNREPORTED', reason: 'NOT_SENT' } as const;

/** Completes the outcomes, erases the cardholder data, and ends the workflow as the ending says. */
async function close(input: BatchEnrollmentInput, state: BatchState, ending: Ending): Promise<BatchResult> {
  const { status, reasons, remaining, failure } = ending;
  const { batchIds } = state.progress();
  const { records, recordsDigest, cards } = input;
  const result = await purge(
    { batch: state.batch, records, recordsDigest, cards, status, batchIds, reasons, failure, remaining },
    `${status}: complete the outcomes, erase cardholder data`,
  );
  state.closed(result, failure && `${failure}: ${reasons.join('; ')}`);
  if (failure) {
    throw ApplicationFailure.create({
      type: failure,
      message: reasons.join('; '),
      nonRetryable: true,
      details: [result],
    });
  }
  if (status === 'CANCELLED') throw new CancelledFailure(reasons.join('; '), [result]);
  return result;
}
