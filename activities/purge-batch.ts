import { closeBatch, type BatchToClose, type CloseResult } from '../retention/close-batch.js';
import type { ActivityDependencies } from './dependencies.js';

export type { RemainingOutcome } from '../enrollment/outcomes.js';

export interface PurgeBatchInput extends BatchToClose {
  /** As in workflow code: `workflowInfo().firstExecutionRunId`. */
  chain: string;
  /** An operator decided that it is closed without what is sealed under a key that is not there. */
  withoutUnreadable?: boolean | undefined;
}

/** Of what cannot be read, only a key that is missing holds the close up: what is missing or altered stays so. */
export type PurgeBatchResult = CloseResult;

/**
 * Closes a batch in the store (`closeBatch`): every card gets an outcome, everything that holds cardholder data is
 * erased, and then the batch is remembered. Repeating it changes nothing.
 */
export function purgeBatch(deps: Pick<ActivityDependencies, 'store' | 'recordRules' | 'now'>) {
  return ({ withoutUnreadable, ...batch }: PurgeBatchInput): Promise<PurgeBatchResult> =>
    closeBatch(deps, batch, { withoutUnreadable });
}
