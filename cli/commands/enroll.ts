import { basename, extname } from 'node:path';
import { Command } from 'commander';
import { EXTERNAL_ID_PATTERN } from '../../enrollment/identifiers.js';
import type { EnrollmentRecord } from '../../enrollment/records.js';
import { example } from '../help.js';
import { exitCodeOf, ExitCode } from '../exit-codes.js';
import { readRecords } from '../input/read-records.js';
import { note, print, printJson, progressLine } from '../output.js';
import { terminal } from '../terminal.js';
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
  .addHelpText(
    'after',
    example(
      'c2p enroll cards.jsonl --program demo --batch-id 2026-11-debit-0001 --wait',
      'Running it again is safe: the same records under the same id are the same batch.',
    ),
  )
  .action(async (file: string, options: EnrollOptions, command: Command) => {
    const externalBatchId = options.batchId ?? basename(file, extname(file));
    if (options.batchId === undefined && !EXTERNAL_ID_PATTERN.test(externalBatchId))
      command.error('error: the name of the file cannot be an externalBatchId; give one with --batch-id');
    const { records } = await readRecords(file);
    terminal().exitCode = await withClient(async (client) => {
      const { program } = client.batch(externalBatchId, options.program).key;
      const batch = await client.enroll({
        externalBatchId,
        program,
        records: records as EnrollmentRecord[],
      });
      const progress = options.wait ? await watchUntilClosed(batch) : await batch.progress();
      if (options.json) printJson(progress);
      else {
        print(`batch ${externalBatchId} of program ${program}: ${progressLine(progress)}`);
        note(
          `${options.wait ? 'see every card with: c2p report' : 'follow it with: c2p watch'} ${externalBatchId}`,
        );
      }
      return options.wait ? exitCodeOf(progress.status) : ExitCode.ok;
    });
  });
