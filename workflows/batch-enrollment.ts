import { allHandlersFinished, CancellationScope, condition, setHandler } from '@temporalio/workflow';
import type { BatchResult } from '../enrollment/batch.js';
import { report } from './bulk-report.js';
import { purge, validate } from './activity-proxies.js';
import { BatchState } from './batch-state.js';
import { removeAll, takeBack } from './compensation.js';
import { DeadlineDesk } from './deadline-desk.js';
import { ended, endingOf, rejected, type Ending } from './ending.js';
import { cancelledAsBefore } from './hand-over.js';
import { isInline, takeIn } from './intake.js';
import {
  pollNowSignal,
  progressQuery,
  type BatchEnrollmentInput,
  type InlineEnrollmentInput,
} from './messages.js';
import { OperatorDesk } from './operator.js';
import { acceptPolicyChanges } from './policy-change.js';
import { enrollRound, endingOfRounds, waitForRound, type Desks, type RoundStart } from './rounds.js';

/**
 * Enrolls one batch of cards into Click to Pay: validate, encrypt, submit, poll until terminal, purge.
 *
 * It completes when every card has a known outcome, fails with a typed `ApplicationFailure`
 * (`FailureType`) when an operator must act, and is cancelled when asked to be. On each of these ways
 * the outcomes are complete in the store and the cardholder data is erased.
 */
export async function batchEnrollment(
  written: BatchEnrollmentInput | InlineEnrollmentInput,
): Promise<BatchResult> {
  const input = isInline(written) ? await takeIn(written) : written;
  const state = new BatchState(input);
  setHandler(progressQuery, () => state.progress());
  setHandler(pollNowSignal, () => state.nudge());
  acceptPolicyChanges(state);
  const desks = { operator: new OperatorDesk(state), deadline: new DeadlineDesk(state) };

  await cancelledAsBefore(state);
  const ending = await toItsEnd(input, state, desks);
  return CancellationScope.nonCancellable(() => close(input, state, ending));
}

/** @returns how the batch ends, when all that is to be taken back is taken back. */
async function toItsEnd(input: BatchEnrollmentInput, state: BatchState, desks: Desks): Promise<Ending> {
  const at = input.carried?.at;
  if (at?.stage === 'removing') {
    return CancellationScope.nonCancellable(() => removeAll(state, desks.operator, at.ending, at.unremoved));
  }
  let ending: Ending;
  try {
    ending = await enroll(at ?? (await prepare(input, state)), state, desks);
  } catch (error) {
    ending = endingOf(error, state);
  }
  return takeBack(state, desks.operator, ending);
}

const NOT_SENT = { status: 'UNREPORTED', reason: 'NOT_SENT' } as const;

/** The way of a batch from the issuer's records to the end that Mastercard gives it. */
async function enroll(start: RoundStart | Ending, state: BatchState, desks: Desks): Promise<Ending> {
  if ('status' in start) return start;

  for (let { round } = state; ; round += 1) {
    const result = await enrollRound(state, desks, round, start);
    if ('status' in result || !result.retry || round >= state.policy.retryFailedRecords.maxRounds) {
      return endingOfRounds(state, round, result);
    }
    await waitForRound(state, round + 1, result.retry.cards);
    start = { stage: 'encrypting', validated: result.retry.records };
  }
}

/** Sorts the valid cards from the invalid ones; where nothing may be sent, the batch ends here. */
async function prepare(input: BatchEnrollmentInput, state: BatchState): Promise<RoundStart | Ending> {
  const { batch, policy } = state;
  const validation = await validate({ batch, records: input.records }, `${input.cards} cards`);
  state.validated(validation);
  const { cards, validCards, invalidCards, validated } = validation;
  if (validCards === 0) return rejected([`all ${cards} cards are invalid`], NOT_SENT);
  if (invalidCards > 0 && policy.onInvalidRecords === 'rejectBatch') {
    return rejected(
      [`${invalidCards} of ${cards} cards are invalid, and the policy is rejectBatch`],
      NOT_SENT,
    );
  }
  return { stage: 'encrypting', validated };
}

/** Completes the outcomes, erases the cardholder data, and ends the workflow as the ending says. */
async function close(input: BatchEnrollmentInput, state: BatchState, ending: Ending): Promise<BatchResult> {
  state.isClosing = true;
  const { status, remaining, unsettledRound, failure } = ending;
  const { batchIds, notices = [] } = state.progress();
  const reasons = [...ending.reasons, ...notices];
  const { records, recordsDigest, cards } = input;
  const { batch } = state;
  const result = await purge(
    { batch, records, recordsDigest, cards, status, batchIds, reasons, failure, remaining, unsettledRound },
    `${status}: complete the outcomes, erase cardholder data`,
  );
  state.closed(result, failure && `${failure}: ${reasons.join('; ')}`);
  if (input.reportTo !== undefined) await report(input.reportTo, result);
  await condition(allHandlersFinished);
  return ended(result);
}
