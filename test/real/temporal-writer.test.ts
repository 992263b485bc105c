import { readFile } from 'node:fs/promises';
import { defaultPayloadConverter } from '@temporalio/common';
import { msToTs } from '@temporalio/common/lib/time.js';
import proto from '@temporalio/proto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { gatewayTaskQueue } from '../../enrollment/identifiers.js';
import { PROGRAM, RealEnvironment, type RealSite } from '../support/real-environment.js';
import { testRecords } from '../support/records.js';
import { until } from '../support/until.js';

const { CommandType } = proto.temporal.api.enums.v1;
const QUICK = { polling: { initial: '1s', maximum: '1s' } } as const;

let environment: RealEnvironment;
beforeAll(async () => {
  environment = await RealEnvironment.shared();
});
afterAll(() => environment.close());

const service = () => environment.connection.workflowService;
const clear = (value: unknown) => ({ payloads: [defaultPayloadConverter.toPayload(value)] });

function enroll(site: RealSite, externalBatchId: string) {
  const records = testRecords(2);
  return site.client.enroll({ externalBatchId, program: PROGRAM, records, policy: QUICK });
}

/** Takes the batch's first workflow task, as a worker of somebody else, and answers it with a command of its own. */
async function takeFirstTask(site: RealSite, activity: string, input: unknown): Promise<void> {
  const { namespace } = environment;
  const identity = 'somebody else';
  const taskQueue = { name: site.taskQueue };
  const { taskToken } = await environment.connection.withDeadline(Date.now() + 60_000, () =>
    service().pollWorkflowTaskQueue({ namespace, taskQueue, identity }),
  );
  const scheduleActivityTaskCommandAttributes = {
    activityId: '1',
    activityType: { name: activity },
    taskQueue: { name: gatewayTaskQueue(site.taskQueue, PROGRAM) },
    input: clear(input),
    startToCloseTimeout: msToTs('60s'),
    retryPolicy: { maximumAttempts: 1 },
  };
  const commandType = CommandType.COMMAND_TYPE_SCHEDULE_ACTIVITY_TASK;
  await service().respondWorkflowTaskCompleted({
    namespace,
    taskToken,
    identity,
    commands: [{ commandType, scheduleActivityTaskCommandAttributes }],
  });
}

/** Makes a workflow go on from its first workflow task. */
async function resetToBegin(site: RealSite, externalBatchId: string): Promise<void> {
  const { events } = await site.workflow(externalBatchId).fetchHistory();
  const first = events!.find((event) => event.workflowTaskCompletedEventAttributes);
  await service().resetWorkflowExecution({
    namespace: environment.namespace,
    workflowExecution: { workflowId: site.workflow(externalBatchId).workflowId },
    reason: 'a test',
    workflowTaskFinishEventId: first!.eventId!,
    requestId: crypto.randomUUID(),
  });
}

test.concurrent(
  'what a worker of somebody else commands is refused by the workers, and after a reset the batch completes',
  async () => {
    const site = await environment.site('foreign-worker');
    const externalBatchId = 'taken';
    const batch = await enroll(site, externalBatchId);
    const call = { batch: batch.key, round: 1, enrollmentData: 'jwe-1', chain: 'x', takeOver: true };
    await takeFirstTask(site, 'submitBatch', { id: 'x', call, input: call });

    const worker = await site.startWorker();
    const log = () => readFile(worker.logFile, 'utf8');
    await until(async () => (await log()).includes('not written with the key ring'));
    // The workflow never gave the command: Temporal repeats its task until somebody resets it.
    await until(async () => (await log()).includes('Nondeterminism'));
    expect(site.simulator.accepted()).toEqual([]);
    await resetToBegin(site, batch.externalBatchId);
    expect(await batch.result()).toMatchObject({ status: 'COMPLETED', counts: { enrolled: 2 } });
    expect(site.simulator.accepted()).toHaveLength(1);
    expect(site.simulator.enrolledCards()).toHaveLength(2);
  },
);

test.concurrent('a batch that is reset is at Mastercard once, and completes', async () => {
  const site = await environment.site('reset', { processingMs: 24 * 3_600_000 });
  await site.startWorker();
  const batch = await enroll(site, 'reset');
  await until(async () => (await batch.progress()).status === 'PROCESSING');
  await resetToBegin(site, batch.externalBatchId);
  site.simulator.configure({ processingMs: 0 });
  expect(await batch.result()).toMatchObject({ status: 'COMPLETED', counts: { enrolled: 2 } });
  expect(site.simulator.accepted()).toHaveLength(1);
});

test.concurrent('a schedule starts no batch, be its input in clear or that of another batch', async () => {
  const site = await environment.site('scheduled');
  await site.startWorker();
  const batch = await enroll(site, 'own');
  await batch.result();
  const { events = [] } = await site.workflow('own').fetchHistory();
  const written = events![0]!.workflowExecutionStartedEventAttributes!.input!;
  const stolen = clear({ program: PROGRAM, externalBatchId: 'own', records: { inline: testRecords(1) } });
  for (const [scheduleId, input] of Object.entries({ written, stolen })) {
    const workflowId = `batch-enrollment/${PROGRAM}/${scheduleId}`;
    const workflowType = { name: 'batchEnrollment' };
    await service().createSchedule({
      namespace: environment.namespace,
      scheduleId: `${scheduleId}-${site.taskQueue}`,
      requestId: crypto.randomUUID(),
      schedule: {
        spec: { interval: [{ interval: msToTs('1h') }] },
        action: {
          startWorkflow: { workflowId, workflowType, taskQueue: { name: site.taskQueue }, input },
        },
      },
      initialPatch: {
        triggerImmediately: {
          overlapPolicy: proto.temporal.api.enums.v1.ScheduleOverlapPolicy.SCHEDULE_OVERLAP_POLICY_SKIP,
        },
      },
    });
  }
  const ends = async () => {
    const failed: string[] = [];
    for await (const { status, workflowId } of site.temporal.workflow.list({
      query: `TaskQueue = '${site.taskQueue}' AND ExecutionStatus = 'Failed'`,
    }))
      failed.push(`${status.name} ${workflowId}`);
    return failed;
  };
  await until(async () => (await ends()).length === 2);
  expect(site.simulator.accepted()).toHaveLength(1);
});
