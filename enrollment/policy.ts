/**
 * What an issuer may decide about how a batch is run. All durations are milliseconds here; configuration
 * and callers may write them as `"30s"` or `"72h"` (see `policy-schema.ts`).
 */
export interface EnrollmentPolicy {
  /** What to do when some records are invalid: send the valid ones, or send none. */
  onInvalidRecords: 'submitValid' | 'rejectBatch';
  /**
   * What to do when it is unknown whether Mastercard accepted the batch: send the same bytes under the
   * same externalBatchId again, or ask an operator first.
   */
  uncertainSubmission: 'resend' | 'askOperator';
  /** What to do when not every card could be enrolled: keep those that were, or take all of them back. */
  onPartialFailure: 'keep' | 'rollback';
  /** What to do with enrolled cards when the batch is cancelled: take them back, or leave them. */
  onCancel: 'rollback' | 'leave';
  /**
   * What to do when Temporal itself is asked to cancel the workflow, which proves nothing about who asks: ask an
   * operator where Mastercard may have cards of the batch, or do as `onCancel` says.
   */
  onBareCancel: 'askOperator' | 'asOnCancel';
  /** What to do when Mastercard is not done at `polling.deadline`: end the batch, or ask an operator. */
  onPollingDeadline: 'expire' | 'askOperator';
  /** The reason that Mastercard gets for the removal of a card. */
  removalReason: RemovalReason;
  /** Whether cards that Mastercard declined for a passing reason are sent again. */
  retryFailedRecords: RoundsPolicy;
  /** How long to keep submitting a batch that Mastercard did not accept. */
  submission: BackoffPolicy;
  /** How often to ask Mastercard how far a batch is. */
  polling: PollingPolicy;
}

export type RemovalReason = 'other' | 'accountClosed' | 'suspectedFraud' | 'default';

export interface RoundsPolicy {
  /** How many submissions in all; 1 sends nothing twice. */
  maxRounds: number;
  /** The wait before each further one (ms). */
  delay: number;
}

/** Waits of `initial`, `initial × coefficient`, … up to `maximum` each and `deadline` in all (ms). */
export interface BackoffPolicy {
  initial: number;
  coefficient: number;
  maximum: number;
  deadline: number;
}

export interface PollingPolicy extends BackoffPolicy {
  /** The share of a wait that chance may take off or add, 0 to 1: spreads batches that started together. */
  jitter: number;
  /** How long after acceptance an answer of "no such batch" may still be a replica behind (ms). */
  notFoundGrace: number;
}

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

export const DEFAULT_POLICY: EnrollmentPolicy = {
  onInvalidRecords: 'submitValid',
  uncertainSubmission: 'resend',
  onPartialFailure: 'keep',
  onCancel: 'rollback',
  onBareCancel: 'askOperator',
  onPollingDeadline: 'expire',
  removalReason: 'other',
  retryFailedRecords: { maxRounds: 1, delay: HOUR },
  submission: { initial: 5 * SECOND, coefficient: 2, maximum: 5 * MINUTE, deadline: 24 * HOUR },
  polling: {
    initial: 30 * SECOND,
    coefficient: 1.5,
    maximum: 15 * MINUTE,
    deadline: 72 * HOUR,
    jitter: 0.1,
    notFoundGrace: 10 * MINUTE,
  },
};

/** A policy with only the fields that differ from what it is laid over. */
export type PolicyOverrides = {
  [K in keyof EnrollmentPolicy]?:
    (EnrollmentPolicy[K] extends object ? Partial<EnrollmentPolicy[K]> : EnrollmentPolicy[K]) | undefined;
};

/** Lays overrides over the defaults, later ones winning field by field: program first, then batch. */
export function resolvePolicy(...overrides: ReadonlyArray<PolicyOverrides | undefined>): EnrollmentPolicy {
  return overrides.reduce<EnrollmentPolicy>(
    (policy, over = {}) => ({
      onInvalidRecords: over.onInvalidRecords ?? policy.onInvalidRecords,
      uncertainSubmission: over.uncertainSubmission ?? policy.uncertainSubmission,
      onPartialFailure: over.onPartialFailure ?? policy.onPartialFailure,
      onCancel: over.onCancel ?? policy.onCancel,
      onBareCancel: over.onBareCancel ?? policy.onBareCancel,
      onPollingDeadline: over.onPollingDeadline ?? policy.onPollingDeadline,
      removalReason: over.removalReason ?? policy.removalReason,
      retryFailedRecords: { ...policy.retryFailedRecords, ...defined(over.retryFailedRecords) },
      submission: { ...policy.submission, ...defined(over.submission) },
      polling: { ...policy.polling, ...defined(over.polling) },
    }),
    DEFAULT_POLICY,
  );
}

function defined<T extends object>(fields: T | undefined): Partial<T> {
  return Object.fromEntries(
    Object.entries(fields ?? {}).filter(([, value]) => value !== undefined),
  ) as Partial<T>;
}
