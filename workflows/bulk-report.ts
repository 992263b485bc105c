import { getExternalWorkflowHandle, TemporalFailure } from '@temporalio/workflow';
import type { BatchResult } from '../enrollment/batch.js';
import { batchClosedSignal } from './bulk-messages.js';

/** Tells the job that started a batch what became of it. A job that is gone needs no telling; that is in history. */
export async function report(jobWorkflowId: string, result: BatchResult): Promise<void> {
  const { externalBatchId, status, counts, failure } = result;
  try {
    await getExternalWorkflowHandle(jobWorkflowId).signal(batchClosedSignal, {
      externalBatchId,
      status,
      counts,
      failure,
    });
  } catch (error) {
    if (!(error instanceof TemporalFailure)) throw error;
  }
}
