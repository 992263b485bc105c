import type { FailureKind, GatewayOperation } from './api/failures.js';

/** One thing that Mastercard finds wrong. */
export interface FailureDetail {
  /** A detail reason or a gateway's `ReasonCode`. */
  reason: string;
  /** Where: the field or the system that Mastercard names. */
  source?: string | undefined;
  message?: string | undefined;
}

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
  /** Whether the service itself answered, in its own words, and not a gateway or proxy before it. */
  byService?: boolean | undefined;
  /** Whether Mastercard did not take the call because there were too many; so says HTTP status 429 by itself. */
  isThrottled?: boolean | undefined;
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
  readonly byService: boolean;
  readonly isThrottled: boolean;
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
    this.byService = facts.byService ?? false;
    this.isThrottled = facts.isThrottled ?? (facts.kind === 'notAccepted' && facts.httpStatus === 429);
    this.retryAfterMs = facts.retryAfterMs;
    this.batchId = facts.batchId;
    this.correlationId = facts.correlationId;
  }
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
