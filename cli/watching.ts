import { setTimeout as delay } from 'node:timers/promises';
import type { EnrollmentBatch } from '../client/enrollment-batch.js';
import { isClosed } from '../enrollment/batch.js';
import type { BatchProgress } from '../workflows/batch/messages.js';
import { leavable } from './leavable.js';
import { terminal } from './terminal.js';
import { watchView, type WatchedBatch } from './watch-view.js';

/** Each answer costs a worker a query, and one whose cache has lost the batch a replay: not all are asked at once. */
const ASKED_AT_ONCE = 10;
const PAUSE_MS = 1_000;

/**
 * Shows on stderr how batches go until each is closed or was terminated directly in Temporal: as a live table on a
 * terminal, else as one line for each change of a batch's status, its counts, or what holds it up.
 * They are asked in turn, at most ten a second together. Ctrl-C ends this process, not the batches.
 *
 * @param again the command that follows them again.
 * @returns the last that was seen of each, in the same order.
 * @throws ServiceError when Temporal stays away for longer than a quarter of an hour.
 */
export async function watchAll(
  batches: readonly EnrollmentBatch[],
  again = ['c2p watch', ...batches.map(({ externalBatchId }) => externalBatchId)].join(' '),
): Promise<WatchedBatch[]> {
  const view = await watchView(
    terminal().stderr,
    batches.map(({ key }) => key),
  );
  const them = batches.length === 1 ? ['batch goes', 'it'] : ['batches go', 'them'];
  const goodbye = `the ${them[0]} on without you; follow ${them[1]} again with: ${again}`;
  const seen = new Map<EnrollmentBatch, WatchedBatch>();
  const look = async (batch: EnrollmentBatch) => void seen.set(batch, await lookAt(batch));
  await leavable(view, goodbye, async () => {
    const open = [...batches];
    while (open.length > 0) {
      const asked = open.splice(0, ASKED_AT_ONCE);
      await Promise.all(asked.map(look));
      view.show(batches.flatMap((batch) => seen.get(batch) ?? []));
      open.push(...asked.filter((batch) => !isDone(seen.get(batch)!)));
      if (open.length > 0) await delay(PAUSE_MS);
    }
  });
  return batches.map((batch) => seen.get(batch)!);
}

/**
 * `watchAll` of one batch.
 * @returns the last progress.
 * @throws BatchTerminatedError when the batch was terminated directly in Temporal.
 */
export async function watchUntilClosed(batch: EnrollmentBatch): Promise<BatchProgress> {
  const [watched] = await watchAll([batch]);
  if (watched!.terminated) throw watched!.terminated;
  return watched!.progress;
}

async function lookAt(batch: EnrollmentBatch): Promise<WatchedBatch> {
  // With a batch at hand its module is loaded; commands that need no client must not load it.
  const { throughOutages } = await import('../client/outage.js');
  const progress = await throughOutages(() => batch.progress());
  if (isClosed(progress.status)) return { progress };
  const terminated = await throughOutages(() => batch.terminatedInTemporal());
  if (!terminated) return { progress };
  const { nextPollAt: _, nextRoundAt: __, ...last } = progress;
  return { progress: { ...last, error: terminated.message }, terminated };
}

function isDone({ progress, terminated }: WatchedBatch): boolean {
  return terminated !== undefined || isClosed(progress.status);
}
