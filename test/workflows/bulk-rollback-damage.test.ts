import { afterAll, beforeAll, expect, test } from 'vitest';
import type { BatchKey } from '../../enrollment/batch.js';
import { Blob } from '../../enrollment/blobs.js';
import { bulkAddress, bulkBatchId, type BulkResult, type ClosedBulk } from '../../enrollment/bulk.js';
import { getJson } from '../../store/store.js';
import { bulkProgressQuery } from '../../workflows/bulk/messages.js';
import { cancelJob, enrollingEverything, startBulk, writePortfolio } from '../support/bulk-rig.js';
import type { DamagedStore } from '../support/damaged-store.js';
import { testRecords } from '../support/records.js';
import { PROGRAM, Rig } from '../support/rig.js';
import { until } from '../support/until.js';

let rig: Rig;
beforeAll(async () => {
  rig = await Rig.create();
});
afterAll(() => rig.close());

/** A job of two closed batches and a third that waits for its turn, whose first batch loses a blob before it is rolled back. */
async function rolledBack(
  damage: (store: DamagedStore, batch: BatchKey) => Promise<unknown>,
): Promise<BulkResult> {
  const bulkId = `${rig.nextBatchId('damaged')}-job`;
  await writePortfolio(rig, bulkId, testRecords(9));
  await rig.running(enrollingEverything(rig), async (_, taskQueue) => {
    const job = await startBulk(rig, taskQueue, bulkId, {
      onCancel: 'rollback',
      limits: { maxBatchesInFlight: 2, batchesPerMinute: 0.01 },
    });
    await rig.env.sleep('105 minutes');
    await until(async () => (await job.query(bulkProgressQuery)).batches.byStatus.COMPLETED === 2);
    const batch = { program: PROGRAM, externalBatchId: bulkBatchId(bulkId, 1) };
    await damage(rig.store, batch);
    await cancelJob(job);
    await expect(job.result()).rejects.toMatchObject({ cause: { type: 'CompensationFailed' } });
  });
  const address = bulkAddress({ program: PROGRAM, bulkId });
  return (await getJson<ClosedBulk>(rig.store, address, Blob.closed)).result;
}

test.each([
  ['altered', 'alter'],
  ['sealed under a key that is missing', 'sealUnderMissingKey'],
] as const)(
  'a job that is rolled back takes back every other batch, and says of one whose record is %s that it did not',
  async (_, damage) => {
    const result = await rolledBack((store, batch) => store[damage](batch, Blob.closed));
    expect(result).toMatchObject({ status: 'FAILED', counts: { cards: 6, enrolled: 3, rolledBack: 3 } });
    expect(result.reasons).toContainEqual(
      expect.stringContaining(`${bulkBatchId(result.bulkId, 1)}: not taken back: `),
    );
    expect(result.reasons).toContain('3 cards could not be taken back');
  },
);

test('a job that is rolled back fails where the outcomes of a batch are altered, since its cards may be enrolled still', async () => {
  const result = await rolledBack((store, batch) => store.alter(batch, Blob.outcomes));
  expect(result).toMatchObject({
    status: 'FAILED',
    counts: { cards: 6, enrolled: 0, rolledBack: 3, unreported: 3 },
  });
  expect(result.reasons).toContain('3 cards may be enrolled still: what became of them is lost');
});
