import { stringify } from 'safe-stable-stringify';

/** What the keyed digest of a batch's records is made of: equal for equal records, whatever the order of their fields. */
export function digestedBytes(records: readonly unknown[]): Buffer {
  return Buffer.from(stringify(records), 'utf8');
}
