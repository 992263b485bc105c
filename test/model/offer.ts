import type { EnrollmentPolicy } from '../../enrollment/policy.js';
import { backoffDelay } from '../../enrollment/schedule.js';

/** Time passes while a step is made: a limit that is nearer than this (ms) may be reached or not. */
export const SLACK_MS = 90_000;

/** How a round is offered to Mastercard. */
export class Offer {
  /** Whether Mastercard has the round, or may have it. */
  mayBeTaken = false;
  private attempts = 0;
  private since: number | undefined;

  /** @param at when: milliseconds since the epoch. */
  isMade(at: number): void {
    this.attempts += 1;
    this.since ??= at;
  }

  /** Whether the wait before the next attempt may be too long for the time limit. */
  mayBeTooLate({ submission }: EnrollmentPolicy, at: number): boolean {
    const wait = backoffDelay(submission, Math.max(0, this.attempts - 1));
    return at + 2 * wait + SLACK_MS >= (this.since ?? at) + submission.deadline;
  }
}
