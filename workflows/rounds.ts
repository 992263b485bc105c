import { sleep } from '@temporalio/workflow';
import { FailureType } from '../enrollment/errors.js';
import type { BatchState } from './batch-state.js';
import { failed, type Ending } from './ending.js';
import type { TerminalAnswer } from './polling.js';

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
