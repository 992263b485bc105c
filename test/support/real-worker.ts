import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { vi } from 'vitest';
import { cliPath } from '../../dev/dev-environment.js';
import { startServerProcess, type ServerProcess } from '../../dev/server-process.js';

const STALLING_WORKER = fileURLToPath(new URL('./stalling-worker.js', import.meta.url));

export interface WorkerPlace {
  /** Where its log and marker files go. */
  folder: string;
  configPath: string;
  temporalAddress: string;
  temporalNamespace: string;
  /** The command; default: the built one of this checkout. */
  cli?: string | undefined;
  /** What runs it, for instance a shell with other limits; it is given Node's path and what follows. */
  through?: readonly [string, ...string[]] | undefined;
  /** Beside this process's own. */
  env?: NodeJS.ProcessEnv | undefined;
}

export interface RealWorker extends ServerProcess {
  logFile: string;
  /** Resolves when the worker is at the point where it has to stall. */
  stalled(): Promise<void>;
}

let started = 0;

/**
 * Starts a worker process of the built code and resolves when it is ready.
 * @param stallAt a point of `stalling-worker.js`; without it this is `c2p worker` itself.
 */
export async function startRealWorker(place: WorkerPlace, stallAt?: string): Promise<RealWorker> {
  started += 1;
  const file = (name: string) => join(place.folder, `worker-${started}.${name}`);
  const [readyFile, marker, logFile] = [file('ready'), file('stalled'), file('log')];
  const program = stallAt === undefined ? [place.cli ?? cliPath(), 'worker'] : [STALLING_WORKER];
  const [run, ...args] = [...(place.through ?? []), process.execPath, ...program] as [string, ...string[]];
  const worker = await startServerProcess(run, args, {
    logFile,
    env: {
      ...process.env,
      ...place.env,
      C2P_CONFIG: place.configPath,
      C2P_READY_FILE: readyFile,
      TEMPORAL_ADDRESS: place.temporalAddress,
      TEMPORAL_NAMESPACE: place.temporalNamespace,
      ...(stallAt !== undefined && { C2P_STALL_AT: stallAt, C2P_STALL_MARKER: marker }),
    },
  });
  let ended: string | undefined;
  void worker.ended.then((how) => (ended = how));
  const appears = async (path: string) => {
    await vi.waitUntil(() => existsSync(path) || ended !== undefined, { timeout: 60_000 });
    if (!existsSync(path)) throw new Error(`the worker ended (${ended}):\n${await worker.logTail()}`);
  };
  await appears(readyFile);
  return { ...worker, logFile, stalled: () => appears(marker) };
}
