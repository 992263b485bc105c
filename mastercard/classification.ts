import type { ErrorBody } from './error-body.js';
import type { FailureKind, GatewayOperation } from './errors.js';

/** A call that did not do what it should. */
export type FailedCall =
  | {
      operation: GatewayOperation;
      answered: false;
      /** Whether any of the request may have been written to a connection. */
      written: boolean;
    }
  | { operation: GatewayOperation; answered: true; httpStatus: number; error: ErrorBody };

/** Reasons that say more than the HTTP status they come with. Others leave the decision to the status. */
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
 * Decides what is known after a failed call: the error table of the contract. When the answer is ambiguous it
 * is `unknown`, so that a batch never becomes two batches at Mastercard.
 */
export function classify(call: FailedCall): FailureKind {
  if (!call.answered) return call.written ? 'unknown' : 'notSent';
  const { operation, httpStatus, error } = call;

  if (httpStatus >= 200 && httpStatus < 300) return 'unknown';
  // The request had been passed on when the answer failed to come: that a retry can help says nothing then.
  if (httpStatus === 504) return 'unknown';
  if (error.recoverable || httpStatus === 429) return 'notAccepted';
  // As with 504, though a gateway's word counts: it may not have reached the service at all.
  if (httpStatus === 502) return 'unknown';

  if (isDuplicate(error) || (httpStatus === 409 && !kindOfReason(error))) {
    return operation === 'submitBatch' ? 'duplicate' : 'refused';
  }
  const byReason = kindOfReason(error);
  if (byReason) return byReason;

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
function kindOfNotFound(operation: GatewayOperation, error: ErrorBody): FailureKind {
  switch (operation) {
    case 'submitBatch':
      return 'configuration';
    case 'fetchBatchStatus':
      return 'notFound';
    case 'deleteCard':
    case 'deleteProfile':
      if (error.gateway) return 'configuration';
      return error.reason !== undefined || error.details.length > 0 ? 'notFound' : 'unknown';
  }
}

function kindOfReason({ gateway, reason }: ErrorBody): FailureKind | undefined {
  // A gateway's ReasonCodes are another vocabulary.
  return gateway || reason === undefined ? undefined : KIND_OF_REASON.get(reason);
}

/** ALREADY_EXISTS of the batch itself: at the top, or as the detail that names its id. */
function isDuplicate({ gateway, reason, details }: ErrorBody): boolean {
  if (gateway) return false;
  return (
    reason === 'ALREADY_EXISTS' ||
    details.some((d) => d.reason === 'ALREADY_EXISTS' && /(^|\.)externalBatchId$/.test(d.source ?? ''))
  );
}
