import type { Reject } from './reject.js';
import type { Position } from './row-cutter.js';

/** A consumer with their cards, not yet validated, but for what `readRecords` promises. */
export interface SourceRecord {
  /** The line that it begins on, counted from 1. */
  line: number;
  /** At least 1, at most as many as go into a batch. */
  cards: number;
  /** In the shape of an `EnrollmentRecord`. */
  value: unknown;
}

/**
 * What comes of a source, in this order: each item after all that stands before it. `after` is where
 * reading may go on after the item; a reject amid a consumer's rows has no such place.
 */
export type Item =
  | { kind: 'record'; record: SourceRecord; after: Position }
  | { kind: 'reject'; reject: Reject; after?: Position | undefined }
  | { kind: 'end'; after: Position };
