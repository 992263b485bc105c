import { afterAll, beforeAll, expect } from 'vitest';
import { Blob } from '../../enrollment/blobs.js';
import { bulkAddress, bulkBatchId, type BulkResult, type ClosedBulk } from '../../enrollment/bulk.js';
import type { Outcome } from '../../enrollment/outcomes.js';
import { resolvePolicy } from '../../enrollment/policy.js';
import { getJson } from '../../store/store.js';
import { bulkProgressQuery, type BulkProgress } from '../../workflows/bulk/messages.js';
import type { BulkEnrollmentInput } from '../../workflows/index.js';
import { startBulkAt, writePortfolio, type BulkHandle } from '../support/bulk-rig.js';
import { RealEnvironment, type RealSite } from '../support/real-environment.js';
import { testRecords } from '../support/records.js';

export const FOR_EVER_MS = 24 * 3_600_000;
const QUICK = resolvePolicy({ polling: { initial: 200, maximum: 500 }, submission: { initial: 200 } });
export const WINDOW = 4;
export const CARDS_A_BATCH = 3;
/** Some five batches; a real server suggests to hand over after 4,096. */
export const EVENTS_A_RUN = 60;

let environment: RealEnvironment;
beforeAll(async () => {
  const suggestContinueAsNew = String(EVENTS_A_RUN);
  environment = await RealEnvironment.start({
    'limit.historyCount.suggestContinueAsNew': suggestContinueAsNew,
  });
});
afterAll(() => environment.close());

/** A job of so many batches, `WINDOW` at a time; its `job` is what the test sees. */
export async function begin(
  name: string,
  batches: number,
  processingMs: number,
  changes: Partial<BulkEnrollmentInput> = {},
): Promise<{ site: RealSite; job: BulkHandle; progress: () => Promise<BulkProgress> }> {
  const site = await environment.site(name, { processingMs, requestsPerSecond: 1_000, bulk: true });
  await site.startWorker();
  await writePortfolio(site, name, testRecords(batches * CARDS_A_BATCH));
  const job = await startBulkAt(site.temporal, site.taskQueue, name, {
    maxCardsPerBatch: CARDS_A_BATCH,
    limits: { maxBatchesInFlight: WINDOW, batchesPerMinute: null },
    policy: QUICK,
    ...changes,
  });
  return { site, job, progress: () => job.query(bulkProgressQuery) };
}

/** How many batches Mastercard has and is not done with. */
export function underWay({ simulator }: RealSite): number {
  return simulator.accepted().filter(({ batchStatus }) => batchStatus === 'IN_PROGRESS').length;
}

/** What is remembered of a job that is closed. */
export async function rememberedOf({ store }: RealSite, { key }: BulkHandle): Promise<BulkResult> {
  return (await getJson<ClosedBulk>(store, bulkAddress(key), Blob.closed)).result;
}

/** The outcomes of a job's batches, and that nothing else is left of them nor of those that were never started. */
export async function outcomesOf(site: RealSite, { key }: BulkHandle, batches: number): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  const left: string[] = [];
  for await (const batch of site.store.batches()) {
    if (batch.program !== key.program || batch.externalBatchId === bulkAddress(key).externalBatchId) continue;
    left.push(batch.externalBatchId);
    expect(await site.store.list(batch)).toEqual([Blob.closed, Blob.offered(1), Blob.outcomes]);
    outcomes.push(...(await getJson<Outcome[]>(site.store, batch, Blob.outcomes)));
  }
  const started = Array.from({ length: batches }, (_, n) => bulkBatchId(key.bulkId, n + 1));
  expect(left.sort()).toEqual(started);
  return outcomes;
}
