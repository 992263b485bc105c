import { startChild, workflowInfo, type ChildWorkflowOptions } from '@temporalio/workflow';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { bulkBatchId } from '../../enrollment/bulk.js';
import { workflowIdOf } from '../../enrollment/identifiers.js';
import type { SealedBatch } from '../../activities/index.js';
import type { BatchWorkflow } from '../batch/input.js';
import type { BatchEnrollmentInput, TakeBackInput } from '../batch/messages.js';
import {
  C2pBulkId,
  C2pExternalBatchId,
  C2pFailedRecords,
  C2pProgram,
  C2pRecords,
  C2pStatus,
} from '../search-attributes.js';
import type { Job } from './job.js';
import { batchStarted, batchTaken, contested, nextStart } from './starting.js';
import { keyOf, type BulkState } from './state.js';

/** Starts the batches that the limits let through, side by side. */
export async function startBatches(job: Job): Promise<void> {
  const starts: Promise<void>[] = [];
  const now = Date.now();
  for (let at = nextStart(job.state); at !== null && at <= now; at = nextStart(job.state)) {
    const [state, batch] = batchTaken(job.state, now);
    job.become(state);
    starts.push(startBatch(job, batch));
  }
  await Promise.all(starts);
}

async function startBatch(job: Job, batch: SealedBatch): Promise<void> {
  const { n, begun, records, recordsDigest, consumers, cards, line } = batch;
  // A job that was reset had begun it.
  if (begun) return job.become(contested(job.state, n));
  const { bulkId, program } = keyOf(job.state);
  const input = { ...batchInput(job.state, n), records, recordsDigest, cards };
  try {
    const chain = await startBatchWorkflow(job.state, input, {
      workflowIdReusePolicy: 'REJECT_DUPLICATE',
      memo: { recordsDigest, records },
      staticSummary: `${input.externalBatchId}: ${cards} cards of ${consumers} consumers, program ${program}, from line ${line} of ${bulkId}`,
    });
    job.become(batchStarted(job.state, n, chain));
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    job.become(contested(job.state, n));
  }
}

/** What all workflows of a job's batches are started with. */
export function batchInput(
  state: BulkState,
  n: number,
): Pick<BatchEnrollmentInput, 'program' | 'externalBatchId' | 'policy' | 'reportTo' | 'historyLimit'> {
  const { program, bulkId } = keyOf(state);
  const { policy, historyLimit } = state.order;
  const reportTo = workflowInfo().workflowId;
  return { program, externalBatchId: bulkBatchId(bulkId, n), policy, reportTo, historyLimit };
}

/** @returns the id of the first run. */
export async function startBatchWorkflow(
  state: BulkState,
  input: BatchEnrollmentInput | TakeBackInput,
  options: ChildWorkflowOptions,
): Promise<string> {
  const { program, externalBatchId, cards } = input;
  const handle = await startChild<BatchWorkflow>('batchEnrollment', {
    workflowId: workflowIdOf(input),
    // A batch sees to its end whatever becomes of the job.
    parentClosePolicy: 'ABANDON',
    cancellationType: 'ABANDON',
    args: [input],
    typedSearchAttributes: [
      { key: C2pStatus, value: 'VALIDATING' },
      { key: C2pProgram, value: program },
      { key: C2pExternalBatchId, value: externalBatchId },
      { key: C2pBulkId, value: keyOf(state).bulkId },
      { key: C2pRecords, value: cards },
      { key: C2pFailedRecords, value: 0 },
    ],
    ...options,
  });
  return handle.firstExecutionRunId;
}
