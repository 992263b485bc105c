import { finished } from 'node:stream/promises';
import type { Options, Parser } from 'csv-parse';
import { CsvError, parse } from 'csv-parse';
import { Turns } from '../../bulk/turns.js';
import { decodeUtf8, readBytes } from './bytes.js';
import { InputError } from './input-error.js';

export interface CsvRow {
  /** The line that the row begins on, counted from 1. */
  line: number;
  fields: string[];
}

/** Of ASCII only: what else is white space in Latin-1 is a byte of UTF-8, or not UTF-8. */
const BLANK = /^[\t\v\f ]*$/;

/** Many times what the longest row that can be valid takes. */
const LONGEST_ROW = 100_000;

/**
 * The rows of a CSV file (RFC 4180, UTF-8), blank lines left out. Rows may have any number of fields.
 * @throws InputError `FILE_UNREADABLE`, `FILE_TOO_LARGE`, `NOT_UTF8`, `CSV_MALFORMED`
 */
export async function* readCsvRows(file: string): AsyncGenerator<CsvRow> {
  // Counted here: the parser takes CRLF in a quoted field for two lines, and its errors overtake its rows.
  let line = 1;
  const options: Options<CsvRow, string[]> = {
    encoding: 'latin1',
    record_delimiter: ['\r\n', '\n', '\r'],
    relax_column_count: true,
    max_record_size: LONGEST_ROW,
    on_record: (fields: string[]): CsvRow => {
      const row = { line, fields };
      line += 1 + fields.reduce((breaks, field) => breaks + (field.match(/\r\n|\n|\r/g)?.length ?? 0), 0);
      return row;
    },
  };
  // The typings know that on_record may change the type of a row only where `columns` is given.
  const parser = parse(options as unknown as Options);
  const tooLong = () => malformed('CSV_MAX_RECORD_SIZE', file, line);
  try {
    for await (const rows of parsed(parser, inTurns(readBytes(file), tooLong)))
      for (const { line: start, fields } of rows) {
        if (fields.length === 1 && BLANK.test(fields[0] ?? '')) continue;
        // The parser takes one that follows a closing quote for the end of the field; and every other byte of UTF-16 is one.
        if (fields.some((field) => field.includes('\0')))
          throw new InputError('CSV_MALFORMED', file, start, 'has a NUL in it; save the file as UTF-8 text');
        yield { line: start, fields: fields.map((field) => decodeUtf8(field, file, start)) };
      }
  } catch (error) {
    if (error instanceof CsvError) throw malformed(error.code, file, line);
    throw error;
  }
}

/** The rows of some bytes, piece by piece: the parser has no more of them at once than it is given here. */
async function* parsed(parser: Parser, bytes: AsyncIterable<Buffer>): AsyncGenerator<Iterable<CsvRow>> {
  // It is read from `errored`.
  parser.on('error', () => {});
  for await (const piece of bytes) {
    parser.write(piece);
    yield taken(parser);
  }
  parser.end();
  await finished(parser, { readable: false });
  yield taken(parser);
}

function* taken(parser: Parser): Generator<CsvRow> {
  for (let row = parser.read() as CsvRow | null; row; row = parser.read() as CsvRow | null) yield row;
  if (parser.errored) throw parser.errored;
}

/** The parser takes as long for a row without fields as for one of a thousand bytes. */
const MOST_AT_ONCE = 1_000;

/**
 * The same bytes in pieces, between which others have their turn.
 * @param tooLong the error for a line that is longer than any row: the parser does not count commas.
 */
async function* inTurns(bytes: AsyncIterable<Buffer>, tooLong: () => Error): AsyncGenerator<Buffer> {
  const turns = new Turns();
  let length = 0;
  for await (const block of bytes)
    for (let at = 0; at < block.length; at += MOST_AT_ONCE) {
      if (turns.isOver) await turns.next();
      const piece = block.subarray(at, at + MOST_AT_ONCE);
      const end = Math.max(piece.lastIndexOf('\n'), piece.lastIndexOf('\r'));
      length = end < 0 ? length + piece.length : piece.length - 1 - end;
      if (length > LONGEST_ROW) throw tooLong();
      yield piece;
    }
}

/** In place of the parser's own messages, which quote the file. */
const PROBLEM: Partial<Record<CsvError['code'], string>> = {
  CSV_QUOTE_NOT_CLOSED: 'has a quoted field that is never closed; add the closing quote',
  INVALID_OPENING_QUOTE:
    'has a quote inside a field that is not quoted; quote the whole field and write the quote twice',
  CSV_INVALID_CLOSING_QUOTE:
    'has something between a closing quote and the comma; write a quote inside a quoted field twice',
  CSV_MAX_RECORD_SIZE: 'is too long for a row; a closing quote or a line break may be missing',
};

function malformed(code: CsvError['code'], file: string, line: number): InputError {
  return new InputError('CSV_MALFORMED', file, line, PROBLEM[code] ?? 'is not CSV; see RFC 4180');
}
