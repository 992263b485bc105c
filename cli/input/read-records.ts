import { extname } from 'node:path';
import { readCsv } from './csv.js';
import { InputError } from './input-error.js';
import type { InputRecords } from './input-records.js';
import { readJsonl } from './jsonl.js';

/**
 * Reads the records of a file: JSONL (`.jsonl`, `.ndjson`; one record a line, in the contract's shape)
 * or CSV (`.csv`; one card a row, columns as in `bulk/csv-columns.ts`). Both are UTF-8, with or without a
 * byte order mark, lines ended in any usual way; blank lines are skipped.
 *
 * @throws InputError
 */
export async function readRecords(file: string): Promise<InputRecords> {
  switch (extname(file).toLowerCase()) {
    case '.jsonl':
    case '.ndjson':
      return readJsonl(file);
    case '.csv':
      return readCsv(file);
    default:
      throw new InputError(
        'FORMAT_UNKNOWN',
        file,
        undefined,
        'the file extension sets the format; use .jsonl or .ndjson (one record a line) or .csv (one card a row)',
      );
  }
}

/**
 * The line of a record or of one of its cards.
 * @param position counted from 0, as in `ValidationResult.positions`.
 * @returns counted from 1; undefined for a position that the file does not have.
 */
export function lineOf(
  { lines }: Pick<InputRecords, 'lines'>,
  position: { record: number; card?: number | undefined },
): number | undefined {
  const found = lines[position.record];
  return position.card === undefined ? found?.line : (found?.cards?.[position.card] ?? found?.line);
}

/**
 * The line that a detail of an INVALID outcome is about.
 * @param position where the outcome's card stands (`ValidationResult.positions`).
 * @param path of the detail: in the record (`cards[1].panExpirationMonth`) or, for duplicates, in the
 *   batch (`records[4].cards[0]`).
 */
export function lineOfDetail(
  input: Pick<InputRecords, 'lines'>,
  position: { record: number; card?: number | undefined },
  path: string | undefined,
): number | undefined {
  const [, record, card] = /^(?:records\[(\d+)\]\.?)?(?:cards\[(\d+)\])?/.exec(path ?? '') ?? [];
  if (record === undefined && card === undefined) return lineOf(input, { record: position.record });
  return lineOf(input, {
    record: record === undefined ? position.record : Number(record),
    card: card === undefined ? undefined : Number(card),
  });
}
