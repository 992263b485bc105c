import { Command, InvalidArgumentError } from 'commander';
import { duration } from '../duration.js';
import { example } from '../help.js';
import { withOpenBatch } from '../open-batch.js';
import { note } from '../output.js';
import { senderOf, withSender, type SenderOptions } from '../sender.js';

export const extendCommand = withSender(new Command('extend'))
  .description('give Mastercard more time to process a batch')
  .argument('<id>', 'externalBatchId')
  .option('--by <duration>', 'this much, from now', duration)
  .option('--until <time>', 'until then, ISO 8601 such as 2026-12-01T06:00Z', time)
  .option('-p, --program <program>', 'only where several programs have a batch of this id')
  .addHelpText(
    'after',
    example(
      'c2p extend 2026-11-debit-0001 --by 24h',
      'For a batch that is PROCESSING, and for one that is AWAITING_OPERATOR since its polling deadline has passed.',
    ),
  )
  .action(async (id: string, options: SenderOptions & { by?: number; until?: Date; program?: string }) => {
    const { by, until: instant, program } = options;
    if ((by === undefined) === (instant === undefined))
      throw new InvalidArgumentError('give either --by or --until.');
    await withOpenBatch(id, program, async (batch) => {
      const until = instant ?? new Date(Date.now() + by!);
      await batch.extendDeadline({ until }, senderOf(options));
      note(`batch ${id} is polled until ${until.toISOString()}`);
    });
  });

function time(text: string): Date {
  const instant = new Date(text);
  if (!/^\d{4}-\d\d-\d\d/.test(text) || Number.isNaN(instant.getTime()))
    throw new InvalidArgumentError('give a time such as 2026-12-01T06:00Z.');
  return instant;
}
