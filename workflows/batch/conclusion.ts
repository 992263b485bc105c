import type { OpenStatus } from '../../enrollment/batch.js';
import { FailureType } from '../../enrollment/errors.js';
import { cancelled as cancelledEnding, failed } from './ending.js';
import { askAboutCancellation } from './questions.js';
import { statusOf } from './status.js';
import {
  mayBeAtMastercard,
  stageBeneath,
  type BatchState,
  type Ending,
  type In,
  type Removing,
  type Stage,
} from './state.js';

/** Whether enrolled cards are to be removed where the batch does not enroll all of them. */
export function wantsRemoval({ isCancelled, policy }: BatchState): boolean {
  return isCancelled ? policy.onCancel === 'rollback' : policy.onPartialFailure === 'rollback';
}

/** It is decided how the batch ends: removes what is enrolled where the policy wants that, then closes it. */
export function conclude(state: BatchState, ending: Ending): BatchState {
  const wasCancelled = state.isCancelled && wantsRemoval(state);
  const isComplete = ending.status === 'COMPLETED';
  if (!wantsRemoval(state) || (isComplete && !wasCancelled)) return close(state, ending);
  if (state.counts.enrolled === 0) return close(state, wasCancelled ? withNothingToRemove(ending) : ending);
  const why = wasCancelled ? 'the batch was cancelled' : 'not every card could be enrolled';
  const status = ending.failure ? ending.status : wasCancelled ? 'CANCELLED' : 'ROLLED_BACK';
  return { ...state, reasons: [why], stage: removal(why, { ...ending, status }) };
}

/** c2p cannot do the work of the stage. What is enrolled is removed all the same, unless it is that which fails. */
export function defeated(state: BatchState, failure: FailureType, why: string): BatchState {
  const { stage } = state;
  if (stage.name === 'closing') return close(state, failed(state, failure, why));
  if (stage.name !== 'removing') return conclude(state, failed(state, failure, why));
  const { ending } = stage;
  return close(state, { ...ending, status: 'FAILED', failure, reasons: [why, ...ending.reasons] });
}

/** A batch that was cancelled ends so, also when Mastercard declined all its cards meanwhile. */
function withNothingToRemove(ending: Ending): Ending {
  if (ending.status !== 'COMPLETED_WITH_ERRORS') return ending;
  return { ...ending, status: 'CANCELLED', reasons: ['cancelled: no card was enrolled', ...ending.reasons] };
}

/** The beginning of a removal. */
export function removal(why: string, ending: Ending): Removing {
  return {
    name: 'removing',
    why,
    ending,
    cards: null,
    removed: {},
    profiles: null,
    removedProfiles: {},
  };
}

export function close(state: BatchState, ending: Ending): BatchState {
  const from = statusOf(state) as OpenStatus;
  return { ...state, stage: { name: 'closing', ending, from, withoutUnreadable: false } };
}

/** The batch is cancelled. Idempotent: a second cancellation changes nothing. */
export function cancelled(state: BatchState): BatchState {
  if (state.isCancelled) return state;
  const next = { ...state, isCancelled: true, isCancelAsked: false };
  const { stage } = state;
  if (stage.name !== 'asking' || stage.question === 'removal') return next;
  if (stage.question === 'cancellation') return { ...next, stage: stage.then };
  // An operator who cancels a batch that asks has decided: c2p does not ask again.
  if (stage.question === 'batchId') return stage.check ? next : conclude(next, cancelledEnding(next));
  if (next.policy.onCancel === 'leave') return conclude(next, cancelledEnding(next));
  return { ...next, isNudged: true, stage: { ...stage.polling, isLast: true } };
}

/** Temporal was asked to cancel the workflow. That needs no key, so it proves nothing about who asks. */
export function cancelAsked(state: BatchState): BatchState {
  if (state.isCancelled) return state;
  return state.policy.onBareCancel === 'asOnCancel' ? cancelled(state) : { ...state, isCancelAsked: true };
}

const ENDS_AT_ONCE: ReadonlySet<Stage['name']> = new Set([
  'validating',
  'encrypting',
  'submitting',
  'polling',
  'betweenRounds',
]);

/** Whether a cancellation ends the batch where it is: not where cards are to be removed that Mastercard may have. */
export function endsByCancellation(state: BatchState): boolean {
  const { name } = stageBeneath(state);
  if (!state.isCancelled || !ENDS_AT_ONCE.has(name)) return false;
  const mustBeKnown = name !== 'betweenRounds' && mayBeAtMastercard(state);
  return !mustBeKnown || state.policy.onCancel === 'leave';
}

/** Whether a cancellation takes the batch out of its stage: it ends, or an operator is asked. */
export function isInterrupted(state: BatchState): boolean {
  return endsByCancellation(state) || isToBeDecided(state);
}

/** Whether it is to be decided now what becomes of Temporal's request to cancel. */
function isToBeDecided(state: BatchState): boolean {
  return state.isCancelAsked && ENDS_AT_ONCE.has(stageBeneath(state).name);
}

/** Ends a batch that was cancelled, where it may end; asks an operator where only Temporal was asked to cancel it. */
export function heedCancellation(before: BatchState): BatchState {
  const state = isToBeDecided(before) ? cancelOrAsk(before) : before;
  const needsNoAnswer = state.isCancelled && state.policy.onCancel === 'leave' && asksAboutMastercard(state);
  return endsByCancellation(state) || needsNoAnswer ? conclude(state, cancelledEnding(state)) : state;
}

/** Nobody needs to be asked about a batch of which Mastercard cannot have a card. */
function cancelOrAsk(state: BatchState): BatchState {
  const { stage, batchIds } = state;
  const mayHaveCards = batchIds.length > 0 || mayBeAtMastercard(state);
  if (!mayHaveCards || stage.name === 'asking' || stage.name === 'closed') return cancelled(state);
  return askAboutCancellation(state, stage);
}

/** Whether an operator is asked what became of the round, and no answer is being checked. */
function asksAboutMastercard({ stage }: BatchState): boolean {
  if (stage.name !== 'asking') return false;
  return stage.question === 'moreTime' || (stage.question === 'batchId' && stage.check === null);
}

/** All that could be removed is. */
export function removedAll(state: In<'removing'>): BatchState {
  const { ending, why } = state.stage;
  return close(state, { ...ending, reasons: [removedReason(state, why), ...ending.reasons] });
}

/** An operator gave the removal of the remaining cards up. */
export function notRemoved(state: BatchState, { ending, why }: Removing): BatchState {
  const left = `${state.counts.enrolled} cards could not be removed again`;
  const reasons = [left, removedReason(state, why), ...ending.reasons];
  return close(state, { ...ending, status: 'FAILED', failure: FailureType.CompensationFailed, reasons });
}

function removedReason({ counts }: BatchState, why: string): string {
  return `${counts.rolledBack} cards removed again: ${why}`;
}
