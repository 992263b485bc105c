import { Command, Option } from 'commander';
import { example } from '../help.js';
import { OUTCOME_COLUMNS, REPORT_FORMATS, writeRows, type ReportFormat } from '../report.js';
import { terminal } from '../terminal.js';
import { withClient } from '../with-client.js';

export const reportCommand = new Command('report')
  .description('the outcome of every card of a batch')
  .argument('<id>', 'externalBatchId')
  .option('-p, --program <program>', 'only where several programs have a batch of this id')
  .addOption(
    new Option('--format <format>', 'one JSON object a line, or CSV')
      .choices(REPORT_FORMATS)
      .default('jsonl'),
  )
  .addHelpText('after', example('c2p report 2026-11-debit-0001 --format csv > outcomes.csv'))
  .action(async (id: string, options: { program?: string; format: ReportFormat }) => {
    const outcomes = await withClient(async (client) => (await client.find(id, options.program)).outcomes());
    await writeRows(outcomes, options.format, OUTCOME_COLUMNS, terminal().stdout);
  });
