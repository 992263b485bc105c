import type { BatchKey } from '../enrollment/batch.js';
import { Blob } from '../enrollment/blobs.js';
import { countOutcomes, type Outcome, type OutcomeCounts } from '../enrollment/outcomes.js';
import type { CardKey } from '../enrollment/records.js';
import {
  emptiedProfiles,
  isProfileLeft,
  withProfileRemovals,
  withRemovals,
  type ByPosition,
  type ProfileAnswer,
  type RemovalAnswer,
} from '../enrollment/removal.js';
import { getJson, putJson, type BatchStore } from '../store/store.js';
import type { ActivityDependencies } from './dependencies.js';
import { readingBlobs, type Unreadable } from '../store/unreadable.js';

export interface RecordRemovalsInput {
  batch: BatchKey;
  /** What `removeCard` answered. */
  cards: ByPosition<RemovalAnswer>;
  /** What `removeProfile` answered. */
  profiles?: ByPosition<ProfileAnswer> | undefined;
}

/** How the removal of a batch's cards stands, in however many steps it came about. */
export interface RecordedRemovals {
  kind: 'recorded';
  counts: OutcomeCounts;
  /** Cards that are still enrolled. */
  failed: number;
  /** The position of one card of each profile that is left without a card of the batch; the last first. */
  profiles: number[];
  /** Profiles that should be gone and are not. */
  profilesFailed: number;
}

/**
 * Writes what came of removals into the outcomes of a batch, open or closed: the one writer, so that cards may be
 * removed side by side. Repeating it changes nothing, and a card that is out does not become enrolled again.
 */
export function recordRemovals({ store }: Pick<ActivityDependencies, 'store'>) {
  return ({ batch, cards, profiles = {} }: RecordRemovalsInput): Promise<RecordedRemovals | Unreadable> =>
    readingBlobs(async () => {
      const stored = await getJson<Outcome[]>(store, batch, Blob.outcomes);
      const outcomes = withProfileRemovals(withRemovals(stored, cards), profiles);
      await putJson(store, batch, Blob.outcomes, outcomes);
      const counts = countOutcomes(await cardsOf(store, batch, outcomes), outcomes);
      const emptied = emptiedProfiles(outcomes).map(([last]) => last!);
      const profilesFailed = emptied.filter((position) => isProfileLeft(outcomes[position]!)).length;
      return { kind: 'recorded', counts, failed: counts.enrolled, profiles: emptied, profilesFailed };
    });
}

/**
 * Of a closed batch the list of cards is erased. There, and wherever a card was enrolled, every card has an
 * outcome: so a list that cannot be read does not keep what was removed from being recorded.
 */
async function cardsOf(store: BatchStore, batch: BatchKey, outcomes: readonly Outcome[]): Promise<number> {
  const cards = await readingBlobs(() => getJson<CardKey[]>(store, batch, Blob.cards));
  return Array.isArray(cards) ? cards.length : outcomes.length;
}
