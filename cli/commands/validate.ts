import { Command } from 'commander';
import { validateRecords } from '../../enrollment/validation.js';
import { ExitCode } from '../exit-codes.js';
import { lineOf, lineOfDetail, readRecords } from '../input/read-records.js';
import { note, print } from '../output.js';

export const validateCommand = new Command('validate')
  .description('check a file without sending anything; needs no Temporal')
  .argument('<file>', 'JSONL or CSV')
  .action(async (file: string) => {
    const input = await readRecords(file);
    const { outcomes, positions, cards, validCards } = validateRecords(input.records, new Date());
    outcomes.forEach((outcome, index) => {
      const position = positions[index]!;
      for (const { path, code } of outcome.details ?? []) {
        const line = lineOfDetail(input, position, path) ?? lineOf(input, position);
        print(`line ${line}: ${path ?? 'record'} ${code}`);
      }
    });
    note(`${cards} cards: ${validCards} valid, ${cards - validCards} invalid`);
    process.exitCode = validCards === cards && cards > 0 ? ExitCode.ok : ExitCode.usage;
  });
