import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe } from 'vitest';
import { columnsOf, consumerDifferences, CSV_COLUMNS, objectOf } from '../../bulk/csv-columns.js';
import { isDeeper, MAX_DEPTH } from '../../protection/json-depth.js';
import { locateSource } from '../../bulk/local-source.js';
import { BEGINNING, RowCutter } from '../../bulk/row-cutter.js';
import { nameOf, openSource } from '../../bulk/source.js';
import { folder, HEADER, REQUIRED } from '../cli/input-files.js';
import { linear, many, refusalOf, repeated } from '../support/growth.js';
import { testRecord } from '../support/records.js';
import { csvRow, itemsOf, memorySource, split } from './memory-source.js';

/** A CSV source with these rows, of which so many bytes come at once. */
const csv = (rows: string | Buffer, block?: number) =>
  memorySource(Buffer.concat([Buffer.from(`${HEADER}\n`), Buffer.from(rows)]), '.csv', block);
const jsonl = (lines: string | Buffer, block?: number) => memorySource(lines, '.jsonl', block);
const latin1 = (text: string) => Buffer.from(text, 'latin1');

describe('reading JSONL takes time in proportion to', () => {
  linear('short lines that are no JSON', (lines) => jsonl('x\n'.repeat(lines)), itemsOf, 50);
  linear('blank lines', (lines) => jsonl('\n'.repeat(lines)), itemsOf, 1_400);
  linear('lines of white space', (lines) => jsonl(`${' '.repeat(50)}\n`.repeat(lines)), itemsOf, 1_000);
  linear('lone carriage returns', (lines) => jsonl('\r'.repeat(lines)), itemsOf, 1_400);
  linear('one endless line', (bytes) => jsonl(repeated('x', bytes)), itemsOf, 20_000);
  linear('one endless line in tiny blocks', (bytes) => jsonl(repeated('x', bytes), 16), itemsOf, 16_000);
  linear('one endless line of white space', (bytes) => jsonl(repeated(' ', bytes)), itemsOf, 64_000);
  linear('one endless line of quotes', (bytes) => jsonl(repeated('"', bytes)), itemsOf, 100_000);
  linear('one endless line of backslashes', (bytes) => jsonl(`"${repeated('\\', bytes)}`), itemsOf, 64_000);
  linear('brackets that are never closed', (bytes) => jsonl(repeated('[', bytes)), itemsOf, 500);
  linear(
    'brackets in one another',
    (levels) => jsonl('['.repeat(levels) + ']'.repeat(levels)),
    itemsOf,
    2_000,
  );
  linear(
    'wide lists in one another',
    (width) => jsonl(`[${'0,'.repeat(width)}`.repeat(90) + `0${']'.repeat(90)}`),
    itemsOf,
    100,
  );
  linear(
    'lists in one another on more levels than a record has, line by line',
    (lines) => jsonl(`${'['.repeat(101)}${']'.repeat(101)}\n`.repeat(lines)),
    itemsOf,
    40,
  );
  linear(
    'an object with one name many times',
    (times) => jsonl(`{${'"a":{},'.repeat(times)}"a":0}`),
    itemsOf,
    5_000,
  );
  linear(
    'bytes that are no UTF-8, line by line',
    (lines) => jsonl(latin1('\xe9\n'.repeat(lines))),
    itemsOf,
    2_000,
  );
  linear('one endless run of NUL', (bytes) => jsonl(Buffer.alloc(bytes)), itemsOf, 64_000);
  linear(
    'an id of many digits with spaces between them',
    (bytes) => jsonl(JSON.stringify({ externalConsumerId: repeated('4 ', bytes), cards: [{}] })),
    itemsOf,
    50_000,
  );
  linear(
    'an id of many emoji',
    (characters) => jsonl(JSON.stringify({ externalConsumerId: '👩‍👩‍👧‍👦'.repeat(characters), cards: [{}] })),
    itemsOf,
    2_200,
  );
  linear(
    'records of distinct consumers',
    (records) => jsonl(many(records, (n) => JSON.stringify(testRecord(n))).join('\n')),
    (source) => split(source, { maxCardsPerBatch: 250 }),
    38,
  );
  linear(
    'a consumer with more cards than a batch may have',
    (cards) => jsonl(JSON.stringify({ externalConsumerId: 'c', cards: many(cards, () => ({})) })),
    itemsOf,
    2_000,
  );
});

