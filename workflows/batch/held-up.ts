import { backoffDelay } from '../../enrollment/schedule.js';
import { FailureType } from '../../enrollment/errors.js';
import type { Unreadable } from '../../activities/index.js';
import { OVER, type Wait } from '../waiting.js';
import { defeated, isInterrupted } from './conclusion.js';
import type { BatchState, HeldUp, In } from './state.js';

/** A worker may get the key at any time; a key that is in the ring again is noticed within this. */
const RETRY = { initial: 10_000, coefficient: 2, maximum: 10 * 60_000 };

/**
 * An activity could not read a blob. Where only a key is missing the batch waits for it; what is missing, altered
 * or truncated stays so, and the batch closes at once.
 */
export function unreadable(state: BatchState, found: Unreadable, now: number): BatchState {
  const { stage } = state;
  if (stage.name === 'heldUp' || stage.name === 'asking' || stage.name === 'closed')
    throw new Error(`no activity runs while a batch is ${stage.name}`);
  if (found.why === 'keyMissing') {
    const { message: why, keyId = '' } = found;
    return { ...state, stage: { name: 'heldUp', why, keyId, tries: 1, lastTriedAt: now, then: stage } };
  }
  const type = found.why === 'missing' ? FailureType.SealedBlobMissing : FailureType.SealedBlobUnreadable;
  return defeated(state, type, found.message);
}

export function untilKeyIsBack(state: In<'heldUp'>): Wait {
  if (isInterrupted(state)) return OVER;
  const { lastTriedAt, tries, keyId } = state.stage;
  const until = lastTriedAt + backoffDelay(RETRY, tries - 1);
  return { over: false, until, summary: `look for key '${keyId}' again` };
}

/** The stage is tried again. */
export function triesAgain(state: In<'heldUp'>): BatchState {
  return { ...state, stage: state.stage.then };
}

/** The stage met the same missing key as before: the waits grow. */
export function stillHeldUp(before: HeldUp, state: BatchState): BatchState {
  if (state.stage.name !== 'heldUp') return state;
  return { ...state, stage: { ...state.stage, tries: before.tries + 1 } };
}
