/**
 * Mastercard's "Batch Enroll API for Pre-Provisioning" on the wire: every path, name and status that
 * c2p and its simulator rely on.
 *
 * The specification (`prev-prov-batch-enrollment.yml`) was in no source that we could read. So each item
 * is marked: S, Mastercard states it; N, taken from a neighbouring Mastercard API on the same base path or
 * in the same family; P, our own proposal. With the specification in hand, replace N and P.
 *
 * Assumptions that are in other files:
 * - nesting of the plaintext (P), its names and limits (N): `enrollment/records.ts`, `enrollment/schemas.ts`
 * - alphabet and length of external ids (P): `EXTERNAL_ID_PATTERN` in `enrollment/identifiers.ts`
 * - suffix of a further round, `~2` (P): `roundBatchId` in `enrollment/identifiers.ts`
 * - header and algorithms of the JWE (N): `mastercard/jwe.ts`
 * - what each HTTP status means (S and N): `mastercard/classification.ts`
 */

/** S */
export const SANDBOX_BASE_URL = 'https://sandbox.api.mastercard.com/src/api/digital/payments';
/** S */
export const PRODUCTION_BASE_URL = 'https://api.mastercard.com/src/api/digital/payments';

/** P (that it answers 202 is S) */
export const ENROLLMENTS_PATH = '/batch/enrollments';

/** P: what may be a `batchId`; printable, and never a path of its own (`.` and `..`). */
export const BATCH_ID_PATTERN = /^(?!\.{1,2}$)[\x21-\x7e]{1,255}$/;

/** P (that it is keyed by `batchId` is S) */
export function enrollmentPath(batchId: string): string {
  return `${ENROLLMENTS_PATH}/${pathSegment(batchId)}`;
}

/** N */
export const CARDS_PATH = '/cards';

/** P: what may be an `srcDigitalCardId`, as for a `batchId`. */
export const SRC_DIGITAL_CARD_ID_PATTERN = BATCH_ID_PATTERN;

/** N: `DELETE` takes a card out of Click to Pay; 404 says that it is not there. */
export function cardPath(srcDigitalCardId: string): string {
  return `${CARDS_PATH}/${pathSegment(srcDigitalCardId)}`;
}

/** N: `DELETE` takes out the profile that the query names, once its last card is gone. */
export const PROFILES_PATH = '/profiles';

