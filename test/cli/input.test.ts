import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CSV_COLUMNS } from '../../cli/input/csv-columns.js';
import { InputError } from '../../cli/input/input-error.js';
import type { InputRecords } from '../../cli/input/read-records.js';
import { lineOf, lineOfDetail, readRecords } from '../../cli/input/read-records.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'c2p-input-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function read(content: string | Uint8Array, extension: string): Promise<InputRecords> {
  const file = join(folder, `input${extension}`);
  await writeFile(file, content);
  return readRecords(file);
}

async function errorOf(reading: Promise<unknown>): Promise<InputError> {
  const error = await reading.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(InputError);
  return error as InputError;
}

/** Everything an error would show, its cause and other properties included. */
function shown(error: InputError): string {
  return JSON.stringify([error.message, error.stack, Object.entries(error), error.cause]);
}

const MARK = 'MARK5186001700009726';

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

const REQUIRED = CSV_COLUMNS.filter(({ required }) => required).map(({ name }) => name);
const HEADER = REQUIRED.join(',');
const ROW = 'c1,ana@example.com,1,5555550100,Ana,Díaz,US,en,k1,5186001700009726,10,2030';

/** A row with some fields changed, by column name. */
function row(changes: Record<string, string>): string {
  return REQUIRED.map((name, index) => changes[name] ?? ROW.split(',')[index]).join(',');
}

const RECORD = {
  externalConsumerId: 'c1',
  consumer: {
    emailAddress: 'ana@example.com',
    mobileNumber: { countryCode: '1', phoneNumber: '5555550100' },
    firstName: 'Ana',
    lastName: 'Díaz',
    locale: { country: 'US', language: 'en' },
  },
  cards: [
    {
      externalCardId: 'k1',
      primaryAccountNumber: '5186001700009726',
      panExpirationMonth: '10',
      panExpirationYear: '2030',
    },
  ],
};

