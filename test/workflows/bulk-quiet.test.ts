import { afterAll, beforeAll, expect, test } from 'vitest';
import { bulkBatchId, bulkWorkflowIdOf } from '../../enrollment/bulk.js';
import { GatewayFailure } from '../../mastercard/errors.js';
import { progressQuery, resolveSubmissionUpdate } from '../../workflows/batch/messages.js';
import { bulkProgressQuery, pauseBulkUpdate, resumeBulkUpdate } from '../../workflows/bulk/messages.js';
import { enrollingEverything, startBulk, writePortfolio, type BulkHandle } from '../support/bulk-rig.js';
import { message } from '../support/message.js';
import { testRecords } from '../support/records.js';
import { historiesOf } from '../support/replay.js';
import { HANDS_OVER, Rig } from '../support/rig.js';
import { until } from '../support/until.js';

let rig: Rig;
beforeAll(async () => {
  rig = await Rig.create();
});
afterAll(() => rig.close());

/** How many events each run of a job has. */
async function eventsOf({ key }: BulkHandle): Promise<number[]> {
  const histories = await historiesOf(rig.env.client, bulkWorkflowIdOf(key));
  return histories.map(({ events }) => events?.length ?? 0);
}

const sum = (numbers: readonly number[]) => numbers.reduce((one, other) => one + other, 0);

test('a job that is paused for a year with nothing in flight does nothing meanwhile, and goes on', async () => {
  const bulkId = rig.nextBatchId('paused');
  await writePortfolio(rig, bulkId, testRecords(6));
  await rig.running(enrollingEverything(rig), async (_, taskQueue) => {
    const job = await startBulk(rig, taskQueue, bulkId, {
      limits: { maxBatchesInFlight: 1, batchesPerMinute: null },
    });
    await job.executeUpdate(pauseBulkUpdate, { args: message(pauseBulkUpdate, {}) });
    await rig.env.sleep('1 hour');
    await until(async () => (await job.query(bulkProgressQuery)).batches.inFlight === 0);
    const before = sum(await eventsOf(job));
    await rig.env.sleep('365 days');
    expect(sum(await eventsOf(job)) - before).toBeLessThan(20);
    await job.executeUpdate(resumeBulkUpdate, { args: message(resumeBulkUpdate, {}) });
    expect(await job.result()).toMatchObject({ status: 'COMPLETED', counts: { enrolled: 6 } });
  });
});

/** `C2P_TEST_QUIET_DAYS=365` is a year: more than a run's history takes. */
const DAYS = Number(process.env['C2P_TEST_QUIET_DAYS'] ?? 60);
const LONG = { timeout: 60_000 + DAYS * 1_000 };

test(
  'a job whose only batch waits for a person looks after it four times a day, and goes on when it is answered',
  LONG,
  async () => {
    const bulkId = rig.nextBatchId('asking');
    await writePortfolio(rig, bulkId, testRecords(3));
    const gateway = enrollingEverything(rig, {
      onSubmit: () => {
        throw new GatewayFailure({ operation: 'submitBatch', kind: 'duplicate', httpStatus: 409 });
      },
    });
    await rig.running(gateway, async (_, taskQueue) => {
      const job = await startBulk(rig, taskQueue, bulkId);
      const externalBatchId = bulkBatchId(bulkId, 1);
      await until(() => gateway.submissions.length === 1);
      const batch = rig.workflow(externalBatchId);
      await until(async () => (await batch.query(progressQuery)).status === 'AWAITING_OPERATOR');
      await rig.env.sleep(`${DAYS} days`);
      await batch.executeUpdate(resolveSubmissionUpdate, {
        args: message(resolveSubmissionUpdate, { batchId: `mc-${externalBatchId}` }),
      });
      expect(await job.result()).toMatchObject({ status: 'COMPLETED', counts: { enrolled: 3 } });
      const events = await eventsOf(job);
      // Of which hand-overs are half, where each wait hands over.
      const eventsALook = HANDS_OVER ? 25 : 11;
      expect(sum(events)).toBeLessThan(DAYS * 4 * eventsALook + 200);
      for (const ofRun of events) expect(ofRun).toBeLessThan(10_000);
    });
  },
);
