/** A column of the CSV form of a batch. */
export interface CsvColumn {
  /** As it stands in the header, exactly. */
  name: string;
  /** Whether the header must have it. Fields may be empty either way: validation says what is missing. */
  required: boolean;
  /** Whose data it is: that of the consumer must be the same on each of their rows. */
  of: 'record' | 'consumer' | 'card';
  /** Where the value goes in that object. */
  path: readonly [string, ...string[]];
}

/**
 * The header of a CSV file: these names, in any order, comma-separated, on the first line.
 *
 * One row is one card. Rows with the same `externalConsumerId` are one consumer, wherever they stand in
 * the file, and repeat the consumer's data. A field is quoted with `"` when it has a comma, a quote
 * (written twice) or a line break in it. An empty field is the same as no field. What each field may
 * hold is in `enrollment/schemas.ts`; `complianceSettings` have no columns, use JSONL for them.
 *
 * ```csv
 * externalConsumerId,emailAddress,mobileCountryCode,mobileNumber,firstName,lastName,country,language,externalCardId,primaryAccountNumber,panExpirationMonth,panExpirationYear
 * cust-0001,ana@example.com,1,5555550100,Ana,Díaz,US,en,card-0001,5186001700009726,10,2030
 * ```
 */
export const CSV_COLUMNS: readonly CsvColumn[] = [
  { name: 'externalConsumerId', required: true, of: 'record', path: ['externalConsumerId'] },
  { name: 'emailAddress', required: true, of: 'consumer', path: ['emailAddress'] },
  { name: 'mobileCountryCode', required: true, of: 'consumer', path: ['mobileNumber', 'countryCode'] },
  { name: 'mobileNumber', required: true, of: 'consumer', path: ['mobileNumber', 'phoneNumber'] },
  { name: 'firstName', required: true, of: 'consumer', path: ['firstName'] },
  { name: 'lastName', required: true, of: 'consumer', path: ['lastName'] },
  { name: 'country', required: true, of: 'consumer', path: ['locale', 'country'] },
  { name: 'language', required: true, of: 'consumer', path: ['locale', 'language'] },
  { name: 'externalCardId', required: true, of: 'card', path: ['externalCardId'] },
  { name: 'primaryAccountNumber', required: true, of: 'card', path: ['primaryAccountNumber'] },
  { name: 'panExpirationMonth', required: true, of: 'card', path: ['panExpirationMonth'] },
  { name: 'panExpirationYear', required: true, of: 'card', path: ['panExpirationYear'] },
  { name: 'billingName', required: false, of: 'card', path: ['billingAddress', 'name'] },
  { name: 'billingLine1', required: false, of: 'card', path: ['billingAddress', 'line1'] },
  { name: 'billingLine2', required: false, of: 'card', path: ['billingAddress', 'line2'] },
  { name: 'billingLine3', required: false, of: 'card', path: ['billingAddress', 'line3'] },
  { name: 'billingCity', required: false, of: 'card', path: ['billingAddress', 'city'] },
  { name: 'billingState', required: false, of: 'card', path: ['billingAddress', 'state'] },
  { name: 'billingCountryCode', required: false, of: 'card', path: ['billingAddress', 'countryCode'] },
  { name: 'billingZip', required: false, of: 'card', path: ['billingAddress', 'zip'] },
];

/** Why a row is no header: what the file as a whole is refused for. */
export type CsvHeaderCode =
  'CSV_HEADER_MISSING' | 'CSV_COLUMN_UNKNOWN' | 'CSV_COLUMN_MISSING' | 'CSV_COLUMN_REPEATED';

export interface CsvHeaderProblem {
  code: CsvHeaderCode;
  /** What is wrong and what to do. Names are only quoted when they are ours: a file without a header begins with card data. */
  problem: string;
}

/** The columns that a header names, in its order, or why it is none. */
export function columnsOf(header: readonly string[]): CsvColumn[] | CsvHeaderProblem {
  const found = header.map((name) => CSV_COLUMNS.find((column) => column.name === name));
  if (!found.some((column) => column)) return HEADER_MISSING;
  const unknown = found.indexOf(undefined);
  if (unknown >= 0) {
    const what = `column ${unknown + 1} has a name that is not known`;
    const problem = `${what}; remove it or rename it to one of ${namesOf(CSV_COLUMNS)}`;
    return { code: 'CSV_COLUMN_UNKNOWN', problem };
  }
  const columns = found.filter((column) => column !== undefined);
  const twice = columns.filter((column, index) => columns.indexOf(column) !== index);
  if (twice.length > 0)
    return { code: 'CSV_COLUMN_REPEATED', problem: `remove the second column of ${namesOf(twice)}` };
  const missing = CSV_COLUMNS.filter((column) => column.required && !columns.includes(column));
  if (missing.length > 0)
    return { code: 'CSV_COLUMN_MISSING', problem: `add the missing columns ${namesOf(missing)}` };
  return columns;
}

/** What a file is refused for that has no header. */
export const HEADER_MISSING: CsvHeaderProblem = {
  code: 'CSV_HEADER_MISSING',
  problem: `begin the file with a comma-separated header of ${namesOf(CSV_COLUMNS.filter(({ required }) => required))}`,
};

/** The names of columns, for a sentence. */
export function namesOf(columns: readonly CsvColumn[]): string {
  return columns.map(({ name }) => name).join(', ');
}

/** The object of a row's fields that are a consumer's, a card's, …; undefined when all of them are empty. */
export function objectOf(
  columns: readonly CsvColumn[],
  fields: readonly string[],
  of: CsvColumn['of'],
): object | undefined {
  const root: Record<string, unknown> = {};
  columns.forEach((column, index) => {
    const value = fields[index];
    if (column.of !== of || value === undefined || value === '') return;
    const parents = column.path.slice(0, -1);
    const parent = parents.reduce((node, step) => (node[step] ??= {}) as Record<string, unknown>, root);
    parent[column.path.at(-1) ?? ''] = value;
  });
  return Object.keys(root).length > 0 ? root : undefined;
}

/** The columns of a consumer's data in which two rows of one consumer differ; there should be none. */
export function consumerDifferences(
  columns: readonly CsvColumn[],
  first: readonly string[],
  other: readonly string[],
): CsvColumn[] {
  return columns.filter(({ of }, index) => of === 'consumer' && first[index] !== other[index]);
}
