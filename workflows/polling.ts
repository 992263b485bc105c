import { condition } from '@temporalio/workflow';
import { FailureType } from '../enrollment/errors.js';
import { pollDelay } from '../enrollment/schedule.js';
import type { StatusAnswer } from '../activities/index.js';
import { fetchStatus } from './activity-proxies.js';
import type { BatchState } from './batch-state.js';
import { endedByTimeout, failed, type Ending } from './ending.js';
import type { AcceptedSubmission } from './submission.js';

/** A last poll at the deadline still gets this long (ms). */
const LAST_POLL_MS = 60_000;

/**
 * Asks Mastercard for the batch's status, at the times the policy says or when nudged, until it is
 * terminal or the deadline has passed. A status nobody knows is not terminal.
 */
export async function pollUntilTerminal(
  state: BatchState,
  round: number,
  submission: AcceptedSubmission,
): Promise<Ending> {
  const { batch, policy } = state;
  const { batchId } = submission;
  let { flowId } = submission;
  const acceptedAt = Date.now();
  const deadlineAt = acceptedAt + policy.polling.deadline;
  state.pollsUntil(deadlineAt);

  while (Date.now() < deadlineAt) {
    const wait = Math.min(pollDelay(policy.polling, state.polls, Math.random()), deadlineAt - Date.now());
    state.waitsToPoll(wait);
    await condition(() => state.takeNudge(), wait, { summary: `next poll (${state.polls + 1})` });

    const answer = await poll(state, { batch, round, batchId, flowId }, deadlineAt);
    if (!answer) break;
    state.polled(answer);
    switch (answer.kind) {
      case 'terminal':
        return endingOfTerminal(state, answer, round);
      case 'foreign':
        return failed(
          FailureType.SubmissionUnresolved,
          `batchId ${batchId} belongs to another externalBatchId`,
          {
            status: 'UNREPORTED',
            reason: 'SUBMISSION_UNRESOLVED',
            round,
          },
        );
      case 'notFound':
        if (Date.now() - acceptedAt <= policy.polling.notFoundGrace) break;
        return failed(FailureType.BatchFailed, `Mastercard does not know batchId ${batchId}`, {
          status: 'UNREPORTED',
          reason: 'BATCH_NOT_FOUND',
          round,
        });
      case 'denied':
        break;
      case 'processing':
        flowId = answer.flowId ?? flowId;
    }
  }
  return {
    status: 'EXPIRED',
    failure: FailureType.PollingDeadlineExceeded,
    reasons: [`batchId ${batchId} was not terminal before the polling deadline`],
    remaining: { status: 'UNREPORTED', reason: 'POLLING_DEADLINE_EXCEEDED', round },
  };
}

/** @returns nothing when Mastercard could not be reached before the deadline. */
async function poll(
  state: BatchState,
  input: Parameters<typeof fetchStatus>[0],
  deadlineAt: number,
): Promise<StatusAnswer | undefined> {
  const giveUpAfter = Math.max(deadlineAt - Date.now(), LAST_POLL_MS);
  try {
    return await fetchStatus(input, giveUpAfter, `poll ${state.polls + 1}`);
  } catch (error) {
    if (endedByTimeout(error)) return undefined;
    throw error;
  }
}

function endingOfTerminal(
  state: BatchState,
  { counts, batchFailed, batchStatus }: Extract<StatusAnswer, { kind: 'terminal' }>,
  round: number,
): Ending {
  const remaining = { status: 'UNREPORTED', reason: 'MISSING_FROM_ANSWER', round } as const;
  if (batchFailed && counts.unreported > 0) {
    return failed(FailureType.BatchFailed, `Mastercard ended the batch as ${batchStatus}`, remaining);
  }
  if (counts.enrolled === counts.cards) return { status: 'COMPLETED', reasons: [], remaining };
  return { status: 'COMPLETED_WITH_ERRORS', reasons: state.shortfalls(), remaining };
}
