import type { KeyObject } from 'node:crypto';
import type { Dispatcher } from 'undici';
import { follows } from '../enrollment/record-rules.js';
import type { ApiRequest, EnrollmentApi } from './api/enrollment-api.js';
import type { ErrorAnswer, FailureKind, GatewayOperation } from './api/failures.js';
import { GatewayFailure } from './errors.js';
import { exchange, type Exchange } from './http-exchange.js';
import { authorizationHeader } from './oauth1.js';
import { maskPersonal } from '../protection/mask.js';
import { clean, kindOf, readError } from './reading.js';
import { parseRetryAfter } from './retry-after.js';

export interface CallerOptions {
  api: EnrollmentApi;
  /** Without a trailing slash. */
  baseUrl: string;
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
  request: ApiRequest;
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
    const outcome = await this.send(call);
    const result = this.judge(call, outcome);
    this.options.onCall?.({
      operation: call.operation,
      httpStatus: outcome.answered ? outcome.httpStatus : undefined,
      correlationId: call.correlationId,
      mastercardCorrelationId: outcome.answered ? correlationIdOf(this.options.api, outcome) : undefined,
      durationMs: Math.round(performance.now() - started),
      kind: result instanceof GatewayFailure ? result.kind : undefined,
    });
    if (result instanceof GatewayFailure) throw result;
    return result;
  }

  /**
   * Signs and sends a request, and passes on what comes.
   * @throws GatewayFailure where it cannot be signed.
   */
  async send({ operation, flowId, signal, request }: Omit<Call<unknown>, 'accept'>): Promise<Exchange> {
    const { api, baseUrl, consumerKey, signingKey, requestTimeout = REQUEST_TIMEOUT_MS } = this.options;
    const { method, path, query = {}, body: content } = request;
    const body = content === undefined ? undefined : JSON.stringify(content);
    const search = new URLSearchParams(query).toString();
    const url = `${baseUrl}${path}${search && `?${search}`}`;
    let authorization: string;
    try {
      authorization = authorizationHeader({ method, url, body: body ?? '', consumerKey, signingKey });
    } catch {
      const problem = 'the request cannot be signed';
      throw new GatewayFailure({ kind: 'configuration', operation, problem });
    }
    const { flowId: header, flowIdRule } = api.headers;
    const headers = {
      authorization,
      accept: 'application/json',
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(flowId !== undefined && follows(flowId, flowIdRule) ? { [header]: flowId } : {}),
    };
    const timeout = AbortSignal.timeout(requestTimeout);
    return exchange(
      this.dispatcher,
      { method, url, headers, body },
      signal ? AbortSignal.any([signal, timeout]) : timeout,
      MAX_ANSWER_BYTES,
    );
  }

  private judge<Result extends object>(call: Call<Result>, outcome: Exchange): Result | GatewayFailure {
    const { api } = this.options;
    const { operation } = call;
    if (!outcome.answered) {
      const { problem, written } = outcome;
      return new GatewayFailure({ kind: written ? 'unknown' : 'notSent', operation, problem });
    }
    const { httpStatus } = outcome;
    const isSuccess = httpStatus >= 200 && httpStatus < 300;
    const accepted = isSuccess ? call.accept(outcome) : undefined;
    if (accepted !== undefined && typeof accepted !== 'string') return accepted;

    const error = isSuccess ? {} : readError(api, outcome.body);
    const kind = isSuccess ? 'unknown' : kindOf(api, { operation, httpStatus, error });
    return new GatewayFailure({
      kind,
      operation,
      problem: accepted,
      httpStatus,
      ...clean(api, error),
      byService: !error.gateway && error.reason !== undefined,
      ...(api.errors.throttling.has(error.reason ?? '') && { isThrottled: kind === 'notAccepted' }),
      retryAfterMs: parseRetryAfter(outcome.header('retry-after')),
      batchId: kind === 'duplicate' ? existingBatchId(api, error, call.externalBatchId) : undefined,
      correlationId: correlationIdOf(api, outcome),
    });
  }
}

function existingBatchId(
  { batch }: EnrollmentApi,
  { batchId, externalBatchId }: ErrorAnswer,
  asked: string | undefined,
): string | undefined {
  const ours = externalBatchId === undefined || externalBatchId === asked;
  return ours && batchId !== undefined && follows(batchId, batch.batchId) ? batchId : undefined;
}

/** The flow id to send back on the next call about the batch. */
export function flowIdOf(
  { headers: { flowId, flowIdRule } }: EnrollmentApi,
  answer: Answer,
): string | undefined {
  const value = answer.header(flowId);
  return value !== undefined && follows(value, flowIdRule) ? value : undefined;
}

/** Mastercard's id of a call, for its support. */
function correlationIdOf(
  { headers: { correlationIds, flowIdRule } }: EnrollmentApi,
  answer: Answer,
): string | undefined {
  const value = correlationIds.map((name) => answer.header(name)).find(Boolean);
  return value !== undefined && follows(value, flowIdRule) ? maskPersonal(value) : undefined;
}
