import type { Outcome, OutcomeDetail } from './outcomes.js';

/** What came of asking Mastercard to take a card out of Click to Pay. */
export type RemovalAnswer =
  | { kind: 'removed' }
  /** Mastercard did not have the card any more. */
  | { kind: 'absent' }
  /** It could not be removed, and waiting does not mend that: what Mastercard said, or what to do. */
  | { kind: 'failed'; message: string };

/** What came of asking Mastercard to take a consumer's profile out. */
export type ProfileAnswer =
  | RemovalAnswer
  /** Cards of other batches keep it, and that is as it should be. */
  | { kind: 'inUse' };

/** By the position of a card in the outcomes of its batch, from 0 on. */
export type ByPosition<Answer> = Readonly<Record<number, Answer>>;

/** The reason of a `ROLLED_BACK` outcome. */
const ROLLED_BACK_REASON = 'ROLLED_BACK';

/** The codes of the details that a removal leaves in an outcome. */
export const RemovalCode = {
  /** Mastercard took the card out. */
  removed: 'REMOVED',
  /** Mastercard did not have the card any more. */
  absent: 'ALREADY_ABSENT',
  /**
   * The card could not be removed, and the message says why. It is still enrolled, unless the answer to an
   * attempt was lost.
   */
  failed: 'REMOVAL_FAILED',
  /** The card was declined, and Mastercard has a profile of its consumer, who has no card of the batch enrolled. */
  profileMayRemain: 'PROFILE_MAY_REMAIN',
  /** The card is out, and its consumer's profile, left without a card of the batch, is not. */
  profileFailed: 'PROFILE_REMOVAL_FAILED',
} as const;

const REMOVAL_CODES: ReadonlySet<string> = new Set(Object.values(RemovalCode));
const PROFILE_CODES: ReadonlySet<string> = new Set([RemovalCode.profileFailed, RemovalCode.profileMayRemain]);

/** How a card that is not enrolled, or not any more, came to be out. */
export function howItIsOut(outcome: Outcome): RemovalAnswer {
  return { kind: hasCode(outcome, RemovalCode.removed) ? 'removed' : 'absent' };
}

/**
 * Lays what came of removals over the outcomes, whose order stays. A card that is stored as rolled back does not
 * become enrolled again, and one that never was enrolled keeps its outcome; so repeating it changes nothing.
 */
export function withRemovals(outcomes: readonly Outcome[], answers: ByPosition<RemovalAnswer>): Outcome[] {
  return outcomes.map((outcome, position) => {
    const answer = answers[position];
    if (!answer || outcome.status !== 'ENROLLED') return outcome;
    if (answer.kind === 'failed')
      return withDetail(outcome, { code: RemovalCode.failed, message: answer.message });
    // Its ids stay, to be found by.
    const out = withDetail(outcome, { code: RemovalCode[answer.kind] });
    return { ...out, status: 'ROLLED_BACK', reason: ROLLED_BACK_REASON };
  });
}

/**
 * Lays what came of the removal of profiles over the outcomes: each card of a profile that should be gone and is
 * not says why, until it is gone.
 * @param answers by the position of any card of the profile.
 */
export function withProfileRemovals(
  outcomes: readonly Outcome[],
  answers: ByPosition<ProfileAnswer>,
): Outcome[] {
  const merged = [...outcomes];
  for (const positions of emptiedProfiles(outcomes)) {
    const answer = positions.map((position) => answers[position]).find((given) => given !== undefined);
    if (!answer) continue;
    for (const position of positions) merged[position] = withProfileAnswer(outcomes[position]!, answer);
  }
  return merged;
}

/**
 * Says of each declined card whether Mastercard may keep a profile of a consumer who has no card of the batch enrolled.
 * Idempotent: outcomes that were looked at before are judged anew.
 */
export function withProfilesThatMayRemain(outcomes: readonly Outcome[]): Outcome[] {
  const inUse = profilesInUse(outcomes);
  return outcomes.map((outcome) => {
    const { status, srcConsumerId, details = [] } = outcome;
    if (status !== 'FAILED' || srcConsumerId === undefined) return outcome;
    const others = details.filter(({ code }) => code !== RemovalCode.profileMayRemain);
    const found = inUse.has(srcConsumerId) ? [] : [{ code: RemovalCode.profileMayRemain }];
    return { ...outcome, details: [...others, ...found] };
  });
}

/** Whom Mastercard knows by a card of the batch that is enrolled. */
function profilesInUse(outcomes: readonly Outcome[]): ReadonlySet<string | undefined> {
  return new Set(
    outcomes.filter(({ status }) => status === 'ENROLLED').map(({ srcConsumerId }) => srcConsumerId),
  );
}

/**
 * The positions of the cards that were rolled back or declined, for each consumer whom Mastercard named and who has no
 * card of the batch enrolled; the last of the batch first.
 */
export function emptiedProfiles(outcomes: readonly Outcome[]): number[][] {
  const inUse = profilesInUse(outcomes);
  const profiles = new Map<string, number[]>();
  for (let position = outcomes.length - 1; position >= 0; position -= 1) {
    const { status, srcConsumerId } = outcomes[position]!;
    if (status !== 'ROLLED_BACK' && status !== 'FAILED') continue;
    if (srcConsumerId === undefined || inUse.has(srcConsumerId)) continue;
    const positions = profiles.get(srcConsumerId);
    if (positions) positions.push(position);
    else profiles.set(srcConsumerId, [position]);
  }
  return [...profiles.values()];
}

/** Whether the consumer's profile should be gone after the card, and is not. */
export function isProfileLeft(outcome: Outcome): boolean {
  return hasCode(outcome, RemovalCode.profileFailed);
}

function withProfileAnswer(outcome: Outcome, answer: ProfileAnswer): Outcome {
  const others = (outcome.details ?? []).filter(({ code }) => !PROFILE_CODES.has(code));
  if (answer.kind !== 'failed') return { ...outcome, details: others };
  return { ...outcome, details: [...others, { code: RemovalCode.profileFailed, message: answer.message }] };
}

/** What an earlier attempt left is replaced, not repeated. */
function withDetail(outcome: Outcome, detail: OutcomeDetail): Outcome {
  const others = (outcome.details ?? []).filter(({ code }) => !REMOVAL_CODES.has(code));
  return { ...outcome, details: [...others, detail] };
}

function hasCode({ details = [] }: Outcome, wanted: string): boolean {
  return details.some(({ code }) => code === wanted);
}
