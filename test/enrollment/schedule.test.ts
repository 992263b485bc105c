import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DEFAULT_POLICY } from '../../enrollment/policy.js';
import type { PollingPolicy } from '../../enrollment/policy.js';
import { backoffDelay, pollDelay } from '../../enrollment/schedule.js';

const policies: fc.Arbitrary<PollingPolicy> = fc
  .record({
    initial: fc.integer({ min: 1, max: 10_000_000 }),
    coefficient: fc.double({ min: 1, max: 10, noNaN: true }),
    above: fc.nat({ max: 10_000_000 }),
    jitter: fc.double({ min: 0, max: 1, noNaN: true }),
  })
  .map(({ initial, coefficient, above, jitter }) => ({
    ...DEFAULT_POLICY.polling,
    initial,
    coefficient,
    jitter,
    maximum: initial + above,
  }));
const waits = fc.nat({ max: 100_000 });
const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

describe('backoffDelay', () => {
  test('is a whole number between the initial and the maximum wait', () => {
    fc.assert(
      fc.property(policies, waits, (policy, n) => {
        const delay = backoffDelay(policy, n);
        expect(Number.isSafeInteger(delay)).toBe(true);
        expect(delay).toBeGreaterThanOrEqual(policy.initial);
        expect(delay).toBeLessThanOrEqual(policy.maximum);
      }),
    );
  });

  test('never shrinks', () => {
    fc.assert(
      fc.property(policies, waits, (policy, n) => {
        expect(backoffDelay(policy, n + 1)).toBeGreaterThanOrEqual(backoffDelay(policy, n));
      }),
    );
  });

  test('follows the default policy: 30 s, 45 s, 67.5 s, … 15 min', () => {
    const delays = [0, 1, 2, 8, 9, 1_000].map((n) => backoffDelay(DEFAULT_POLICY.polling, n));
    expect(delays).toEqual([30_000, 45_000, 67_500, 768_867, 900_000, 900_000]);
  });
});

describe('pollDelay', () => {
  test('stays within the jitter around the backoff and never over the maximum', () => {
    fc.assert(
      fc.property(policies, waits, chance, (policy, n, x) => {
        const base = backoffDelay(policy, n);
        const delay = pollDelay(policy, n, x);
        expect(Number.isSafeInteger(delay)).toBe(true);
        expect(delay).toBeGreaterThanOrEqual(Math.max(1, Math.floor(base * (1 - policy.jitter))));
        expect(delay).toBeLessThanOrEqual(Math.min(policy.maximum, Math.ceil(base * (1 + policy.jitter))));
      }),
    );
  });

  test('is the backoff itself without jitter', () => {
    fc.assert(
      fc.property(policies, waits, chance, (policy, n, x) => {
        expect(pollDelay({ ...policy, jitter: 0 }, n, x)).toBe(backoffDelay(policy, n));
      }),
    );
  });
});
