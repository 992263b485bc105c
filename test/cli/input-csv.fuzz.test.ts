import assert from 'node:assert/strict';
import fc from 'fast-check';
import { CSV_COLUMNS } from '../../bulk/csv-columns.js';
import { InputError } from '../../cli/input/input-error.js';
import { damaged, noise } from '../support/fuzz/bytes.js';
import { fuzz } from '../support/fuzz/fuzz.js';
import { SECRET_TEXTS, SECRETS } from '../support/fuzz/secrets.js';
import { oracleRows } from './csv-rows-oracle.js';
import { readInput, textOf, withoutMark } from './read-bytes.js';

const REQUIRED = CSV_COLUMNS.filter(({ required }) => required).map(({ name }) => name);
const ALL = CSV_COLUMNS.map(({ name }) => name);

const VALUES = new Map(
  Object.entries({
    emailAddress: SECRETS.email,
    mobileCountryCode: '1',
    mobileNumber: '5557778899',
    firstName: 'Ana',
    lastName: SECRETS.name,
    country: 'US',
    language: 'en',
    primaryAccountNumber: SECRETS.pan,
    panExpirationMonth: '10',
    panExpirationYear: '2030',
  }),
);

/** Column names, most often those that the header should have. */
const header = fc.oneof(
  { weight: 12, arbitrary: fc.constantFrom(REQUIRED, REQUIRED, ALL) },
  { weight: 2, arbitrary: fc.shuffledSubarray(ALL, { minLength: 18 }) },
  {
    weight: 1,
    arbitrary: fc.array(
      fc.constantFrom(
        ...ALL,
        ...SECRET_TEXTS,
        '',
        '__proto__',
        'constructor',
        'FirstName',
        ' country',
        'country ',
      ),
      { minLength: 1, maxLength: 22 },
    ),
  },
);

const strange = fc.constantFrom(
  ...[
    ...SECRET_TEXTS,
    '',
    ' ',
    'a,b',
    'a"b',
    '"',
    '""',
    'a\nb',
    'a\r\nb',
    'a\rb',
    '\0',
    '=1+1',
    '\u2028',
    'é',
  ],
);

interface Row {
  consumer: string;
  card: string;
  /** What stands in place of a column's usual value, by the column's number. */
  changes: { at: number; value: string }[];
  /** Which fields are quoted though they need not be: a bit a field. */
  quoted: number;
}

const row: fc.Arbitrary<Row> = fc.record({
  consumer: fc.constantFrom('c1', 'c2', 'c3', ''),
  card: fc.constantFrom('k1', 'k2', 'k3'),
  changes: fc.oneof(
    { weight: 2, arbitrary: fc.constant<Row['changes']>([]) },
    { weight: 1, arbitrary: fc.array(fc.record({ at: fc.nat(), value: strange }), { maxLength: 2 }) },
  ),
  quoted: fc.nat(),
});

/** Stands for a row of empty fields: a card, if a poor one. */
const NO_VALUES = 'none';

function textOfRow(columns: readonly string[], { consumer, card, changes, quoted }: Row): string {
  const fields = columns.map((name) => {
    if (name === 'externalConsumerId') return consumer;
    return name === 'externalCardId' ? card : (VALUES.get(name) ?? '');
  });
  for (const { at, value } of changes) fields[at % fields.length] = value;
  return fields
    .map((field, n) =>
      /[",\r\n]/.test(field) || (quoted >> n) % 2 === 1 ? `"${field.replaceAll('"', '""')}"` : field,
    )
    .join(',');
}

const files = fc
  .record({
    mark: fc.constantFrom('', '', '\uFEFF'),
    columns: header,
    rows: fc.array(
      fc.oneof({ weight: 9, arbitrary: row }, { weight: 1, arbitrary: fc.constantFrom('', '  ', NO_VALUES) }),
      { maxLength: 6 },
    ),
    end: fc.constantFrom('\n', '\r\n', '\r'),
    last: fc.boolean(),
  })
  .map(({ mark, columns, rows, end, last }) => {
    const lines = rows.map((one) => {
      if (one === NO_VALUES) return ','.repeat(columns.length - 1);
      return typeof one === 'string' ? one : textOfRow(columns, one);
    });
    return Buffer.from(mark + [columns.join(','), ...lines].join(end) + (last ? end : ''));
  });

const inputs = fc.record({
  bytes: fc.oneof(
    { weight: 5, arbitrary: files },
    { weight: 6, arbitrary: damaged(files, 2) },
    { weight: 1, arbitrary: noise },
  ),
  block: fc.constantFrom(61, 997, 65_536),
});

/** Every card that is read: its line, and what its row said besides empty fields, sorted. */
function cardsOf(read: Exclude<Awaited<ReturnType<typeof readInput>>, InputError>): [number, string[]][] {
  return read.records
    .flatMap((record, index): [number, string[]][] => {
      const { cards, ...rest } = record as { cards: object[] };
      return cards.map((card, n) => [read.lines[index]!.cards![n]!, leavesOf([rest, card]).sort()]);
    })
    .sort(([one], [other]) => one - other);
}

function leavesOf(value: unknown): string[] {
  return typeof value === 'string' ? [value] : Object.values(value ?? {}).flatMap(leavesOf);
}

fuzz('CSV is read row by row, none lost, or refused for what is wrong with it', inputs, async (file) => {
  const read = await readInput(file, '.csv');
  const rows = oracleRows(withoutMark(file.bytes));
  const isUtf8 = rows?.every(({ fields }) => fields.every((field) => textOf(field) !== undefined));
  if (read instanceof InputError) {
    const { code, line } = read;
    assert.match(code, /^CSV_|^NOT_UTF8$/);
    // A file may be wrong in several ways, of which the error names one.
    if (code === 'CSV_MALFORMED') assert.equal(rows, undefined);
    if (code === 'NOT_UTF8') assert.notEqual(isUtf8, true);
    if (code === 'CSV_FIELD_COUNT')
      assert.notEqual(new Set(rows?.map(({ fields }) => fields.length)).size, 1);
    if (line !== undefined && rows) assert(rows.some((one) => one.line === line));
    return;
  }
  assert.equal(isUtf8, true);
  const written = rows!.slice(1).map(({ line, fields }): [number, string[]] => [
    line,
    fields
      .map((field) => textOf(field)!)
      .filter((text) => text !== '')
      .sort(),
  ]);
  assert.deepEqual(cardsOf(read), written);
});
