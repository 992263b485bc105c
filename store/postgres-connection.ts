import pg from 'pg';
import { StoreUrlError } from './store-url-error.js';

const CONNECT_WITHIN_MS = 10_000;
/** The longest that c2p asks for is a page of batches or 1 MB of blob: milliseconds. */
const STATEMENT_WITHIN_MS = 30_000;

/** Where a PostgreSQL database is. */
export interface PostgresPlace {
  /** Holds the password. */
  url: string;
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
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (!parsed || !/^postgres(ql)?:$/.test(parsed.protocol))
    throw new StoreUrlError('the environment variable that it names does not hold a postgres:// URL');
  const host = parsed.hostname || parsed.searchParams.get('host') || 'localhost';
  const port = parsed.port || parsed.searchParams.get('port') || '5432';
  return { url, shown: `${host}:${port}${parsed.pathname}` };
}

/**
 * A pool whose connections fail in time when the server or the network is gone.
 * @throws StoreUrlError when the URL names a certificate that cannot be read.
 */
export function createPool({ url }: PostgresPlace): pg.Pool {
  const pool = readingUrl(
    () =>
      new pg.Pool({
        connectionString: url,
        application_name: 'c2p',
        // Else a command ends only when its idle connections do.
        allowExitOnIdle: true,
        connectionTimeoutMillis: CONNECT_WITHIN_MS,
        statement_timeout: STATEMENT_WITHIN_MS,
        // When nobody is there to end the statement.
        query_timeout: STATEMENT_WITHIN_MS + CONNECT_WITHIN_MS,
        keepAlive: true,
      }),
  );
  // An idle connection that ends has no caller to tell; the pool makes another one when it is needed.
  pool.on('error', () => undefined);
  return pool;
}

/** One connection, for what may take long. @throws StoreUrlError */
export function createConnection({ url }: PostgresPlace): pg.Client {
  const client = readingUrl(
    () =>
      new pg.Client({
        connectionString: url,
        application_name: 'c2p',
        connectionTimeoutMillis: CONNECT_WITHIN_MS,
        keepAlive: true,
      }),
  );
  // What is under way then is told; without this, the process would end.
  client.on('error', () => undefined);
  return client;
}

function readingUrl<T>(make: () => T): T {
  try {
    return make();
  } catch (error) {
    const { code = 'unknown error' } = error as NodeJS.ErrnoException;
    throw new StoreUrlError(`a file that the URL names cannot be read, or the URL is malformed (${code})`);
  }
}
