import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { activityInfo, ApplicationFailure, type Context } from '@temporalio/activity';
import type { ActivityInboundCallsInterceptor } from '@temporalio/worker';
import type { EnrollmentClient } from '../../client/enrollment-client.js';
import type { EnrollmentGateway } from '../../mastercard/gateway.js';
import { createHttpGateway } from '../../mastercard/http-gateway.js';
import { loadEncryptionKey, loadSigningKey } from '../../mastercard/keys.js';
import type { Recipient } from '../../mastercard/jwe.js';
import { createSimulator, type Simulator } from '../../simulator/index.js';
import { Rig } from '../support/rig.js';
import type { WatchedRun } from './watched-run.js';
import { watchedGateway } from './wire.js';
import { activityKey } from './rest.js';
import { WORKER_DIED } from './worker-died.js';
import { sandboxKeysIn } from '../support/sandbox-keys.js';
import { batchEnroll } from '../../mastercard/api/batch-enroll.js';

const DYING_WORKERS = fileURLToPath(new URL('./dying-workers.ts', import.meta.url));

/** Whose workers keep workflows in memory, as they do in real life. */
const CACHED = 'c2p-model';
/**
 * Whose workers replay the whole history at every workflow task, as after a restart. Only these may really
 * be restarted: the test server does not notice that a worker with a workflow in its cache is gone.
 */
const UNCACHED = 'c2p-model-uncached';

/**
 * Everything that is the same for all runs of the model: one time-skipping Temporal, one simulator that
 * is called over HTTP, and the workers, which a run may start again.
 */
export class World {
  /** The run that is under way; what happens to the batches of others is nobody's concern any more. */
  run: WatchedRun | undefined;
  private readonly stopWorkers = new Map<string, () => Promise<void>>();

  private constructor(
    readonly rig: Rig,
    readonly simulator: Simulator,
    private readonly gateways: { simulator: EnrollmentGateway; closedPort: EnrollmentGateway },
    private readonly recipient: Recipient,
    private readonly folder: string,
  ) {}

  static async create(): Promise<World> {
    const rig = await Rig.create({
      workflowInterceptorModules: [DYING_WORKERS],
      handsOver: () => world.run?.scenario.handsOver === true,
    });
    const folder = await mkdtemp(join(tmpdir(), 'c2p-model-'));
    const { keys, credentials } = await sandboxKeysIn(folder);
    const clock = { now: () => Date.now() };
    const simulator = await createSimulator({ credentials: [credentials], now: () => clock.now() });
    const access = { ...credentials, signingKey: await loadSigningKey({ path: keys.signingKey }, {}) };
    const world: World = new World(
      rig,
      simulator,
      {
        simulator: createHttpGateway({ api: batchEnroll, ...access, baseUrl: simulator.baseUrl }),
        closedPort: createHttpGateway({ api: batchEnroll, ...access, baseUrl: 'http://127.0.0.1:1' }),
      },
      await loadEncryptionKey({ path: keys.encryptionCertificate }),
      folder,
    );
    clock.now = () => world.run?.now ?? Date.now();
    await world.startWorkers(CACHED);
    await world.startWorkers(UNCACHED);
    return world;
  }

  /** Enrolls at workers of either kind. */
  client(cached: boolean): EnrollmentClient {
    return this.rig.client({ taskQueue: cached ? CACHED : UNCACHED });
  }

  /** Stops the workers of the runs without a cache and starts them again. */
  async restartWorkers(): Promise<void> {
    await this.stopWorkers.get(UNCACHED)?.();
    await this.startWorkers(UNCACHED);
  }

  async close(): Promise<void> {
    for (const stop of this.stopWorkers.values()) await stop();
    await this.rig.close();
    await Promise.all(Object.values(this.gateways).map((gateway) => gateway.close()));
    await this.simulator.close();
    await rm(this.folder, { recursive: true, force: true });
  }

  private async startWorkers(taskQueue: string): Promise<void> {
    const { rig, gateways, simulator, recipient } = this;
    const workers = await rig.createWorkers({
      taskQueue,
      gateway: watchedGateway(gateways, simulator, () => this.currentRun()),
      recipient,
      activityInterceptors: [(context) => ({ inbound: this.mortal(context) })],
      ...(taskQueue === UNCACHED && { maxCachedWorkflows: 0 }),
    });
    const running = Promise.all(workers.map((worker) => worker.run()));
    this.stopWorkers.set(taskQueue, async () => {
      for (const worker of workers) worker.shutdown();
      await running;
    });
  }

  /** The run that the current activity belongs to, if it is still under way. */
  private currentRun(): WatchedRun | undefined {
    const { run } = this;
    return activityInfo().workflowExecution?.workflowId === run?.workflowId ? run : undefined;
  }

  /**
   * Activities whose waits within an attempt are short, and whose worker dies when the run wants that: what
   * Temporal makes of an attempt that does not report back, without the seconds until it notices.
   */
  private mortal(context: Context): ActivityInboundCallsInterceptor {
    const { sleep } = context;
    Object.assign(context, { sleep: () => sleep(1) });
    return {
      execute: async (input, next) => {
        const run = this.currentRun();
        if (!run) return next(input);
        const { activityType, attempt } = activityInfo();
        const activity = activityKey();
        const death = run.troubles.takeDeath(activityType);
        run.rest.attemptBegins(activity, attempt);
        await run.tick();
        const dies = () => {
          run.saw({ op: 'death', activityType });
          return ApplicationFailure.create({ type: WORKER_DIED, message: 'the worker died' });
        };
        try {
          if (death === 'before') throw dies();
          const result = await next(input);
          if (death === 'after') throw dies();
          return result;
        } finally {
          run.rest.attemptIsOver(activity, attempt);
        }
      },
    };
  }
}
