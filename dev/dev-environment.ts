import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { loadConfig } from '../config/load.js';
import { loadTemporalConfig } from '../config/temporal.js';
import { openKeyRing } from '../protection/live-key-ring.js';
import { createSimulator, type Simulator } from '../simulator/index.js';
import type { OnProgress } from './attempts.js';
import { startSandboxCodecServer } from './codec-server.js';
import { externalTemporalAddress, startEmbeddedTemporal } from './embedded-temporal.js';
import { freePort } from './free-port.js';
import { prepareSandboxKeys, writeSandboxConfig, type Sandbox } from './sandbox.js';
import { startServerProcess, type ServerProcess } from './server-process.js';

const WORKER_READY_WITHIN_MS = 60_000;
/** Longer than the worker's own grace time, so that it can finish what it has. */
const WORKER_STOPS_WITHIN_MS = 60_000;

export interface DevEnvironmentOptions {
  /** Holds keys, configuration, store, the Temporal database and the logs. */
  folder: string;
  ports?: Partial<Record<'temporal' | 'ui' | 'codecServer' | 'simulator', number | undefined>>;
  /** How long the simulator takes to process a batch (ms). */
  processingMs?: number | undefined;
  /** Where portfolios may be; by default where the process runs. */
  bulkFolder?: string | undefined;
  onProgress: OnProgress;
}

/** Temporal, the simulator and a worker, ready to play with. */
export interface DevEnvironment {
  sandbox: Sandbox;
  temporal: { address: string; namespace: string; uiUrl?: string; codecUrl?: string };
  simulator: Simulator;
  /** The variables that a `c2p` command needs to work against it. */
  env: { C2P_CONFIG: string; TEMPORAL_ADDRESS: string };
  /** Stops everything that was started, in the reverse order. */
  stop(): Promise<void>;
}

/**
 * Starts Temporal (unless `TEMPORAL_ADDRESS` names one), the simulator, and a worker process.
 * @throws ProgramNotFoundError, EmbeddedTemporalError, Error when the worker does not become ready.
 */
export async function startDevEnvironment(options: DevEnvironmentOptions): Promise<DevEnvironment> {
  const folder = resolve(options.folder);
  const { ports, onProgress } = options;
  const started: (() => Promise<void>)[] = [];
  const stop = async () => {
    for (const stopOne of started.reverse().splice(0)) await stopOne();
  };
  try {
    const keys = await prepareSandboxKeys(folder);
    const simulator = await createSimulator({
      credentials: [keys.credentials],
      port: ports?.simulator ?? 0,
      processingMs: options.processingMs ?? 3_000,
    });
    started.push(() => simulator.close());
    onProgress(`simulator ready on ${simulator.baseUrl}`);
    const sandbox = await writeSandboxConfig(keys, {
      baseUrl: simulator.baseUrl,
      bulkFolder: options.bulkFolder ?? process.cwd(),
    });

    const temporal = await startTemporal(sandbox, options, started);
    const env = { C2P_CONFIG: sandbox.configPath, TEMPORAL_ADDRESS: temporal.address };

    const worker = await startWorkerProcess(folder, env, onProgress);
    started.push(worker.stop);
    return { sandbox, temporal, simulator, env, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Temporal with a Web UI that shows what the codec encrypted; or the one that the user runs, as it is. */
async function startTemporal(
  { folder, configPath }: Sandbox,
  { ports, onProgress }: DevEnvironmentOptions,
  started: (() => Promise<void>)[],
): Promise<DevEnvironment['temporal']> {
  if (externalTemporalAddress()) {
    const { address, namespace } = loadTemporalConfig();
    onProgress(`using the Temporal at ${address}, namespace ${namespace}`);
    return { address, namespace };
  }
  const namespace = 'default';
  const uiPort = ports?.ui ?? (await freePort());
  const { dataKeys } = await loadConfig(configPath);
  const codecServer = await startSandboxCodecServer({
    keyRing: await openKeyRing(dataKeys),
    port: ports?.codecServer ?? 0,
    uiPort,
    namespace,
    logFile: join(folder, 'codec-server.log'),
  });
  started.push(codecServer.close);
  onProgress(`codec server ready on ${codecServer.url}`);
  const temporal = await startEmbeddedTemporal({
    dbFilename: join(folder, 'temporal.db'),
    logFile: join(folder, 'temporal.log'),
    port: ports?.temporal,
    uiPort,
    namespace,
    codecEndpoint: codecServer.url,
    onProgress,
  });
  started.push(temporal.stop);
  return { ...temporal, codecUrl: codecServer.url };
}

/** Starts `c2p worker` and resolves once it is ready. Its log is `worker.log` in the folder. */
export async function startWorkerProcess(
  folder: string,
  env: Record<string, string>,
  onProgress: OnProgress = () => undefined,
): Promise<ServerProcess> {
  onProgress('starting the worker …');
  const readyFile = join(folder, `worker-${process.hrtime.bigint()}.ready`);
  const worker = await startServerProcess(process.execPath, [cliPath(), 'worker'], {
    env: { ...process.env, ...env, C2P_READY_FILE: readyFile },
    logFile: join(folder, 'worker.log'),
    stopWithinMs: WORKER_STOPS_WITHIN_MS,
  });
  let ended: string | undefined;
  void worker.ended.then((how) => (ended = how));
  const deadline = Date.now() + WORKER_READY_WITHIN_MS;
  while (!existsSync(readyFile)) {
    if (ended !== undefined || Date.now() > deadline) {
      await worker.kill();
      throw new Error(`the worker did not become ready (${ended ?? 'too slow'}):\n${await worker.logTail()}`);
    }
    await delay(50);
  }
  await rm(readyFile);
  onProgress(`worker ready, log in ${join(folder, 'worker.log')}`);
  return worker;
}

/** The built command, beside this file in a package and in `dist/` of a checkout. */
export function cliPath(): string {
  const compiled = fileURLToPath(new URL('../cli/main.js', import.meta.url));
  return existsSync(compiled) ? compiled : fileURLToPath(new URL('../dist/cli/main.js', import.meta.url));
}
