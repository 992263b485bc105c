import { Command, Option } from 'commander';
import type { OrphanedBatch } from '../../retention/orphans.js';
import { duration } from '../duration.js';
import { example } from '../help.js';
import { counted, note, print, printJson } from '../output.js';
import { withClient } from '../with-client.js';

export const sweepCommand = new Command('sweep')
  .description(
    'find, and on request close, batches with cardholder data that no workflow will erase any more',
  )
  .addOption(
    new Option(
      '--grace <duration>',
      'leave batches alone that were written to, or ended, within this time (default: sweep.grace, 24h unless configured)',
    ).argParser(duration),
  )
  .option(
    '--erase',
    'close them: an outcome for every card, and erase the data; without this, only list them',
  )
  .option('--elsewhere', 'with --erase: also what may be open in another namespace')
  .option(
    '--without-unreadable',
    'with --erase: also those of which a key is missing; what is under it is lost',
  )
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
        if (!options.erase) continue;
        const end = await client.closeOrphan(orphan, options);
        if (end.kind === 'unreadable') note(`batch ${orphan.externalBatchId} stays as it is: ${end.message}`);
        else if (end.kind !== 'leftAlone') erased += 1;
      }
      if (options.json) return printJson(found);
      for (const { lastWritten, why, program, externalBatchId, blobs } of found) {
        print(`${lastWritten}  ${why.padEnd(9)}  ${program}  ${externalBatchId}  ${counted(blobs, 'blob')}`);
      }
      note(`orphaned batches: ${found.length}${options.erase ? `, erased: ${erased}` : ''}`);
    });
  });

interface SweepOptions {
  grace?: number;
  erase?: true;
  elsewhere?: true;
  withoutUnreadable?: true;
  json?: true;
}
