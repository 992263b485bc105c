import { cardKey, mergeOutcomes, type Outcome, type OutcomeDetail } from './outcomes.js';

/** The reason of a `ROLLED_BACK` outcome. */
export const ROLLED_BACK_REASON = 'ROLLED_BACK';

/** The codes of the details that a removal leaves in an outcome. */
export const RemovalCode = {
  /** Mastercard took the card out. */
  removed: 'REMOVED',
  /** Mastercard did not have the card any more. */
  alreadyAbsent: 'ALREADY_ABSENT',
  /**
   * The card could not be removed, and the message says why. It is still enrolled, unless the answer to an
   * attempt was lost.
   */
  failed: 'REMOVAL_FAILED',
  /** The card is out, and its consumer's profile, left without a card of the batch, is not. */
  profileFailed: 'PROFILE_REMOVAL_FAILED',
} as const;

const REMOVAL_CODES: ReadonlySet<string> = new Set(Object.values(RemovalCode));

/** The outcome of an enrolled card that is out of Click to Pay again. Its ids stay, to be found by. */
export function rolledBack(outcome: Outcome, how: 'removed' | 'alreadyAbsent'): Outcome {
  return {
    ...withRemovalDetail(outcome, { code: RemovalCode[how] }),
    status: 'ROLLED_BACK',
    reason: ROLLED_BACK_REASON,
  };
}

/** The outcome of an enrolled card that could not be removed, and so counts as enrolled. */
export function removalFailed(outcome: Outcome, message: string): Outcome {
  return withRemovalDetail(outcome, { code: RemovalCode.failed, message });
}

/**
 * The outcome of a removed card after the attempt to remove its consumer's profile.
 * @param message why the profile could not be removed; undefined when nothing is left to be done.
 */
export function withProfileFailure(outcome: Outcome, message: string | undefined): Outcome {
  const others = (outcome.details ?? []).filter(({ code }) => code !== RemovalCode.profileFailed);
  const failure = message === undefined ? [] : [{ code: RemovalCode.profileFailed, message }];
  return { ...outcome, details: [...others, ...failure] };
}

/** What an earlier attempt left is replaced, not repeated. */
function withRemovalDetail(outcome: Outcome, detail: OutcomeDetail): Outcome {
  const others = (outcome.details ?? []).filter(({ code }) => !REMOVAL_CODES.has(code));
  return { ...outcome, details: [...others, detail] };
}

/**
 * The cards that were rolled back, by `srcConsumerId`, for each consumer who has no card of the batch
 * enrolled any more; the last of the batch first.
 */
export function emptiedProfiles(outcomes: readonly Outcome[]): Map<string, Outcome[]> {
  const inUse = new Set(
    outcomes.filter(({ status }) => status === 'ENROLLED').map(({ srcConsumerId }) => srcConsumerId),
  );
  const profiles = new Map<string, Outcome[]>();
  for (const outcome of outcomes.toReversed()) {
    const { status, srcConsumerId } = outcome;
    if (status !== 'ROLLED_BACK' || srcConsumerId === undefined || inUse.has(srcConsumerId)) continue;
    profiles.set(srcConsumerId, [...(profiles.get(srcConsumerId) ?? []), outcome]);
  }
  return profiles;
}

/**
 * Lays what an attempt found out over what is stored. Another attempt may have gone further meanwhile: a
 * card that is stored as rolled back does not become enrolled again.
 */
export function mergeRemovals(stored: readonly Outcome[], found: readonly Outcome[]): Outcome[] {
  const out = new Set(stored.filter(({ status }) => status === 'ROLLED_BACK').map(cardKey));
  return mergeOutcomes(
    stored,
    found.filter((outcome) => outcome.status === 'ROLLED_BACK' || !out.has(cardKey(outcome))),
  );
}

/** How the removal of a batch's cards stands. */
export interface RemovalCounts {
  /** Cards that were taken out. */
  removed: number;
  /** Cards that Mastercard did not have any more. */
  absent: number;
  /** Cards that are still enrolled. */
  failed: number;
}

/** Counts a batch's outcomes, so it makes no difference in how many attempts they came about. */
export function countRemovals(outcomes: readonly Outcome[]): RemovalCounts {
  const withDetail = (wanted: string) =>
    outcomes.filter(
      ({ status, details = [] }) => status === 'ROLLED_BACK' && details.some(({ code }) => code === wanted),
    ).length;
  return {
    removed: withDetail(RemovalCode.removed),
    absent: withDetail(RemovalCode.alreadyAbsent),
    failed: outcomes.filter(({ status }) => status === 'ENROLLED').length,
  };
}
