import { Command, Option } from 'commander';
import { bulkIdProblem, type OnBulkCancel } from '../../../enrollment/bulk.js';
import { namedSource, nameIn, NAMING_A_SOURCE } from '../../bulk/named-source.js';
import { printBulk } from '../../bulk/print-bulk.js';
import { watchBulk } from '../../bulk/watch-bulk.js';
import { exitCodeOf, ExitCode } from '../../exit-codes.js';
import { example } from '../../help.js';
import { wholeNumber } from '../../numbers.js';
import { note } from '../../output.js';
import { terminal } from '../../terminal.js';
import { withClient } from '../../with-client.js';

interface StartOptions {
  program?: string;
  bulkId?: string;
  inFlight?: number;
  batchesPerMinute?: number;
  onCancel?: OnBulkCancel;
  wait?: boolean;
  json?: boolean;
}

export const startCommand = new Command('start')
  .description('enroll all cards of a portfolio, batch by batch')
  .argument(
    '<source>',
    'JSONL (one record a line) or CSV (one card a row), plain or gzip: a file in bulk.folder, an https: URL, or @FILE or env:NAME that has the URL',
  )
  .option('-p, --program <program>', 'the program to enroll into; may be left out when there is only one')
  .option('--bulk-id <id>', "the job's id (default: the source's name without its extensions)")
  .option('--in-flight <n>', 'how many batches are under way at a time (default: 100)', wholeNumber)
  .option('--batches-per-minute <n>', 'how many are started a minute, at most', wholeNumber)
  .addOption(
    new Option(
      '--on-cancel <what>',
      'what a cancellation does: see c2p bulk cancel (default: finish)',
    ).choices(['finish', 'rollback']),
  )
  .option('--wait', 'wait until the job is closed')
  .option('--json', 'print one JSON document')
  .addHelpText(
    'after',
    example(
      'c2p bulk start portfolios/2026-11-debit.csv.gz --program demo --in-flight 50',
      'Running it again is safe: the same source under the same id is the same job.',
      'Batches are called ID-000001, ID-000002 and so on, and can be looked at like any other: c2p status ID-000001',
      'The machine must see bulk.folder of the configuration as workers do. An address must be readable from',
      'here and from every worker, and stay valid until the job has read it to its end.',
      ...NAMING_A_SOURCE,
    ),
  )
  .action(async (text: string, options: StartOptions, command: Command) => {
    const source = await namedSource(text);
    const bulkId = options.bulkId ?? nameIn(source);
    if (options.bulkId === undefined && bulkIdProblem(bulkId) !== undefined)
      command.error('error: the name of the source cannot be the id of a job; give one with --bulk-id');
    const { inFlight: maxBatchesInFlight, batchesPerMinute, onCancel } = options;
    terminal().exitCode = await withClient(async (client) => {
      const { program } = client.bulk(bulkId, options.program).key;
      const bulk = await client.startBulk({
        bulkId,
        program,
        source,
        limits: { maxBatchesInFlight, batchesPerMinute },
        onCancel,
      });
      const progress = options.wait ? await watchBulk(bulk) : await bulk.progress();
      printBulk(progress, options);
      if (!options.json)
        note(
          `${options.wait ? 'see every card with: c2p bulk report' : 'follow it with: c2p bulk watch'} ${bulkId}`,
        );
      return options.wait ? exitCodeOf(progress.status) : ExitCode.ok;
    });
  });
