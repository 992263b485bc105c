import { MAY_BE_ENROLLED, type Outcome } from '../../enrollment/outcomes.js';
import type { AcceptedBatch, EnrolledCard } from '../../simulator/index.js';
import type { PlannedBatch, Treatment } from './scenario.js';

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
  const { recorded, lastOf, doubled } = recordsOf(accepted);
  const present = new Set(enrolled.map(keyOf));
  const wrong = new Set<string>();
  let [cards, lost] = [0, 0];
  for (const { externalBatchId, treatment, ...batch } of planned) {
    const told = closed.get(externalBatchId) ?? [];
    const outcomes = new Map(told.map((outcome) => [keyOf(outcome), outcome]));
    for (const card of batch.cards) {
      cards += 1;
      const key = keyOf(card);
      const outcome = outcomes.get(key);
      const record = recorded.get(externalBatchId)?.get(key);
      const isPresent = present.has(key) && lastOf.get(key) === record;
      if (!outcome || told.filter((other) => keyOf(other) === key).length > 1) lost += 1;
      else if ((outcome.status === 'INVALID') !== card.invalid) wrong.add(key);
      else if (!isTrue(outcome, treatment, record, isPresent)) wrong.add(key);
      outcomes.delete(key);
      recorded.get(externalBatchId)?.delete(key);
      if (isPresent) present.delete(key);
    }
    addAll(wrong, outcomes.keys());
  }
  for (const unasked of [...recorded.values(), present]) addAll(wrong, unasked.keys());
  return { batches: planned.length, cards, closed: closed.size, lost, doubled, outcomesWrong: wrong.size };
}

/** What was not told to be at Mastercard, and is not there: it may be enrolled under another id. */
export function cardsNobodyHas(
  { externalBatchId, records, cards }: Pick<PlannedBatch, 'externalBatchId' | 'records' | 'cards'>,
  told: readonly Outcome[],
  accepted: readonly AcceptedBatch[],
): Pick<PlannedBatch, 'records' | 'cards'> {
  const there = recordsOf(accepted).recorded.get(externalBatchId);
  const unreported = told.filter(({ status }) => status === 'UNREPORTED').map(keyOf);
  const left = new Set(unreported.filter((key) => !there?.has(key)));
  return {
    records: records
      .map(({ externalConsumerId, ...record }) => ({
        ...record,
        externalConsumerId,
        cards: record.cards.filter(({ externalCardId }) =>
          left.has(keyOf({ externalConsumerId, externalCardId })),
        ),
      }))
      .filter((record) => record.cards.length > 0),
    cards: cards.filter((card) => left.has(keyOf(card))),
  };
}

interface Records {
  /** By batch and card. */
  recorded: Map<string, Map<string, Recorded>>;
  /** By card, in whichever batch. */
  lastOf: Map<string, Recorded>;
  doubled: number;
}

function recordsOf(accepted: readonly AcceptedBatch[]): Records {
  const recorded: Records['recorded'] = new Map();
  const lastOf: Records['lastOf'] = new Map();
  let doubled = accepted.filter(({ offers }) => offers.filter((offer) => offer.accepted).length > 1).length;
  for (const { externalBatchId, records } of accepted) {
    const [batchId, round] = externalBatchId.split('~') as [string, string?];
    const ofBatch = recorded.get(batchId) ?? new Map<string, Recorded>();
    recorded.set(batchId, ofBatch);
    for (const { outcome, ...card } of records) {
      const key = keyOf(card);
      const before = lastOf.get(key);
      const now = { batchId, round: Number(round ?? 1), outcome };
      if (before && !isFurtherRound(before, now)) doubled += 1;
      lastOf.set(key, now);
      ofBatch.set(key, now);
    }
  }
  return { recorded, lastOf, doubled };
}

/** A card that was declined may be sent again, once, in the round that follows. */
function isFurtherRound(before: Recorded, now: Recorded): boolean {
  const declined = before.outcome !== 'SUCCESS' && before.outcome !== 'OMITTED';
  return declined && before.batchId === now.batchId && before.round + 1 === now.round;
}

function isTrue(
  outcome: Outcome,
  treatment: Treatment,
  recorded: Recorded | undefined,
  present: boolean,
): boolean {
  if (treatment.kind === 'terminated' && isTerminatedOnItsWay(outcome)) return true;
  if (present !== (outcome.status === 'ENROLLED')) return false;
  if (isUnsent(outcome)) return recorded === undefined;
  return recorded?.outcome === asSimulated(outcome);
}

/** Whatever became of it at Mastercard: it was offered, and nobody asked any more. */
function isTerminatedOnItsWay({ status, reason, details = [] }: Outcome): boolean {
  const wasOffered = details.some(({ code }) => code === MAY_BE_ENROLLED.code);
  return status === 'UNREPORTED' && reason === TERMINATED && wasOffered;
}

const TERMINATED = 'TERMINATED_IN_TEMPORAL';
const UNSENT: ReadonlySet<string | undefined> = new Set(['NOT_SENT', 'CANCELLED_NOT_SENT', TERMINATED]);

function isUnsent({ status, reason }: Outcome): boolean {
  return status === 'INVALID' || (status === 'UNREPORTED' && UNSENT.has(reason));
}

/** An outcome in the simulator's words. */
function asSimulated({ status, reason }: Outcome): string {
  if (status === 'ENROLLED' || status === 'ROLLED_BACK') return 'SUCCESS';
  return status === 'UNREPORTED' ? 'OMITTED' : (reason ?? status);
}

function keyOf(card: { externalConsumerId: string; externalCardId: string }): string {
  return JSON.stringify([card.externalConsumerId, card.externalCardId]);
}

function addAll<T>(set: Set<T>, items: Iterable<T>): void {
  for (const item of items) set.add(item);
}