describe('CSV', () => {
  test('is one card a row, in the shape of the contract', async () => {
    expect(await read(`${HEADER}\n${ROW}\n`, '.csv')).toMatchObject({
      records: [RECORD],
      lines: [{ line: 2, cards: [2] }],
    });
  });

  test('has its columns in any order, and those of the address where they are wanted', async () => {
    const { records } = await read(
      `billingZip,billingLine2,${[...REQUIRED].reverse().join(',')},billingName\n` +
        `08820,,${ROW.split(',').reverse().join(',')},"Díaz, Ana ""A"""\n`,
      '.csv',
    );
    const [card] = RECORD.cards;
    expect(records).toEqual([
      { ...RECORD, cards: [{ ...card, billingAddress: { zip: '08820', name: 'Díaz, Ana "A"' } }] },
    ]);
  });

  test('has a column for every field of the address', async () => {
    const names = CSV_COLUMNS.map(({ name }) => name);
    const { records } = await read(`${names.join(',')}\n${names.join(',')}\n`, '.csv');
    expect(records).toMatchObject([
      {
        cards: [
          {
            billingAddress: {
              name: 'billingName',
              line1: 'billingLine1',
              line2: 'billingLine2',
              line3: 'billingLine3',
              city: 'billingCity',
              state: 'billingState',
              countryCode: 'billingCountryCode',
              zip: 'billingZip',
            },
          },
        ],
      },
    ]);
  });

  test('makes one record of the rows of a consumer, wherever they stand, and knows the line of each card', async () => {
    const rows = [
      row({}),
      row({ externalConsumerId: 'c2', externalCardId: 'k2' }),
      row({ externalCardId: 'k3', panExpirationMonth: '11' }),
    ];
    const input = await read([HEADER, ...rows].join('\n'), '.csv');
    expect(input.records).toMatchObject([
      { externalConsumerId: 'c1', cards: [{ externalCardId: 'k1' }, { externalCardId: 'k3' }] },
      { externalConsumerId: 'c2', cards: [{ externalCardId: 'k2' }] },
    ]);
    expect(input.lines).toEqual([
      { line: 2, cards: [2, 4] },
      { line: 3, cards: [3] },
    ]);
  });

  test('makes a record of each row without a consumer id, for validation to find', async () => {
    const nobody = row({ externalConsumerId: '' });
    const { records } = await read([HEADER, nobody, nobody].join('\n'), '.csv');
    expect(records).toEqual([
      { consumer: RECORD.consumer, cards: RECORD.cards },
      { consumer: RECORD.consumer, cards: RECORD.cards },
    ]);
  });

  test('takes an empty field for no field', async () => {
    const { records } = await read(
      [HEADER, row({ mobileNumber: '', mobileCountryCode: '', panExpirationYear: '' })].join('\n'),
      '.csv',
    );
    expect(records).toEqual([
      {
        ...RECORD,
        consumer: { ...RECORD.consumer, mobileNumber: undefined },
        cards: [{ ...RECORD.cards[0], panExpirationYear: undefined }],
      },
    ]);
  });

  test.each(['\n', '\r\n', '\r'])(
    'counts lines ended by %j, also in quoted fields and blank ones',
    async (end) => {
      const text = [
        '\uFEFF' + HEADER,
        '',
        row({ firstName: `"Ana${end}Maria"` }),
        '  ',
        row({ externalConsumerId: 'c2' }),
        '',
      ];
      const input = await read(text.join(end), '.csv');
      expect(input.records).toMatchObject([
        { consumer: { firstName: `Ana${end}Maria` } },
        { externalConsumerId: 'c2' },
      ]);
      expect(input.lines.map(({ line }) => line)).toEqual([3, 6]);
    },
  );

  test('may have a header and nothing else', async () => {
    expect((await read(HEADER, '.csv')).records).toEqual([]);
  });

  test.each<[string, string, InputError['code'], number | undefined, RegExp]>([
    [
      'is empty',
      '',
      'CSV_HEADER_MISSING',
      undefined,
      /begin the file with a comma-separated header of externalConsumerId/,
    ],
    ['begins with data', `${MARK},b\n`, 'CSV_HEADER_MISSING', 1, /begin the file with/],
    ['has an unknown column', `${HEADER},${MARK}\n`, 'CSV_COLUMN_UNKNOWN', 1, /column 13 .* billingZip/],
    ['has a column twice', `${HEADER},country\n`, 'CSV_COLUMN_REPEATED', 1, /second column of country/],
    [
      'lacks columns',
      `firstName,${REQUIRED.slice(0, 4).join(',')}`,
      'CSV_COLUMN_MISSING',
      1,
      /lastName, country/,
    ],
    [
      'has a row that is too long',
      `${HEADER}\n${ROW},${MARK}`,
      'CSV_FIELD_COUNT',
      2,
      /13 fields where the header has 12/,
    ],
    ['has a row that is too short', `${HEADER}\n${ROW}\n${MARK}`, 'CSV_FIELD_COUNT', 3, /has 1 fields/],
    ['has an open quote', `${HEADER}\n${ROW}\n"${MARK}\n\n`, 'CSV_MALFORMED', 3, /never closed/],
    ['has a quote in a bare field', `${HEADER}\n${MARK}"x,b`, 'CSV_MALFORMED', 2, /not quoted/],
    ['has text after a quote', `${HEADER}\n"${MARK}"x,b`, 'CSV_MALFORMED', 2, /between a closing quote/],
    ['has a row without end', `${HEADER}\n"${MARK.repeat(10_000)}`, 'CSV_MALFORMED', 2, /too long/],
  ])('that %s is refused, without a word of it', async (_, text, code, line, message) => {
    const error = await errorOf(read(text, '.csv'));
    expect(error).toMatchObject({ code, line });
    expect(error.message).toMatch(message);
    expect(shown(error)).not.toContain(MARK);
  });

  test('whose rows disagree about a consumer is refused with both lines and the columns', async () => {
    const rows = [row({}), row({ externalCardId: 'k2', lastName: MARK, country: 'GB' })];
    const error = await errorOf(read([HEADER, ...rows].join('\n'), '.csv'));
    expect(error).toMatchObject({ code: 'CSV_CONSUMER_CONFLICT', line: 3 });
    expect(error.message).toMatch(/of line 2 but differs in lastName, country;/);
    expect(shown(error)).not.toContain(MARK);
  });

  test('that is not UTF-8 is refused with the line', async () => {
    const latin1 = Buffer.from(`${HEADER}\n${row({ lastName: 'Diaz' })}\n${ROW}`, 'latin1');
    expect(await errorOf(read(latin1, '.csv'))).toMatchObject({ code: 'NOT_UTF8', line: 3 });
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
