import { FailureType } from '../../enrollment/errors.js';
import type { OutcomeCounts } from '../../enrollment/outcomes.js';
import type { RemainingOutcome } from '../../activities/index.js';
import { mayBeAtMastercard, type BatchState, type Ending } from './state.js';
import { maskPersonal } from '../../protection/mask.js';

const NOT_SENT: RemainingOutcome = { status: 'UNREPORTED', reason: 'NOT_SENT' };

/** No card was sent: the records themselves do not allow it. */
export function rejectedUnsent(reason: string): Ending {
  return {
    status: 'REJECTED',
    reasons: [reason],
    remaining: NOT_SENT,
    unsettledRound: null,
    failure: null,
  };
}

/** Mastercard refused the request. Nothing was accepted, so no operator must act. */
export function rejectedByMastercard(reason: string, remaining: Omit<RemainingOutcome, 'status'>): Ending {
  return {
    status: 'REJECTED',
    reasons: [reason],
    remaining: { status: 'FAILED', ...remaining },
    unsettledRound: null,
    failure: null,
  };
}

/** c2p cannot go on. What Mastercard may have is unsettled. */
export function failed(state: BatchState, failure: FailureType, reason: string, unreported?: string): Ending {
  const atMastercard = mayBeAtMastercard(state);
  const { n } = state.round;
  return {
    status: 'FAILED',
    reasons: [reason],
    remaining: atMastercard
      ? { status: 'UNREPORTED', reason: unreported ?? 'BATCH_FAILED', round: n }
      : NOT_SENT,
    unsettledRound: atMastercard ? n : null,
    failure,
  };
}

/** Mastercard was not done at the polling deadline. */
export function expired({ round: { n } }: BatchState, batchId: string): Ending {
  return {
    status: 'EXPIRED',
    reasons: [`batchId ${maskPersonal(batchId)} was not terminal before the polling deadline`],
    remaining: { status: 'UNREPORTED', reason: 'POLLING_DEADLINE_EXCEEDED', round: n },
    unsettledRound: n,
    failure: FailureType.PollingDeadlineExceeded,
  };
}

/** Somebody cancelled the batch, and it goes no further. */
export function cancelled(state: BatchState): Ending {
  const { n } = state.round;
  const isSettled = state.stage.name === 'betweenRounds';
  const atMastercard = !isSettled && mayBeAtMastercard(state);
  const when = isSettled
    ? `between round ${n} and round ${n + 1}`
    : atMastercard
      ? 'while Mastercard had the batch'
      : n > 1
        ? `before round ${n} was submitted`
        : 'before it was submitted';
  return {
    status: 'CANCELLED',
    reasons: [`cancelled ${when}`],
    remaining: {
      status: 'UNREPORTED',
      reason: atMastercard ? 'CANCELLED_UNREPORTED' : 'CANCELLED_NOT_SENT',
    },
    unsettledRound: atMastercard ? n : null,
    failure: null,
  };
}

/** The batch ends with the terminal answer to its last round. */
export function settled(
  state: BatchState,
  answer: { batchStatus: string; batchFailed: boolean; counts: OutcomeCounts },
): Ending {
  const { counts, batchFailed, batchStatus } = answer;
  const ending: Ending = {
    status: 'COMPLETED',
    reasons: [],
    remaining: { status: 'UNREPORTED', reason: 'MISSING_FROM_ANSWER', round: state.round.n },
    unsettledRound: null,
    failure: null,
  };
  if (batchFailed && counts.unreported > 0)
    return {
      ...ending,
      status: 'FAILED',
      reasons: [`Mastercard ended the batch as ${batchStatus}`],
      failure: FailureType.BatchFailed,
    };
  if (counts.enrolled === counts.cards) return ending;
  return { ...ending, status: 'COMPLETED_WITH_ERRORS', reasons: shortfalls(state) };
}

/**
 * How the batch ends where Mastercard did not accept a round. A later round leaves the outcomes of the one before, so
 * every card is still accounted for and nobody must act.
 */
export function endingOfRound(state: BatchState, ending: Ending): Ending {
  const { n } = state.round;
  if (n === 1 || ending.unsettledRound !== null) return ending;
  return {
    ...ending,
    status: 'COMPLETED_WITH_ERRORS',
    reasons: [...shortfalls(state), `round ${n} was not taken: ${ending.reasons.join('; ')}`],
    failure: null,
  };
}

/** Why not every card is enrolled, in short sentences. */
function shortfalls({ counts, reasons }: BatchState): string[] {
  const { failed, invalid, unreported } = counts;
  const shortfall = [
    [failed, 'declined by Mastercard'],
    [invalid, 'invalid and not sent'],
    [unreported, 'not reported by Mastercard'],
  ] as const;
  return [...shortfall.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`), ...reasons];
}
