import { proxyActivities, sleep, workflowInfo } from '@temporalio/workflow';
import { gatewayTaskQueue } from '../enrollment/identifiers.js';
import type { BareActivities } from './bare-activities.js';

export interface BareEnrollmentInput {
  polls: number;
  pollEveryMs: number;
  program: string;
}

/**
 * What `batchEnrollment` asks of Temporal and nothing else: the same activities and timers in the same
 * order, on the same kinds of task queues with the same kinds of options, all of them doing nothing.
 */
export async function bareEnrollment({ polls, pollEveryMs, program }: BareEnrollmentInput): Promise<void> {
  const options = {
    startToCloseTimeout: '20s',
    retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '1 minute' },
  } as const;
  const local = proxyActivities<BareActivities>(options);
  const gateway = proxyActivities<BareActivities>({
    taskQueue: gatewayTaskQueue(workflowInfo().taskQueue, program),
    startToCloseTimeout: '90s',
    heartbeatTimeout: '10s',
    retry: { initialInterval: '5s', backoffCoefficient: 2, maximumInterval: '5 minutes' },
  });

  await local.validate();
  await local.encrypt();
  await gateway.submit();
  for (let poll = 0; poll < polls; poll += 1) {
    await sleep(pollEveryMs);
    await gateway.fetchStatus();
  }
  await local.purge();
}
