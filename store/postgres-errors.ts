import pg from 'pg';
import { StoreOutdatedError, StoreUnavailableError } from './store.js';

const ANSWERS_NOT =
  'PostgreSQL does not answer, or ended the connection; is it running, and is the URL right?';
const NOT_TRUSTED =
  'its certificate is not to be trusted; let sslrootcert in the URL name its authority, and use the host name that it is for';
/** Of OpenSSL's and Node's codes. */
const CERTIFICATE = /CERT|VERIFY|SELF_SIGNED/;
const LACKS_TABLES = 'it lacks tables of c2p; run: c2p store migrate';

/** By SQLSTATE (https://www.postgresql.org/docs/current/errcodes-appendix.html) or its class. */
const EXPLANATIONS: Readonly<Record<string, string>> = {
  '08': ANSWERS_NOT,
  '25006': 'this server only reads: let the URL lead to the primary',
  '28': 'it does not let this user in; mend the user or password in the URL, or pg_hba.conf',
  '3D000': 'there is no such database; create it, or mend the URL',
  '3F000': LACKS_TABLES,
  '42P01': LACKS_TABLES,
  '42703': LACKS_TABLES,
  '42501': 'this user may not; grant it what docs/operations.md says under "PostgreSQL"',
  '53100': "the server's disk is full; free some space",
  '53300': 'it has no connection left; raise max_connections, or run fewer processes',
  '57014': 'it took too long; find out what holds the server up',
  '57P': ANSWERS_NOT,
};

/** Whether the connection is at fault, and another one may do. */
export function isConnectionLost(error: unknown): boolean {
  const state = sqlState(error);
  return state === undefined || state.startsWith('08') || state.startsWith('57P');
}

/**
 * What the store throws for an error of the driver or the server.
 * @param what for example `read demo/B-1/outcomes`
 * @param where `PostgresPlace.shown`
 */
export function storeUnavailable(what: string, where: string, error: unknown): StoreUnavailableError {
  return new StoreUnavailableError(`cannot ${what} in PostgreSQL at ${where}: ${explain(error)}`, {
    cause: withoutValues(error),
  });
}

/** @param missing names of the migrations */
export function storeOutdated(where: string, missing: readonly string[]): StoreOutdatedError {
  return new StoreOutdatedError(
    `the database at ${where} lacks ${missing.join(', ')}; run: c2p store migrate (with the URL of a user who may create tables)`,
  );
}

function explain(error: unknown): string {
  const state = sqlState(error);
  if (state === undefined) {
    // The driver's own words name no row and no part of the URL.
    const { code, message = 'unknown error' } = error as Partial<NodeJS.ErrnoException>;
    return `${CERTIFICATE.test(code ?? '') ? NOT_TRUSTED : ANSWERS_NOT} (${code ?? message})`;
  }
  const keys = [state, state.slice(0, 3), state.slice(0, 2)];
  const known = keys.find((key) => Object.hasOwn(EXPLANATIONS, key));
  return `${known === undefined ? 'PostgreSQL failed' : EXPLANATIONS[known]!} (${state})`;
}

/** Nothing for an error that is not the server's own. */
function sqlState(error: unknown): string | undefined {
  return error instanceof pg.DatabaseError ? (error.code ?? 'XX000') : undefined;
}

/** `detail` and `where` of a server's error quote rows. */
function withoutValues(error: unknown): unknown {
  return error instanceof pg.DatabaseError ? new Error(error.message) : error;
}
