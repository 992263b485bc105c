import { Command, Option } from 'commander';
import ms from 'ms';
import type { OrphanedBatch } from '../../retention/orphans.js';
import { duration } from '../duration.js';
import { example } from '../help.js';
import { counted, note, print, printJson } from '../output.js';
import { withClient } from '../with-client.js';

export const sweepCommand = new Command('sweep')
  .description('find, and on request erase, cardholder data that no workflow will erase any more')
  .addOption(
    new Option('--grace <duration>', 'leave batches alone that were written to, or ended, within this time')
      .argParser(duration)
      .default(ms('1h'), '1h'),
  )
  .option('--erase', 'erase it; without this, only list it')
  .option('--elsewhere', 'with --erase: also what may be open in another namespace')
  .option('--json', 'print one JSON document')
  .addHelpText(
    'after',
    example(
      'c2p sweep --erase',
      'ENDED: the workflow was terminated. UNKNOWN: this namespace has no such workflow. ELSEWHERE: the batch',
      'was sealed for another namespace, or before c2p noted for which; to a wrong TEMPORAL_ADDRESS or',
      'TEMPORAL_NAMESPACE every batch is. --erase leaves it alone; before you add --elsewhere, make sure that',
      'no namespace has it open.',
    ),
  )
  .action(async (options: SweepOptions) => {
    await withClient(async (client) => {
      const found: OrphanedBatch[] = [];
      let erased = 0;
      for await (const orphan of client.orphans(options.grace)) {
        found.push(orphan);
        if (options.erase && (await client.eraseOrphan(orphan, options)) > 0) erased += 1;
      }
      if (options.json) return printJson(found);
      for (const { lastWritten, why, program, externalBatchId, blobs } of found) {
        print(`${lastWritten}  ${why.padEnd(9)}  ${program}  ${externalBatchId}  ${counted(blobs, 'blob')}`);
      }
      note(`orphaned batches: ${found.length}${options.erase ? `, erased: ${erased}` : ''}`);
    });
  });

interface SweepOptions {
  grace: number;
  erase?: true;
  elsewhere?: true;
  json?: true;
}
