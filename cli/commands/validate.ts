import { Command } from 'commander';
import { ExitCode } from '../exit-codes.js';
import { example } from '../help.js';
import { lineOf, lineOfDetail, readRecords } from '../input/read-records.js';
import { counted, note, print } from '../output.js';
import { terminal } from '../terminal.js';

export const validateCommand = new Command('validate')
  .description('check a file without sending anything; needs no Temporal')
  .argument('<file>', 'JSONL or CSV')
  .addHelpText(
    'after',
    example('c2p validate examples/cards.csv', 'Exits with 0 when every card is valid, else with 2.'),
  )
  .action(async (file: string) => {
    const input = await readRecords(file);
    const { validateRecords } = await import('../../enrollment/validation.js');
    const { outcomes, positions, cards, validCards } = validateRecords(input.records, new Date());
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
