import { CancellationScope, patched } from '@temporalio/workflow';
import { FailureType } from '../enrollment/errors.js';
import { remove } from './activity-proxies.js';
import type { BatchState } from './batch-state.js';
import { wasCancelled, type Ending } from './ending.js';
import type { OperatorDesk } from './operator.js';

/**
 * Does work that a cancellation may interrupt, unless Mastercard has the round, or may have it, and the
 * cards are to be taken back: what became of them must be known first, so the work is then done all the same.
 *
 * @param work goes on from where the batch stands when it is called again.
 */
export async function throughCancellation<T>(state: BatchState, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const takesBack = state.policy.onCancel === 'rollback' && state.mayBeAccepted;
    if (!wasCancelled(error) || !takesBack) throw error;
    // Since 0.2.0; before, the batch was left as it was. replay-tested: 2026-11-24
    if (!patched('compensation-of-cancelled-round')) throw error;
    state.cancelling();
    return CancellationScope.nonCancellable(work);
  }
}

/**
 * Takes back what was enrolled where the policy wants that: all or nothing, or the batch was cancelled.
 * Nothing interrupts it, and a second cancellation changes nothing.
 *
 * @returns how the batch then ends; `ending` where nothing is taken back.
 */
export async function takeBack(state: BatchState, desk: OperatorDesk, ending: Ending): Promise<Ending> {
  const { policy } = state;
  if (state.progress().counts.enrolled === 0) return ending;
  const cancelled = CancellationScope.current().consideredCancelled && policy.onCancel === 'rollback';
  const incomplete = ending.status === 'COMPLETED_WITH_ERRORS' || ending.status === 'FAILED';
  if (!cancelled && !(incomplete && policy.onPartialFailure === 'rollback')) return ending;
  // Since 0.2.0; before, nothing was taken back. replay-tested: 2026-11-24
  if (!patched('compensation')) return ending;

  const why = cancelled ? 'the batch was cancelled' : 'not every card could be enrolled';
  const failure = await CancellationScope.nonCancellable(() => removeAll(state, desk, why));
  const { enrolled, rolledBack } = state.progress().counts;
  const reasons = [`${rolledBack} cards removed again: ${why}`, ...ending.reasons];
  if (failure) {
    reasons.unshift(`${enrolled} cards could not be removed again`);
    return { ...ending, status: 'FAILED', failure, reasons };
  }
  return {
    ...ending,
    reasons,
    status: ending.failure ? ending.status : cancelled ? 'CANCELLED' : 'ROLLED_BACK',
  };
}

/** @returns the type of the failure when an operator gave up on cards that could not be removed. */
async function removeAll(
  state: BatchState,
  desk: OperatorDesk,
  why: string,
): Promise<FailureType | undefined> {
  for (let attempt = 1; ; attempt += 1) {
    state.rollsBack(why);
    const { enrolled } = state.progress().counts;
    const { batch, flowId } = state;
    const removal = await remove(
      { batch, reason: why, flowId },
      `${enrolled} cards, attempt ${attempt}: ${why}`,
    );
    state.removed(removal);
    const unremoved = removal.failed + removal.profilesFailed;
    if (unremoved === 0) return undefined;
    const decision = await desk.askToRetryRemoval(
      `${removal.failed} cards and ${removal.profilesFailed} profiles could not be removed`,
    );
    if ('abandon' in decision) return FailureType.CompensationFailed;
  }
}
