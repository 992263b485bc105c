import type { IssueCode } from '../enrollment/schemas.js';

/**
 * What a row or a consumer of a portfolio may be left out for, besides the `IssueCode`s of its
 * `externalConsumerId` and `cards`. Operators see these codes: never rename one.
 *
 * - `not_utf8`: other bytes than UTF-8, such as Latin-1's
 * - `json_malformed`: not JSON, or nested as no record is
 * - `csv_malformed`: a quote where none may be, or never closed, or a NUL
 * - `field_count`: more or fewer fields than the header
 * - `row_too_long`: longer than any row that can be valid
 * - `consumer_conflict`: says of a consumer something else than their first row
 * - `too_many_cards`: a consumer with more cards than go into one batch
 */
export type RejectCode =
  | IssueCode
  | 'not_utf8'
  | 'json_malformed'
  | 'csv_malformed'
  | 'field_count'
  | 'row_too_long'
  | 'consumer_conflict'
  | 'too_many_cards';

/** A row, or a consumer, that goes into no batch; says where it stands and nothing that it says. */
export interface Reject {
  /** The line that it begins on, counted from 1. */
  line: number;
  /** In the record, as in an outcome's details; empty when the row as a whole is meant. */
  path: string;
  code: RejectCode;
}
