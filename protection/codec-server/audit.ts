import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';

/** What one request came to. */
export interface AuditEntry {
  /** The token's subject, once it is known that the token holds. */
  who?: string;
  /** One that is served; another is not repeated. */
  namespace?: string;
  payloads?: number;
  /** Whether personal data was shown. */
  unmasked?: boolean;
  /** Why the request was refused. */
  refused?: string;
}

/** The name of a line of the audit log. */
export const AUDIT_EVENT = 'codecRequest';

/**
 * Writes one line for each request that wants something (`event: "codecRequest"`): when, who, from where,
 * which namespace, how many payloads, and what came of it. Never content: PCI DSS 10.2. What is refused is such a
 * request whatever its method and path; health checks and preflights that are answered are none.
 * @returns what finds the entry of a request, to be filled in.
 */
export function auditRequests(app: FastifyInstance, log: Logger): (request: FastifyRequest) => AuditEntry {
  const entries = new WeakMap<FastifyRequest, AuditEntry>();
  const entryOf = (request: FastifyRequest): AuditEntry => {
    const entry = entries.get(request) ?? {};
    entries.set(request, entry);
    return entry;
  };
  app.addHook('onResponse', (request, { statusCode }, done) => {
    const { method, ip, routeOptions } = request;
    const entry = entries.get(request);
    if (entry) {
      const operation = (method === 'POST' && routeOptions.url?.slice(1)) || 'unknown';
      log.info(
        { event: AUDIT_EVENT, operation, method, ip, status: statusCode, ...entry },
        entry.refused === undefined ? 'answered' : 'refused',
      );
    }
    done();
  });
  return entryOf;
}
