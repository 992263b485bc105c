import { Command, InvalidArgumentError, Option } from 'commander';
import type { OnBulkCancel } from '../../../enrollment/bulk.js';
import { withOpenBulk } from '../../bulk/open-bulk.js';
import { example } from '../../help.js';
import { wholeNumber } from '../../numbers.js';
import { note } from '../../output.js';
import { senderOf, withSender, type SenderOptions } from '../../sender.js';

interface ChangeOptions extends SenderOptions {
  inFlight?: number;
  batchesPerMinute?: number | 'none';
  onCancel?: OnBulkCancel;
  program?: string;
}

export const changeCommand = withSender(new Command('change'))
  .description('change how fast a bulk job goes, or what a cancellation does, while it runs')
  .argument('<id>', 'the id of the job')
  .option('--in-flight <n>', 'how many batches are under way at a time', wholeNumber)
  .option('--batches-per-minute <n|none>', 'how many are started a minute, at most', numberOrNone)
  .addOption(new Option('--on-cancel <what>', 'what a cancellation does').choices(['finish', 'rollback']))
  .option('-p, --program <program>', 'only where several programs have a job of this id')
  .addHelpText(
    'after',
    example(
      'c2p bulk change 2026-11-debit --in-flight 20 --batches-per-minute none',
      'Fewer in flight than there are: no further one is started until enough of them are closed.',
    ),
  )
  .action(async (id: string, options: ChangeOptions) => {
    const { program, inFlight, batchesPerMinute, onCancel } = options;
    const change = {
      ...(inFlight !== undefined && { maxBatchesInFlight: inFlight }),
      ...(batchesPerMinute !== undefined && {
        batchesPerMinute: batchesPerMinute === 'none' ? null : batchesPerMinute,
      }),
      ...(onCancel !== undefined && { onCancel }),
    };
    if (Object.keys(change).length === 0)
      throw new InvalidArgumentError(
        'give at least one of --in-flight, --batches-per-minute and --on-cancel.',
      );
    await withOpenBulk(id, program, async (bulk) => {
      await bulk.change(change, senderOf(options));
      const told = Object.entries(change).map(([what, value]) => `${what} ${value ?? 'none'}`);
      note(`bulk job ${id} now has ${told.join(', ')}`);
    });
  });

/** Not `null`, which commander takes for an option without a value. */
function numberOrNone(text: string): number | 'none' {
  return text === 'none' ? text : wholeNumber(text);
}
