/** Receives one line of progress at a time, for a spinner or a log. */
export type OnProgress = (line: string) => void;

/** A program that was found, and by which step. */
export interface FoundProgram {
  /** Absolute path. */
  path: string;
  /** The `source` of the attempt that succeeded. */
  source: string;
}

/** One way to get at a program. */
export interface Attempt {
  /** What is tried, as an operator would say it. */
  source: string;
  /** Resolves to the program's absolute path; rejects with the reason why this way does not work here. */
  find: () => Promise<string>;
}

/** No attempt got at the program. The message lists every attempt with its reason, and what to do. */
export class ProgramNotFoundError extends Error {
  override readonly name = 'ProgramNotFoundError';
  readonly code = 'PROGRAM_NOT_FOUND';
  constructor(
    program: string,
    readonly attempts: ReadonlyArray<{ source: string; reason: string }>,
    advice: string,
  ) {
    const tried = attempts.map(({ source, reason }, index) => `  ${index + 1}. ${source}: ${reason}`);
    super([`${program} was not found and could not be installed:`, ...tried, advice].join('\n'));
  }
}

/**
 * Tries one way after the other and takes the first that works, telling `onProgress` about each.
 *
 * @param program what is looked for, for messages
 * @param advice what to do when nothing works
 * @throws ProgramNotFoundError
 */
export async function firstThatWorks(
  program: string,
  attempts: readonly Attempt[],
  advice: string,
  onProgress: OnProgress,
): Promise<FoundProgram> {
  const failures: Array<{ source: string; reason: string }> = [];
  for (const { source, find } of attempts) {
    try {
      const path = await find();
      onProgress(`${program}: ${source}: ${path}`);
      return { path, source };
    } catch (error) {
      const reason = explain(error);
      failures.push({ source, reason });
      onProgress(`${program}: ${source}: ${reason}`);
    }
  }
  throw new ProgramNotFoundError(program, failures, advice);
}

/** An error's message and those of its causes. */
function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : `${error.message}: ${explain(error.cause)}`;
}

/**
 * Runs a task that may take minutes and reports every few seconds that it is alive: the elapsed time
 * and the last thing the task said through `detail`.
 */
export async function reportElapsed<T>(
  what: string,
  onProgress: OnProgress,
  task: (detail: (line: string) => void) => Promise<T>,
): Promise<T> {
  const started = Date.now();
  let last = '';
  onProgress(`${what} …`);
  const ticker = setInterval(() => {
    const seconds = Math.round((Date.now() - started) / 1000);
    onProgress(`${what} … ${seconds} s${last && `, ${last}`}`);
  }, 5000);
  try {
    return await task((line) => (last = line));
  } finally {
    clearInterval(ticker);
  }
}
