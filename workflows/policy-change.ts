import { setHandler } from '@temporalio/workflow';
import type { PolicyOverrides } from '../enrollment/policy.js';
import { policyChangeProblems } from '../enrollment/policy-rules.js';
import type { BatchState } from './batch-state.js';
import { updatePolicyUpdate } from './messages.js';
import { refused } from './refused.js';

/** Lets somebody change the policy while the batch runs; what waits for a poll is polled with the new one at once. */
export function acceptPolicyChanges(state: BatchState): void {
  setHandler(
    updatePolicyUpdate,
    (change) => {
      state.changePolicy(change, written(change));
      if (state.isPolled) state.nudge();
    },
    { validator: (change: PolicyOverrides) => validate(state, change) },
  );
}

function validate(state: BatchState, change: PolicyOverrides): void {
  if (!state.mayChange) throw refused('the batch is being cancelled, rolled back or closed');
  const problems = policyChangeProblems(state.policy, change);
  if (problems.length === 0) return;
  throw refused(problems.map(({ path, message }) => `${path || 'the change'} ${message}`).join('; '));
}

/** As in `onCancel=leave, polling.maximum=300000`. */
function written(change: object, path = ''): string {
  return Object.entries(change)
    .map(([name, value]: [string, unknown]) =>
      typeof value === 'object' && value !== null
        ? written(value, `${path}${name}.`)
        : `${path}${name}=${String(value)}`,
    )
    .join(', ');
}
