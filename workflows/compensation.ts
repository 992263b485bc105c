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
  if (state.isCancelling) return CancellationScope.nonCancellable(work);
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
  const cancelled = CancellationScope.current().consideredCancelled && policy.onCancel === 'rollback';
  if (state.progress().counts.enrolled === 0) return cancelled ? withNothingToTakeBack(ending) : ending;
  const incomplete = ending.status === 'COMPLETED_WITH_ERRORS' || ending.status === 'FAILED';
  if (!cancelled && !(incomplete && policy.onPartialFailure === 'rollback')) return ending;
  // Since 0.2.0; before, nothing was taken back. replay-tested: 2026-11-24
  if (!patched('compensation')) return ending;

  state.isCancelling = cancelled;
  return CancellationScope.nonCancellable(() => removeAll(state, desk, ending));
}

/**
 * Removes what is enrolled, as often as an operator wants it tried.
 * @param unremoved what an attempt of the run before this one could not remove.
 */
export async function removeAll(
  state: BatchState,
  desk: OperatorDesk,
  ending: Ending,
  unremoved?: string,
): Promise<Ending> {
  const why =
    state.takenBackFor ??
    (state.isCancelling ? 'the batch was cancelled' : 'not every card could be enrolled');
  let left = unremoved ?? (await removeOnce(state, why, 1));
  for (let attempt = 2; left !== undefined; attempt += 1) {
    const decision = await desk.askToRetryRemoval(ending, left);
    if ('abandon' in decision) return notTakenBack(state, ending, why);
    left = await removeOnce(state, why, attempt);
  }
  const { failure, status } = ending;
  return {
    ...ending,
    reasons: [removedReason(state, why), ...ending.reasons],
    status: failure ? status : state.isCancelling ? 'CANCELLED' : 'ROLLED_BACK',
  };
}

/** A batch that was cancelled ends so, also when Mastercard declined all its cards meanwhile. */
function withNothingToTakeBack(ending: Ending): Ending {
  if (ending.status !== 'COMPLETED_WITH_ERRORS' || ending.failure) return ending;
  // Since 0.3.0; before, the batch was completed. replay-tested: 2026-11-24
  if (!patched('cancelled-with-nothing-enrolled')) return ending;
  return { ...ending, status: 'CANCELLED', reasons: ['cancelled: no card was enrolled', ...ending.reasons] };
}

/** @returns what could not be removed, if anything. */
async function removeOnce(state: BatchState, why: string, attempt: number): Promise<string | undefined> {
  state.rollsBack(why);
  const { enrolled } = state.progress().counts;
  const { batch, flowId } = state;
  const summary = `${enrolled} cards, attempt ${attempt}: ${why}`;
  const removal = await remove({ batch, reason: why, flowId }, summary);
  state.removed(removal);
  if (removal.failed + removal.profilesFailed === 0) return undefined;
  return `${removal.failed} cards and ${removal.profilesFailed} profiles could not be removed`;
}

function notTakenBack(state: BatchState, ending: Ending, why: string): Ending {
  const left = `${state.progress().counts.enrolled} cards could not be removed again`;
  const reasons = [left, removedReason(state, why), ...ending.reasons];
  return { ...ending, status: 'FAILED', failure: FailureType.CompensationFailed, reasons };
}

function removedReason(state: BatchState, why: string): string {
  return `${state.progress().counts.rolledBack} cards removed again: ${why}`;
}
