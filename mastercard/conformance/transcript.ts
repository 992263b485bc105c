import type { EnrollmentRecord } from '../../enrollment/records.js';
import { maskForeign } from '../../protection/mask.js';
import type { RecordedExchange } from './session.js';

/** Headers of answers that say something of the API; others may hold cookies. */
const SHOWN_HEADERS = ['content-type', 'retry-after', 'allow'];

/**
 * One call of a session, as text: without the `Authorization` header and without `enrollmentData`, and with everything
 * masked that looks personal or stands in the records.
 * @param headers further names of headers of the answer to show, in lower case.
 */
export function transcriptOf(
  { request, answer }: RecordedExchange,
  records: readonly EnrollmentRecord[],
  headers: readonly string[],
): string {
  const { method, path, query = {}, body } = request;
  const search = new URLSearchParams(query).toString();
  const lines = [`> ${method} ${path}${search && `?${search}`}`];
  if (body) lines.push(...indented('> ', JSON.stringify(body, shortened, 2)));
  if (!answer.answered) lines.push(`< no answer: ${answer.problem}`);
  else {
    lines.push(`< ${answer.httpStatus}`);
    for (const name of [...SHOWN_HEADERS, ...headers]) {
      const value = answer.header(name);
      if (value !== undefined) lines.push(`< ${name}: ${value}`);
    }
    lines.push(...indented('< ', pretty(answer.body ?? '(a body that cannot be read)')));
  }
  return withoutValuesOf(records, maskForeign(lines.join('\n')));
}

/** A JWE is long, and nobody can read it. */
function shortened(_name: string, value: unknown): unknown {
  return typeof value === 'string' && value.split('.').length === 5
    ? `(a JWE of ${value.length} characters)`
    : value;
}

function indented(mark: string, text: string): string[] {
  return text.split('\n').map((line) => `${mark}${line}`);
}

function pretty(body: string): string {
  try {
    return JSON.stringify(JSON.parse(body), null, 2);
  } catch {
    return body;
  }
}

/** Masks each value of the records, but for the issuer's ids: those are needed to read the transcript. */
function withoutValuesOf(records: readonly EnrollmentRecord[], text: string): string {
  const values = new Set(records.flatMap(({ consumer, cards }) => [consumer, ...cards].flatMap(textsIn)));
  const longestFirst = [...values].sort((one, other) => other.length - one.length);
  if (longestFirst.length === 0) return text;
  const any = new RegExp(
    longestFirst.map((value) => value.replace(/[^\p{L}\p{N}]/gu, '\\$&')).join('|'),
    'gi',
  );
  return text.replace(any, (value) => '*'.repeat(value.length));
}

/** Short ones, as country codes, are in every other word. */
const SHORTEST = 3;
const IDS: ReadonlySet<string> = new Set(['externalCardId']);

function textsIn(value: object): string[] {
  return Object.entries(value).flatMap(([name, inner]: [string, unknown]) => {
    if (typeof inner === 'object' && inner !== null) return textsIn(inner);
    return typeof inner === 'string' && inner.length >= SHORTEST && !IDS.has(name) ? [inner] : [];
  });
}
