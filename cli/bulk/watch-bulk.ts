import { setTimeout as delay } from 'node:timers/promises';
import type { BulkEnrollment, BulkView } from '../../client/bulk-enrollment.js';
import { isBulkClosed } from '../../enrollment/bulk.js';
import { printableLine } from '../../protection/printable.js';
import { leavable } from '../leavable.js';
import { spinnerOn } from '../progress.js';
import { bulkLine, bulkLines } from './progress-line.js';
import { terminal } from '../terminal.js';

const PAUSE_MS = 2_000;
/** How often a line is written of counts that change, where there is no terminal. */
const LINE_EVERY_MS = 10_000;

/**
 * Shows on stderr how a job goes until it is closed: as a bar on a terminal, else as a line when its status
 * or what holds it up changes, and every ten seconds while its counts do. Ctrl-C ends this process, not the job.
 *
 * @returns the last progress.
 * @throws BulkTerminatedError when the job was terminated directly in Temporal; ServiceError when Temporal
 *   stays away for longer than a quarter of an hour.
 */
export async function watchBulk(bulk: BulkEnrollment): Promise<BulkView> {
  const { throughOutages } = await import('../../client/outage.js');
  const view = await bulkViewOn(terminal().stderr);
  const goodbye = `the job goes on without you; follow it again with: c2p bulk watch ${bulk.bulkId}`;
  return leavable(view, goodbye, async () => {
    for (;;) {
      const progress = await throughOutages(() => bulk.progress());
      view.show(progress);
      if (isBulkClosed(progress.status)) return progress;
      const ended = await throughOutages(() => bulk.terminatedInTemporal());
      if (ended) throw ended;
      await delay(PAUSE_MS);
    }
  });
}

interface BulkWatchView {
  show(progress: BulkView): void;
  stop(): void;
}

/** @param now for the lines (ms since the epoch). */
export async function bulkViewOn(stream: NodeJS.WriteStream, now = Date.now): Promise<BulkWatchView> {
  const spinner = await spinnerOn(stream);
  if (!spinner) return linesOn(stream, now);
  spinner.start('…');
  return {
    show(progress) {
      // A line that the terminal wraps would not be taken off again.
      spinner.text = bulkLines(progress)
        .map((line) => printableLine(line).slice(0, stream.columns - 2))
        .join('\n');
    },
    stop: () => void spinner.stop(),
  };
}

function linesOn(stream: NodeJS.WriteStream, now: () => number): BulkWatchView {
  let shown = { state: '', counts: '', at: Number.NEGATIVE_INFINITY };
  return {
    show(progress) {
      const { status, error, counts, rejects } = progress;
      const next = {
        state: JSON.stringify([status, error]),
        counts: JSON.stringify([counts, rejects]),
        at: now(),
      };
      const isDue = next.counts !== shown.counts && next.at - shown.at >= LINE_EVERY_MS;
      if (next.state === shown.state && !isDue) return;
      stream.write(`${printableLine(bulkLine(progress))}\n`);
      shown = next;
    },
    stop: () => undefined,
  };
}