describe('reading CSV takes time in proportion to', () => {
  linear('short lines with too few fields', (lines) => csv('x\n'.repeat(lines)), itemsOf, 500);
  linear('short lines that begin with a quote', (lines) => csv('"x\n'.repeat(lines)), itemsOf, 30);
  linear('short lines with a quote in the middle', (lines) => csv('x"x\n'.repeat(lines)), itemsOf, 30);
  linear(
    'rows of two lines with something behind the closing quote',
    (rows) => csv('"x\n"x\n'.repeat(rows)),
    itemsOf,
    20,
  );
  linear(
    'bytes that are no UTF-8, line by line',
    (lines) => csv(latin1('\xe9\n'.repeat(lines))),
    itemsOf,
    500,
  );
  linear('one endless line', (bytes) => csv(repeated('x', bytes)), itemsOf, 180_000);
  linear('one endless line in tiny blocks', (bytes) => csv(repeated('x', bytes), 16), itemsOf, 6_000);
  linear('one endless run of quotes', (bytes) => csv(repeated('"', bytes)), itemsOf, 150_000);
  linear('one endless run of commas', (bytes) => csv(repeated(',', bytes)), itemsOf, 220_000);
  linear('one endless run of NUL', (bytes) => csv(Buffer.alloc(bytes)), itemsOf, 220_000);
  linear('lines of a quote each', (lines) => csv('"\n'.repeat(lines)), itemsOf, 9);
  linear('lines of two quotes each', (lines) => csv('""\n'.repeat(lines)), itemsOf, 7);
  linear('blank lines', (lines) => csv('\n'.repeat(lines)), itemsOf, 10);
  linear('lines of white space', (lines) => csv(`${' '.repeat(50)}\n`.repeat(lines)), itemsOf, 9);
  linear('lone carriage returns', (lines) => csv('\r'.repeat(lines)), itemsOf, 8);
  linear(
    'a quote that is never closed, with lines behind it',
    (rows) => csv(`"x\n${many(rows, (n) => `${csvRow(`c${n}`, 'k')}\n`).join('')}`, 4_096),
    itemsOf,
    23,
  );
  linear(
    'a quoted field with many line breaks',
    (rows) => csv(`${csvRow('c', 'k', { lastName: `"${'\n'.repeat(2_000)}"` })}\n`.repeat(rows)),
    itemsOf,
    10,
  );
  linear('a row of many columns', (columns) => csv('x,'.repeat(columns)), itemsOf, 2_000);
  linear(
    'rows of distinct consumers',
    (rows) => csv(many(rows, (n) => `${csvRow(`c${n}`, `k${n}`)}\n`).join('')),
    (source) => split(source, { maxCardsPerBatch: 250 }),
    40,
  );
  linear(
    'rows of one consumer',
    (rows) => csv(many(rows, (n) => `${csvRow('c', `k${n}`)}\n`).join('')),
    (source) => split(source, { maxCardsPerBatch: 250 }),
    40,
  );
  linear(
    'rows that contradict the first one of their consumer',
    (rows) => csv(many(rows, (n) => `${csvRow('c', 'k', { lastName: `n${n}` })}\n`).join('')),
    (source) => split(source),
    23,
  );
  linear(
    'rows with an id of digits that is no card number',
    (rows) => csv(many(rows, () => `${csvRow('4-4-4-4-4-4-4-4-4-4-4-4-4-4-4-4', 'k')}\n`).join('')),
    itemsOf,
    18,
  );
});

describe('reading the header of CSV takes time in proportion to', () => {
  const header = (text: string) => memorySource(text, '.csv');
  const refused = (source: ReturnType<typeof header>) => refusalOf(() => itemsOf(source));

  linear('one endless line', (bytes) => header(repeated('x', bytes)), refused, 10_000);
  linear('a quote that is never closed', (bytes) => header(`"${repeated('x\n', bytes)}`), refused, 4_000);
  linear(
    'columns that nobody knows',
    (columns) => many(columns, (n) => `n${n}`),
    (names) => columnsOf(names),
    2_000,
  );
  linear(
    'one column many times',
    (columns) => [...REQUIRED, ...many(columns, () => REQUIRED.at(-1)!)],
    (names) => columnsOf(names),
    2_000,
  );
  linear(
    'the fields of a row',
    (columns) => many(columns, (n) => CSV_COLUMNS[n % CSV_COLUMNS.length]!),
    (columns) => {
      const fields = columns.map(() => 'x');
      return [objectOf(columns, fields, 'card'), consumerDifferences(columns, fields, [])];
    },
    5_000,
  );
});

