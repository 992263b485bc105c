import ms from 'ms';
import { resolvePolicy, type EnrollmentPolicy, type PolicyOverrides } from './policy.js';

/** What is wrong with a policy: with which field, as in `polling.initial`, and what. */
export interface PolicyProblem {
  path: string;
  message: string;
}

/** The longest that a policy may let anything take (ms). */
export const LONGEST = 365 * 24 * 3_600_000;

/** A number that a policy may have, both ends included. */
export interface Range {
  min: number;
  max: number;
  integer?: true;
}

const duration = (min: number) => ({ min, max: LONGEST, integer: true }) as const;

const BACKOFF = {
  initial: duration(1),
  coefficient: { min: 1, max: 10 },
  maximum: duration(1),
  deadline: duration(1),
} as const satisfies RulesFor<EnrollmentPolicy['submission']>;

type RulesFor<T> = {
  [K in keyof T]-?: T[K] extends string ? readonly T[K][] : T[K] extends number ? Range : RulesFor<T[K]>;
};

/** What each field of a policy may be. */
export const POLICY_RULES = {
  onInvalidRecords: ['submitValid', 'rejectBatch'],
  uncertainSubmission: ['resend', 'askOperator'],
  onPartialFailure: ['keep', 'rollback'],
  onCancel: ['rollback', 'leave'],
  onBareCancel: ['askOperator', 'asOnCancel'],
  onPollingDeadline: ['expire', 'askOperator'],
  removalReason: ['other', 'accountClosed', 'suspectedFraud', 'default'],
  retryFailedRecords: { maxRounds: { min: 1, max: 10, integer: true }, delay: duration(0) },
  submission: BACKOFF,
  polling: { ...BACKOFF, jitter: { min: 0, max: 1 }, notFoundGrace: duration(0) },
} as const satisfies RulesFor<EnrollmentPolicy>;

type Rule = readonly string[] | Range | { readonly [field: string]: Rule };

/** What in a whole policy contradicts itself: waits that are longer than they may be. */
export function policyProblems(policy: EnrollmentPolicy): PolicyProblem[] {
  return (['submission', 'polling'] as const).flatMap((part) => {
    const { initial, maximum, deadline } = policy[part];
    const path = `${part}.initial`;
    return [
      ...(initial > maximum ? [{ path, message: `is longer than ${part}.maximum (${ms(maximum)})` }] : []),
      ...(initial > deadline ? [{ path, message: `is longer than ${part}.deadline (${ms(deadline)})` }] : []),
    ];
  });
}

/** What is wrong with a policy that a batch is to be started with. Nothing is believed of its shape. */
export function startPolicyProblems(policy: unknown): PolicyProblem[] {
  const problems = fieldProblems(POLICY_RULES, policy, '');
  return problems.length > 0 ? problems : policyProblems(resolvePolicy(policy as PolicyOverrides));
}

/**
 * What keeps a change from being laid over the policy of a batch that runs. The sender may use any
 * language, so nothing is believed of its shape.
 * @param change fields as in `PolicyOverrides`, durations in ms.
 */
export function policyChangeProblems(policy: EnrollmentPolicy, change: unknown): PolicyProblem[] {
  const problems = fieldProblems(POLICY_RULES, change, '');
  if (problems.length > 0) return problems;
  const { onInvalidRecords, ...fields } = change as PolicyOverrides;
  if (onInvalidRecords !== undefined) {
    return [{ path: 'onInvalidRecords', message: 'cannot change: the records of this batch are sorted' }];
  }
  if (Object.keys(fields).length === 0) return [{ path: '', message: 'changes nothing' }];
  return policyProblems(resolvePolicy(policy, fields));
}

function fieldProblems(rule: Rule, value: unknown, path: string): PolicyProblem[] {
  if (Array.isArray(rule)) {
    const choices = rule as readonly string[];
    return choices.includes(value as string) ? [] : [{ path, message: `must be ${choices.join(' or ')}` }];
  }
  if (isRange(rule)) {
    const { min, max, integer } = rule;
    const fits = typeof value === 'number' && value >= min && value <= max;
    if (fits && (!integer || Number.isInteger(value))) return [];
    return [{ path, message: `must be a${integer ? ' whole' : ''} number from ${min} to ${max}` }];
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return [{ path, message: 'must be an object with the fields that change' }];
  }
  const fields = rule as Readonly<Record<string, Rule>>;
  return Object.entries(value).flatMap(([name, field]) => {
    // A name that nobody knows may be anything, and so is not repeated.
    if (!Object.hasOwn(fields, name)) return [{ path, message: 'has a field that a policy does not have' }];
    return fieldProblems(fields[name]!, field, path === '' ? name : `${path}.${name}`);
  });
}

function isRange(rule: Rule): rule is Range {
  return 'min' in rule && typeof rule.min === 'number';
}
