import type { EnrollmentRecord } from '../../enrollment/records.js';
import { maskForeign } from '../../protection/mask.js';

/** What a hostile or careless Mastercard may repeat of a request. */
const JWE = /[\w-]{20,}(?:\.[\w-]+){4}/g;
const AUTHORIZATION = /\bOAuth\s+oauth_[^\r\n<]*/gi;

/**
 * Masks a text of a session: what looks personal, the signature and the encrypted data of a request, and every value of
 * the records in any case. The issuer's ids stay: they are needed to read it.
 */
export function masked(text: string, records: readonly EnrollmentRecord[]): string {
  const shortened = text
    .replace(JWE, (jwe) => `(a JWE of ${jwe.length} characters)`)
    .replace(AUTHORIZATION, '(an Authorization header)');
  return withoutValuesOf(records, maskForeign(shortened));
}

function withoutValuesOf(records: readonly EnrollmentRecord[], text: string): string {
  const values = new Set(records.flatMap(({ consumer, cards }) => [consumer, ...cards].flatMap(valuesIn)));
  if (values.size === 0) return text;
  const longestFirst = [...values].sort((one, other) => other.length - one.length);
  const any = new RegExp(longestFirst.map(patternOf).join('|'), 'giu');
  return text.replace(any, (value) => '*'.repeat(value.length));
}

/** Short ones stand in every other word: so only as a word. */
const SHORT = 3;

function patternOf(value: string): string {
  const literal = [...value]
    .map((one) => (/[\p{L}\p{N}]/u.test(one) ? one : `\\u{${one.codePointAt(0)!.toString(16)}}`))
    .join('');
  return value.length > SHORT ? literal : `(?<![\\p{L}\\p{N}])${literal}(?![\\p{L}\\p{N}])`;
}

/** Names of fields whose values say nothing of a person, and stand in other places. */
const HARMLESS: ReadonlySet<string> = new Set([
  'externalCardId',
  'countryCode',
  'country',
  'language',
  'state',
  'panExpirationMonth',
  'panExpirationYear',
]);

function valuesIn(value: object): string[] {
  return Object.entries(value).flatMap(([name, inner]: [string, unknown]) => {
    if (typeof inner === 'object' && inner !== null) return valuesIn(inner);
    return typeof inner === 'string' && inner !== '' && !HARMLESS.has(name) ? [inner] : [];
  });
}
