import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DEFAULT_POLICY, resolvePolicy } from '../../enrollment/policy.js';
import type { PolicyInput } from '../../enrollment/policy-schema.js';
import { policyProblems } from '../../enrollment/policy-rules.js';
import { parsePolicy, PolicyError } from '../../enrollment/policy-schema.js';

describe('parsePolicy', () => {
  it('takes durations with a unit and numbers of milliseconds', () => {
    expect(
      parsePolicy({
        onInvalidRecords: 'rejectBatch',
        submission: { initial: '1.5s', deadline: 60_000 },
        polling: { initial: '30s', maximum: '15m', deadline: '72 hours', jitter: 0, notFoundGrace: 0 },
      }),
    ).toEqual({
      onInvalidRecords: 'rejectBatch',
      submission: { initial: 1_500, deadline: 60_000 },
      polling: { initial: 30_000, maximum: 900_000, deadline: 259_200_000, jitter: 0, notFoundGrace: 0 },
    });
  });

  it('takes nothing, and the defaults themselves', () => {
    expect(parsePolicy({})).toEqual({});
    expect(parsePolicy(DEFAULT_POLICY)).toEqual(DEFAULT_POLICY);
    expect(policyProblems(DEFAULT_POLICY)).toEqual([]);
  });

  it.each<[string, unknown]>([
    ['polling.initial', { polling: { initial: '30' } }],
    ['polling.initial', { polling: { initial: 'soon' } }],
    ['polling.initial', { polling: { initial: '' } }],
    ['polling.initial', { polling: { initial: '-5s' } }],
    ['polling.initial', { polling: { initial: 0 } }],
    ['polling.initial', { polling: { initial: 0.2 } }],
    ['polling.initial', { polling: { initial: null } }],
    ['polling.initial', { polling: { initial: '1h' } }],
    ['polling.initial', { polling: { initial: '2m', deadline: '1m' } }],
    ['polling.deadline', { polling: { deadline: '9999y' } }],
    ['polling.deadline', { polling: { deadline: Infinity } }],
    ['polling.coefficient', { polling: { coefficient: 0.9 } }],
    ['polling.coefficient', { polling: { coefficient: 11 } }],
    ['polling.jitter', { polling: { jitter: 1.1 } }],
    ['submission.initial', { submission: { initial: '10m' } }],
    ['submission', { submission: { jitter: 0.1 } }],
    ['onInvalidRecords', { onInvalidRecords: 'ignore' }],
    ['', { unknown: 1 }],
    ['', []],
  ])('names %j in %j', (path, input) => {
    const parse = () => parsePolicy(input as PolicyInput);
    expect(parse).toThrow(PolicyError);
    expect(parse).toThrow(expect.objectContaining({ issues: [expect.objectContaining({ path })] }));
  });

  it('judges waits by the policy that they are laid over', () => {
    expect(parsePolicy({ polling: { initial: '1h' } }, { polling: { maximum: 7_200_000 } })).toEqual({
      polling: { initial: 3_600_000 },
    });
    expect(() => parsePolicy({ polling: { maximum: '1m' } }, { polling: { initial: 120_000 } })).toThrow(
      'polling.initial is longer than polling.maximum (1m)',
    );
  });

  it('gives a policy that makes sense, or a PolicyError that repeats nothing', () => {
    const value = fc.oneof(
      fc.constantFrom('1s', '5m', '72h', 1, 1_000),
      fc.string({ minLength: 1 }).map((text) => `«${text}»`),
      fc.double(),
      fc.jsonValue(),
    );
    const part = fc.dictionary(
      fc.constantFrom('initial', 'coefficient', 'maximum', 'deadline', 'jitter', '«x»'),
      value,
    );
    fc.assert(
      fc.property(
        fc.dictionary(fc.constantFrom('polling', 'submission', 'onInvalidRecords'), fc.oneof(part, value)),
        (input) => {
          try {
            expect(policyProblems(resolvePolicy(parsePolicy(input as PolicyInput)))).toEqual([]);
          } catch (error) {
            expect(error).toBeInstanceOf(PolicyError);
            expect((error as PolicyError).message).not.toContain('«');
          }
        },
      ),
      { numRuns: 500 },
    );
  });
});
