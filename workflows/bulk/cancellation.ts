import { onBulkCancelProblem } from '../../enrollment/bulk-limits.js';
import type { EnrolledBatch } from '../../activities/index.js';
import { withApplied, type Message } from '../message.js';
import { ENDING } from './changes.js';
import type { BulkCancel } from './messages.js';
import { begins, hasRoom, isEnrolling, lastReached } from './starting.js';
import type { BulkState, In } from './state.js';

/** How many closed batches are looked at in one go. */
export const LOOKED_AT = 200;

export function cancelProblem(
  state: BulkState,
  { onCancel = state.onCancel }: BulkCancel,
): string | undefined {
  if (onCancel !== state.onCancel && !isEnrolling(state)) return ENDING;
  return onBulkCancelProblem(onCancel, state.order.policy);
}

export function jobCancelledBy(state: BulkState, message: Message<BulkCancel>): BulkState {
  const { onCancel = state.onCancel } = message.body;
  return jobCancelled({ ...withApplied(state, message), onCancel });
}

/**
 * Temporal was asked to cancel the workflow. That needs no key, so it proves nothing about who asks: the job starts
 * no further batch until an operator decides.
 */
export function jobCancelAsked(state: BulkState): BulkState {
  if (state.order.policy.onBareCancel === 'asOnCancel') return jobCancelled(state);
  return isEnrolling(state) ? { ...state, stage: { name: 'paused', isCancelAsked: true } } : state;
}

/** The job is cancelled. Idempotent: a second cancellation changes nothing. */
function jobCancelled(state: BulkState): BulkState {
  if (state.isCancelled || state.stage.name === 'closed') return state;
  const next = { ...state, isCancelled: true };
  if (state.onCancel === 'rollback') return { ...next, stage: { name: 'cancelling' } };
  const stopped = state.stage.name === 'finishing' ? state.stage.stopped : null;
  return { ...next, stage: { name: 'finishing', stopped } };
}

/** The batches in flight are cancelled; each takes back its own cards. Closed ones are taken back when those are closed. */
export function batchesCancelled(state: In<'cancelling'>): BulkState {
  return { ...state, stage: { name: 'takingBack', from: lastReached(state), waiting: [], unsure: 0 } };
}

/** Whether batches in flight are cancelled, so that they take back their own cards. */
export function isRollingBack({ stage }: BulkState): boolean {
  return stage.name === 'cancelling' || stage.name === 'takingBack';
}

/** Whether the next closed batches are to be looked at: when those that were cancelled are closed. */
export function looksForEnrolled(state: In<'takingBack'>): boolean {
  const { from, waiting } = state.stage;
  const isBegun = from < lastReached(state) || waiting.length > 0;
  return waiting.length === 0 && from > 0 && (isBegun || state.inFlight.length === 0);
}

export function enrolledFound(state: In<'takingBack'>, batches: readonly EnrolledBatch[]): BulkState {
  const { stage, notStarted } = state;
  const waiting = batches.filter(({ n }) => !notStarted.includes(n));
  return { ...state, stage: { ...stage, waiting, from: Math.max(0, stage.from - LOOKED_AT) } };
}

/** Whether a batch may be taken back now. */
export function mayTakeBack(state: In<'takingBack'>): boolean {
  return state.stage.waiting.length > 0 && hasRoom(state);
}

/** Takes the next batch whose cards are to be taken back, which is then in flight. */
export function takesBack(state: In<'takingBack'>): [BulkState, EnrolledBatch] {
  const [batch, ...waiting] = state.stage.waiting;
  if (!batch) throw new Error('no batch waits to be taken back');
  const { n, status, counts } = batch;
  const next = { ...state, stage: { ...state.stage, waiting } };
  return [begins(next, { n, cards: counts.cards, before: { status, counts } }), batch];
}

/** A batch that could not be taken back stays as it was. */
export function notTakenBack(state: BulkState, n: number): BulkState {
  return { ...state, inFlight: state.inFlight.filter((batch) => batch.n !== n) };
}
