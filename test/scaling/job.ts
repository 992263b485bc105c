import { performance } from 'node:perf_hooks';
import { expect } from 'vitest';
import { resolvePolicy } from '../../enrollment/policy.js';
import { startBulkAt, writePortfolio } from '../support/bulk-rig.js';
import type { RealEnvironment } from '../support/real-environment.js';
import { testRecords } from '../support/records.js';

export interface Job {
  batches: number;
  cardsABatch: number;
  /** How long Mastercard takes to answer a call (ms). */
  answerMs: number;
}

export interface Place {
  workers: number;
  /** A database with the store's tables; a folder on disk where there is none. */
  storeUrl?: string;
}

const POLICY = resolvePolicy({ polling: { initial: 1_000, maximum: 1_000 } });

/** Enrolls a portfolio at a site of its own. @returns how long it took (s). */
export async function secondsOf(
  environment: RealEnvironment,
  name: string,
  { batches, cardsABatch, answerMs }: Job,
  { workers, storeUrl }: Place,
): Promise<number> {
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
