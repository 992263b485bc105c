import { Command } from 'commander';
import { withOpenBulk } from '../../bulk/open-bulk.js';
import { example } from '../../help.js';
import { note } from '../../output.js';
import { senderOf, withSender, type SenderOptions } from '../../sender.js';

export const resumeCommand = withSender(new Command('resume'))
  .description('go on with a bulk job that is paused')
  .argument('<id>', 'the id of the job')
  .option('-p, --program <program>', 'only where several programs have a job of this id')
  .addHelpText('after', example('c2p bulk resume 2026-11-debit'))
  .action((id: string, options: SenderOptions & { program?: string }) =>
    withOpenBulk(id, options.program, async (bulk) => {
      await bulk.resume(senderOf(options));
      note(`bulk job ${id} goes on`);
    }),
  );
