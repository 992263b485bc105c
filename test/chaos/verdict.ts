import type { Outcome } from '../../enrollment/outcomes.js';
import type { AcceptedBatch } from '../../simulator/index.js';
import type { PlannedBatch } from './scenario.js';

/** What is held against each other: what was asked for, what c2p says became of it, and what Mastercard has. */
export interface Evidence {
  planned: readonly PlannedBatch[];
  /** The outcomes of the batches that closed, by externalBatchId. */
  closed: ReadonlyMap<string, readonly Outcome[]>;
  accepted: readonly AcceptedBatch[];
}

export interface Verdict {
  batches: number;
  cards: number;
  /** Batches that came to their end. */
  closed: number;
  /** Cards that do not have exactly one outcome; of a batch that did not close, all. */
  lost: number;
  /** Cards that Mastercard accepted a second time, and batches that it accepted by more than one call. */
  doubled: number;
  /** Cards whose outcome is not what Mastercard recorded; cards and outcomes that nobody asked for. */
  outcomesWrong: number;
}

/** Counts what was lost, doubled or told wrongly. */
export function judge({ planned, closed, accepted }: Evidence): Verdict {
  const recorded = new Map<string, string>();
  let doubled = accepted.filter(({ offers }) => offers.filter((offer) => offer.accepted).length > 1).length;
  for (const { externalBatchId, records } of accepted) {
    for (const { outcome, ...card } of records) {
      if (recorded.has(keyOf(card))) doubled += 1;
      recorded.set(keyOf(card), `${externalBatchId} ${outcome}`);
    }
  }
  let [cards, lost, outcomesWrong] = [0, 0, 0];
  for (const batch of planned) {
    const told = closed.get(batch.externalBatchId) ?? [];
    const outcomes = new Map(told.map((outcome) => [keyOf(outcome), outcome]));
    for (const card of batch.cards) {
      cards += 1;
      const key = keyOf(card);
      const outcome = outcomes.get(key);
      if (!outcome || told.filter((other) => keyOf(other) === key).length > 1) lost += 1;
      else if (!isTrue(outcome, batch.externalBatchId, card.invalid, recorded.get(key))) outcomesWrong += 1;
      outcomes.delete(key);
      recorded.delete(key);
    }
    outcomesWrong += outcomes.size;
  }
  outcomesWrong += recorded.size;
  return { batches: planned.length, cards, closed: closed.size, lost, doubled, outcomesWrong };
}

function isTrue(outcome: Outcome, batchId: string, invalid: boolean, recorded: string | undefined): boolean {
  if (invalid) return outcome.status === 'INVALID' && recorded === undefined;
  return recorded === `${batchId} ${asSimulated(outcome)}`;
}

/** An outcome in the simulator's words. */
function asSimulated({ status, reason }: Outcome): string {
  if (status === 'ENROLLED') return 'SUCCESS';
  return status === 'UNREPORTED' ? 'OMITTED' : (reason ?? status);
}

function keyOf(card: { externalConsumerId: string; externalCardId: string }): string {
  return JSON.stringify([card.externalConsumerId, card.externalCardId]);
}
