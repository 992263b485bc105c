import { WorkflowFailedError } from '@temporalio/client';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, test } from 'vitest';
import { changeBulkUpdate, pauseBulkUpdate, resumeBulkUpdate } from '../../workflows/bulk/messages.js';
import { message } from '../support/message.js';
import { testRecords } from '../support/records.js';
import { historiesOf, replayAll } from '../support/replay.js';
import { until } from '../support/until.js';
import {
  CARDS_A_BATCH,
  EVENTS_A_RUN,
  FOR_EVER_MS,
  WINDOW,
  begin,
  outcomesOf,
  rememberedOf,
  underWay,
} from './bulk-job.js';
import { cancelJob } from '../support/bulk-rig.js';

describe.concurrent('a bulk job on a real server', { timeout: 240_000 }, () => {
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
        await job.executeUpdate(changeBulkUpdate, {
          args: message(changeBulkUpdate, { maxBatchesInFlight: window }),
        });
      await cancelJob(job);
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
    await cancelJob(job);
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

  test('submits nothing while it is paused, and goes on within another window when it is resumed', async () => {
    const { site, job, progress } = await begin('paused', 20, FOR_EVER_MS);
    const { simulator } = site;
    await until(() => underWay(site) === WINDOW);
    await job.executeUpdate(pauseBulkUpdate, { args: message(pauseBulkUpdate, {}) });
    simulator.configure({ processingMs: 0 });
    // Each of them that closes would be followed by another.
    await until(async () => (await progress()).batches.inFlight === 0);
    expect(simulator.accepted()).toHaveLength(WINDOW);
    expect(await progress()).toMatchObject({
      status: 'PAUSED',
      batches: { started: WINDOW, byStatus: { COMPLETED: WINDOW } },
    });

    simulator.configure({ processingMs: FOR_EVER_MS });
    await job.executeUpdate(changeBulkUpdate, { args: message(changeBulkUpdate, { maxBatchesInFlight: 6 }) });
    await job.executeUpdate(resumeBulkUpdate, { args: message(resumeBulkUpdate, {}) });
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
    await cancelJob(job);
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
    expect((await job.describe()).status.name).toBe('CANCELLED');
    expect(await replayAll(site)).toBeGreaterThan(2 * 8 + WINDOW);
  });
});
