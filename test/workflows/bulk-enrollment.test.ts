import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { WorkflowFailedError } from '@temporalio/client';
import { CancelledFailure, type ApplicationFailure } from '@temporalio/common';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Reject } from '../../bulk/reject.js';
import { Blob, type ClosedBatch } from '../../enrollment/blobs.js';
import {
  bulkAddress,
  bulkBatchId,
  bulkWorkflowIdOf,
  type BulkResult,
  type ClosedBulk,
  type OnBulkCancel,
} from '../../enrollment/bulk.js';
import { getJson } from '../../store/store.js';
import {
  bulkProgressQuery,
  changeBulkUpdate,
  pauseBulkUpdate,
  resumeBulkUpdate,
} from '../../workflows/bulk/messages.js';
import type { BulkEnrollmentInput } from '../../workflows/index.js';
import { message } from '../support/message.js';
import {
  cancelJob,
  enrollingEverything,
  startBulk,
  untilTheyWait,
  writePortfolio,
} from '../support/bulk-rig.js';
import { currentDetailsOf } from '../support/current-details.js';
import { historiesOf } from '../support/replay.js';
import { testRecord, testRecords } from '../support/records.js';
import { PROGRAM, Rig } from '../support/rig.js';
import type { ScriptedGateway } from '../support/scripted-gateway.js';
import { until } from '../support/until.js';

let rig: Rig;
beforeAll(async () => {
  rig = await Rig.create();
});
afterAll(() => rig.close());

const jobs: string[] = [];
/** An id of its own for a job whose batches are replayed at the end of the test, as the job itself is. */
function nextJob(prefix: string): string {
  const bulkId = rig.nextBatchId(prefix);
  jobs.push(bulkId);
  return bulkId;
}
afterEach(async () => {
  for (const bulkId of jobs.splice(0)) {
    const { batches } = await closedJob(bulkId);
    for (const id of batchesOf(bulkId, batches)) await rig.replay(id);
  }
});

async function run(
  gateway: ScriptedGateway,
  bulkId: string,
  changes: Partial<BulkEnrollmentInput> = {},
): Promise<BulkResult> {
  return rig.running(gateway, async (_, taskQueue) =>
    (await startBulk(rig, taskQueue, bulkId, changes)).result(),
  );
}

/** Cancels a job of four batches and a window of two when it has read all and waits for so many that it submitted. */
async function cancelledAfterFirstSubmissions(
  gateway: ScriptedGateway,
  bulkId: string,
  onCancel: OnBulkCancel,
  submissions = 2,
): Promise<WorkflowFailedError> {
  return rig.running(gateway, async (_, taskQueue) => {
    const limits = { maxBatchesInFlight: 2, batchesPerMinute: null };
    const job = await startBulk(rig, taskQueue, bulkId, { onCancel, limits });
    if (submissions > 2) await rig.env.sleep('40s');
    await until(() => gateway.submissions.length === submissions);
    await until(async () => (await job.query(bulkProgressQuery)).batches.found === 4);
    await untilTheyWait(rig, bulkId, [submissions - 1, submissions]);
    await cancelJob(job);
    return job
      .result()
      .catch((error: unknown) => error as WorkflowFailedError) as Promise<WorkflowFailedError>;
  });
}

async function failureOf(job: Promise<unknown>): Promise<ApplicationFailure> {
  const error: unknown = await job.catch((reason: unknown) => reason);
  return (error as WorkflowFailedError).cause as ApplicationFailure;
}

async function closedJob(bulkId: string): Promise<BulkResult> {
  const address = bulkAddress({ program: PROGRAM, bulkId });
  return (await getJson<ClosedBulk>(rig.store, address, Blob.closed)).result;
}

const batchesOf = (bulkId: string, count: number) =>
  Array.from({ length: count }, (_, n) => bulkBatchId(bulkId, n + 1));

