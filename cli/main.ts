#!/usr/bin/env node
import { Command, CommanderError } from 'commander';
import { maskPans } from '../protection/mask.js';
import { cancelCommand } from './commands/cancel.js';
import { devCommand } from './commands/dev.js';
import { enrollCommand } from './commands/enroll.js';
import { listCommand } from './commands/list.js';
import { pollCommand } from './commands/poll.js';
import { reportCommand } from './commands/report.js';
import { simulatorCommand } from './commands/simulator.js';
import { statusCommand } from './commands/status.js';
import { validateCommand } from './commands/validate.js';
import { watchCommand } from './commands/watch.js';
import { workerCommand } from './commands/worker.js';
import { exitCodeOfError, ExitCode } from './exit-codes.js';
import { note } from './output.js';

const c2p = new Command('c2p')
  .description("enroll an issuer's cardholders into Mastercard Click to Pay, in batches")
  .addHelpText(
    'after',
    '\nConfiguration: C2P_CONFIG (default ./c2p.config.json). Temporal: TEMPORAL_ADDRESS and the other TEMPORAL_* variables.' +
      '\nExit codes: 0 all enrolled; 1 unexpected; 2 usage or input wrong; 3 completed with errors;' +
      '\n            4 batch rejected, failed or expired; 5 cancelled or rolled back.',
  );

const commands = [
  enrollCommand,
  statusCommand,
  watchCommand,
  reportCommand,
  listCommand,
  cancelCommand,
  pollCommand,
  validateCommand,
  workerCommand,
  simulatorCommand,
  devCommand,
];
for (const command of commands) c2p.addCommand(command.exitOverride());

try {
  await c2p.exitOverride().parseAsync();
} catch (error) {
  process.exitCode = exitCodeOfError(error);
  // commander has already printed its own.
  if (!(error instanceof CommanderError)) note(describe(error));
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return `c2p: ${maskPans(String(error))}`;
  const unexpected = process.exitCode === ExitCode.unexpected && process.env.C2P_DEBUG;
  return `c2p: ${maskPans(unexpected ? (error.stack ?? error.message) : error.message)}`;
}
