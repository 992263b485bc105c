import { Agent, type Dispatcher } from 'undici';
import { readEnrollAnswer, readStatusAnswer } from './answers.js';
import {
  BATCH_ID_PATTERN,
  ENROLLMENTS_PATH,
  enrollmentPath,
  type EnrollRequest,
  type StatusQuery,
} from './contract.js';
import { GatewayFailure } from './errors.js';
import type { BatchReport, EnrollmentGateway, SubmissionReceipt } from './gateway.js';
import type { CompactJwe } from './jwe.js';
import { SignedCaller, flowIdOf, type CallerOptions } from './signed-call.js';

/** One issuer's access to Mastercard. Fields of a program's configuration, with the signing key loaded. */
export interface HttpGatewayOptions extends CallerOptions {
  /** Without a trailing slash. */
  baseUrl: string;
  srcClientId: string;
  serviceId: string;
  /** What carries the requests, when it is not the gateway's own connections; the caller closes it. */
  dispatcher?: Dispatcher | undefined;
}

const CONNECT_TIMEOUT_MS = 10_000;

/**
 * The Batch Enroll API over HTTP, OAuth 1.0a signed, on connections that are kept alive.
 *
 * @example
 * const gateway = createHttpGateway({ ...program, signingKey: await loadSigningKey(program.signingKey) });
 * const { batchId } = await gateway.submitBatch({ externalBatchId, enrollmentData, correlationId });
 */
export function createHttpGateway(options: HttpGatewayOptions): EnrollmentGateway {
  const { baseUrl, srcClientId, serviceId } = options;
  const dispatcher = options.dispatcher ?? new Agent({ connect: { timeout: CONNECT_TIMEOUT_MS } });
  const caller = new SignedCaller(options, dispatcher);

  return {
    async submitBatch({ externalBatchId, enrollmentData, correlationId }, call) {
      const body: EnrollRequest<CompactJwe> = {
        srcClientId,
        serviceId,
        srcCorrelationId: correlationId,
        externalBatchId,
        enrollmentData,
      };
      return caller.call<SubmissionReceipt>({
        operation: 'submitBatch',
        correlationId,
        externalBatchId,
        signal: call?.signal,
        request: { method: 'POST', url: `${baseUrl}${ENROLLMENTS_PATH}`, body: JSON.stringify(body) },
        accept: (answer) => {
          const found = readEnrollAnswer(answer.body);
          if (!found) return 'the answer has no usable batchId';
          if ((found.externalBatchId ?? externalBatchId) !== externalBatchId) {
            return 'the answer is about another externalBatchId';
          }
          return { batchId: found.batchId, flowId: flowIdOf(answer) };
        },
      });
    },

    async fetchBatchStatus({ batchId, correlationId, flowId }, call) {
      if (!BATCH_ID_PATTERN.test(batchId)) {
        const problem = 'the batchId is not one that Mastercard can have given';
        throw new GatewayFailure({ kind: 'refused', operation: 'fetchBatchStatus', problem });
      }
      const query: StatusQuery = { srcClientId, serviceId, srcCorrelationId: correlationId };
      return caller.call<BatchReport>({
        operation: 'fetchBatchStatus',
        correlationId,
        flowId,
        signal: call?.signal,
        request: {
          method: 'GET',
          url: `${baseUrl}${enrollmentPath(batchId)}?${new URLSearchParams({ ...query }).toString()}`,
        },
        accept: (answer) => {
          const found = readStatusAnswer(answer.body);
          if (!found) return "the answer is not the contract's JSON";
          if (found.batchId !== batchId) return 'the answer is about another batchId';
          return { ...found, flowId: flowIdOf(answer) };
        },
      });
    },

    async close() {
      if (dispatcher !== options.dispatcher) await dispatcher.close();
    },
  };
}
