import { Command, InvalidArgumentError } from 'commander';
import { example } from '../help.js';
import { note } from '../output.js';
import { withClient } from '../with-client.js';

export const resolveCommand = new Command('resolve')
  .description('settle a batch that waits for an operator')
  .argument('<id>', 'externalBatchId')
  .option(
    '--batch-id <batchId>',
    'the batchId under which Mastercard has the batch; it is checked with Mastercard',
  )
  .option('--abandon', 'give the batch up: its cards end as UNREPORTED')
  .option('-p, --program <program>', 'only where several programs have a batch of this id')
  .addHelpText(
    'after',
    example('c2p resolve 2026-11-debit-0001 --batch-id f1f225ed-4c6e-4b39-9f0c-0a4ad9b1a1c2'),
  )
  .action(async (id: string, options: { batchId?: string; abandon?: boolean; program?: string }) => {
    const { batchId, abandon } = options;
    if ((batchId === undefined) === (abandon !== true)) {
      throw new InvalidArgumentError('give either --batch-id or --abandon.');
    }
    await withClient(async (client) => {
      const batch = await client.find(id, options.program);
      const closed = await batch.closed();
      if (closed) return note(`batch ${id} is already closed: ${closed.result.status}`);
      await batch.resolve(batchId === undefined ? { abandon: true } : { batchId });
      note(
        batchId === undefined ? `batch ${id} is given up` : `batch ${id} goes on as Mastercard's ${batchId}`,
      );
    });
  });
