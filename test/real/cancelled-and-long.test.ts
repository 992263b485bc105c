import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { workflowIdOf } from '../../enrollment/identifiers.js';
import { testRecords } from '../support/records.js';
import { RealEnvironment, PROGRAM } from '../support/real-environment.js';

const FOR_EVER_MS = 24 * 3_600_000;
const WAITS = { timeout: 60_000 };

let environment: RealEnvironment;
beforeAll(async () => {
  // Some eight polls; a real server suggests it after 4,096 events.
  environment = await RealEnvironment.start({ 'limit.historyCount.suggestContinueAsNew': '100' });
});
afterAll(() => environment.close());

/** The time-skipping server has no cancelled workflow that continues as new, so this is tested on a real one. */
test('a cancelled batch is handed from run to run, stays cancelled, and its cards are taken back in the end', async () => {
  const site = await environment.site('site', { processingMs: FOR_EVER_MS, requestsPerSecond: 1_000 });
  await site.startWorker();
  const batch = await site.client.enroll({
    externalBatchId: 'cancelled',
    program: PROGRAM,
    records: testRecords(3),
    policy: { polling: { initial: '50ms', maximum: '50ms' } },
  });
  const polls = async () => (await batch.progress()).polling?.polls ?? 0;
  const runOf = async () => (await site.workflow('cancelled').describe()).runId;
  await vi.waitUntil(async () => (await polls()) > 0, WAITS);
  const first = await runOf();
  await batch.cancel();
  await vi.waitUntil(async () => (await runOf()) !== first, WAITS);
  const second = await runOf();
  await vi.waitUntil(async () => (await runOf()) !== second, WAITS);
  site.simulator.configure({ processingMs: 0 });

  expect(await batch.result()).toMatchObject({ status: 'CANCELLED', counts: { cards: 3, rolledBack: 3 } });
  expect(await batch.execution()).toBe('CANCELLED');
  expect(site.simulator.enrolledCards()).toEqual([]);
  expect(site.simulator.accepted()).toHaveLength(1);
});

test('a batch that came with its records inline is found by its id, program and records after it was handed over', async () => {
  const site = await environment.site('inline', { processingMs: FOR_EVER_MS });
  await site.startWorker();
  const key = { program: PROGRAM, externalBatchId: 'inline' };
  await site.temporal.workflow.start('batchEnrollment', {
    workflowId: workflowIdOf(key),
    taskQueue: site.taskQueue,
    args: [
      {
        ...key,
        records: { inline: testRecords(1) },
        policy: { polling: { initial: '1s' } },
        historyLimit: 1,
      },
    ],
  });
  const runOf = async () => (await site.workflow('inline').describe()).runId;
  const first = await runOf();
  await vi.waitUntil(async () => (await runOf()) !== first, WAITS);

  const batch = await site.client.enroll({ ...key, records: testRecords(1) });
  const found = async () => {
    for await (const one of site.client.list({ program: PROGRAM, status: 'PROCESSING' })) return one;
    return undefined;
  };
  await vi.waitUntil(found, WAITS);
  expect(await found()).toMatchObject(key);
  site.simulator.configure({ processingMs: 0 });
  expect(await batch.result()).toMatchObject({ status: 'COMPLETED', counts: { cards: 1, enrolled: 1 } });
});
