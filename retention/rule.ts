import type { Client } from '@temporalio/client';
import type { BatchKey } from '../enrollment/batch.js';
import { workflowIdOf } from '../enrollment/identifiers.js';
import { howItEnded } from './execution.js';
import { executionOf, type Execution } from './find-execution.js';

/** What decides how long a batch is kept that nobody closed. */
export interface Retention {
  /** Of `lookingClient`. */
  temporal: Client;
  /** The grace time (`sweep.grace`, ms). */
  graceMs: number;
  /** By Temporal's clock, as far as that can be known. */
  now: Date;
}

/**
 * What is to become of a batch:
 *
 * - `open`: nothing, its workflow goes on.
 * - `kept`: it stays as it is for the grace time.
 * - `due`: it is closed now.
 *
 * `execution` is absent where Temporal does not know its workflow.
 */
export type Fate =
  | { kind: 'open'; execution: Execution }
  | { kind: 'kept'; execution: Execution | undefined; until: Date; why: string }
  | { kind: 'due'; execution: Execution | undefined };

/**
 * The retention rule, for all who close, erase or wait: a workflow closes its batch itself, at once. A batch whose
 * workflow ended without doing so (terminated, timed out, or unknown to Temporal) is kept for the grace time, in
 * which `temporal workflow reset` takes it back; then it is closed: an outcome for every card, remembered, its
 * cardholder data erased, its bulk job told.
 *
 * @param lastWritten when a blob of the batch was last put: a caller may be about to start it.
 * @throws ServiceError when Temporal does not answer.
 */
export async function fateOf(retention: Retention, batch: BatchKey, lastWritten?: Date): Promise<Fate> {
  const { graceMs, now } = retention;
  const execution = await executionOf(retention.temporal, workflowIdOf(batch));
  if (execution && !execution.endedAt) return { kind: 'open', execution };
  const quietSince = Math.max(execution?.endedAt?.getTime() ?? 0, lastWritten?.getTime() ?? 0);
  const until = new Date(quietSince + graceMs);
  if (until <= now) return { kind: 'due', execution };
  return { kind: 'kept', execution, until, why: `its workflow ${whatBecameOf(execution)}` };
}

/** Whether a workflow is open, or may be again: it ended within the grace time. */
export async function mayGoOn({ temporal, graceMs, now }: Retention, workflowId: string): Promise<boolean> {
  const execution = await executionOf(temporal, workflowId);
  if (!execution) return false;
  return !execution.endedAt || execution.endedAt.getTime() + graceMs > now.getTime();
}

/** The predicate of a message about a workflow that did not close its batch. */
export function whatBecameOf(execution: Execution | undefined): string {
  return execution ? howItEnded(execution.status) : 'is unknown to Temporal';
}
