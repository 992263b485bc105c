import { z } from 'zod';
import type { RemovalReason } from '../../enrollment/policy.js';
import type { EnrollmentRecord } from '../../enrollment/records.js';
import type { TextRule } from '../../enrollment/record-rules.js';
import type { Assumption, AssumptionName } from './assumptions.js';
import type { Caller, CardAnswer, EnrollmentApi } from './enrollment-api.js';
import { kindOfFailure, type ErrorAnswer, type ErrorDetail, type FailureKind } from './failures.js';

/*
 * Mastercard's "Batch Enroll API for Pre-Provisioning". Its specification (`prev-prov-batch-enrollment.yml`) was in no
 * source that we could read. So each item is marked: S, Mastercard states it; N, taken from a neighbouring Mastercard
 * API on the same base path or in the same family; P, our own proposal. `c2p conformance` compares them with Mastercard.
 */

/** Where the API enrolls cards for real: S, and N for cards issued in India. */
export const PRODUCTION_URLS = [
  'https://api.mastercard.com/src/api/digital/payments',
  'https://api.mastercard.co.in/src/api/digital/payments',
] as const;

/** N: the sibling batch API has it so; that it answers 202 is S. */
const ENROLL_PATH = '/cards/batch';
/** N */
const CARDS_PATH = '/cards';
/** S: that a profile can be removed; P: path and query. */
const PROFILES_PATH = '/profiles';

