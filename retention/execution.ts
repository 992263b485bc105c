import type { WorkflowExecutionStatusName } from '@temporalio/client';

const OVER: ReadonlySet<WorkflowExecutionStatusName> = new Set([
  'COMPLETED',
  'FAILED',
  'CANCELLED',
  'TERMINATED',
  'TIMED_OUT',
]);

/**
 * Whether a workflow will never do anything again. Any other status is an open one: running, paused (an
 * operator can let it go on), continued as new, or one that this version does not know.
 */
export function isOver(status: WorkflowExecutionStatusName): boolean {
  return OVER.has(status);
}
