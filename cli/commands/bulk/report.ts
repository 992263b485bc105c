import { Command, InvalidArgumentError, Option } from 'commander';
import type { BulkOutcome } from '../../../client/bulk-enrollment.js';
import { OUTCOME_STATUSES, type OutcomeStatus } from '../../../enrollment/outcomes.js';
import { example } from '../../help.js';
import { OUTCOME_COLUMNS, REPORT_FORMATS, writeRows, type ReportFormat } from '../../report.js';
import { terminal } from '../../terminal.js';
import { withClient } from '../../with-client.js';

interface ReportOptions {
  format: ReportFormat;
  only?: OutcomeStatus[];
  program?: string;
}

export const reportCommand = new Command('report')
  .description('the outcome of every card of the batches of a bulk job that are closed, also while it runs')
  .argument('<id>', 'the id of the job')
  .addOption(
    new Option('--format <format>', 'one JSON object a line, or CSV')
      .choices(REPORT_FORMATS)
      .default('jsonl'),
  )
  .option(
    '--only <outcomes>',
    `only cards with these: ${OUTCOME_STATUSES.map(nameOf).join(', ')}; several with commas between them`,
    outcomes,
  )
  .option('-p, --program <program>', 'only where several programs have a job of this id')
  .addHelpText(
    'after',
    example(
      'c2p bulk report 2026-11-debit --only failed,invalid --format csv > to-mend.csv',
      'The rows are in the order of the source, as in c2p report, with the externalBatchId in front.',
      'Rows of the source that came into no batch are in: c2p bulk rejects ID',
    ),
  )
  .action(async (id: string, { format, only, program }: ReportOptions) => {
    await withClient(async (client) => {
      const bulk = await client.findBulk(id, program);
      const rows = only ? withStatus(bulk.outcomes(), new Set(only)) : bulk.outcomes();
      await writeRows(rows, format, ['externalBatchId', ...OUTCOME_COLUMNS], terminal().stdout);
    });
  });

async function* withStatus(
  rows: AsyncIterable<BulkOutcome>,
  statuses: ReadonlySet<OutcomeStatus>,
): AsyncGenerator<BulkOutcome> {
  for await (const row of rows) if (statuses.has(row.status)) yield row;
}

function outcomes(text: string, before: OutcomeStatus[] = []): OutcomeStatus[] {
  const named = text.split(',').map((name) => {
    const status = OUTCOME_STATUSES.find((candidate) => nameOf(candidate) === name.trim());
    if (!status) throw new InvalidArgumentError(`Allowed are ${OUTCOME_STATUSES.map(nameOf).join(', ')}.`);
    return status;
  });
  return [...before, ...named];
}

function nameOf(status: OutcomeStatus): string {
  return status.toLowerCase().replace('_', '-');
}
