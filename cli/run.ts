import { createRequire } from 'node:module';
import { Command, CommanderError, InvalidArgumentError } from 'commander';
import { EnrollmentError } from '../client/errors.js';
import { errorText } from '../protection/error-text.js';
import { printable } from '../protection/printable.js';
import { commands } from './commands/index.js';
import { exitCodeOfError, ExitCode } from './exit-codes.js';
import { note } from './output.js';
import { onTerminal, terminal, type Terminal } from './terminal.js';

// By the package's own name, since the file is at another place in a checkout than in a package.
const { version } = createRequire(import.meta.url)('c2p/package.json') as { version: string };

const c2p = new Command('c2p')
  .version(version)
  .description("enroll an issuer's cardholders into Mastercard Click to Pay, in batches")
  .addHelpText(
    'after',
    '\nConfiguration: C2P_CONFIG (default ./c2p.config.json). Temporal: TEMPORAL_ADDRESS and the other TEMPORAL_* variables.' +
      '\nExit codes: 0 all enrolled; 1 unexpected; 2 usage or input wrong; 3 completed with errors;' +
      '\n            4 batch rejected, failed or expired; 5 cancelled or rolled back.',
  );
for (const command of commands) c2p.addCommand(command);
prepare(c2p, 'c2p');

function prepare(command: Command, name: string): void {
  command
    .showHelpAfterError(`(${name} --help says more)`)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void terminal().stdout.write(printable(text)),
      writeErr: (text) => void terminal().stderr.write(printable(text)),
    });
  for (const sub of command.commands) prepare(sub, `${name} ${sub.name()}`);
}

/**
 * Runs one command line to its end. It writes to the terminal and leaves its exit code there; what goes
 * wrong is a message on `stderr` and never thrown.
 * @param args without the names of Node and of the program, as in `['status', '2026-11-debit-0001']`.
 */
export function run(args: readonly string[], own: Terminal): Promise<void> {
  return onTerminal(own, async () => {
    try {
      await c2p.parseAsync(args, { from: 'user' });
    } catch (error) {
      const exitCode = exitCodeOfError(error);
      own.exitCode = exitCode;
      // commander has already printed its own; an InvalidArgumentError that comes this far is ours.
      if (!(error instanceof CommanderError) || error instanceof InvalidArgumentError)
        note(describe(error, exitCode));
    }
  });
}

/** Errors of ours say it all; of others the causes tell more than the message, and the stack more yet. */
function describe(error: unknown, exitCode: ExitCode): string {
  const ours = exitCode !== ExitCode.unexpected || error instanceof EnrollmentError;
  if (ours && error instanceof Error) return `c2p: ${error.message}`;
  const { message, stack } = errorText(error);
  return process.env.C2P_DEBUG ? `c2p: ${stack}` : `c2p: ${message}\n(C2P_DEBUG=1 shows where)`;
}
