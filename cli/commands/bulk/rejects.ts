import type { Writable } from 'node:stream';
import { Command, Option } from 'commander';
import { example } from '../../help.js';
import { writeNewFile } from '../../new-file.js';
import { note } from '../../output.js';
import { REPORT_FORMATS, writeRows, type ReportFormat } from '../../report.js';
import { terminal } from '../../terminal.js';
import { withClient } from '../../with-client.js';

interface RejectsOptions {
  format: ReportFormat;
  output?: string;
  program?: string;
}

export const rejectsCommand = new Command('rejects')
  .description('the rows of the source of a bulk job that came into no batch: line, path and code')
  .argument('<id>', 'the id of the job')
  .addOption(
    new Option('--format <format>', 'one JSON object a line, or CSV')
      .choices(REPORT_FORMATS)
      .default('jsonl'),
  )
  .option('-o, --output <file>', 'a new file (default: standard output)')
  .option('-p, --program <program>', 'only where several programs have a job of this id')
  .addHelpText(
    'after',
    example(
      'c2p bulk rejects 2026-11-debit --format csv',
      'Lines are counted from 1. The output does not contain the rows; correct them in a separate file.',
    ),
  )
  .action(async (id: string, { format, output, program }: RejectsOptions) => {
    await withClient(async (client) => {
      const bulk = await client.findBulk(id, program);
      const write = (out: Writable) => writeRows(bulk.rejects(), format, ['line', 'path', 'code'], out);
      if (output === undefined) return write(terminal().stdout);
      await writeNewFile(output, write);
      note(`the rejects of bulk job ${id} are in ${output}`);
    });
  });
