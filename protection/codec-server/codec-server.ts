import type { AddressInfo } from 'node:net';
import cors from '@fastify/cors';
import rateLimit from '@fastify/rate-limit';
import type { Payload, PayloadCodec } from '@temporalio/common';
import Fastify from 'fastify';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { ENCODE_SCOPE, UNMASK_SCOPE, type Caller } from './access-tokens.js';
import { admit, type AdmissionOptions } from './admission.js';
import { auditRequests, type AuditEntry } from './audit.js';
import { formatPayloads, parsePayloads } from './payloads-json.js';
import { maskPayload } from './personal-data.js';
import { Refusal, refusalOf } from './refusals.js';

/** Temporal's largest gRPC message, 4 MB, in base64. */
const BODY_LIMIT = 6 * 1024 * 1024;
const PREFLIGHT_SECONDS = 600;
/** Who sends a request slower than that is not waited for (ms). */
const REQUEST_WITHIN_MS = 30_000;

export interface CodecServerOptions extends AdmissionOptions {
  host: string;
  /** 0: a free one. */
  port: number;
  /** Certificate and private key in PEM. */
  tls?: { certificate: string; key: string } | undefined;
  codec: PayloadCodec;
  /** Whether there is `/encode`. */
  encode: boolean;
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

type Conversion = (payloads: Payload[], caller: Caller, entry: AuditEntry) => Promise<Payload[]>;

/**
 * Starts Temporal's codec server over HTTP, by which its Web UI and CLI show what the payload codec
 * encrypted: `POST /decode` and, if enabled, `POST /encode`. Every request needs a token that holds, a
 * namespace that is served and, from a browser, an origin that is configured. Personal data is masked
 * in what is decoded, unless the token has the scope `c2p:unmask`.
 * @throws what listening throws, for instance EADDRINUSE.
 */
export async function createCodecServer(options: CodecServerOptions): Promise<CodecServer> {
  const { codec, tls, trustedProxies } = options;
  const app: FastifyInstance = Fastify({
    bodyLimit: BODY_LIMIT,
    requestTimeout: REQUEST_WITHIN_MS,
    forceCloseConnections: true,
    trustProxy: trustedProxies ? [...trustedProxies] : false,
    https: tls ? { cert: tls.certificate, key: tls.key } : null,
  });
  const entryOf = auditRequests(app, options.audit);
  const answerRefusal = (error: unknown, request: FastifyRequest, reply: FastifyReply) => {
    const { status, message } = refusalOf(error);
    entryOf(request).refused = message;
    if (status === 401) reply.header('WWW-Authenticate', 'Bearer');
    return reply.code(status).send({ message });
  };
  app.setErrorHandler(answerRefusal);
  app.setNotFoundHandler((request, reply) =>
    answerRefusal(new Refusal(404, 'there is nothing at this path'), request, reply),
  );
  await app.register(cors, {
    origin: [...options.origins],
    methods: ['POST'],
    allowedHeaders: ['Authorization', 'Authorization-Extras', 'Content-Type', 'X-Namespace'],
    maxAge: PREFLIGHT_SECONDS,
  });
  await app.register(rateLimit, { max: options.requestsPerMinute, timeWindow: '1 minute' });

  const callers = new WeakMap<FastifyRequest, Caller>();
  /** A route that gives back as many payloads as it gets. Nothing of a body is read before it is known who sends it. */
  const route = (path: string, convert: Conversion) =>
    app.post(path, {
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
        entryOf(request).payloads = payloads.length;
        void reply.header('Cache-Control', 'no-store');
        return formatPayloads(await convert(payloads, callers.get(request)!, entryOf(request)));
      },
    });
  route('/decode', async (payloads, { scopes }, entry) => {
    const decoded = await codec.decode(payloads);
    entry.unmasked = scopes.has(UNMASK_SCOPE);
    return entry.unmasked ? decoded : decoded.map(maskPayload);
  });
  if (options.encode) {
    route('/encode', async (payloads, { scopes }) => {
      if (!scopes.has(ENCODE_SCOPE)) throw new Refusal(403, `the token has no scope ${ENCODE_SCOPE}`);
      return codec.encode(payloads);
    });
  }
  app.get('/health', { config: { rateLimit: false } }, () => ({ status: 'ok' }));

  await app.listen({ host: options.host, port: options.port });
  return { url: urlOf(app, options), close: () => app.close() };
}

function urlOf(app: FastifyInstance, { host, tls }: CodecServerOptions): string {
  const { port } = app.server.address() as AddressInfo;
  return `${tls ? 'https' : 'http'}://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
