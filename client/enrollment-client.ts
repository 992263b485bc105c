import { Client, Connection } from '@temporalio/client';
import { graceOf, recordRules, type C2pConfig, type ProgramConfig } from '../config/config.js';
import { loadConfig } from '../config/load.js';
import { loadTemporalConfig } from '../config/temporal.js';
import { batchIdProblem } from '../enrollment/acceptance.js';
import type { BatchKey } from '../enrollment/batch.js';
import { bulkIdProblem, type BulkKey } from '../enrollment/bulk.js';
import { protectedDataConverter } from '../protection/data-converter.js';
import type { KeyRingSource } from '../protection/key-ring.js';
import { openKeyRing } from '../protection/live-key-ring.js';
import { EncryptingPayloadCodec } from '../protection/payload-codec.js';
import { usageOfKey, type KeyUsage } from '../retention/key-usage.js';
import { lookingClient } from '../retention/looking-client.js';
import type { OrphanEnd, OrphanOptions } from '../retention/close-orphan.js';
import { findOrphans, type OrphanedBatch } from '../retention/orphans.js';
import { checkKeyRingProbe } from '../store/key-ring-probe.js';
import { openStore } from '../store/open-store.js';
import { StoreUnavailableError, type BatchStore, type OpenStore } from '../store/store.js';
import { BulkEnrollment } from './bulk-enrollment.js';
import { BulkAmbiguousError, BulkInvalidError, BulkNotFoundError } from './bulk-errors.js';
import { EnrollmentBatch } from './enrollment-batch.js';
import {
  BatchAmbiguousError,
  BatchInvalidError,
  BatchNotFoundError,
  CodecMissingError,
  ProgramUnknownError,
  TemporalUnavailableError,
} from './errors.js';
import { listBatches, type BatchSummary, type ListFilter } from './list.js';
import type { Connections } from './remembered-workflow.js';
import { startBatch, type EnrollRequest, type Starter } from './start-batch.js';
import { startBulk, type BulkRequest } from './start-bulk.js';

/** What a client needs of the configuration. */
export type ClientConfig = Pick<C2pConfig, 'programs' | 'taskQueue' | 'bulk'> &
  Partial<Pick<C2pConfig, 'sweep'>>;

export interface ConnectOptions {
  /** A configuration, or the path of one; by default `C2P_CONFIG`, else `c2p.config.json`. */
  config?: C2pConfig | string | undefined;
}

/**
 * What a backend enrolls batches with. It seals the records into the store and starts one durable
 * workflow a batch; from there on a worker carries the batch to its end, whatever becomes of the caller.
 *
 * @example
 * ```ts
 * const client = await EnrollmentClient.connect({ config: 'c2p.config.json' });
 * const batch = await client.enroll({ externalBatchId: '2026-11-debit-0001', program: 'demo', records });
 * const { status, counts } = await batch.result();
 * for (const outcome of await batch.outcomes()) console.log(outcome.externalCardId, outcome.status);
 * await client.close();
 * ```
 */
export class EnrollmentClient {
  private constructor(
    private readonly config: ClientConfig,
    private readonly temporal: Client,
    private readonly store: BatchStore,
    private readonly keyRing: KeyRingSource,
    /** The store, where this client opened it. */
    private readonly opened?: OpenStore,
    /** For workflows of which it does not matter any more whether their memo can be read. */
    private readonly looking = lookingClient(temporal),
  ) {}

  /**
   * Reads the configuration and the key ring and connects to Temporal (`TEMPORAL_*`, `temporal.toml`). Before that, it
   * reads the probe that workers leave in the store, so that a key ring which is not theirs is refused here. Nothing is
   * written; where there is no probe yet, or the store cannot be read at present, it connects without.
   * @throws ConfigError with every problem by path, KeyRingError, StoreUrlError, KeyRingProbeError,
   *   ProxyUrlError, TemporalUnavailableError.
   */
  static async connect(options: ConnectOptions = {}): Promise<EnrollmentClient> {
    const config = typeof options.config === 'object' ? options.config : await loadConfig(options.config);
    const keyRing = await openKeyRing(config.dataKeys);
    const store = await openStore(config.store, keyRing);
    try {
      await checkKeyRingProbe(store, keyRing).catch((error: unknown) => {
        if (!(error instanceof StoreUnavailableError)) throw error;
      });
      const place = loadTemporalConfig();
      const { namespace } = place;
      const connection = await Connection.connect(place.client).catch((error: unknown) => {
        throw new TemporalUnavailableError(place, error);
      });
      const dataConverter = protectedDataConverter(keyRing, config);
      const temporal = new Client({ connection, namespace, dataConverter });
      return new EnrollmentClient(config, temporal, store, keyRing, store);
    } catch (error) {
      await store.close();
      throw error;
    }
  }

