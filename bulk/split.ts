import { BEGINNING, type Position } from './row-cutter.js';

/** A stretch of a source that becomes one batch. The batches' stretches, put together, are the source. */
export interface Batch {
  /** In decompressed bytes, counted from 0. */
  from: number;
  /** Where the next one begins. */
  to: number;
  /** The line that begins at `from`, counted from 1. */
  line: number;
  records: number;
  cards: number;
}

/** A batch that more records may go into. */
export interface OpenBatch {
  start: Position;
  /** Where its last record ends. */
  end: Position;
  records: number;
  cards: number;
}

/** What a source is begun with. */
export const NO_RECORDS: OpenBatch = { start: BEGINNING, end: BEGINNING, records: 0, cards: 0 };

/**
 * Puts the next record into the open batch, or, where its cards do not fit in any more, closes that and
 * opens one with it: a consumer is never split. Batches are filled in the order of the source, so the same
 * source gives the same batches.
 * @param cards of the record, at most `maxCards`.
 * @param after where the record ends.
 */
export function addRecord(
  open: OpenBatch,
  cards: number,
  after: Position,
  maxCards: number,
): { open: OpenBatch; closed?: Batch | undefined } {
  if (open.records > 0 && open.cards + cards > maxCards)
    return { open: { start: open.end, end: after, records: 1, cards }, closed: closeBatch(open, open.end) };
  return { open: { ...open, end: after, records: open.records + 1, cards: open.cards + cards } };
}

/**
 * The batch of what is in the open one; nothing if there is nothing in it.
 * @param end of the batch: of the last one, the end of the source, whatever stands there.
 */
export function closeBatch({ start, records, cards }: OpenBatch, end: Position): Batch | undefined {
  return records === 0 ? undefined : { from: start.offset, to: end.offset, line: start.line, records, cards };
}
