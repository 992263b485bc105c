import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WorkflowFailedError } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Blob } from '../../enrollment/blobs.js';
import { bulkAddress, bulkBatchId, type BulkResult, type ClosedBulk } from '../../enrollment/bulk.js';
import type { Outcome } from '../../enrollment/outcomes.js';
import { resolvePolicy } from '../../enrollment/policy.js';
import { getJson } from '../../store/store.js';
import {
  bulkProgressQuery,
  changeBulkUpdate,
  pauseBulkUpdate,
  resumeBulkUpdate,
  type BulkProgress,
} from '../../workflows/bulk-messages.js';
import type { BulkEnrollmentInput } from '../../workflows/index.js';
import { startBulkAt, writePortfolio, type BulkHandle } from '../support/bulk-rig.js';
import { RealEnvironment, type RealSite } from '../support/real-environment.js';
import { testRecords } from '../support/records.js';
import { historiesOf, replayAll } from '../support/replay.js';
import { until } from '../support/until.js';

const FOR_EVER_MS = 24 * 3_600_000;
const QUICK = resolvePolicy({ polling: { initial: 200, maximum: 500 }, submission: { initial: 200 } });
const WINDOW = 4;
const CARDS_A_BATCH = 3;
/** Some five batches; a real server suggests to hand over after 4,096. */
const EVENTS_A_RUN = 60;

let environment: RealEnvironment;
beforeAll(async () => {
  const suggestContinueAsNew = String(EVENTS_A_RUN);
  environment = await RealEnvironment.start({
    'limit.historyCount.suggestContinueAsNew': suggestContinueAsNew,
  });
});
afterAll(() => environment.close());

/** A job of so many batches, `WINDOW` at a time; its `job` is what the test sees. */
async function begin(
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
function underWay({ simulator }: RealSite): number {
  return simulator.accepted().filter(({ batchStatus }) => batchStatus === 'IN_PROGRESS').length;
}

/** What is remembered of a job that is closed. */
async function rememberedOf({ store }: RealSite, { key }: BulkHandle): Promise<BulkResult> {
  return (await getJson<ClosedBulk>(store, bulkAddress(key), Blob.closed)).result;
}

/** The outcomes of a job's batches, and that nothing else is left of them nor of those that were never started. */
async function outcomesOf(site: RealSite, { key }: BulkHandle, batches: number): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  const left: string[] = [];
  for await (const batch of site.store.batches()) {
    if (batch.externalBatchId === bulkAddress(key).externalBatchId) continue;
    left.push(batch.externalBatchId);
    expect(await site.store.list(batch)).toEqual([Blob.closed, Blob.outcomes]);
    outcomes.push(...(await getJson<Outcome[]>(site.store, batch, Blob.outcomes)));
  }
  const started = Array.from({ length: batches }, (_, n) => bulkBatchId(key.bulkId, n + 1));
  expect(left.sort()).toEqual(started);
  return outcomes;
}

/** In how many of its runs a job was cancelled. */
async function cancelledRuns(site: RealSite, { workflowId }: BulkHandle): Promise<number> {
  const runs = await historiesOf(site.temporal, workflowId);
  return runs.filter(({ events }) =>
    events?.some((event) => event.workflowExecutionCancelRequestedEventAttributes),
  ).length;
}

