import {
  allHandlersFinished,
  ApplicationFailure,
  CancellationScope,
  CancelledFailure,
  condition,
  patched,
  setHandler,
} from '@temporalio/workflow';
import type { BatchResult, BlobRef } from '../enrollment/batch.js';
import { encrypt, purge, validate } from './activity-proxies.js';
import { BatchState } from './batch-state.js';
import { throughCancellation, takeBack } from './compensation.js';
import { endingOf, rejected, unresolved, type Ending } from './ending.js';
import { pollNowSignal, progressQuery, type BatchEnrollmentInput } from './messages.js';
import { OperatorDesk } from './operator.js';
import { pollUntilTerminal, type TerminalAnswer } from './polling.js';
import { endingOfRounds, waitForRound } from './rounds.js';
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
  const desk = new OperatorDesk(state);

  let ending: Ending;
  try {
    ending = await enroll(input, state, desk);
  } catch (error) {
    ending = endingOf(error, state);
  }
  ending = await takeBack(state, desk, ending);
  return CancellationScope.nonCancellable(() => close(input, state, ending));
}

const NOT_SENT = { status: 'UNREPORTED', reason: 'NOT_SENT' } as const;

/** The way of a batch from the issuer's records to the end that Mastercard gives it. */
async function enroll(input: BatchEnrollmentInput, state: BatchState, desk: OperatorDesk): Promise<Ending> {
  const { batch, policy } = state;

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

  let toSend = validation.validated;
  for (let round = 1; ; round += 1) {
    const result = await enrollRound(state, desk, round, toSend);
    if ('status' in result || !result.retry || round >= policy.retryFailedRecords.maxRounds) {
      return endingOfRounds(state, round, result);
    }
    await waitForRound(state, round + 1, result.retry.cards);
    toSend = result.retry.records;
  }
}

/** One submission of a set of records, to the answer that settles it. */
async function enrollRound(
  state: BatchState,
  desk: OperatorDesk,
  round: number,
  validated: BlobRef,
): Promise<TerminalAnswer | Ending> {
  const { batch } = state;
  const { enrollmentData } = await encrypt(
    { batch, round, validated },
    `round ${round}, ${state.progress().counts.pending} cards`,
  );

  state.enters('SUBMITTING');
  let submission = await throughCancellation(state, () => submitUntilSettled(state, round, enrollmentData));
  for (;;) {
    if ('uncertain' in submission) {
      // Since 0.2.0; before, it failed the batch. replay-tested: 2026-11-24
      submission = patched('operator-desk')
        ? await desk.askForBatchId(round, submission.why)
        : unresolved(submission.why, round);
    }
    if ('status' in submission) return submission;

    const accepted = submission;
    state.accepted(accepted);
    const answer = await throughCancellation(state, () => pollUntilTerminal(state, round, accepted));
    if (!('uncertain' in answer)) return answer;
    submission = answer;
  }
}

/** Completes the outcomes, erases the cardholder data, and ends the workflow as the ending says. */
async function close(input: BatchEnrollmentInput, state: BatchState, ending: Ending): Promise<BatchResult> {
  const { status, reasons, remaining, unsettledRound, failure } = ending;
  const { batchIds } = state.progress();
  const { records, recordsDigest, cards } = input;
  const { batch } = state;
  const result = await purge(
    { batch, records, recordsDigest, cards, status, batchIds, reasons, failure, remaining, unsettledRound },
    `${status}: complete the outcomes, erase cardholder data`,
  );
  state.closed(result, failure && `${failure}: ${reasons.join('; ')}`);
  await condition(allHandlersFinished);
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
