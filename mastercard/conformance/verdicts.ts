import { ASSUMPTION_NAMES, type AssumptionName } from '../api/assumptions.js';
import type { EnrollmentApi } from '../api/enrollment-api.js';
import type { ErrorAnswer } from '../api/failures.js';
import { cleanText } from '../cleaning.js';

/** What a session with Mastercard shows of one assumption. */
export interface Verdict {
  assumption: AssumptionName;
  verdict: 'confirmed' | 'contradicted' | 'notSeen';
  /** Of a contradicted one: what came instead, masked. */
  came?: string | undefined;
}

/** What is found out in the course of a session. The first contradiction of an assumption stays. */
export class Verdicts {
  private readonly contradictions = new Map<AssumptionName, string>();
  private readonly confirmed = new Set<AssumptionName>();

  confirm(...assumptions: AssumptionName[]): void {
    for (const assumption of assumptions) this.confirmed.add(assumption);
  }

  contradict(assumption: AssumptionName, came: string): void {
    if (!this.contradictions.has(assumption)) this.contradictions.set(assumption, cleanText(came));
  }

  isContradicted(assumption: AssumptionName): boolean {
    return this.contradictions.has(assumption);
  }

  isConfirmed(assumption: AssumptionName): boolean {
    return this.confirmed.has(assumption) && !this.isContradicted(assumption);
  }

  /** In the order of `ASSUMPTION_NAMES`. */
  list(): Verdict[] {
    return ASSUMPTION_NAMES.map((assumption) => {
      const came = this.contradictions.get(assumption);
      if (came !== undefined) return { assumption, verdict: 'contradicted', came };
      return { assumption, verdict: this.confirmed.has(assumption) ? 'confirmed' : 'notSeen' };
    });
  }
}

/** The assumptions that an error answer is about, by what its details name; each once. */
export function assumptionsAbout(
  { assumptions }: Pick<EnrollmentApi, 'assumptions'>,
  { details = [] }: ErrorAnswer,
): AssumptionName[] {
  const about = details.map(({ source = '', reason }) =>
    ASSUMPTION_NAMES.find((name) => {
      const { fields, reason: only = reason } = assumptions[name];
      return fields?.test(source) === true && reason === only;
    }),
  );
  return [...new Set(about.filter((name) => name !== undefined))];
}
