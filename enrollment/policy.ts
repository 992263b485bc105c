/**
 * What an issuer may decide about how a batch is run. All durations are milliseconds here; configuration
 * and callers may write them as `"30s"` or `"72h"` (see `policy-schema.ts`).
 */
export interface EnrollmentPolicy {
  /** What to do when some records are invalid: send the valid ones, or send none. */
  onInvalidRecords: 'submitValid' | 'rejectBatch';
  /** How long to keep offering a batch that Mastercard has not taken. */
  submission: BackoffPolicy;
  /** How often to ask Mastercard how far a batch is. */
  polling: PollingPolicy;
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
  const policy = structuredClone(DEFAULT_POLICY);
  for (const over of overrides) {
    if (!over) continue;
    if (over.onInvalidRecords) policy.onInvalidRecords = over.onInvalidRecords;
    Object.assign(policy.submission, defined(over.submission));
    Object.assign(policy.polling, defined(over.polling));
  }
  return policy;
}

function defined<T extends object>(fields: T | undefined): Partial<T> {
  return Object.fromEntries(
    Object.entries(fields ?? {}).filter(([, value]) => value !== undefined),
  ) as Partial<T>;
}