  /**
   * For a process that has its own connection and store; the key ring is not compared with that of the workers. `close`
   * then closes that connection too.
   * @throws CodecMissingError for a Temporal client without a data converter of `protectedDataConverter`.
   */
  static using(parts: {
    config: ClientConfig;
    temporal: Client;
    store: BatchStore;
    keyRing: KeyRingSource;
  }): EnrollmentClient {
    const { payloadCodecs } = parts.temporal.options.loadedDataConverter;
    if (!payloadCodecs.some((codec) => codec instanceof EncryptingPayloadCodec))
      throw new CodecMissingError();
    return new EnrollmentClient(parts.config, parts.temporal, parts.store, parts.keyRing);
  }

  /**
   * Starts a batch, or finds it if the same records were started under this id before: calling twice,
   * even at the same time, is one batch. Invalid records are no error: they end as `INVALID` outcomes.
   *
   * @throws BatchConflictError when the id was used for other records.
   * @throws BatchInvalidError for no records, more cards than `maxCardsPerBatch`, or an unusable id.
   * @throws RecordUnreadableError when there was a batch of this id, and the store's record of it, which says of which records, cannot be read.
   * @throws ProgramUnknownError, PolicyError.
   */
  async enroll(request: EnrollRequest): Promise<EnrollmentBatch> {
    const { program, externalBatchId } = request;
    const starter = this.starter(program);
    const batch = this.handle({ program, externalBatchId });
    await startBatch(starter, batch, request);
    return batch;
  }

  /**
   * A batch by its id, whether it exists or not.
   * @param program may be left out when the configuration has only one.
   * @throws BatchInvalidError for an id that no batch can have.
   */
  batch(externalBatchId: string, program?: string): EnrollmentBatch {
    const only = this.onlyProgram(program);
    if (only === undefined) throw new BatchAmbiguousError(externalBatchId, this.programs);
    return this.handle({ program: only, externalBatchId });
  }

  /**
   * The batch of this id in whichever program has it.
   * @throws BatchNotFoundError, BatchAmbiguousError, BatchInvalidError for an id that no batch can have.
   */
  async find(externalBatchId: string, program?: string): Promise<EnrollmentBatch> {
    const programs = this.programsMeant(program);
    const handles = programs.map((name) => this.handle({ program: name, externalBatchId }));
    const found = await existing(handles);
    if (!found[0]) throw new BatchNotFoundError(externalBatchId, programs);
    if (found.length > 1) throw new BatchAmbiguousError(externalBatchId, programsOf(found));
    return found[0];
  }

  /**
   * Starts a job that enrolls a whole portfolio, batch by batch, or finds it if the same was started under
   * this id before. The source is looked at first, so the machine must see `bulk.folder` as workers do.
   * What cannot be read of it becomes `rejects()`, invalid records end as `INVALID` outcomes.
   *
   * @throws BulkConflictError when the id was used for another source, policy or `onCancel`; limits may differ.
   * @throws BulkInvalidError for an unusable id or limits, or a file outside `bulk.folder`.
   * @throws SourceError when there is no such source, or it is neither JSONL nor CSV.
   * @throws ProgramUnknownError, PolicyError.
   */
  async startBulk(request: BulkRequest): Promise<BulkEnrollment> {
    const { program, bulkId } = request;
    const starter = this.starter(program);
    const bulk = this.bulkHandle({ program, bulkId });
    await startBulk(starter, bulk, request);
    return bulk;
  }

  /**
   * A bulk job by its id, whether it exists or not.
   * @param program may be left out when the configuration has only one.
   * @throws BulkInvalidError for an id that no job can have.
   */
  bulk(bulkId: string, program?: string): BulkEnrollment {
    const only = this.onlyProgram(program);
    if (only === undefined) throw new BulkAmbiguousError(bulkId, this.programs);
    return this.bulkHandle({ program: only, bulkId });
  }

