import { activityInfo, cancellationSignal, sleep } from '@temporalio/activity';
import { backoffDelay } from '../enrollment/schedule.js';
import { GatewayFailure } from '../mastercard/errors.js';
import type { CallOptions } from '../mastercard/gateway.js';
import { correlationIdOf } from './correlation.js';

const ATTEMPTS = 4;
const BACKOFF = { initial: 1_000, coefficient: 2, maximum: 30_000 };

/** One attempt at a call. */
type Attempt<T> = (correlationId: string, options: CallOptions) => Promise<T>;

/**
 * Makes the many calls of one activity, of a kind that is safe to repeat; each waits for its turn however
 * long it takes. A call that fails in a way that may pass is repeated a few times, after a growing wait or
 * the longer one that Mastercard asks for.
 */
export class RepeatableCalls {
  private calls = 0;

  /**
   * @returns what the call gave, or the failure that repeating did not mend.
   * @throws CancelledFailure when the activity is cancelled, for instance because the worker stops.
   */
  async make<T>(attempt: Attempt<T>): Promise<T | GatewayFailure> {
    for (let attempts = 1; ; attempts += 1) {
      cancellationSignal().throwIfAborted();
      try {
        this.calls += 1;
        return await attempt(correlationIdOf(activityInfo(), this.calls), {
          signal: cancellationSignal(),
          patienceMs: Infinity,
        });
      } catch (error) {
        // A call that was cut short says nothing about Mastercard.
        cancellationSignal().throwIfAborted();
        if (!(error instanceof GatewayFailure)) throw error;
        if (!mayPass(error) || attempts === ATTEMPTS) return error;
        await sleep(Math.max(backoffDelay(BACKOFF, attempts - 1), error.retryAfterMs ?? 0));
      }
    }
  }
}

function mayPass({ kind }: GatewayFailure): boolean {
  switch (kind) {
    case 'notSent':
    case 'notAccepted':
    case 'unknown':
      return true;
    case 'duplicate':
    case 'refused':
    case 'configuration':
    case 'notFound':
      return false;
  }
}
