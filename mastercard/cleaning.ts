import { maskForeign } from '../protection/mask.js';
import type { EnrollmentApi } from './api/enrollment-api.js';

const MAX_TEXT = 200;
/** Text beyond this cannot get into the first `MAX_TEXT` characters: not worth masking. */
const MAX_MASKED = 2_000;

/**
 * Makes free text of Mastercard fit to be kept: white space and control characters become single
 * spaces, anything that looks like a card number, a phone number or an e-mail address is masked, and 200
 * characters remain. A name has no look: it stays, where Mastercard wrote it into a sentence.
 */
export function cleanText(text: string): string {
  const flat = text
    .slice(0, MAX_MASKED)
    .replace(/[\p{C}\s]+/gu, ' ')
    .trim();
  // Masking keeps the length, so that what is beyond the limit cannot move up.
  return maskForeign(flat).slice(0, MAX_TEXT);
}

/** As `cleanText`; undefined where nothing is left. */
export function cleaned(text: string | undefined): string | undefined {
  return typeof text === 'string' ? cleanText(text) || undefined : undefined;
}

/** Codes, and places in a request (`cards[0].primaryAccountNumber`), are one word; a value that stands there is none. */
const CODE = /^[A-Z][\w.:-]*$/i;
const PLACE = /^[A-Z$/][\w.:$/[\]-]*$/i;

/** Stands for a reason that is not there, or is no code. */
export const UNSPECIFIED = 'UNSPECIFIED';

/** Stands for a reason that Mastercard is not known to give. */
export const OTHER_REASON = 'OTHER';

/** A reason as it may be written into search attributes, tables and logs: what is not on the API's list could be anything. */
export function cleanReason(
  text: string | undefined,
  { errors }: Pick<EnrollmentApi, 'errors'>,
): string | undefined {
  const word = wordOf(text, CODE);
  if (word === undefined) return undefined;
  return errors.reasons.has(word) ? word : OTHER_REASON;
}

/** The name of a field or system. */
export function cleanPlace(text: string | undefined): string | undefined {
  return wordOf(text, PLACE);
}

function wordOf(value: string | undefined, pattern: RegExp): string | undefined {
  const text = cleaned(value);
  return text !== undefined && pattern.test(text) ? text : undefined;
}
