import { Command, InvalidArgumentError } from 'commander';
import { FailureType } from '../../enrollment/errors.js';
import { ExitCode } from '../exit-codes.js';
import { example } from '../help.js';
import { note } from '../output.js';
import { withClient } from '../with-client.js';

interface ResolveOptions {
  batchId?: string;
  retry?: boolean;
  abandon?: boolean;
  program?: string;
}

export const resolveCommand = new Command('resolve')
  .description('settle a batch that waits for an operator')
  .argument('<id>', 'externalBatchId')
  .option(
    '--batch-id <batchId>',
    'the batchId under which Mastercard has the batch; it is checked with Mastercard',
  )
  .option('--retry', 'try once more to remove the cards that could not be removed')
  .option('--abandon', 'give up what the batch waits for: it then ends as FAILED')
  .option('-p, --program <program>', 'only where several programs have a batch of this id')
  .addHelpText(
    'after',
    example(
      'c2p resolve 2026-11-debit-0001 --batch-id f1f225ed-4c6e-4b39-9f0c-0a4ad9b1a1c2',
      'What a batch waits for is told by: c2p status ID',
    ),
  )
  .action(async (id: string, options: ResolveOptions) => {
    const { batchId, retry, abandon, program } = options;
    if ([batchId, retry, abandon].filter((given) => given !== undefined).length !== 1) {
      throw new InvalidArgumentError('give exactly one of --batch-id, --retry and --abandon.');
    }
    process.exitCode = await withClient(async (client) => {
      const batch = await client.find(id, program);
      const closed = await batch.closed();
      if (closed) {
        note(`batch ${id} is already closed: ${closed.result.status}`);
        return ExitCode.ok;
      }
      const { round, error } = await batch.progress();
      // Only a worker knows the round; without one nobody would take the answer, however long we wait.
      if (round === undefined) {
        note(`c2p: batch ${id} cannot be resolved: ${error}`);
        return ExitCode.unexpected;
      }
      if (batchId !== undefined) {
        await batch.resolve({ batchId });
        note(`batch ${id} goes on as Mastercard's ${batchId}`);
      } else if (retry) {
        await batch.retryRollback({ retry });
        note(`batch ${id} tries again to remove its cards`);
      } else {
        // A batch asks one thing at a time, so giving up needs no name for it.
        const rollback = error?.startsWith(FailureType.CompensationFailed);
        await (rollback ? batch.retryRollback({ abandon: true }) : batch.resolve({ abandon: true }));
        note(`batch ${id} is given up`);
      }
      return ExitCode.ok;
    });
  });
