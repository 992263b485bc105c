import type { Ora } from 'ora';
import { printableLine } from '../protection/printable.js';
import { terminal } from './terminal.js';

/** Shows what a command is doing, on stderr. */
export interface ProgressPrinter {
  /** A step: one that goes on ends in `…` or has it before its details, as in `installing … 5 s`. */
  line: (text: string) => void;
  /** Takes a step that goes on off the screen; the steps that are done stay. */
  stop: () => void;
}

/**
 * Steps one below the other: on a terminal the one that goes on turns and is replaced by what comes
 * of it; elsewhere each is a plain line.
 */
export async function progressPrinter(
  stream: NodeJS.WriteStream = terminal().stderr,
): Promise<ProgressPrinter> {
  const spinner = await spinnerOn(stream);
  if (!spinner)
    return { line: (text) => void stream.write(`${printableLine(text)}\n`), stop: () => undefined };
  return {
    line(step) {
      const text = printableLine(step);
      if (text.includes('…')) spinner.start(text);
      else spinner.stopAndPersist({ symbol: '•', text });
    },
    stop: () => void spinner.stop(),
  };
}

/** A spinner, not yet turning; nothing where it could not turn. */
export async function spinnerOn(stream: NodeJS.WriteStream): Promise<Ora | undefined> {
  if (!stream.isTTY || process.env.TERM === 'dumb') return undefined;
  const { default: ora } = await import('ora');
  return ora({ stream, discardStdin: false });
}
