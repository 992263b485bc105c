import { createServer, STATUS_CODES, type Server, type ServerOptions } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Duplex } from 'node:stream';
import type { FastifyHttpOptions } from 'fastify';
import type { Logger } from 'pino';
import { AUDIT_EVENT } from './audit.js';

/** Who sends a request slower than that is not waited for (ms). */
const REQUEST_WITHIN_MS = 30_000;

/** Node answers a request without a host on its own, so that nobody could count or audit it. */
const SERVER_OPTIONS: ServerOptions = { requestTimeout: REQUEST_WITHIN_MS, requireHostHeader: false };

const STATUS_OF: Readonly<Record<string, number>> = {
  ERR_HTTP_REQUEST_TIMEOUT: 408,
  HPE_HEADER_OVERFLOW: 431,
};

export interface HttpServerOptions {
  tls?: { certificate: string; key: string } | undefined;
  /** All that there are. */
  paths: readonly string[];
  audit: Logger;
}

/**
 * For Fastify, a server with which every request comes to Fastify's hooks, whatever its path and headers. What comes
 * to none, since it cannot be read as a request or asks for a tunnel, is refused and audited here.
 */
export function httpServer({ tls, paths, audit }: HttpServerOptions): FastifyHttpOptions<Server> {
  const refuse = (socket: Duplex & { remoteAddress?: string }, status: number) => {
    const refused = 'this is no request that can be read';
    audit.info(
      { event: AUDIT_EVENT, operation: 'unknown', ip: socket.remoteAddress, status, refused },
      'refused',
    );
    if (socket.writable)
      socket.write(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\n\r\n`);
    socket.destroy();
  };
  return {
    // Fastify answers a path that it cannot decode without any hook.
    rewriteUrl: ({ url = '' }) => (paths.includes(url.split('?', 1)[0]!) ? url : '/'),
    serverFactory: (handler) => {
      const server = tls
        ? createTlsServer({ ...SERVER_OPTIONS, cert: tls.certificate, key: tls.key }, handler)
        : createServer(SERVER_OPTIONS, handler);
      server.on('checkExpectation', handler);
      server.on('connect', (_request, socket) => refuse(socket, 400));
      server.on('clientError', ({ code = '' }: NodeJS.ErrnoException, socket) => {
        if (code !== 'ECONNRESET' && !socket.destroyed) refuse(socket, STATUS_OF[code] ?? 400);
      });
      return server;
    },
    clientErrorHandler: () => {},
  };
}
