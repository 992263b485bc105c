import type { FailureDetail } from './error-body.js';

/** The calls to Mastercard, named after the gateway's methods. */
export type GatewayOperation = 'submitBatch' | 'fetchBatchStatus' | 'deleteCard' | 'deleteProfile';

/**
 * What is known after a call that failed, and so what may be done next (`classify` decides it):
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

/** What is known about a failed call. Texts of Mastercard are masked and cut (`cleanText`). */
export interface FailureFacts {
  kind: FailureKind;
  operation: GatewayOperation;
  /** What went wrong where Mastercard did not say it: a network error's code, or a short phrase of ours. */
  problem?: string | undefined;
  httpStatus?: number | undefined;
  /** Mastercard's top-level `reason` or `ReasonCode`; ours where nothing was sent. */
  reason?: string | undefined;
  details?: FailureDetail[] | undefined;
  /** From `Retry-After`, milliseconds. */
  retryAfterMs?: number | undefined;
  /** Of a `duplicate`: Mastercard's id of the batch that it has. */
  batchId?: string | undefined;
  /** Mastercard's, to be named when asking its support. */
  correlationId?: string | undefined;
}

/** A call to Mastercard failed. Neither its message nor its fields hold cardholder data or key material. */
export class GatewayFailure extends Error {
  override readonly name = 'GatewayFailure';
  readonly code = 'GATEWAY_FAILURE';
  readonly kind: FailureKind;
  readonly operation: GatewayOperation;
  /** A network error's code, or a short phrase of ours. */
  readonly problem: string | undefined;
  readonly httpStatus: number | undefined;
  readonly reason: string | undefined;
  readonly details: FailureDetail[];
  readonly retryAfterMs: number | undefined;
  readonly batchId: string | undefined;
  readonly correlationId: string | undefined;

  constructor(facts: FailureFacts) {
    super(messageOf(facts));
    this.kind = facts.kind;
    this.operation = facts.operation;
    this.problem = facts.problem;
    this.httpStatus = facts.httpStatus;
    this.reason = facts.reason;
    this.details = facts.details ?? [];
    this.retryAfterMs = facts.retryAfterMs;
    this.batchId = facts.batchId;
    this.correlationId = facts.correlationId;
  }
}

/** Whether Mastercard did not take a call because there were too many. */
export function isThrottling(error: unknown): error is GatewayFailure {
  if (!(error instanceof GatewayFailure) || error.kind !== 'notAccepted') return false;
  return error.httpStatus === 429 || error.reason === 'RESOURCE_EXHAUSTED';
}

const ADVICE: Record<FailureKind, string> = {
  notSent: 'the request was not sent; check the network, then send it again',
  notAccepted: 'the request was not accepted; send it again later',
  unknown: 'whether Mastercard acted on the request is unknown',
  duplicate: 'Mastercard already has a batch with this externalBatchId',
  refused: 'the request is wrong; correct what the details name',
  configuration:
    'check baseUrl, consumerKey, signingKey, srcClientId and serviceId of the program, and that they are active',
  notFound: 'Mastercard does not know this id',
};

function messageOf({ kind, operation, problem, httpStatus, reason, details = [] }: FailureFacts): string {
  const what =
    httpStatus === undefined ? [] : [`answer ${httpStatus}${reason === undefined ? '' : ` ${reason}`}`];
  if (details.length > 0) {
    what.push(details.map((d) => (d.source ? `${d.source} ${d.reason}` : d.reason)).join(', '));
  }
  if (problem !== undefined) what.push(problem);
  return `${operation} failed (${what.join('; ') || 'no answer'}): ${ADVICE[kind]}`;
}
