import { CancelledFailure, WorkflowFailedError } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { EnrollmentClient } from '../../client/index.js';
import { Blob } from '../../enrollment/blobs.js';
import { bulkAddress, bulkBatchId, type ClosedBulk, type OnBulkCancel } from '../../enrollment/bulk.js';
import { workflowIdOf } from '../../enrollment/identifiers.js';
import { resolvePolicy } from '../../enrollment/policy.js';
import type { PolicyInput } from '../../enrollment/policy-schema.js';
import { getJson } from '../../store/store.js';
import { bulkProgressQuery, changeBulkUpdate } from '../../workflows/bulk/messages.js';
import { before } from '../support/activity-interceptors.js';
import { message } from '../support/message.js';
import {
  type BulkHandle,
  cancelJob,
  enrollingEverything,
  startBulk,
  untilClosed,
  untilTheyWait,
  writePortfolio,
} from '../support/bulk-rig.js';
import { testRecord, testRecords } from '../support/records.js';
import { HANDS_OVER, PROGRAM, Rig } from '../support/rig.js';
import type { ScriptedGateway } from '../support/scripted-gateway.js';
import { until } from '../support/until.js';

let rig: Rig;
beforeAll(async () => {
  rig = await Rig.create();
});
afterAll(() => rig.close());

async function closedJob(bulkId: string) {
  const address = bulkAddress({ program: PROGRAM, bulkId });
  return (await getJson<ClosedBulk>(rig.store, address, Blob.closed)).result;
}

/** Whose id is that of the second batch of a job that has sealed it already. */
const enrollOther = (client: EnrollmentClient, externalBatchId: string, policy: PolicyInput = {}) =>
  client.enroll({ program: PROGRAM, externalBatchId, records: [testRecord(99)], policy });

test('an open batch of another that has the id of one of the job is left out and left alone, and the job goes on with all others', async () => {
  const bulkId = `${rig.nextBatchId('taken')}-id`;
  const taken = bulkBatchId(bulkId, 2);
  await writePortfolio(rig, bulkId, testRecords(12));
  const gateway = enrollingEverything(rig);
  await rig.running(gateway, async (client, taskQueue) => {
    const other = await enrollOther(client, taken, { polling: { initial: '2h', maximum: '2h' } });
    await untilTheyWait(rig, bulkId, [2]);
    const before = await rig.blobs(taken);
    const job = await startBulk(rig, taskQueue, bulkId);
    await expect(job.result()).rejects.toMatchObject({ cause: { type: 'BatchIdTaken' } });
    expect(await rig.blobs(taken)).toEqual(before);
    expect(await other.result()).toMatchObject({ status: 'COMPLETED', counts: { cards: 1 } });
  });

  const result = await closedJob(bulkId);
  expect(result).toMatchObject({
    status: 'FAILED',
    failure: 'BatchIdTaken',
    batches: 3,
    notStarted: [2],
    byStatus: { COMPLETED: 3 },
    counts: { cards: 9, enrolled: 9 },
  });
  expect(result.stoppedAtLine).toBeUndefined();
  expect(result.reasons).toContain(`left out, since other batches have their ids: ${taken}`);
});

async function isAskedToCancel(externalBatchId: string): Promise<boolean> {
  const { events } = await rig.workflow(externalBatchId).fetchHistory();
  return (events ?? []).some((event) => event.workflowExecutionCancelRequestedEventAttributes);
}

