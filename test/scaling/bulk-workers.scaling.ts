import { performance } from 'node:perf_hooks';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { resolvePolicy } from '../../enrollment/policy.js';
import { startBulkAt, writePortfolio } from '../support/bulk-rig.js';
import { providePostgres, type TestPostgres } from '../support/postgres.js';
import { RealEnvironment } from '../support/real-environment.js';
import { testRecords } from '../support/records.js';

const MINUTE_MS = 60_000;
const POLICY = resolvePolicy({ polling: { initial: 1_000, maximum: 1_000 } });

let environment: RealEnvironment;
let postgres: TestPostgres;
beforeAll(async () => {
  [environment, postgres] = await Promise.all([RealEnvironment.start(), providePostgres()]);
});
afterAll(async () => {
  await environment.close();
  await postgres.close();
});

interface Job {
  batches: number;
  cardsABatch: number;
  /** How long Mastercard takes to answer a call (ms). */
  answerMs: number;
}

/** How long a job takes (s), with so many workers on one database. */
async function secondsOf({ batches, cardsABatch, answerMs }: Job, workers: number): Promise<number> {
  const name = `${batches}-by-${workers}-job`;
  const storeUrl = await postgres.storeDatabase();
  const site = await environment.site(name, { requestsPerSecond: 1_000, storeUrl, bulk: true });
  await Promise.all(Array.from({ length: workers }, () => site.startWorker()));
  if (answerMs > 0)
    site.simulator.fault({ operation: 'any', times: 10_000, fault: { kind: 'delay', ms: answerMs } });
  await writePortfolio(site, name, testRecords(batches * cardsABatch));
  const begun = performance.now();
  const job = await startBulkAt(site.temporal, site.taskQueue, name, {
    maxCardsPerBatch: cardsABatch,
    limits: { maxBatchesInFlight: batches, batchesPerMinute: null },
    policy: POLICY,
  });
  expect(await job.result()).toMatchObject({
    status: 'COMPLETED',
    batches,
    counts: { enrolled: batches * cardsABatch },
  });
  const seconds = (performance.now() - begun) / 1_000;
  expect(site.simulator.accepted()).toHaveLength(batches);
  await site.close();
  return seconds;
}

async function compare(what: string, job: Job): Promise<number> {
  const one = await secondsOf(job, 1);
  const two = await secondsOf(job, 2);
  const [rateOfOne, rateOfTwo] = [one, two].map((seconds) => (job.batches / seconds).toFixed(1));
  console.log(
    `${what}: one worker ${one.toFixed(1)} s (${rateOfOne} batches/s), ` +
      `two workers ${two.toFixed(1)} s (${rateOfTwo} batches/s), ${(one / two).toFixed(2)} times as fast`,
  );
  return one / two;
}

test(
  'two workers finish a job faster than one where calls that wait fill the slots of one',
  { timeout: 15 * MINUTE_MS },
  async () => {
    // A worker makes a hundred calls at a time.
    const job = { batches: 200, cardsABatch: 1, answerMs: 20_000 };
    expect(await compare('answers after 20 s, 200 batches', job)).toBeGreaterThan(1);
  },
);

test(
  'what two workers gain where everything is on one machine is told',
  { timeout: 15 * MINUTE_MS },
  async () => {
    await compare('answers at once, 100 batches of 250 cards', {
      batches: 100,
      cardsABatch: 250,
      answerMs: 0,
    });
  },
);
