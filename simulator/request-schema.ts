import type { z } from 'zod';
import { invalidArgument } from './api-error.js';
import type { Payload, ServiceErrorDetail, Wire } from './wire.js';

type SourceType = 'BODY' | 'QUERY';

/** @throws ApiError 400 INVALID_ARGUMENT with one detail per finding, never with a value of the request. */
export const readBody = <T>(schema: z.ZodType<T>, body: Buffer): T =>
  check(schema, parseJson(body, 'body'), 'BODY');
/** @throws ApiError as `readBody` */
export const readQuery = <T>(schema: z.ZodType<T>, query: unknown): T => check(schema, query, 'QUERY');

/**
 * @param plaintext of `enrollmentData`
 * @param now milliseconds since the epoch; a card that expired before is refused
 * @throws ApiError as `readBody`; also for more cards than the wire takes and for a card named twice
 */
export function readPayload({ requests, mostCards }: Wire, plaintext: Buffer, now: number): Payload {
  const data = check(requests.payload, parseJson(plaintext, 'enrollmentData'), 'BODY');
  const findings = [...findTooMany(data, mostCards), ...findRepeated(data), ...findExpired(data, now)];
  if (findings.length > 0) throw invalidArgument(findings);
  return data;
}

function check<T>(schema: z.ZodType<T>, value: unknown, sourceType: SourceType): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw invalidArgument(
    result.error.issues.map(({ path, code }) =>
      finding(
        code === 'invalid_type' && valueAt(value, path) === undefined ? 'CANNOT_BE_NULL' : 'INVALID_FORMAT',
        path,
        code,
        sourceType,
      ),
    ),
  );
}

function* findTooMany({ enrollments }: Payload, mostCards: number) {
  const cards = enrollments.reduce((sum, record) => sum + record.cards.length, 0);
  if (cards > mostCards) {
    yield finding('INVALID_VALUE', ['enrollments'], `at most ${mostCards} cards a request`);
  }
}

function* findRepeated({ enrollments }: Payload) {
  const seen = new Set<string>();
  for (const [i, { externalConsumerId, cards }] of enrollments.entries()) {
    for (const [j, { externalCardId }] of cards.entries()) {
      const key = JSON.stringify([externalConsumerId, externalCardId]);
      if (seen.has(key)) {
        yield finding('MULTIPLE_FOUND', ['enrollments', i, 'cards', j, 'externalCardId'], 'card named twice');
      }
      seen.add(key);
    }
  }
}

function* findExpired({ enrollments }: Payload, now: number) {
  const today = new Date(now);
  const thisMonth = today.getUTCFullYear() * 12 + today.getUTCMonth() + 1;
  for (const [i, { cards }] of enrollments.entries()) {
    for (const [j, { panExpirationYear, panExpirationMonth }] of cards.entries()) {
      if (Number(panExpirationYear) * 12 + Number(panExpirationMonth) < thisMonth) {
        yield finding('EXPIRED', ['enrollments', i, 'cards', j, 'panExpirationYear'], 'expired');
      }
    }
  }
}

function finding(
  reason: string,
  path: readonly PropertyKey[],
  message: string,
  sourceType: SourceType = 'BODY',
): ServiceErrorDetail {
  const source = path
    .map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`))
    .join('')
    .replace(/^\./, '');
  return { reason, source, sourceType, message };
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce((at, part) => (at as Record<PropertyKey, unknown> | undefined)?.[part], value);
}

function parseJson(bytes: Buffer, source: string): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    // The parser's own message would quote the text.
    throw invalidArgument([{ reason: 'INVALID_FORMAT', source, sourceType: 'BODY', message: 'Not JSON' }]);
  }
}
