import type { EnrollmentPolicy } from '../../enrollment/policy.js';

/** Time passes while a step is made: a limit that is nearer than this (ms) may be reached or not. */
export const SLACK_MS = 90_000;

/** How a round is offered to Mastercard. Instants are milliseconds since the epoch. */
export class Offer {
  private since: number | undefined;
  private last: { at: number; retryAfter: number } | undefined;

  /** @param mayBeTaken whether Mastercard has the round, or may have it. */
  constructor(public mayBeTaken = false) {}

  /** @throws Error when it is made before Mastercard wanted it, though there was time. */
  isMade(at: number, policy: EnrollmentPolicy, retryAfter = 0): void {
    if (this.last) {
      const wanted = Math.min(this.last.at + this.last.retryAfter, this.deadline(policy));
      if (at < wanted - SLACK_MS) throw new Error('an offer was made before Mastercard wanted it');
    }
    this.since ??= at;
    this.last = { at, retryAfter };
  }

  /** The last offer is made then. */
  deadline({ submission }: EnrollmentPolicy): number {
    return (this.since ?? Infinity) + submission.deadline;
  }

  /** When the next one is made at the latest. */
  latest(policy: EnrollmentPolicy): number {
    if (!this.last) return Infinity;
    const { at, retryAfter } = this.last;
    const wait = Math.max(policy.submission.maximum, retryAfter);
    return Math.max(at, Math.min(at + wait, this.deadline(policy)));
  }
}
