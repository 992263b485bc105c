import { readLayout, readRecords } from '../../bulk/records.js';
import { SourceError } from '../../bulk/source-error.js';
import type { Source } from '../../bulk/source.js';
import { HEADER, REQUIRED } from '../cli/input-files.js';
import { repeated } from '../support/growth.js';
import {
  ANY,
  JSON_TEXTS,
  numbered,
  of,
  random,
  withstands,
  type Kinds,
  type Make,
} from '../support/hostile-inputs.js';
import { testRecord } from '../support/records.js';
import { csvRow, memorySource } from './memory-source.js';

const rows =
  (row: (n: number) => string): Make =>
  (bytes) =>
    numbered((n) => `${row(n)}\n`)(bytes);

const CSV_ROWS: Kinds = {
  ...ANY,
  'quotes, commas and line breaks at random': random('",\n', 3),
  'quotes, letters and line breaks at random': random('"x\n', 4),
  'all that means something at random': random('",\r\n\0x', 5),
  'one endless run of quotes': of('"'),
  'one endless run of commas': of(','),
  'lines of a quote each': of('"\n'),
  'lines of two quotes each': of('""\n'),
  'lines that begin with a quote': of('"x\n'),
  'lines with a quote in the middle': of('x"x\n'),
  'rows of two lines with something behind the quote': of('"x\n"x\n'),
  'a quote that is never closed': of('x\n', '"'),
  'NUL behind quotes': of('"x"\0\n'),
  'lines of commas': of(`${','.repeat(30)}\n`),
  'rows of many lines': of(`"${'\n'.repeat(500)}",x\n`),
  'rows that contradict their consumer': rows((n) => csvRow('c', `k${n}`, { lastName: `n${n}` })),
  'rows without an id': rows((n) => csvRow('', `k${n}`)),
  'rows whose id looks like a card number': rows((n) => csvRow('5186001700009726', `k${n}`)),
  'good and bad rows in turns': rows((n) => (n % 2 === 0 ? csvRow(`c${n}`, 'k') : '"x')),
  'rows of one consumer': rows((n) => csvRow('c', `k${n}`)),
};

const CSV_HEADERS: Kinds = {
  ...ANY,
  'quotes, commas and line breaks at random': random('",\n', 6),
  'all that means something at random': random('",\r\n\0x', 7),
  'one endless run of quotes': of('"'),
  'one endless run of commas': of(','),
  'a quote that is never closed': of('x\n', '"'),
  'columns that nobody knows': of('x,', `${HEADER},`),
  'one column many times': of(`${REQUIRED[0]},`, `${HEADER},`),
  'a good header behind blank lines': (bytes) => `${'\n'.repeat(bytes)}${HEADER}\n`,
};

const JSONL: Kinds = {
  ...JSON_TEXTS,
  'brackets that are never closed, line by line': of(`${'['.repeat(200)}\n`),
  'lines of numbers': of('7\n'),
  'lines of empty objects': of('{}\n'),
  'records without cards': of('{"externalConsumerId":"c","cards":[]}\n'),
  'a record with too many cards': (bytes) =>
    `{"externalConsumerId":"c","cards":[${repeated('{},', bytes)}{}]}`,
  'an id without end': (bytes) => JSON.stringify({ externalConsumerId: repeated('4 ', bytes), cards: [{}] }),
  'records with __proto__': of('{"__proto__":{"cards":[{}]},"externalConsumerId":"c"}\n'),
  'good and bad lines in turns': rows((n) => (n % 2 === 0 ? JSON.stringify(testRecord(n)) : '{')),
};

/** Reads a source as a job does, but forgets what it reads; one that is no portfolio is refused. */
async function read(source: Source): Promise<void> {
  try {
    const layout = await readLayout(source);
    for await (const items of readRecords(source, { layout, maxCardsPerBatch: 250 })) void items;
  } catch (error) {
    if (!(error instanceof SourceError)) throw error;
  }
}

/** Tests of every kind of hostile input, with so many bytes each. */
export function hostileSources(bytes: number, memoryBudget: number): void {
  const withHeader = (rows: Buffer) => Buffer.concat([Buffer.from(`${HEADER}\n`), rows]);
  for (const [name, kinds, sourceOf] of [
    ['CSV rows', CSV_ROWS, (input: Buffer) => memorySource(withHeader(input), '.csv')],
    ['a CSV header', CSV_HEADERS, (input: Buffer) => memorySource(input, '.csv')],
    ['JSONL', JSONL, (input: Buffer) => memorySource(input, '.jsonl')],
  ] as const)
    withstands(
      { name, kinds, limit: Infinity, parse: (input) => read(sourceOf(input.bytes)) },
      bytes,
      memoryBudget,
    );
}
