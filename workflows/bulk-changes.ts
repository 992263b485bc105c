import { setHandler } from '@temporalio/workflow';
import { bulkLimitsProblem, onBulkCancelProblem } from '../enrollment/bulk-limits.js';
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
  const problem = bulkLimitsProblem(change) ?? onBulkCancelProblem(change.onCancel, state.input.policy);
  if (problem !== undefined) throw refused(problem);
}
