import type { SourceRecord } from './item.js';
import { readRecords, type Layout } from './records.js';
import type { Batch } from './split.js';
import { SourceChangedError } from './source-error.js';
import type { Source } from './source.js';

export interface ReadBatchOptions {
  layout: Layout;
  /** As when the batches were made. */
  maxCardsPerBatch: number;
}

/** The records of a batch, not yet validated. */
export interface BatchRecords {
  batch: Batch;
  records: SourceRecord[];
}

/**
 * Reads the records of one batch; rejects in its stretch were reported when it was made.
 * @throws SourceError; SourceChangedError also when it has other numbers of records or cards than it was made with.
 */
export async function readBatch(
  source: Source,
  batch: Batch,
  options: ReadBatchOptions,
): Promise<SourceRecord[]> {
  for await (const { records } of readBatches(source, [batch], options)) return records;
  return [];
}

/**
 * Reads the records of batches that stand one after another, in one go: for a source that is entered in the
 * middle at the cost of all that stands before (gzip).
 * @throws as `readBatch`
 */
export async function* readBatches(
  source: Source,
  batches: readonly Batch[],
  { layout, maxCardsPerBatch }: ReadBatchOptions,
): AsyncGenerator<BatchRecords> {
  const [first, last] = [batches[0], batches.at(-1)];
  if (!first || !last) return;
  const start = { offset: first.from, line: first.line };
  const ahead = [...batches];
  let records: SourceRecord[] = [];
  for await (const items of readRecords(source, { layout, start, to: last.to, maxCardsPerBatch })) {
    for (const item of items) {
      while (ahead[0] && (item.kind === 'end' || (item.after?.offset ?? 0) > ahead[0].to)) {
        yield { batch: ahead[0], records: requireComplete(source, ahead[0], records) };
        ahead.shift();
        records = [];
      }
      if (item.kind === 'record') records.push(item.record);
    }
  }
}

function requireComplete(source: Source, batch: Batch, records: SourceRecord[]): SourceRecord[] {
  const cards = records.reduce((sum, record) => sum + record.cards, 0);
  if (records.length === batch.records && cards === batch.cards) return records;
  const then = `${batch.records} records with ${batch.cards} cards`;
  const now = `${records.length} with ${cards}`;
  throw new SourceChangedError(source.name, `from line ${batch.line} on ${then} then, ${now} now`);
}
