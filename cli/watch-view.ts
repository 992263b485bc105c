import type { EnrollmentError } from '../client/errors.js';
import { isClosed, type BatchKey } from '../enrollment/batch.js';
import { printableLine } from '../protection/printable.js';
import type { BatchProgress } from '../workflows/batch/messages.js';
import { progressLine, progressParts } from './output.js';
import { spinnerOn } from './progress.js';

/** What was last seen of a batch. */
export interface WatchedBatch {
  progress: BatchProgress;
  /** Set when the batch was terminated directly in Temporal: it will never be closed. */
  terminated?: EnrollmentError;
}

/** Where it is seen how batches go. */
export interface WatchView {
  /** @param seen those of the batches that were asked so far. */
  show(seen: readonly WatchedBatch[]): void;
  /** Takes a table off the screen; lines stay. */
  stop(): void;
}

/** A live table on a terminal, elsewhere one line for each change; of a single batch only a line without its name. */
export async function watchView(
  stream: NodeJS.WriteStream,
  batches: readonly BatchKey[],
): Promise<WatchView> {
  const single = batches.length === 1;
  const lineOf = single ? ({ progress }: WatchedBatch) => progressLine(progress) : rowsFor(batches);
  const spinner = await spinnerOn(stream);
  if (!spinner) return changesOn(stream, lineOf);
  spinner.start('…');
  return {
    show(seen) {
      const rows = [...seen].sort((one, other) => rank(one) - rank(other));
      const lines = [...(single ? [] : [summary(batches.length, rows)]), ...rows.map(lineOf)];
      // A row that the terminal wraps would make the table higher than it.
      spinner.text = lines.map((line) => printableLine(line).slice(0, stream.columns - 2)).join('\n');
    },
    stop: () => void spinner.stop(),
  };
}

function changesOn(stream: NodeJS.WriteStream, lineOf: (seen: WatchedBatch) => string): WatchView {
  const shown = new Map<string, string>();
  return {
    show(seen) {
      for (const one of seen) {
        const { program, externalBatchId, status, counts, error } = one.progress;
        const key = JSON.stringify([program, externalBatchId]);
        const now = JSON.stringify([status, counts, error]);
        if (shown.get(key) !== now) stream.write(`${printableLine(lineOf(one))}\n`);
        shown.set(key, now);
      }
    },
    stop: () => undefined,
  };
}

/** Rows that stand one below the other: id, program, status, and what there is to say. */
function rowsFor(batches: readonly BatchKey[]): (seen: WatchedBatch) => string {
  const idWidth = Math.max(...batches.map(({ externalBatchId }) => externalBatchId.length));
  const programWidth = Math.max(...batches.map(({ program }) => program.length));
  return (seen) => {
    const { externalBatchId, program } = seen.progress;
    const [, ...rest] = progressParts(seen.progress);
    return [
      externalBatchId.padEnd(idWidth),
      program.padEnd(programWidth),
      statusOf(seen).padEnd('COMPLETED_WITH_ERRORS'.length),
      rest.join(' · '),
    ].join('  ');
  };
}

function statusOf({ progress, terminated }: WatchedBatch): string {
  return terminated ? 'TERMINATED' : progress.status;
}

/** Batches that need an operator come first. Closed batches come last, where the screen may cut them off. */
function rank({ progress: { status }, terminated }: WatchedBatch): number {
  if (terminated !== undefined || status === 'AWAITING_OPERATOR') return 0;
  return isClosed(status) ? 2 : 1;
}

/** `12 batches: 1 AWAITING_OPERATOR, 9 PROCESSING, 2 not asked yet` */
function summary(batches: number, seen: readonly WatchedBatch[]): string {
  const counts = new Map<string, number>();
  for (const one of seen) counts.set(statusOf(one), (counts.get(statusOf(one)) ?? 0) + 1);
  if (seen.length < batches) counts.set('not asked yet', batches - seen.length);
  return `${batches} batches: ${[...counts].map(([what, count]) => `${count} ${what}`).join(', ')}`;
}
