import { Command } from 'commander';
import { namedSource, NAMING_A_SOURCE } from '../../bulk/named-source.js';
import type { CardsByOutcome, Rerun } from '../../bulk/rerun.js';
import { example } from '../../help.js';
import { writeNewFile } from '../../new-file.js';
import { counted, note } from '../../output.js';
import { writeRows } from '../../report.js';
import { withClient } from '../../with-client.js';

interface RerunOptions {
  output: string;
  source?: string;
  program?: string;
}

export const rerunCommand = new Command('rerun')
  .description('write a file with the cards of a closed bulk job that may be sent again')
  .argument('<id>', 'the id of the job')
  .requiredOption('-o, --output <file>', 'a new file; JSONL, so call it .jsonl')
  .option(
    '--source <source>',
    "the job's source, where it is elsewhere by now or its address is not valid any more: a file, an https: URL, @FILE or env:NAME",
  )
  .option('-p, --program <program>', 'only where several programs have a job of this id')
  .addHelpText(
    'after',
    example(
      'c2p bulk rerun 2026-11-debit --output portfolios/2026-11-debit-again.jsonl',
      'It reads the source again and takes the cards that were never sent, those that were taken back, and those',
      'that Mastercard declined for a passing reason. It leaves out what has to be mended first (INVALID, and',
      'FAILED for any other reason) and every other UNREPORTED card: Mastercard may have it, so ask there first.',
      'The command prints how many it left out, and why. THE FILE CONTAINS CARD NUMBERS in clear, as the source',
      'does; only you may read it (mode 0600). Delete it when it is enrolled.',
      ...NAMING_A_SOURCE,
    ),
  )
  .action(async (id: string, { output, source, program }: RerunOptions) => {
    await withClient(async (client) => {
      const bulk = await client.findBulk(id, program);
      // Not before, since it brings the validators along.
      const { openRerun } = await import('../../bulk/rerun.js');
      const rerun = await openRerun(bulk, source === undefined ? undefined : await namedSource(source));
      await writeNewFile(output, (out) => writeRows(rerun.records(), 'jsonl', [], out));
      tell(rerun, output);
    });
  });

function tell({ consumers, taken, leftOut }: Rerun, output: string): void {
  const cards = counted(sum(taken), 'card');
  note(`${output} has ${cards} of ${counted(consumers, 'consumer')}${listed(taken)}`);
  if (sum(leftOut) > 0) note(`left out: ${counted(sum(leftOut), 'card')}${listed(leftOut)}`);
  if (sum(taken) > 0) note('it holds card numbers: delete it when it is enrolled');
}

function listed(cards: CardsByOutcome): string {
  const parts = [...cards]
    .sort(([, one], [, other]) => other - one)
    .map(([what, count]) => `${count} ${what}`);
  return parts.length > 0 ? `: ${parts.join(', ')}` : '';
}

function sum(cards: CardsByOutcome): number {
  return [...cards.values()].reduce((all, count) => all + count, 0);
}
