import { createHash } from 'node:crypto';
import type { Info } from '@temporalio/activity';

/**
 * The `srcCorrelationId` of a call: a UUID (version 8, RFC 9562) made of the workflow run, the activity
 * and its attempt, so that a line in Mastercard's log leads to one event in ours and back.
 * @param call which call of the attempt it is, when an attempt makes several.
 */
export function correlationIdOf(info: Info, call?: number): string {
  const attempt = [info.workflowExecution?.runId, info.activityId, info.attempt];
  const name = (call === undefined ? attempt : [...attempt, call]).join('/');
  const hex = createHash('sha256').update(name).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
