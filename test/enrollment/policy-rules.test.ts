import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DEFAULT_POLICY, resolvePolicy, type PolicyOverrides } from '../../enrollment/policy.js';
import { POLICY_RULES, policyChangeProblems } from '../../enrollment/policy-rules.js';
import { parsePolicy, PolicyError } from '../../enrollment/policy-schema.js';

const problems = (change: unknown) => policyChangeProblems(DEFAULT_POLICY, change);

describe('policyChangeProblems', () => {
  it('has nothing against fields that may change', () => {
    expect(
      problems({
        onCancel: 'leave',
        uncertainSubmission: 'askOperator',
        retryFailedRecords: { maxRounds: 2 },
        polling: { initial: 60_000, jitter: 0 },
      }),
    ).toEqual([]);
  });

  it.each<[string, unknown]>([
    ['onInvalidRecords', { onInvalidRecords: 'rejectBatch' }],
    ['onCancel', { onCancel: 'sometimes' }],
    ['onCancel', { onCancel: null }],
    ['polling', { polling: 5 }],
    ['polling', { polling: { initail: 5 } }],
    ['polling.initial', { polling: { initial: '1m' } }],
    ['polling.initial', { polling: { initial: 0.5 } }],
    ['polling.initial', { polling: { initial: NaN } }],
    ['polling.initial', { polling: { initial: 3_600_000 } }],
    ['polling.jitter', { polling: { jitter: 2 } }],
    ['retryFailedRecords.maxRounds', { retryFailedRecords: { maxRounds: 11 } }],
    ['', { unknown: 1 }],
    ['', {}],
    ['', 'onCancel=leave'],
    ['', null],
    ['', []],
  ])('names %j in %j', (path, change) => {
    expect(problems(change)).toEqual([expect.objectContaining({ path })]);
  });

  it('does not repeat a name that a policy does not have', () => {
    expect(JSON.stringify(problems({ '5204731612345678': 1 }))).not.toContain('5204');
  });

  it('judges a policy as the schema does', () => {
    const choice = (...more: string[]) => fc.constantFrom('resend', 'askOperator', 'rollback', ...more);
    const numbers = fc.oneof(fc.constantFrom(0, 1, 10, 60_000, 1e12), fc.integer(), fc.double());
    const part = fc.dictionary(
      fc.constantFrom('initial', 'coefficient', 'maximum', 'deadline', 'jitter', 'maxRounds', 'delay'),
      numbers,
      { minKeys: 1 },
    );
    const change = fc.dictionary(
      fc.constantFrom(...Object.keys(POLICY_RULES).filter((name) => name !== 'onInvalidRecords'), 'other'),
      fc.oneof(part, choice('keep', 'leave', 'expire', 'none')),
      { minKeys: 1, maxKeys: 3 },
    );
    fc.assert(
      fc.property(change, (input) => {
        expect(problems(rounded(input)).length === 0).toBe(parses(input));
      }),
      { numRuns: 2_000 },
    );
  });

  function parses(input: object): boolean {
    try {
      return resolvePolicy(parsePolicy(input)) !== undefined;
    } catch (error) {
      if (error instanceof PolicyError) return false;
      throw error;
    }
  }

  /** As the client sends it: durations are whole milliseconds. */
  function rounded(input: object): PolicyOverrides {
    try {
      return parsePolicy(input);
    } catch {
      return input;
    }
  }
});
