/** The calls to Mastercard, named after the gateway's methods. */
export type GatewayOperation = 'submitBatch' | 'fetchBatchStatus' | 'deleteCard' | 'deleteProfile';

/**
 * What is known after a call that failed, and so what may be done next:
 * - `notSent`: nothing of the request reached Mastercard. Try again.
 * - `notAccepted`: definitely not accepted. Wait, for `retryAfterMs` if it is given, then send it again.
 * - `unknown`: Mastercard may have acted on the request.
 * - `duplicate`: an earlier submission of this `externalBatchId` was accepted; `batchId` when the answer names it.
 * - `refused`: the request is wrong, and the same request always will be.
 * - `configuration`: a key, an id or the base URL is wrong, not the batch.
 * - `notFound`: Mastercard has no such batch, or not yet everywhere. Of a deletion: there is nothing to
 *   delete; the gateway then answers `absent` instead of failing.
 */
export type FailureKind =
  'notSent' | 'notAccepted' | 'unknown' | 'duplicate' | 'refused' | 'configuration' | 'notFound';

/** Those that an answer may have: one that came was sent. */
export const FAILURE_KINDS: ReadonlySet<FailureKind> = new Set<FailureKind>([
  'notAccepted',
  'unknown',
  'duplicate',
  'refused',
  'configuration',
  'notFound',
]);

/** An error as Mastercard wrote it, whichever of its shapes it has; all of it may be missing. */
export interface ErrorAnswer {
  /** Whether the API gateway answered, before the service saw the request. */
  gateway?: boolean | undefined;
  /** Whether the gateway says that a retry can help. */
  recoverable?: boolean | undefined;
  reason?: string | undefined;
  message?: string | undefined;
  details?: ErrorDetail[] | undefined;
  /** The batch that exists already, in the answer to a duplicate. */
  batchId?: string | undefined;
  externalBatchId?: string | undefined;
}

export interface ErrorDetail {
  reason?: string | undefined;
  /** The field or system that Mastercard names. */
  source?: string | undefined;
  message?: string | undefined;
}

/** A call that Mastercard, or what stands before it, answered with an error. */
export interface AnsweredCall {
  operation: GatewayOperation;
  httpStatus: number;
  error: ErrorAnswer;
}

/** What an `EnrollmentApi` says of reasons. */
export interface ReasonRules {
  /** Reasons that say more than the HTTP status they come with. */
  kindOfReason: ReadonlyMap<string, FailureKind>;
  /** Whether the batch exists already, where it is no 409. */
  readonly isDuplicate: (error: ErrorAnswer) => boolean;
  /** Whether the caller's ids are refused, and not the request. */
  readonly isCallerRefused: (error: ErrorAnswer) => boolean;
}

/**
 * Statuses that need no reason. Those not listed: 4xx is about the request, all else leaves it unknown
 * whether the request was acted on (408 among them: intermediaries also send it while they wait for the
 * service; and 303, which answers a request that was acted on).
 */
const KIND_OF_STATUS: ReadonlyMap<number, FailureKind> = new Map<number, FailureKind>([
  // Another place, or nobody here who speaks this API: the base URL is wrong.
  ...[300, 301, 302, 304, 305, 307, 308, 405, 406, 410, 415, 421, 426, 501, 505].map(configuration),
  ...[401, 403, 407].map(configuration),
  [303, 'unknown'],
  [408, 'unknown'],
  [413, 'refused'],
  [422, 'refused'],
  [425, 'notAccepted'],
  [429, 'notAccepted'],
  [503, 'notAccepted'],
]);

function configuration(status: number): [number, FailureKind] {
  return [status, 'configuration'];
}

/**
 * Decides what is known after an answer that is an error, as HTTP has it and by the reasons of an API. When the
 * answer is ambiguous it is `unknown`, so that a batch never becomes two batches at Mastercard.
 */
export function kindOfFailure(
  { operation, httpStatus, error }: AnsweredCall,
  { kindOfReason, isDuplicate, isCallerRefused }: ReasonRules,
): FailureKind {
  // The request had been passed on when the answer failed to come: that a retry can help says nothing then.
  if (httpStatus === 504) return 'unknown';
  // A 429 was seen that says it is not recoverable: the status decides.
  if (error.recoverable || httpStatus === 429) return 'notAccepted';
  // As with 504, though a gateway's word counts: it may not have reached the service at all.
  if (httpStatus === 502) return 'unknown';

  // A gateway's reasons are another vocabulary.
  const byReason = error.gateway || error.reason === undefined ? undefined : kindOfReason.get(error.reason);
  if ((!error.gateway && isDuplicate(error)) || (httpStatus === 409 && !byReason)) {
    return operation === 'submitBatch' ? 'duplicate' : 'refused';
  }
  if (byReason) return byReason;
  if (!error.gateway && isCallerRefused(error)) return 'configuration';

  if (httpStatus === 404) return kindOfNotFound(operation, error);
  const byStatus = KIND_OF_STATUS.get(httpStatus);
  if (byStatus) return byStatus;
  if (httpStatus >= 400 && httpStatus < 500) return error.gateway ? 'configuration' : 'refused';
  return 'unknown';
}

/**
 * What 404 says depends on what was asked for. That a card is gone is believed of the service alone: the
 * gateway says of a path that it is not there, and a page of an intermediary says nothing.
 */
function kindOfNotFound(operation: GatewayOperation, error: ErrorAnswer): FailureKind {
  switch (operation) {
    case 'submitBatch':
      return 'configuration';
    case 'fetchBatchStatus':
      return 'notFound';
    case 'deleteCard':
    case 'deleteProfile':
      if (error.gateway) return 'configuration';
      return error.reason !== undefined || (error.details ?? []).length > 0 ? 'notFound' : 'unknown';
  }
}
