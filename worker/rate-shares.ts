import type { Logger } from 'pino';
import { gatewayTaskQueue } from '../enrollment/identifiers.js';
import type { Brake } from '../mastercard/brake.js';
import { pollersOf, type TaskQueuePlace } from './pollers.js';

export interface RateSharesOptions extends TaskQueuePlace {
  /** The task queue of the workflows; each program has one of its own beside it. */
  taskQueue: string;
  /** By program. */
  brakes: ReadonlyMap<string, Brake>;
  /** As which this process polls. */
  identity: string;
  logger: Pick<Logger, 'warn'>;
}

/** Workers often start together: the first counts come sooner. */
const REFRESH_MS = { first: 1_000, later: 10_000 };

/** A worker polls again when its long poll of a minute ends; one that has left is still listed for a while. */
const POLLED_WITHIN_MS = 70_000;

const UNCOUNTED =
  'Temporal does not say how many workers call Mastercard for this program; this worker keeps the last count, at ' +
  'first itself alone, and asks every 10 s. Should it go on, allow the worker to describe task queues';

/**
 * Leaves to each brake this worker's part of the rate, now and then every 10 s: it counts who polls the program's
 * task queue. Temporal's limit alone holds on the average only, because each partition of the queue
 * saves up calls while it is empty (docs/operations.md). Where Temporal does not answer, the last count stands.
 * @returns what ends it, once the first count is there.
 */
export async function shareRates(options: RateSharesOptions): Promise<() => void> {
  const { brakes, logger } = options;
  const uncounted = new Set<string>();
  let hasEnded = false;
  const refreshOne = async ([program, brake]: [string, Brake]) => {
    try {
      brake.shareAmong(await countWorkers(program, options));
      uncounted.delete(program);
    } catch (err) {
      if (hasEnded) return;
      if (!uncounted.has(program)) logger.warn({ program, err }, UNCOUNTED);
      uncounted.add(program);
    }
  };
  let timer: NodeJS.Timeout | undefined;
  const refreshFrom = async (waitMs: number): Promise<void> => {
    await Promise.all([...brakes].map(refreshOne));
    if (hasEnded) return;
    const nextMs = Math.min(2 * waitMs, REFRESH_MS.later);
    timer = setTimeout(() => void refreshFrom(nextMs), waitMs).unref();
  };
  await refreshFrom(REFRESH_MS.first);
  return () => {
    hasEnded = true;
    clearTimeout(timer);
  };
}

async function countWorkers(
  program: string,
  { taskQueue, identity, ...place }: RateSharesOptions,
): Promise<number> {
  const pollers = await pollersOf(place, gatewayTaskQueue(taskQueue, program), 'activity');
  const since = Date.now() - POLLED_WITHIN_MS;
  const recent = pollers.filter(({ polledAt }) => polledAt >= since);
  return new Set([identity, ...recent.map((poller) => poller.identity)]).size;
}
