import { Command } from 'commander';
import { example } from '../help.js';
import { note } from '../output.js';
import { senderOf, withSender, type SenderOptions } from '../sender.js';
import { withClient } from '../with-client.js';

export const pollCommand = withSender(new Command('poll'))
  .description('ask Mastercard for a batch’s status now')
  .argument('<id>', 'externalBatchId')
  .option('-p, --program <program>', 'only where several programs have a batch of this id')
  .addHelpText('after', example('c2p poll 2026-11-debit-0001'))
  .action(async (id: string, options: SenderOptions & { program?: string }) => {
    await withClient(async (client) => {
      const batch = await client.find(id, options.program);
      const closed = await batch.closed();
      if (closed) return note(`batch ${id} is already closed: ${closed.result.status}`);
      await batch.pollNow(senderOf(options));
      note(`batch ${id} polls now`);
    });
  });
