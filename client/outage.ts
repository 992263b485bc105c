import { setTimeout as delay } from 'node:timers/promises';
import { isGrpcServiceError, ServiceError } from '@temporalio/client';

/** gRPC's status for a server that is not there. */
const UNAVAILABLE = 14;

/** How long Temporal may stay away (ms): a restart, a failover, an upgrade. */
const PATIENCE_MS = 15 * 60_000;
const PAUSE_MS = 2_000;

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
    try {
      return await ask();
    } catch (error) {
      if (!isAway(error)) throw error;
      awaySince ??= Date.now();
      if (Date.now() - awaySince >= patienceMs) throw error;
      await delay(pauseMs);
    }
  }
}

function isAway(error: unknown): boolean {
  return error instanceof ServiceError && isGrpcServiceError(error.cause) && error.cause.code === UNAVAILABLE;
}
