import { CancelledFailure, WorkflowFailedError } from '@temporalio/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Blob } from '../../enrollment/blobs.js';
import { bulkAddress, bulkBatchId, type ClosedBulk } from '../../enrollment/bulk.js';
import { workflowIdOf } from '../../enrollment/identifiers.js';
import { getJson } from '../../store/store.js';
import { enrollingEverything, startBulk, writePortfolio } from '../support/bulk-rig.js';
import { testRecord, testRecords } from '../support/records.js';
import { PROGRAM, Rig } from '../support/rig.js';
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

test('an open batch of another that has the id of one of the job stops the job before any batch behind it, and goes on', async () => {
  const bulkId = `${rig.nextBatchId('taken')}-id`;
  const taken = bulkBatchId(bulkId, 2);
  await writePortfolio(rig, bulkId, testRecords(12));
  const gateway = enrollingEverything(rig);
  await rig.running(gateway, async (client, taskQueue) => {
    const other = await client.enroll({
      program: PROGRAM,
      externalBatchId: taken,
      records: [testRecord(99)],
      policy: { polling: { initial: '2h', maximum: '2h' } },
    });
    await until(() => gateway.submissions.length === 1);
    const before = await rig.blobs(taken);
    const job = await startBulk(rig, taskQueue, bulkId);
    await expect(job.result()).rejects.toMatchObject({ cause: { type: 'BatchIdTaken' } });
    expect(await rig.blobs(taken)).toEqual(before);
    expect(await other.result()).toMatchObject({ status: 'COMPLETED', counts: { cards: 1 } });
  });

  const { status, batches, counts } = await closedJob(bulkId);
  expect({ status, cards: counts.cards }).toEqual({ status: 'FAILED', cards: 3 * batches });
  expect(batches).toBeLessThan(2);
  const sent = gateway.submissions.map(({ externalBatchId }) => externalBatchId);
  expect(sent).toHaveLength(1 + batches);
  for (const n of [3, 4]) expect(await rig.blobs(bulkBatchId(bulkId, n))).toEqual([]);
});

test('a batch that told that it is closed, and is not quite, is waited for before its cards are taken back', async () => {
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
    await rig.workflow(first).result();
    // Stands for a batch whose last step no worker has taken yet.
    const open = await rig.env.client.workflow.start('batchEnrollment', {
      workflowId: workflowIdOf({ program: PROGRAM, externalBatchId: first }),
      workflowIdReusePolicy: 'ALLOW_DUPLICATE',
      taskQueue: 'nobody',
    });
    await job.cancel();
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
});
