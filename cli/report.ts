import type { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { stringify } from 'csv-stringify';
import type { Outcome } from '../enrollment/outcomes.js';
import { printableJson, printableLine } from '../protection/printable.js';

export const REPORT_FORMATS = ['jsonl', 'csv'] as const;
export type ReportFormat = (typeof REPORT_FORMATS)[number];

/** The columns of CSV; JSONL has the fields that a row has. */
export const OUTCOME_COLUMNS = [
  'externalConsumerId',
  'externalCardId',
  'status',
  'round',
  'reason',
  'details',
  'srcConsumerId',
  'srcDigitalCardId',
] as const satisfies readonly (keyof Outcome)[];

const CHUNK_CHARACTERS = 64 * 1024;

/**
 * Writes rows as they come, no faster than they are taken: one JSON object a line, or CSV with a header.
 * @param columns of CSV, in their order.
 * @param out is not ended.
 */
export async function writeRows<Row extends object>(
  rows: AsyncIterable<Row> | Iterable<Row>,
  format: ReportFormat,
  columns: ReadonlyArray<keyof Row & string>,
  out: Writable,
): Promise<void> {
  if (format === 'jsonl') return pipeline(jsonLines(rows), inChunks, out, { end: false });
  const csv = stringify({ header: true, columns: [...columns], cast: { string: csvCell } });
  return pipeline(cells(rows), csv, inChunks, out, { end: false });
}

async function* jsonLines(rows: AsyncIterable<object> | Iterable<object>): AsyncGenerator<string> {
  for await (const row of rows) yield `${printableJson(JSON.stringify(row))}\n`;
}

async function* cells(rows: AsyncIterable<object> | Iterable<object>): AsyncGenerator<object> {
  for await (const row of rows)
    yield 'details' in row ? { ...row, details: detailsText(row as Outcome) } : row;
}

/**
 * Where a spreadsheet would find a formula: at the beginning, and behind whatever it may take for the end of a cell,
 * which depends on its locale and on who opens the file. It takes signs in full width, too.
 */
const FORMULA = /(^|[;,|])([\p{Zs}"']*)(?=[=+\-@＝＋－＠])/gu;

/** A text of others in a cell: one line, with a `'` before what a spreadsheet would run. */
export function csvCell(text: string): string {
  return printableLine(text).replace(FORMULA, "$1$2'");
}

/** Each write is a call to the system: not one for each row. */
async function* inChunks(texts: AsyncIterable<string | Buffer>): AsyncGenerator<string> {
  let chunk = '';
  for await (const text of texts) {
    chunk += text.toString();
    if (chunk.length < CHUNK_CHARACTERS) continue;
    yield chunk;
    chunk = '';
  }
  if (chunk !== '') yield chunk;
}

/** What was found about a card, in one cell or on one line: `cards[0].primaryAccountNumber luhn; …`. */
export function detailsText({ details }: Pick<Outcome, 'details'>): string {
  return (details ?? [])
    .map(({ path, code, message }) => [path, code, message && `(${message})`].filter(Boolean).join(' '))
    .join('; ');
}
