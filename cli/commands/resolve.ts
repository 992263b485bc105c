import { Command, InvalidArgumentError } from 'commander';
import { example } from '../help.js';
import { withOpenBatch } from '../open-batch.js';
import { note } from '../output.js';

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
  .option('--abandon', 'give up what the batch waits for: it then ends as FAILED or EXPIRED')
  .option('-p, --program <program>', 'only where several programs have a batch of this id')
  .addHelpText(
    'after',
    example(
      'c2p resolve 2026-11-debit-0001 --batch-id f1f225ed-4c6e-4b39-9f0c-0a4ad9b1a1c2',
      'To see what the batch waits for, run c2p status ID',
    ),
  )
  .action(async (id: string, options: ResolveOptions) => {
    const { batchId, retry, abandon, program } = options;
    if ([batchId, retry, abandon].filter((given) => given !== undefined).length !== 1) {
      throw new InvalidArgumentError('give exactly one of --batch-id, --retry and --abandon.');
    }
    await withOpenBatch(id, program, async (batch, { question }) => {
      if (batchId !== undefined) {
        await batch.resolve({ batchId });
        note(`batch ${id} goes on as Mastercard's ${batchId}`);
      } else if (retry) {
        await batch.retryRollback({ retry });
        note(`batch ${id} tries again to remove its cards`);
      } else {
        // A batch asks one thing at a time, so giving up needs no name for it.
        if (question === 'removal') await batch.retryRollback({ abandon: true });
        else if (question === 'moreTime') await batch.extendDeadline({ abandon: true });
        else await batch.resolve({ abandon: true });
        note(`batch ${id} is given up`);
      }
    });
  });
