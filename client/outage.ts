import { setTimeout as delay } from 'node:timers/promises';
import { isGrpcServiceError, ServiceError } from '@temporalio/client';

/** gRPC's status for a server that is not there. */
const UNAVAILABLE = 14;

/** How long Temporal may stay away (ms): a restart, a failover, an upgrade. */
const PATIENCE_MS = 15 * 60_000;
const PAUSE_MS = 2_000;
const SDK_GIVES_UP_WITHIN_MS = 60_000;

/**
 * Asks Temporal again while it is away; the SDK's own client gives up after some 20 s.
 * @param ask a question, which may be put more than once.
 * @throws what `ask` throws, once Temporal was away for a quarter of an hour, or for another reason.
 */
export async function throughOutages<T>(
  ask: () => Promise<T>,
  { patienceMs = PATIENCE_MS, pauseMs = PAUSE_MS } = {},
): Promise<T> {
  let awaySince: number | undefined;
  for (;;) {
    const askedAt = Date.now();
    try {
      return await ask();
    } catch (error) {
      if (!isAway(error)) throw error;
      // A question that waited longer than the SDK's client does had somebody there to wait for.
      if (Date.now() - askedAt > SDK_GIVES_UP_WITHIN_MS) awaySince = undefined;
      awaySince ??= Date.now();
      if (Date.now() - awaySince >= patienceMs) throw error;
      await delay(pauseMs);
    }
  }
}

function isAway(error: unknown): boolean {
  return (
    error instanceof ServiceError &&
    isGrpcServiceError(error.cause) &&
    Number(error.cause.code) === UNAVAILABLE
  );
}
