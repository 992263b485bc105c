import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { InputError } from '../../cli/input/input-error.js';
import { lineOf, lineOfDetail, readRecords } from '../../cli/input/read-records.js';
import { errorOf, folder, HEADER, MARK, read, ROW, shown } from './input-files.js';

describe('readRecords', () => {
  test('tells the format by the extension, in any case', async () => {
    for (const extension of ['.jsonl', '.ndjson', '.JSONL']) {
      expect((await read('{}', extension)).records).toEqual([{}]);
    }
    const error = await errorOf(readRecords('cards.xlsx'));
    expect(error).toMatchObject({ code: 'FORMAT_UNKNOWN', file: 'cards.xlsx' });
    expect(error.message).toContain('.jsonl');
  });

  test.each(['.jsonl', '.csv'])('says why a %s file cannot be read', async (extension) => {
    const missing = await errorOf(readRecords(join(folder, `missing${extension}`)));
    expect(missing).toMatchObject({ code: 'FILE_UNREADABLE', line: undefined });
    expect(missing.message).toContain('ENOENT');
  });
});

describe('JSONL', () => {
  test('is one record a line, and knows their lines', async () => {
    const { records, lines } = await read('{"a":1}\n\n  \n{"b":[2]}\n', '.jsonl');
    expect(records).toEqual([{ a: 1 }, { b: [2] }]);
    expect(lines).toEqual([{ line: 1 }, { line: 4 }]);
  });

  test('may be empty, begin with a byte order mark, end its lines in any way, and the last one not at all', async () => {
    expect((await read('', '.jsonl')).records).toEqual([]);
    expect((await read('\uFEFF', '.jsonl')).records).toEqual([]);
    expect(await read('\uFEFF{"a":1}\r\n\r\n{"b":2}', '.jsonl')).toMatchObject({
      records: [{ a: 1 }, { b: 2 }],
      lines: [{ line: 1 }, { line: 3 }],
    });
  });

  test('may have the line separators of Unicode inside a text', async () => {
    const record = { name: 'a\u2028b\u2029c\u0085d' };
    expect((await read(JSON.stringify(record), '.jsonl')).records).toEqual([record]);
  });

  test('leaves what is wrong with a record to validation', async () => {
    expect((await read('7\nnull\n[]\n{"cards":"x"}', '.jsonl')).records).toEqual([
      7,
      null,
      [],
      { cards: 'x' },
    ]);
  });

  test('names the line that is not JSON and does not quote it', async () => {
    const error = await errorOf(read(`{"a":1}\n{"pan":"${MARK}"\n`, '.jsonl'));
    expect(error).toMatchObject({ code: 'JSON_MALFORMED', line: 2 });
    expect(error.message).toMatch(/input\.jsonl, line 2: is not JSON; write one whole record on each line/);
    expect(shown(error)).not.toContain(MARK);
  });

  test('names the line that is nested deeper than what it says could be written down again', async () => {
    const nested = (levels: number) => `${'['.repeat(levels)}${']'.repeat(levels)}`;
    const error = await errorOf(read(`${nested(100)}\n${nested(20_000)}\n`, '.jsonl'));
    expect(error).toMatchObject({ code: 'JSON_MALFORMED', line: 2 });
    expect(error.message).toMatch(/more than 100 brackets in one another/);
  });

  test('names the line that is not UTF-8', async () => {
    const latin1 = Buffer.concat([Buffer.from('{"a":1}\n'), Buffer.from('{"name":"Díaz"}', 'latin1')]);
    expect(await errorOf(read(latin1, '.jsonl'))).toMatchObject({ code: 'NOT_UTF8', line: 2 });
  });

  test('reads characters whole wherever the blocks of the file end', async () => {
    const records = Array.from({ length: 3_000 }, (_, n) => ({ name: `${'é€😀'.repeat(10)}${n}` }));
    const text = records.map((record) => JSON.stringify(record)).join('\n');
    expect((await read(text, '.jsonl')).records).toEqual(records);
  });

  test('reads back whatever was written as JSONL', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.jsonValue()),
        fc.constantFrom('\n', '\r\n', '\n\n'),
        async (values, end) => {
          const text = values.map((value) => JSON.stringify(value) + end).join('');
          expect((await read(text, '.jsonl')).records).toEqual(
            values.map((value) => JSON.parse(JSON.stringify(value)) as unknown),
          );
        },
      ),
      { numRuns: 50 },
    );
  });
});

describe('any file', () => {
  const quoted = fc.constantFrom(
    '"',
    ',',
    '\n',
    '\r\n',
    '""',
    MARK,
    'x',
    ' ',
    '\uFEFF',
    '{',
    '}',
    ':',
    '1',
    'é',
  );
  const text = fc.array(quoted, { maxLength: 30 }).map((pieces) => pieces.join(''));
  const content = fc.oneof(
    text,
    text.map((rest) => `${HEADER}\n${rest}`),
    text.map((rest) => `${HEADER}\n${ROW}\n${ROW}${rest}`),
    fc.uint8Array({ maxLength: 60 }),
    fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.concat([Buffer.from(`${HEADER}\n`), bytes])),
  );

  test.each(['.jsonl', '.csv'])(
    'read as %s is records with their lines, or an InputError that does not quote it',
    async (extension) => {
      await fc.assert(
        fc.asyncProperty(content, async (bytes) => {
          try {
            const { records, lines } = await read(bytes, extension);
            expect(lines).toHaveLength(records.length);
            const starts = lines.map(({ line }) => line);
            expect(starts).toEqual([...new Set(starts)].sort((a, b) => a - b));
          } catch (error) {
            if (!(error instanceof InputError)) throw error;
            expect(shown(error)).not.toContain(MARK);
          }
        }),
        { numRuns: 200 },
      );
    },
  );
});

describe('the line of a finding', () => {
  const input = {
    lines: [
      { line: 2, cards: [2, 4] },
      { line: 3, cards: [3] },
    ],
  };

  test('is that of the card, or of the record where no card is meant', () => {
    expect(lineOf(input, { record: 0, card: 1 })).toBe(4);
    expect(lineOf(input, { record: 0 })).toBe(2);
    expect(lineOf({ lines: [{ line: 7 }] }, { record: 0, card: 5 })).toBe(7);
    expect(lineOf(input, { record: 9 })).toBeUndefined();
  });

  test.each([
    ['cards[1].primaryAccountNumber', 4],
    ['cards[1]', 4],
    ['consumer.emailAddress', 2],
    ['', 2],
    [undefined, 2],
    ['records[1].cards[0]', 3],
    ['records[1]', 3],
  ])('%s', (path, line) => {
    expect(lineOfDetail(input, { record: 0, card: 0 }, path)).toBe(line);
  });
});
