import { randomUUID } from 'node:crypto';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import {
  CARDS_PATH,
  ENROLLMENTS_PATH,
  FLOW_ID_HEADER,
  PROFILES_PATH,
  SANDBOX_BASE_URL,
} from '../mastercard/contract.js';
import { answerOf, refusal } from './answers.js';
import type { Answer, Deed } from './answers.js';
import { ApiError } from './api-error.js';
import type { BatchRegistry } from './batches.js';
import type { Clients } from './clients.js';
import type { Directory } from './directory.js';
import type { Fault, FaultQueue, Operation } from './faults.js';
import { openJwe } from './jwe-opener.js';
import { createOAuthVerifier } from './oauth-verifier.js';
import type { RequestLog } from './request-log.js';
import {
  readDeleteCardQuery,
  readDeleteProfileQuery,
  readEnrollRequest,
  readPayload,
  readStatusQuery,
} from './request-schema.js';
import type { SimulatorLogger, SimulatorSettings } from './types.js';

/** Where the API is, below the simulator's origin: the same as at Mastercard. */
export const BASE_PATH = new URL(SANDBOX_BASE_URL).pathname;

export interface ApiContext {
  clients: Clients;
  registry: BatchRegistry;
  directory: Directory;
  faults: FaultQueue;
  log: RequestLog;
  settings: SimulatorSettings;
  now: () => number;
  closing: AbortSignal;
  logger: SimulatorLogger | undefined;
}

/** The Batch Enroll API, and the two deletions of the Card API beside it. */
export function registerApi(app: FastifyInstance, context: ApiContext): void {
  const { clients, registry, directory, settings, now } = context;
  // Signatures' timestamps come from the callers' clock, so it is not the simulated one that they meet.
  const verifyRequest = createOAuthVerifier((consumerKey) => clients.signingKeyOf(consumerKey), Date.now);

  /**
   * Every call goes the same way: verify the signature, `prepare` it (read it, find out who calls; a refusal
   * here takes no fault from the queue), and only then meet a fault or be carried out.
   */
  const handle =
    (
      operation: Operation,
      successStatus: number,
      prepare: (request: FastifyRequest, consumerKey: string) => Deed,
    ) =>
    async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
      let fault: Fault | undefined;
      let answer: Answer;
      try {
        const consumerKey = verifyRequest({
          method: request.method,
          host: request.headers.host ?? '',
          target: request.raw.url ?? '',
          authorization: request.headers.authorization,
          body: bodyOf(request),
        });
        const deed = prepare(request, consumerKey);
        fault = context.faults.take(operation);
        answer = await answerOf(deed, successStatus, fault, context.closing);
      } catch (error) {
        answer = refusal(error);
      }
      const status = answer === 'dropped' ? answer : answer.status;
      const flowId = request.headers[FLOW_ID_HEADER];
      context.log.add({
        at: new Date(now()).toISOString(),
        operation,
        status,
        ...(fault && { fault: fault.kind }),
        flowId: typeof flowId !== 'string' ? 'absent' : registry.issued(flowId) ? 'returned' : 'foreign',
      });
      context.logger?.info(
        {
          method: request.method,
          route: request.routeOptions.url,
          status,
          durationMs: Math.round(reply.elapsedTime),
        },
        'answered',
      );
      return send(reply, answer);
    };

  const prepareEnroll = (request: FastifyRequest, consumerKey: string): Deed => {
    const { externalBatchId, enrollmentData, srcCorrelationId, ...ids } = readEnrollRequest(bodyOf(request));
    const client = clients.authorise(consumerKey, ids);
    const offer = registry.noteOffer(client, externalBatchId, enrollmentData);
    return () => {
      const known = registry.findByExternalId(client, externalBatchId);
      if (known !== undefined && settings.duplicates !== 'acceptedAgain') {
        throw new ApiError(409, {
          message: 'A batch of this externalBatchId was accepted before',
          details: [{ reason: 'ALREADY_EXISTS', source: 'externalBatchId', sourceType: 'BODY' }],
          extra: settings.duplicates === 'withBatchId' ? { batchId: known, externalBatchId } : undefined,
        });
      }
      const payload = readPayload(openJwe(enrollmentData, client.decryptionKey, client.kids), now());
      const { batchId, flowId } = registry.accept(client, externalBatchId, payload, offer);
      return { body: { batchId, externalBatchId, srcCorrelationId }, flowId };
    };
  };

  const prepareStatus = (request: FastifyRequest, consumerKey: string): Deed => {
    const client = clients.authorise(consumerKey, readStatusQuery(request.query));
    const { batchId } = request.params as { batchId: string };
    return () => {
      const status = registry.statusOf(client, batchId);
      if (!status) throw new ApiError(404, { message: 'There is no batch of this batchId' });
      return { body: status.answer, flowId: status.flowId };
    };
  };

  const prepareDeleteCard = (request: FastifyRequest, consumerKey: string): Deed => {
    const { srcCorrelationId, ...ids } = readDeleteCardQuery(request.query);
    const client = clients.authorise(consumerKey, ids);
    const { srcDigitalCardId } = request.params as { srcDigitalCardId: string };
    return () => {
      registry.processDue();
      if (!directory.deleteCard(client, srcDigitalCardId)) {
        throw new ApiError(404, { message: 'There is no card of this srcDigitalCardId' });
      }
      return { body: { srcCorrelationId } };
    };
  };

  const prepareDeleteProfile = (request: FastifyRequest, consumerKey: string): Deed => {
    const { srcConsumerId, srcCorrelationId, ...ids } = readDeleteProfileQuery(request.query);
    const client = clients.authorise(consumerKey, ids);
    return () => {
      registry.processDue();
      const done = directory.deleteProfile(client, srcConsumerId);
      if (done === 'absent')
        throw new ApiError(404, { message: 'There is no profile of this srcConsumerId' });
      if (done === 'hasCards') {
        throw new ApiError(400, { reason: 'INVALID_STATE', message: 'The profile still has cards' });
      }
      return { body: { srcCorrelationId } };
    };
  };

  app.register(
    (api, _options, done) => {
      // The body hash is over the bytes as received: they must not be parsed before.
      api.removeAllContentTypeParsers();
      api.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, parsed) =>
        parsed(null, body),
      );
      api.addHook('onRequest', (_request, reply, next) => {
        reply.headers({ 'correlation-id': randomUUID(), 'x-src-response-host': 'simulator' });
        next();
      });
      api.post(ENROLLMENTS_PATH, handle('enroll', 202, prepareEnroll));
      api.get(`${ENROLLMENTS_PATH}/:batchId`, handle('status', 200, prepareStatus));
      api.delete(`${CARDS_PATH}/:srcDigitalCardId`, handle('deleteCard', 200, prepareDeleteCard));
      api.delete(PROFILES_PATH, handle('deleteProfile', 200, prepareDeleteProfile));
      done();
    },
    { prefix: BASE_PATH },
  );
}

function bodyOf(request: FastifyRequest): Buffer {
  return Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
}

function send(reply: FastifyReply, answer: Answer): FastifyReply {
  if (answer === 'dropped') {
    reply.hijack();
    reply.raw.destroy();
    return reply;
  }
  return reply.code(answer.status).headers(answer.headers).send(Buffer.from(answer.body));
}
