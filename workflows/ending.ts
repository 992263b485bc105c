import {
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  CancelledFailure,
  isCancellation,
  patched,
  rootCause,
  TimeoutFailure,
} from '@temporalio/workflow';
import type { BatchResult, ClosedStatus } from '../enrollment/batch.js';
import type { BulkResult } from '../enrollment/bulk.js';
import { FailureType, isFailureType } from '../enrollment/errors.js';
import type { RemainingOutcome } from '../activities/index.js';
import type { BatchState } from './batch-state.js';

/** How a batch ends: what it is called, and what becomes of the cards that have no outcome yet. */
export interface Ending {
  status: ClosedStatus;
  reasons: string[];
  remaining: RemainingOutcome;
  /** The round whose cards get `remaining` even if an earlier round gave them an outcome: it may have changed them. */
  unsettledRound?: number | undefined;
  /** Set when an operator must act: the workflow then fails with this type. */
  failure?: FailureType | undefined;
}

/** Nothing was accepted, so nothing is enrolled, and no operator must act. */
export function rejected(reasons: string[], remaining: RemainingOutcome): Ending {
  return { status: 'REJECTED', reasons, remaining };
}

/** The batch ends in a way that needs an operator. */
export function failed(failure: FailureType, reason: string, remaining: RemainingOutcome): Ending {
  return { status: 'FAILED', reasons: [reason], remaining, failure };
}

/** Mastercard has the round, or may have it, and nobody knows under which batchId. */
export function unresolved(reason: string, round: number): Ending {
  const remaining = { status: 'UNREPORTED', reason: 'SUBMISSION_UNRESOLVED', round } as const;
  return { ...failed(FailureType.SubmissionUnresolved, reason, remaining), unsettledRound: round };
}

/**
 * The ending that a failure leads to: a cancellation, or an activity that could not do its work. Any
 * other error is a defect of the workflow itself and is thrown on: Temporal then holds the workflow
 * task until a worker with the defect mended takes it, and nothing is lost.
 *
 */
export function endingOf(
  error: unknown,
  { round, mayBeAccepted }: Pick<BatchState, 'round' | 'mayBeAccepted'>,
): Ending {
  const unsettledRound = mayBeAccepted ? round : undefined;
  if (wasCancelled(error)) {
    return {
      status: 'CANCELLED',
      reasons: [
        mayBeAccepted ? 'cancelled while Mastercard had the batch' : 'cancelled before it was submitted',
      ],
      remaining: {
        status: 'UNREPORTED',
        reason: mayBeAccepted ? 'CANCELLED_UNREPORTED' : 'CANCELLED_NOT_SENT',
      },
      unsettledRound,
    };
  }
  if (!(error instanceof ActivityFailure)) throw error;
  const reason = `${error.activityType}: ${rootCause(error) ?? error.message}`;
  const remaining = { status: 'UNREPORTED', reason: mayBeAccepted ? 'BATCH_FAILED' : 'NOT_SENT' } as const;
  return { ...failed(failureTypeOf(error.cause), reason, remaining), unsettledRound };
}

function failureTypeOf(cause: unknown): FailureType {
  if (cause instanceof ApplicationFailure && isFailureType(cause.type)) return cause.type;
  return FailureType.BatchFailed;
}

/**
 * Whether an error is a cancellation. A call that one cut short fails in its own way; a failure that no
 * retry mends has another cause, and is told for what it is.
 */
export function wasCancelled(error: unknown): boolean {
  if (isCancellation(error)) return true;
  if (!(error instanceof ActivityFailure && CancellationScope.current().consideredCancelled)) return false;
  const { cause } = error;
  if (!(cause instanceof ApplicationFailure && cause.nonRetryable === true)) return true;
  // Since 0.3.0; before, it was taken for the cancellation. replay-tested: 2026-11-24
  if (!patched('final-failure-of-cancelled-batch')) return true;
  return false;
}

/**
 * Ends the workflow as its result says: completed, failed where an operator must act, or cancelled.
 * @throws ApplicationFailure of the result's failure type; CancelledFailure.
 */
export function ended<Result extends Pick<BatchResult | BulkResult, 'failure' | 'status' | 'reasons'>>(
  result: Result,
): Result {
  const { failure, status, reasons } = result;
  const message = reasons.join('; ');
  if (failure)
    throw ApplicationFailure.create({ type: failure, message, nonRetryable: true, details: [result] });
  if (status === 'CANCELLED') throw new CancelledFailure(message, [result]);
  return result;
}

/**
 * Whether an activity ended by a time limit: its worker may have died, or done the work and not said so.
 * Where the next retry would come too late, Temporal does not wait for the limit: the last failure is the cause then.
 */
export function endedByTimeout(error: unknown): boolean {
  if (!(error instanceof ActivityFailure)) return false;
  return error.cause instanceof TimeoutFailure || error.retryState === 'TIMEOUT';
}
