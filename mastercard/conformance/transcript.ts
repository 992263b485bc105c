import type { EnrollmentRecord } from '../../enrollment/records.js';
import { masked } from './masking.js';
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
  if (body) lines.push(...indented('> ', JSON.stringify(body, null, 2)));
  if (!answer.answered) lines.push(`< no answer: ${answer.problem}`);
  else {
    lines.push(`< ${answer.httpStatus}`);
    for (const name of [...SHOWN_HEADERS, ...headers]) {
      const value = answer.header(name);
      if (value !== undefined) lines.push(`< ${name}: ${value}`);
    }
    lines.push(...indented('< ', pretty(answer.body ?? '(a body that cannot be read)')));
  }
  return masked(lines.join('\n'), records);
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
