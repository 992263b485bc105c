import { describe, expect, it } from 'vitest';
import { MAX_ROW_BYTES } from '../../bulk/csv.js';
import { MAX_LINE_BYTES } from '../../bulk/jsonl.js';
import { readLayout } from '../../bulk/records.js';
import { HEADER, MARK, REQUIRED } from '../cli/input-files.js';
import { card, record } from '../enrollment/generators.js';
import { csvRow, memorySource, read, split } from './memory-source.js';

const consumer = (id: string, cards = 1) =>
  record(
    id,
    Array.from({ length: cards }, (_, n) => card(`k${n + 1}`)),
  );
const line = (id: string, cards = 1) => JSON.stringify(consumer(id, cards));

/** What a file is read as: its records by consumer, line and number of cards, and its rejects, `LINE PATH CODE`. */
async function outline(content: string | Buffer, extension: string, maxCards = 3) {
  // Small blocks: what ends a block amid something must make no difference.
  const { records, rejects } = await read(memorySource(content, extension, 61), maxCards);
  return {
    records: records.map(({ value, line: at, cards }) => {
      const { externalConsumerId, cards: list } = value as ReturnType<typeof consumer>;
      expect(list).toHaveLength(cards);
      return `${at} ${externalConsumerId} ${cards}`;
    }),
    rejects: rejects.map(({ line: at, path, code }) => `${at} ${path} ${code}`.replace('  ', ' ')),
  };
}

const csv = (rows: string[], end = '\n') => [HEADER, ...rows].map((row) => row + end).join('');

describe('a byte order mark', () => {
  it.each(['.jsonl', '.csv'])('is passed over at the beginning of %s', async (extension) => {
    const content = `\uFEFF${extension === '.csv' ? csv([csvRow('c1', 'k1')]) : `${line('c1')}\n`}`;
    const first = extension === '.csv' ? 2 : 1;
    expect(await outline(content, extension)).toEqual({ records: [`${first} c1 1`], rejects: [] });
  });

  it('of UTF-16 leaves nothing to be read', async () => {
    const jsonl = Buffer.from(`\uFEFF${line('c1')}\n`, 'utf16le');
    expect((await outline(jsonl, '.jsonl')).records).toEqual([]);
    const table = memorySource(Buffer.from(`\uFEFF${csv([])}`, 'utf16le'), '.csv');
    await expect(readLayout(table)).rejects.toMatchObject({ code: 'CSV_HEADER_MISSING' });
  });
});

describe('lines', () => {
  it.each([
    ['LF', '\n'],
    ['CRLF', '\r\n'],
    ['lone CR', '\r'],
  ])('end in %s, and blank ones are skipped but counted', async (_, end) => {
    expect(await outline(['', line('c1'), '  ', line('c2'), 'x', ''].join(end), '.jsonl')).toEqual({
      records: ['2 c1 1', '4 c2 1'],
      rejects: ['5 json_malformed'],
    });
    expect(await outline(csv(['', csvRow('c1', 'k1'), ' ', csvRow('c2', 'k2'), 'x'], end), '.csv')).toEqual({
      records: ['3 c1 1', '5 c2 1'],
      rejects: ['6 field_count'],
    });
  });

  it('in a quoted field belong to it, with what they end in', async () => {
    const lastName = 'a\nb\r\nc\rd';
    const rows = [csvRow('c1', 'k1', { lastName: `"${lastName}"` }), csvRow('c2', 'k1')];
    const { records, rejects } = await read(memorySource(csv(rows, '\r\n'), '.csv', 7));
    expect(rejects).toEqual([]);
    expect(records).toMatchObject([{ line: 2, value: { consumer: { lastName } } }, { line: 6 }]);
  });

  it('need no end at the end of the file', async () => {
    expect((await outline(line('c1'), '.jsonl')).records).toEqual(['1 c1 1']);
    expect((await outline(csv([csvRow('c1', 'k1')]).trimEnd(), '.csv')).records).toEqual(['2 c1 1']);
  });
});

describe('a last line that was cut off', () => {
  it('is a reject; what stands before it is read', async () => {
    const whole = `${line('c1')}\n${line('c2')}`;
    expect(await outline(whole.slice(0, -5), '.jsonl')).toEqual({
      records: ['1 c1 1'],
      rejects: ['2 json_malformed'],
    });
    const table = csv([csvRow('c1', 'k1'), csvRow('c2', 'k1')]);
    expect(await outline(table.slice(0, -10), '.csv')).toEqual({
      records: ['2 c1 1'],
      rejects: ['3 field_count'],
    });
  });

  it('amid a quoted field is a reject too', async () => {
    const table = csv([csvRow('c1', 'k1'), csvRow('c2', 'k1', { lastName: '"Ana' }).split(',US')[0]!]);
    expect(await outline(table, '.csv')).toEqual({ records: ['2 c1 1'], rejects: ['3 csv_malformed'] });
  });

  it('within the last field goes on to validation, which knows how long a year is', async () => {
    const table = csv([csvRow('c1', 'k1')]);
    const { records } = await read(memorySource(table.slice(0, -2), '.csv'));
    expect(records).toMatchObject([{ value: { cards: [{ panExpirationYear: '203' }] } }]);
  });
});

