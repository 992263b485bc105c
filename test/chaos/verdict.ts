import type { Outcome } from '../../enrollment/outcomes.js';
import type { AcceptedBatch, EnrolledCard } from '../../simulator/index.js';
import type { PlannedBatch } from './scenario.js';

/** What is held against each other: what was asked for, what c2p says became of it, and what Mastercard has. */
export interface Evidence {
  planned: readonly PlannedBatch[];
  /** The outcomes of the batches that closed, by externalBatchId. */
  closed: ReadonlyMap<string, readonly Outcome[]>;
  /** In the order in which they were accepted. */
  accepted: readonly AcceptedBatch[];
  /** The cards that are in Click to Pay at the end. */
  enrolled: readonly Pick<EnrolledCard, 'externalConsumerId' | 'externalCardId'>[];
}

export interface Verdict {
  batches: number;
  cards: number;
  /** Batches that came to their end. */
  closed: number;
  /** Cards that do not have exactly one outcome; of a batch that did not close, all. */
  lost: number;
  /** Cards that Mastercard accepted a second time but for a further round, and rounds that it accepted by more than one call. */
  doubled: number;
  /** Cards whose outcome is not what Mastercard recorded, or has; cards and outcomes that nobody asked for. */
  outcomesWrong: number;
}

/** What Mastercard recorded last about a card. */
interface Recorded {
  batchId: string;
  round: number;
  outcome: string;
}

/** Counts what was lost, doubled or told wrongly. */
export function judge({ planned, closed, accepted, enrolled }: Evidence): Verdict {
  const { recorded, doubled } = recordsOf(accepted);
  const present = new Set(enrolled.map(keyOf));
  let [cards, lost, outcomesWrong] = [0, 0, 0];
  for (const batch of planned) {
    const told = closed.get(batch.externalBatchId) ?? [];
    const outcomes = new Map(told.map((outcome) => [keyOf(outcome), outcome]));
    for (const card of batch.cards) {
      cards += 1;
      const key = keyOf(card);
      const outcome = outcomes.get(key);
      if (!outcome || told.filter((other) => keyOf(other) === key).length > 1) lost += 1;
      else if ((outcome.status === 'INVALID') !== card.invalid) outcomesWrong += 1;
      else if (!isTrue(outcome, batch.externalBatchId, recorded.get(key), present.has(key)))
        outcomesWrong += 1;
      for (const known of [outcomes, recorded, present]) known.delete(key);
    }
    outcomesWrong += outcomes.size;
  }
  outcomesWrong += recorded.size + present.size;
  return { batches: planned.length, cards, closed: closed.size, lost, doubled, outcomesWrong };
}

function recordsOf(accepted: readonly AcceptedBatch[]): { recorded: Map<string, Recorded>; doubled: number } {
  const recorded = new Map<string, Recorded>();
  let doubled = accepted.filter(({ offers }) => offers.filter((offer) => offer.accepted).length > 1).length;
  for (const { externalBatchId, records } of accepted) {
    const [batchId, round] = externalBatchId.split('~') as [string, string?];
    for (const { outcome, ...card } of records) {
      const before = recorded.get(keyOf(card));
      const now = { batchId, round: Number(round ?? 1), outcome };
      if (before && !isFurtherRound(before, now)) doubled += 1;
      recorded.set(keyOf(card), now);
    }
  }
  return { recorded, doubled };
}

/** A card that was declined may be sent again, once, in the round that follows. */
function isFurtherRound(before: Recorded, now: Recorded): boolean {
  const declined = before.outcome !== 'SUCCESS' && before.outcome !== 'OMITTED';
  return declined && before.batchId === now.batchId && before.round + 1 === now.round;
}

function isTrue(
  outcome: Outcome,
  batchId: string,
  recorded: Recorded | undefined,
  present: boolean,
): boolean {
  if (present !== (outcome.status === 'ENROLLED')) return false;
  if (isUnsent(outcome)) return recorded === undefined;
  return recorded?.batchId === batchId && recorded.outcome === asSimulated(outcome);
}

function isUnsent({ status, reason }: Outcome): boolean {
  return status === 'INVALID' || reason === 'NOT_SENT' || reason === 'CANCELLED_NOT_SENT';
}

/** An outcome in the simulator's words. */
function asSimulated({ status, reason }: Outcome): string {
  if (status === 'ENROLLED' || status === 'ROLLED_BACK') return 'SUCCESS';
  return status === 'UNREPORTED' ? 'OMITTED' : (reason ?? status);
}

function keyOf(card: { externalConsumerId: string; externalCardId: string }): string {
  return JSON.stringify([card.externalConsumerId, card.externalCardId]);
}
