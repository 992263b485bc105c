import { Command, Option } from 'commander';
import type { BatchSummary } from '../../client/list.js';
import { CLOSED_STATUSES, OPEN_STATUSES, type BatchStatus } from '../../enrollment/batch.js';
import { example } from '../help.js';
import { wholeNumber } from '../numbers.js';
import { counted, note, print, printJson } from '../output.js';
import { withClient } from '../with-client.js';

export const listCommand = new Command('list')
  .description('the batches that Temporal knows: the open ones, then those that closed last')
  .option('-p, --program <program>', 'only those of this program')
  .addOption(
    new Option('--status <status>', 'only those in this status').choices([
      ...OPEN_STATUSES,
      ...CLOSED_STATUSES,
    ]),
  )
  .option('--limit <n>', 'at most this many', wholeNumber, 100)
  .option('--json', 'print one JSON document')
  .addHelpText('after', example('c2p list --program demo --status PROCESSING'))
  .action(async (options: { program?: string; status?: BatchStatus; limit: number; json?: boolean }) => {
    const batches = await withClient(async (client) => {
      const found: BatchSummary[] = [];
      for await (const batch of client.list(options)) found.push(batch);
      return found;
    });
    if (options.json) return printJson(batches);
    for (const batch of batches) print(lineOf(batch));
    note(
      batches.length === 0 ? 'no batches' : batches.length === 1 ? '1 batch' : `${batches.length} batches`,
    );
  });

function lineOf({
  startedAt,
  status,
  execution,
  program,
  externalBatchId,
  cards,
  failedCards,
}: BatchSummary): string {
  const endedInTemporal =
    execution === 'TERMINATED' || execution === 'TIMED_OUT' ? ` (${execution} in Temporal)` : '';
  const failed = failedCards > 0 ? `, ${failedCards} not enrolled` : '';
  return `${startedAt}  ${status.padEnd(21)}  ${program}  ${externalBatchId}  ${counted(cards, 'card')}${failed}${endedInTemporal}`;
}
