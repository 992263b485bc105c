import { Command } from 'commander';
import { withOpenBulk } from '../../bulk/open-bulk.js';
import { example } from '../../help.js';
import { note } from '../../output.js';
import { senderOf, withSender, type SenderOptions } from '../../sender.js';

export const pauseCommand = withSender(new Command('pause'))
  .description('start no further batch until c2p bulk resume')
  .argument('<id>', 'the id of the job')
  .option('-p, --program <program>', 'only where several programs have a job of this id')
  .addHelpText('after', example('c2p bulk pause 2026-11-debit', 'Batches in flight go on to their end.'))
  .action((id: string, options: SenderOptions & { program?: string }) =>
    withOpenBulk(id, options.program, async (bulk) => {
      await bulk.pause(senderOf(options));
      note(`bulk job ${id} starts no further batch; go on with: c2p bulk resume ${id}`);
    }),
  );
