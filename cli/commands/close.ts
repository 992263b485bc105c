import { Command, InvalidArgumentError } from 'commander';
import { example } from '../help.js';
import { withOpenBatch } from '../open-batch.js';
import { note } from '../output.js';
import { senderOf, withSender, type SenderOptions } from '../sender.js';

export const closeCommand = withSender(
  new Command('close')
    .description('close a batch that waits for a key, without what that key seals')
    .argument('<id>', 'externalBatchId')
    .option('--without-unreadable', 'what cannot be read is lost: each card that only it names is UNREPORTED')
    .option('-p, --program <program>', 'only where several programs have a batch of this id'),
)
  .addHelpText(
    'after',
    example(
      'c2p close 2026-11-debit-0001 --without-unreadable',
      'Put the key back into the key ring instead where you can: the batch then goes on by itself.',
    ),
  )
  .action(async (id: string, options: SenderOptions & { withoutUnreadable?: boolean; program?: string }) => {
    if (!options.withoutUnreadable)
      throw new InvalidArgumentError('give --without-unreadable: the batch loses what it cannot read.');
    await withOpenBatch(id, options.program, async (batch) => {
      await batch.closeWithoutUnreadable(senderOf(options));
      note(`batch ${id} is closed without what it cannot read; see c2p report ${id}`);
    });
  });
