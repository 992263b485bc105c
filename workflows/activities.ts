import { proxyActivities, workflowInfo, type ActivityOptions } from '@temporalio/workflow';
import type { GatewayActivities, LocalActivities } from '../activities/index.js';
import { gatewayTaskQueue } from '../enrollment/identifiers.js';

/**
 * How activities are called, by what may be repeated. Each group is a set of options; what a call says of itself
 * (`summary`) is beside it in the Web UI.
 */

/** Store and processor: idempotent, so Temporal retries until it works; what waiting cannot mend is not retried. */
const STORE: ActivityOptions = {
  startToCloseTimeout: '20s',
  retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '1 minute' },
};

/** Work on many batches at a time. */
const MANY: ActivityOptions = { ...STORE, startToCloseTimeout: '5 minutes' };

/** A compressed source has to be read from its beginning to where a page begins. */
const READING: ActivityOptions = {
  ...STORE,
  startToCloseTimeout: '2 hours',
  heartbeatTimeout: '30s',
  cancellationType: 'WAIT_CANCELLATION_COMPLETED',
};

/** A call to Mastercard has 30 s; this is the net under it. Heartbeats show a dead worker sooner. */
const GATEWAY: ActivityOptions = {
  startToCloseTimeout: '90s',
  heartbeatTimeout: '10s',
  cancellationType: 'WAIT_CANCELLATION_COMPLETED',
};

/** A GET: Temporal retries it until it is answered, or the time is up. */
const STATUS: ActivityOptions = {
  ...GATEWAY,
  retry: { initialInterval: '5s', backoffCoefficient: 2, maximumInterval: '5 minutes' },
};

/** A deletion is safe to repeat; what fails so often is an operator's decision. */
const REMOVAL: ActivityOptions = {
  ...GATEWAY,
  retry: { initialInterval: '2s', backoffCoefficient: 2, maximumInterval: '1 minute', maximumAttempts: 6 },
};

type Call = { summary: string };

export function onStore({ summary }: Call) {
  return proxyActivities<LocalActivities>({ ...STORE, summary });
}

export function onManyBatches({ summary }: Call) {
  return proxyActivities<LocalActivities>({ ...MANY, summary });
}

export function onSource({ summary }: Call) {
  return proxyActivities<LocalActivities>({ ...READING, summary });
}

/** One attempt: whether another is safe depends on how it failed, and is the workflow's decision. */
export function offering(program: string, { summary }: Call) {
  return proxyActivities<GatewayActivities>({
    ...GATEWAY,
    taskQueue: queueOf(program),
    retry: { maximumAttempts: 1 },
    summary,
  });
}

/** @param giveUpAfter milliseconds for all attempts together. */
export function asking(program: string, { summary, giveUpAfter }: Call & { giveUpAfter: number }) {
  return proxyActivities<GatewayActivities>({
    ...STATUS,
    taskQueue: queueOf(program),
    scheduleToCloseTimeout: giveUpAfter,
    summary,
  });
}

export function removing(program: string, { summary }: Call) {
  return proxyActivities<GatewayActivities>({ ...REMOVAL, taskQueue: queueOf(program), summary });
}

/** The program's own task queue, rate-limited across all workers. */
function queueOf(program: string): string {
  return gatewayTaskQueue(workflowInfo().taskQueue, program);
}
