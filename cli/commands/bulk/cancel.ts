import { Command, InvalidArgumentError } from 'commander';
import { withOpenBulk } from '../../bulk/open-bulk.js';
import { printBulk } from '../../bulk/print-bulk.js';
import { watchBulk } from '../../bulk/watch-bulk.js';
import { exitCodeOf } from '../../exit-codes.js';
import { example } from '../../help.js';
import { note } from '../../output.js';
import { senderOf, withSender, type SenderOptions } from '../../sender.js';

interface CancelOptions extends SenderOptions {
  finish?: boolean;
  rollback?: boolean;
  wait?: boolean;
  program?: string;
}

export const cancelCommand = withSender(new Command('cancel'))
  .description('cancel a bulk job: no further batch is started')
  .argument('<id>', 'the id of the job')
  .option('--finish', 'batches in flight go to their end, and what is enrolled stays')
  .option('--rollback', 'batches in flight are cancelled, and all cards taken back that the job enrolled')
  .option('--wait', 'wait until the job is closed')
  .option('-p, --program <program>', 'only where several programs have a job of this id')
  .addHelpText(
    'after',
    example(
      'c2p bulk cancel 2026-11-debit --rollback',
      'With neither --finish nor --rollback it is done as the job was started or changed: c2p bulk status ID --json',
      'has onCancel. c2p bulk rerun ID then writes a file with the cards that were not sent.',
    ),
  )
  .action(async (id: string, options: CancelOptions) => {
    const { finish, rollback, wait, program } = options;
    if (finish && rollback) throw new InvalidArgumentError('give either --finish or --rollback.');
    await withOpenBulk(id, program, async (bulk) => {
      await bulk.cancel({ rollback: finish ? false : rollback, ...senderOf(options) });
      note(`bulk job ${id} is cancelled; follow it with: c2p bulk watch ${id}`);
      if (!wait) return;
      const progress = await watchBulk(bulk);
      printBulk(progress, {});
      return exitCodeOf(progress.status);
    });
  });
