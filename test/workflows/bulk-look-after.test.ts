import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Blob } from '../../enrollment/blobs.js';
import { bulkBatchId } from '../../enrollment/bulk.js';
import type { Outcome } from '../../enrollment/outcomes.js';
import { BatchStatusValue } from '../../mastercard/contract.js';
import { getJson } from '../../store/store.js';
import { startBulk, untilTheyWait, writePortfolio } from '../support/bulk-rig.js';
import { testRecords } from '../support/records.js';
import { PROGRAM, Rig } from '../support/rig.js';
import { report, ScriptedGateway } from '../support/scripted-gateway.js';
import { until } from '../support/until.js';

let rig: Rig;
beforeAll(async () => {
  rig = await Rig.create();
});
afterAll(() => rig.close());

describe('a batch that was terminated directly in Temporal', () => {
  test('is closed as FAILED by its job, with an outcome for every card and nothing sealed left', async () => {
    const bulkId = rig.nextBatchId('ended');
    await writePortfolio(rig, bulkId, testRecords(3));
    // For ever: the batch stays silent.
    const gateway = new ScriptedGateway({ status: [report('', BatchStatusValue.inProgress)] });
    const externalBatchId = bulkBatchId(bulkId, 1);
    const result = await rig.running(gateway, async (_, taskQueue) => {
      const job = await startBulk(rig, taskQueue, bulkId);
      await until(() => gateway.submissions.length === 1);
      await untilTheyWait(rig, bulkId, [1]);
      await rig.workflow(externalBatchId).terminate('a test');
      return job.result();
    });

    expect(result).toMatchObject({
      status: 'COMPLETED_WITH_ERRORS',
      batches: 1,
      byStatus: { FAILED: 1 },
      counts: { cards: 3, unreported: 3, pending: 0 },
    });
    expect(result.reasons).toContain(`${externalBatchId}: BatchFailed`);
    expect(await rig.blobs(externalBatchId)).toEqual([Blob.closed, Blob.outcomes]);
    const batch = { program: PROGRAM, externalBatchId };
    const outcomes = await getJson<Outcome[]>(rig.store, batch, Blob.outcomes);
    expect(outcomes.map(({ status, reason }) => `${status} ${reason}`)).toEqual(
      Array<string>(3).fill('UNREPORTED TERMINATED_IN_TEMPORAL'),
    );
  });
});