describe('cutting rows takes time in proportion to', () => {
  interface Bytes {
    bytes: Buffer;
    block: number;
    quotes: boolean;
  }
  const cut = ({ bytes, block, quotes }: Bytes) => {
    const cutter = new RowCutter({ start: BEGINNING, quotes, maxBytes: 100_000 });
    let rows = 0;
    for (let at = 0; at < bytes.length; at += block) {
      cutter.push(bytes.subarray(at, at + block));
      while (cutter.next()) rows += 1;
    }
    cutter.end();
    while (cutter.next()) rows += 1;
    return rows;
  };
  const bytesOf = (unit: string, size: number, block: number, quotes = true): Bytes => ({
    bytes: Buffer.from(repeated(unit, size)),
    block,
    quotes,
  });

  linear('one endless line, byte by byte', (size) => bytesOf('x', size, 1), cut, 6_000);
  linear('one endless line of open quotes, byte by byte', (size) => bytesOf('"""\n', size, 1), cut, 2_300);
  linear('short lines, byte by byte', (size) => bytesOf('x\n', size, 1), cut, 1_100);
  linear('CR and LF, byte by byte', (size) => bytesOf('\r\n', size, 1, false), cut, 1_100);
  linear('lines in one block', (size) => bytesOf('x\n', size, size), cut, 10_000);
  linear('quotes and line breaks in one block', (size) => bytesOf('"\n\n', size, size), cut, 10_000);
});

describe('finding out how deep JSON is takes time in proportion to', () => {
  const deep = (json: string) => isDeeper(json, MAX_DEPTH);

  linear('a wide list', (size) => `[${repeated('[],', size)}0]`, deep, 50_000);
  linear('quotes', (size) => repeated('"', size), deep, 50_000);
  linear('a text of backslashes', (size) => `"${repeated('\\', size)}`, deep, 50_000);
  linear('brackets that were never opened', (size) => repeated(']', size), deep, 50_000);
});

describe('reading compressed sources takes time in proportion to', () => {
  const stored = (name: string, bytes: Buffer) => {
    const path = join(folder, name);
    writeFileSync(path, bytes);
    return { path };
  };
  const readAll = async (location: { path: string }) => {
    const source = await openSource(location, { rules: { gzip: { maxRatio: 2_000, maxBytes: 1e9 } } });
    let size = 0;
    for await (const block of source.read(0)) size += block.length;
    return { size, ends: await source.ends() };
  };

  linear(
    'what they decompress to',
    (size) => stored(`zeros-${size}.gz`, gzipSync(Buffer.alloc(size))),
    readAll,
    150_000,
  );
  linear(
    'many empty members',
    (members) => stored(`members-${members}.gz`, Buffer.concat(Array<Buffer>(members).fill(gzipSync('')))),
    readAll,
    4_000,
  );
  linear(
    'one that is cut off',
    (size) => stored(`cut-${size}.gz`, gzipSync(Buffer.alloc(size)).subarray(0, -8)),
    (location) => refusalOf(() => readAll(location)),
    150_000,
  );
  linear('a file', (size) => stored(`plain-${size}`, Buffer.alloc(size)), readAll, 200_000);
});

describe('reading a source over HTTP takes time in proportion to', () => {
  let server: Server;
  beforeAll(async () => {
    server = createServer((request, response) => {
      const [, size, block] = /^\/(\d+)\/(\d+)/.exec(request.url!)!.map(Number);
      const [, from, to] = /(\d+)-(\d+)/.exec(request.headers.range!)!.map(Number);
      response.writeHead(206, { 'content-range': `bytes ${from}-${to}/${size}`, etag: '"1"' });
      for (let at = from!; at <= to!; at += block!)
        response.write(Buffer.alloc(Math.min(block!, to! + 1 - at)));
      response.end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  afterAll(() => server.close());

  const readAll = async (path: string) => {
    const { port } = server.address() as AddressInfo;
    const source = await openSource(
      { url: `http://127.0.0.1:${port}${path}` },
      { rules: { allowPrivateAddresses: true } },
    );
    let size = 0;
    for await (const block of source.read(0)) size += block.length;
    return size;
  };

  linear('its size', (size) => `/${size}/65536`, readAll, 200_000);
  linear('an answer in tiny pieces', (pieces) => `/${pieces}/1`, readAll, 200);
});

describe('telling where a source is takes time in proportion to', () => {
  linear(
    'a long way up and down',
    (names) => ({ path: 'a/'.repeat(names) + '../'.repeat(names) + 'a' }),
    (location) => locateSource(location, folder),
    4_800,
  );
  linear(
    'a long way out',
    (names) => ({ path: '../'.repeat(names) }),
    (location) => refusalOf(() => locateSource(location, folder)),
    10_000,
  );
  linear(
    'a long URL',
    (size) => ({ url: `https://bank.example/${repeated('/%2e', size)}?${repeated('?#', size)}` }),
    nameOf,
    20_000,
  );
});
