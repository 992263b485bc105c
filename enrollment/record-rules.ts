/**
 * How long the parts of a record may be, and which characters its ids may have: what an `EnrollmentApi` allows. What a
 * record consists of, and what makes sense in it, is in `schemas.ts`.
 */
export interface RecordRules {
  /** `externalConsumerId` and `externalCardId`: beside what c2p itself demands of ids (`EXTERNAL_ID_PATTERN`). */
  externalId: TextRule;
  /** Digits of a card number. */
  pan: { shortest: number; longest: number };
  /** The most characters of each text. */
  longest: {
    emailAddress: number;
    firstName: number;
    lastName: number;
    address: Record<'name' | 'line' | 'city' | 'state' | 'zip', number>;
  };
}

/** What a text may be. */
export interface TextRule {
  pattern: RegExp;
  longest: number;
  /** As what goes on after the field's name: `must be a UUID in lower case`. */
  problem: string;
}

/** Whether a text follows a rule. */
export function follows(text: string, { pattern, longest }: TextRule): boolean {
  return text.length <= longest && pattern.test(text);
}
