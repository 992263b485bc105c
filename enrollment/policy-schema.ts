import ms from 'ms';
import { z } from 'zod';
import type { EnrollmentPolicy, PolicyOverrides } from './policy.js';
import { resolvePolicy } from './policy.js';
import { LONGEST, POLICY_RULES, policyProblems, type Range } from './policy-rules.js';
import type { Problem } from './schema-problems.js';
import { check, strictObject } from './schema-problems.js';

/** A duration: milliseconds, or a number with its unit, such as `"30s"`, `"15m"`, `"72h"`, `"1.5 days"`. */
export type Duration = number | string;

/** What a caller or a configuration may write for a policy: only what differs, durations as it likes. */
export type PolicyInput = z.input<typeof policySchema>;

/** A policy that cannot be followed. */
export class PolicyError extends Error {
  override readonly name = 'PolicyError';
  readonly code = 'POLICY_INVALID';

  constructor(readonly issues: readonly Problem[]) {
    super(
      `the policy is not usable: ${issues.map(({ path, message }) => `${path || 'it'} ${message}`).join('; ')}`,
    );
  }
}

const WITH_UNIT = /^\d{1,15}(\.\d{1,6})? ?[a-z]{1,12}$/i;
const DURATION_RULE = 'must be a duration such as "30s" or "72h", or a number of milliseconds';

/** A duration that may be left out; makes whole milliseconds of it. */
export function duration({ min }: Pick<Range, 'min'>) {
  return z
    .union([z.number(), z.string()], {
      error: ({ input }) => (input === undefined ? 'is missing' : DURATION_RULE),
    })
    .transform((written: Duration, context) => {
      const parsed = typeof written === 'number' ? written : milliseconds(written);
      if (parsed === undefined) context.addIssue(DURATION_RULE);
      else if (parsed < min || parsed > LONGEST)
        context.addIssue(`must be ${min === 0 ? '' : `at least ${ms(min)} and `}at most ${ms(LONGEST)}`);
      else return Math.round(parsed);
      return z.NEVER;
    })
    .optional();
}

function milliseconds(written: string): number | undefined {
  // ms also takes a text without a unit, for milliseconds; "30" was rather meant to be something else.
  const parsed = WITH_UNIT.test(written) ? ms(written as ms.StringValue) : undefined;
  return Number.isFinite(parsed) ? parsed : undefined;
}

function number({ min, max, integer }: Range) {
  const range = z.number().min(min).max(max);
  return (integer ? range.int() : range).optional();
}

const { retryFailedRecords, submission, polling } = POLICY_RULES;

/**
 * Checks the fields of a policy one by one, by `POLICY_RULES`, and makes `PolicyOverrides` of it. What
 * they say together depends on what they are laid over: see `policyProblems`.
 */
export const policySchema = strictObject({
  onInvalidRecords: z.enum(POLICY_RULES.onInvalidRecords).optional(),
  uncertainSubmission: z.enum(POLICY_RULES.uncertainSubmission).optional(),
  onPartialFailure: z.enum(POLICY_RULES.onPartialFailure).optional(),
  onCancel: z.enum(POLICY_RULES.onCancel).optional(),
  onBareCancel: z.enum(POLICY_RULES.onBareCancel).optional(),
  onPollingDeadline: z.enum(POLICY_RULES.onPollingDeadline).optional(),
  removalReason: z.enum(POLICY_RULES.removalReason).optional(),
  retryFailedRecords: strictObject({
    maxRounds: number(retryFailedRecords.maxRounds),
    delay: duration(retryFailedRecords.delay),
  } satisfies FieldsOf<EnrollmentPolicy['retryFailedRecords']>).optional(),
  submission: strictObject({
    initial: duration(submission.initial),
    coefficient: number(submission.coefficient),
    maximum: duration(submission.maximum),
    deadline: duration(submission.deadline),
  } satisfies FieldsOf<EnrollmentPolicy['submission']>).optional(),
  polling: strictObject({
    initial: duration(polling.initial),
    coefficient: number(polling.coefficient),
    maximum: duration(polling.maximum),
    deadline: duration(polling.deadline),
    jitter: number(polling.jitter),
    notFoundGrace: duration(polling.notFoundGrace),
  } satisfies FieldsOf<EnrollmentPolicy['polling']>).optional(),
} satisfies FieldsOf<EnrollmentPolicy>);

type FieldsOf<T> = { [Name in keyof T]: z.ZodType };

/**
 * Checks what somebody wrote to change the policy of a batch that runs, field by field; what it says
 * together with the rest is for the batch to judge (`policyChangeProblems`).
 * @throws PolicyError with everything that is wrong.
 */
export function parsePolicyChange(input: PolicyInput): PolicyOverrides {
  const result = check(policySchema, input);
  if (!result.ok) throw new PolicyError(result.problems);
  return result.value;
}

/**
 * Checks what a caller wrote for a policy.
 * @param base the overrides that it is laid over, for instance the program's.
 * @throws PolicyError with everything that is wrong.
 */
export function parsePolicy(input: PolicyInput, base: PolicyOverrides = {}): PolicyOverrides {
  const overrides = parsePolicyChange(input);
  const problems = policyProblems(resolvePolicy(base, overrides));
  if (problems.length > 0) throw new PolicyError(problems);
  return overrides;
}
