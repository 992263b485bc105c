import { Agent, type Dispatcher } from 'undici';
import { readDeleteAnswer, readEnrollAnswer, readStatusAnswer } from './answers.js';
import {
  BATCH_ID_PATTERN,
  cardPath,
  ENROLLMENTS_PATH,
  enrollmentPath,
  PROFILES_PATH,
  REQUESTOR,
  SRC_DIGITAL_CARD_ID_PATTERN,
  type DeleteCardQuery,
  type DeleteProfileQuery,
  type EnrollRequest,
  type StatusQuery,
} from './contract.js';
import { GatewayFailure } from './errors.js';
import type { BatchReport, EnrollmentGateway, RemovalResult, SubmissionReceipt } from './gateway.js';
import type { CompactJwe } from './jwe.js';
import { SignedCaller, flowIdOf, type Call, type CallerOptions } from './signed-call.js';
import { VERIFIED } from '../protection/tls.js';

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
  const dispatcher =
    options.dispatcher ?? new Agent({ connect: { ...VERIFIED, timeout: CONNECT_TIMEOUT_MS } });
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
          url: urlOf(baseUrl + enrollmentPath(batchId), query),
        },
        accept: (answer) => {
          const found = readStatusAnswer(answer.body);
          if (!found) return "the answer is not the contract's JSON";
          if (found.batchId !== batchId) return 'the answer is about another batchId';
          return { ...found, flowId: flowIdOf(answer) };
        },
      });
    },

    async deleteCard({ srcDigitalCardId, reason, correlationId, flowId }, call) {
      const operation = 'deleteCard';
      if (!SRC_DIGITAL_CARD_ID_PATTERN.test(srcDigitalCardId)) {
        const problem = 'the srcDigitalCardId is not one that Mastercard can have given';
        throw new GatewayFailure({ kind: 'refused', operation, problem });
      }
      const query: DeleteCardQuery = {
        srcClientId,
        serviceId,
        srcCorrelationId: correlationId,
        reason,
        requestor: REQUESTOR,
      };
      const url = urlOf(baseUrl + cardPath(srcDigitalCardId), query);
      return remove(caller, url, { operation, correlationId, flowId, signal: call?.signal });
    },

    async deleteProfile({ srcConsumerId, correlationId, flowId }, call) {
      const operation = 'deleteProfile';
      const query: DeleteProfileQuery = {
        srcClientId,
        serviceId,
        srcCorrelationId: correlationId,
        srcConsumerId,
      };
      const url = urlOf(baseUrl + PROFILES_PATH, query);
      return remove(caller, url, { operation, correlationId, flowId, signal: call?.signal });
    },

    async close() {
      if (dispatcher !== options.dispatcher) await dispatcher.close();
    },
  };
}

/** Only Mastercard's own word makes something removed or absent: any other answer is a failure. */
async function remove(
  caller: SignedCaller,
  url: string,
  call: Omit<Call<object>, 'request' | 'accept'>,
): Promise<RemovalResult> {
  try {
    await caller.call({
      ...call,
      request: { method: 'DELETE', url },
      accept: (answer) => readDeleteAnswer(answer.body) ?? "the answer is not the contract's JSON",
    });
    return 'removed';
  } catch (error) {
    if (error instanceof GatewayFailure && error.kind === 'notFound') return 'absent';
    throw error;
  }
}

function urlOf(address: string, query: object): string {
  return `${address}?${new URLSearchParams({ ...query }).toString()}`;
}
