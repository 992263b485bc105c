import { CompleteAsyncError } from '@temporalio/activity';
import { ApplicationFailure, TemporalFailure } from '@temporalio/common';
import type { ActivityInterceptorsFactory } from '@temporalio/worker';
import { maskedError } from '../protection/error-text.js';

/**
 * Masks every error that an activity throws before it becomes a failure in history and a line in the
 * log: errors of libraries may quote what they worked on. Its type, its causes and whether it is retried stay.
 */
export const maskedFailures: ActivityInterceptorsFactory = () => ({
  inbound: {
    async execute(input, next) {
      try {
        return await next(input);
      } catch (error) {
        throw masked(error);
      }
    },
  },
});

function masked(error: unknown): unknown {
  if (error instanceof CompleteAsyncError) return error;
  if (!(error instanceof TemporalFailure)) {
    const plain = maskedError(error);
    // By this name the SDK knows that the work was cut short.
    return plain.name === 'AbortError' ? plain : ApplicationFailure.fromError(plain, { type: plain.name });
  }
  const { message, stack, cause } = maskedError(error);
  return Object.defineProperties(error, {
    message: { value: message },
    stack: { value: stack },
    cause: { value: cause },
  });
}
