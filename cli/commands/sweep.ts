import { Command } from 'commander';
import ms from 'ms';
import type { OrphanedBatch } from '../../retention/orphans.js';
import { duration } from '../duration.js';
import { example } from '../help.js';
import { counted, note, print, printJson } from '../output.js';
import { withClient } from '../with-client.js';

export const sweepCommand = new Command('sweep')
  .description('find, and on request erase, cardholder data that no workflow will erase any more')
  .option(
    '--grace <duration>',
    'leave batches alone that were written to within this time',
    duration,
    ms('1h'),
  )
  .option('--erase', 'erase it; without this, only tell')
  .option('--json', 'print one JSON document')
  .addHelpText(
    'after',
    example(
      'c2p sweep --erase',
      'Look at what it tells before you erase: to a wrong TEMPORAL_ADDRESS or namespace, every batch is unknown.',
    ),
  )
  .action(async (options: { grace: number; erase?: true; json?: true }) => {
    await withClient(async (client) => {
      const orphans: OrphanedBatch[] = [];
      for await (const orphan of client.orphans(options.grace)) {
        orphans.push(orphan);
        if (options.erase) await client.eraseOrphan(orphan);
      }
      if (options.json) return printJson(orphans);
      for (const { lastWritten, why, program, externalBatchId, blobs } of orphans) {
        print(`${lastWritten}  ${why.padEnd(7)}  ${program}  ${externalBatchId}  ${counted(blobs, 'blob')}`);
      }
      note(`orphaned batches: ${orphans.length}${options.erase ? ', erased' : ''}`);
    });
  });
