import { userInfo } from 'node:os';
import type { Command } from 'commander';
import type { Sender } from '../client/remembered-workflow.js';

/** The options of a command that decides something about a batch or a job: the workflow's history keeps both. */
export interface SenderOptions {
  as?: string;
  reason?: string;
}

/** Adds `--as` and `--reason` to a command. */
export function withSender(command: Command): Command {
  return command
    .option('--as <name>', 'who decides this, for the history; default the user of this machine')
    .option('--reason <text>', 'why, for the history');
}

export function senderOf({ as, reason }: SenderOptions): Sender {
  return { by: as ?? userInfo().username, reason };
}
