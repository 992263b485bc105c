import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { Client, Connection, type WorkflowHandle } from '@temporalio/client';
import type { DataConverter } from '@temporalio/common';
import { msToTs } from '@temporalio/common/lib/time.js';
import { EnrollmentClient } from '../../client/enrollment-client.js';
import { loadConfig } from '../../config/load.js';
import {
  startEmbeddedTemporal,
  type EmbeddedTemporal,
  type EmbeddedTemporalOptions,
} from '../../dev/embedded-temporal.js';
import { writeSandboxConfig } from '../../dev/sandbox.js';
import type { BatchResult } from '../../enrollment/batch.js';
import { workflowIdOf } from '../../enrollment/identifiers.js';
import { protectedDataConverter, workerDataConverter } from '../../protection/data-converter.js';
import { openKeyRing } from '../../protection/live-key-ring.js';
import { createSimulator, type Simulator } from '../../simulator/index.js';
import { openStore } from '../../store/open-store.js';
import type { OpenStore } from '../../store/store.js';
import { SEARCH_ATTRIBUTES } from '../../workflows/search-attributes.js';
import { ensureSearchAttributes } from '../../worker/search-attributes.js';
import { sharedTemporal } from './shared-temporal.js';
import { sandboxKeysIn } from './sandbox-keys.js';
import { startRealWorker, type RealWorker, type WorkerPlace } from './real-worker.js';

export const PROGRAM = 'demo';

export interface SiteOptions {
  /** How long the simulator takes to process a batch (ms); default 0. */
  processingMs?: number;
  /** Names of programs beside `demo`, which are like it. */
  otherPrograms?: string[];
  /** How many calls a second the program may make; default as in the configuration. */
  requestsPerSecond?: number;
  /** A PostgreSQL database with the store's tables; default: a folder of the site's own. */
  storeUrl?: string;
  /** Whether its workers read portfolios, from `sourceFolder`; a release before 0.5.0 cannot. */
  bulk?: boolean;
}

/**
 * A real Temporal server, and any number of sites on it. `close` ends every process that was started and
 * removes every file.
 */
export class RealEnvironment {
  private readonly sites: RealSite[] = [];

  private constructor(
    readonly folder: string,
    readonly address: string,
    readonly namespace: string,
    readonly connection: Connection,
    /** Where it is this environment's own. */
    private own?: { server: EmbeddedTemporal; options: EmbeddedTemporalOptions },
  ) {}

  /** A namespace of its own on the server that all test files share: for what neither kills nor configures it. */
  static async shared(): Promise<RealEnvironment> {
    const folder = await mkdtemp(join(tmpdir(), 'c2p-real-'));
    const address = await sharedTemporal();
    const connection = await Connection.connect({ address });
    const namespace = basename(folder).toLowerCase();
    const workflowExecutionRetentionPeriod = msToTs('1 day');
    await connection.workflowService.registerNamespace({ namespace, workflowExecutionRetentionPeriod });
    await ensureSearchAttributes(connection, namespace, SEARCH_ATTRIBUTES);
    return new RealEnvironment(folder, address, namespace, connection);
  }

  /**
   * A server of its own, on a database file.
   * @param dynamicConfig of the server
   * @param logLevel of the server
   */
  static async start(
    dynamicConfig?: Record<string, string>,
    logLevel?: EmbeddedTemporalOptions['logLevel'],
  ): Promise<RealEnvironment> {
    const folder = await mkdtemp(join(tmpdir(), 'c2p-real-'));
    const options = { dbFilename: join(folder, 'temporal.db'), dynamicConfig, logLevel };
    const server = await startEmbeddedTemporal(options);
    const { address, namespace } = server;
    const connection = await Connection.connect({ address });
    await ensureSearchAttributes(connection, namespace, SEARCH_ATTRIBUTES);
    return new RealEnvironment(folder, address, namespace, connection, { server, options });
  }

  get uiUrl(): string {
    return this.own!.server.uiUrl;
  }

  get serverPid(): number {
    return this.own!.server.pid;
  }

  /** Kills the server with SIGKILL; only where it is this environment's own. */
  killServer(): Promise<void> {
    return this.own!.server.kill();
  }

  /** Starts the server again as it was, at the same address and on the same database file. */
  async startServerAgain(): Promise<void> {
    const port = Number(this.address.split(':').pop());
    this.own!.server = await startEmbeddedTemporal({ ...this.own!.options, port });
  }

  /** A site of its own: nothing that happens there touches another one. */
  async site(name: string, options: SiteOptions = {}): Promise<RealSite> {
    const site = await RealSite.create(this, name, options);
    this.sites.push(site);
    return site;
  }

