import type { AddressInfo } from 'node:net';
import Fastify from 'fastify';
import { registerApi } from './api.js';
import { ApiError } from './api-error.js';
import { BatchRegistry } from './batches.js';
import { Clients } from './clients.js';
import { CONTROL_PATH, registerControl } from './control.js';
import { Directory } from './directory.js';
import { FaultQueue } from './faults.js';
import type { FaultRequest } from './faults.js';
import { Processor } from './processing.js';
import { RequestLog } from './request-log.js';
import type { Simulator, SimulatorOptions, SimulatorSettings } from './types.js';
import { WIRE } from './wire.js';

const BODY_LIMIT = 4 * 1024 * 1024;
/** Of Mastercard's ids, percent-encoded. */
const LONGEST_ID = 3 * 255;

/**
 * Starts a local Mastercard for the Batch Enroll API. It verifies every signature, decrypts and checks
 * every batch, processes it for a while, and misbehaves when asked to. It shares nothing with the code it
 * checks but the names on the wire.
 *
 * @example
 * const simulator = await createSimulator({ credentials: [program], processingMs: 0 });
 * simulator.fault({ operation: 'enroll', fault: { kind: 'dropAfter' } });
 * // … enroll a batch at simulator.baseUrl …
 * simulator.accepted().length; // 1
 * await simulator.close();
 *
 * @throws SimulatorOptionsError for a key that cannot be read; what `listen` throws, for instance EADDRINUSE
 */
export async function createSimulator(options: SimulatorOptions): Promise<Simulator> {
  const { host = '127.0.0.1', port = 0, now = Date.now, seed = 1, wire = WIRE, logger } = options;
  const settings: SimulatorSettings = {
    processingMs: options.processingMs ?? 3000,
    duplicates: options.duplicates ?? 'withBatchId',
  };
  const clients = new Clients(options.credentials);
  const directory = new Directory();
  const registry = new BatchRegistry(new Processor(directory, seed), settings, now, options.effects);
  const faults = new FaultQueue();
  const log = new RequestLog();
  const closing = new AbortController();

  const methods = {
    accepted: () => registry.accepted(),
    enrolledCards: () => {
      registry.processDue();
      return directory.cards();
    },
    requests: () => log.list(),
    fault: (request: FaultRequest) => faults.add(request),
    clearFaults: () => faults.clear(),
    configure: (changes: Partial<SimulatorSettings>) => ({ ...Object.assign(settings, changes) }),
  };

  const app = Fastify({
    forceCloseConnections: true,
    bodyLimit: BODY_LIMIT,
    routerOptions: { maxParamLength: LONGEST_ID },
  });
  app.setErrorHandler<Error & { statusCode?: number; code?: string }>((error, _request, reply) => {
    // Messages of errors that were not foreseen may quote the request; codes do not.
    const message = `Not handled: ${error.code ?? error.name}`;
    const answer = new ApiError(error.statusCode ?? 500, { message });
    return reply.code(answer.status).send(answer.bodyOn(wire));
  });
  app.setNotFoundHandler((_request, reply) => {
    const answer = new ApiError(404, {
      reason: 'RESOURCE_UNKNOWN',
      message: 'There is nothing at this path',
      shape: 'gatewayA',
    });
    return reply.code(answer.status).send(answer.bodyOn(wire));
  });
  registerApi(app, {
    clients,
    registry,
    directory,
    faults,
    log,
    settings,
    now,
    closing: closing.signal,
    logger,
    wire,
  });
  registerControl(app, methods);
  await app.listen({ host, port });

  const { port: actualPort } = app.server.address() as AddressInfo;
  const origin = `http://${reachable(host)}:${actualPort}`;
  return {
    ...methods,
    rekey: (key) => clients.rekey(key),
    baseUrl: origin + wire.basePath,
    controlUrl: origin + CONTROL_PATH,
    port: actualPort,
    close: async () => {
      closing.abort();
      await app.close();
    },
  };
}

/** The host part of a URL that reaches a server listening on `host` from this machine. */
function reachable(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return host.includes(':') ? `[${host}]` : host;
}
