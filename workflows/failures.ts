import { ActivityFailure, ApplicationFailure, rootCause, TimeoutFailure } from '@temporalio/workflow';
import { FailureType, isFailureType } from '../enrollment/errors.js';

/** The error of a workflow that cannot be started with its input: nothing was kept, and no card was sent. */
export function inputRefused(message: string): ApplicationFailure {
  return ApplicationFailure.create({ type: FailureType.InputRefused, message, nonRetryable: true });
}

/** A report of an activity that does not answer the call: whether the work was done is unknown. */
export class NoReport extends Error {
  override readonly name = 'NoReport';
  constructor() {
    super('its report answers another call');
  }
}

/** What an activity that could not do its work leaves: a type that operators know, and a sentence. */
export interface ActivityProblem {
  type: FailureType | undefined;
  message: string;
  /** Whether it ended by a time limit: its worker may have died, or done the work and not reported it. */
  isTimeout: boolean;
}

/**
 * Why an activity could not do its work. Any other error is a defect of the workflow and is thrown on: Temporal
 * then holds the workflow task until a worker with the defect mended takes it, and nothing is lost.
 */
export function activityProblem(error: unknown): ActivityProblem {
  if (error instanceof NoReport) return { type: undefined, message: error.message, isTimeout: false };
  if (!(error instanceof ActivityFailure)) throw error;
  const { cause, activityType, retryState } = error;
  const type = cause instanceof ApplicationFailure && isFailureType(cause.type) ? cause.type : undefined;
  return {
    type,
    message: `${activityType}: ${rootCause(error) ?? error.message}`,
    // Where the next retry would come too late, Temporal does not wait for the limit: the last failure is the cause then.
    isTimeout: cause instanceof TimeoutFailure || retryState === 'TIMEOUT',
  };
}
