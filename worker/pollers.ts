import type { WorkflowService } from '@temporalio/client';
import { tsToMs } from '@temporalio/common/lib/time.js';

/** Where a task queue is, and what is needed of a connection to ask who polls it. */
export interface TaskQueuePlace {
  connection: { workflowService: Pick<WorkflowService, 'describeTaskQueue'> };
  namespace: string;
}

/** A worker that asked for tasks within the last five minutes: for so long Temporal lists it. */
export interface Poller {
  identity: string;
  /** When it last asked (ms since the epoch). */
  polledAt: number;
}

/** `temporal.api.enums.v1.TaskQueueType` */
const TaskQueueType = { workflow: 1, activity: 2 } as const;

/** Who polls a task queue for tasks of a kind. @throws ServiceError */
export async function pollersOf(
  { connection, namespace }: TaskQueuePlace,
  name: string,
  kind: keyof typeof TaskQueueType,
): Promise<Poller[]> {
  const { pollers } = await connection.workflowService.describeTaskQueue({
    namespace,
    taskQueue: { name },
    taskQueueType: TaskQueueType[kind],
  });
  return (pollers ?? []).map(({ identity, lastAccessTime }) => {
    return { identity: identity ?? '', polledAt: tsToMs(lastAccessTime) };
  });
}
