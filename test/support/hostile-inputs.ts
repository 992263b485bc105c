import { describe, expect, test } from 'vitest';
import { watchingEventLoop, type Watched } from './event-loop.js';
import { growthOf, many, MOST_GROWTH, repeated } from './growth.js';

/** Builds about so many bytes of one kind. */
export type Make = (bytes: number) => string | Buffer;
export type Kinds = Record<string, Make>;

/** The same bytes in each run. */
export function random(alphabet: string | undefined, seed: number): Make {
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

export const of =
  (unit: string, before = ''): Make =>
  (bytes) =>
    before + repeated(unit, bytes);

const latin1 =
  (unit: string): Make =>
  (bytes) =>
    Buffer.from(repeated(unit, bytes), 'latin1');

/** Things that are numbered, as many as make so many bytes. */
export const numbered =
  (one: (n: number) => string): Make =>
  (bytes) =>
    many(Math.ceil(bytes / one(1_000).length), one).join('');

/** The same kinds amid a text. */
export function within(before: string, kinds: Kinds, after: string, where: string): Kinds {
  return Object.fromEntries(
    Object.entries(kinds).map(([kind, make]) => [
      `${where}: ${kind}`,
      (bytes) => Buffer.concat([before, make(bytes), after].map((part) => Buffer.from(part))),
    ]),
  );
}

export const ANY = {
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
} satisfies Kinds;

const open = '{"a":';
const nested = (before: string, inner: string, after: string): Make => {
  return (bytes) => {
    const levels = bytes / (before.length + after.length);
    return before.repeat(levels) + inner + after.repeat(levels);
  };
};
const list =
  (one: string): Make =>
  (bytes) =>
    `[${repeated(`${one},`, bytes)}${one}]`;

/** Values of JSON. */
export const JSON_VALUES = {
  'brackets in one another': nested('[', '', ']'),
  'objects in one another': nested(open, '0', '}'),
  'a list of numbers': list('0'),
  'a list of texts': list('""'),
  'a list of empty objects': list('{}'),
  'a list of empty lists': list('[]'),
  'a long text': (bytes: number) => JSON.stringify(repeated('x', bytes)),
  'a text of digits and spaces': (bytes: number) => JSON.stringify(repeated('4 ', bytes)),
  'a text of escapes': (bytes: number) => `"${repeated('\\u0000', bytes)}"`,
  'a long number': of('9'),
  'a long number with an exponent': of('9', '1e'),
  'one name many times': (bytes: number) => `{${repeated('"a":{},', bytes)}"a":0}`,
  'many names': (bytes: number) => `{${numbered((n) => `"n${n}":0,`)(bytes).toString()}"n":0}`,
  'names that are numbers': (bytes: number) => `{${numbered((n) => `"${n}":0,`)(bytes).toString()}"n":0}`,
} satisfies Kinds;

/** What is meant to be JSON. */
export const JSON_TEXTS = {
  ...ANY,
  ...JSON_VALUES,
  'brackets, quotes and digits at random': random('[]{}",:0\n', 8),
  'quotes and backslashes at random': random('"\\u0\n', 9),
  'brackets that are never closed': of('['),
  'a string that is never closed': of('\\', '"'),
  'objects that are never closed': of(open),
} satisfies Kinds;

/** What takes bytes that others chose. */
export interface Parser {
  name: string;
  kinds: Kinds;
  /** The most bytes that it takes. */
  limit: number;
  /** Throws where it refuses the bytes with another error than its own. */
  parse: (input: Input) => unknown;
}

/** Bytes, and as UTF-8: to read them so takes longer than many a parser. */
export interface Input {
  bytes: Buffer;
  text: string;
}

function inputOf(make: Make, size: number): Input {
  const bytes = Buffer.from(make(size));
  return { bytes, text: bytes.toString() };
}

const MOST_CPU_MS = 100;
const WARM_UP_BYTES = 16 * 1024;
/** Above 128 KB a text is an object of V8's own kind, which it takes longer to make. */
const MOST_SMALLEST = 256 * 1024;

/**
 * Watches some work, and again where a turn took too long: the threads of the compiler and the garbage collector count,
 * too, but not each time.
 */
async function watched(work: () => Promise<unknown>): Promise<Watched> {
  for (let times = 1; ; times += 1) {
    const seen = await watchingEventLoop(work);
    if (seen.longestTurn <= MOST_CPU_MS || times === 3) return seen;
  }
}

/** Tests a parser with every kind of hostile input, of so many bytes each where it takes as many. */
export function withstands({ name, kinds, limit, parse }: Parser, bytes: number, memoryBudget: number): void {
  const size = Math.min(bytes, limit);
  describe(`${name} of ${size} hostile bytes leave the event loop to others`, () => {
    test('there are at least 20 kinds of them', () => {
      expect(Object.keys(kinds).length).toBeGreaterThanOrEqual(20);
    });

    test.each(Object.entries(kinds))('%s', async (_kind, make) => {
      // For the compiler.
      await parse(inputOf(make, Math.min(WARM_UP_BYTES, size)));
      const input = inputOf(make, size);
      const { longestTurn, memory } = await watched(() => Promise.resolve(parse(input)));
      expect(longestTurn, 'CPU (ms) of one turn').toBeLessThanOrEqual(MOST_CPU_MS);
      expect(memory, 'bytes held').toBeLessThanOrEqual(memoryBudget);
    });
  });
}

/** The smallest input of a kind takes so much CPU at least (ms): what each call takes anyway is to count for little. */
const SMALLEST_CPU_MS = 0.25;

/** Tests that a parser takes time in proportion to each kind of hostile input. */
export function growsLinearly({ name, kinds, limit, parse }: Parser): void {
  describe(`${name} take time in proportion to`, () => {
    // V8's tables of names grow in steps, which would be measured.
    const measured = Object.entries(kinds).filter(
      ([kind]) => !/many names$|names that are numbers$/.test(kind),
    );
    test.each(measured)('%s', async (_kind, make) => {
      const smallest = await smallestOf(make, parse, limit / 8);
      const growth = await growthOf((size) => inputOf(make, size), parse, smallest);
      expect(growth, 'CPU per doubling of the input').toBeLessThanOrEqual(MOST_GROWTH);
    });
  });
}

/** The size of a smallest input, as large as eight times it can be. */
async function smallestOf(make: Make, parse: Parser['parse'], most: number): Promise<number> {
  for (let size = Math.min(1024, most); ; size *= 2) {
    const input = inputOf(make, size);
    const begun = process.cpuUsage();
    for (let n = 0; n < 3; n += 1) await parse(input);
    const { user, system } = process.cpuUsage(begun);
    if ((user + system) / 3_000 >= SMALLEST_CPU_MS || size * 2 > Math.min(most, MOST_SMALLEST)) return size;
  }
}
