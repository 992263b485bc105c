import { Command } from 'commander';
import { ProgramUnknownError } from '../../client/errors.js';
import type { RecordRules } from '../../enrollment/record-rules.js';
import { ExitCode } from '../exit-codes.js';
import { example } from '../help.js';
import { lineOf, lineOfDetail, readRecords } from '../input/read-records.js';
import { counted, note, print } from '../output.js';
import { terminal } from '../terminal.js';

export const validateCommand = new Command('validate')
  .description('check a file without sending anything; needs no Temporal')
  .argument('<file>', 'JSONL or CSV')
  .option(
    '-p, --program <program>',
    "by the rules of this program's API module; without it, of the built-in one",
  )
  .addHelpText(
    'after',
    example('c2p validate examples/cards.csv', 'Exits with 0 when every card is valid, else with 2.'),
  )
  .action(async (file: string, { program }: { program?: string }) => {
    const rules = await rulesOf(program);
    const input = await readRecords(file);
    const { validateRecords } = await import('../../enrollment/validation.js');
    const { outcomes, positions, cards, validCards } = validateRecords(input.records, rules, new Date());
    outcomes.forEach((outcome, index) => {
      const position = positions[index]!;
      for (const { path, code } of outcome.details ?? []) {
        const line = lineOfDetail(input, position, path) ?? lineOf(input, position);
        print(`line ${line}: ${path ?? 'record'} ${code}`);
      }
    });
    note(`${counted(cards, 'card')}: ${validCards} valid, ${cards - validCards} invalid`);
    terminal().exitCode = validCards === cards && cards > 0 ? ExitCode.ok : ExitCode.usage;
  });

async function rulesOf(program: string | undefined): Promise<RecordRules> {
  if (program === undefined)
    return (await import('../../mastercard/api/batch-enroll.js')).batchEnroll.records;
  const { loadConfig } = await import('../../config/load.js');
  const { programs } = await loadConfig();
  if (!Object.hasOwn(programs, program)) throw new ProgramUnknownError(program, Object.keys(programs));
  return programs[program]!.api.records;
}
