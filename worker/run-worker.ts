import { rm, writeFile } from 'node:fs/promises';
import { NativeConnection, Runtime, Worker, type WorkerOptions } from '@temporalio/worker';
import type { Logger } from 'pino';
import { answering, createGatewayActivities, createLocalActivities } from '../activities/index.js';
import type { C2pConfig } from '../config/config.js';
import { checkSecrets } from '../config/load.js';
import { temporalUnreachable } from '../config/errors.js';
import { loadTemporalConfig } from '../config/temporal.js';
import { gatewayTaskQueue } from '../enrollment/identifiers.js';
import { workerDataConverter } from '../protection/data-converter.js';
import { leaveKeyRingProbe } from '../store/key-ring-probe.js';
import { StoreUnavailableError } from '../store/store.js';
import { SEARCH_ATTRIBUTES } from '../workflows/search-attributes.js';
import { createDependencies, type WorkerDependencies } from './dependencies.js';
import { publishKeyMetrics } from './key-metrics.js';
import { maskedFailures } from './masked-failures.js';
import { publishRateMetrics } from './rate-metrics.js';
import { shareRates } from './rate-shares.js';
import { installRuntime } from './runtime.js';
import { ensureSearchAttributes } from './search-attributes.js';
import { scheduleSweep } from './sweep-schedule.js';
import { deploymentOptions, deploymentVersion, logRouting } from './versioning.js';
import { workflowSource } from './workflow-bundle.js';

export interface RunWorkerOptions {
  config: C2pConfig;
  logger: Logger;
  /** A file that exists while the worker is ready; for health checks. */
  readyFile?: string | undefined;
  /** What activities work with, when it is not made from the configuration; the worker closes it. */
  dependencies?: WorkerDependencies | undefined;
}

export interface RunningWorker {
  /** Resolves when the worker has stopped and let go of everything; rejects if it died. */
  stopped: Promise<void>;
  /** Takes no new work, finishes what it has within the grace time, and stops. */
  stop(): void;
}

/** How long running activities may take to finish after SIGTERM; longer than a call to Mastercard (30 s). */
const GRACE_TIME = '40s';

const CODEC_OFF =
  'codec is false: anyone who can read the Temporal namespace reads the ids of batches, programs and blobs, counts, ' +
  "policies, Mastercard's batchIds, codes and texts, failures with their stacks, what operators answered, and the " +
  'records of batches that were started with them inline. To encrypt all of it, take codec out of the configuration';

const NOT_PROBED =
  'whether the key ring is that of the other workers could not be seen: the store cannot be read or written';

/**
 * Starts a worker for every program of the configuration and resolves once it polls. It stops on
 * SIGTERM or SIGINT.
 *
 * @throws ConfigError, KeyError, KeyRingError, ProxyUrlError, StoreUrlError before anything connects; StoreOutdatedError,
 *   StoreUnavailableError, KeyRingProbeError; then Temporal's own errors.
 */
export async function runWorker(options: RunWorkerOptions): Promise<RunningWorker> {
  const { config, logger, readyFile } = options;
  await checkSecrets(config);
  const version = deploymentVersion(config);
  const dependencies = options.dependencies ?? (await createDependencies(config, logger));
  installRuntime(logger, config);
  const temporal = loadTemporalConfig();
  const { namespace } = temporal;
  const connection = await NativeConnection.connect(temporal.worker).catch((error: unknown) => {
    throw new Error(temporalUnreachable(temporal), { cause: error });
  });
  try {
    await dependencies.store.checkReady();
    await leaveKeyRingProbe(dependencies.store, dependencies.keyRing).catch((err: unknown) => {
      if (!(err instanceof StoreUnavailableError)) throw err;
      logger.warn({ err }, NOT_PROBED);
    });
    const added = await ensureSearchAttributes(connection, namespace, SEARCH_ATTRIBUTES);
    if (added.length > 0) logger.info({ added }, 'search attributes registered');
    const dataConverter = workerDataConverter(dependencies.keyRing, config);
    if (!config.codec) logger.warn(CODEC_OFF);
    await scheduleSweep({ connection, namespace }, config, logger);
    const workers = await createWorkers(config, dependencies, {
      connection,
      namespace,
      dataConverter,
      ...deploymentOptions(version),
    });
    if (version) await logRouting(connection, namespace, version, logger);
    const stopSharing = await shareRates({
      connection,
      namespace,
      taskQueue: config.taskQueue,
      brakes: dependencies.brakes,
      identity: workers[0]!.options.identity,
      logger,
    });
    const stopPublishing = config.metrics && (await publishMetrics(dependencies));
    const stopped = runAll(workers).finally(async () => {
      stopSharing();
      stopPublishing?.();
      if (readyFile) await rm(readyFile, { force: true });
      await connection.close();
      await dependencies.close();
    });
    if (readyFile) await writeFile(readyFile, `${process.pid}\n`);
    logger.info({ namespace, taskQueues: workers.map((worker) => worker.options.taskQueue) }, 'worker ready');
    return { stopped, stop: () => workers.forEach(shutdown) };
  } catch (error) {
    await connection.close();
    await dependencies.close();
    throw error;
  }
}

/** One worker for workflows and local work, and one a program for its rate-limited calls to Mastercard. */
async function createWorkers(
  config: C2pConfig,
  dependencies: WorkerDependencies,
  target: Pick<WorkerOptions, 'connection' | 'namespace' | 'dataConverter' | 'workerDeploymentOptions'>,
): Promise<Worker[]> {
  const common = {
    ...target,
    shutdownGraceTime: GRACE_TIME,
    interceptors: { activity: [maskedFailures] },
  } satisfies Partial<WorkerOptions>;
  const workers = [
    await Worker.create({
      ...common,
      ...(await workflowSource()),
      taskQueue: config.taskQueue,
      activities: answering(createLocalActivities(dependencies)),
      maxCachedWorkflows: 500,
    }),
  ];
  for (const [name, program] of Object.entries(config.programs)) {
    workers.push(
      await Worker.create({
        ...common,
        taskQueue: gatewayTaskQueue(config.taskQueue, name),
        activities: answering(createGatewayActivities(dependencies)),
        maxTaskQueueActivitiesPerSecond: program.requestsPerSecond,
        maxHeartbeatThrottleInterval: '5s',
      }),
    );
  }
  return workers;
}

async function publishMetrics(dependencies: WorkerDependencies): Promise<() => void> {
  const { metricMeter } = Runtime.instance();
  const stopKeys = await publishKeyMetrics(metricMeter, dependencies);
  const stopRates = publishRateMetrics(metricMeter, dependencies);
  return () => {
    stopKeys();
    stopRates();
  };
}

/** Runs all; when one stops or dies, so do the others. */
async function runAll(workers: Worker[]): Promise<void> {
  const runs = workers.map((worker) =>
    worker.run().finally(() => workers.filter((other) => other !== worker).forEach(shutdown)),
  );
  const results = await Promise.allSettled(runs);
  const failure = results.find((result) => result.status === 'rejected');
  if (failure) throw failure.reason;
}

function shutdown(worker: Worker): void {
  if (worker.getState() === 'RUNNING') worker.shutdown();
}