describe('bytes that are not UTF-8', () => {
  it('cost the row that they are in', async () => {
    const latin1 = (text: string) => Buffer.from(text, 'latin1');
    expect(await outline(latin1(`${line('c1')}\n${line('c2').replace('í', 'i')}\n`), '.jsonl')).toEqual({
      records: ['2 c2 1'],
      rejects: ['1 not_utf8'],
    });
    const rows = [
      csvRow('c1', 'k1', { lastName: 'Diaz' }),
      csvRow('c2', 'k1'),
      csvRow('c3', 'k1', { lastName: 'Diaz' }),
    ];
    expect(await outline(latin1(csv(rows)), '.csv')).toEqual({
      records: ['2 c1 1', '4 c3 1'],
      rejects: ['3 not_utf8'],
    });
  });

  it.each(['.jsonl', '.csv'])('are no NUL, which %s may not have either', async (extension) => {
    const [good, bad] =
      extension === '.csv'
        ? [csvRow('c1', 'k1'), csvRow('c2', 'k1', { lastName: '"a"\0' })]
        : [line('c1'), line('c2').replace('Ana', 'A\0a')];
    const { records, rejects } = await outline(
      `${extension === '.csv' ? `${HEADER}\n` : ''}${bad}\n${good}\n`,
      extension,
    );
    expect(records).toHaveLength(1);
    expect(rejects).toHaveLength(1);
    expect(rejects[0]).toContain('malformed');
  });
});

describe('a row that is too long', () => {
  it('is given up at its end, and is not held', async () => {
    const long = `{"x":"${'x'.repeat(MAX_LINE_BYTES)}`;
    expect(await outline(`${line('c1')}\n${long}\r\n${line('c2')}`, '.jsonl')).toEqual({
      records: ['1 c1 1', '3 c2 1'],
      rejects: ['2 row_too_long'],
    });
  });

  it('may be as long as it may be', async () => {
    // One character of it is two bytes.
    const padded = (length: number) => line('c1').padEnd(length - 1);
    expect((await outline(`${padded(MAX_LINE_BYTES)}\r\n`, '.jsonl')).records).toEqual(['1 c1 1']);
    expect((await outline(`${padded(MAX_LINE_BYTES + 1)}\r\n`, '.jsonl')).rejects).toEqual([
      '1 row_too_long',
    ]);
    const field = (more: number) =>
      'x'.repeat(MAX_ROW_BYTES - csvRow('c1', 'k1', { lastName: '' }).length + more);
    expect((await outline(csv([csvRow('c1', 'k1', { lastName: field(0) })]), '.csv')).rejects).toEqual([]);
    expect((await outline(csv([csvRow('c1', 'k1', { lastName: field(1) })]), '.csv')).rejects).toEqual([
      '2 row_too_long',
    ]);
  });
});

describe('a quote that is never closed', () => {
  const open = csvRow('c1', 'k1', { lastName: '"Ana' });

  it('costs its own line, not those behind it', async () => {
    const rows = Array.from({ length: 5_000 }, (_, n) => csvRow(`d${n}`, 'k1'));
    const { records, rejects } = await outline(csv([open, ...rows]), '.csv');
    expect(rejects).toEqual(['2 row_too_long']);
    expect(records).toHaveLength(rows.length);
  });

  it('costs no more where a later row has a quote that seems to close it', async () => {
    const rows = [csvRow('c2', 'k1'), csvRow('c3', 'k1', { lastName: '"Díaz, X"' }), csvRow('c4', 'k1')];
    expect(await outline(csv([open, ...rows]), '.csv')).toEqual({
      records: ['3 c2 1', '4 c3 1', '5 c4 1'],
      rejects: ['2 csv_malformed'],
    });
  });
});

it('every line of a malformed row is a record or a reject, even where the row behind it is too long', async () => {
  const [open, stray] = ['"Ana', 'A"na'].map((lastName) => csvRow('c1', 'k1', { lastName }));
  const long = csvRow('c3', 'k1', { lastName: 'x'.repeat(2 * MAX_ROW_BYTES) });
  // The block ends amid the long row.
  const source = memorySource(csv([open!, stray!, long, csvRow('c4', 'k1')]), '.csv', 1.5 * MAX_ROW_BYTES);
  const { records, rejects } = await read(source);
  expect(records.map(({ line: at }) => at)).toEqual([5]);
  expect(rejects.map(({ line: at, code }) => `${at} ${code}`)).toEqual([
    '2 csv_malformed',
    '3 row_too_long',
    '4 row_too_long',
  ]);
});

