import type { BatchKey } from '../enrollment/batch.js';
import { Blob } from '../enrollment/blobs.js';
import { readOutcomes } from '../retention/outcomes.js';
import { putJson } from '../store/store.js';
import type { ActivityDependencies } from './dependencies.js';
import { readingBlobs, type Unreadable } from '../store/unreadable.js';

export interface ListEnrolledInput {
  batch: BatchKey;
}

export interface EnrolledCards {
  kind: 'listed';
  /** Their positions in the outcomes, from 0 on; the last first, as they are to be removed. */
  cards: number[];
}

/** Which cards of a batch are enrolled, and are now to be removed: the store has a mark of that first. */
export function listEnrolled({ store }: Pick<ActivityDependencies, 'store'>) {
  return ({ batch }: ListEnrolledInput): Promise<EnrolledCards | Unreadable> =>
    readingBlobs(async () => {
      const outcomes = await readOutcomes(store, batch);
      const cards = [...outcomes.keys()].filter((position) => outcomes[position]?.status === 'ENROLLED');
      if (cards.length > 0) await putJson(store, batch, Blob.removing, {});
      return { kind: 'listed', cards: cards.reverse() };
    });
}
