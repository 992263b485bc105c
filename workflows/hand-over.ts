import { allHandlersFinished, condition, continueAsNew, workflowInfo } from '@temporalio/workflow';
import type { batchEnrollment } from './batch-enrollment.js';
import type { BatchState } from './batch-state.js';
import type { Checkpoint } from './messages.js';

/** Temporal warns at 10,240 events and ends a workflow at 51,200. */
const LONG_HISTORY_EVENTS = 8_000;

/**
 * Where a batch may wait for long: hands it over to a new run before its history grows too long, which
 * goes on at this very place. Not once it is cancelled: a new run would not know; the waits that are
 * left then are bounded by the deadlines.
 */
export async function handOverWhenLong(state: BatchState, at: Checkpoint): Promise<void> {
  const { continueAsNewSuggested, historyLength } = workflowInfo();
  if (state.isCancelling || !(continueAsNewSuggested || historyLength >= LONG_HISTORY_EVENTS)) return;
  await condition(allHandlersFinished);
  // replay-tested: 2026-11-24
  await continueAsNew<typeof batchEnrollment>(state.carriedTo(at));
}
