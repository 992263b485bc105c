import { ApplicationFailure, CancelledFailure, type CancellationScope } from '@temporalio/workflow';
import type { BatchResult } from '../enrollment/batch.js';
import type { BulkResult } from '../enrollment/bulk.js';
import { onStore } from './activities.js';

/**
 * Ends the workflow as its result says: completed, failed where an operator must act, or cancelled.
 * @param run the workflow's own scope.
 * @throws ApplicationFailure of the result's failure type; CancelledFailure.
 */
export async function ended<Result extends Pick<BatchResult | BulkResult, 'failure' | 'status' | 'reasons'>>(
  result: Result,
  run: CancellationScope,
): Promise<Result> {
  const { failure, status, reasons } = result;
  const message = reasons.join('; ');
  if (failure)
    throw ApplicationFailure.create({ type: failure, message, nonRetryable: true, details: [result] });
  if (status !== 'CANCELLED') return result;
  // Temporal shows only a run as cancelled that it was asked to cancel.
  if (!run.consideredCancelled) await onStore({ summary: 'CANCELLED: show it so' }).cancelThisRun({});
  throw new CancelledFailure(message, [result]);
}
