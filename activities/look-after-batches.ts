import { getClient } from '@temporalio/activity';
import { WorkflowNotFoundError, type Client, type WorkflowExecutionDescription } from '@temporalio/client';
import type { BatchKey, BatchResult } from '../enrollment/batch.js';
import { Blob, isRecords, type ClosedBatch } from '../enrollment/blobs.js';
import { bulkBatchId, type BatchReport, type BulkKey } from '../enrollment/bulk.js';
import { FailureType } from '../enrollment/errors.js';
import { workflowIdOf } from '../enrollment/identifiers.js';
import { howItEnded, isOver } from '../retention/execution.js';
import { lookingClient } from '../retention/looking-client.js';
import { getJson } from '../store/store.js';
import { failingClearly } from './failures.js';
import type { ActivityDependencies } from './dependencies.js';
import { purgeBatch } from './purge-batch.js';

export interface LookAfterBatchesInput {
  bulk: BulkKey;
  batches: Array<{ n: number; cards: number }>;
}

/**
 * Checks the silent batches of a job: those that did not report that they are closed. Returns the reports of
 * those that are. A batch whose workflow was terminated directly in Temporal is closed here, as FAILED, so that
 * each of its cards has an outcome.
 */
export function lookAfterBatches(deps: Pick<ActivityDependencies, 'store' | 'now'>) {
  return ({ bulk, batches }: LookAfterBatchesInput): Promise<BatchReport[]> =>
    failingClearly(async () => {
      const temporal = lookingClient(getClient());
      const reports: BatchReport[] = [];
      for (const { n, cards } of batches) {
        const batch = { program: bulk.program, externalBatchId: bulkBatchId(bulk.bulkId, n) };
        const execution = await executionOf(temporal, batch);
        if (execution && !isOver(execution.status.name)) continue;
        const { externalBatchId, status, counts, failure } = (await deps.store.has(batch, Blob.closed))
          ? (await getJson<ClosedBatch>(deps.store, batch, Blob.closed)).result
          : await close(deps, batch, cards, execution);
        reports.push({ externalBatchId, status, counts, failure });
      }
      return reports;
    });
}

async function close(
  deps: Pick<ActivityDependencies, 'store' | 'now'>,
  batch: BatchKey,
  cards: number,
  execution: WorkflowExecutionDescription | undefined,
): Promise<BatchResult> {
  const { recordsDigest = '' } = (execution?.memo ?? {}) as { recordsDigest?: string };
  const records = (await deps.store.list(batch)).find(isRecords) ?? '';
  return purgeBatch(deps)({
    batch,
    records,
    recordsDigest,
    cards,
    status: 'FAILED',
    batchIds: [],
    reasons: [`its workflow ${execution ? howItEnded(execution.status.name) : 'is unknown to Temporal'}`],
    failure: FailureType.BatchFailed,
    remaining: { status: 'UNREPORTED', reason: 'TERMINATED_IN_TEMPORAL' },
  });
}

async function executionOf(
  temporal: Client,
  batch: BatchKey,
): Promise<WorkflowExecutionDescription | undefined> {
  try {
    return await temporal.workflow.getHandle(workflowIdOf(batch)).describe();
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return undefined;
    throw error;
  }
}
