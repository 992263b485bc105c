import type { Outcome, OutcomeDetail } from './outcomes.js';
import { cardKey } from './outcomes.js';
import type { CardKey } from './records.js';
import { maskPersonal } from '../protection/mask.js';

/** What Mastercard's answer says about one card, in c2p's words. `mastercard/reading.ts` makes these. */
export interface ReportedCard extends CardKey {
  /** `unknown`: a record status that nobody knows. */
  result: 'enrolled' | 'failed' | 'unknown';
  /** The status as Mastercard wrote it. */
  rawStatus: string;
  reason?: string | undefined;
  details?: OutcomeDetail[] | undefined;
  srcConsumerId?: string | undefined;
  srcDigitalCardId?: string | undefined;
}

/** What was wrong with an answer, as numbers that can be shown anywhere. */
export interface AnswerAnomalies {
  /** Cards that were sent and that the answer does not mention. */
  missing: number;
  /** Entries that say again what another entry says. */
  repeated: number;
  /** Cards about which two entries say different things. */
  contradictory: number;
  /** Entries about cards that were not sent. */
  foreign: number;
  /** Cards whose status nobody knows. */
  unknownStatus: number;
}

/** Reasons of c2p's own, beside those that Mastercard gives. */
export const ReconciliationReason = {
  missing: 'MISSING_FROM_ANSWER',
  unknownStatus: 'UNKNOWN_STATUS',
  /** Mastercard declined the card and did not say why. */
  unexplained: 'NO_REASON_GIVEN',
  /** A detail code: another entry of the answer said something else about the card. */
  contradictory: 'CONTRADICTORY_ANSWER',
} as const;

/**
 * Gives every card that was sent exactly one outcome, from the answer to the round it was sent in.
 *
 * Cards are matched by their external ids, never by their place in the answer; the result does not
 * depend on the order of the answer. Where entries contradict each other, "enrolled" wins over "failed"
 * (Mastercard gave the card an id, so it exists and can be removed) and both win over an unknown status;
 * among equals the choice is arbitrary but always the same. The details list what was not chosen.
 *
 * @param sent the cards of the round; the outcomes come in this order.
 * @param answer all entries of Mastercard's terminal answer.
 * @param round the submission that the answer is about, 1 for the first.
 */
export function reconcile(
  sent: readonly CardKey[],
  answer: readonly ReportedCard[],
  round: number,
): { outcomes: Outcome[]; anomalies: AnswerAnomalies } {
  const anomalies: AnswerAnomalies = {
    missing: 0,
    repeated: 0,
    contradictory: 0,
    foreign: 0,
    unknownStatus: 0,
  };
  const entriesOf = new Map<string, Map<string, ReportedCard>>();
  for (const key of sent) entriesOf.set(cardKey(key), new Map());
  for (const entry of answer) {
    const entries = entriesOf.get(cardKey(entry));
    const content = contentOf(entry);
    if (!entries) anomalies.foreign += 1;
    else if (entries.has(content)) anomalies.repeated += 1;
    else entries.set(content, entry);
  }
  const outcomes: Outcome[] = [];
  for (const { externalConsumerId, externalCardId } of sent) {
    const id = cardKey({ externalConsumerId, externalCardId });
    const entries = entriesOf.get(id);
    if (!entries) continue;
    entriesOf.delete(id);
    const [chosen, ...others] = [...entries].sort(byPreference).map(([, entry]) => entry);
    if (!chosen) anomalies.missing += 1;
    if (chosen?.result === 'unknown') anomalies.unknownStatus += 1;
    if (others.length > 0) anomalies.contradictory += 1;
    outcomes.push({ externalConsumerId, externalCardId, round, ...verdict(chosen, others) });
  }
  return { outcomes, anomalies };
}

type Verdict = Omit<Outcome, 'externalConsumerId' | 'externalCardId' | 'round'>;

function verdict(chosen: ReportedCard | undefined, others: readonly ReportedCard[]): Verdict {
  if (!chosen) return { status: 'UNREPORTED', reason: ReconciliationReason.missing };
  const details = [...(chosen.details ?? []), ...others.map(contradiction)];
  const withDetails = details.length > 0 ? { details } : {};
  switch (chosen.result) {
    case 'enrolled':
      return { status: 'ENROLLED', ...srcIdsOf(chosen), ...withDetails };
    case 'failed':
      return {
        status: 'FAILED',
        reason: chosen.reason ?? ReconciliationReason.unexplained,
        // Its profile may be there all the same.
        ...(chosen.srcConsumerId === undefined ? {} : { srcConsumerId: chosen.srcConsumerId }),
        ...withDetails,
      };
    case 'unknown': {
      const raw = { code: ReconciliationReason.unknownStatus, message: chosen.rawStatus };
      return { status: 'UNREPORTED', reason: ReconciliationReason.unknownStatus, details: [raw, ...details] };
    }
  }
}

function srcIdsOf({ srcConsumerId, srcDigitalCardId }: ReportedCard): Partial<Outcome> {
  return {
    ...(srcConsumerId === undefined ? {} : { srcConsumerId }),
    ...(srcDigitalCardId === undefined ? {} : { srcDigitalCardId }),
  };
}

function contradiction({ rawStatus, reason, srcDigitalCardId }: ReportedCard): OutcomeDetail {
  const said = [rawStatus, reason, srcDigitalCardId && `srcDigitalCardId ${maskPersonal(srcDigitalCardId)}`];
  return {
    code: ReconciliationReason.contradictory,
    message: `also reported as ${said.filter(Boolean).join(' ')}`,
  };
}

const RANK: Record<ReportedCard['result'], number> = { enrolled: 0, failed: 1, unknown: 2 };

/** Enrolled first, with a digital card id first of all; then by content, so that the order is total. */
function byPreference([contentA, a]: [string, ReportedCard], [contentB, b]: [string, ReportedCard]): number {
  return (
    RANK[a.result] - RANK[b.result] ||
    Number(a.srcDigitalCardId === undefined) - Number(b.srcDigitalCardId === undefined) ||
    (contentA < contentB ? -1 : 1)
  );
}

/** Equal for entries that say the same, and only for those. */
function contentOf(entry: ReportedCard): string {
  const details = (entry.details ?? []).map(({ path, code, message }) => [path, code, message]);
  return JSON.stringify([
    entry.result,
    entry.rawStatus,
    entry.reason,
    entry.srcConsumerId,
    entry.srcDigitalCardId,
    details,
  ]);
}
