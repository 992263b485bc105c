import { condition } from '@temporalio/workflow';
import { FailureType } from '../enrollment/errors.js';
import { pollDelay } from '../enrollment/schedule.js';
import type { StatusAnswer } from '../activities/index.js';
import { fetchStatus } from './activity-proxies.js';
import type { BatchState } from './batch-state.js';
import type { DeadlineDesk } from './deadline-desk.js';
import { endedByTimeout, failed, type Ending } from './ending.js';
import { handOverWhenLong } from './hand-over.js';
import type { AcceptedSubmission, UncertainSubmission } from './submission.js';

export type TerminalAnswer = Extract<StatusAnswer, { kind: 'terminal' }>;

/** A last poll at the deadline still gets this long (ms). */
const LAST_POLL_MS = 60_000;

/**
 * Asks Mastercard for the batch's status, at the times the policy says or when nudged, until it is
 * terminal or the deadline has passed and nobody gives it more time. A status nobody knows is not terminal.
 *
 * @returns the terminal answer, that the batchId is not ours, or how the batch ends without one.
 */
export async function pollUntilTerminal(
  state: BatchState,
  desk: DeadlineDesk,
  round: number,
  { batchId }: AcceptedSubmission,
): Promise<TerminalAnswer | UncertainSubmission | Ending> {
  const { batch, acceptedAt } = state;
  state.showDeadline();

  for (let late = false; ;) {
    late ||= Date.now() >= state.pollingDeadline;
    if (late && !(await desk.askForMoreTime(batchId))) return expired(batchId, round);
    await handOverWhenLong(state, { stage: 'polling', batchId });
    await waitForPoll(state);

    const { flowId, policy, pollingDeadline } = state;
    const further = round < policy.retryFailedRecords.maxRounds;
    const input = { batch, round, batchId, flowId, ...(further ? { retryInRound: round + 1 } : {}) };
    const answer = await poll(state, input);
    late = answer === undefined && pollingDeadline === state.pollingDeadline;
    if (!answer) continue;
    state.polled(answer);
    switch (answer.kind) {
      case 'terminal':
        return answer;
      case 'foreign':
        return { uncertain: true, why: `batchId ${batchId} belongs to another externalBatchId` };
      case 'notFound':
        if (Date.now() - acceptedAt <= policy.polling.notFoundGrace) break;
        return {
          ...failed(FailureType.BatchFailed, `Mastercard does not know batchId ${batchId}`, {
            status: 'UNREPORTED',
            reason: 'BATCH_NOT_FOUND',
            round,
          }),
          unsettledRound: round,
        };
      case 'denied':
      case 'processing':
        break;
    }
  }
}

/** Until the next poll is due, or until somebody wants one. */
async function waitForPoll(state: BatchState): Promise<void> {
  const delay = pollDelay(state.policy.polling, state.polls, Math.random());
  const wait = Math.max(1, Math.min(delay, state.pollingDeadline - Date.now()));
  state.waitsToPoll(wait);
  await condition(() => state.takeNudge(), wait, { summary: `next poll (${state.polls + 1})` });
}

function expired(batchId: string, round: number): Ending {
  return {
    status: 'EXPIRED',
    failure: FailureType.PollingDeadlineExceeded,
    reasons: [`batchId ${batchId} was not terminal before the polling deadline`],
    remaining: { status: 'UNREPORTED', reason: 'POLLING_DEADLINE_EXCEEDED', round },
    unsettledRound: round,
  };
}

/** @returns nothing when Mastercard could not be reached before the deadline. */
async function poll(
  state: BatchState,
  input: Parameters<typeof fetchStatus>[0],
): Promise<StatusAnswer | undefined> {
  const giveUpAfter = Math.max(state.pollingDeadline - Date.now(), LAST_POLL_MS);
  try {
    return await fetchStatus(input, giveUpAfter, `poll ${state.polls + 1}`);
  } catch (error) {
    if (endedByTimeout(error)) return undefined;
    throw error;
  }
}
