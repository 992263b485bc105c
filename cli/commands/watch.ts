import { Command } from 'commander';
import { exitCodeOf } from '../exit-codes.js';
import { print, printJson, progressLine } from '../output.js';
import { watchUntilClosed } from '../watching.js';
import { withClient } from '../with-client.js';

export const watchCommand = new Command('watch')
  .description('follow a batch until it is closed')
  .argument('<id>', 'externalBatchId')
  .option('-p, --program <program>', 'only where several programs have a batch of this id')
  .option('--json', 'print one JSON document when the batch is closed')
  .action(async (id: string, options: { program?: string; json?: boolean }) => {
    process.exitCode = await withClient(async (client) => {
      const batch = await client.find(id, options.program);
      const progress = await watchUntilClosed(batch);
      if (options.json) printJson(progress);
      else print(`batch ${id} of program ${batch.key.program}: ${progressLine(progress)}`);
      return exitCodeOf(progress.status);
    });
  });
