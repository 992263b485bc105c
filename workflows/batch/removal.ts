import type { OutcomeCounts } from '../../enrollment/outcomes.js';
import type { ProfileAnswer, RemovalAnswer } from '../../activities/index.js';
import { FailureType } from '../../enrollment/errors.js';
import { removedAll } from './conclusion.js';
import { askAboutRemoval } from './questions.js';
import type { BatchState, In } from './state.js';

/** What is to be removed is known. */
export function removalListed(state: In<'removing'>, cards: readonly number[]): In<'removing'> {
  return { ...state, stage: { ...state.stage, cards } };
}

/** The cards that no activity has answered for yet, the last of the batch first. */
export function cardsToRemove({ stage: { cards, removed } }: In<'removing'>): readonly number[] {
  return (cards ?? []).filter((card) => removed[card] === undefined);
}

export function cardRemoved(state: In<'removing'>, card: number, answer: RemovalAnswer): In<'removing'> {
  const { stage } = state;
  const one = answer.kind === 'failed' ? 0 : 1;
  const { enrolled, rolledBack } = state.counts;
  return {
    ...state,
    counts: { ...state.counts, enrolled: enrolled - one, rolledBack: rolledBack + one },
    stage: { ...stage, removed: { ...stage.removed, [card]: answer } },
  };
}

export function profilesToRemove({ stage }: In<'removing'>): readonly number[] {
  return (stage.profiles ?? []).filter((profile) => stage.removedProfiles[profile] === undefined);
}

export function profileRemoved(
  state: In<'removing'>,
  profile: number,
  answer: ProfileAnswer,
): In<'removing'> {
  const { stage } = state;
  return { ...state, stage: { ...stage, removedProfiles: { ...stage.removedProfiles, [profile]: answer } } };
}

/** What the removals came to is in the store. */
export interface Recorded {
  counts: OutcomeCounts;
  failed: number;
  profiles: readonly number[];
  profilesFailed: number;
}

/** The cards' answers are recorded: emptied profiles follow. */
export function cardsRecorded(state: In<'removing'>, { counts, profiles }: Recorded): In<'removing'> {
  return { ...state, counts, stage: { ...state.stage, profiles } };
}

/** All answers are recorded: what could not be removed is an operator's decision. */
export function allRecorded(state: In<'removing'>, { counts, failed, profilesFailed }: Recorded): BatchState {
  const next = { ...state, counts };
  if (failed + profilesFailed === 0) return removedAll(next);
  const left = `${failed} cards and ${profilesFailed} profiles could not be removed`;
  return askAboutRemoval(next, next.stage, `${FailureType.CompensationFailed}: ${left}`);
}
