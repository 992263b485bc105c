import { isUtf8 } from 'node:buffer';
import { Console } from 'node:console';
import { writeFileSync } from 'node:fs';
import { errorText } from './error-text.js';
import { maskPersonal } from './mask.js';
import { printable } from './printable.js';
import { verifyCertificates } from './tls-exposures.js';

/** Which parts of its memory a process leaves in a core dump, as bits (core(5)); children inherit it. */
const COREDUMP_FILTER = '/proc/self/coredump_filter';

/**
 * Closes the ways on which a process tells what it holds without being asked. To be called first of all,
 * once a process; it holds for the rest of the process's life.
 *
 * - What goes to standard error is masked, from any source: libraries, the command line's own errors,
 *   Node's warnings. `console` writes there and nowhere else.
 * - An error that nobody caught ends the process with exit code 1 and its masked text; Node would print its
 *   message and the line of source. So it does under `--abort-on-uncaught-exception`.
 * - Node's diagnostic reports, which hold the environment and the message, are not written.
 * - SIGUSR1 opens no debugger, and NODE_TLS_REJECT_UNAUTHORIZED switches off no check of certificates.
 * - A core dump (Linux) is written without the process's memory; what remains in it are registers.
 */
export function guardProcess(): void {
  if (process.hasUncaughtExceptionCaptureCallback()) return;
  maskStandardError();
  globalThis.console = new Console(process.stderr, process.stderr);
  // A listener would run as well, but only after Node has aborted where it is set to.
  process.setUncaughtExceptionCaptureCallback(endWith);
  process.on('unhandledRejection', endWith);
  maskWarnings();
  // Node opens its debugger at that signal unless somebody listens.
  if (process.platform !== 'win32') process.on('SIGUSR1', () => undefined);
  verifyCertificates();
  if (process.report) {
    process.report.reportOnFatalError = false;
    process.report.reportOnSignal = false;
    process.report.reportOnUncaughtException = false;
  }
  if (process.platform === 'linux') leaveMemoryOutOfCoreDumps();
}

function maskStandardError(): void {
  const { stderr } = process;
  const write = stderr.write.bind(stderr) as (chunk: string | Uint8Array, ...rest: unknown[]) => boolean;
  stderr.write = (chunk: string | Uint8Array, ...rest: unknown[]) =>
    write(typeof chunk === 'string' ? maskPersonal(chunk) : maskBytes(Buffer.from(chunk)), ...rest);
}

function maskBytes(bytes: Buffer): Buffer {
  const encoding = isUtf8(bytes) ? 'utf8' : 'latin1';
  return Buffer.from(maskPersonal(bytes.toString(encoding)), encoding);
}

function endWith(error: unknown): void {
  process.stderr.write(`c2p: ended by an error that nobody caught: ${printable(errorText(error).stack)}\n`);
  process.exit(1);
}

/** Node prints them itself, past `process.stderr`, unless it is set not to. */
function maskWarnings(): void {
  if (process.listenerCount('warning') === 0) return;
  process.removeAllListeners('warning');
  process.on('warning', (warning) => {
    const { type, message } = errorText(warning);
    process.stderr.write(`${printable(`${type}: ${message}`)}\n`);
  });
}

function leaveMemoryOutOfCoreDumps(): void {
  try {
    writeFileSync(COREDUMP_FILTER, '0');
  } catch {
    // Where /proc is not to be written; `memoryExposures` reports the limit that also prevents them.
  }
}
