import { Command, InvalidArgumentError } from 'commander';
import { example } from '../help.js';
import { withOpenBatch } from '../open-batch.js';
import { note } from '../output.js';
import { senderOf, withSender, type SenderOptions } from '../sender.js';

interface ResolveOptions extends SenderOptions {
  batchId?: string;
  resend?: boolean;
  retry?: boolean;
  goOn?: boolean;
  abandon?: boolean;
  program?: string;
}

export const resolveCommand = withSender(new Command('resolve'))
  .description('settle a batch that waits for an operator')
  .argument('<id>', 'externalBatchId')
  .option(
    '--batch-id <batchId>',
    'the batchId under which Mastercard has the batch; it is checked with Mastercard',
  )
  .option('--resend', 'Mastercard does not have the batch: submit it again')
  .option('--retry', 'try once more to remove the cards that could not be removed')
  .option('--go-on', 'nobody meant to cancel the batch in Temporal: go on with it')
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
    const { batchId, resend, retry, goOn, abandon, program } = options;
    const sender = senderOf(options);
    if ([batchId, resend, retry, goOn, abandon].filter((given) => given !== undefined).length !== 1) {
      throw new InvalidArgumentError(
        'give exactly one of --batch-id, --resend, --retry, --go-on and --abandon.',
      );
    }
    await withOpenBatch(id, program, async (batch, { question }) => {
      if (batchId !== undefined) {
        await batch.resolve({ batchId }, sender);
        note(`batch ${id} goes on as Mastercard's ${batchId}`);
      } else if (resend) {
        await batch.resolve({ resend }, sender);
        note(`batch ${id} is submitted again`);
      } else if (retry) {
        await batch.retryRollback({ retry }, sender);
        note(`batch ${id} tries again to remove its cards`);
      } else if (goOn) {
        await batch.goOn(sender);
        note(`batch ${id} goes on`);
      } else {
        // A batch asks one thing at a time, so giving up needs no name for it.
        if (question === 'removal') await batch.retryRollback({ abandon: true }, sender);
        else if (question === 'moreTime') await batch.extendDeadline({ abandon: true }, sender);
        else await batch.resolve({ abandon: true }, sender);
        note(`batch ${id} is given up`);
      }
    });
  });
