import { randomUUID } from 'node:crypto';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { answerOf, refusal } from './answers.js';
import type { Answer, Deed } from './answers.js';
import { ApiError, errorOn } from './api-error.js';
import type { BatchRegistry } from './batches.js';
import type { Clients } from './clients.js';
import type { Directory } from './directory.js';
import type { Fault, FaultQueue, Operation } from './faults.js';
import { openJwe } from './jwe-opener.js';
import { createOAuthVerifier } from './oauth-verifier.js';
import type { RequestLog } from './request-log.js';
import { readBody, readPayload, readQuery } from './request-schema.js';
import type { SimulatorLogger, SimulatorSettings } from './types.js';
import type { BatchAnswer, Wire } from './wire.js';

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
  wire: Wire;
}

/** The Batch Enroll API, and the two deletions of the Card API beside it. */
export function registerApi(app: FastifyInstance, context: ApiContext): void {
  const { clients, registry, directory, settings, now, wire } = context;
  const { paths, requests, statuses, answers } = wire;
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
        answer = await answerOf(deed, { ...wire, success: successStatus }, fault, context.closing);
      } catch (error) {
        answer = refusal(wire, error);
      }
      const status = answer === 'dropped' ? answer : answer.status;
      const flowId = request.headers[wire.headers.flowId];
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
    const { externalBatchId, enrollmentData, srcCorrelationId, ...ids } = readBody(
      requests.enroll,
      bodyOf(request),
    );
    const client = clients.authorise(consumerKey, ids);
    const offer = registry.noteOffer(client, externalBatchId, enrollmentData);
    return () => {
      const known = registry.findByExternalId(client, externalBatchId);
      if (known !== undefined && settings.duplicates !== 'acceptedAgain') {
        throw new ApiError(409, {
          kind: 'duplicate',
          message: 'A batch of this externalBatchId was accepted before',
          details: [{ reason: 'ALREADY_EXISTS', source: 'externalBatchId', sourceType: 'BODY' }],
          extra: settings.duplicates === 'withBatchId' ? { batchId: known, externalBatchId } : undefined,
        });
      }
      const plaintext = openJwe(enrollmentData, client.decryptionKey, client.kids, wire.encryptions);
      const payload = readPayload(wire, plaintext, now());
      const { batchId, flowId } = registry.accept(client, externalBatchId, payload, offer);
      return { body: answers.receipt({ batchId, externalBatchId, srcCorrelationId }), flowId };
    };
  };

  const prepareStatus = (request: FastifyRequest, consumerKey: string): Deed => {
    const client = clients.authorise(consumerKey, readQuery(requests.status, request.query));
    const { id: batchId } = request.params as { id: string };
    return () => {
      const status = registry.statusOf(client, batchId);
      if (!status)
        throw new ApiError(404, { kind: 'unknownBatch', message: 'There is no batch of this batchId' });
      return { body: statusOn(wire, status.answer), flowId: status.flowId };
    };
  };

  const prepareDeleteCard = (request: FastifyRequest, consumerKey: string): Deed => {
    const { srcCorrelationId, ...ids } = readQuery(requests.card, request.query);
    const client = clients.authorise(consumerKey, ids);
    const { id: srcDigitalCardId } = request.params as { id: string };
    return () => {
      registry.processDue();
      if (!directory.deleteCard(client, srcDigitalCardId)) {
        throw new ApiError(404, { kind: 'absent', message: 'There is no card of this srcDigitalCardId' });
      }
      return { body: answers.removed({ srcCorrelationId }) };
    };
  };

  const prepareDeleteProfile = (request: FastifyRequest, consumerKey: string): Deed => {
    const { srcConsumerId, srcCorrelationId, ...ids } = readQuery(requests.profile, request.query);
    const client = clients.authorise(consumerKey, ids);
    return () => {
      registry.processDue();
      const done = directory.deleteProfile(client, srcConsumerId);
      if (done === 'absent')
        throw new ApiError(404, { kind: 'absent', message: 'There is no profile of this srcConsumerId' });
      if (done === 'hasCards') {
        throw new ApiError(400, { reason: 'INVALID_STATE', message: 'The profile still has cards' });
      }
      return { body: answers.removed({ srcCorrelationId }) };
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
        reply.headers({ [wire.headers.correlationId]: randomUUID(), 'x-src-response-host': 'simulator' });
        next();
      });
      api.post(paths.enroll, handle('enroll', statuses.accepted, prepareEnroll));
      api.get(paths.status, handle('status', 200, prepareStatus));
      api.delete(paths.card, handle('deleteCard', statuses.removed, prepareDeleteCard));
      api.delete(paths.profile, handle('deleteProfile', statuses.removed, prepareDeleteProfile));
      done();
    },
    { prefix: wire.basePath },
  );
}

function statusOn(wire: Wire, { batchStatus, records, ...ids }: BatchAnswer): object {
  const { words, answers } = wire;
  return answers.status({
    ...ids,
    batchStatus: words[batchStatus] ?? batchStatus,
    ...(records && {
      records: records.map(({ status, error, ...card }) =>
        answers.card({
          ...card,
          status: words[status] ?? status,
          ...(error && { error: errorOn(wire, error) }),
        }),
      ),
    }),
  });
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
