import {
  ActivityFailure,
  ApplicationFailure,
  TimeoutFailure,
  type WorkflowInterceptorsFactory,
} from '@temporalio/workflow';
import { WORKER_DIED } from './worker-died.js';

/**
 * Shows a workflow an attempt in which the worker died as Temporal shows it: ended by a time limit. The
 * test server cannot skip the seconds until it notices a real death, so a model's worker reports its own.
 */
export const interceptors: WorkflowInterceptorsFactory = () => ({
  outbound: [
    {
      async scheduleActivity(input, next) {
        try {
          return await next(input);
        } catch (error) {
          throw asTimeout(error);
        }
      },
    },
  ],
});

function asTimeout(error: unknown): unknown {
  if (!(error instanceof ActivityFailure)) return error;
  const { message, activityType, activityId, retryState, identity, cause } = error;
  if (!(cause instanceof ApplicationFailure && cause.type === WORKER_DIED)) return error;
  const timeout = new TimeoutFailure('activity timed out', undefined, 'HEARTBEAT');
  return new ActivityFailure(message, activityType, activityId, retryState, identity, timeout);
}
