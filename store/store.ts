/** Whose blobs: the unit of isolation, of purging and of the authenticated context of a sealed blob. */
export interface BatchAddress {
  program: string;
  externalBatchId: string;
}

/**
 * Sealed blobs by batch. What is written is sealed before it leaves the process and bound to its
 * batch and name: a blob that was altered, truncated, moved to another batch or renamed does not open.
 *
 * A write replaces what was there, at once and whole; a reader never sees half a blob.
 * Every method throws StoreUnavailableError when the store cannot do its work at present.
 */
export interface BatchStore {
  /**
   * @param outcomes of a batch that this blob closes: a store that can be queried makes them readable, in
   *   the same step and in the place of those of before; others have them in their blobs only.
   */
  put(batch: BatchAddress, ref: string, plaintext: Uint8Array, outcomes?: FinalOutcomes): Promise<void>;
  /**
   * Puts a blob unless there is one of that name, which then stays: of several that do so, one wins.
   * @returns whether it was put.
   */
  putNew(batch: BatchAddress, ref: string, plaintext: Uint8Array): Promise<boolean>;
  /** @throws SealedBlobMissingError, and what `KeyRing.open` throws. */
  get(batch: BatchAddress, ref: string): Promise<Uint8Array>;
  has(batch: BatchAddress, ref: string): Promise<boolean>;
  /** Erases a blob; one that is not there is no error. */
  delete(batch: BatchAddress, ref: string): Promise<void>;
  /** The names of the batch's blobs, sorted; empty for an unknown batch. */
  list(batch: BatchAddress): Promise<string[]>;
  /** Every batch that has blobs, in no order, and the probe of `key-ring-probe.ts`, which is none. */
  batches(): AsyncIterable<BatchAddress>;
  /** When a blob of the batch was last put; nothing for an unknown batch. */
  lastWritten(batch: BatchAddress): Promise<Date | undefined>;
  /**
   * The id of the key that a blob is sealed under; nothing for one that is not there, or is no sealed blob.
   */
  keyIdOf(batch: BatchAddress, ref: string): Promise<string | undefined>;
  /**
   * Seals a blob anew if it is sealed under another key than the current one. Who puts or erases it
   * meanwhile wins.
   * @returns whether it did.
   * @throws what `KeyRing.open` throws; then the blob is as it was.
   */
  reseal(batch: BatchAddress, ref: string): Promise<boolean>;
}

/** What became of the cards of a closed batch, one row a card; no personal data but the external ids. */
export interface FinalOutcomes {
  /** ISO 8601, UTC. */
  closedAt: string;
  rows: readonly OutcomeRow[];
}

export interface OutcomeRow {
  externalConsumerId: string;
  externalCardId: string;
  status: string;
  round?: number | undefined;
  reason?: string | undefined;
}

/** A store that this process opened. */
export interface OpenStore extends BatchStore {
  /** For messages: the folder, or the address of the database. */
  readonly where: string;
  /**
   * Looks whether blobs can be kept there, so that a process need not find out later.
   * @throws StoreOutdatedError, StoreUnavailableError
   */
  checkReady(): Promise<void>;
  /** For messages: what an operator runs to erase all blobs of a batch. */
  eraseCommand(batch: BatchAddress): string;
  /** Lets go of what was opened. */
  close(): Promise<void>;
}

/** A blob that was asked for is not in the store. The message names the batch and the blob. */
export class SealedBlobMissingError extends Error {
  override readonly name = 'SealedBlobMissingError';
  readonly code = 'SEALED_BLOB_MISSING';
  constructor(
    batch: BatchAddress,
    readonly ref: string,
  ) {
    super(
      `the store has no blob '${ref}' for batch '${batch.externalBatchId}' of program '${batch.program}'`,
    );
  }
}

/** The store cannot do its work at present. The message says what, where and what to do; `cause` is the reason. */
export class StoreUnavailableError extends Error {
  override readonly name = 'StoreUnavailableError';
  readonly code = 'STORE_UNAVAILABLE';
}

/** The store's tables are older than this version of c2p. The message says what is missing, and what to run. */
export class StoreOutdatedError extends Error {
  override readonly name = 'StoreOutdatedError';
  readonly code = 'STORE_OUTDATED';
}

/** Writes a value as JSON. */
export async function putJson(
  store: BatchStore,
  batch: BatchAddress,
  ref: string,
  value: unknown,
  outcomes?: FinalOutcomes,
): Promise<void> {
  await store.put(batch, ref, Buffer.from(JSON.stringify(value), 'utf8'), outcomes);
}

/** Reads a value that `putJson` wrote. */
export async function getJson<T>(store: BatchStore, batch: BatchAddress, ref: string): Promise<T> {
  return JSON.parse(Buffer.from(await store.get(batch, ref)).toString('utf8')) as T;
}
