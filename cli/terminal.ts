import { AsyncLocalStorage } from 'node:async_hooks';

/** Where a command writes, and where it leaves its exit code. */
export interface Terminal {
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  exitCode?: number | string | null | undefined;
}

const current = new AsyncLocalStorage<Terminal>();

/** The terminal of the command that runs: the process, unless `onTerminal` gave it another. */
export function terminal(): Terminal {
  return current.getStore() ?? process;
}

/** Gives a command, and all that it does, a terminal of its own: so several run in one process. */
export function onTerminal<T>(own: Terminal, command: () => Promise<T>): Promise<T> {
  return current.run(own, command);
}
