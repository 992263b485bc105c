import pg from 'pg';
import type { KeyRingSource } from '../protection/key-ring.js';
import { pendingMigrations } from './migrate.js';
import { createPool, type PostgresPlace } from './postgres-connection.js';
import { isConnectionLost, storeOutdated, storeUnavailable } from './postgres-errors.js';
import * as sql from './postgres-sql.js';
import { openBlob, sealBlob } from './sealing.js';
import { SealedBlobMissingError, type BatchAddress, type FinalOutcomes, type OpenStore } from './store.js';

export interface PostgresStoreOptions {
  place: PostgresPlace;
  keyRing: KeyRingSource;
}

/**
 * Sealed blobs, and the outcomes of closed batches, in a PostgreSQL database (13 or later) that any number
 * of machines share. The tables are those of `MIGRATIONS`. The database sees only sealed bytes, the names of
 * blobs and the rows of `FinalOutcomes`.
 *
 * To erase is to delete the row; its bytes stay on the server's disk until VACUUM, and in backups and
 * write-ahead logs for as long as those are kept. What makes them worthless is that the key is gone from the
 * key ring, as with `FilesystemStore`.
 *
 * Each call is one statement, which may be repeated: one whose connection is lost is put once more, since a
 * connection of the pool may have died unnoticed. To wait for a server that is away is for callers.
 */
export class PostgresStore implements OpenStore {
  readonly where: string;
  readonly #pool: pg.Pool;
  readonly #keyRing: KeyRingSource;

  /** Connects when it is first asked. */
  constructor({ place, keyRing }: PostgresStoreOptions) {
    this.#pool = createPool(place);
    this.where = place.shown;
    this.#keyRing = keyRing;
  }

  async put(
    batch: BatchAddress,
    ref: string,
    plaintext: Uint8Array,
    outcomes?: FinalOutcomes,
  ): Promise<void> {
    const sealed = await sealBlob(this.#keyRing, batch, ref, plaintext);
    const what = `write ${nameOf(batch, ref)}`;
    if (!outcomes) return void (await this.#query(what, sql.PUT, [...keyOf(batch, ref), sealed]));
    const { closedAt, rows } = outcomes;
    await this.#query(what, sql.PUT_WITH_OUTCOMES, [
      ...keyOf(batch, ref),
      sealed,
      closedAt,
      rows.map((row) => row.externalConsumerId),
      rows.map((row) => row.externalCardId),
      rows.map((row) => row.status),
      rows.map((row) => row.round ?? null),
      rows.map((row) => row.reason ?? null),
    ]);
  }

  async putNew(batch: BatchAddress, ref: string, plaintext: Uint8Array): Promise<boolean> {
    const sealed = await sealBlob(this.#keyRing, batch, ref, plaintext);
    const values = [...keyOf(batch, ref), sealed];
    const { rowCount } = await this.#query(`write ${nameOf(batch, ref)}`, sql.PUT_NEW, values);
    return rowCount === 1;
  }

  async get(batch: BatchAddress, ref: string): Promise<Uint8Array> {
    const sealed = await this.#sealed(batch, ref);
    if (!sealed) throw new SealedBlobMissingError(batch, ref);
    return openBlob(this.#keyRing, batch, ref, sealed);
  }

  async has(batch: BatchAddress, ref: string): Promise<boolean> {
    return (await this.keyIdOf(batch, ref)) !== undefined;
  }

  async delete(batch: BatchAddress, ref: string): Promise<void> {
    await this.#query(`erase ${nameOf(batch, ref)}`, sql.DELETE, keyOf(batch, ref));
  }

  async list(batch: BatchAddress): Promise<string[]> {
    const { program, externalBatchId } = batch;
    const what = `list ${nameOf(batch)}`;
    const { rows } = await this.#query<{ ref: string }>(what, sql.LIST, [program, externalBatchId]);
    return rows.map(({ ref }) => ref);
  }

  /** Page by page, each behind the last batch of the one before: nothing is held open meanwhile. */
  async *batches(): AsyncGenerator<BatchAddress> {
    let last: BatchAddress | undefined = { program: '', externalBatchId: '' };
    while (last) {
      const behind: string[] = [last.program, last.externalBatchId];
      const page: pg.QueryResult<BatchAddress> = await this.#query('list batches', sql.BATCHES, behind);
      yield* page.rows;
      last = page.rows.at(-1);
    }
  }

  async lastWritten(batch: BatchAddress): Promise<Date | undefined> {
    const { program, externalBatchId } = batch;
    const what = `read ${nameOf(batch)}`;
    const { rows } = await this.#query<{ at: Date | null }>(what, sql.LAST_WRITTEN, [
      program,
      externalBatchId,
    ]);
    return rows[0]?.at ?? undefined;
  }

  async keyIdOf(batch: BatchAddress, ref: string): Promise<string | undefined> {
    const what = `read ${nameOf(batch, ref)}`;
    const { rows } = await this.#query<{ key_id: string }>(what, sql.KEY_ID, keyOf(batch, ref));
    return rows[0]?.key_id;
  }

  async reseal(batch: BatchAddress, ref: string): Promise<boolean> {
    const keyId = await this.keyIdOf(batch, ref);
    if (keyId === undefined || keyId === (await this.#keyRing.latest()).currentKeyId) return false;
    const before = await this.#sealed(batch, ref);
    if (!before) return false;
    const plaintext = await openBlob(this.#keyRing, batch, ref, before);
    const after = await sealBlob(this.#keyRing, batch, ref, plaintext);
    const values = [...keyOf(batch, ref), after, before];
    const { rowCount } = await this.#query(`re-seal ${nameOf(batch, ref)}`, sql.RESEAL, values);
    return rowCount === 1;
  }

  async checkReady(): Promise<void> {
    const missing = await this.#attempt('look for the tables of c2p', () => pendingMigrations(this.#pool));
    if (missing.length > 0)
      throw storeOutdated(
        this.where,
        missing.map(({ name }) => name),
      );
  }

  eraseCommand({ program, externalBatchId }: BatchAddress): string {
    const [first, second] = [program, externalBatchId].map(pg.escapeLiteral);
    return `run in PostgreSQL: delete from c2p.blobs where program = ${first} and external_batch_id = ${second}`;
  }

  close(): Promise<void> {
    return this.#pool.end();
  }

  async #sealed(batch: BatchAddress, ref: string): Promise<Uint8Array | undefined> {
    const what = `read ${nameOf(batch, ref)}`;
    const { rows } = await this.#query<{ sealed: Uint8Array }>(what, sql.GET, keyOf(batch, ref));
    return rows[0]?.sealed;
  }

  #query<Row extends pg.QueryResultRow>(
    what: string,
    text: string,
    values: unknown[],
  ): Promise<pg.QueryResult<Row>> {
    return this.#attempt(what, () => this.#pool.query<Row>(text, values));
  }

  async #attempt<T>(what: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work().catch((error: unknown) => {
        if (!isConnectionLost(error)) throw error;
        return work();
      });
    } catch (error) {
      throw storeUnavailable(what, this.where, error);
    }
  }
}

function keyOf({ program, externalBatchId }: BatchAddress, ref: string): unknown[] {
  return [program, externalBatchId, ref];
}

function nameOf({ program, externalBatchId }: BatchAddress, ...ref: string[]): string {
  return [program, externalBatchId, ...ref].join('/');
}
