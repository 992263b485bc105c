import { decodeOptionalSinglePayload } from '@temporalio/common/lib/internal-non-workflow/codec-helpers.js';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { BatchSummary, ListFilter } from '../../client/list.js';
import { workflowIdOf } from '../../enrollment/identifiers.js';
import type { EnrollmentRecord } from '../../enrollment/records.js';
import { TRIGGERS } from '../../simulator/index.js';
import type { batchEnrollment } from '../../workflows/index.js';
import { currentDetailsOf } from '../support/current-details.js';
import { testCard, testRecord } from '../support/records.js';
import { PROGRAM, RealEnvironment, type RealSite } from '../support/real-environment.js';

const OTHER = 'other';
const DECLINED = { ...testCard(300), primaryAccountNumber: TRIGGERS.cards.PAN_INELIGIBLE.pan };
const HANDED_OVER = 'of-the-other';
const OPEN = `${TRIGGERS.batches.NEVER_TERMINAL.externalBatchIdContains}-1`;

let environment: RealEnvironment;
let site: RealSite;
beforeAll(async () => {
  environment = await RealEnvironment.start();
  site = await environment.site('site', { otherPrograms: [OTHER] });
  await site.startWorker();
  for (const batch of [
    await enroll('all-enrolled', PROGRAM, [testRecord(1)]),
    await enroll('one-declined', PROGRAM, [testRecord(2), { ...testRecord(3), cards: [DECLINED] }]),
    await handingOver(HANDED_OVER, OTHER, [testRecord(4)]),
  ]) {
    await batch.result();
  }
  const open = await enroll(OPEN, PROGRAM, [testRecord(5)]);
  await vi.waitUntil(async () => (await open.progress()).polling?.lastStatus !== undefined, {
    timeout: 30_000,
  });
}, 120_000);
afterAll(() => environment.close());

const policy = { polling: { initial: '1s' } };

/** A batch that is handed over to a new run wherever it waits. */
function handingOver(externalBatchId: string, program: string, inline: EnrollmentRecord[]) {
  return site.temporal.workflow.start<typeof batchEnrollment>('batchEnrollment', {
    workflowId: workflowIdOf({ program, externalBatchId }),
    taskQueue: site.taskQueue,
    args: [{ externalBatchId, program, records: { inline }, policy, historyLimit: 10 }],
  });
}

function enroll(externalBatchId: string, program: string, records: EnrollmentRecord[]) {
  return site.client.enroll({ externalBatchId, program, records, policy });
}

async function listed(filter: ListFilter): Promise<BatchSummary[]> {
  const found: BatchSummary[] = [];
  for await (const summary of site.client.list(filter)) found.push(summary);
  return found;
}

/** The ids that a list comes to: the server brings lists up to date a moment after the fact. */
async function expectListed(filter: ListFilter, ids: string[]): Promise<void> {
  await vi.waitFor(
    async () => {
      const found = (await listed(filter)).map(({ externalBatchId }) => externalBatchId);
      expect(found.sort()).toEqual([...ids].sort());
    },
    { timeout: 15_000, interval: 200 },
  );
}

describe('the list of batches', () => {
  test('holds every batch without a filter', async () => {
    await expectListed({}, ['all-enrolled', 'one-declined', HANDED_OVER, OPEN]);
  });

  test('names a batch once, as its last run has it, though earlier runs handed over to that', async () => {
    const { count } = await site.temporal.workflow.count(`ExecutionStatus = 'ContinuedAsNew'`);
    expect(count).toBeGreaterThan(0);
    await expectListed({ program: OTHER }, [HANDED_OVER]);
    await expectListed({ program: OTHER, status: 'SUBMITTING' }, []);
    await expectListed({ program: OTHER, status: 'PROCESSING' }, []);
  });

  test('can be of one status', async () => {
    await expectListed({ status: 'COMPLETED' }, ['all-enrolled', HANDED_OVER]);
    await expectListed({ status: 'COMPLETED_WITH_ERRORS' }, ['one-declined']);
    await expectListed({ status: 'PROCESSING' }, [OPEN]);
    await expectListed({ status: 'REJECTED' }, []);
  });

  test('can be of one program, and of both one program and one status', async () => {
    await expectListed({ program: OTHER }, [HANDED_OVER]);
    await expectListed({ program: PROGRAM, status: 'COMPLETED' }, ['all-enrolled']);
  });

  test('begins with what is open, then what closed last, and ends at its limit', async () => {
    await expectListed({}, ['all-enrolled', 'one-declined', HANDED_OVER, OPEN]);
    const [open, ...closed] = await listed({});
    expect(open?.externalBatchId).toBe(OPEN);
    const closedAt = closed.map((summary) => summary.closedAt ?? '');
    expect(closedAt).toEqual([...closedAt].sort().reverse());
    expect(await listed({ limit: 2 })).toEqual([open, closed[0]]);
  });

  test('shows of each batch its cards, how many were not enrolled, and the id that Mastercard gave it', async () => {
    await expectListed({ status: 'COMPLETED_WITH_ERRORS' }, ['one-declined']);
    const accepted = site.simulator.accepted().find((it) => it.externalBatchId === 'one-declined');
    expect(await listed({ status: 'COMPLETED_WITH_ERRORS' })).toMatchObject([
      {
        externalBatchId: 'one-declined',
        program: PROGRAM,
        batchId: accepted?.batchId,
        cards: 2,
        failedCards: 1,
        execution: 'COMPLETED',
      },
    ]);
  });
});

describe('what an operator sees of a batch in the Web UI', () => {
  test('is headed by its id, the number of its cards and its program', async () => {
    const execution = await site.workflow('one-declined').describe();
    expect(await execution.staticSummary()).toBe('one-declined: 2 cards of 2 consumers, program demo');
  });

  test('says when it is closed how it ended and the number of cards of each outcome', async () => {
    const details = await currentDetailsOf(site.workflow('one-declined'));
    expect(details).toContain('### COMPLETED_WITH_ERRORS');
    expect(details).toContain('| cards | enrolled | failed | invalid | rolled back | unreported | pending |');
    expect(details).toContain('| 2 | 1 | 1 | 0 | 0 | 0 | 0 |');
    expect(details).toContain('- 1 declined by Mastercard');
    expect(details).toContain('`c2p report one-declined` shows the outcome of every card.');
  });

  test('says while it is open what it waits for', async () => {
    const details = await currentDetailsOf(site.workflow(OPEN));
    expect(details).toContain('### PROCESSING');
    expect(details).toMatch(/Next poll at 20\d\d-|Asking Mastercard for the status/);
    expect(details).toContain('last status: `IN_PROGRESS`');
  });

  test('has a summary for each timer and each activity in the history', async () => {
    const { events } = await site.workflow('one-declined').fetchHistory();
    const { loadedDataConverter } = site.temporal.options;
    const summaries: unknown[] = [];
    for (const event of events ?? []) {
      const activity = event.activityTaskScheduledEventAttributes?.activityType?.name;
      const what = event.timerStartedEventAttributes ? 'timer' : activity;
      const summary = event.userMetadata?.summary;
      if (what) summaries.push([what, await decodeOptionalSinglePayload(loadedDataConverter, summary)]);
    }
    expect(summaries).toEqual([
      ['validateBatch', '2 cards'],
      ['encryptBatch', 'round 1, 2 cards'],
      ['submitBatch', 'round 1, attempt 1, 2 cards'],
      ['timer', 'next poll (1)'],
      ['fetchBatchStatus', 'poll 1'],
      ['purgeBatch', expect.stringContaining('COMPLETED_WITH_ERRORS')],
    ]);
  });
});
