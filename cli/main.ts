#!/usr/bin/env node
import { createRequire } from 'node:module';
import { Command, CommanderError, InvalidArgumentError } from 'commander';
import { EnrollmentError } from '../client/errors.js';
import { errorText } from '../protection/error-text.js';
import { guardProcess } from '../protection/guard-process.js';
import { commands } from './commands/index.js';
import { exitCodeOfError, ExitCode } from './exit-codes.js';
import { endQuietlyWithoutReader, note } from './output.js';

// By the package's own name, since the file is at another place in a checkout than in a package.
guardProcess();

const { version } = createRequire(import.meta.url)('c2p/package.json') as { version: string };

const c2p = new Command('c2p')
  .version(version)
  .showHelpAfterError('(c2p --help says more)')
  .description("enroll an issuer's cardholders into Mastercard Click to Pay, in batches")
  .addHelpText(
    'after',
    '\nConfiguration: C2P_CONFIG (default ./c2p.config.json). Temporal: TEMPORAL_ADDRESS and the other TEMPORAL_* variables.' +
      '\nExit codes: 0 all enrolled; 1 unexpected; 2 usage or input wrong; 3 completed with errors;' +
      '\n            4 batch rejected, failed or expired; 5 cancelled or rolled back.',
  );

for (const command of commands) {
  prepare(command, command.name());
  c2p.addCommand(command);
}

function prepare(command: Command, name: string): void {
  command.showHelpAfterError(`(c2p ${name} --help says more)`).exitOverride();
  for (const sub of command.commands) prepare(sub, `${name} ${sub.name()}`);
}

endQuietlyWithoutReader();
try {
  await c2p.exitOverride().parseAsync();
} catch (error) {
  process.exitCode = exitCodeOfError(error);
  // commander has already printed its own; an InvalidArgumentError that comes this far is ours.
  if (!(error instanceof CommanderError) || error instanceof InvalidArgumentError) note(describe(error));
}

/** Errors of ours say it all; of others the causes tell more than the message, and the stack more yet. */
function describe(error: unknown): string {
  const ours = process.exitCode !== ExitCode.unexpected || error instanceof EnrollmentError;
  if (ours && error instanceof Error) return `c2p: ${error.message}`;
  const { message, stack } = errorText(error);
  return process.env.C2P_DEBUG ? `c2p: ${stack}` : `c2p: ${message}\n(C2P_DEBUG=1 shows where)`;
}
