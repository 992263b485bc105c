import type { CsvColumn } from './csv-columns.js';
import { CSV_COLUMNS } from './csv-columns.js';
import type { CsvRow } from './csv-rows.js';
import { readCsvRows } from './csv-rows.js';
import { InputError } from './input-error.js';
import type { InputRecords } from './read-records.js';

/**
 * Reads records from rows of one card each; see `CSV_COLUMNS`. A record stands where its consumer's
 * first row stands. A row without an `externalConsumerId` belongs to nobody and is a record of its own.
 *
 * @throws InputError `FILE_UNREADABLE`, `NOT_UTF8` and those that begin with `CSV_`
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
    const card = build(header, row, 'card') ?? {};
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
    input.records.push({ ...build(header, row, 'record'), consumer: build(header, row, 'consumer'), cards });
    input.lines.push({ line: row.line, cards: lines });
  }
  if (!header) throw headerMissing(file, undefined);
  return input;
}

/** The object of a row's fields that are a consumer's, a card's, …; undefined when all of them are empty. */
function build(header: readonly CsvColumn[], row: CsvRow, of: CsvColumn['of']): object | undefined {
  const root: Record<string, unknown> = {};
  header.forEach((column, index) => {
    const value = row.fields[index];
    if (column.of !== of || value === undefined || value === '') return;
    const parents = column.path.slice(0, -1);
    const parent = parents.reduce((node, step) => (node[step] ??= {}) as Record<string, unknown>, root);
    parent[column.path.at(-1) ?? ''] = value;
  });
  return Object.keys(root).length > 0 ? root : undefined;
}

/** A header's names are only quoted in errors when they are ours: a file without one begins with card data. */
function readHeader({ line, fields }: CsvRow, file: string): CsvColumn[] {
  const columns = fields.map((name) => CSV_COLUMNS.find((column) => column.name === name));
  if (!columns.some((column) => column)) throw headerMissing(file, line);
  const header = columns.map((column, index) => {
    if (column) return column;
    throw new InputError(
      'CSV_COLUMN_UNKNOWN',
      file,
      line,
      `column ${index + 1} has a name that is not known; remove it or rename it to one of ${names(CSV_COLUMNS)}`,
    );
  });
  const twice = header.filter((column, index) => header.indexOf(column) !== index);
  if (twice.length > 0) {
    throw new InputError('CSV_COLUMN_REPEATED', file, line, `remove the second column of ${names(twice)}`);
  }
  const missing = CSV_COLUMNS.filter((column) => column.required && !header.includes(column));
  if (missing.length > 0) {
    throw new InputError('CSV_COLUMN_MISSING', file, line, `add the missing columns ${names(missing)}`);
  }
  return header;
}

function requireSameConsumer(header: readonly CsvColumn[], first: CsvRow, row: CsvRow, file: string): void {
  const different = header.filter(
    ({ of }, index) => of === 'consumer' && first.fields[index] !== row.fields[index],
  );
  if (different.length === 0) return;
  throw new InputError(
    'CSV_CONSUMER_CONFLICT',
    file,
    row.line,
    `has the externalConsumerId of line ${first.line} but differs in ${names(different)}; ` +
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

function headerMissing(file: string, line: number | undefined): InputError {
  return new InputError(
    'CSV_HEADER_MISSING',
    file,
    line,
    `begin the file with a comma-separated header of ${names(CSV_COLUMNS.filter(({ required }) => required))}`,
  );
}

function names(columns: readonly CsvColumn[]): string {
  return columns.map(({ name }) => name).join(', ');
}
