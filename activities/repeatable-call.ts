import {
  activityInfo,
  ApplicationFailure,
  CancelledFailure,
  cancellationSignal,
  Context,
} from '@temporalio/activity';
import { FailureType } from '../enrollment/errors.js';
import type { FailureKind } from '../mastercard/api/failures.js';
import { GatewayFailure } from '../mastercard/errors.js';
import type { CallOptions } from '../mastercard/gateway.js';
import { correlationIdOf } from './correlation.js';
import { whileHeartbeating } from './heartbeat.js';

/** What another attempt may mend. */
const MAY_PASS: ReadonlySet<FailureKind> = new Set<FailureKind>(['notSent', 'notAccepted', 'unknown']);

/**
 * Makes an activity's one call to Mastercard, of a kind that is safe to repeat. It is Temporal that repeats it,
 * so that each attempt takes its turn on the program's task queue, and history shows how many there were.
 *
 * @returns what the call gave, or a failure that no other attempt would mend.
 * @throws ApplicationFailure of type GatewayUnavailable for one that may: Temporal retries, after `Retry-After`
 *   if given. CancelledFailure where the activity was cancelled: the call did not fail, it was cut short.
 */
export async function repeatableCall<T>(
  call: (correlationId: string, options: CallOptions) => Promise<T>,
): Promise<T | GatewayFailure> {
  try {
    return await whileHeartbeating(() =>
      call(correlationIdOf(activityInfo()), { signal: cancellationSignal() }),
    );
  } catch (error) {
    if (!(error instanceof GatewayFailure)) throw error;
    const { kind, message, retryAfterMs: nextRetryDelay } = error;
    if (Context.current().cancellationDetails?.cancelRequested) throw new CancelledFailure(message);
    if (!MAY_PASS.has(kind)) return error;
    const type = FailureType.GatewayUnavailable;
    throw ApplicationFailure.create({ type, message, nextRetryDelay, cause: error });
  }
}
