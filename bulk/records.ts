import { extname } from 'node:path';
import { readCsvHeader, readCsv } from './csv.js';
import { readJsonl } from './jsonl.js';
import type { Item } from './item.js';
import { BEGINNING, type Position } from './row-cutter.js';
import { SourceError } from './source-error.js';
import type { Source } from './source.js';

/** What has to be known of a source to enter it in the middle. */
export type Layout = { format: 'jsonl' } | { format: 'csv'; columns: string[] };

export interface ReadOptions {
  layout: Layout;
  /** Where a record begins: the beginning (the default), or where an item said that reading may go on. */
  start?: Position | undefined;
  /** Where to end; the same kind of place (default: the end of the source). */
  to?: number | undefined;
  maxCardsPerBatch: number;
}

/**
 * Tells a source's format by its name (without `.gz`): JSONL (`.jsonl`, `.ndjson`) or CSV (`.csv`), and
 * reads the header of CSV.
 * @throws SourceError, SourceChangedError
 */
export async function readLayout(source: Source): Promise<Layout> {
  switch (extname(source.name.toLowerCase().replace(/\.gz$/, ''))) {
    case '.jsonl':
    case '.ndjson':
      return { format: 'jsonl' };
    case '.csv':
      return { format: 'csv', columns: await readCsvHeader(source) };
    default: {
      const formats = '.jsonl or .ndjson (one record a line) or .csv (one card a row)';
      const problem = `the file extension sets the format; use ${formats}, and .gz behind it if it is compressed`;
      throw new SourceError('FORMAT_UNKNOWN', source.name, problem);
    }
  }
}

/**
 * Reads the records of a source, block by block: a slow consumer slows the reading down, and what
 * is held is one block, one row and one consumer. A list of items is what one block completed, or a part of it after
 * which the event loop had its turn; maybe none.
 *
 * A record has a usable `externalConsumerId` and 1 to `maxCardsPerBatch` cards; what these, and the rest
 * of the record, hold is for `validateRecords` to judge. Everything else is a reject, and reading goes on:
 *
 * - **Encoding**: UTF-8, each row for itself; a row with other bytes (Latin-1) is `not_utf8`. A byte order
 *   mark at the beginning is passed over. Of UTF-16 no row is readable.
 * - **Lines** end in LF, CRLF or lone CR, as `c2p enroll` reads them; blank ones are skipped. In CSV a quoted
 *   field may have line breaks of any kind in it. U+2028 is text.
 * - **NUL** is malformed in both formats.
 * - **The last line** needs no line break. One that was cut off is what it looks like: malformed JSON, a
 *   field or a closing quote too few; only validation finds one that is cut within its last field.
 * - **A bad row of CSV** is given up to the end of its first line, so that a quote that is never closed does
 *   not take the rows behind it along; the other lines of a row with line breaks in it are then rejects too.
 * - **A row that is too long** (`MAX_LINE_BYTES`, `MAX_ROW_BYTES`) is given up the same way.
 * - **A consumer of CSV** is rows with the same `externalConsumerId` one after another; up to 1,000
 *   rejected rows between them do not matter. Rows of theirs elsewhere in the file are another record, which validation takes for a
 *   duplicate where it comes into the same batch: sort the file by consumer. (`c2p enroll` reads the whole
 *   file and gathers them.) A row that contradicts the consumer's first one is a reject, the others stay.
 *
 * @throws SourceError, SourceChangedError
 */
export function readRecords(source: Source, options: ReadOptions): AsyncGenerator<Item[]> {
  const { layout, start = BEGINNING, to, maxCardsPerBatch } = options;
  const bytes = source.read(start.offset, to);
  return layout.format === 'jsonl'
    ? readJsonl(bytes, start, maxCardsPerBatch)
    : readCsv(bytes, start, maxCardsPerBatch, layout.columns);
}
