import type { CsvColumn, CsvHeaderProblem } from '../../bulk/csv-columns.js';
import { columnsOf, consumerDifferences, HEADER_MISSING, namesOf, objectOf } from '../../bulk/csv-columns.js';
import type { CsvRow } from './csv-rows.js';
import { readCsvRows } from './csv-rows.js';
import { InputError } from './input-error.js';
import type { InputRecords } from './input-records.js';

/**
 * Reads records from rows of one card each; see `CSV_COLUMNS`. A record stands where its consumer's
 * first row stands. A row without an `externalConsumerId` belongs to nobody and is a record of its own.
 *
 * @throws InputError `FILE_UNREADABLE`, `FILE_TOO_LARGE`, `NOT_UTF8` and those that begin with `CSV_`
 */
export async function readCsv(file: string): Promise<InputRecords> {
  const input: InputRecords & { lines: Array<{ line: number; cards: number[] }> } = {
    file,
    records: [],
    lines: [],
  };
  const consumers = new Map<string, { first: CsvRow; cards: unknown[]; lines: number[] }>();
  let header: CsvColumn[] | undefined;
  for await (const row of readCsvRows(file)) {
    if (!header) {
      header = readHeader(row, file);
      continue;
    }
    if (row.fields.length !== header.length) throw wrongFieldCount(row, header.length, file);
    const id = row.fields[header.findIndex(({ of }) => of === 'record')] ?? '';
    const card = objectOf(header, row.fields, 'card') ?? {};
    const known = consumers.get(id);
    if (known) {
      requireSameConsumer(header, known.first, row, file);
      known.cards.push(card);
      known.lines.push(row.line);
      continue;
    }
    const cards = [card];
    const lines = [row.line];
    if (id !== '') consumers.set(id, { first: row, cards, lines });
    input.records.push({
      ...objectOf(header, row.fields, 'record'),
      consumer: objectOf(header, row.fields, 'consumer'),
      cards,
    });
    input.lines.push({ line: row.line, cards: lines });
  }
  if (!header) throw unusableHeader(HEADER_MISSING, file);
  return input;
}

function readHeader({ line, fields }: CsvRow, file: string): CsvColumn[] {
  const columns = columnsOf(fields);
  if (Array.isArray(columns)) return columns;
  throw unusableHeader(columns, file, line);
}

function unusableHeader({ code, problem }: CsvHeaderProblem, file: string, line?: number): InputError {
  return new InputError(code, file, line, problem);
}

function requireSameConsumer(header: readonly CsvColumn[], first: CsvRow, row: CsvRow, file: string): void {
  const different = consumerDifferences(header, first.fields, row.fields);
  if (different.length === 0) return;
  throw new InputError(
    'CSV_CONSUMER_CONFLICT',
    file,
    row.line,
    `has the externalConsumerId of line ${first.line} but differs in ${namesOf(different)}; ` +
      'write the same consumer data on each row of a consumer',
  );
}

function wrongFieldCount({ line, fields }: CsvRow, expected: number, file: string): InputError {
  return new InputError(
    'CSV_FIELD_COUNT',
    file,
    line,
    `has ${fields.length} fields where the header has ${expected}; quote fields that have commas in them`,
  );
}