  /**
   * The bulk job of this id in whichever program has it.
   * @throws BulkNotFoundError, BulkAmbiguousError, BulkInvalidError for an id that no job can have.
   */
  async findBulk(bulkId: string, program?: string): Promise<BulkEnrollment> {
    const programs = this.programsMeant(program);
    const found = await existing(programs.map((name) => this.bulkHandle({ program: name, bulkId })));
    if (!found[0]) throw new BulkNotFoundError(bulkId, programs);
    if (found.length > 1) throw new BulkAmbiguousError(bulkId, programsOf(found));
    return found[0];
  }

  /** Batches that Temporal still knows, by its search attributes: the open ones, then those that closed last. */
  list(filter: ListFilter = {}): AsyncIterable<BatchSummary> {
    return listBatches(this.looking, filter);
  }

  /**
   * Batches that nobody works on in this namespace and that still have cardholder data in the store.
   * @param graceMs leaves batches alone that were written to, or whose workflow ended, within this time: in which
   *   an operator may take them back. Default `sweep.grace`.
   */
  orphans(graceMs = graceOf(this.config.sweep ?? false)): AsyncIterable<OrphanedBatch> {
    return findOrphans(this.store, { temporal: this.looking, graceMs, now: new Date() });
  }

  /**
   * Closes a batch that `orphans` named: each of its cards gets an outcome, its cardholder data is erased, its bulk
   * job gets a report. One that was never started is only erased.
   * @param options.elsewhere also one that is `ELSEWHERE`: make sure first that no other namespace has it open.
   * @param options.withoutUnreadable also one that needs a key which is not there: what is under it is then lost.
   * @returns what became of it; `leftAlone` also when it was written to, or taken back, since it was found.
   */
  async closeOrphan(orphan: OrphanedBatch, options: Omit<OrphanOptions, 'by'> = {}): Promise<OrphanEnd> {
    const { looking: temporal, store } = this;
    // Only who closes batches has to load what validates them.
    const { closeOrphan } = await import('../retention/close-orphan.js');
    return closeOrphan(
      { temporal, store, recordRules: recordRules(this.config), now: () => new Date() },
      orphan,
      { ...options, by: 'c2p sweep' },
    );
  }

  /** What of this namespace and of the store would be lost with a key of the key ring. */
  async keyUsage(keyId: string): Promise<KeyUsage> {
    return usageOfKey(keyId, this.store, this.temporal);
  }

  async close(): Promise<void> {
    await Promise.all([this.temporal.connection.close(), this.opened?.close()]);
  }

  /** An id that no batch can have is not asked for: Temporal would keep it, in its log and its errors. */
  private handle(key: BatchKey): EnrollmentBatch {
    const problem = batchIdProblem(key.externalBatchId);
    if (problem !== undefined) throw new BatchInvalidError(problem);
    return new EnrollmentBatch(key, this.connections);
  }

  private bulkHandle(key: BulkKey): BulkEnrollment {
    const problem = bulkIdProblem(key.bulkId);
    if (problem !== undefined) throw new BulkInvalidError(problem);
    return new BulkEnrollment(key, this.connections);
  }

  private starter(program: string): Starter {
    const { connections, keyRing, config } = this;
    const { taskQueue, bulk } = config;
    return { connections, keyRing, taskQueue, program: this.programConfig(program), bulk };
  }

  private get connections(): Connections {
    const { temporal, looking, store } = this;
    return { temporal, looking, store };
  }

  /** Whether the configuration has a program of this name: others may share the namespace. */
  hasProgram(program: string): boolean {
    return Object.hasOwn(this.config.programs, program);
  }

  private get programs(): string[] {
    return Object.keys(this.config.programs);
  }

  private programsMeant(program: string | undefined): string[] {
    if (program === undefined) return this.programs;
    this.programConfig(program);
    return [program];
  }

  private onlyProgram(program: string | undefined): string | undefined {
    const [only, ...others] = this.programsMeant(program);
    return others.length === 0 ? only : undefined;
  }

  private programConfig(program: string): ProgramConfig {
    if (!this.hasProgram(program)) throw new ProgramUnknownError(program, this.programs);
    return this.config.programs[program]!;
  }
}

async function existing<Handle extends { exists(): Promise<boolean> }>(
  handles: readonly Handle[],
): Promise<Handle[]> {
  const exists = await Promise.all(handles.map((handle) => handle.exists()));
  return handles.filter((_, index) => exists[index]);
}

function programsOf(handles: ReadonlyArray<{ key: { program: string } }>): string[] {
  return handles.map(({ key }) => key.program);
}
