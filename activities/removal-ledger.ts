import { heartbeat } from '@temporalio/activity';
import type { BatchKey } from '../enrollment/batch.js';
import { Blob } from '../enrollment/blobs.js';
import { countOutcomes, type Outcome, type OutcomeCounts } from '../enrollment/outcomes.js';
import type { CardKey } from '../enrollment/records.js';
import { mergeRemovals } from '../enrollment/removal.js';
import { getJson, putJson, type BatchStore } from '../store/store.js';

/** What a heartbeat of the removal says: a next attempt goes on from there. */
export interface RemovalProgress {
  /** How many outcomes, from the first on, have not been dealt with; those behind them have, and are stored. */
  left: number;
}

/** Found out and not yet stored: at most so many, and what took so long (ms), are done again after a crash. */
const MOST_UNSAVED = 25;
const LONGEST_UNSAVED_MS = 1_000;

/** The outcomes of a batch while its cards are removed, from the last to the first. */
export class RemovalLedger {
  private found: Outcome[] = [];
  private savedAt = performance.now();

  private constructor(
    private readonly store: BatchStore,
    private readonly batch: BatchKey,
    private stored: readonly Outcome[],
    private left: number,
    private savedLeft: number,
  ) {}

  /** @param progress of an attempt before this one, as its last heartbeat said it. */
  static async open(
    store: BatchStore,
    batch: BatchKey,
    progress: RemovalProgress | undefined,
  ): Promise<RemovalLedger> {
    const outcomes = await getJson<Outcome[]>(store, batch, Blob.outcomes);
    const left = progress?.left ?? outcomes.length;
    return new RemovalLedger(store, batch, outcomes, left, left);
  }

  /** As they are stored. */
  get outcomes(): readonly Outcome[] {
    return this.stored;
  }

  get progress(): RemovalProgress {
    return { left: this.savedLeft };
  }

  /** The next card to remove: of the enrolled ones that are left, the last of the batch. */
  next(): Outcome | undefined {
    for (; this.left > 0; this.left -= 1) {
      const outcome = this.stored[this.left - 1];
      if (outcome?.status === 'ENROLLED') return outcome;
    }
    return undefined;
  }

  /** Takes down what became of the card that `next` gave, rolled back or still enrolled. */
  async settle(outcome: Outcome): Promise<void> {
    this.left -= 1;
    this.found.push(outcome);
    // A card that could not be removed took its time: that is not to be spent again after a crash.
    const isLate = performance.now() - this.savedAt >= LONGEST_UNSAVED_MS;
    if (outcome.status === 'ENROLLED' || isLate || this.found.length >= MOST_UNSAVED) await this.save();
  }

  /** Takes down what else was found out about cards that are settled. */
  async amend(outcomes: readonly Outcome[]): Promise<void> {
    this.found.push(...outcomes);
    if (this.found.length >= MOST_UNSAVED) await this.save();
  }

  /** Stores what was found out, over what is stored by now, and tells Temporal how far that is. */
  async save(): Promise<void> {
    if (this.found.length > 0) {
      const latest = await getJson<Outcome[]>(this.store, this.batch, Blob.outcomes);
      this.stored = mergeRemovals(latest, this.found);
      await putJson(this.store, this.batch, Blob.outcomes, this.stored);
      this.found = [];
    }
    this.savedLeft = this.left;
    this.savedAt = performance.now();
    heartbeat(this.progress);
  }

  /** Of the stored outcomes. A batch that is purged has an outcome for every card. */
  async counts(): Promise<OutcomeCounts> {
    const purged = !(await this.store.has(this.batch, Blob.cards));
    const cards = purged ? this.stored : await getJson<CardKey[]>(this.store, this.batch, Blob.cards);
    return countOutcomes(cards.length, this.stored);
  }
}
