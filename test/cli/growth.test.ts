import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { describe } from 'vitest';
import { InputError } from '../../cli/input/input-error.js';
import { lineOfDetail, readRecords } from '../../cli/input/read-records.js';
import { detailsText, OUTCOME_COLUMNS, writeRows, type ReportFormat } from '../../cli/report.js';
import type { Outcome } from '../../enrollment/outcomes.js';
import { csvRow } from '../bulk/memory-source.js';
import { linear, many, refusalOf, repeated } from '../support/growth.js';
import { testRecord } from '../support/records.js';
import { folder, HEADER } from './input-files.js';

let number = 0;
/** The path of a new file with this content. */
function file(extension: string, content: string | Buffer): string {
  const path = join(folder, `growth-${(number += 1)}${extension}`);
  writeFileSync(path, content);
  return path;
}

const jsonl = (content: string | Buffer) => file('.jsonl', content);
const csv = (rows: string | Buffer) =>
  file('.csv', Buffer.concat([Buffer.from(`${HEADER}\n`), Buffer.from(rows)]));

const refused = async (path: string) => {
  const error = await refusalOf(() => readRecords(path));
  if (!(error instanceof InputError)) throw error;
};

describe('reading a file of JSONL takes time in proportion to', () => {
  linear(
    'records',
    (count) => jsonl(many(count, (n) => JSON.stringify(testRecord(n))).join('\n')),
    readRecords,
    38,
  );
  linear('short lines', (lines) => jsonl('1\n'.repeat(lines)), readRecords, 500);
  linear('blank lines', (lines) => jsonl('\n'.repeat(lines)), readRecords, 1_000);
  linear('lone carriage returns', (lines) => jsonl('\r'.repeat(lines)), readRecords, 1_000);
  linear('line separators of Unicode', (count) => jsonl(`"${'\u2028'.repeat(count)}"`), readRecords, 19_000);
  linear('one endless line', (size) => jsonl(repeated('x', size)), refused, 140_000);
  linear('one endless line of white space', (size) => jsonl(repeated(' ', size)), readRecords, 110_000);
  linear('one endless line of quotes', (size) => jsonl(repeated('"', size)), refused, 200_000);
  linear('brackets that are never closed', (size) => jsonl(repeated('[', size)), refused, 5_000);
  linear('lists in one another', (levels) => jsonl('['.repeat(levels) + ']'.repeat(levels)), refused, 3_000);
  linear('a list of many values', (count) => jsonl(`[${'0,'.repeat(count)}0]`), readRecords, 20_000);
  linear('one name many times', (count) => jsonl(`{${'"a":{},'.repeat(count)}"a":0}`), readRecords, 5_000);
  linear('bytes that are no UTF-8', (size) => jsonl(Buffer.alloc(size, 0xe9)), refused, 210_000);
});

describe('reading a file of CSV takes time in proportion to', () => {
  linear(
    'rows of distinct consumers',
    (rows) => csv(many(rows, (n) => `${csvRow(`c${n}`, 'k')}\n`).join('')),
    readRecords,
    25,
  );
  linear(
    'rows of one consumer',
    (rows) => csv(many(rows, (n) => `${csvRow('c', `k${n}`)}\n`).join('')),
    readRecords,
    17,
  );
  linear(
    'rows of two consumers in turns',
    (rows) => csv(many(rows, (n) => `${csvRow(`c${n % 2}`, 'k')}\n`).join('')),
    readRecords,
    40,
  );
  linear('rows of nobody', (rows) => csv(`${csvRow('', 'k')}\n`.repeat(rows)), readRecords, 45);
  linear('blank lines', (lines) => csv('\n'.repeat(lines)), readRecords, 14);
  linear('lines of white space', (lines) => csv(`${' '.repeat(100)}\n`.repeat(lines)), readRecords, 11);
  linear('lone carriage returns', (lines) => csv('\r'.repeat(lines)), readRecords, 13);
  linear('one endless line', (size) => csv(repeated('x', size)), refused, 5_000);
  linear('one endless run of commas', (size) => csv(repeated(',', size)), refused, 1_600);
  linear('a quote that is never closed', (size) => csv(`"${repeated('x\n', size)}`), refused, 5_000);
  linear('quotes', (size) => csv(repeated('""', size)), refused, 5_000);
  linear(
    'line breaks in quoted fields',
    (rows) => csv(`${csvRow('c', 'k', { lastName: `"${'\r\n'.repeat(500)}"` })}\n`.repeat(rows)),
    readRecords,
    20,
  );
  linear('NUL', (size) => csv(Buffer.alloc(size)), refused, 5_000);
  linear(
    'a header of columns that nobody knows',
    (count) => file('.csv', many(count, (n) => `n${n}`).join(',')),
    refused,
    1_000,
  );
  linear(
    'a header of one column many times',
    (count) => file('.csv', many(count, () => 'externalCardId').join(',')),
    refused,
    430,
  );
});

describe('finding the line of a finding takes time in proportion to', () => {
  const lineOf = (path: string) => lineOfDetail({ lines: [] }, { record: 0 }, path);

  linear('digits of a path', (size) => `records[${repeated('4', size)}`, lineOf, 100_000);
  linear('brackets of a path', (size) => repeated('records[', size), lineOf, 300_000);
});

describe('writing a report takes time in proportion to', () => {
  interface Report {
    rows: Outcome[];
    format: ReportFormat;
  }
  const write = ({ rows, format }: Report) =>
    writeRows(rows, format, OUTCOME_COLUMNS, new Writable({ write: (_chunk, _encoding, done) => done() }));
  const row = (text: string, details: Outcome['details'] = []): Outcome => ({
    externalConsumerId: text,
    externalCardId: text,
    status: 'FAILED',
    reason: text,
    details,
  });

  for (const format of ['csv', 'jsonl'] as const) {
    linear(`rows of ${format}`, (count) => ({ rows: many(count, (n) => row(`c${n}`)), format }), write, 80);
    linear(
      `formulas of ${format}`,
      (count) => ({ rows: many(count, () => row('=1+1')), format }),
      write,
      200,
    );
    linear(
      `details of one row of ${format}`,
      (count) => ({
        rows: [
          row(
            'c',
            many(count, (n) => ({ code: `C${n}`, path: 'p', message: '"' })),
          ),
        ],
        format,
      }),
      write,
      2_000,
    );
  }
  for (const [shape, unit] of [
    ['quotes', '"'],
    ['commas', ','],
    ['line breaks', '\r\n'],
    ['signs of a formula', '='],
    ['emoji', '👩‍👩‍👧‍👦'],
    ['white space', ' '],
  ] as const)
    linear(
      `a text of ${shape}`,
      (size) => [row(repeated(unit, size))],
      async (rows) => {
        await write({ rows, format: 'csv' });
        await write({ rows, format: 'jsonl' });
      },
      2_000,
    );
  linear('details', (count) => ({ details: many(count, () => ({ code: 'C' })) }), detailsText, 1_000);
});
