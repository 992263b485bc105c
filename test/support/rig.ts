import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { WorkflowClientInterceptor, WorkflowHandle } from '@temporalio/client';
import type { DataConverter } from '@temporalio/common';
import type { History } from '@temporalio/common/lib/proto-utils.js';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import {
  type BundleOptions,
  Worker,
  type ActivityInterceptorsFactory,
  type WorkflowBundleOption,
} from '@temporalio/worker';
import type { ActivityDependencies, ProgramDependencies } from '../../activities/dependencies.js';
import {
  answering,
  createGatewayActivities,
  createLocalActivities,
  type SweepStoreResult,
} from '../../activities/index.js';
import { EnrollmentClient } from '../../client/enrollment-client.js';
import { DEFAULT_GRACE_MS } from '../../config/config.js';
import type { BatchKey } from '../../enrollment/batch.js';
import { gatewayTaskQueue, workflowIdOf } from '../../enrollment/identifiers.js';
import type { EnrollmentApi } from '../../mastercard/api/enrollment-api.js';
import type { EnrollmentGateway } from '../../mastercard/gateway.js';
import type { Recipient } from '../../mastercard/jwe.js';
import { protectedDataConverter, workerDataConverter } from '../../protection/data-converter.js';
import { KeyRing } from '../../protection/key-ring.js';
import { currentDetailsOf } from './current-details.js';
import { DamagedStore } from './damaged-store.js';
import { quietRuntime } from './quiet-runtime.js';
import { historiesOf, Replayer } from './replay.js';
import { ScriptedGateway } from './scripted-gateway.js';
import { createTimeSkippingEnv, FreeTime } from './time-skipping.js';
import { bundleWorkflows, testBundle } from './workflow-bundle.js';
import { batchEnroll } from '../../mastercard/api/batch-enroll.js';

export const PROGRAM = 'demo';

export interface WorkersOptions {
  taskQueue: string;
  gateway: EnrollmentGateway;
  /** Whom batches are encrypted to, always or at each time; default a key that nobody can open them with. */
  recipient?: Recipient | ProgramDependencies['recipient'];
  activityInterceptors?: ActivityInterceptorsFactory[];
  /** 0: every workflow task replays the whole history, as after a restart. */
  maxCachedWorkflows?: number;
  /** What Mastercard's API is like; default the built-in module. */
  api?: EnrollmentApi;
  /** The sweep's and the jobs' grace time (ms). */
  graceMs?: number;
}

export interface RigOptions extends Pick<BundleOptions, 'workflowInterceptorModules'> {
  /** Batches end whose job ended, or handed over, before: see `FreeTime`. */
  childrenOutliveParents?: boolean;
  /** Where Temporal is; by default in skipped time. */
  createEnv?: typeof createTimeSkippingEnv;
  /** Whether a workflow that is started now hands over to a new run at each wait. */
  handsOver?: () => boolean;
}

/**
 * The system in one process for tests of the workflow: time-skipping Temporal, the real activities, a
 * real store and key ring in a temporary folder, and whatever gateway the test brings.
 *
 * Every workflow that was started is replayed by `close`, so a test cannot pass with a history that
 * does not replay.
 */
export class Rig {
  private readonly counters = new Map<string, number>();
  private readonly replayer: Replayer;

  private constructor(
    readonly env: TestWorkflowEnvironment,
    readonly store: DamagedStore,
    readonly keyRing: KeyRing,
    readonly folder: string,
    private readonly bundle: WorkflowBundleOption,
    private readonly starts: Starts,
    private readonly freeTime: FreeTime | undefined,
  ) {
    const { namespace } = env;
    this.replayer = new Replayer(
      bundle,
      workerDataConverter(keyRing, { codec: true, ...(namespace && { namespace }) }),
    );
  }

