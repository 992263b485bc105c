import { basename, extname } from 'node:path';
import { Command } from 'commander';
import type { EnrollmentRecord } from '../../enrollment/records.js';
import { exitCodeOf, ExitCode } from '../exit-codes.js';
import { readRecords } from '../input/read-records.js';
import { note, print, printJson, progressLine } from '../output.js';
import { watchUntilClosed } from '../watching.js';
import { withClient } from '../with-client.js';

interface EnrollOptions {
  program?: string;
  batchId?: string;
  wait?: boolean;
  json?: boolean;
}

export const enrollCommand = new Command('enroll')
  .description('enroll the cards of a file as one batch')
  .argument('<file>', 'JSONL (one record a line) or CSV (one card a row)')
  .option('-p, --program <program>', 'the program to enroll into; may be left out when there is only one')
  .option('--batch-id <id>', "the batch's externalBatchId (default: the file's name without its extension)")
  .option('--wait', 'wait until the batch is closed')
  .option('--json', 'print one JSON document')
  .action(async (file: string, options: EnrollOptions) => {
    const { records } = await readRecords(file);
    const externalBatchId = options.batchId ?? basename(file, extname(file));
    process.exitCode = await withClient(async (client) => {
      const { program } = client.batch(externalBatchId, options.program).key;
      const batch = await client.enroll({
        externalBatchId,
        program,
        records: records as EnrollmentRecord[],
      });
      if (!options.wait) {
        const progress = await batch.progress();
        if (options.json) printJson(progress);
        else {
          print(`batch ${externalBatchId} of program ${program}: ${progressLine(progress)}`);
          note(`follow it with: c2p watch ${externalBatchId}`);
        }
        return ExitCode.ok;
      }
      const progress = await watchUntilClosed(batch);
      if (options.json) printJson(progress);
      else {
        print(`batch ${externalBatchId} of program ${program}: ${progressLine(progress)}`);
        note(`see every card with: c2p report ${externalBatchId}`);
      }
      return exitCodeOf(progress.status);
    });
  });
