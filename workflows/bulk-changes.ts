import { setHandler } from '@temporalio/workflow';
import { MOST_BATCHES_IN_FLIGHT } from '../enrollment/bulk.js';
import { changeBulkUpdate, pauseBulkUpdate, resumeBulkUpdate, type BulkChange } from './bulk-messages.js';
import type { BulkState } from './bulk-state.js';
import { refused } from './refused.js';

/** Lets somebody pause, resume and change a job while it runs. */
export function acceptBulkChanges(state: BulkState): void {
  setHandler(pauseBulkUpdate, () => state.pauses(), { validator: () => requireEnrolling(state) });
  setHandler(resumeBulkUpdate, () => state.resumes(), {
    validator: () => {
      if (state.facts.status !== 'PAUSED') throw refused(`the job is not paused: ${state.facts.status}`);
    },
  });
  setHandler(changeBulkUpdate, (change) => state.changes(change), {
    validator: (change: BulkChange) => validate(state, change),
  });
}

function requireEnrolling(state: BulkState): void {
  if (!state.isEnrolling) throw refused('the job starts no further batch: it is finishing or rolled back');
}

function validate(state: BulkState, change: BulkChange): void {
  requireEnrolling(state);
  const problem = bulkChangeProblem(change);
  if (problem !== undefined) throw refused(problem);
  if (change.onCancel === 'rollback' && state.input.policy.onCancel === 'leave')
    throw refused("onCancel cannot be rollback where the batches' policy is onCancel=leave");
}

/** What is wrong with a change as such; a sentence, or nothing. */
function bulkChangeProblem(change: BulkChange): string | undefined {
  const { maxBatchesInFlight: window, batchesPerMinute: rate, onCancel } = change;
  if (window !== undefined && !(Number.isInteger(window) && window >= 1 && window <= MOST_BATCHES_IN_FLIGHT))
    return `maxBatchesInFlight must be a whole number from 1 to ${MOST_BATCHES_IN_FLIGHT}`;
  if (rate !== undefined && rate !== null && !(Number.isFinite(rate) && rate > 0))
    return 'batchesPerMinute must be a number above 0, or null for no rate';
  if (onCancel !== undefined && onCancel !== 'finish' && onCancel !== 'rollback')
    return 'onCancel must be finish or rollback';
  return undefined;
}
