import type { CardKey } from './records.js';
import { maskPersonal } from '../protection/mask.js';

export const OUTCOME_STATUSES = ['ENROLLED', 'FAILED', 'INVALID', 'ROLLED_BACK', 'UNREPORTED'] as const;

/**
 * - `ENROLLED`: Mastercard accepted the card.
 * - `FAILED`: Mastercard declined it, with a reason.
 * - `INVALID`: never sent; `details` has a path and a code for each thing wrong.
 * - `ROLLED_BACK`: enrolled, then removed again.
 * - `UNREPORTED`: no answer from Mastercard mentions it; `reason` says why that is final.
 */
export type OutcomeStatus = (typeof OUTCOME_STATUSES)[number];

/** One finding about a card. Never holds a value of the record: only where and what. */
export interface OutcomeDetail {
  /** Where: a path in the record (`consumer.emailAddress`) or the source that Mastercard names. */
  path?: string | undefined;
  /** What: a stable code (`luhn`, `required`) or Mastercard's detail reason (`PAN_INELIGIBLE`). */
  code: string;
  /** Mastercard's free text, with anything that looks like a card number masked. */
  message?: string | undefined;
}

/**
 * What became of one card. There is exactly one per (externalConsumerId, externalCardId) of a batch.
 * A card whose ids are unusable is named by its position instead: `#3` for the third record, `#3.2`
 * for its second card (`#` is outside the alphabet of real ids, so the two never meet).
 */
export interface Outcome extends CardKey {
  status: OutcomeStatus;
  /** The submission that decided it; absent when the card was never sent. */
  round?: number | undefined;
  reason?: string | undefined;
  details?: OutcomeDetail[] | undefined;
  srcConsumerId?: string | undefined;
  srcDigitalCardId?: string | undefined;
}

/** What becomes of the cards of a batch that have no outcome when it closes. */
export interface RemainingOutcome {
  status: 'FAILED' | 'UNREPORTED';
  reason: string;
  round?: number | undefined;
  details?: OutcomeDetail[] | undefined;
}

/** Whether Mastercard declined a card for one of these reasons. */
export function isDeclinedFor(reasons: ReadonlySet<string>, { status, reason }: Outcome): boolean {
  return status === 'FAILED' && reason !== undefined && reasons.has(reason);
}

/** An outcome as it may be read: Mastercard's ids stay as they are where it is asked about them, and in the sealed store. */
export function shownOutcome(outcome: Outcome): Outcome {
  const { srcConsumerId, srcDigitalCardId } = outcome;
  return {
    ...outcome,
    ...(srcConsumerId !== undefined && { srcConsumerId: maskPersonal(srcConsumerId) }),
    ...(srcDigitalCardId !== undefined && { srcDigitalCardId: maskPersonal(srcDigitalCardId) }),
  };
}

/** The reason of an `UNREPORTED` card of which the store has lost what was known. */
export const UNREADABLE_REASON = 'UNREADABLE';

/** The detail of a card that Mastercard may have enrolled, though nobody here knows. */
export const MAY_BE_ENROLLED: OutcomeDetail = {
  code: 'MAY_BE_ENROLLED',
  message: 'the card may still be enrolled',
};

/** The reasons of UNREPORTED cards that were never sent; one with any other reason Mastercard may have. */
const NEVER_SENT: ReadonlySet<string | undefined> = new Set(['NOT_SENT', 'CANCELLED_NOT_SENT']);

/** Whether a card has no outcome of Mastercard's because it was never sent. */
export function wasNeverSent({ status, reason }: Pick<Outcome, 'status' | 'reason'>): boolean {
  return status === 'UNREPORTED' && NEVER_SENT.has(reason);
}

/** How many cards have which outcome; `pending` have none yet. The fields add up to `cards`. */
export interface OutcomeCounts {
  cards: number;
  pending: number;
  enrolled: number;
  failed: number;
  invalid: number;
  rolledBack: number;
  unreported: number;
}

const COUNT_OF: Record<OutcomeStatus, keyof OutcomeCounts> = {
  ENROLLED: 'enrolled',
  FAILED: 'failed',
  INVALID: 'invalid',
  ROLLED_BACK: 'rolledBack',
  UNREPORTED: 'unreported',
};

/** @param cards all cards of the batch, decided or not; at least as many as `outcomes`. */
export function countOutcomes(cards: number, outcomes: readonly Outcome[]): OutcomeCounts {
  const counts: OutcomeCounts = {
    cards,
    pending: cards - outcomes.length,
    enrolled: 0,
    failed: 0,
    invalid: 0,
    rolledBack: 0,
    unreported: 0,
  };
  for (const outcome of outcomes) counts[COUNT_OF[outcome.status]] += 1;
  return counts;
}

/** A string that identifies a card within its batch; equal keys, equal strings, and only then. */
export function cardKey({ externalConsumerId, externalCardId }: CardKey): string {
  return JSON.stringify([externalConsumerId, externalCardId]);
}

/** The outcomes in the order of the cards. A card without an outcome is left out, and so is an outcome without a card. */
export function inOrderOf(cards: readonly CardKey[], outcomes: readonly Outcome[]): Outcome[] {
  const byCard = new Map(outcomes.map((outcome) => [cardKey(outcome), outcome]));
  return cards.flatMap((card) => byCard.get(cardKey(card)) ?? []);
}

/** Later outcomes replace earlier ones of the same card; the order of first appearance is kept. */
export function mergeOutcomes(...lists: ReadonlyArray<readonly Outcome[]>): Outcome[] {
  const merged = new Map<string, Outcome>();
  for (const list of lists) for (const outcome of list) merged.set(cardKey(outcome), outcome);
  return [...merged.values()];
}
