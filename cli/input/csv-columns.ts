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
