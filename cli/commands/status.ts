import { Command } from 'commander';
import { isClosed } from '../../enrollment/batch.js';
import { example } from '../help.js';
import { exitCodeOf } from '../exit-codes.js';
import { print, printJson, progressLine } from '../output.js';
import { terminal } from '../terminal.js';
import { withClient } from '../with-client.js';

export const statusCommand = new Command('status')
  .description('how far a batch is')
  .argument('<id>', 'externalBatchId')
  .option('-p, --program <program>', 'only where several programs have a batch of this id')
  .option('--json', 'print one JSON document')
  .addHelpText('after', example('c2p status 2026-11-debit-0001 --json'))
  .action(async (id: string, options: { program?: string; json?: boolean }) => {
    terminal().exitCode = await withClient(async (client) => {
      const batch = await client.find(id, options.program);
      const progress = await batch.progress();
      if (options.json) printJson(progress);
      else {
        print(`batch ${id} of program ${batch.key.program}: ${progressLine(progress)}`);
        for (const batchId of progress.batchIds) print(`  Mastercard batchId ${batchId}`);
        for (const reason of progress.reasons) if (!progress.error?.includes(reason)) print(`  ${reason}`);
      }
      const terminated = isClosed(progress.status) ? undefined : await batch.terminatedInTemporal();
      if (terminated) throw terminated;
      return exitCodeOf(progress.status);
    });
  });
