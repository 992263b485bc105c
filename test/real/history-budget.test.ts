import { afterAll, beforeAll, expect, test } from 'vitest';
import { TRIGGERS } from '../../simulator/index.js';
import { testRecords } from '../support/records.js';
import { PROGRAM, RealEnvironment, type RealSite } from '../support/real-environment.js';

const MAX_EVENTS = 60;
const MAX_BYTES = 24_000;
const MAX_DIFFERENCE = 0.05;

let environment: RealEnvironment;
let site: RealSite;
beforeAll(async () => {
  environment = await RealEnvironment.shared();
  site = await environment.site('site');
  await site.startWorker();
});
afterAll(() => environment.close());

test('the history of a batch with two polls is within its budget, and the same for 1 card and for 250', async () => {
  const [one, many] = await Promise.all([historyOf(1), historyOf(250)]);
  console.log(`history of a batch with two polls: 1 card ${shown(one)}; 250 cards ${shown(many)}`);

  for (const { events, bytes } of [one, many]) {
    expect(events).toBeLessThanOrEqual(MAX_EVENTS);
    expect(bytes).toBeLessThanOrEqual(MAX_BYTES);
  }
  expect(difference(one.events, many.events)).toBeLessThanOrEqual(MAX_DIFFERENCE);
  expect(difference(one.bytes, many.bytes)).toBeLessThanOrEqual(MAX_DIFFERENCE);
});

interface Size {
  events: number;
  bytes: number;
}

/** Enrolls a batch that is terminal at the second poll, and measures what the server keeps of it. */
async function historyOf(cards: number): Promise<Size> {
  const { externalBatchIdContains } = TRIGGERS.batches.UNKNOWN_STATUS_FIRST;
  const externalBatchId = `${externalBatchIdContains}-${String(cards).padStart(3, '0')}`;
  const batch = await site.client.enroll({
    externalBatchId,
    program: PROGRAM,
    records: testRecords(cards),
    policy: { polling: { initial: '1s' } },
  });
  expect(await batch.result()).toMatchObject({ status: 'COMPLETED', counts: { cards, enrolled: cards } });
  const workflow = site.workflow(externalBatchId);
  await workflow.result();
  expect(await activities(externalBatchId)).toEqual([
    'validateBatch',
    'encryptBatch',
    'submitBatch',
    'fetchBatchStatus',
    'fetchBatchStatus',
    'purgeBatch',
  ]);
  const { historyLength, historySize } = await workflow.describe();
  return { events: historyLength, bytes: historySize ?? Number.NaN };
}

async function activities(externalBatchId: string): Promise<string[]> {
  const { events } = await site.workflow(externalBatchId).fetchHistory();
  return (events ?? []).flatMap(
    ({ activityTaskScheduledEventAttributes: scheduled }) => scheduled?.activityType?.name ?? [],
  );
}

function shown({ events, bytes }: Size): string {
  return `${events} events, ${bytes} bytes`;
}

function difference(a: number, b: number): number {
  return Math.abs(a - b) / Math.max(a, b);
}
