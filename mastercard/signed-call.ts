import type { KeyObject } from 'node:crypto';
import type { Dispatcher } from 'undici';
import { classify } from './classification.js';
import { BATCH_ID_PATTERN, CORRELATION_ID_HEADERS, FLOW_ID_HEADER, FLOW_ID_PATTERN } from './contract.js';
import { readErrorBody, type ErrorBody } from './error-body.js';
import { GatewayFailure, type FailureKind, type GatewayOperation } from './errors.js';
import { exchange, type Exchange, type HttpRequest } from './http-exchange.js';
import { authorizationHeader } from './oauth1.js';
import { maskPersonal } from '../protection/mask.js';
import { parseRetryAfter } from './retry-after.js';

export interface CallerOptions {
  /** `clientId!keyId` */
  consumerKey: string;
  signingKey: KeyObject;
  /** From start to the last byte of the answer, milliseconds. Default 30 000. */
  requestTimeout?: number | undefined;
  /** Told of every call when it is over, for the log: ids and figures only. */
  onCall?: ((event: CallEvent) => void) | undefined;
}

/** One call to Mastercard: no bodies, no cardholder data. */
export interface CallEvent {
  operation: GatewayOperation;
  httpStatus?: number | undefined;
  /** Ours, sent as `srcCorrelationId`. */
  correlationId: string;
  mastercardCorrelationId?: string | undefined;
  durationMs: number;
  /** Of a call that failed. */
  kind?: FailureKind | undefined;
}

const REQUEST_TIMEOUT_MS = 30_000;
/** Thousands of cards; to read it keeps others waiting for less than 100 ms. */
export const MAX_ANSWER_BYTES = 2 * 1024 * 1024;

export type Answer = Extract<Exchange, { answered: true }>;

export interface Call<Result> {
  operation: GatewayOperation;
  correlationId: string;
  /** The batch that is offered: an answer about another one is not taken for its own. */
  externalBatchId?: string | undefined;
  flowId?: string | undefined;
  signal?: AbortSignal | undefined;
  request: Omit<HttpRequest, 'headers'>;
  /** Makes the result of a 2xx answer, or says why it cannot. */
  accept(answer: Answer): Result | string;
}

/** Makes one call to Mastercard: signs, sends, judges and reports it. */
export class SignedCaller {
  constructor(
    private readonly options: CallerOptions,
    private readonly dispatcher: Dispatcher,
  ) {}

  /** @throws GatewayFailure */
  async call<Result extends object>(call: Call<Result>): Promise<Result> {
    const started = performance.now();
    const timeout = AbortSignal.timeout(this.options.requestTimeout ?? REQUEST_TIMEOUT_MS);
    const outcome = await exchange(
      this.dispatcher,
      { ...call.request, headers: this.headers(call) },
      call.signal ? AbortSignal.any([call.signal, timeout]) : timeout,
      MAX_ANSWER_BYTES,
    );
    const result = judge(call, outcome);
    this.options.onCall?.({
      operation: call.operation,
      httpStatus: outcome.answered ? outcome.httpStatus : undefined,
      correlationId: call.correlationId,
      mastercardCorrelationId: outcome.answered ? correlationIdOf(outcome) : undefined,
      durationMs: Math.round(performance.now() - started),
      kind: result instanceof GatewayFailure ? result.kind : undefined,
    });
    if (result instanceof GatewayFailure) throw result;
    return result;
  }

  private headers({ operation, flowId, request }: Call<unknown>): Record<string, string> {
    const { consumerKey, signingKey } = this.options;
    let authorization: string;
    try {
      authorization = authorizationHeader({ body: '', ...request, consumerKey, signingKey });
    } catch {
      const problem = 'the request cannot be signed';
      throw new GatewayFailure({ kind: 'configuration', operation, problem });
    }
    return {
      authorization,
      accept: 'application/json',
      ...(request.body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(flowId !== undefined && FLOW_ID_PATTERN.test(flowId) ? { [FLOW_ID_HEADER]: flowId } : {}),
    };
  }
}

function judge<Result extends object>(call: Call<Result>, outcome: Exchange): Result | GatewayFailure {
  const { operation } = call;
  if (!outcome.answered) {
    const { problem, written } = outcome;
    return new GatewayFailure({
      kind: classify({ operation, answered: false, written }),
      operation,
      problem,
    });
  }
  const accepted = isSuccess(outcome) ? call.accept(outcome) : undefined;
  if (accepted !== undefined && typeof accepted !== 'string') return accepted;

  const { httpStatus } = outcome;
  const error = readErrorBody(isSuccess(outcome) ? undefined : outcome.body);
  const kind = classify({ operation, answered: true, httpStatus, error });
  return new GatewayFailure({
    kind,
    operation,
    problem: accepted,
    httpStatus,
    reason: error.reason,
    details: error.details,
    retryAfterMs: parseRetryAfter(outcome.header('retry-after')),
    batchId: kind === 'duplicate' ? existingBatchId(error, call.externalBatchId) : undefined,
    correlationId: correlationIdOf(outcome),
  });
}

function existingBatchId(
  { batchId, externalBatchId }: ErrorBody,
  asked: string | undefined,
): string | undefined {
  const ours = externalBatchId === undefined || externalBatchId === asked;
  return ours && batchId !== undefined && BATCH_ID_PATTERN.test(batchId) ? batchId : undefined;
}

function isSuccess({ httpStatus }: Answer): boolean {
  return httpStatus >= 200 && httpStatus < 300;
}

/** The flow id to send back on the next call about the batch. */
export function flowIdOf(answer: Answer): string | undefined {
  const value = answer.header(FLOW_ID_HEADER);
  return value !== undefined && FLOW_ID_PATTERN.test(value) ? value : undefined;
}

function correlationIdOf(answer: Answer): string | undefined {
  const value = CORRELATION_ID_HEADERS.map((name) => answer.header(name)).find(Boolean);
  return value !== undefined && FLOW_ID_PATTERN.test(value) ? maskPersonal(value) : undefined;
}
