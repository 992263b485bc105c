import { patched, sleep } from '@temporalio/workflow';
import type { BlobRef } from '../enrollment/batch.js';
import { FailureType } from '../enrollment/errors.js';
import { encrypt } from './activity-proxies.js';
import type { BatchState } from './batch-state.js';
import { throughCancellation } from './compensation.js';
import type { DeadlineDesk } from './deadline-desk.js';
import { failed, unresolved, type Ending } from './ending.js';
import type { Checkpoint } from './messages.js';
import type { OperatorDesk } from './operator.js';
import { pollUntilTerminal, type TerminalAnswer } from './polling.js';
import { submitUntilSettled, type AcceptedSubmission, type UncertainSubmission } from './submission.js';

/** Where a round begins, or where the run before this one left it. */
export type RoundStart =
  { stage: 'encrypting'; validated: BlobRef } | Exclude<Checkpoint, { stage: 'removing' }>;

/** Where a batch waits for people. */
export interface Desks {
  operator: OperatorDesk;
  deadline: DeadlineDesk;
}

/** One submission of a set of records, to the answer that settles it. */
export async function enrollRound(
  state: BatchState,
  desks: Desks,
  round: number,
  start: RoundStart,
): Promise<TerminalAnswer | Ending> {
  let alreadyAccepted = start.stage === 'polling';
  let submission = await submitRound(state, round, start);
  for (;;) {
    if ('uncertain' in submission) {
      // Since 0.2.0; before, it failed the batch. replay-tested: 2026-11-24
      submission = patched('operator-desk')
        ? await desks.operator.askForBatchId(round, submission.why)
        : unresolved(submission.why, round);
    }
    if ('status' in submission) return submission;

    const accepted = submission;
    if (!alreadyAccepted) state.accepted(accepted);
    alreadyAccepted = false;
    const answer = await throughCancellation(state, () =>
      pollUntilTerminal(state, desks.deadline, round, accepted),
    );
    if (!('uncertain' in answer)) return answer;
    submission = answer;
  }
}

async function submitRound(
  state: BatchState,
  round: number,
  start: RoundStart,
): Promise<AcceptedSubmission | UncertainSubmission | Ending> {
  switch (start.stage) {
    case 'polling':
      return { batchId: start.batchId };
    case 'asking':
      return { uncertain: true, why: start.why };
    case 'submitting':
      return submit(state, round, start.enrollmentData);
    case 'encrypting': {
      const summary = `round ${round}, ${state.progress().counts.pending} cards`;
      const { batch } = state;
      const { enrollmentData } = await encrypt({ batch, round, validated: start.validated }, summary);
      state.enters('SUBMITTING');
      return submit(state, round, enrollmentData);
    }
  }
}

function submit(
  state: BatchState,
  round: number,
  enrollmentData: BlobRef,
): Promise<AcceptedSubmission | UncertainSubmission | Ending> {
  const offer = { enrollmentData };
  return throughCancellation(state, () => submitUntilSettled(state, round, offer));
}

/** Waits for as long as the policy wants between rounds, and makes the cards of the next one pending again. */
export async function waitForRound(state: BatchState, round: number, cards: number): Promise<void> {
  const { delay } = state.policy.retryFailedRecords;
  state.waitsForRound(round, delay);
  await sleep(delay, { summary: `round ${round} with ${cards} cards` });
  state.startsRound(round, cards);
}

/**
 * How a batch ends after its last round. A later round that Mastercard did not take leaves the outcomes
 * of the one before, so every card is still accounted for.
 */
export function endingOfRounds(state: BatchState, round: number, result: TerminalAnswer | Ending): Ending {
  if ('status' in result) {
    if (round === 1 || result.unsettledRound !== undefined) return result;
    return {
      status: 'COMPLETED_WITH_ERRORS',
      reasons: [...state.shortfalls(), `round ${round} was not taken: ${result.reasons.join('; ')}`],
      remaining: result.remaining,
    };
  }
  const { counts, batchFailed, batchStatus } = result;
  const remaining = { status: 'UNREPORTED', reason: 'MISSING_FROM_ANSWER', round } as const;
  if (batchFailed && counts.unreported > 0) {
    return failed(FailureType.BatchFailed, `Mastercard ended the batch as ${batchStatus}`, remaining);
  }
  if (counts.enrolled === counts.cards) return { status: 'COMPLETED', reasons: [], remaining };
  return { status: 'COMPLETED_WITH_ERRORS', reasons: state.shortfalls(), remaining };
}
