import { z } from 'zod';
import {
  MAX_CARDS_PER_REQUEST,
  REQUESTOR,
  SERVICE_ID_PATTERN,
  SRC_CLIENT_ID_PATTERN,
} from '../mastercard/contract.js';
import type { ServiceErrorDetail } from '../mastercard/contract.js';
import { invalidArgument } from './api-error.js';

/** The simulator's own reading of the contract, kept apart from the validation that it checks. */

const externalId = z.string().regex(/^[A-Za-z0-9._:-]{1,64}$/);
/** Rounds after the first are sent under the batch's own id with `~2`, `~3`, … behind it. */
const externalBatchId = z.string().regex(/^[A-Za-z0-9._:-]{1,64}(~[1-9]\d*)?$/);
const caller = {
  srcClientId: z.string().regex(SRC_CLIENT_ID_PATTERN),
  serviceId: z.string().regex(SERVICE_ID_PATTERN),
};

const enrollRequest = z.strictObject({
  ...caller,
  srcCorrelationId: z.uuid(),
  externalBatchId,
  enrollmentData: z.string().min(1),
});
const statusQuery = z.object({ ...caller, srcCorrelationId: z.uuid() });
const deleteCardQuery = z.object({
  ...caller,
  srcCorrelationId: z.uuid(),
  reason: z.string().min(1).max(255),
  requestor: z.literal(REQUESTOR),
});
const deleteProfileQuery = z.object({
  ...caller,
  srcConsumerId: z.string().min(1),
  srcCorrelationId: z.uuid().optional(),
});

const acceptedDocument = z.strictObject({
  acceptedVersion: z.string().min(1),
  latestVersion: z.string().optional(),
  latestVersionUri: z.string().optional(),
});
const consumer = z.strictObject({
  emailAddress: z
    .string()
    .max(255)
    .regex(/^[^\s@]+@[^\s@]+$/),
  mobileNumber: z.strictObject({
    countryCode: z.string().regex(/^[1-9]\d{0,2}$/),
    phoneNumber: z.string().regex(/^\d{4,14}$/),
  }),
  firstName: z.string().min(1),
  lastName: z.string().min(1),
  locale: z.strictObject({
    country: z.string().regex(/^[A-Z]{2}$/),
    language: z.string().regex(/^[a-z]{2}$/),
  }),
  complianceSettings: z
    .strictObject({
      privacy: acceptedDocument.optional(),
      tnc: acceptedDocument.optional(),
      cookie: acceptedDocument.optional(),
      geoLocation: acceptedDocument.optional(),
      communications: z
        .strictObject({
          communicationsOptIn: z.boolean().optional(),
          affiliateCommunicationsOptIn: z.boolean().optional(),
          allowEmail: z.boolean().optional(),
          allowText: z.boolean().optional(),
          allowCall: z.boolean().optional(),
          allowPush: z.boolean().optional(),
        })
        .optional(),
    })
    .optional(),
});
const card = z.strictObject({
  externalCardId: externalId,
  primaryAccountNumber: z
    .string()
    .regex(/^\d{16,19}$/)
    .refine(hasCheckDigit),
  panExpirationMonth: z.string().regex(/^(0[1-9]|1[0-2])$/),
  panExpirationYear: z.string().regex(/^\d{4}$/),
  billingAddress: z
    .strictObject({
      name: z.string().max(60).optional(),
      line1: z.string().max(75).optional(),
      line2: z.string().max(75).optional(),
      line3: z.string().max(75).optional(),
      city: z.string().max(50).optional(),
      state: z.string().max(30).optional(),
      countryCode: z
        .string()
        .regex(/^[A-Z]{2}$/)
        .optional(),
      zip: z.string().max(16).optional(),
    })
    .optional(),
});
const payload = z.strictObject({
  enrollments: z
    .array(z.strictObject({ externalConsumerId: externalId, consumer, cards: z.array(card).min(1) }))
    .min(1),
});

/** The plaintext of `enrollmentData`, found valid. */
export type Payload = z.output<typeof payload>;

type SourceType = 'BODY' | 'QUERY';

/** @throws ApiError 400 INVALID_ARGUMENT with one detail per finding, never with a value of the request. */
export const readEnrollRequest = (body: Buffer) => check(enrollRequest, parseJson(body, 'body'), 'BODY');
/** @throws ApiError as `readEnrollRequest` */
export const readStatusQuery = (query: unknown) => check(statusQuery, query, 'QUERY');
/** @throws ApiError as `readEnrollRequest` */
export const readDeleteCardQuery = (query: unknown) => check(deleteCardQuery, query, 'QUERY');
/** @throws ApiError as `readEnrollRequest` */
export const readDeleteProfileQuery = (query: unknown) => check(deleteProfileQuery, query, 'QUERY');

/**
 * @param plaintext of `enrollmentData`
 * @param now milliseconds since the epoch; a card that expired before is refused
 * @throws ApiError as `readEnrollRequest`; also for more than 250 cards and for a card named twice
 */
export function readPayload(plaintext: Buffer, now: number): Payload {
  const data = check(payload, parseJson(plaintext, 'enrollmentData'), 'BODY');
  const findings = [...findTooMany(data), ...findRepeated(data), ...findExpired(data, now)];
  if (findings.length > 0) throw invalidArgument(findings);
  return data;
}

function check<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  sourceType: SourceType,
): z.output<Schema> {
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

function* findTooMany({ enrollments }: Payload) {
  const cards = enrollments.reduce((sum, record) => sum + record.cards.length, 0);
  if (cards > MAX_CARDS_PER_REQUEST) {
    yield finding('INVALID_VALUE', ['enrollments'], `at most ${MAX_CARDS_PER_REQUEST} cards a request`);
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

/** ISO/IEC 7812-1, annex B. */
function hasCheckDigit(digits: string): boolean {
  const sum = [...digits].reverse().reduce((total, digit, position) => {
    const value = Number(digit) * (position % 2 === 1 ? 2 : 1);
    return total + (value > 9 ? value - 9 : value);
  }, 0);
  return sum % 10 === 0;
}
