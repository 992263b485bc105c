import { describe, expect, test } from 'vitest';
import { CSV_COLUMNS } from '../../bulk/csv-columns.js';
import type { InputError } from '../../cli/input/input-error.js';
import { errorOf, HEADER, MARK, read, REQUIRED, ROW, shown } from './input-files.js';

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

  test('has no blank line in one of other bytes than blanks: a lone byte of Latin-1 is not UTF-8', async () => {
    const bytes = Buffer.from(`${HEADER}\n \t\n\xa0\n${ROW}\n`, 'latin1');
    expect(await errorOf(read(bytes, '.csv'))).toMatchObject({ code: 'NOT_UTF8', line: 3 });
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
    ['has a NUL after a quote', `${HEADER}\n${ROW},"${MARK}"\0`, 'CSV_MALFORMED', 2, /a NUL in it; save/],
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

  test('in UTF-16 is refused with what to do', async () => {
    const error = await errorOf(read(Buffer.from(`${HEADER}\n${ROW}\n`, 'utf16le'), '.csv'));
    expect(error).toMatchObject({ code: 'CSV_MALFORMED', line: 1 });
    expect(error.message).toContain('save the file as UTF-8 text');
  });

  test('that is not UTF-8 is refused with the line', async () => {
    const latin1 = Buffer.from(`${HEADER}\n${row({ lastName: 'Diaz' })}\n${ROW}`, 'latin1');
    expect(await errorOf(read(latin1, '.csv'))).toMatchObject({ code: 'NOT_UTF8', line: 3 });
  });
});
