import { FailureType } from '../../enrollment/errors.js';
import type { Question } from '../../enrollment/questions.js';
import type { Wait } from '../waiting.js';
import type { BatchProgress } from './messages.js';
import { pollingDeadline, untilNextPoll, untilNextRound } from './polling.js';
import { isIn } from '../staged.js';
import { keyOf, type BatchState, type Polling } from './state.js';
import { statusOf } from './status.js';
import { untilNextOffer } from './submission.js';
import { maskPersonal } from '../../protection/mask.js';

/** Progress of a batch as its workflow knows it: always with both. */
export type OpenProgress = BatchProgress & Required<Pick<BatchProgress, 'submission' | 'polling'>>;

/** What operators see of a batch: a function of its state. */
export function progressOf(state: BatchState): OpenProgress {
  const { round, stage, policy, changes, notices, batchIds, counts } = state;
  const { lastStatus } = round;
  const polling = pollingOf(state);
  return {
    ...keyOf(state),
    status: statusOf(state),
    batchIds,
    counts,
    round: round.n,
    nextRoundAt: isIn(state, 'betweenRounds') ? instantOf(untilNextRound(state)) : undefined,
    submission: {
      attempts: round.offers,
      lastAnswer: round.lastAnswer ?? undefined,
      nextAttemptAt: isIn(state, 'submitting') ? instantOf(untilNextOffer(state)) : undefined,
    },
    polling: {
      polls: round.polls,
      lastStatus: lastStatus?.text,
      lastStatusUnknown: lastStatus ? !lastStatus.isKnown : undefined,
      deadlineAt: polling && iso(pollingDeadline(state, polling)),
    },
    nextPollAt:
      isIn(state, 'polling') && !state.stage.isUnderWay ? instantOf(untilNextPoll(state)) : undefined,
    question: questionOf(state),
    policy,
    changes,
    notices,
    reasons: reasonsOf(state),
    error: stage.name === 'closed' ? closedError(stage.result) : errorOf(state),
  };
}

function pollingOf({ stage }: BatchState): Polling | undefined {
  if (stage.name === 'polling') return stage;
  return stage.name === 'asking' && stage.question === 'moreTime' ? stage.polling : undefined;
}

function questionOf({ stage }: BatchState): Question | undefined {
  if (stage.name === 'asking') return stage.question;
  return stage.name === 'heldUp' ? 'key' : undefined;
}

/** What needs an operator, or what keeps Mastercard's answer away. */
function errorOf({ stage }: BatchState): string | undefined {
  if (stage.name === 'heldUp') return `${FailureType.SealedBlobUnreadable}: ${stage.why}`;
  if (stage.name === 'polling') return stage.problem ?? undefined;
  if (stage.name !== 'asking') return undefined;
  if (stage.question === 'batchId') return stage.why;
  if (stage.question === 'removal') return stage.left;
  if (stage.question === 'cancellation')
    return 'Temporal was asked to cancel the workflow, without c2p, and Mastercard may have cards of the batch';
  return (
    `${FailureType.PollingDeadlineExceeded}: batchId ${maskPersonal(stage.polling.batchId)} was not terminal ` +
    'before the polling deadline'
  );
}

function closedError({ failure, reasons }: { failure?: string | undefined; reasons: readonly string[] }) {
  return failure && `${failure}: ${reasons.join('; ')}`;
}

function reasonsOf(state: BatchState): readonly string[] {
  const { stage, isCancelled, isCancelAsked, reasons } = state;
  if (stage.name === 'closed') return stage.result.reasons;
  if (stage.name === 'closing') return stage.ending.reasons;
  if (isCancelAsked && stage.name === 'asking' && stage.question !== 'removal')
    return ['Temporal was asked to cancel the workflow, without c2p: that is the next question', ...reasons];
  const isSeenToItsEnd = stage.name === 'submitting' || stage.name === 'polling' || stage.name === 'asking';
  if (!isCancelled || !isSeenToItsEnd) return reasons;
  return ['cancelled: the cards are removed as soon as Mastercard has processed them', ...reasons];
}

function instantOf(wait: Wait): string | undefined {
  return wait.over || wait.until === null ? undefined : iso(wait.until);
}

function iso(at: number): string {
  return new Date(at).toISOString();
}
