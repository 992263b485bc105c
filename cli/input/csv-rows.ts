import { pipeline, Readable } from 'node:stream';
import { CsvError, parse } from 'csv-parse';
import { decodeUtf8, readBytes } from './bytes.js';
import { InputError } from './input-error.js';

export interface CsvRow {
  /** The line that the row begins on, counted from 1. */
  line: number;
  fields: string[];
}

/**
 * The rows of a CSV file (RFC 4180, UTF-8), blank lines left out. Rows may have any number of fields.
 * @throws InputError `FILE_UNREADABLE`, `NOT_UTF8`, `CSV_MALFORMED`
 */
export async function* readCsvRows(file: string): AsyncGenerator<CsvRow> {
  const parser = parse({
    encoding: 'latin1',
    info: true,
    record_delimiter: ['\r\n', '\n', '\r'],
    relax_column_count: true,
  });
  // Errors of either stream come out of the iteration.
  pipeline(Readable.from(readBytes(file), { objectMode: false }), parser, () => {});
  let end = 0;
  try {
    for await (const { record, info } of parser as AsyncIterable<{
      record: string[];
      info: { lines: number };
    }>) {
      const line = end + 1;
      end = info.lines;
      if (record.length === 1 && record[0]?.trim() === '') continue;
      yield { line, fields: record.map((field) => decodeUtf8(field, file, line)) };
    }
  } catch (error) {
    if (error instanceof CsvError) throw malformed(error, file, end + 1);
    throw error;
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

function malformed({ code }: CsvError, file: string, line: number): InputError {
  return new InputError('CSV_MALFORMED', file, line, PROBLEM[code] ?? 'is not CSV; see RFC 4180');
}
