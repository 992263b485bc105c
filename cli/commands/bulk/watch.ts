import { Command } from 'commander';
import { printBulk } from '../../bulk/print-bulk.js';
import { watchBulk } from '../../bulk/watch-bulk.js';
import { exitCodeOf } from '../../exit-codes.js';
import { example } from '../../help.js';
import { terminal } from '../../terminal.js';
import { withClient } from '../../with-client.js';

export const watchCommand = new Command('watch')
  .description('follow a bulk job until it is closed')
  .argument('<id>', 'the id of the job')
  .option('-p, --program <program>', 'only where several programs have a job of this id')
  .option('--json', 'print one JSON document at the end')
  .addHelpText(
    'after',
    example(
      'c2p bulk watch 2026-11-debit',
      'Exits with how the job ended. Ctrl-C ends the watching, not the job.',
      'The size of a compressed source is unknown: the command shows its rate and counts, and no estimated end.',
    ),
  )
  .action(async (id: string, options: { program?: string; json?: boolean }) => {
    terminal().exitCode = await withClient(async (client) => {
      const progress = await watchBulk(await client.findBulk(id, options.program));
      printBulk(progress, options);
      return exitCodeOf(progress.status);
    });
  });
