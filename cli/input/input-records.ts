/** The records of a file, in order, not yet validated: a record may be any JSON value. */
export interface InputRecords {
  /** The path as it was given. */
  file: string;
  records: unknown[];
  /** Where each of `records` stands: same order, same length. */
  lines: RecordLines[];
}

/** Line numbers, counted from 1. */
export interface RecordLines {
  /** The line that the record begins on. */
  line: number;
  /** In CSV, the line that each card begins on; in JSONL a record is one line, and this is absent. */
  cards?: number[] | undefined;
}