  static async create(options: RigOptions = {}): Promise<Rig> {
    quietRuntime();
    const starts: Starts = { open: new Set(), handOver: HANDS_OVER };
    const keyRing = KeyRing.parse(KeyRing.generate(), 'test');
    const { createEnv = createTimeSkippingEnv, handsOver = () => false } = options;
    const env = await createEnv({
      interceptors: { workflow: [rememberingIn(starts, handsOver)] },
      dataConverter: protectedDataConverter(keyRing),
    });
    const folder = await mkdtemp(join(tmpdir(), 'c2p-test-'));
    await mkdir(join(folder, 'portfolios'));
    const store = new DamagedStore(join(folder, 'store'), keyRing);
    const { workflowInterceptorModules } = options;
    const bundle = workflowInterceptorModules
      ? await bundleWorkflows({ workflowInterceptorModules })
      : testBundle();
    const freeTime = HANDS_OVER || options.childrenOutliveParents ? new FreeTime(env) : undefined;
    return new Rig(env, store, keyRing, folder, bundle, starts, freeTime);
  }

  /** A batch id of its own, the same in every run of the test file. */
  nextBatchId(prefix = 'batch'): string {
    const n = (this.counters.get(prefix) ?? 0) + 1;
    this.counters.set(prefix, n);
    return `${prefix}-${n}`;
  }

  client(
    options: { maxCardsPerBatch?: number; taskQueue?: string; sourceFolder?: null; api?: EnrollmentApi } = {},
  ): EnrollmentClient {
    return EnrollmentClient.using({
      config: {
        taskQueue: options.taskQueue ?? 'c2p-nobody',
        programs: {
          [PROGRAM]: { ...testProgram(options.maxCardsPerBatch), api: options.api ?? batchEnroll },
        },
        bulk: options.sourceFolder === null ? undefined : { folder: this.sourceFolder },
      },
      temporal: this.env.client,
      store: this.store,
      keyRing: this.keyRing,
    });
  }

  /** As workers and replays have it. */
  get dataConverter(): DataConverter {
    return workerDataConverter(this.keyRing);
  }

  /** Where portfolios are. */
  get sourceFolder(): string {
    return join(this.folder, 'portfolios');
  }

  /** Runs workers against the gateway while the test's own work runs. */
  async running<T>(
    gateway: EnrollmentGateway,
    work: (client: EnrollmentClient, taskQueue: string) => Promise<T>,
    taskQueue = this.nextBatchId('c2p-test'),
  ): Promise<T> {
    const workers = await this.createWorkers({ taskQueue, gateway });
    return runningAll(workers, () => work(this.client({ taskQueue }), taskQueue));
  }

  /** What is started meanwhile hands over to a new run at each wait, if so wanted. */
  async handingOver<T>(isWanted: boolean, work: () => Promise<T>): Promise<T> {
    this.starts.handOver = isWanted || HANDS_OVER;
    try {
      return await work();
    } finally {
      this.starts.handOver = HANDS_OVER;
    }
  }

  /** The workers of a task queue, and of the program's beside it; not running yet. */
  async createWorkers(options: WorkersOptions): Promise<[workflows: Worker, calls: Worker]> {
    const {
      taskQueue,
      gateway,
      recipient = testRecipient,
      activityInterceptors = [],
      maxCachedWorkflows,
      graceMs = DEFAULT_GRACE_MS,
      api = batchEnroll,
    } = options;
    const deps: ActivityDependencies = {
      store: this.store,
      keyRing: this.keyRing,
      sourceFolder: this.sourceFolder,
      graceMs,
      now: () => new Date(),
      recordRules: () => api.records,
      program: () => ({
        api,
        gateway,
        recipient: typeof recipient === 'function' ? recipient : () => Promise.resolve(recipient),
        contentEncryption: api.enrollmentData.contentEncryption,
        maxCardsPerBatch: 250,
        policy: {},
      }),
    };
    const common = {
      connection: this.env.nativeConnection,
      namespace: this.env.namespace,
      dataConverter: this.dataConverter,
      interceptors: {
        activity: [...activityInterceptors, ...(this.freeTime ? [this.freeTime.interceptor] : [])],
      },
    };
    const workflows = await Worker.create({
      ...common,
      taskQueue,
      workflowBundle: this.bundle,
      // Workflows run in this thread: to start another for each test takes six times as long as all else of a worker.
      debugMode: true,
      ...(maxCachedWorkflows === undefined ? {} : { maxCachedWorkflows }),
      activities: answering(createLocalActivities(deps)),
    });
    const calls = await Worker.create({
      ...common,
      taskQueue: gatewayTaskQueue(taskQueue, PROGRAM),
      activities: answering(createGatewayActivities(deps)),
      // A cancellation comes with the answer to a heartbeat.
      maxHeartbeatThrottleInterval: '200ms',
    });
    return [workflows, calls];
  }