// The time-skipping server loses updates that meet a hand-over, and lets no cancelled workflow hand over.
describe.skipIf(HANDS_OVER)(
  'a batch of another that takes the id of one that is sealed and waits to be started',
  () => {
    /** A job of four batches that has started the first; then another takes the id of the second, and the rest is started. */
    async function jobOvertaken<T>(
      { onCancel = 'finish', onCheck }: { onCancel?: OnBulkCancel; onCheck?: () => Promise<void> },
      meanwhile: (job: BulkHandle, client: EnrollmentClient, gateway: ScriptedGateway) => Promise<T>,
    ): Promise<T> {
      const bulkId = `${rig.nextBatchId('overtaken')}-id`;
      await writePortfolio(rig, bulkId, testRecords(12));
      const gateway = enrollingEverything(rig);
      const taskQueue = rig.nextBatchId('c2p-overtaken');
      const client = rig.client({ taskQueue });
      const [workflows, calls] = await rig.createWorkers({
        taskQueue,
        gateway,
        activityInterceptors: onCheck ? [before('checkBatches', onCheck)] : [],
      });
      return workflows.runUntil(
        calls.runUntil(async () => {
          const limits = { maxBatchesInFlight: 10, batchesPerMinute: 0.00001 };
          // A batch that is cancelled asks Mastercard once more, and no time is skipped while a check is held up.
          const policy = resolvePolicy({ polling: { initial: 8_000 } });
          const job = await startBulk(rig, taskQueue, bulkId, { limits, onCancel, policy });
          await until(async () => (await job.query(bulkProgressQuery)).batches.found === 4);
          await untilClosed(rig, bulkBatchId(bulkId, 1));
          await enrollOther(client, bulkBatchId(bulkId, 2), { polling: { initial: '1h', maximum: '1h' } });
          await untilTheyWait(rig, bulkId, [2]);
          await job.executeUpdate(changeBulkUpdate, {
            args: message(changeBulkUpdate, { batchesPerMinute: null }),
          });
          return meanwhile(job, client, gateway);
        }),
      );
    }

    test('is left out: neither the result of the job nor its report has anything of it', async () => {
      await jobOvertaken({}, async (job, client) => {
        const { bulkId } = job.key;
        await expect(job.result()).rejects.toMatchObject({ cause: { type: 'BatchIdTaken' } });
        expect(await closedJob(bulkId)).toMatchObject({
          status: 'FAILED',
          batches: 3,
          notStarted: [2],
          counts: { cards: 9, enrolled: 9 },
        });
        const reported: string[] = [];
        for await (const { externalBatchId } of client.bulk(bulkId).outcomes())
          reported.push(externalBatchId);
        expect(reported).toEqual([1, 3, 4].flatMap((n) => Array<string>(3).fill(bulkBatchId(bulkId, n))));
        const other = rig.workflow(bulkBatchId(bulkId, 2));
        expect(await other.result()).toMatchObject({
          status: 'COMPLETED',
          counts: { cards: 1, enrolled: 1 },
        });
      });
    });

    test('is not cancelled by a rollback that comes before it is known whose it is', async () => {
      let isCancelled = false;
      let checks = 0;
      const onCheck = async () => {
        checks += 1;
        await until(() => isCancelled);
      };
      await jobOvertaken({ onCancel: 'rollback', onCheck }, async (job) => {
        await until(() => checks > 0);
        await untilTheyWait(rig, job.key.bulkId, [3, 4]);
        await cancelJob(job);
        for (const n of [3, 4]) await until(() => isAskedToCancel(bulkBatchId(job.key.bulkId, n)));
        isCancelled = true;
        await expect(job.result()).rejects.toMatchObject({ cause: { type: 'BatchIdTaken' } });
        const result = await closedJob(job.key.bulkId);
        expect(result).toMatchObject({ notStarted: [2], counts: { cards: 9, enrolled: 0, rolledBack: 9 } });
        const other = rig.workflow(bulkBatchId(job.key.bulkId, 2));
        expect(await other.result()).toMatchObject({ status: 'COMPLETED', counts: { enrolled: 1 } });
      });
    });
  },
);

test.skipIf(HANDS_OVER)(
  'a batch that told that it is closed, and is not quite, is waited for before its cards are taken back',
  async () => {
    const bulkId = `${rig.nextBatchId('not-quite')}-closed`;
    const first = bulkBatchId(bulkId, 1);
    await writePortfolio(rig, bulkId, testRecords(6));
    const gateway = enrollingEverything(rig);
    const error = await rig.running(gateway, async (_, taskQueue) => {
      const job = await startBulk(rig, taskQueue, bulkId, {
        onCancel: 'rollback',
        limits: { maxBatchesInFlight: 10, batchesPerMinute: 0.01 },
      });
      await until(() => gateway.submissions.length === 1);
      await untilClosed(rig, first);
      // Stands for a batch whose last step no worker has taken yet.
      const open = await rig.env.client.workflow.start('batchEnrollment', {
        workflowId: workflowIdOf({ program: PROGRAM, externalBatchId: first }),
        workflowIdReusePolicy: 'ALLOW_DUPLICATE',
        taskQueue: 'nobody',
      });
      await cancelJob(job);
      await until(async () => {
        const { events } = await job.fetchHistory();
        return events!.some((event) => event.startChildWorkflowExecutionFailedEventAttributes);
      });
      await open.terminate('a test');
      return job.result().catch((thrown: unknown) => thrown);
    });

    expect(error).toBeInstanceOf(WorkflowFailedError);
    expect((error as WorkflowFailedError).cause).toBeInstanceOf(CancelledFailure);
    expect(await closedJob(bulkId)).toMatchObject({
      status: 'CANCELLED',
      batches: 1,
      counts: { cards: 3, enrolled: 0, rolledBack: 3 },
    });
    expect(gateway.cardRemovals).toHaveLength(3);
  },
);
