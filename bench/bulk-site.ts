import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import { execa } from 'execa';
import { loadConfig } from '../config/load.js';
import { cliPath, startWorkerProcess } from '../dev/dev-environment.js';
import { startEmbeddedTemporal } from '../dev/embedded-temporal.js';
import { prepareSandboxKeys, writeSandboxConfig } from '../dev/sandbox.js';
import { startServerProcess, type ServerProcess } from '../dev/server-process.js';
import { protectedDataConverter } from '../protection/data-converter.js';
import { openKeyRing } from '../protection/live-key-ring.js';
import { peakMemoryUntilEnd } from './process-usage.js';
import { createSimulator, type Simulator } from '../simulator/index.js';

export const PROGRAM = 'demo';
export const TASK_QUEUE = 'c2p';
export const BARE_TASK_QUEUE = 'bare';
/**
 * Otherwise memory tells how long a job took: V8 takes what there is, to collect less often, and glibc keeps
 * what it freed in one place more for each thread.
 */
export const FRUGAL = { NODE_OPTIONS: '--max-old-space-size=192', MALLOC_ARENA_MAX: '2' };

/** Temporal's dev server in memory, the simulator over HTTP, and what workers need; no worker yet. */
export interface BulkSite {
  /** Portfolios are read from here; everything else of the site is here too. */
  folder: string;
  temporal: Client;
  /** The process of Temporal's server. */
  serverPid: number;
  simulator: Simulator;
  /** Starts `c2p worker` as a process of its own, with `FRUGAL`. */
  startWorker(): Promise<ServerProcess>;
  /** Starts the worker of the bare workflows likewise. */
  startBareWorker(): Promise<ServerProcess>;
  /** Runs a command of c2p, its output into a file, with `FRUGAL`. @returns its peak memory (bytes). */
  peakOfCommand(args: string[], output: string): Promise<number>;
  close(): Promise<void>;
}

export interface BulkSiteOptions {
  folder: string;
  /** How long the simulator takes to process a batch (ms). */
  processingMs: number;
  onProgress: (line: string) => void;
}

export async function openBulkSite({ folder, processingMs, onProgress }: BulkSiteOptions): Promise<BulkSite> {
  const opened: (() => Promise<void>)[] = [];
  const close = async () => {
    for (const closeOne of opened.reverse().splice(0)) await closeOne();
  };
  try {
    const keys = await prepareSandboxKeys(folder);
    const simulator = await createSimulator({ credentials: [keys.credentials], processingMs });
    opened.push(() => simulator.close());
    const { baseUrl } = simulator;
    const { configPath } = await writeSandboxConfig(keys, { baseUrl, taskQueue: TASK_QUEUE });
    await forBulk(configPath, folder);
    const server = await startEmbeddedTemporal({ logFile: join(folder, 'temporal.log'), onProgress });
    opened.push(server.stop);
    const { address, namespace } = server;
    const connection = await Connection.connect({ address });
    opened.push(() => connection.close());
    const dataConverter = protectedDataConverter(await openKeyRing((await loadConfig(configPath)).dataKeys));
    const env = {
      C2P_CONFIG: configPath,
      TEMPORAL_ADDRESS: address,
      ...FRUGAL,
    };
    const started = (worker: ServerProcess) => {
      opened.push(worker.stop);
      return worker;
    };
    return {
      folder,
      temporal: new Client({ connection, namespace, dataConverter }),
      serverPid: server.pid,
      simulator,
      startWorker: async () => started(await startWorkerProcess(folder, env)),
      startBareWorker: async () =>
        started(
          await startServerProcess(process.execPath, [bareWorkerPath(), address, BARE_TASK_QUEUE, PROGRAM], {
            env: { ...process.env, ...FRUGAL },
            logFile: join(folder, 'bare-worker.log'),
          }),
        ),
      peakOfCommand: (args, output) =>
        peakMemoryUntilEnd(
          execa(process.execPath, [cliPath(), ...args], {
            env,
            stdout: { file: output },
            stderr: 'inherit',
            buffer: false,
          }),
        ),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** So many calls a second that it is not they that limit. */
const REQUESTS_PER_SECOND = 10_000;

async function forBulk(configPath: string, folder: string): Promise<void> {
  const config = JSON.parse(await readFile(configPath, 'utf8')) as { programs: Record<string, object> };
  config.programs[PROGRAM] = { ...config.programs[PROGRAM], requestsPerSecond: REQUESTS_PER_SECOND };
  await writeFile(configPath, JSON.stringify({ ...config, bulk: { folder } }));
}

function bareWorkerPath(): string {
  return fileURLToPath(new URL('./bare-bulk-worker.js', import.meta.url));
}
