import { Command } from 'commander';
import { isBulkClosed } from '../../../enrollment/bulk.js';
import { printBulk } from '../../bulk/print-bulk.js';
import { exitCodeOf } from '../../exit-codes.js';
import { example } from '../../help.js';
import { terminal } from '../../terminal.js';
import { withClient } from '../../with-client.js';

export const statusCommand = new Command('status')
  .description('how far a bulk job is; answers without a worker too')
  .argument('<id>', 'the id of the job')
  .option('-p, --program <program>', 'only where several programs have a job of this id')
  .option('--json', 'print one JSON document')
  .addHelpText('after', example('c2p bulk status 2026-11-debit --json'))
  .action(async (id: string, options: { program?: string; json?: boolean }) => {
    terminal().exitCode = await withClient(async (client) => {
      const bulk = await client.findBulk(id, options.program);
      const progress = await bulk.progress();
      printBulk(progress, options);
      const ended = isBulkClosed(progress.status) ? undefined : await bulk.terminatedInTemporal();
      if (ended) throw ended;
      return exitCodeOf(progress.status);
    });
  });
