import type { Brake } from './brake.js';
import type { GatewayOperation } from './api/failures.js';
import { GatewayFailure } from './errors.js';
import type { CallOptions, EnrollmentGateway } from './gateway.js';

/** So long that a call of 30 s still ends within the 40 s that a worker has to stop. */
const PATIENCE_MS = 8_000;

/**
 * A gateway whose calls wait for their turn, and which sends nothing while Mastercard has the program slow
 * down. A call whose turn does not come in time fails as one that Mastercard did not take (`notAccepted`,
 * with `retryAfterMs`): it was not sent.
 */
export function brakedGateway(gateway: EnrollmentGateway, brake: Brake): EnrollmentGateway {
  const braked =
    <Request, Result>(
      operation: GatewayOperation,
      send: (request: Request, options?: CallOptions) => Promise<Result>,
    ) =>
    async (request: Request, options?: CallOptions): Promise<Result> => {
      await takeTurn(brake, operation, options);
      const startedAt = performance.now();
      try {
        const result = await send(request, options);
        brake.passed(startedAt);
        return result;
      } catch (error) {
        if (error instanceof GatewayFailure && error.isThrottled)
          brake.throttled(startedAt, error.retryAfterMs);
        throw error;
      }
    };
  return {
    submitBatch: braked('submitBatch', (request, options) => gateway.submitBatch(request, options)),
    fetchBatchStatus: braked('fetchBatchStatus', (request, options) =>
      gateway.fetchBatchStatus(request, options),
    ),
    deleteCard: braked('deleteCard', (request, options) => gateway.deleteCard(request, options)),
    deleteProfile: braked('deleteProfile', (request, options) => gateway.deleteProfile(request, options)),
    close: () => gateway.close(),
  };
}

/** @throws GatewayFailure when it does not come, or the call is given up before. */
async function takeTurn(
  brake: Brake,
  operation: GatewayOperation,
  { signal }: CallOptions = {},
): Promise<void> {
  let retryAfterMs: number;
  try {
    retryAfterMs = await brake.turn(PATIENCE_MS, signal);
  } catch (error) {
    if (!signal?.aborted) throw error;
    throw new GatewayFailure({ kind: 'notSent', operation, problem: 'given up before it was sent' });
  }
  if (retryAfterMs === 0) return;
  throw new GatewayFailure({
    kind: 'notAccepted',
    operation,
    problem: "nothing was sent: the program's calls are slowed down",
    reason: 'SLOWED_DOWN',
    retryAfterMs,
  });
}
