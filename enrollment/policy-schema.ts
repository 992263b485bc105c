import ms from 'ms';
import { z } from 'zod';
import type { EnrollmentPolicy, PolicyOverrides } from './policy.js';
import { resolvePolicy } from './policy.js';
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
const LONGEST = ms('365d');
const DURATION_RULE = 'must be a duration such as "30s" or "72h", or a number of milliseconds';

function duration(shortest: number) {
  return z
    .union([z.number(), z.string()], {
      error: ({ input }) => (input === undefined ? 'is missing' : DURATION_RULE),
    })
    .transform((written: Duration, context) => {
      const parsed = typeof written === 'number' ? written : milliseconds(written);
      if (parsed === undefined) context.addIssue(DURATION_RULE);
      else if (parsed < shortest || parsed > LONGEST)
        context.addIssue(
          `must be ${shortest === 0 ? '' : `at least ${ms(shortest)} and `}at most ${ms(LONGEST)}`,
        );
      else return Math.round(parsed);
      return z.NEVER;
    });
}

function milliseconds(written: string): number | undefined {
  // ms also takes a text without a unit, for milliseconds; "30" was rather meant to be something else.
  const parsed = WITH_UNIT.test(written) ? ms(written as ms.StringValue) : undefined;
  return Number.isFinite(parsed) ? parsed : undefined;
}

const backoff = {
  initial: duration(1).optional(),
  coefficient: z.number().min(1).max(10).optional(),
  maximum: duration(1).optional(),
  deadline: duration(1).optional(),
} satisfies FieldsOf<EnrollmentPolicy['submission']>;

/**
 * Checks the fields of a policy one by one and makes `PolicyOverrides` of it. What they say together
 * depends on what they are laid over: see `policyProblems`.
 */
export const policySchema = strictObject({
  onInvalidRecords: z.enum(['submitValid', 'rejectBatch']).optional(),
  uncertainSubmission: z.enum(['resend', 'askOperator']).optional(),
  onPartialFailure: z.enum(['keep', 'rollback']).optional(),
  onCancel: z.enum(['rollback', 'leave']).optional(),
  retryFailedRecords: strictObject({
    maxRounds: z.number().int().min(1).max(10).optional(),
    delay: duration(0).optional(),
  } satisfies FieldsOf<EnrollmentPolicy['retryFailedRecords']>).optional(),
  submission: strictObject(backoff).optional(),
  polling: strictObject({
    ...backoff,
    jitter: z.number().min(0).max(1).optional(),
    notFoundGrace: duration(0).optional(),
  } satisfies FieldsOf<EnrollmentPolicy['polling']>).optional(),
} satisfies FieldsOf<EnrollmentPolicy>);

type FieldsOf<T> = { [Name in keyof T]: z.ZodType };

/** What in a whole policy contradicts itself: waits that are longer than they may be. */
export function policyProblems(policy: EnrollmentPolicy): Problem[] {
  return (['submission', 'polling'] as const).flatMap((part) => {
    const { initial, maximum, deadline } = policy[part];
    const path = `${part}.initial`;
    return [
      ...(initial > maximum ? [{ path, message: `is longer than ${part}.maximum (${ms(maximum)})` }] : []),
      ...(initial > deadline ? [{ path, message: `is longer than ${part}.deadline (${ms(deadline)})` }] : []),
    ];
  });
}

/**
 * Checks what a caller wrote for a policy.
 * @param base the overrides that it is laid over, for instance the program's.
 * @throws PolicyError with everything that is wrong.
 */
export function parsePolicy(input: PolicyInput, base: PolicyOverrides = {}): PolicyOverrides {
  const result = check(policySchema, input);
  if (!result.ok) throw new PolicyError(result.problems);
  const problems = policyProblems(resolvePolicy(base, result.value));
  if (problems.length > 0) throw new PolicyError(problems);
  return result.value;
}
