import type { BackoffPolicy, PollingPolicy } from './policy.js';

/**
 * The wait before attempt `n + 1`, after `n` waits before it: exponential, capped at `maximum`.
 * @param waits how many waits there were already, 0 for the first.
 * @returns milliseconds, a whole number, at least 1.
 */
export function backoffDelay(policy: Omit<BackoffPolicy, 'deadline'>, waits: number): number {
  const grown = policy.initial * policy.coefficient ** waits;
  return Math.max(1, Math.round(Math.min(grown, policy.maximum)));
}

/**
 * The wait before the next poll.
 * @param polls how many polls there were already, 0 before the first.
 * @param chance a number in [0, 1) that decides the jitter; in a workflow `Math.random()`, which replays.
 * @returns milliseconds: the backoff, moved by at most `jitter` of itself, never over `maximum`.
 */
export function pollDelay(policy: PollingPolicy, polls: number, chance: number): number {
  const base = backoffDelay(policy, polls);
  const moved = base * (1 + policy.jitter * (2 * chance - 1));
  return Math.max(1, Math.round(Math.min(moved, policy.maximum)));
}