describe('a portfolio', () => {
  test('is enrolled in batches of whole consumers, and every card and every bad row is accounted for', async () => {
    const bulkId = nextJob('whole');
    await writePortfolio(rig, bulkId, [...testRecords(7), 'no JSON', testRecord(8, 2)]);
    const gateway = enrollingEverything(rig);
    const { result, progress } = await rig.running(gateway, async (_, taskQueue) => {
      const job = await startBulk(rig, taskQueue, bulkId);
      return { result: await job.result(), progress: await job.query(bulkProgressQuery) };
    });

    expect(result).toMatchObject({
      status: 'COMPLETED_WITH_ERRORS',
      batches: 3,
      byStatus: { COMPLETED: 3 },
      counts: { cards: 9, enrolled: 9, pending: 0 },
      rejects: 1,
      reasons: ['rejected rows of the source: 1'],
    });
    expect(progress).toMatchObject({
      status: 'COMPLETED_WITH_ERRORS',
      counts: { cards: 9, enrolled: 9 },
      batches: { found: 3, started: 3, inFlight: 0 },
      source: { isReadToEnd: true, readShare: 1 },
    });
    expect(gateway.submissions.map(({ externalBatchId }) => externalBatchId).sort()).toEqual(
      batchesOf(bulkId, 3),
    );
    for (const id of batchesOf(bulkId, 3))
      expect(await rig.blobs(id)).toEqual(['closed', 'offered-1', 'outcomes']);
    const address = bulkAddress({ program: PROGRAM, bulkId });
    expect(await getJson<Reject[]>(rig.store, address, Blob.rejects(8))).toEqual([
      { line: 8, path: '', code: 'json_malformed' },
    ]);
    expect(await getJson<ClosedBulk>(rig.store, address, Blob.closed)).toMatchObject({ result });
  });

  test('has its first batches under way while the rest of the source is read', async () => {
    const bulkId = nextJob('first-page');
    await writePortfolio(rig, bulkId, testRecords(12));
    await run(enrollingEverything(rig), bulkId, { maxCardsPerBatch: 1 });
    const histories = await historiesOf(rig.env.client, bulkWorkflowIdOf({ program: PROGRAM, bulkId }));
    const events = histories.reverse().flatMap((history) => history.events ?? []);
    const steps = events.flatMap(
      ({
        activityTaskScheduledEventAttributes: activity,
        startChildWorkflowExecutionInitiatedEventAttributes: batch,
      }) => activity?.activityType?.name ?? (batch ? ['batch'] : []),
    );
    const page = (batches: number) => Array.from({ length: batches }, () => 'batch');
    expect(steps).toEqual(['sealPage', ...page(10), 'sealPage', ...page(2), 'closeBulk']);
  });

  test('keeps as many batches under way as the window has, and starts the next when one is closed', async () => {
    const bulkId = nextJob('window');
    await writePortfolio(rig, bulkId, testRecords(15));
    let [open, most] = [0, 0];
    const gateway = enrollingEverything(rig, {
      onSubmit: () => void (most = Math.max(most, (open += 1))),
      onReport: () => void (open -= 1),
    });
    const result = await run(gateway, bulkId, {
      limits: { maxBatchesInFlight: 2, batchesPerMinute: null },
    });
    expect(result).toMatchObject({ status: 'COMPLETED', batches: 5, counts: { enrolled: 15 } });
    expect(most).toBe(2);
  });

  test('is started at a rate where one is given', async () => {
    const bulkId = nextJob('rate');
    await writePortfolio(rig, bulkId, testRecords(12));
    const gateway = enrollingEverything(rig);
    await run(gateway, bulkId, { limits: { maxBatchesInFlight: 10, batchesPerMinute: 0.1 } });
    const starts = await Promise.all(
      batchesOf(bulkId, 4).map(async (id) => (await rig.workflow(id).describe()).startTime.getTime()),
    );
    for (const [index, start] of starts.slice(1).entries())
      expect(start - starts[index]!).toBeGreaterThanOrEqual(590_000);
  });
});

/** What the Web UI shows of a job's batches. */
async function batchesShown(bulkId: string): Promise<string | undefined> {
  const job = rig.env.client.workflow.getHandle(bulkWorkflowIdOf({ program: PROGRAM, bulkId }));
  return /^.*batches: .*$/m.exec(await currentDetailsOf(job))?.[0];
}

test('the Web UI shows that a batch is in flight as soon as it is started', async () => {
  const bulkId = nextJob('shown');
  await writePortfolio(rig, bulkId, testRecords(6));
  const shown: unknown[] = [];
  const gateway = enrollingEverything(rig, {
    onSubmit: async () => {
      shown.push(await batchesShown(bulkId));
    },
  });
  await run(gateway, bulkId, { limits: { maxBatchesInFlight: 1, batchesPerMinute: null } });
  expect(shown).toEqual([
    '- batches: 1 started, 1 in flight',
    '- batches: 2 started, 1 in flight, 1 COMPLETED',
  ]);
});

