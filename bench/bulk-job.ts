import { performance } from 'node:perf_hooks';
import { Client } from '@temporalio/client';
import { bulkBatchId, bulkWorkflowIdOf } from '../enrollment/bulk.js';
import { workflowIdOf } from '../enrollment/identifiers.js';
import { resolvePolicy } from '../enrollment/policy.js';
import type { bulkEnrollment } from '../workflows/index.js';
import type { bareBulk } from './bare-bulk-workflow.js';
import { BARE_TASK_QUEUE, PROGRAM, TASK_QUEUE } from './bulk-site.js';

export const MAX_CARDS = 250;
/** As `bulkEnrollment` reads. */
const BATCHES_A_PAGE = 50;

export interface JobSettings {
  /** How many batches are under way at a time. */
  window: number;
  pollEveryMs: number;
}

/** Enrolls a portfolio in full. @returns how long it took (s). */
export async function runJob(
  temporal: Client,
  bulkId: string,
  { path, cards }: { path: string; cards: number },
  { window, pollEveryMs }: JobSettings,
): Promise<number> {
  const key = { program: PROGRAM, bulkId };
  const begun = performance.now();
  const { counts } = await temporal.workflow.execute<typeof bulkEnrollment>('bulkEnrollment', {
    workflowId: bulkWorkflowIdOf(key),
    taskQueue: TASK_QUEUE,
    args: [
      {
        ...key,
        source: { path },
        maxCardsPerBatch: MAX_CARDS,
        limits: { maxBatchesInFlight: window, batchesPerMinute: null },
        onCancel: 'finish',
        policy: resolvePolicy({
          polling: { initial: pollEveryMs, coefficient: 1, maximum: pollEveryMs, jitter: 0 },
        }),
      },
    ],
  });
  if (counts.enrolled !== cards) throw new Error(`${counts.enrolled} of ${cards} cards were enrolled`);
  return (performance.now() - begun) / 1_000;
}

/** As many batches of bare workflows. @returns how long it took (s). */
export async function runBareJob(
  temporal: Client,
  workflowId: string,
  { batches, polls }: { batches: number; polls: number },
  { window, pollEveryMs }: JobSettings,
): Promise<number> {
  const { connection, options } = temporal;
  // Without the payload codec.
  const bare = new Client({ connection, namespace: options.namespace });
  const begun = performance.now();
  await bare.workflow.execute<typeof bareBulk>('bareBulk', {
    workflowId,
    taskQueue: BARE_TASK_QUEUE,
    args: [
      {
        batches,
        window,
        batchesAPage: BATCHES_A_PAGE,
        batch: { polls, pollEveryMs, program: PROGRAM },
      },
    ],
  });
  return (performance.now() - begun) / 1_000;
}

/** The history of one run of a workflow. */
export interface RunHistory {
  events: number;
  bytes: number;
}

/** The histories of a job's runs, the oldest first. */
export async function jobHistories(temporal: Client, bulkId: string): Promise<RunHistory[]> {
  return histories(temporal, bulkWorkflowIdOf({ program: PROGRAM, bulkId }));
}

/** The history of a job's first batch. */
export async function batchHistory(temporal: Client, bulkId: string): Promise<RunHistory> {
  const externalBatchId = bulkBatchId(bulkId, 1);
  const [history] = await histories(temporal, workflowIdOf({ program: PROGRAM, externalBatchId }));
  if (!history) throw new Error(`Temporal does not know batch ${externalBatchId}`);
  return history;
}

async function histories(temporal: Client, workflowId: string): Promise<RunHistory[]> {
  const runs: (RunHistory & { startedAt: Date })[] = [];
  for await (const { runId } of temporal.workflow.list({ query: `WorkflowId = '${workflowId}'` })) {
    const { startTime, historyLength, historySize } = await temporal.workflow
      .getHandle(workflowId, runId)
      .describe();
    runs.push({ startedAt: startTime, events: historyLength, bytes: historySize ?? Number.NaN });
  }
  runs.sort((a, b) => a.startedAt.getTime() - b.startedAt.getTime());
  return runs.map(({ events, bytes }) => ({ events, bytes }));
}