/** Percent-encoded as RFC 3986 asks, which is what OAuth signs. */
function pathSegment(id: string): string {
  return encodeURIComponent(id).replace(
    /[!'()*]/g,
    (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** N: identifies the site that handled a batch; sent back on the next call about the same batch. */
export const FLOW_ID_HEADER = 'x-src-cx-flow-id';
/** N */
export const FLOW_ID_PATTERN = /^[0-9A-Za-z\-_#.]{1,255}$/;
/** N: either may carry Mastercard's correlation id. */
export const CORRELATION_ID_HEADERS = ['correlation-id', 'x-mc-correlation-id'] as const;

/** N */
export const SRC_CLIENT_ID_PATTERN = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
/** N */
export const SERVICE_ID_PATTERN = /^[0-9a-zA-Z#_-]{0,255}$/;
/** N: the sibling Cards Batch Enroll takes at most this many cards a request. */
export const MAX_CARDS_PER_REQUEST = 250;

/** Body of the enroll call. The first three and `enrollmentData`: S; `srcCorrelationId`: N. */
export interface EnrollRequest<EnrollmentData extends string = string> {
  srcClientId: string;
  serviceId: string;
  externalBatchId: string;
  /** One compact JWE for the whole batch (P); its plaintext is an `EnrollmentPayload`. */
  enrollmentData: EnrollmentData;
  srcCorrelationId: string;
}

/** Plaintext of `enrollmentData`: which data S, names and limits N, nesting P. */
export interface EnrollmentPayload<Record> {
  enrollments: Record[];
}

/** Answer of the enroll call, 202 (S). */
export interface EnrollResponse {
  batchId: string;
  externalBatchId: string;
  srcCorrelationId?: string;
}

/** Query of the status call (P). */
export interface StatusQuery {
  srcClientId: string;
  serviceId: string;
  srcCorrelationId: string;
}

/** N: who asks for a card to be taken out. */
export const REQUESTOR = 'ISSUER';

/** Query of the call that deletes a card (N). */
export interface DeleteCardQuery {
  srcClientId: string;
  serviceId: string;
  srcCorrelationId: string;
  /** 1 to 255 characters (P). */
  reason: string;
  requestor: typeof REQUESTOR;
}

/** Query of the call that deletes a profile (P). */
export interface DeleteProfileQuery {
  srcClientId: string;
  serviceId: string;
  srcCorrelationId: string;
  srcConsumerId: string;
}

/** Answer of both deletions, 200 (N for a card, P for a profile). */
export interface DeleteResponse {
  srcCorrelationId: string;
}

/** P: the service error's reason when a profile is to be deleted that still has cards. */
export const PROFILE_HAS_CARDS_REASON = 'INVALID_STATE';

/** P, after the sibling merchant batch API. Any other value means "not terminal yet". */
export const BatchStatusValue = {
  inProgress: 'IN_PROGRESS',
  completed: 'COMPLETED_SUCCESSFULLY',
  completedWithErrors: 'COMPLETED_WITH_ERRORS',
  failed: 'FAILED',
} as const;

export const TERMINAL_BATCH_STATUSES: ReadonlySet<string> = new Set([
  BatchStatusValue.completed,
  BatchStatusValue.completedWithErrors,
  BatchStatusValue.failed,
]);

/** P */
export const RecordStatusValue = { success: 'SUCCESS', failed: 'FAILED' } as const;

/** Answer of the status call (P around S: a batch status and record-level results). */
export interface StatusResponse {
  batchId: string;
  externalBatchId: string;
  batchStatus: string;
  records?: RecordResult[];
}

export interface RecordResult {
  externalConsumerId: string;
  externalCardId: string;
  status: string;
  srcConsumerId?: string;
  srcDigitalCardId?: string;
  error?: ServiceError;
}

/** Service error (S); `errordetail` may be null or be named `details`. */
export interface ServiceError {
  status?: number;
  /** P: a 409 may name the batch that exists. */
  batchId?: string;
  reason?: string;
  message?: string;
  errordetail?: ServiceErrorDetail[] | null;
  details?: ServiceErrorDetail[] | null;
}

export interface ServiceErrorDetail {
  reason?: string;
  source?: string;
  sourceType?: string;
  message?: string;
}

/** Gateway error (S), found as `{Errors: {Error: [e]}}` and as `{Errors: [{Error: e}]}`. */
export interface GatewayError {
  Source?: string;
  ReasonCode?: string;
  Description?: string;
  Recoverable?: boolean;
  Details?: string | null;
}

/**
 * The reasons that Mastercard is known to give: S for those of the service, at the top and in details; N for those of
 * the API gateway. Any other is written as `OTHER_REASON` (see `knownReason`): what stands there could be anything, and
 * reasons go where everybody reads them. An API whose reasons are published adds them here.
 */
const KNOWN_REASONS: ReadonlySet<string> = new Set([
  ...[
    'INVALID_ARGUMENT',
    'INVALID_STATE',
    'UNAUTHENTICATED',
    'PERMISSION_DENIED',
    'LOCKED',
    'NOT_FOUND',
    'ABORTED',
  ],
  ...[
    'ALREADY_EXISTS',
    'RESOURCE_EXHAUSTED',
    'CANCELLED',
    'DATA_LOSS',
    'INTERNAL',
    'NOT_IMPLEMENTED',
    'UNAVAILABLE',
  ],
  ...['DEADLINE_EXCEEDED', 'COMPLIANCE_REQUIRED', 'INVALID_CONFIGURATION', 'UNEXPECTED_ERROR'],
  ...['CANNOT_BE_NULL', 'INVALID_VALUE', 'INVALID_FORMAT', 'CORRUPT_DATA', 'EXPIRED', 'MULTIPLE_FOUND'],
  ...[
    'PAN_INELIGIBLE',
    'TOKENIZATION_INELIGIBLE',
    'INVALID_PAN',
    'ISSUER_DECLINED',
    'NO_RESPONSE_FROM_ISSUER',
  ],
  ...['SUSPENDED_CARD', 'AMBIGUOUS_CONSUMER_IDENTITY', 'ACCOUNT_RANGE_NOT_FOUND'],
  ...['DECLINED', 'INVALID_SIGNATURE', 'RESOURCE_UNKNOWN', 'SYSTEM'],
  // The gateway of our simulator.
  ...[
    'OAUTH_HEADER_INVALID',
    'OAUTH_CONSUMER_KEY_UNKNOWN',
    'OAUTH_TIMESTAMP_REFUSED',
    'OAUTH_BODY_HASH_MISMATCH',
  ],
  ...['OAUTH_SIGNATURE_INVALID', 'OAUTH_NONCE_USED', 'SLOWED_DOWN'],
]);

/** Stands for a reason that is none of those. */
export const OTHER_REASON = 'OTHER';

/** A reason of Mastercard's as it may be written into search attributes, tables and logs. */
export function knownReason(reason: string): string {
  return KNOWN_REASONS.has(reason) ? reason : OTHER_REASON;
}

/** S: the reasons of a record that no later batch can change. */
export const FINAL_RECORD_REASONS: ReadonlySet<string> = new Set([
  'INVALID_PAN',
  'PAN_INELIGIBLE',
  'TOKENIZATION_INELIGIBLE',
  'ISSUER_DECLINED',
  'SUSPENDED_CARD',
  'ACCOUNT_RANGE_NOT_FOUND',
]);

/** S: the reasons of a record that may succeed in a later batch. */
export const PASSING_RECORD_REASONS: ReadonlySet<string> = new Set([
  'NO_RESPONSE_FROM_ISSUER',
  'UNAVAILABLE',
  'INTERNAL',
  'UNEXPECTED_ERROR',
]);
