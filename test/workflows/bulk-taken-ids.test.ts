import { CancelledFailure, WorkflowFailedError } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Blob } from '../../enrollment/blobs.js';
import { bulkAddress, bulkBatchId, type ClosedBulk } from '../../enrollment/bulk.js';
import { workflowIdOf } from '../../enrollment/identifiers.js';
import { getJson } from '../../store/store.js';
import { bulkProgressQuery, changeBulkUpdate } from '../../workflows/bulk/messages.js';
import type { BulkEnrollmentInput } from '../../workflows/index.js';
import { message } from '../support/message.js';
import {
  enrollingEverything,
  startBulk,
  untilTheyWait,
  writePortfolio,
  type BulkHandle,
} from '../support/bulk-rig.js';
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

describe('a batch of another that takes the id of one that waits, while those behind it are started', () => {
  /** A job of four batches; the first is closed when the second finds its id taken. */
  async function jobWithTakenId(
    name: string,
    { onCancel = 'finish' }: Partial<BulkEnrollmentInput> = {},
    meanwhile: (job: BulkHandle) => Promise<void> = () => Promise.resolve(),
  ) {
    const bulkId = `${rig.nextBatchId(name)}-id`;
    const [first, taken, third] = [1, 2, 3].map((n) => bulkBatchId(bulkId, n)) as [string, string, string];
    await writePortfolio(rig, bulkId, testRecords(12));
    const gateway = enrollingEverything(rig, { onlyAtFirst: third });
    return rig.running(gateway, async (client, taskQueue) => {
      const limits = { maxBatchesInFlight: 10, batchesPerMinute: 0.00001 };
      const job = await startBulk(rig, taskQueue, bulkId, { limits, onCancel });
      await until(async () => (await job.query(bulkProgressQuery)).batches.found === 4);
      await until(() => gateway.submissions.length === 1);
      await rig.workflow(first).result();
      const other = await client.enroll({
        program: PROGRAM,
        externalBatchId: taken,
        records: [testRecord(99)],
      });
      await other.result();
      await job.executeUpdate(changeBulkUpdate, { args: message({ batchesPerMinute: null }) });
      await until(() => gateway.submissions.length === 4);
      await until(async () => (await job.query(bulkProgressQuery)).status === 'FINISHING');
      await untilTheyWait(rig, bulkId, [3, 4]);
      // Both are polled once by then. Waiting for a result would skip time for as long as it takes to hear of it.
      await rig.env.sleep('35s');
      await until(async () => (await job.query(bulkProgressQuery)).batches.inFlight === 1);
      await until(() => gateway.polls.length === 6);
      await untilTheyWait(rig, bulkId, [4]);
      await meanwhile(job);
      const failure = await job.result().catch((error: unknown) => (error as WorkflowFailedError).cause);
      const reported: string[] = [];
      for await (const { externalBatchId } of client.bulk(bulkId).outcomes()) reported.push(externalBatchId);
      return { bulkId, failure, result: await closedJob(bulkId), reported };
    });
  }

  test('stops the job, whose result and report have what was started, and nothing of the other', async () => {
    const { bulkId, failure, result, reported } = await jobWithTakenId('overtaken');
    expect(failure).toMatchObject({ type: 'BatchIdTaken' });
    expect(result).toMatchObject({
      status: 'FAILED',
      batches: 3,
      notStarted: [2],
      stoppedAtLine: 4,
      counts: { cards: 9, enrolled: 9 },
    });
    expect(result.reasons).toContain(
      'batch 2, from line 4 of the source on, was not sent; batches behind it were',
    );
    expect(reported).toEqual([1, 3, 4].flatMap((n) => Array<string>(3).fill(bulkBatchId(bulkId, n))));
  });

  test('is left alone where the job takes back its own cards, which it does to the last', async () => {
    const { failure, result } = await jobWithTakenId('overtaken-back', { onCancel: 'rollback' }, (job) =>
      job.cancel().then(),
    );
    expect(failure).toMatchObject({ type: 'BatchIdTaken' });
    expect(result.counts).toMatchObject({ cards: 9, enrolled: 0 });
    expect(await rig.workflow(bulkBatchId(result.bulkId, 2)).result()).toMatchObject({
      counts: { enrolled: 1 },
    });
  });
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
