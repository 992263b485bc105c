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

/**
 * The predicate of a message about a workflow that is over without c2p having closed it.
 * @param status Temporal's own.
 */
export function howItEnded(status: string): string {
  switch (status) {
    case 'TERMINATED':
      return 'was terminated directly in Temporal (TERMINATED)';
    case 'TIMED_OUT':
      return 'timed out in Temporal (TIMED_OUT)';
    default:
      return `ended in Temporal (${status})`;
  }
}
