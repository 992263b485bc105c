import { Command } from 'commander';
import { example } from '../help.js';
import { note } from '../output.js';
import { withClient } from '../with-client.js';

export const cancelCommand = new Command('cancel')
  .description('ask a batch to stop')
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
  .action(async (id: string, options: { program?: string }) => {
    await withClient(async (client) => {
      const batch = await client.find(id, options.program);
      const closed = await batch.closed();
      if (closed) return note(`batch ${id} is already closed: ${closed.result.status}`);
      await batch.cancel();
      note(`batch ${id} was asked to stop; follow it with: c2p watch ${id}`);
    });
  });
