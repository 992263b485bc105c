import { afterAll, beforeAll, expect, test } from 'vitest';
import { bulkBatchId } from '../../enrollment/bulk.js';
import { bulkProgressQuery } from '../../workflows/bulk/messages.js';
import {
  type BulkHandle,
  cancelJob,
  enrollingEverything,
  startBulk,
  untilClosed,
  untilTheyWait,
  writePortfolio,
} from '../support/bulk-rig.js';
import { testRecords } from '../support/records.js';
import { HANDS_OVER, Rig } from '../support/rig.js';
import type { ScriptedGateway } from '../support/scripted-gateway.js';
import { until } from '../support/until.js';

let rig: Rig;
beforeAll(async () => {
  rig = await Rig.create({ childrenOutliveParents: true });
});
afterAll(() => rig.close());

/**
 * A job that lost all that it knew, as one that is reset to its beginning: the first batch is closed, the second and
 * third are open, the fourth is not begun. The time-skipping server cannot reset, so another run takes its place.
 */
async function resetJob(
  onCancel: 'finish' | 'rollback',
  then: (job: BulkHandle, gateway: ScriptedGateway) => Promise<void>,
): Promise<void> {
  const bulkId = `${rig.nextBatchId('reset')}-job`;
  await writePortfolio(rig, bulkId, testRecords(12));
  const first = bulkBatchId(bulkId, 1);
  const gateway = enrollingEverything(rig, { onlyAtFirst: first });
  await rig.running(gateway, async (_, taskQueue) => {
    const limits = { maxBatchesInFlight: 3, batchesPerMinute: null };
    const before = await startBulk(rig, taskQueue, bulkId, { onCancel, limits });
    await until(() => gateway.submissions.length === 3);
    await untilTheyWait(rig, bulkId, [2, 3]);
    await before.terminate('a test resets it');
    await untilClosed(rig, first);
    await untilTheyWait(rig, bulkId, [2, 3]);
    const job = await startBulk(rig, taskQueue, bulkId, { onCancel, limits });
    await then(job, gateway);
  });
}

test('a job that is reset goes on with the batches that it began before, and sends none of them again', async () => {
  await resetJob('finish', async (job, gateway) => {
    expect(await job.result()).toMatchObject({
      status: 'COMPLETED',
      batches: 4,
      notStarted: [],
      byStatus: { COMPLETED: 4 },
      counts: { cards: 12, enrolled: 12 },
    });
    const sent = gateway.submissions.map(({ externalBatchId }) => externalBatchId);
    expect(sent.sort()).toEqual([1, 2, 3, 4].map((n) => bulkBatchId(job.key.bulkId, n)));
  });
});

// The time-skipping server loses updates that meet a hand-over.
test.skipIf(HANDS_OVER)(
  'a job that is reset and then rolled back takes back what it began before',
  async () => {
    await resetJob('rollback', async (job, gateway) => {
      await until(async () => (await job.query(bulkProgressQuery)).batches.started === 4);
      await until(() => gateway.submissions.length === 4);
      await cancelJob(job);
      await job.result().catch(() => undefined);
      expect(gateway.cardRemovals).toHaveLength(12);
      expect(await job.query(bulkProgressQuery)).toMatchObject({
        status: 'CANCELLED',
        counts: { cards: 12, enrolled: 0 },
      });
    });
  },
);
