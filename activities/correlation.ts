import { createHash } from 'node:crypto';
import type { Info } from '@temporalio/activity';

/**
 * The `srcCorrelationId` of an activity's call: a UUID (version 8, RFC 9562) made of the workflow run, the
 * activity and its attempt, so that a line in Mastercard's log leads to one event in ours and back.
 */
export function correlationIdOf({ workflowExecution, activityId, attempt }: Info): string {
  const name = [workflowExecution?.runId, activityId, attempt].join('/');
  const hex = createHash('sha256').update(name).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