/** Percent-encoded as RFC 3986 asks, which is what OAuth signs. */
export function pathSegment(id: string): string {
  return encodeURIComponent(id).replace(
    /[!'()*]/g,
    (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** Mastercard's own ids: printable, and never a path of their own (P). */
const ID_OF_MASTERCARD: TextRule = {
  pattern: /^(?!\.{1,2}$)[\x21-\x7e]+$/,
  longest: 255,
  problem: 'must be 1 to 255 printable characters without spaces',
};

/** P: alphabet and length of the issuer's ids; a further round's `~` comes on top for `externalBatchId`. */
const EXTERNAL_ID: TextRule = {
  pattern: /^[A-Za-z0-9._:-]+$/,
  longest: 64,
  problem: 'must be 1 to 64 characters of A-Z a-z 0-9 . _ : -',
};

/** S: which data; names and limits N; nesting P. White space and case are settled by then. */
function enrollmentOf({ externalConsumerId, consumer, cards }: EnrollmentRecord): object {
  const { emailAddress, mobileNumber, firstName, lastName, locale, complianceSettings } = consumer;
  return {
    externalConsumerId,
    consumer: {
      emailAddress,
      mobileNumber: { countryCode: mobileNumber.countryCode, phoneNumber: mobileNumber.phoneNumber },
      firstName,
      lastName,
      locale: { country: locale.country, language: locale.language },
      complianceSettings,
    },
    cards: cards.map(
      ({ externalCardId, primaryAccountNumber, panExpirationMonth, panExpirationYear, billingAddress }) => ({
        externalCardId,
        primaryAccountNumber,
        panExpirationMonth,
        panExpirationYear,
        billingAddress,
      }),
    ),
  };
}

/** In every query and body: `srcClientId` and `serviceId` S, `srcCorrelationId` N. */
function callerFields({ srcClientId, serviceId, correlationId }: Caller) {
  return { srcClientId, serviceId, srcCorrelationId: correlationId };
}

/** N: why a card is removed. */
const REMOVAL_REASONS: Record<RemovalReason, string> = {
  other: 'OTHER',
  accountClosed: 'ACCOUNT_CLOSED',
  suspectedFraud: 'SUSPECTED_FRAUD',
  default: 'DEFAULT',
};

// ---- Answers. Unknown fields are ignored (S: Mastercard asks for it); an optional one of another type is as absent.

const text = z.string();
const optionalText = text.optional().catch(undefined);

/** Of a list. An answer that names more errors is none of Mastercard's, and to look at all would hold others up. */
const MOST_LISTED = 1_000;

/** S: the fields of the answer 202. */
const Receipt = z.object({ batchId: text, externalBatchId: optionalText });

/** S: a batch status and record-level results, keyed by the external ids; other names P. */
const Status = z.object({
  batchId: text,
  externalBatchId: text,
  batchStatus: text,
  records: z.array(z.unknown()).nullish(),
});

const Card = z.object({
  externalConsumerId: text,
  externalCardId: text,
  status: text,
  srcConsumerId: optionalText,
  srcDigitalCardId: optionalText,
  error: z.unknown().optional(),
});

/** Up to the first that is none: what is wrong with each of a million would take long, and more memory. */
function readCards(records: readonly unknown[]): CardAnswer[] | undefined {
  const cards: CardAnswer[] = [];
  for (const record of records) {
    const { data } = Card.safeParse(record);
    if (!data) return undefined;
    cards.push({ ...data, error: isObject(data.error) ? readServiceError(data.error) : undefined });
  }
  return cards;
}

/** N for a card, P for a profile. */
const Removed = z.object({ srcCorrelationId: text });

// ---- Errors

type JsonObject = Record<string, unknown>;

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function objects(value: unknown): JsonObject[] {
  return (Array.isArray(value) ? (value as unknown[]).slice(0, MOST_LISTED) : [value]).filter(isObject);
}

function string(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/**
 * Both shapes of gateway errors (S), the service error (S), whose details may be null or be named `details`, and that of
 * the sibling API (S there), with the number in `code` and the word in `status`.
 */
function readError(body: unknown): ErrorAnswer | undefined {
  if (!isObject(body)) return undefined;
  return body['Errors'] ? readGatewayError(body['Errors']) : readServiceError(body);
}

/** `{Error: [e]}`, `{Error: e}`, `[{Error: e}]` and what else can be made of these. */
function readGatewayError(errors: unknown): ErrorAnswer {
  const found = objects(errors)
    .flatMap((item) => objects(item['Error']))
    .slice(0, MOST_LISTED);
  return {
    gateway: true,
    recoverable:
      found.length > 0 && found.every(({ Recoverable }) => String(Recoverable).toLowerCase() === 'true'),
    reason: string(found[0]?.['ReasonCode']),
    details: found.map(({ ReasonCode, Source, Description, Details }) => ({
      reason: string(ReasonCode),
      source: string(Source),
      message: string(Description) ?? string(Details),
    })),
  };
}

function readServiceError(body: JsonObject): ErrorAnswer {
  const { reason, status, message, errordetail, details, batchId, externalBatchId } = body;
  return {
    reason: string(reason) ?? string(status),
    message: string(message),
    details: objects(errordetail ?? details).map((detail): ErrorDetail => ({
      reason: string(detail['reason']),
      source: string(detail['source']),
      message: string(detail['message']),
    })),
    // P: a duplicate may name the batch that exists.
    batchId: string(batchId),
    externalBatchId: string(externalBatchId),
  };
}

/** S: reasons at the top of a service error. Those of the second column say more than their HTTP status. */
const KIND_OF_REASON: ReadonlyMap<string, FailureKind> = new Map<string, FailureKind>([
  ['RESOURCE_EXHAUSTED', 'notAccepted'],
  ['UNAVAILABLE', 'notAccepted'],
  ['ALREADY_EXISTS', 'duplicate'],
  ['UNAUTHENTICATED', 'configuration'],
  ['PERMISSION_DENIED', 'configuration'],
  ['INVALID_CONFIGURATION', 'configuration'],
  ['NOT_IMPLEMENTED', 'configuration'],
  ['INTERNAL', 'unknown'],
  ['UNEXPECTED_ERROR', 'unknown'],
  ['DATA_LOSS', 'unknown'],
  ['DEADLINE_EXCEEDED', 'unknown'],
  ['ABORTED', 'unknown'],
  ['CANCELLED', 'unknown'],
]);

/** S: the other reasons of the service, at the top and in details. */
const OTHER_REASONS =
  'INVALID_ARGUMENT INVALID_STATE LOCKED NOT_FOUND COMPLIANCE_REQUIRED CANNOT_BE_NULL INVALID_VALUE INVALID_FORMAT ' +
  'CORRUPT_DATA EXPIRED MULTIPLE_FOUND PAN_INELIGIBLE TOKENIZATION_INELIGIBLE INVALID_PAN ISSUER_DECLINED ' +
  'NO_RESPONSE_FROM_ISSUER SUSPENDED_CARD AMBIGUOUS_CONSUMER_IDENTITY ACCOUNT_RANGE_NOT_FOUND';

/** N: of the API gateway. */
const GATEWAY_REASONS = 'DECLINED INVALID_SIGNATURE RESOURCE_UNKNOWN SYSTEM';

/** Of the gateway of c2p's simulator. */
const SIMULATOR_REASONS =
  'OAUTH_HEADER_INVALID OAUTH_CONSUMER_KEY_UNKNOWN OAUTH_TIMESTAMP_REFUSED OAUTH_BODY_HASH_MISMATCH ' +
  'OAUTH_SIGNATURE_INVALID OAUTH_NONCE_USED';

/** P: the batch itself exists already, by the top reason or the detail that names its id. */
function isDuplicate({ reason, details = [] }: ErrorAnswer): boolean {
  return (
    reason === 'ALREADY_EXISTS' ||
    details.some((one) => one.reason === 'ALREADY_EXISTS' && isAbout(one, 'externalBatchId'))
  );
}

/** N: 400 `INVALID_STATE` for an unknown `srcClientId` or `serviceId`, `INVALID_ARGUMENT` for one that is no UUID. */
function isCallerRefused({ message = '', details = [] }: ErrorAnswer): boolean {
  return ['srcClientId', 'serviceId'].some(
    (field) => message.includes(field) || details.some((detail) => isAbout(detail, field)),
  );
}

function isAbout({ source }: ErrorDetail, field: string): boolean {
  return source === field || source?.endsWith(`.${field}`) === true;
}

/** P: a profile that still has cards is not removed. */
const PROFILE_IN_USE = 'INVALID_STATE';

const assumptions: Record<AssumptionName, Assumption> = {
  enrollPath: { sure: 'N', place: 'enroll.request', says: `A batch is submitted with POST ${ENROLL_PATH}` },
  enrollBody: {
    sure: 'S',
    place: 'enroll.request',
    says: 'Its body has srcClientId, serviceId, externalBatchId, enrollmentData, and (N) srcCorrelationId',
    fields: /^srcCorrelationId$/,
  },
  externalBatchId: {
    sure: 'P',
    place: 'batch.externalBatchId',
    says: 'externalBatchId has 1 to 64 characters of A-Z a-z 0-9 . _ : -',
    fields: /^externalBatchId$/,
  },
  roundId: { sure: 'P', place: 'batch.roundId', says: 'externalBatchId may end in ~2, for a second round' },
  maxCards: {
    sure: 'N',
    place: 'batch.maxCards',
    says: 'A request has at most 250 cards',
    fields: /^enrollments$/,
    reason: 'INVALID_VALUE',
  },
  contentEncryption: {
    sure: 'N',
    place: 'enrollmentData.contentEncryption',
    says: 'enrollmentData is one compact JWE: RSA-OAEP-256, with A128GCM unless the program says A256GCM',
    fields: /^enrollmentData\.?(?:header|enc|alg|kid)?$/,
  },
  nesting: {
    sure: 'P',
    place: 'enrollmentData.plaintext',
    says: 'Its plaintext is {enrollments: [{externalConsumerId, consumer, cards}]}',
    fields: /^enrollments(?:\[\d+\])?(?:\.(?:consumer|cards))?$/,
  },
  externalIds: {
    sure: 'P',
    place: 'records.externalId',
    says: 'externalConsumerId and externalCardId have 1 to 64 characters of A-Z a-z 0-9 . _ : -',
    fields: /\.external(?:Consumer|Card)Id$/,
  },
  consumer: {
    sure: 'N',
    place: 'enrollmentData.plaintext',
    says: 'A consumer has emailAddress, mobileNumber {countryCode, phoneNumber}, firstName and lastName',
    fields: /\.consumer\.(?!locale\b).+$/,
  },
  locale: {
    sure: 'P',
    place: 'enrollmentData.plaintext',
    says: 'A locale is {country, language}',
    fields: /\.locale(?:\..+)?$/,
  },
  card: {
    sure: 'N',
    place: 'enrollmentData.plaintext',
    says: 'A card has primaryAccountNumber, panExpirationMonth and panExpirationYear',
    fields: /\.cards\[\d+\](?:\.(?!externalCardId|billingAddress).+)?$/,
  },
  billingAddress: {
    sure: 'N',
    place: 'enrollmentData.plaintext',
    says: 'billingAddress is {name, line1, line2, line3, city, state, countryCode, zip}, and may be left out',
    fields: /\.billingAddress(?:\..+)?$/,
  },
  acceptedStatus: {
    sure: 'S',
    place: 'enroll.acceptedStatus',
    says: 'An accepted batch is answered with 202',
  },
  enrollAnswer: {
    sure: 'S',
    place: 'enroll.read',
    says: 'The answer has batchId and externalBatchId',
  },
  batchId: { sure: 'P', place: 'batch.batchId', says: 'A batchId has 1 to 255 printable characters' },
  flowId: {
    sure: 'N',
    place: 'headers.flowId',
    says: 'The header X-Src-Cx-Flow-Id names the site, and is sent back',
  },
  correlationId: {
    sure: 'N',
    place: 'headers.correlationIds',
    says: 'Answers have the header Correlation-Id or X-MC-Correlation-ID',
  },
  statusPath: {
    sure: 'N',
    place: 'status.request',
    says: `The status of a batch is at GET ${ENROLL_PATH}/{batchId}`,
  },
  statusQuery: {
    sure: 'P',
    place: 'status.request',
    says: 'Its query has srcClientId, serviceId and srcCorrelationId',
  },
  statusAnswer: {
    sure: 'P',
    place: 'status.read',
    says: 'A status is {batchId, externalBatchId, batchStatus, records}',
  },
  inProgress: { sure: 'P', place: 'status.states', says: 'A batch that is being processed is IN_PROGRESS' },
  terminal: {
    sure: 'P',
    place: 'status.states',
    says: 'A batch that is done is COMPLETED_SUCCESSFULLY, COMPLETED_WITH_ERRORS or FAILED',
  },
  cardIds: { sure: 'S', place: 'status.read', says: 'Records name externalConsumerId and externalCardId' },
  succeeded: {
    sure: 'P',
    place: 'status.results',
    says: 'The status of an enrolled card is SUCCESS or SUCCESSFUL',
  },
  failed: { sure: 'P', place: 'status.results', says: 'The status of a declined card is FAILED' },
  srcIds: {
    sure: 'S',
    place: 'status.read',
    says: 'An enrolled card has srcConsumerId and, unless it gets a token at the first checkout, srcDigitalCardId',
  },
  declineReason: {
    sure: 'P',
    place: 'status.read',
    says: 'A declined card has a service error, named error',
  },
  unknownBatch: {
    sure: 'P',
    place: 'errors.kindOf',
    says: 'The status of an unknown batchId is answered with 404 NOT_FOUND',
  },
  duplicate: {
    sure: 'P',
    place: 'errors.kindOf',
    says: 'An externalBatchId that was accepted is answered with 409 ALREADY_EXISTS',
  },
  duplicateBatchId: {
    sure: 'P',
    place: 'errors.read',
    says: 'That answer has the batchId of the accepted batch',
  },
  invalidRequest: {
    sure: 'S',
    place: 'errors.kindOf',
    says: 'A request without enrollmentData is answered with 400 INVALID_ARGUMENT',
  },
  errorShape: {
    sure: 'S',
    place: 'errors.read',
    says: 'A service error has reason (or, the sibling API, status), message, errordetail (or details)',
  },
  reasons: { sure: 'S', place: 'errors.reasons', says: 'The reasons of errors are those that are listed' },
  cardPath: {
    sure: 'N',
    place: 'removal.card',
    says: `A card is removed with DELETE ${CARDS_PATH}/{srcDigitalCardId}`,
  },
  cardQuery: {
    sure: 'N',
    place: 'removal.card',
    says: 'Its query has srcClientId, serviceId, srcCorrelationId, reason (as OTHER) and requestor (ISSUER)',
    fields: /^(?:reason|requestor)$/,
  },
  removed: {
    sure: 'N',
    place: 'removal.isDone',
    says: 'A removal is answered with 200 and srcCorrelationId',
  },
  absent: {
    sure: 'N',
    place: 'errors.kindOf',
    says: 'A card that is not there is answered with 404 NOT_FOUND',
  },
  profilePath: {
    sure: 'P',
    place: 'removal.profile',
    says: `A profile is removed with DELETE ${PROFILES_PATH}`,
  },
  profileQuery: {
    sure: 'P',
    place: 'removal.profile',
    says: 'Its query has srcClientId, serviceId, srcCorrelationId and srcConsumerId',
    fields: /^srcConsumerId$/,
  },
};

export const batchEnroll: EnrollmentApi = {
  name: 'batch-enroll',
  program: {
    // N
    srcClientId: {
      pattern: /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/,
      longest: 36,
      problem: 'must be a UUID in lower case',
    },
    // N
    serviceId: {
      pattern: /^[0-9a-zA-Z#_-]*$/,
      longest: 255,
      problem: 'must be at most 255 letters, digits, #, _ or -',
    },
  },
  records: {
    externalId: EXTERNAL_ID,
    // N; ISO/IEC 7812 has at most 19
    pan: { shortest: 16, longest: 20 },
    // N
    longest: {
      emailAddress: 255,
      firstName: 30,
      lastName: 30,
      address: { name: 60, line: 75, city: 50, state: 30, zip: 16 },
    },
  },
  batch: {
    externalBatchId: { ...EXTERNAL_ID, pattern: /^[A-Za-z0-9._:-]+(?:~[1-9]\d*)?$/ },
    batchId: ID_OF_MASTERCARD,
    // P
    roundId: (externalBatchId, round) => (round === 1 ? externalBatchId : `${externalBatchId}~${round}`),
    // N: the sibling Cards Batch Enroll
    maxCards: 250,
  },
  enrollmentData: {
    // P
    plaintext: (records) => ({ enrollments: records.map(enrollmentOf) }),
    // N
    contentEncryption: 'A128GCM',
  },
  enroll: {
    request: (caller, { externalBatchId, enrollmentData }) => ({
      method: 'POST',
      path: ENROLL_PATH,
      body: { ...callerFields(caller), externalBatchId, enrollmentData },
    }),
    // S
    acceptedStatus: 202,
    read: (body) => Receipt.safeParse(body).data,
  },
  status: {
    // N: the path; S: that it is keyed by `batchId`; P: the query
    request: (caller, batchId) => ({
      method: 'GET',
      path: `${ENROLL_PATH}/${pathSegment(batchId)}`,
      query: callerFields(caller),
    }),
    read: (body) => {
      const { data } = Status.safeParse(body);
      const records = data && readCards(data.records ?? []);
      return records && { ...data, records };
    },
    // P, after the sibling merchant batch API
    states: new Map([
      ['IN_PROGRESS', 'inProgress'],
      ['COMPLETED_SUCCESSFULLY', 'completed'],
      ['COMPLETED_WITH_ERRORS', 'completedWithErrors'],
      ['FAILED', 'failed'],
    ]),
    // P; the sibling writes SUCCESSFUL
    results: new Map([
      ['SUCCESS', 'enrolled'],
      ['SUCCESSFUL', 'enrolled'],
      ['FAILED', 'failed'],
    ]),
  },
  removal: {
    // N
    card: (caller, { srcDigitalCardId, reason }) => ({
      method: 'DELETE',
      path: `${CARDS_PATH}/${pathSegment(srcDigitalCardId)}`,
      query: { ...callerFields(caller), reason: REMOVAL_REASONS[reason], requestor: 'ISSUER' },
    }),
    // P
    profile: (caller, { srcConsumerId }) => ({
      method: 'DELETE',
      path: PROFILES_PATH,
      query: { ...callerFields(caller), srcConsumerId },
    }),
    isDone: (body) => Removed.safeParse(body).success,
    srcId: ID_OF_MASTERCARD,
    isInUse: ({ reason, details = [] }) =>
      [reason, ...details.map((detail) => detail.reason)].includes(PROFILE_IN_USE),
  },
  errors: {
    read: readError,
    reasons: new Set([
      ...KIND_OF_REASON.keys(),
      ...[OTHER_REASONS, GATEWAY_REASONS, SIMULATOR_REASONS].flatMap((words) => words.split(' ')),
    ]),
    // S
    throttling: new Set(['RESOURCE_EXHAUSTED']),
    // S: the words; P: that what they say may pass
    passing: new Set(['NO_RESPONSE_FROM_ISSUER', 'UNAVAILABLE', 'INTERNAL', 'UNEXPECTED_ERROR']),
    kindOf: (call) => kindOfFailure(call, { kindOfReason: KIND_OF_REASON, isDuplicate, isCallerRefused }),
  },
  headers: {
    // N
    flowId: 'x-src-cx-flow-id',
    // N
    flowIdRule: {
      pattern: /^[0-9A-Za-z\-_#.]+$/,
      longest: 255,
      problem: 'must be 1 to 255 letters, digits, -, _, # or .',
    },
    // N
    correlationIds: ['correlation-id', 'x-mc-correlation-id'],
  },
  assumptions,
};
