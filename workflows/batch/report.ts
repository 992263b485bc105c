import { getExternalWorkflowHandle, TemporalFailure, workflowInfo } from '@temporalio/workflow';
import type { BatchResult } from '../../enrollment/batch.js';
import { batchClosedSignal } from '../bulk/messages.js';
import type { BatchState } from './state.js';

/** Tells the job that started a batch what became of it. A job that is gone is no error; that is in history. */
export async function report({ order }: BatchState, result: BatchResult): Promise<void> {
  if (order.reportTo === undefined) return;
  const { externalBatchId, status, counts, failure } = result;
  const { firstExecutionRunId: chain, workflowId } = workflowInfo();
  const body = { externalBatchId, chain, status, counts, failure };
  try {
    await getExternalWorkflowHandle(order.reportTo).signal(batchClosedSignal, {
      id: `closed-${chain}`,
      by: workflowId,
      for: batchClosedSignal.name,
      body,
    });
  } catch (error) {
    if (!(error instanceof TemporalFailure)) throw error;
  }
}
