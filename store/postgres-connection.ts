import pg from 'pg';
import { parseIntoClientConfig } from 'pg-connection-string';
import { StoreUrlError } from './store-url-error.js';

const CONNECT_WITHIN_MS = 10_000;
/** The longest that c2p asks for is a page of batches or a megabyte of blob. */
const STATEMENT_WITHIN_MS = 30_000;

/**
 * One `@` and one path at most, and no fragment: in a password that is not escaped, each of these would end it, and
 * its rest would be looked up as a host and shown.
 */
const UNAMBIGUOUS = /^postgres(?:ql)?:\/\/[^/?#@]*(?:@[^/?#@]*)?(?:\/[^/?#@]*)?(?:\?[^#@]*)?$/;

/** Where a PostgreSQL database is. */
export interface PostgresPlace {
  /** Holds the password, and the certificates that the URL names. */
  config: pg.ClientConfig;
  /** For messages: host, port and database, and nothing else of the URL. */
  shown: string;
}

/**
 * @param urlEnv the name of the environment variable with the URL:
 *   `postgres://user:password@host:5432/database?sslmode=verify-full&sslrootcert=/path`.
 * @throws StoreUrlError, which repeats neither the name nor the value: who mistakes the one for the other
 *   writes the password there.
 */
export function postgresPlace(urlEnv: string, env: NodeJS.ProcessEnv): PostgresPlace {
  const url = env[urlEnv];
  if (!url) throw new StoreUrlError('the environment variable that it names is not set');
  if (!/^postgres(ql)?:\/\//.test(url))
    throw new StoreUrlError('the environment variable that it names does not hold a postgres:// URL');
  if (!UNAMBIGUOUS.test(url))
    throw new StoreUrlError(
      'the URL is malformed; write each of @ / # ? in its user, password and database as %40 %2F %23 %3F',
    );
  const config = parse(url);
  const { host, port, database } = config;
  return { config, shown: `${host || 'localhost'}:${port || 5432}/${database ?? ''}` };
}

/** A pool whose connections fail in time when the server or the network is gone. */
export function createPool({ config }: PostgresPlace): pg.Pool {
  const pool = new pg.Pool({
    application_name: 'c2p',
    // Else a command ends only when its idle connections do.
    allowExitOnIdle: true,
    connectionTimeoutMillis: CONNECT_WITHIN_MS,
    statement_timeout: STATEMENT_WITHIN_MS,
    // When nobody is there to end the statement.
    query_timeout: STATEMENT_WITHIN_MS + CONNECT_WITHIN_MS,
    keepAlive: true,
    ...config,
  });
  // An idle connection that ends has no caller to tell; the pool makes another one when it is needed.
  pool.on('error', () => undefined);
  return pool;
}

/** One connection, for what may take long. */
export function createConnection({ config }: PostgresPlace): pg.Client {
  const client = new pg.Client({
    application_name: 'c2p',
    connectionTimeoutMillis: CONNECT_WITHIN_MS,
    keepAlive: true,
    ...config,
  });
  // Calls under way get the error; without this listener, the process would end.
  client.on('error', () => undefined);
  return client;
}

/** Reads the files that the URL names. The parser's own error may quote the URL. */
function parse(url: string): pg.ClientConfig {
  try {
    const config = parseIntoClientConfig(url);
    const { ssl } = config;
    // Else Node leaves it to NODE_TLS_REJECT_UNAUTHORIZED.
    return ssl ? { ...config, ssl: { rejectUnauthorized: true, ...(ssl === true ? {} : ssl) } } : config;
  } catch (error) {
    const { code = 'unknown error' } = error as NodeJS.ErrnoException;
    throw new StoreUrlError(`the URL is malformed, or a file that it names cannot be read (${code})`);
  }
}
