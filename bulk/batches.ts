import type { SourceRecord } from './item.js';
import { readRecords, type Layout } from './records.js';
import type { Reject } from './reject.js';
import { BEGINNING, type Position } from './row-cutter.js';
import type { Source } from './source.js';

/** Records that become one batch, not yet validated. */
export interface SourceBatch {
  /** The line that the first of them begins on, counted from 1. */
  line: number;
  /** At least one. */
  records: SourceRecord[];
  cards: number;
}

/** The next that was found in a source: rejects, then the batch, which stands behind or around them. */
export interface Step {
  rejects: Reject[];
  batch?: SourceBatch | undefined;
  /** Where to begin to find what comes after this step, and nothing else; absent amid a batch. */
  after?: Position | undefined;
  isLast: boolean;
}

export interface BatchesOptions {
  layout: Layout;
  /** The beginning (the default), or where a step said that one may begin. */
  start?: Position | undefined;
  maxCardsPerBatch: number;
}

/** So many rejects are reported at once, at most; where there are more, a batch has several steps. */
const REJECTS_AT_ONCE = 1_000;

/**
 * Splits a source into batches, each filled as far as the next consumer fits in: a consumer is never split.
 * The same source and maximum give the same steps, also behind any place where reading was begun anew. What is
 * held is one batch, its rejects, and what `readRecords` holds.
 *
 * @throws SourceError, SourceChangedError
 */
export async function* batchesOf(source: Source, options: BatchesOptions): AsyncGenerator<Step> {
  const { layout, start = BEGINNING, maxCardsPerBatch } = options;
  let batch: SourceBatch | undefined;
  let rejects: Reject[] = [];
  // Those that stand amid a consumer, who may go into the next batch.
  let amid: Reject[] = [];
  let after = start;
  for await (const items of readRecords(source, { layout, start, maxCardsPerBatch })) {
    for (const item of items) {
      if (item.kind === 'reject') amid.push(item.reject);
      if (item.kind === 'record') {
        const { record } = item;
        if (batch && batch.cards + record.cards > maxCardsPerBatch) {
          yield { rejects, batch, after, isLast: false };
          [batch, rejects] = [undefined, []];
        }
        batch ??= { line: record.line, records: [], cards: 0 };
        batch.records.push(record);
        batch.cards += record.cards;
      }
      if (!item.after) continue;
      after = item.after;
      for (const reject of amid) rejects.push(reject);
      amid = [];
      if (item.kind === 'end') {
        yield { rejects, batch, after, isLast: true };
        return;
      }
      if (rejects.length >= REJECTS_AT_ONCE) {
        yield { rejects, after: batch ? undefined : after, isLast: false };
        rejects = [];
      }
    }
  }
}
