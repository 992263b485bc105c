import { randomUUID } from 'node:crypto';
import { Client, Connection, WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import { stringify } from 'safe-stable-stringify';
import type { C2pConfig, ProgramConfig } from '../config/config.js';
import { loadConfig } from '../config/load.js';
import { loadTemporalConfig } from '../config/temporal.js';
import { acceptBatch, batchIdProblem } from '../enrollment/acceptance.js';
import type { BatchKey } from '../enrollment/batch.js';
import { Blob } from '../enrollment/blobs.js';
import { workflowIdOf } from '../enrollment/identifiers.js';
import { resolvePolicy } from '../enrollment/policy.js';
import { parsePolicy, type PolicyInput } from '../enrollment/policy-schema.js';
import type { EnrollmentRecord } from '../enrollment/records.js';
import { protectedDataConverter } from '../protection/data-converter.js';
import { digestKeyId, type KeyRingSource } from '../protection/key-ring.js';
import { openKeyRing } from '../protection/live-key-ring.js';
import { EncryptingPayloadCodec } from '../protection/payload-codec.js';
import { usageOfKey, type KeyUsage } from '../retention/key-usage.js';
import { lookingClient } from '../retention/looking-client.js';
import { namespaceIdOf } from '../retention/namespace.js';
import { eraseOrphan, findOrphans, type OrphanedBatch } from '../retention/orphans.js';
import { openStore } from '../store/open-store.js';
import { putJson, type BatchStore, type OpenStore } from '../store/store.js';
import type { batchEnrollment } from '../workflows/index.js';
import type { BatchEnrollmentInput } from '../workflows/messages.js';
import * as attributes from '../workflows/search-attributes.js';
import { EnrollmentBatch, type BatchMemo } from './enrollment-batch.js';
import {
  BatchAmbiguousError,
  BatchConflictError,
  BatchInvalidError,
  BatchNotFoundError,
  CodecMissingError,
  ProgramUnknownError,
  TemporalUnavailableError,
} from './errors.js';
import { listBatches, type BatchSummary, type ListFilter } from './list.js';

export interface ConnectOptions {
  /** A configuration, or the path of one; by default `C2P_CONFIG`, else `c2p.config.json`. */
  config?: C2pConfig | string | undefined;
}

export interface EnrollRequest {
  /** 1 to 64 of `[A-Za-z0-9._:-]`; unique per program, for ever. */
  externalBatchId: string;
  program: string;
  records: readonly EnrollmentRecord[];
  /** What differs from the program's policy. Durations are `"30s"`, `"72h"` or milliseconds. */
  policy?: PolicyInput | undefined;
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
    private readonly config: Pick<C2pConfig, 'programs' | 'taskQueue'>,
    private readonly temporal: Client,
    private readonly store: BatchStore,
    private readonly keyRing: KeyRingSource,
    /** The store, where this client opened it. */
    private readonly opened?: OpenStore,
    /** For workflows of which it does not matter any more whether their memo can be read. */
    private readonly looking = lookingClient(temporal),
  ) {}

  /**
   * Reads the configuration and the key ring and connects to Temporal (`TEMPORAL_*`, `temporal.toml`).
   * @throws ConfigError with every problem by path, KeyRingError, StoreUrlError, TemporalUnavailableError.
   */
  static async connect(options: ConnectOptions = {}): Promise<EnrollmentClient> {
    const config = typeof options.config === 'object' ? options.config : await loadConfig(options.config);
    const keyRing = await openKeyRing(config.dataKeys);
    const store = await openStore(config.store, keyRing);
    const { connectionOptions, namespace, address } = loadTemporalConfig();
    const connection = await Connection.connect(connectionOptions).catch((error: unknown) => {
      throw new TemporalUnavailableError(address, error);
    });
    const dataConverter = protectedDataConverter(keyRing, config);
    const temporal = new Client({ connection, namespace, dataConverter });
    return new EnrollmentClient(config, temporal, store, keyRing, store);
  }

  /**
   * For a process that has its own connection and store. `close` then closes that connection too.
   * @throws CodecMissingError for a Temporal client without a data converter of `protectedDataConverter`.
   */
  static using(parts: {
    config: Pick<C2pConfig, 'programs' | 'taskQueue'>;
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
   * @throws ProgramUnknownError, PolicyError.
   */
  async enroll(request: EnrollRequest): Promise<EnrollmentBatch> {
    const { externalBatchId, program, records } = request;
    const key: BatchKey = { program, externalBatchId };
    const programConfig = this.programConfig(program);
    const accepted = acceptBatch(request, programConfig);
    if (accepted.problem !== undefined) throw new BatchInvalidError(accepted.problem);
    const { cards } = accepted;
    const policy = resolvePolicy(
      programConfig.policy,
      parsePolicy(request.policy ?? {}, programConfig.policy),
    );
    const fingerprint = Buffer.from(stringify(records), 'utf8');

    const batch = this.handle(key);
    const closed = await batch.closed();
    if (closed) return this.sameOrConflict(batch, fingerprint, closed.recordsDigest);

    const ref = Blob.records(randomUUID(), await namespaceIdOf(this.temporal));
    const recordsDigest = (await this.keyRing.latest()).digest(fingerprint);
    await putJson(this.store, key, ref, records);
    const input: BatchEnrollmentInput = { ...key, records: ref, recordsDigest, cards, policy };
    try {
      await this.start(input, records.length);
      return batch;
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    }
    const memo = await batch.memo();
    // Another call was first: it is its records that count, and ours must not stay behind.
    if (memo.records !== ref) await this.store.delete(key, ref);
    // Records that came with the workflow's input, and are not, or never were, taken into the store.
    if (memo.recordsDigest === undefined) throw new BatchConflictError(key);
    return this.sameOrConflict(batch, fingerprint, memo.recordsDigest);
  }

  /**
   * A batch by its id, whether it exists or not.
   * @param program may be left out when the configuration has only one.
   * @throws BatchInvalidError for an id that no batch can have.
   */
  batch(externalBatchId: string, program?: string): EnrollmentBatch {
    const programs = Object.keys(this.config.programs);
    if (program !== undefined) this.programConfig(program);
    const only = program ?? (programs.length === 1 ? programs[0] : undefined);
    if (only === undefined) throw new BatchAmbiguousError(externalBatchId, programs);
    return this.handle({ program: only, externalBatchId });
  }

  /**
   * The batch of this id in whichever program has it.
   * @throws BatchNotFoundError, BatchAmbiguousError, BatchInvalidError for an id that no batch can have.
   */
  async find(externalBatchId: string, program?: string): Promise<EnrollmentBatch> {
    if (program !== undefined) this.programConfig(program);
    const programs = program !== undefined ? [program] : Object.keys(this.config.programs);
    const handles = programs.map((name) => this.handle({ program: name, externalBatchId }));
    const exists = await Promise.all(handles.map((handle) => handle.exists()));
    const [found, ...others] = handles.filter((_, index) => exists[index]);
    if (!found) throw new BatchNotFoundError(externalBatchId, programs);
    if (others.length > 0) {
      throw new BatchAmbiguousError(
        externalBatchId,
        [found, ...others].map((handle) => handle.key.program),
      );
    }
    return found;
  }

  /** Batches that Temporal still knows, by its search attributes: the open ones, then those that closed last. */
  list(filter: ListFilter = {}): AsyncIterable<BatchSummary> {
    return listBatches(this.looking, filter);
  }

  /**
   * Batches that nobody works on in this namespace and that still have cardholder data in the store.
   * @param graceMs leaves batches alone that were written to, or whose workflow closed, within this time.
   */
  orphans(graceMs: number): AsyncIterable<OrphanedBatch> {
    return findOrphans({ temporal: this.looking, store: this.store, graceMs, now: new Date() });
  }

  /**
   * Erases the cardholder data of a batch that `orphans` named.
   * @param options.elsewhere also one that is `ELSEWHERE`: make sure first that no other namespace has it open.
   * @returns how many blobs; 0 when the batch was left alone, also because it was written to since.
   */
  async eraseOrphan(orphan: OrphanedBatch, options?: { elsewhere?: boolean }): Promise<number> {
    return eraseOrphan(this.store, orphan, options);
  }

  /** What of this namespace and of the store would be lost with a key of the key ring. */
  async keyUsage(keyId: string): Promise<KeyUsage> {
    return usageOfKey(keyId, this.store, this.temporal);
  }

  async close(): Promise<void> {
    await Promise.all([this.temporal.connection.close(), this.opened?.close()]);
  }

  private async start(input: BatchEnrollmentInput, consumers: number): Promise<void> {
    const { program, externalBatchId, recordsDigest, records, cards } = input;
    const memo: BatchMemo = { recordsDigest, records };
    await this.temporal.workflow.start<typeof batchEnrollment>('batchEnrollment', {
      workflowId: workflowIdOf(input),
      taskQueue: this.config.taskQueue,
      // Failing tells at once whether these records are the batch's: most starts are the first, and need no second look.
      workflowIdConflictPolicy: 'FAIL',
      workflowIdReusePolicy: 'REJECT_DUPLICATE',
      args: [input],
      memo: { ...memo },
      staticSummary: `${externalBatchId}: ${cards} cards of ${consumers} consumers, program ${program}`,
      typedSearchAttributes: [
        { key: attributes.C2pStatus, value: 'VALIDATING' },
        { key: attributes.C2pProgram, value: program },
        { key: attributes.C2pExternalBatchId, value: externalBatchId },
        { key: attributes.C2pRecords, value: cards },
        { key: attributes.C2pFailedRecords, value: 0 },
      ],
    });
  }

  private async sameOrConflict(
    batch: EnrollmentBatch,
    fingerprint: Uint8Array,
    digest: string,
  ): Promise<EnrollmentBatch> {
    const keyRing = await this.keyRing.knowing(digestKeyId(digest));
    if (!keyRing.digestMatches(fingerprint, digest)) throw new BatchConflictError(batch.key);
    return batch;
  }

  /** An id that no batch can have is not asked for: Temporal would keep it, in its log and its errors. */
  private handle(key: BatchKey): EnrollmentBatch {
    const problem = batchIdProblem(key.externalBatchId);
    if (problem !== undefined) throw new BatchInvalidError(problem);
    return new EnrollmentBatch(key, { temporal: this.temporal, looking: this.looking, store: this.store });
  }

  private programConfig(program: string): ProgramConfig {
    const programs = this.config.programs;
    if (!Object.hasOwn(programs, program)) throw new ProgramUnknownError(program, Object.keys(programs));
    return programs[program]!;
  }
}
