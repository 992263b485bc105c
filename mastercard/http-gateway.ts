import type { Dispatcher } from 'undici';
import { follows } from '../enrollment/record-rules.js';
import { dispatcherTo, type OutboundTls } from '../protection/outbound.js';
import type { ApiRequest, Caller } from './api/enrollment-api.js';
import type { GatewayOperation } from './api/failures.js';
import { GatewayFailure } from './errors.js';
import type { BatchReport, EnrollmentGateway, RemovalResult, SubmissionReceipt } from './gateway.js';
import { readReceipt, readReport, readWith } from './reading.js';
import { SignedCaller, flowIdOf, type Call, type CallerOptions } from './signed-call.js';

/** One issuer's access to Mastercard. Fields of a program's configuration, with the signing key loaded. */
export interface HttpGatewayOptions extends CallerOptions {
  srcClientId: string;
  serviceId: string;
  /** What the connections need besides what this system trusts. */
  tls?: OutboundTls | undefined;
  /** What carries the requests, when it is not the gateway's own connections; the caller closes it. */
  dispatcher?: Dispatcher | undefined;
}

/**
 * Mastercard over HTTP, OAuth 1.0a signed, on connections that are kept alive: what is sent, and what answers mean, is
 * the business of `options.api`.
 *
 * @example
 * const gateway = createHttpGateway({ ...program, signingKey: await loadSigningKey(program.signingKey) });
 * const { batchId } = await gateway.submitBatch({ externalBatchId, enrollmentData, correlationId });
 */
export function createHttpGateway(options: HttpGatewayOptions): EnrollmentGateway {
  const { api, srcClientId, serviceId } = options;
  const dispatcher = options.dispatcher ?? dispatcherTo(options.baseUrl, { tls: options.tls });
  const caller = new SignedCaller(options, dispatcher);
  const who = (correlationId: string): Caller => ({ srcClientId, serviceId, correlationId });

  return {
    async submitBatch({ externalBatchId, enrollmentData, correlationId }, call) {
      return caller.call<SubmissionReceipt>({
        operation: 'submitBatch',
        correlationId,
        externalBatchId,
        signal: call?.signal,
        request: made('submitBatch', () =>
          api.enroll.request(who(correlationId), { externalBatchId, enrollmentData }),
        ),
        accept: (answer) => {
          const found = readReceipt(api, answer.body);
          if (!found) return 'the answer has no usable batchId';
          if ((found.externalBatchId ?? externalBatchId) !== externalBatchId) {
            return 'the answer is about another externalBatchId';
          }
          return { batchId: found.batchId, flowId: flowIdOf(api, answer) };
        },
      });
    },

    async fetchBatchStatus({ batchId, correlationId, flowId }, call) {
      const operation = 'fetchBatchStatus';
      if (!follows(batchId, api.batch.batchId)) throw notOfMastercard(operation, 'batchId');
      return caller.call<BatchReport>({
        operation,
        correlationId,
        flowId,
        signal: call?.signal,
        request: made(operation, () => api.status.request(who(correlationId), batchId)),
        accept: (answer) => {
          const found = readReport(api, answer.body);
          if (!found) return NOT_READABLE;
          if (found.batchId !== batchId) return 'the answer is about another batchId';
          return { ...found, flowId: flowIdOf(api, answer) };
        },
      });
    },

    async deleteCard({ srcDigitalCardId, reason, correlationId, flowId }, call) {
      const operation = 'deleteCard';
      if (!follows(srcDigitalCardId, api.removal.srcId)) throw notOfMastercard(operation, 'srcDigitalCardId');
      const request = made(operation, () =>
        api.removal.card(who(correlationId), { srcDigitalCardId, reason }),
      );
      return remove({ operation, correlationId, flowId, request, signal: call?.signal });
    },

    async deleteProfile({ srcConsumerId, correlationId, flowId }, call) {
      const operation = 'deleteProfile';
      const request = made(operation, () => api.removal.profile(who(correlationId), { srcConsumerId }));
      return remove({ operation, correlationId, flowId, request, signal: call?.signal });
    },

    async close() {
      if (dispatcher !== options.dispatcher) await dispatcher.close();
    },
  };

  /** Only Mastercard's own word makes something removed or absent: any other answer is a failure. */
  async function remove(call: Omit<Call<object>, 'accept'>): Promise<RemovalResult> {
    try {
      await caller.call({
        ...call,
        accept: ({ body }) =>
          readWith(body, (json) => api.removal.isDone(json)) === true ? { removed: true } : NOT_READABLE,
      });
      return 'removed';
    } catch (error) {
      if (error instanceof GatewayFailure && error.kind === 'notFound') return 'absent';
      throw error;
    }
  }
}

/** Nothing is sent of a request that the API module does not make: a mended one may. */
function made(operation: GatewayOperation, make: () => ApiRequest): ApiRequest {
  try {
    return make();
  } catch {
    throw new GatewayFailure({ kind: 'notSent', operation, problem: 'the API module makes no request' });
  }
}

const NOT_READABLE = "the answer is not the contract's JSON";

function notOfMastercard(operation: 'fetchBatchStatus' | 'deleteCard', field: string): GatewayFailure {
  const problem = `the ${field} is not one that Mastercard can have given`;
  return new GatewayFailure({ kind: 'refused', operation, problem });
}
