import { consumerIdProblem } from './consumer-id.js';
import {
  columnsOf,
  consumerDifferences,
  CSV_COLUMNS,
  HEADER_MISSING,
  objectOf,
  type CsvColumn,
} from './csv-columns.js';
import { csvRowsOf, type CsvRow } from './csv-rows.js';
import type { Item } from './item.js';
import type { Reject } from './reject.js';
import { BEGINNING, RowCutter, type Position } from './row-cutter.js';
import { SourceError } from './source-error.js';
import type { Source } from './source.js';
import { Turns } from './turns.js';

/** A consumer's rows may have so many rejected ones between them: these are held until it is known what the consumer is. */
const MAX_BAD_ROWS = 1_000;

/** Many times what the longest row that can be valid takes. */
export const MAX_ROW_BYTES = 100_000;

/**
 * The names of a source's columns; see `CSV_COLUMNS`.
 * @throws SourceError with a code that begins with `CSV_`
 */
export async function readCsvHeader(source: Source): Promise<string[]> {
  const cutter = new RowCutter({ start: BEGINNING, quotes: true, maxBytes: MAX_ROW_BYTES });
  const turns = new Turns();
  for await (const ended of pushing(cutter, source.read(0))) {
    let row: CsvRow | undefined;
    for (row of csvRowsOf(cutter)) {
      if (row) break;
      if (turns.isOver) await turns.next();
    }
    if (!row && !ended) continue;
    const columns = row?.code === undefined && row ? columnsOf(row.fields) : HEADER_MISSING;
    if (Array.isArray(columns)) return columns.map(({ name }) => name);
    throw new SourceError(columns.code, source.name, columns.problem);
  }
  throw new SourceError(HEADER_MISSING.code, source.name, HEADER_MISSING.problem);
}

/**
 * Reads records from rows of one card each; see `readRecords`.
 * @param columns the names in the header, which is passed over where reading starts at the beginning.
 */
export async function* readCsv(
  bytes: AsyncIterable<Buffer>,
  start: Position,
  maxCards: number,
  columns: readonly string[],
): AsyncGenerator<Item[]> {
  const cutter = new RowCutter({ start, quotes: true, maxBytes: MAX_ROW_BYTES });
  const consumers = new Consumers(columns, maxCards);
  let isHeader = start.offset === 0;
  const turns = new Turns();
  for await (const ended of pushing(cutter, bytes)) {
    let items: Item[] = [];
    for (const row of csvRowsOf(cutter, columns.length)) {
      if (row === undefined) {
        // Nothing but a place to stop at.
      } else if (isHeader) isHeader = false;
      else if (row.code !== undefined) items.push(...consumers.takeBad(row.start, row.end, row.code));
      else items.push(...consumers.take(row.start, row.end, row.fields));
      if (!turns.isOver) continue;
      yield items;
      items = [];
      await turns.next();
    }
    if (ended) items.push(...consumers.close(cutter.position), { kind: 'end', after: cutter.position });
    yield items;
  }
}

/** Gives a cutter its bytes; after each block, and at the end, it is one's turn to take rows. Says whether it is the end. */
async function* pushing(cutter: RowCutter, bytes: AsyncIterable<Buffer>): AsyncGenerator<boolean> {
  for await (const block of bytes) {
    cutter.push(block);
    yield false;
  }
  cutter.end();
  yield true;
}

/** Whose rows are being gathered. */
interface Consumer {
  id: string;
  line: number;
  /** The fields of their first row. */
  first: string[];
  count: number;
  cards: object[];
  /** Rows since the first that were rejected. */
  badRows: number;
}

/** Gathers the rows of one consumer after another. */
class Consumers {
  readonly #columns: CsvColumn[];
  readonly #idColumn: number;
  #current: Consumer | undefined;

  constructor(
    columns: readonly string[],
    private readonly maxCards: number,
  ) {
    this.#columns = columns.flatMap((name) => CSV_COLUMNS.filter((column) => column.name === name));
    this.#idColumn = this.#columns.findIndex(({ of }) => of === 'record');
  }

  take(start: Position, end: Position, fields: string[]): Item[] {
    const id = fields[this.#idColumn] ?? '';
    const current = this.#current;
    if (current?.id === id) {
      const [different] = consumerDifferences(this.#columns, current.first, fields);
      if (different) {
        const path = ['consumer', ...different.path].join('.');
        return this.takeBad(start, end, 'consumer_conflict', path);
      }
      this.#addCard(current, fields);
      return [];
    }
    const closed = this.close(start);
    const problem = id === '' ? 'required' : consumerIdProblem(id);
    if (problem) return [...closed, this.reject(start.line, 'externalConsumerId', problem, end)];
    this.#current = { id, line: start.line, first: fields, count: 0, cards: [], badRows: 0 };
    this.#addCard(this.#current, fields);
    return closed;
  }

  /** A row that comes into no record; too many of them end the consumer amid whose rows they stand. */
  takeBad(start: Position, end: Position | undefined, code: Reject['code'], path = ''): Item[] {
    const closed = this.#current && ++this.#current.badRows > MAX_BAD_ROWS ? this.close(start) : [];
    return [...closed, this.reject(start.line, path, code, end)];
  }

  /** @param after where the next row is; while a consumer's rows may go on, reading cannot begin there. */
  reject(line: number, path: string, code: Reject['code'], after: Position | undefined): Item {
    return { kind: 'reject', reject: { line, path, code }, after: this.#current ? undefined : after };
  }

  /** Ends the consumer whose rows were gathered, if there is one. */
  close(after: Position): Item[] {
    const current = this.#current;
    if (!current) return [];
    this.#current = undefined;
    const { line, first, count, cards } = current;
    if (count > this.maxCards) return [this.reject(line, 'cards', 'too_many_cards', after)];
    const [record, consumer] = [
      objectOf(this.#columns, first, 'record'),
      objectOf(this.#columns, first, 'consumer'),
    ];
    return [{ kind: 'record', record: { line, cards: count, value: { ...record, consumer, cards } }, after }];
  }

  /** Of a consumer with too many cards the rows are only counted: there may be any number. */
  #addCard(current: Consumer, fields: string[]): void {
    current.count += 1;
    if (current.count <= this.maxCards) current.cards.push(objectOf(this.#columns, fields, 'card') ?? {});
  }
}
