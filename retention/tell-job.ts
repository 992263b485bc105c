import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import type { BatchResult } from '../enrollment/batch.js';
import { bulkBatchOf, bulkWorkflowIdOf, reportOf } from '../enrollment/bulk.js';
import type { Execution } from './find-execution.js';

/** As `batchClosedSignal` of the bulk job's messages. */
const BATCH_CLOSED = 'batchClosed';

/**
 * Tells the bulk job of a batch that somebody closed in the place of its workflow. A batch of no job, and a job
 * that is over, need no telling.
 * @param execution of the batch's workflow, as far as Temporal knows it.
 * @param by who closed it.
 * @throws ServiceError when Temporal does not answer.
 */
export async function tellJob(
  temporal: Client,
  result: BatchResult,
  execution: Execution | undefined,
  by: string,
): Promise<void> {
  const { program, externalBatchId, reasons } = result;
  const job = bulkBatchOf(externalBatchId);
  if (!job || (execution && execution.bulkId !== job.bulkId)) return;
  const { chain = '' } = execution ?? {};
  const message = {
    id: `${externalBatchId}/${chain}/closed`,
    by,
    reason: reasons[0],
    for: BATCH_CLOSED,
    body: reportOf(result, chain),
  };
  try {
    const workflowId = bulkWorkflowIdOf({ program, bulkId: job.bulkId });
    await temporal.workflow.getHandle(workflowId).signal(BATCH_CLOSED, message);
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError)) throw error;
  }
}