describe('a row that is no record', () => {
  it.each([
    ['7', 'type'],
    ['null', 'type'],
    ['[]', 'type'],
    ['{}', 'externalConsumerId required'],
    ['{"externalConsumerId":7,"cards":[{}]}', 'externalConsumerId type'],
    ['{"externalConsumerId":"5186001700009726","cards":[{}]}', 'externalConsumerId looks_like_pan'],
    ['{"externalConsumerId":"a b","cards":[{}]}', 'externalConsumerId format'],
    ['{"externalConsumerId":"c1"}', 'cards required'],
    ['{"externalConsumerId":"c1","cards":[]}', 'cards required'],
    ['{"externalConsumerId":"c1","cards":{}}', 'cards type'],
    [line('c1', 4), 'cards too_many_cards'],
    ['['.repeat(101) + ']'.repeat(101), 'json_malformed'],
  ])('is a reject that says why: %s', async (text, why) => {
    expect(await outline(`${text}\n${line('c2', 3)}\n`, '.jsonl')).toEqual({
      records: ['2 c2 3'],
      rejects: [`1 ${why}`],
    });
  });
});

describe('the rows of a consumer', () => {
  it('are one record where they stand together, whatever bad rows are between them', async () => {
    const rows = [csvRow('c1', 'k1'), 'x', csvRow('c1', 'k2'), '', csvRow('c2', 'k1'), csvRow('c1', 'k3')];
    expect(await outline(csv(rows), '.csv')).toEqual({
      records: ['2 c1 2', '6 c2 1', '7 c1 1'],
      rejects: ['3 field_count'],
    });
  });

  it('are left out where they contradict the first one', async () => {
    const rows = [
      csvRow('c1', 'k1'),
      csvRow('c1', 'k2', { lastName: MARK, mobileNumber: '1' }),
      csvRow('c1', 'k3'),
    ];
    expect(await outline(csv(rows), '.csv')).toEqual({
      records: ['2 c1 2'],
      rejects: ['3 consumer.mobileNumber.phoneNumber consumer_conflict'],
    });
  });

  it('are a reject where they are more than go into a batch, and do not stop the rest', async () => {
    const rows = [...['k1', 'k2', 'k3', 'k4', 'k5'].map((id) => csvRow('c1', id)), csvRow('c2', 'k1')];
    expect(await outline(csv(rows), '.csv')).toEqual({
      records: ['7 c2 1'],
      rejects: ['2 cards too_many_cards'],
    });
  });

  it('belong to nobody without an id', async () => {
    expect(await outline(csv([csvRow('', 'k1'), csvRow('', 'k2'), csvRow('c1', 'k1')]), '.csv')).toEqual({
      records: ['4 c1 1'],
      rejects: ['2 externalConsumerId required', '3 externalConsumerId required'],
    });
  });
});

describe('a file as a whole', () => {
  it('that is empty has no batches in JSONL, and no header in CSV', async () => {
    expect(await split(memorySource('', '.jsonl'))).toMatchObject({ batches: [], steps: [{ isLast: true }] });
    await expect(readLayout(memorySource('', '.csv'))).rejects.toMatchObject({ code: 'CSV_HEADER_MISSING' });
  });

  it.each([
    ['a row of card data', csvRow('c1', MARK), 'CSV_HEADER_MISSING'],
    ['a name too many', `${HEADER},${MARK}`, 'CSV_COLUMN_UNKNOWN'],
    ['a name twice', `${HEADER},country`, 'CSV_COLUMN_REPEATED'],
    ['a name too few', REQUIRED.slice(1).join(','), 'CSV_COLUMN_MISSING'],
    ['a quote that is not closed', `"${HEADER}`, 'CSV_HEADER_MISSING'],
  ])('is refused with %s for a header, which is not quoted', async (_, header, code) => {
    const error: unknown = await readLayout(memorySource(`${header}\n`, '.csv')).catch(
      (reason: unknown) => reason,
    );
    expect(error).toMatchObject({ name: 'SourceError', code });
    expect(JSON.stringify([String(error), error])).not.toContain(MARK);
  });

  it('has its format told by its name, that of gzip apart', async () => {
    expect(await readLayout(memorySource('', '.NDJSON.GZ'))).toEqual({ format: 'jsonl' });
    await expect(readLayout(memorySource('', '.gz'))).rejects.toMatchObject({ code: 'FORMAT_UNKNOWN' });
  });
});
