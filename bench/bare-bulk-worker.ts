import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger, NativeConnection, Worker } from '@temporalio/worker';
import { gatewayTaskQueue } from '../enrollment/identifiers.js';
import { createLogger } from '../protection/logger.js';
import { installRuntime } from '../worker/runtime.js';
import { bareActivities } from './bare-activities.js';

/** A process of its own, as `c2p worker` is, with the same workers: what is compared has the same means. */
const [, , address, taskQueue, program] = process.argv;
if (address === undefined || taskQueue === undefined || program === undefined)
  throw new Error('usage: bare-bulk-worker.js ADDRESS TASK_QUEUE PROGRAM');

installRuntime(createLogger({ level: 'error', name: 'bench' }));
const connection = await NativeConnection.connect({ address });
const workflowBundle = await bundleWorkflowCode({
  workflowsPath: fileURLToPath(new URL('./bare-bulk-workflow.js', import.meta.url)),
  logger: new DefaultLogger('WARN'),
});
const common = { connection, activities: bareActivities };
const workers = [
  await Worker.create({ ...common, taskQueue, workflowBundle, maxCachedWorkflows: 500 }),
  await Worker.create({
    ...common,
    taskQueue: gatewayTaskQueue(taskQueue, program),
    maxHeartbeatThrottleInterval: '5s',
  }),
];
await Promise.all(workers.map((worker) => worker.run()));
await connection.close();
