import type pg from 'pg';
import { MIGRATIONS, type Migration } from './migrations/index.js';
import { createConnection, type PostgresPlace } from './postgres-connection.js';
import { storeUnavailable } from './postgres-errors.js';

/** Any number that nobody else takes an advisory lock of this database with. */
const LOCK = 0x633270; // 'c2p'

/** A role without the right to make schemas may have been given this one. */
const BEGINNING = `
  do $$ begin
    if to_regnamespace('c2p') is null then create schema c2p; end if;
  end $$;
  create table if not exists c2p.migrations (
    number integer primary key,
    name text not null,
    applied_at timestamptz not null default now()
  );`;

/**
 * Brings the tables of a store up to this version: all migrations that it lacks, in one transaction. A second
 * process that does so at the same time waits, and finds nothing left to do. Tables of a later version are left as they are.
 * @returns what was applied, in order.
 * @throws StoreUnavailableError
 */
export async function migrate(place: PostgresPlace): Promise<Migration[]> {
  const connection = createConnection(place);
  try {
    await connection.connect();
    await connection.query('begin');
    await connection.query('select pg_advisory_xact_lock($1)', [LOCK]);
    const missing = await pendingMigrations(connection);
    if (missing.length > 0) await connection.query(BEGINNING);
    for (const { number, name, sql } of missing) {
      await connection.query(sql);
      await connection.query('insert into c2p.migrations (number, name) values ($1, $2)', [number, name]);
    }
    await connection.query('commit');
    return missing;
  } catch (error) {
    throw storeUnavailable('migrate the tables of c2p', place.shown, error);
  } finally {
    // Ends the transaction too.
    await connection.end();
  }
}

/**
 * The migrations that a database lacks.
 * @throws what `pg` throws
 */
export async function pendingMigrations(database: Pick<pg.Client | pg.Pool, 'query'>): Promise<Migration[]> {
  const { rows } = await database.query<{ exists: boolean }>(
    "select to_regclass('c2p.migrations') is not null as exists",
  );
  if (!rows[0]?.exists) return [...MIGRATIONS];
  const applied = await database.query<{ number: number }>('select number from c2p.migrations');
  const numbers = new Set(applied.rows.map(({ number }) => number));
  return MIGRATIONS.filter(({ number }) => !numbers.has(number));
}
