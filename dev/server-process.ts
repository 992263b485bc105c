import { mkdir, open, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { execa } from 'execa';
import { onExit } from 'signal-exit';

const STOP_WITHIN_MS = 10_000;

/** A server that runs as a child process. */
export interface ServerProcess {
  pid: number;
  /** Resolves, never rejects, with how the process ended. */
  ended: Promise<string>;
  /** What this process wrote to its log, at most the last few lines. */
  logTail: () => Promise<string>;
  /** Asks it to end, and forces it after `stopWithinMs`; resolves when it has ended. */
  stop: () => Promise<void>;
  /** Ends it at once, as a crash would; resolves when it has ended. */
  kill: () => Promise<void>;
}

/**
 * Starts a server whose output is appended to `logFile` (created with mode 0600).
 *
 * It is in a process group of its own, so that Ctrl-C reaches only this process, which may still need
 * the server to finish its work; when this process ends, however it ends (but by SIGKILL), so does the server.
 *
 * @throws Error when the program cannot be started
 */
export async function startServerProcess(
  program: string,
  args: readonly string[],
  options: { env: NodeJS.ProcessEnv; logFile: string; stopWithinMs?: number },
): Promise<ServerProcess> {
  const { env, logFile, stopWithinMs = STOP_WITHIN_MS } = options;
  await mkdir(dirname(logFile), { recursive: true, mode: 0o700 });
  const log = await open(logFile, 'a', 0o600);
  const logStart = (await log.stat()).size;
  const output = log.createWriteStream();
  const child = execa(program, args, {
    env,
    extendEnv: false,
    detached: true,
    stdin: 'ignore',
    stdout: output,
    stderr: output,
    reject: false,
    forceKillAfterDelay: stopWithinMs,
  });
  const removeExitHandler = onExit(() => {
    child.kill('SIGTERM');
  });
  const ended = child.then(({ signal, exitCode, shortMessage }) => {
    removeExitHandler();
    output.end();
    return signal ?? (exitCode === undefined ? String(shortMessage) : `exit code ${exitCode}`);
  });
  if (child.pid === undefined) throw new Error(await ended);

  return {
    pid: child.pid,
    ended,
    async logTail() {
      const written = (await readFile(logFile)).subarray(logStart).toString('utf8');
      return written.trim().split('\n').slice(-5).join('\n');
    },
    async stop() {
      child.kill('SIGTERM');
      await ended;
    },
    async kill() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}