  /** Sweeps the store once, by workers of its own. */
  async sweep(graceMs: number): Promise<{ result: SweepStoreResult; workflowId: string; details: string }> {
    const taskQueue = this.nextBatchId('sweep');
    const workers = await this.createWorkers({ taskQueue, gateway: new ScriptedGateway(), graceMs });
    return runningAll(workers, async () => {
      const workflowId = `sweep-${randomUUID()}`;
      const handle = await this.env.client.workflow.start('sweepStore', { taskQueue, workflowId });
      const result = (await handle.result()) as SweepStoreResult;
      return { result, workflowId, details: await currentDetailsOf(handle) };
    });
  }

  workflow(externalBatchId: string): WorkflowHandle {
    return this.env.client.workflow.getHandle(workflowIdOf({ program: PROGRAM, externalBatchId }));
  }

  /** What of the batch is still in the store. */
  blobs(externalBatchId: string): Promise<string[]> {
    return this.store.list({ program: PROGRAM, externalBatchId } satisfies BatchKey);
  }

  /** The history of every run of a batch, the last first. */
  histories(externalBatchId: string): Promise<History[]> {
    return historiesOf(this.env.client, workflowIdOf({ program: PROGRAM, externalBatchId }));
  }

  /** Replays every run of a closed batch, so that `close` need not. */
  async replay(externalBatchId: string): Promise<void> {
    await this.replayWorkflow(workflowIdOf({ program: PROGRAM, externalBatchId }));
  }

  private async replayWorkflow(workflowId: string): Promise<void> {
    const { status } = await this.env.client.workflow.getHandle(workflowId).describe();
    if (status.name === 'RUNNING') throw new Error(`a test left ${workflowId} running`);
    for (const history of await historiesOf(this.env.client, workflowId))
      await this.replayer.replay(history, workflowId);
    this.starts.open.delete(workflowId);
  }

  /** Replays every history, and fails if a test left a workflow running. */
  async close(): Promise<void> {
    try {
      for (const workflowId of this.starts.open) await this.replayWorkflow(workflowId);
      await this.replayer.close();
    } finally {
      this.freeTime?.end();
      await this.env.teardown();
      await rm(this.folder, { recursive: true, force: true });
    }
  }
}

/** One that never ran would hold its connection open. */
export function runningAll<T>([workflows, calls]: [Worker, Worker], work: () => Promise<T>): Promise<T> {
  return workflows.runUntil(calls.runUntil(work));
}

/**
 * Set, every workflow hands over to a new run at each wait: what a test says must hold all the same.
 * `npm run test:long` runs the tests of workflows so, too, but for those that meet what `createRealTimeEnv` is for:
 * `test/scenarios` has those on a real server.
 */
export const HANDS_OVER = process.env['C2P_TEST_HAND_OVER'] !== undefined;

/** What the rig's clients start. */
interface Starts {
  /** The workflows that are to be replayed at the end. */
  open: Set<string>;
  handOver: boolean;
}

function rememberingIn(starts: Starts, handsOver: () => boolean): WorkflowClientInterceptor {
  return {
    startWithDetails: (input, next) => {
      starts.open.add(input.options.workflowId);
      if (!starts.handOver && !handsOver()) return next(input);
      const [first] = input.options.args as [object];
      return next({ ...input, options: { ...input.options, args: [{ ...first, historyLimit: 1 }] } });
    },
  };
}

const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const testRecipient: Recipient = { kid: 'test-kid', key: publicKey };

function testProgram(maxCardsPerBatch = 250) {
  return {
    api: batchEnroll,
    baseUrl: 'http://127.0.0.1:1',
    srcClientId: '5e0d4b84-189d-4c86-822d-590602f62062',
    serviceId: 'SRC',
    consumerKey: 'client!key',
    signingKey: { path: 'unused' },
    encryptionKey: { path: 'unused' },
    contentEncryption: 'A128GCM' as const,
    maxCardsPerBatch,
    requestsPerSecond: 10,
    policy: {},
  };
}
