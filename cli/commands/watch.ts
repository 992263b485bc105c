import { Command } from 'commander';
import { example } from '../help.js';
import { exitCodeOf } from '../exit-codes.js';
import { print, printJson, progressLine } from '../output.js';
import { watchUntilClosed } from '../watching.js';
import { withClient } from '../with-client.js';

export const watchCommand = new Command('watch')
  .description('follow a batch until it is closed')
  .argument('<id>', 'externalBatchId')
  .option('-p, --program <program>', 'only where several programs have a batch of this id')
  .option('--json', 'print one JSON document when the batch is closed')
  .addHelpText(
    'after',
    example(
      'c2p watch 2026-11-debit-0001',
      'Exits with how the batch ended; Ctrl-C ends the watching, not the batch.',
    ),
  )
  .action(async (id: string, options: { program?: string; json?: boolean }) => {
    process.exitCode = await withClient(async (client) => {
      const batch = await client.find(id, options.program);
      const progress = await watchUntilClosed(batch);
      if (options.json) printJson(progress);
      else print(`batch ${id} of program ${batch.key.program}: ${progressLine(progress)}`);
      return exitCodeOf(progress.status);
    });
  });