describe('somebody', () => {
  test('pauses a job: those in flight go on, and no other is started before it is resumed', async () => {
    const bulkId = nextJob('paused');
    await writePortfolio(rig, bulkId, testRecords(12));
    const gateway = enrollingEverything(rig);
    const result = await rig.running(gateway, async (_, taskQueue) => {
      const job = await startBulk(rig, taskQueue, bulkId, {
        limits: { maxBatchesInFlight: 1, batchesPerMinute: null },
      });
      await until(() => gateway.submissions.length === 1);
      await job.executeUpdate(pauseBulkUpdate, { args: message(pauseBulkUpdate, {}) });
      await rig.env.sleep('1 day');
      // By then everything is due, but need not be done.
      await until(async () => (await job.query(bulkProgressQuery)).batches.inFlight === 0);
      expect(await job.query(bulkProgressQuery)).toMatchObject({
        status: 'PAUSED',
        counts: { enrolled: 3 },
        batches: { started: 1, inFlight: 0, byStatus: { COMPLETED: 1 } },
      });
      expect(gateway.submissions).toHaveLength(1);
      await job.executeUpdate(changeBulkUpdate, {
        args: message(changeBulkUpdate, { maxBatchesInFlight: 3 }),
      });
      await job.executeUpdate(resumeBulkUpdate, { args: message(resumeBulkUpdate, {}) });
      return job.result();
    });
    expect(result).toMatchObject({ status: 'COMPLETED', batches: 4 });
  });

  test('is refused a second pause, and what was paused goes on when it is resumed once', async () => {
    const bulkId = nextJob('paused-twice');
    await writePortfolio(rig, bulkId, testRecords(1));
    const result = await rig.running(enrollingEverything(rig), async (__, taskQueue) => {
      const job = await startBulk(rig, taskQueue, bulkId);
      await job.executeUpdate(pauseBulkUpdate, { args: message(pauseBulkUpdate, {}) });
      const again = job.executeUpdate(pauseBulkUpdate, { args: message(pauseBulkUpdate, {}) });
      await expect(again).rejects.toMatchObject({ cause: { message: 'the job is paused already' } });
      await job.executeUpdate(resumeBulkUpdate, { args: message(resumeBulkUpdate, {}) });
      return job.result();
    });
    expect(result).toMatchObject({ status: 'COMPLETED' });
  });

  test.each([
    ['resume what is not paused', resumeBulkUpdate, {}, 'not paused'],
    ['a window of none', changeBulkUpdate, { maxBatchesInFlight: 0 }, 'from 1 to 1000'],
    ['a rate of none', changeBulkUpdate, { batchesPerMinute: 0 }, 'above 0'],
  ] as const)('is refused %s', async (_, update, body, why) => {
    const bulkId = nextJob('refused');
    await writePortfolio(rig, bulkId, testRecords(1));
    await rig.running(enrollingEverything(rig), async (__, taskQueue) => {
      const job = await startBulk(rig, taskQueue, bulkId);
      const refused = job.executeUpdate(update as typeof changeBulkUpdate, { args: message(update, body) });
      await expect(refused).rejects.toMatchObject({
        cause: { message: expect.stringContaining(why) as string },
      });
      await job.result();
    });
  });

  test('cancels a job that finishes: batches in flight go to their end, the others are never sent', async () => {
    const bulkId = nextJob('cancelled');
    await writePortfolio(rig, bulkId, testRecords(12));
    const gateway = enrollingEverything(rig);
    const { cause } = await cancelledAfterFirstSubmissions(gateway, bulkId, 'finish');
    expect(cause).toBeInstanceOf(CancelledFailure);
    expect(await closedJob(bulkId)).toMatchObject({
      status: 'CANCELLED',
      batches: 2,
      counts: { cards: 6, enrolled: 6 },
      stoppedAtLine: 7,
    });
    expect(gateway.submissions).toHaveLength(2);
    for (const id of batchesOf(bulkId, 2))
      expect(await rig.blobs(id)).toEqual(['closed', 'offered-1', 'outcomes']);
    for (const id of batchesOf(bulkId, 4).slice(2)) expect(await rig.blobs(id)).toEqual([]);
  });

  test('cancels a job that takes back: no card of it stays enrolled, also of batches that were closed', async () => {
    const bulkId = nextJob('taken-back');
    await writePortfolio(rig, bulkId, testRecords(12));
    const closedFirst = bulkBatchId(bulkId, 1);
    const shown: unknown[] = [];
    const gateway = enrollingEverything(rig, {
      onlyAtFirst: closedFirst,
      onRemoval: async () => {
        shown.push(await batchesShown(bulkId));
      },
    });
    const { cause } = await cancelledAfterFirstSubmissions(gateway, bulkId, 'rollback', 3);
    expect(cause).toBeInstanceOf(CancelledFailure);
    const result = await closedJob(bulkId);
    expect(result).toMatchObject({
      status: 'CANCELLED',
      batches: 3,
      byStatus: { COMPLETED: 0, ROLLED_BACK: 1, CANCELLED: 2 },
      counts: { cards: 9, enrolled: 0, rolledBack: 9 },
    });
    expect(gateway.cardRemovals).toHaveLength(9);
    expect(shown.at(-1)).toBe('- batches: 3 started, 1 in flight, 1 COMPLETED, 2 CANCELLED');
    const first = await getJson<ClosedBatch>(
      rig.store,
      { program: PROGRAM, externalBatchId: closedFirst },
      Blob.closed,
    );
    expect(first.result).toMatchObject({
      status: 'ROLLED_BACK',
      reasons: ['3 cards removed again: the bulk job was cancelled'],
    });
  });
});

