import { Command } from 'commander';
import { example } from '../help.js';
import { withOpenBatch } from '../open-batch.js';
import { note } from '../output.js';
import { senderOf, withSender, type SenderOptions } from '../sender.js';

export const cancelCommand = withSender(new Command('cancel'))
  .description('cancel a batch')
  .argument('<id>', 'externalBatchId')
  .option('-p, --program <program>', 'only where several programs have a batch of this id')
  .addHelpText(
    'after',
    example(
      'c2p cancel 2026-11-debit-0001',
      'Cards that Mastercard has by then are removed again as soon as it has processed them; the policy',
      'onCancel: leave keeps them, and c2p report then shows those without an answer as UNREPORTED.',
    ),
  )
  .action(async (id: string, options: SenderOptions & { program?: string }) => {
    await withOpenBatch(id, options.program, async (batch) => {
      await batch.cancel(senderOf(options));
      note(`batch ${id} is cancelled; follow it with: c2p watch ${id}`);
    });
  });
