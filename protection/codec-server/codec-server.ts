import type { AddressInfo } from 'node:net';
import cors from '@fastify/cors';
import rateLimit from '@fastify/rate-limit';
import type { PayloadCodec } from '@temporalio/common';
import Fastify from 'fastify';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { UNMASK_SCOPE, type Caller } from './access-tokens.js';
import { admit, refuseForeignPage, type AdmissionOptions } from './admission.js';
import { auditRequests } from './audit.js';
import { httpServer } from './http-server.js';
import { isDeeper, MAX_DEPTH } from '../json-depth.js';
import { formatPayloads, parsePayloads } from './payloads-json.js';
import { maskPayload } from './personal-data.js';
import { Refusal, refusalOf } from './refusals.js';

const DECODE = '/decode';
const HEALTH = '/health';

/** Temporal's largest gRPC message, 4 MB, in base64. */
export const BODY_LIMIT = 6 * 1024 * 1024;
const PREFLIGHT_SECONDS = 600;

export interface CodecServerOptions extends AdmissionOptions {
  host: string;
  /** 0: a free one. */
  port: number;
  /** Certificate and private key in PEM. */
  tls?: { certificate: string; key: string } | undefined;
  codec: PayloadCodec;
  /** From one address. A page of the Web UI asks once for each event of a history. */
  requestsPerMinute: number;
  /** Addresses of proxies that are believed about the caller's address. */
  trustedProxies?: readonly string[] | undefined;
  audit: Logger;
}

export interface CodecServer {
  /** The codec endpoint of the Web UI and the CLI. */
  url: string;
  close: () => Promise<void>;
}

/**
 * Starts Temporal's codec server over HTTP, by which its Web UI and CLI show what the payload codec
 * encrypted: `POST /decode`. There is no `/encode`: what it encrypted, workflows would believe. Every request needs a
 * token that holds, a namespace that is served and, from a browser, an origin that is configured. Personal data is
 * masked in what is decoded, unless the token has the scope `c2p:unmask`.
 * @throws what listening throws, for instance EADDRINUSE.
 */
export async function createCodecServer(options: CodecServerOptions): Promise<CodecServer> {
  const { codec, tls, trustedProxies, origins, audit } = options;
  const app: FastifyInstance = Fastify({
    bodyLimit: BODY_LIMIT,
    forceCloseConnections: true,
    trustProxy: trustedProxies ? [...trustedProxies] : false,
    ...httpServer({ tls, paths: [DECODE, HEALTH], audit }),
  });
  const entryOf = auditRequests(app, audit);
  app.setErrorHandler((error: unknown, request, reply) => {
    const { status, message } = refusalOf(error);
    entryOf(request).refused = message;
    if (status === 401) reply.header('WWW-Authenticate', 'Bearer');
    return reply.code(status).send({ message });
  });
  await app.register(cors, {
    origin: [...origins],
    methods: ['POST'],
    allowedHeaders: ['Authorization', 'Authorization-Extras', 'Content-Type', 'X-Namespace'],
    maxAge: PREFLIGHT_SECONDS,
    // A preflight, too, is counted, and refused where its page may not ask.
    preflightContinue: true,
    strictPreflight: false,
  });
  await app.register(rateLimit, {
    global: false,
    max: options.requestsPerMinute,
    timeWindow: '1 minute',
    allowList: isHealthCheck,
  });
  app.addHook('onRequest', app.rateLimit());
  // Before anything of a body is read.
  app.addHook('onRequest', async (request, reply) => {
    refuseForeignPage(request.headers, origins);
    if (isPreflight(request)) return reply.code(204).send();
    if (request.is404 || request.method === 'OPTIONS')
      throw new Refusal(404, 'there is nothing at this path');
  });

  const parse = app.getDefaultJsonParser('error', 'error');
  app.addContentTypeParser<string>('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (isDeeper(body, MAX_DEPTH)) done(new Refusal(400, 'the body has too many brackets in one another'));
    else void parse(request, body, done);
  });

  const callers = new WeakMap<FastifyRequest, Caller>();
  app.post(DECODE, {
    preParsing: async (request) => {
      const entry = entryOf(request);
      const { caller, namespace } = await admit(request.headers, options, ({ subject }) => {
        entry.who = subject;
      });
      entry.namespace = namespace;
      callers.set(request, caller);
    },
    handler: async (request, reply) => {
      const payloads = parsePayloads(request.body);
      if (!payloads) throw new Refusal(400, 'the body must be {"payloads": […]}, protobuf as JSON');
      const entry = entryOf(request);
      entry.payloads = payloads.length;
      void reply.header('Cache-Control', 'no-store');
      const decoded = await codec.decode(payloads);
      entry.unmasked = callers.get(request)!.scopes.has(UNMASK_SCOPE);
      return formatPayloads(entry.unmasked ? decoded : decoded.map(maskPayload));
    },
  });
  app.get(HEALTH, () => ({ status: 'ok' }));

  await app.listen({ host: options.host, port: options.port });
  return { url: urlOf(app, options), close: () => app.close() };
}

function isHealthCheck({ routeOptions }: FastifyRequest): boolean {
  return routeOptions.url === HEALTH;
}

function isPreflight({ method, headers }: FastifyRequest): boolean {
  return (
    method === 'OPTIONS' &&
    headers.origin !== undefined &&
    headers['access-control-request-method'] !== undefined
  );
}

function urlOf(app: FastifyInstance, { host, tls }: CodecServerOptions): string {
  const { port } = app.server.address() as AddressInfo;
  return `${tls ? 'https' : 'http'}://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
