import {
  allHandlersFinished,
  CancellationScope,
  condition,
  continueAsNew,
  patched,
  workflowInfo,
} from '@temporalio/workflow';
import { cancelThisRun } from './activity-proxies.js';
import type { batchEnrollment } from './batch-enrollment.js';
import type { BatchState } from './batch-state.js';
import type { Checkpoint } from './messages.js';

/** Temporal warns at 10,240 events and ends a workflow at 51,200. */
const LONG_HISTORY_EVENTS = 8_000;

/** Whether a new run is to take over from this one. */
export function isLong(): boolean {
  const { continueAsNewSuggested, historyLength } = workflowInfo();
  return continueAsNewSuggested || historyLength >= LONG_HISTORY_EVENTS;
}

/**
 * Where a batch may wait for long: hands it over to a new run before its history grows too long, which
 * goes on at this very place. Temporal does not tell a new run that the one before was cancelled, so
 * that is carried along: see `cancelledAsBefore`.
 */
export async function handOverWhenLong(state: BatchState, at: Checkpoint): Promise<void> {
  if (!isLong()) return;
  // Since 0.3.0; before, a cancelled batch was not handed over. replay-tested: 2026-11-24
  if (state.isCancelling && !patched('cancellation-is-handed-over')) return;
  await condition(allHandlersFinished);
  // replay-tested: 2026-11-24
  await continueAsNew<typeof batchEnrollment>(state.carriedTo(at));
}

/** Cancels this run where the one before it was: so it is seen in Temporal as what it is, and ends as cancelled. */
export async function cancelledAsBefore(state: BatchState): Promise<void> {
  if (state.isCancelling) await CancellationScope.nonCancellable(() => cancelThisRun());
}
