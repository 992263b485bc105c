import type { BlobRef } from '../../enrollment/batch.js';
import type { AskingCancellation, AskingMoreTime, BatchState, In, Polling, Removing } from './state.js';

/** Asks an operator under which batchId Mastercard has the round. */
export function askForBatchId(state: BatchState, why: string, enrollmentData: BlobRef): BatchState {
  const stage = { name: 'asking', question: 'batchId', why, enrollmentData, check: null } as const;
  return { ...state, reasons: [], stage };
}

/** Asks an operator how long Mastercard may take. */
export function askForMoreTime(state: In<'polling'>): BatchState {
  const polling: Polling = state.stage;
  const stage: AskingMoreTime = { name: 'asking', question: 'moreTime', polling };
  return { ...state, isNudged: false, stage };
}

/** Asks an operator whether the batch is to be cancelled. */
export function askAboutCancellation(state: BatchState, then: AskingCancellation['then']): BatchState {
  const stage = { name: 'asking', question: 'cancellation', then } as const;
  return { ...state, isCancelAsked: false, stage };
}

/** Asks an operator what to do about cards that could not be removed. */
export function askAboutRemoval(state: BatchState, removing: Removing, left: string): BatchState {
  return { ...state, stage: { name: 'asking', question: 'removal', left, removing } };
}