describe.concurrent('a bulk job on a real server', { timeout: 240_000 }, () => {
  test('submits nothing while it is paused, and goes on within another window when it is resumed', async () => {
    const { site, job, progress } = await begin('paused', 20, FOR_EVER_MS);
    const { simulator } = site;
    await until(() => underWay(site) === WINDOW);
    await job.executeUpdate(pauseBulkUpdate);
    simulator.configure({ processingMs: 0 });
    // Each of them that closes would be followed by another.
    await until(async () => (await progress()).batches.inFlight === 0);
    expect(simulator.accepted()).toHaveLength(WINDOW);
    expect(await progress()).toMatchObject({
      status: 'PAUSED',
      batches: { started: WINDOW, byStatus: { COMPLETED: WINDOW } },
    });

    simulator.configure({ processingMs: FOR_EVER_MS });
    await job.executeUpdate(changeBulkUpdate, { args: [{ maxBatchesInFlight: 6 }] });
    await job.executeUpdate(resumeBulkUpdate);
    await until(() => underWay(site) === 6);
    expect((await progress()).batches).toMatchObject({ started: WINDOW + 6, inFlight: 6 });
    simulator.configure({ processingMs: 0 });

    expect(await job.result()).toMatchObject({ status: 'COMPLETED', batches: 20, counts: { enrolled: 60 } });
    expect(simulator.enrolledCards()).toHaveLength(60);
    expect(simulator.accepted()).toHaveLength(20);
    expect(await outcomesOf(site, job, 20)).toHaveLength(60);
    expect(await historiesOf(site.temporal, job.workflowId)).not.toHaveLength(1);
    expect(await replayAll(site)).toBeGreaterThan(20);
  });

  test('that is cancelled with rollback leaves no card enrolled', async () => {
    const { site, job, progress } = await begin('rolled-back', 24, 0, { onCancel: 'rollback' });
    const { simulator } = site;
    await until(async () => (await progress()).batches.byStatus.COMPLETED >= 8);
    simulator.configure({ processingMs: FOR_EVER_MS });
    await until(() => underWay(site) === WINDOW);
    await job.cancel();
    await until(async () => (await progress()).status === 'ROLLING_BACK');
    simulator.configure({ processingMs: 0 });
    await expect(job.result()).rejects.toThrow(WorkflowFailedError);

    expect(simulator.enrolledCards()).toEqual([]);
    expect((await job.describe()).status.name).toBe('CANCELLED');
    const { status, batches, counts, reasons, stoppedAtLine } = await rememberedOf(site, job);
    const outcomes = await outcomesOf(site, job, batches);
    const rolledBack = outcomes.filter((outcome) => outcome.status === 'ROLLED_BACK');
    const unsent = outcomes.filter(({ reason }) => reason === 'CANCELLED_NOT_SENT');
    expect(rolledBack.length + unsent.length).toBe(outcomes.length);
    expect(rolledBack).toHaveLength(simulator.accepted().length * CARDS_A_BATCH);
    expect({ status, counts }).toMatchObject({
      status: 'CANCELLED',
      counts: {
        cards: batches * CARDS_A_BATCH,
        pending: 0,
        enrolled: 0,
        rolledBack: rolledBack.length,
        unreported: unsent.length,
      },
    });
    expect(batches).toBeGreaterThanOrEqual(8 + WINDOW);
    expect(batches).toBeLessThan(24);
    expect(stoppedAtLine).toBe(batches * CARDS_A_BATCH + 1);
    expect(reasons).toContain('the job was cancelled');
    expect(await cancelledRuns(site, job)).toBeGreaterThan(1);
    expect(await replayAll(site)).toBeGreaterThan(2 * 8 + WINDOW);
  });

  test('that waits for a source which is away, and is to be handed over, is cancelled all the same', async () => {
    const content = Buffer.from(
      testRecords(60)
        .map((record) => `${JSON.stringify(record)}\n`)
        .join(''),
    );
    let isAway = false;
    const server = createServer((request, response) => {
      if (isAway) {
        response.writeHead(503).end();
        return;
      }
      const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '')!.map(Number);
      const end = Math.min(to! + 1, content.length);
      const range = `bytes ${from}-${end - 1}/${content.length}`;
      response.writeHead(206, { 'content-range': range, etag: 'v1' }).end(content.subarray(from, end));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/portfolio.jsonl`;
    try {
      // Few, so that it reads on before its history is long.
      const window = 2;
      const { site, job, progress } = await begin('away', 20, FOR_EVER_MS, {
        source: { url },
        limits: { maxBatchesInFlight: window, batchesPerMinute: null },
      });
      await until(async () => underWay(site) === window && (await progress()).batches.found === 2 * window);
      isAway = true;
      site.simulator.configure({ processingMs: 0 });
      await until(async () => (await progress()).batches.byStatus.COMPLETED === 2 * window);
      while ((await job.describe()).historyLength <= EVENTS_A_RUN)
        await job.executeUpdate(changeBulkUpdate, { args: [{ maxBatchesInFlight: window }] });
      await job.cancel();
      await expect(job.result()).rejects.toThrow(WorkflowFailedError);

      expect(await rememberedOf(site, job)).toMatchObject({
        status: 'CANCELLED',
        batches: 2 * window,
        stoppedAtLine: 2 * window * CARDS_A_BATCH + 1,
      });
      await replayAll(site);
    } finally {
      server.close();
      server.closeAllConnections();
    }
  });

  test('that is cancelled and is to finish starts no further batch, and sees those in flight to their end', async () => {
    const { site, job, progress } = await begin('finished', 20, 0);
    const { simulator } = site;
    await until(async () => (await progress()).batches.byStatus.COMPLETED >= 8);
    simulator.configure({ processingMs: FOR_EVER_MS });
    await until(() => underWay(site) === WINDOW);
    await job.cancel();
    await until(async () => (await progress()).status === 'FINISHING');
    simulator.configure({ processingMs: 0 });
    await expect(job.result()).rejects.toThrow(WorkflowFailedError);

    expect((await job.describe()).status.name).toBe('CANCELLED');
    const { status, batches, counts, stoppedAtLine } = await rememberedOf(site, job);
    expect({ status, counts }).toMatchObject({
      status: 'CANCELLED',
      counts: { cards: batches * CARDS_A_BATCH, enrolled: batches * CARDS_A_BATCH },
    });
    expect(batches).toBeGreaterThanOrEqual(8 + WINDOW);
    expect(batches).toBeLessThan(20);
    expect(simulator.accepted()).toHaveLength(batches);
    expect(simulator.enrolledCards()).toHaveLength(batches * CARDS_A_BATCH);
    expect(stoppedAtLine).toBe(batches * CARDS_A_BATCH + 1);
    expect(await outcomesOf(site, job, batches)).toHaveLength(batches * CARDS_A_BATCH);
    await replayAll(site);
  });
});
