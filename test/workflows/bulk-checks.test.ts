import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DEFAULT_GRACE_MS } from '../../config/config.js';
import { Blob } from '../../enrollment/blobs.js';
import { bulkBatchId, bulkWorkflowIdOf, type BulkResult } from '../../enrollment/bulk.js';
import type { Outcome } from '../../enrollment/outcomes.js';
import { BatchStatusValue } from '../support/scripted-gateway.js';
import { getJson } from '../../store/store.js';
import { bulkProgressQuery } from '../../workflows/bulk/messages.js';
import { startBulk, untilTheyWait, writePortfolio, type BulkHandle } from '../support/bulk-rig.js';
import { testRecords } from '../support/records.js';
import { historiesOf } from '../support/replay.js';
import { PROGRAM, Rig } from '../support/rig.js';
import { report, ScriptedGateway } from '../support/scripted-gateway.js';
import { until } from '../support/until.js';
import { KEY_ELSEWHERE } from '../support/damaged-store.js';

let rig: Rig;
beforeAll(async () => {
  rig = await Rig.create();
});
afterAll(() => rig.close());

const keyOf = (bulkId: string, n: number) => ({ program: PROGRAM, externalBatchId: bulkBatchId(bulkId, n) });

/** A job of so many batches, all of which were terminated directly in Temporal while Mastercard processed them. */
async function withTerminated<T>(
  batches: number,
  then: (job: BulkHandle, taskQueue: string) => Promise<T>,
): Promise<T> {
  const bulkId = `${rig.nextBatchId('ended')}-job`;
  await writePortfolio(rig, bulkId, testRecords(3 * batches));
  const gateway = new ScriptedGateway({ status: [report('', BatchStatusValue.inProgress)] });
  return rig.running(gateway, async (_, taskQueue) => {
    const job = await startBulk(rig, taskQueue, bulkId);
    await until(() => gateway.submissions.length === batches);
    for (let n = 1; n <= batches; n += 1) {
      await untilTheyWait(rig, bulkId, [n]);
      await rig.workflow(bulkBatchId(bulkId, n)).terminate('a test');
    }
    return then(job, taskQueue);
  });
}

async function outcomesOf(bulkId: string, n: number): Promise<string[]> {
  const outcomes = await getJson<Outcome[]>(rig.store, keyOf(bulkId, n), Blob.outcomes);
  return outcomes.map(({ status, reason }) => `${status} ${reason}`);
}

async function signalsTo({ key }: BulkHandle): Promise<(string | undefined | null)[]> {
  const histories = await historiesOf(rig.env.client, bulkWorkflowIdOf(key));
  return histories
    .flatMap(({ events }) => events ?? [])
    .flatMap((event) => event.workflowExecutionSignaledEventAttributes?.signalName ?? []);
}

const TERMINATED = 'its workflow was terminated directly in Temporal (TERMINATED)';

describe('a batch that was terminated directly in Temporal', () => {
  test('is kept for the grace time, as its job shows, and then closed as FAILED by the job, an outcome for every card', async () => {
    const result = await withTerminated(1, async (job) => {
      const { bulkId } = job.key;
      const before = await rig.blobs(bulkBatchId(bulkId, 1));
      await rig.env.sleep(DEFAULT_GRACE_MS * 0.9);
      expect(await rig.blobs(bulkBatchId(bulkId, 1))).toEqual(before);
      const { batches, reasons } = await job.query(bulkProgressQuery);
      expect(batches.inFlight).toBe(1);
      expect(reasons).toEqual([expect.stringContaining(`${bulkBatchId(bulkId, 1)}: ${TERMINATED}`)]);
      return job.result();
    });
    expect(result).toMatchObject({
      status: 'COMPLETED_WITH_ERRORS',
      byStatus: { FAILED: 1 },
      counts: { cards: 3, unreported: 3, pending: 0 },
      reasons: [`${bulkBatchId(result.bulkId, 1)}: BatchFailed`, '3 not reported by Mastercard'],
    });
    expect(await rig.blobs(bulkBatchId(result.bulkId, 1))).toEqual(['closed', 'offered-1', 'outcomes']);
    expect(await outcomesOf(result.bulkId, 1)).toEqual(
      Array<string>(3).fill('UNREPORTED TERMINATED_IN_TEMPORAL'),
    );
  });

  test('is closed by a sweep whose grace time is over before, which tells the job', async () => {
    const [result, signals] = await withTerminated(1, async (job) => {
      await rig.env.sleep('1 hour');
      expect((await rig.sweep(600_000)).result).toMatchObject({ ended: 1 });
      return [await job.result(), await signalsTo(job)];
    });
    expect(signals).toEqual(['batchClosed']);
    expect(result).toMatchObject({ byStatus: { FAILED: 1 }, counts: { unreported: 3 } });
  });

  test('is closed also where what is known of its cards is altered, and the result says what is lost', async () => {
    const result = await withTerminated(2, async (job) => {
      await rig.store.alter(keyOf(job.key.bulkId, 1), Blob.outcomes);
      return job.result();
    });
    expect(result).toMatchObject({ byStatus: { FAILED: 2 }, counts: { cards: 6, unreported: 6 } });
    expect(await outcomesOf(result.bulkId, 1)).toHaveLength(3);
  });

  test('is held up where only a key is missing, which hides no other batch; with the key it is closed', async () => {
    const [held, result] = await withTerminated(2, async (job): Promise<[unknown, BulkResult]> => {
      const { bulkId } = job.key;
      await rig.store.sealUnderMissingKey(keyOf(bulkId, 1), Blob.outcomes);
      await rig.env.sleep(2 * DEFAULT_GRACE_MS);
      await until(async () => (await job.query(bulkProgressQuery)).batches.inFlight === 1);
      const { byStatus } = (await job.query(bulkProgressQuery)).batches;
      const { reasons } = await job.query(bulkProgressQuery);
      expect(byStatus.FAILED).toBe(1);
      await rig.store.findKeyOf(keyOf(bulkId, 1), Blob.outcomes);
      return [reasons.filter((reason) => reason.includes(KEY_ELSEWHERE)), await job.result()];
    });
    expect(held).toEqual([expect.stringContaining(bulkBatchId(result.bulkId, 1))]);
    expect(result).toMatchObject({ byStatus: { FAILED: 2 }, counts: { cards: 6, unreported: 6 } });
    expect(result.reasons.join()).not.toContain(KEY_ELSEWHERE);
  });
});