describe('a source', () => {
  test('that changes between pages stops the job: what is in flight ends, and the failure says from which line on', async () => {
    const bulkId = nextJob('changed');
    const path = await writePortfolio(rig, bulkId, testRecords(30));
    const gateway = enrollingEverything(rig, {
      onSubmit: () => appendFile(join(rig.sourceFolder, path), `${JSON.stringify(testRecord(31))}\n`),
    });
    const limits = { maxBatchesInFlight: 2, batchesPerMinute: null };
    const { type, message } = await failureOf(run(gateway, bulkId, { limits }));
    expect(type).toBe('SourceChanged');
    const result = await closedJob(bulkId);
    expect(result).toMatchObject({ status: 'FAILED', failure: 'SourceChanged' });
    expect(result.stoppedAtLine).toBe(3 * result.batches + 1);
    expect(message).toContain(`nothing was sent from line ${result.stoppedAtLine} of the source on`);
    expect(result.counts.enrolled).toBe(3 * result.batches);
    for (const id of batchesOf(bulkId, 10).slice(result.batches)) expect(await rig.blobs(id)).toEqual([]);
  });

  test.each([
    ['that is not there', undefined, 'cannot be read'],
    ['without a record', '', 'has no records'],
  ])('%s fails the job', async (_, content, why) => {
    const bulkId = nextJob('unusable');
    if (content !== undefined) await writePortfolio(rig, bulkId, []);
    const { type, message } = await failureOf(run(enrollingEverything(rig), bulkId));
    expect(type).toBe('SourceUnusable');
    expect(message).toContain(why);
  });
});

test('a closed batch of another that has the id of one of the job is left out, and the job goes on with all others', async () => {
  const bulkId = nextJob('taken');
  await writePortfolio(rig, bulkId, testRecords(9));
  const gateway = enrollingEverything(rig);
  const { type, message } = await rig.running(gateway, async (client, taskQueue) => {
    const other = await client.enroll({
      program: PROGRAM,
      externalBatchId: bulkBatchId(bulkId, 2),
      records: [testRecord(99)],
    });
    await other.result();
    const job = await startBulk(rig, taskQueue, bulkId);
    return failureOf(job.result());
  });
  expect(type).toBe('BatchIdTaken');
  expect(message).toContain(`left out, since other batches have their ids: ${bulkBatchId(bulkId, 2)}`);
  expect(await closedJob(bulkId)).toMatchObject({
    status: 'FAILED',
    batches: 2,
    notStarted: [2],
    counts: { cards: 6, enrolled: 6 },
  });
  expect(await rig.blobs(bulkBatchId(bulkId, 2))).toEqual(['closed', 'offered-1', 'outcomes']);
  await rig.replay(bulkBatchId(bulkId, 3));
});
