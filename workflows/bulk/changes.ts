import { bulkLimitsProblem, onBulkCancelProblem } from '../../enrollment/bulk-limits.js';
import { withApplied, type Message } from '../message.js';
import type { BulkChange } from './messages.js';
import { jobStatusOf } from './progress.js';
import { isEnrolling } from './starting.js';
import type { BulkState } from './state.js';

export const ENDING = 'the job starts no further batch: it is finishing or rolled back';

export function pauseProblem(state: BulkState): string | undefined {
  if (state.stage.name === 'paused') return 'the job is paused already';
  return isEnrolling(state) ? undefined : ENDING;
}

export function paused(state: BulkState, message: Message<object>): BulkState {
  return { ...withApplied(state, message), stage: { name: 'paused', isCancelAsked: false } };
}

export function resumeProblem(state: BulkState): string | undefined {
  return state.stage.name === 'paused' ? undefined : `the job is not paused: ${jobStatusOf(state)}`;
}

export function resumed(state: BulkState, message: Message<object>, now: number): BulkState {
  return withRateFrom({ ...withApplied(state, message), stage: { name: 'enrolling' } }, now);
}

export function changeProblem(state: BulkState, change: BulkChange): string | undefined {
  if (!isEnrolling(state)) return ENDING;
  return bulkLimitsProblem(change) ?? onBulkCancelProblem(change.onCancel, state.order.policy);
}

export function changed(state: BulkState, message: Message<BulkChange>, now: number): BulkState {
  const { onCancel = state.onCancel, maxBatchesInFlight, batchesPerMinute } = message.body;
  const { limits } = state;
  const next: BulkState = {
    ...withApplied(state, message),
    limits: {
      maxBatchesInFlight: maxBatchesInFlight ?? limits.maxBatchesInFlight,
      batchesPerMinute: batchesPerMinute === undefined ? limits.batchesPerMinute : batchesPerMinute,
    },
    onCancel,
    // A change of anything else leaves the pace: who is about to cancel starts no batch by saying how.
    nextStartAt: batchesPerMinute === undefined ? state.nextStartAt : 0,
  };
  return withRateFrom(next, now);
}

function withRateFrom(state: BulkState, now: number): BulkState {
  return { ...state, rateFrom: { at: now, done: state.counts.cards } };
}
