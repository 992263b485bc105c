import { isUtf8 } from 'node:buffer';
import { CsvError, parse } from 'csv-parse/sync';
import type { RejectCode } from './reject.js';
import { afterFirstLine, type Position, type Row, type RowCutter } from './row-cutter.js';

/** A row, or, where it has a `code`, the first line of one that is none. */
export type CsvRow =
  | { start: Position; end: Position; fields: string[]; code?: undefined }
  | { start: Position; end: Position | undefined; code: RejectCode };

/**
 * The rows that a cutter has at present, blank ones left out.
 * @param width how many fields each is to have; any number if absent.
 */
export function* csvRowsOf(cutter: RowCutter, width?: number): Generator<CsvRow> {
  let rows = takeRows(cutter);
  while (rows.length > 0) {
    const { parsed, code } = parseRows(cutter, rows, width);
    for (const [index, fields] of parsed.entries()) {
      const row = rows[index];
      if (row && !isBlank(fields)) yield { start: row.start, end: row.end, fields };
    }
    const bad = rows[parsed.length];
    if (!bad || code === undefined) return;
    const end = afterFirstLine(bad);
    // What is left of a line that is too long may be still to come.
    yield { start: bad.start, end: bad.tooLong ? undefined : end, code };
    if (end.offset === bad.end.offset) rows = rows.slice(parsed.length + 1);
    else {
      cutter.goBack(end);
      rows = takeRows(cutter);
    }
  }
}

/** A row with what is wrong with its bytes, to be found out once however often the rows are parsed. */
type CheckedRow = Row & { code: RejectCode | undefined };

function takeRows(cutter: RowCutter): CheckedRow[] {
  const rows: CheckedRow[] = [];
  for (let row = cutter.next(); row; row = cutter.next()) rows.push({ ...row, code: problemOf(row) });
  return rows;
}

function problemOf({ bytes, tooLong }: Row): RejectCode | undefined {
  if (tooLong) return 'row_too_long';
  if (!isUtf8(bytes)) return 'not_utf8';
  // The parser takes a NUL that follows a closing quote for the end of the field.
  return bytes.includes(0) ? 'csv_malformed' : undefined;
}

/**
 * Parses rows up to the first bad one, many at once: to set up the parser takes it as long as ten rows.
 * @returns the fields of those before the bad one, and what is wrong with that, if there is one.
 */
function parseRows(
  cutter: RowCutter,
  rows: readonly CheckedRow[],
  width: number | undefined,
): { parsed: string[][]; code?: RejectCode | undefined } {
  const bad = rows.findIndex(({ code }) => code !== undefined);
  const run = bad < 0 ? rows : rows.slice(0, bad);
  const parsed: string[][] = [];
  const [first, last] = [run[0], run.at(-1)];
  if (!first || !last) return { parsed, code: rows[0]?.code };
  let wrongWidth = false;
  try {
    parse(cutter.between(first.start, last.end), {
      record_delimiter: ['\r\n', '\n', '\r'],
      relax_column_count: true,
      on_record: (fields: string[]) => {
        wrongWidth = width !== undefined && fields.length !== width && !isBlank(fields);
        if (wrongWidth) throw new WrongWidth();
        parsed.push(fields);
        return null;
      },
    });
  } catch (error) {
    if (wrongWidth) return { parsed, code: 'field_count' };
    if (error instanceof CsvError) return { parsed, code: 'csv_malformed' };
    throw error;
  }
  return { parsed, code: rows[run.length]?.code };
}

/** Ends the parsing at a row. */
class WrongWidth extends Error {}

function isBlank(fields: readonly string[]): boolean {
  return fields.length === 1 && fields[0]?.trim() === '';
}
