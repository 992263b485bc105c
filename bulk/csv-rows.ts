import { isUtf8 } from 'node:buffer';
import { CsvError, parse } from 'csv-parse/sync';
import type { RejectCode } from './reject.js';
import { afterFirstLine, type Position, type Row, type RowCutter } from './row-cutter.js';

/** A row, or, where it has a `code`, the first line of one that is none. */
export type CsvRow =
  | { start: Position; end: Position; fields: string[]; code?: undefined }
  | { start: Position; end: Position | undefined; code: RejectCode };

/** So many rows are parsed at once, in a turn: to set up the parser takes it as long as ten rows. */
const MOST_AT_ONCE = 200;

/**
 * The rows that a cutter has at present, blank ones left out; nothing after each few of them, so that the caller may
 * let others have their turn, however many are blank. The work grows with the bytes, however many rows are bad:
 * after a bad row one row is taken, then two, four and so on, so that no row is taken again for every bad one before it.
 * @param width how many fields each is to have; any number if absent.
 */
export function* csvRowsOf(cutter: RowCutter, width?: number): Generator<CsvRow | undefined> {
  let atOnce = MOST_AT_ONCE;
  for (let rows = takeRows(cutter, atOnce); rows.length > 0; rows = takeRows(cutter, atOnce)) {
    const { parsed, code } = parseRows(cutter, rows, width);
    for (const [index, fields] of parsed.entries()) {
      const { start, end } = rows[index]!;
      if (fields === undefined) yield { start, end, code: 'field_count' };
      else if (!isBlank(fields)) yield { start, end, fields };
    }
    const bad = rows[parsed.length];
    if (!bad || code === undefined) {
      atOnce = Math.min(2 * atOnce, MOST_AT_ONCE);
      yield undefined;
      continue;
    }
    const end = afterFirstLine(bad);
    // What is left of a line that is too long may be still to come.
    yield { start: bad.start, end: bad.tooLong ? undefined : end, code };
    if (bad !== rows.at(-1) || end.offset !== bad.end.offset) cutter.goBack(end);
    atOnce = 1;
  }
}

/** A row with what is wrong with its bytes. */
type CheckedRow = Row & { code: RejectCode | undefined };

function takeRows(cutter: RowCutter, most: number): CheckedRow[] {
  const rows: CheckedRow[] = [];
  while (rows.length < most) {
    const row = cutter.next();
    if (!row) break;
    rows.push({ ...row, code: problemOf(row) });
  }
  return rows;
}

function problemOf({ bytes, tooLong }: Row): RejectCode | undefined {
  if (tooLong) return 'row_too_long';
  if (!isUtf8(bytes)) return 'not_utf8';
  // The parser takes a NUL that follows a closing quote for the end of the field.
  return bytes.includes(0) ? 'csv_malformed' : undefined;
}

/**
 * Parses rows up to the first that is malformed, or that has the wrong number of fields and more lines than one: of
 * such a row, the lines after the first are parsed again.
 * @returns the fields of those before it, nothing for a line with the wrong number of them; and what is wrong with the
 *   row that ended it, if one did.
 */
function parseRows(
  cutter: RowCutter,
  rows: readonly CheckedRow[],
  width: number | undefined,
): { parsed: (string[] | undefined)[]; code?: RejectCode | undefined } {
  const bad = rows.findIndex(({ code }) => code !== undefined);
  const run = bad < 0 ? rows : rows.slice(0, bad);
  const parsed: (string[] | undefined)[] = [];
  const [first, last] = [run[0], run.at(-1)];
  if (!first || !last) return { parsed, code: rows[0]?.code };
  let isWide = false;
  try {
    parse(cutter.between(first.start, last.end), {
      record_delimiter: ['\r\n', '\n', '\r'],
      relax_column_count: true,
      on_record: (fields: string[]) => {
        const { start, end } = run[parsed.length]!;
        const fits = width === undefined || fields.length === width || isBlank(fields);
        isWide = !fits && end.line - start.line > 1;
        if (isWide) throw new WrongWidth();
        parsed.push(fits ? fields : undefined);
        return null;
      },
    });
  } catch (error) {
    if (isWide) return { parsed, code: 'field_count' };
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
