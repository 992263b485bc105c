/**
 * What can be wrong with an input file as a whole. What is wrong with a record in it is no such error:
 * the record flows on, and validation makes its cards INVALID.
 */
export type InputErrorCode =
  | 'FILE_UNREADABLE'
  | 'FILE_TOO_LARGE'
  | 'FORMAT_UNKNOWN'
  | 'NOT_UTF8'
  | 'JSON_MALFORMED'
  | 'CSV_MALFORMED'
  | 'CSV_HEADER_MISSING'
  | 'CSV_COLUMN_UNKNOWN'
  | 'CSV_COLUMN_MISSING'
  | 'CSV_COLUMN_REPEATED'
  | 'CSV_FIELD_COUNT'
  | 'CSV_CONSUMER_CONFLICT';

/**
 * An input file that cannot be read as records. The message says where, what, and what to do; it never
 * quotes the file, and there is no `cause`, since those of the parsers do.
 */
export class InputError extends Error {
  override readonly name = 'InputError';
  constructor(
    readonly code: InputErrorCode,
    /** The path as it was given. */
    readonly file: string,
    /** Counted from 1; absent when the file as a whole is meant. */
    readonly line: number | undefined,
    problem: string,
  ) {
    super(`${file}${line === undefined ? '' : `, line ${line}`}: ${problem}`);
  }
}
