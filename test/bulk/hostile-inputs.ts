import { describe, expect, test } from 'vitest';
import { readLayout, readRecords } from '../../bulk/records.js';
import { SourceError } from '../../bulk/source-error.js';
import type { Source } from '../../bulk/source.js';
import { HEADER, REQUIRED } from '../cli/input-files.js';
import { watchingEventLoop } from '../support/event-loop.js';
import { many, repeated } from '../support/growth.js';
import { testRecord } from '../support/records.js';
import { csvRow, memorySource } from './memory-source.js';

/** Builds so many bytes of one kind. */
type Make = (bytes: number) => string | Buffer;

/** The same bytes in each run. */
function random(alphabet: string | undefined, seed: number): Make {
  return (bytes) => {
    let state = seed;
    return Buffer.from(
      Buffer.alloc(bytes).map(() => {
        state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
        return alphabet === undefined ? state >>> 24 : alphabet.charCodeAt((state >>> 16) % alphabet.length);
      }),
    );
  };
}

const of =
  (unit: string, before = ''): Make =>
  (bytes) =>
    before + repeated(unit, bytes);
const latin1 =
  (unit: string): Make =>
  (bytes) =>
    Buffer.from(repeated(unit, bytes), 'latin1');
const rows =
  (row: (n: number) => string): Make =>
  (bytes) => {
    const length = row(1_000).length + 1;
    return many(Math.ceil(bytes / length), (n) => `${row(n)}\n`).join('');
  };

const ANY = {
  'any bytes': random(undefined, 1),
  'any bytes of another seed': random(undefined, 2),
  NUL: of('\0'),
  'one endless line': of('x'),
  'short lines': of('x\n'),
  'blank lines': of('\n'),
  'lone carriage returns': of('\r'),
  CRLF: of('\r\n'),
  'lines of white space': of(`${' '.repeat(50)}\n`),
  'Latin-1, line by line': latin1('\xe9\n'),
  'Latin-1 in one line': latin1('\xe9'),
  'UTF-16': (bytes: number) => Buffer.from(repeated('a,b\n', bytes / 2), 'utf16le'),
  'byte order marks': of('\uFEFF'),
  'U+2028': of('\u2028'),
  emoji: of('👩‍👩‍👧‍👦\n'),
  'digits and spaces': of('4 '),
} satisfies Record<string, Make>;

export const CSV_ROWS: Record<string, Make> = {
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

export const CSV_HEADERS: Record<string, Make> = {
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

const open = '{"a":';
export const JSONL: Record<string, Make> = {
  ...ANY,
  'brackets, quotes and digits at random': random('[]{}",:0\n', 8),
  'quotes and backslashes at random': random('"\\u0\n', 9),
  'brackets that are never closed': of('['),
  'brackets that are never closed, line by line': of(`${'['.repeat(200)}\n`),
  'brackets in one another': (bytes) => '['.repeat(bytes / 2) + ']'.repeat(bytes / 2),
  'objects in one another': (bytes) =>
    open.repeat(bytes / (open.length + 1)) + '0' + '}'.repeat(bytes / (open.length + 1)),
  'a string that is never closed': of('\\', '"'),
  'a long number': of('9'),
  'a long number with an exponent': (bytes) => `1e${'9'.repeat(bytes)}`,
  'one name many times': (bytes) => `{${'"a":{},'.repeat(bytes / 7)}"a":0}`,
  'many names': (bytes) => `{${many(bytes / 10, (n) => `"n${n}":0`).join(',')}}`,
  'a wide list': (bytes) => `[${'0,'.repeat(bytes / 2)}0]`,
  'lines of numbers': of('7\n'),
  'lines of empty objects': of('{}\n'),
  'records without cards': of('{"externalConsumerId":"c","cards":[]}\n'),
  'a record with too many cards': (bytes) =>
    `{"externalConsumerId":"c","cards":[${'{},'.repeat(bytes / 3)}{}]}`,
  'an id without end': (bytes) => JSON.stringify({ externalConsumerId: repeated('4 ', bytes), cards: [{}] }),
  'records with __proto__': of('{"__proto__":{"cards":[{}]},"externalConsumerId":"c"}\n'),
  'good and bad lines in turns': rows((n) => (n % 2 === 0 ? JSON.stringify(testRecord(n)) : '{')),
};

const MOST_CPU_MS = 100;
const WARM_UP_BYTES = 16 * 1024;

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
export function hostileInputs(bytes: number, memoryBudget: number): void {
  const kinds: [
    parser: string,
    table: Record<string, Make>,
    sourceOf: (content: string | Buffer) => Source,
  ][] = [
    [
      'CSV rows',
      CSV_ROWS,
      (content) => memorySource(Buffer.concat([Buffer.from(`${HEADER}\n`), Buffer.from(content)]), '.csv'),
    ],
    ['a CSV header', CSV_HEADERS, (content) => memorySource(content, '.csv')],
    ['JSONL', JSONL, (content) => memorySource(content, '.jsonl')],
  ];
  describe.each(kinds)(
    `%s of ${bytes} hostile bytes leave the event loop to others`,
    (_, table, sourceOf) => {
      test('there are at least 20 kinds of them', () => {
        expect(Object.keys(table).length).toBeGreaterThanOrEqual(20);
      });

      test.each(Object.entries(table))('%s', async (_kind, make) => {
        // For the compiler.
        await read(sourceOf(make(WARM_UP_BYTES)));
        const source = sourceOf(make(bytes));
        const { longestTurn, memory } = await watchingEventLoop(() => read(source));
        expect(longestTurn, 'CPU (ms) of one turn').toBeLessThanOrEqual(MOST_CPU_MS);
        expect(memory, 'bytes held').toBeLessThanOrEqual(memoryBudget);
      });
    },
  );
}
