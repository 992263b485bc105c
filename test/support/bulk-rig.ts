import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Client, WorkflowHandle } from '@temporalio/client';
import { Blob } from '../../enrollment/blobs.js';
import { bulkBatchId, bulkWorkflowIdOf, DEFAULT_BULK_LIMITS, type BulkKey } from '../../enrollment/bulk.js';
import { resolvePolicy } from '../../enrollment/policy.js';
import type { CardKey, EnrollmentRecord } from '../../enrollment/records.js';
import { BatchStatusValue } from './scripted-gateway.js';
import { getJson } from '../../store/store.js';
import type { bulkEnrollment, BulkEnrollmentInput } from '../../workflows/index.js';
import { progressQuery } from '../../workflows/batch/messages.js';
import { cancelBulkUpdate } from '../../workflows/bulk/messages.js';
import { message } from './message.js';
import { PROGRAM, type Rig } from './rig.js';
import { report, ScriptedGateway, success } from './scripted-gateway.js';
import { until } from './until.js';

/** A job as tests start it, of three cards a batch. */
export type BulkHandle = WorkflowHandle<typeof bulkEnrollment> & { key: BulkKey };

/** Writes a portfolio to where workers read it, and gives its name. */
export async function writePortfolio(
  place: { sourceFolder: string },
  bulkId: string,
  records: readonly (EnrollmentRecord | string)[],
): Promise<string> {
  const lines = records.map((record) => (typeof record === 'string' ? record : JSON.stringify(record)));
  await writeFile(join(place.sourceFolder, `${bulkId}.jsonl`), lines.map((line) => `${line}\n`).join(''));
  return `${bulkId}.jsonl`;
}

/** Starts a job of what `writePortfolio` wrote under its id. */
export async function startBulk(
  rig: Rig,
  taskQueue: string,
  bulkId: string,
  changes: Partial<BulkEnrollmentInput> = {},
): Promise<BulkHandle> {
  return startBulkAt(rig.env.client, taskQueue, bulkId, changes);
}

/** Cancels a job as an operator does. */
export async function cancelJob(job: BulkHandle): Promise<void> {
  await job.executeUpdate(cancelBulkUpdate, { args: message(cancelBulkUpdate, {}) });
}

/** As `startBulk`, wherever Temporal is. */
export async function startBulkAt(
  temporal: Client,
  taskQueue: string,
  bulkId: string,
  changes: Partial<BulkEnrollmentInput>,
): Promise<BulkHandle> {
  const key = { program: PROGRAM, bulkId };
  const handle = await temporal.workflow.start<typeof bulkEnrollment>('bulkEnrollment', {
    workflowId: bulkWorkflowIdOf(key),
    taskQueue,
    args: [
      {
        ...key,
        source: { path: `${bulkId}.jsonl` },
        maxCardsPerBatch: 3,
        limits: DEFAULT_BULK_LIMITS,
        onCancel: 'finish',
        policy: resolvePolicy({}),
        ...changes,
      },
    ],
  });
  return Object.assign(handle, { key });
}

export interface EnrollingOptions {
  onSubmit?: (externalBatchId: string) => void | Promise<void>;
  onReport?: (externalBatchId: string) => void;
  onRemoval?: () => Promise<void>;
  /** Enrolls this batch at the first poll, and the others at the second. */
  onlyAtFirst?: string;
}

/** A Mastercard that enrolls every card of every batch. */
export function enrollingEverything(rig: Rig, options: EnrollingOptions = {}): ScriptedGateway {
  const polled = new Set<string>();
  return new ScriptedGateway({
    submit: [
      async ({ externalBatchId }) => {
        await options.onSubmit?.(externalBatchId);
        return { batchId: `mc-${externalBatchId}` };
      },
    ],
    status: [
      async ({ batchId }) => {
        const externalBatchId = batchId.slice('mc-'.length);
        const { onlyAtFirst } = options;
        if (onlyAtFirst !== undefined && externalBatchId !== onlyAtFirst && !polled.has(batchId)) {
          polled.add(batchId);
          return { ...report(externalBatchId, BatchStatusValue.inProgress), batchId };
        }
        options.onReport?.(externalBatchId);
        const cards = await getJson<CardKey[]>(rig.store, { program: PROGRAM, externalBatchId }, Blob.cards);
        const results = cards.map(({ externalConsumerId, externalCardId }) =>
          success(externalConsumerId, externalCardId),
        );
        return { ...report(externalBatchId, BatchStatusValue.completed, results), batchId };
      },
    ],
    deleteCard: [
      async () => {
        await options.onRemoval?.();
        return 'removed' as const;
      },
    ],
  });
}

/**
 * Waits until the batches of a job wait for Mastercard and nobody works on them. Who is cancelled before that
 * may hang: the time-skipping server may lose what is cancelled as it completes.
 */
export async function untilTheyWait(rig: Rig, bulkId: string, numbers: readonly number[]): Promise<void> {
  for (const n of numbers) await untilItWaits(rig, bulkBatchId(bulkId, n));
}

/** As `untilTheyWait`, of one batch. */
export async function untilItWaits(rig: Rig, externalBatchId: string): Promise<void> {
  const batch = rig.workflow(externalBatchId);
  await until(async () => {
    const { status } = await batch.query(progressQuery);
    const { raw } = await batch.describe();
    return status === 'PROCESSING' && !raw.pendingActivities?.length;
  });
}

/**
 * Lets time run until a batch is closed, and hardly further. `result()` does not: the server skips to the next timer, be
 * it a year away, before the caller can stop time again.
 */
export async function untilClosed(rig: Rig, externalBatchId: string): Promise<void> {
  const batch = rig.workflow(externalBatchId);
  await until(async () => {
    await rig.env.sleep('10s');
    return (await batch.describe()).status.name !== 'RUNNING';
  });
}
