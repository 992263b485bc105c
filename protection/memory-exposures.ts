import { readFileSync } from 'node:fs';

/** Options of Node that write memory to a file, or open it to a debugger. */
const EXPOSING_OPTION = /^--(heapsnapshot-|inspect(?!-publish)|heap-prof|experimental-inspect)/;

/**
 * What could show the memory of this process, which holds card numbers and keys, to others: a sentence
 * each that says what to do.
 */
export function memoryExposures({
  limits = ownLimits(),
  options = nodeOptions(),
}: { limits?: string | undefined; options?: readonly string[] } = {}): string[] {
  const found: string[] = [];
  const soft = /^Max core file size\s+(\S+)/m.exec(limits ?? '')?.[1];
  if (soft !== undefined && soft !== '0')
    found.push(
      `core dumps are on (limit ${soft}): they are written without the memory of the process, and should not be ` +
        'written at all: set LimitCORE=0 in the systemd unit, ulimits: { core: 0 } in Docker, or ulimit -c 0 in the shell',
    );
  for (const option of new Set(options.filter((one) => EXPOSING_OPTION.test(one))))
    found.push(`Node runs with ${option.split('=')[0]}, which shows its memory to others: run it without`);
  return found;
}

/** Of this process, on Linux. */
function ownLimits(): string | undefined {
  try {
    return readFileSync('/proc/self/limits', 'utf8');
  } catch {
    return undefined;
  }
}

function nodeOptions(): string[] {
  return [...process.execArgv, ...(process.env.NODE_OPTIONS ?? '').split(/\s+/)];
}