  async close(): Promise<void> {
    for (const site of this.sites) await site.close();
    await this.connection.close();
    await this.own?.server.kill();
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** One issuer: a simulator, keys, a configuration, a store, a task queue, and the workers that were started. */
export class RealSite {
  private readonly workers: RealWorker[] = [];
  private closing: Promise<void> | undefined;

  private constructor(
    readonly environment: RealEnvironment,
    readonly folder: string,
    readonly configPath: string,
    readonly simulator: Simulator,
    readonly store: OpenStore,
    readonly temporal: Client,
    readonly dataConverter: DataConverter,
    readonly client: EnrollmentClient,
    readonly taskQueue: string,
    /** Where its workers read portfolios. */
    readonly sourceFolder: string,
    private readonly storeEnv: NodeJS.ProcessEnv,
  ) {}

  static async create(
    environment: RealEnvironment,
    name: string,
    { processingMs = 0, otherPrograms = [], requestsPerSecond, storeUrl, bulk = false }: SiteOptions,
  ): Promise<RealSite> {
    const folder = join(environment.folder, name);
    const keys = await sandboxKeysIn(folder);
    const simulator = await createSimulator({ credentials: [keys.credentials], processingMs });
    const { baseUrl } = simulator;
    const taskQueue = `c2p-${name}`;
    const sourceFolder = join(folder, 'portfolios');
    await mkdir(sourceFolder);
    const { configPath } = await writeSandboxConfig(keys, {
      baseUrl,
      taskQueue,
    });
    await adjustPrograms(configPath, otherPrograms, requestsPerSecond);
    if (bulk) await adjust(configPath, { bulk: { folder: sourceFolder, allowPrivateAddresses: true } });
    if (storeUrl !== undefined) await adjust(configPath, { store: { kind: 'postgres', urlEnv: STORE_URL } });
    const env = { [STORE_URL]: storeUrl };

    const config = await loadConfig(configPath);
    const keyRing = await openKeyRing(config.dataKeys);
    const store = await openStore(config.store, keyRing, env);
    const { connection, namespace } = environment;
    const dataConverter = workerDataConverter(keyRing, { codec: true, namespace });
    const temporal = new Client({ connection, namespace, dataConverter: protectedDataConverter(keyRing) });
    const client = EnrollmentClient.using({ config, temporal, store, keyRing });
    return new RealSite(
      environment,
      folder,
      configPath,
      simulator,
      store,
      temporal,
      dataConverter,
      client,
      taskQueue,
      sourceFolder,
      env,
    );
  }

  /**
   * @param stallAt a point of `stalling-worker.js`
   * @param how the command of another release, or other circumstances
   */
  async startWorker(
    stallAt?: string,
    how: Pick<WorkerPlace, 'cli' | 'through' | 'env'> = {},
  ): Promise<RealWorker> {
    const { folder, configPath } = this;
    const env = { ...this.storeEnv, ...how.env };
    const { address: temporalAddress, namespace: temporalNamespace } = this.environment;
    const place = { folder, configPath, temporalAddress, temporalNamespace, ...how, env };
    const worker = await startRealWorker(place, stallAt);
    this.workers.push(worker);
    return worker;
  }

  /** A client as the configuration file now has it: tests change keys and codec. */
  async clientNow(): Promise<EnrollmentClient> {
    const config = await loadConfig(this.configPath);
    const keyRing = await openKeyRing(config.dataKeys);
    const dataConverter = protectedDataConverter(keyRing, config);
    const { connection, namespace } = this.environment;
    const temporal = new Client({ connection, namespace, dataConverter });
    return EnrollmentClient.using({ config, temporal, store: this.store, keyRing });
  }

  /** What the environment of a command at this site names. */
  get env(): { C2P_CONFIG: string; TEMPORAL_ADDRESS: string; TEMPORAL_NAMESPACE: string } {
    const { address, namespace } = this.environment;
    return { C2P_CONFIG: this.configPath, TEMPORAL_ADDRESS: address, TEMPORAL_NAMESPACE: namespace };
  }

  workflow(externalBatchId: string): WorkflowHandle<() => Promise<BatchResult>> {
    return this.temporal.workflow.getHandle(workflowIdOf({ program: PROGRAM, externalBatchId }));
  }

  /** What of the batch is in the store. */
  blobs(externalBatchId: string): Promise<string[]> {
    return this.store.list({ program: PROGRAM, externalBatchId });
  }

  /** Whether a worker is at the call to Mastercard that submits the batch. */
  async submits(externalBatchId: string): Promise<boolean> {
    const { raw } = await this.workflow(externalBatchId).describe();
    return (raw.pendingActivities ?? []).some(
      ({ activityType, lastStartedTime }) => activityType?.name === 'submitBatch' && lastStartedTime != null,
    );
  }

  /** Once: the environment closes what its tests have not. */
  close(): Promise<void> {
    this.closing ??= this.closeAll();
    return this.closing;
  }

  private async closeAll(): Promise<void> {
    await Promise.all(this.workers.map((worker) => worker.kill()));
    await this.store.close();
    await this.simulator.close();
  }
}

const STORE_URL = 'C2P_STORE_URL';

async function adjust(configPath: string, changes: object): Promise<void> {
  const config = JSON.parse(await readFile(configPath, 'utf8')) as object;
  await writeFile(configPath, JSON.stringify({ ...config, ...changes }));
}

async function adjustPrograms(
  configPath: string,
  others: string[],
  requestsPerSecond: number | undefined,
): Promise<void> {
  const config = JSON.parse(await readFile(configPath, 'utf8')) as { programs: Record<string, object> };
  const program = { ...config.programs[PROGRAM], requestsPerSecond };
  for (const name of [PROGRAM, ...others]) config.programs[name] = program;
  await writeFile(configPath, JSON.stringify(config));
}
