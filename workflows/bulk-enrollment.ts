import {
  ActivityFailure,
  allHandlersFinished,
  CancellationScope,
  condition,
  continueAsNew,
  isCancellation,
  setHandler,
  sleep,
} from '@temporalio/workflow';
import type { BulkResult } from '../enrollment/bulk.js';
import { cancelThisRun, closeJob, lookAfter } from './activity-proxies.js';
import { startBatches, takeBackBatches } from './bulk-batches.js';
import { acceptBulkChanges } from './bulk-changes.js';
import { bulkResult } from './bulk-ending.js';
import { batchClosedSignal, bulkProgressQuery, type BulkEnrollmentInput } from './bulk-messages.js';
import { ended } from './ending.js';
import { SourceReader } from './bulk-reader.js';
import { BulkState } from './bulk-state.js';
import { isLong } from './hand-over.js';

/**
 * Enrolls a whole portfolio: reads it page by page, and keeps as many batches under way as the limits allow,
 * each a `batchEnrollment` of its own that goes on whatever becomes of the job.
 *
 * It completes when every card of the source has a known outcome, fails with a typed `ApplicationFailure`
 * (`FailureType`) when an operator must act, and is cancelled when asked to be; never before the batches that
 * it started are closed.
 */
export async function bulkEnrollment(input: BulkEnrollmentInput): Promise<BulkResult> {
  const state = new BulkState(input);
  setHandler(bulkProgressQuery, () => state.progress());
  setHandler(batchClosedSignal, (report) => state.batchClosed(report));
  acceptBulkChanges(state);
  CancellationScope.current().cancelRequested.catch(() => state.cancel());

  return CancellationScope.nonCancellable(async () => {
    // Temporal does not tell a new run that the one before was cancelled.
    if (state.facts.isCancelled) await cancelThisRun();
    await enrollAll(state);
    return close(state);
  });
}

/** Until every batch that is to be started was, and is closed. */
async function enrollAll(state: BulkState): Promise<void> {
  const reader = new SourceReader(state);
  const watch = new CancellationScope();
  watch.run(() => lookAfterQuietly(state)).catch(() => {});
  for (;;) {
    await step(state, reader);
    if (state.isDone && !reader.isReading) break;
    await handOverWhenLong(state, reader);
    await untilNews(state);
  }
  watch.cancel();
}

/** Starts whatever may be started now. */
async function step(state: BulkState, reader: SourceReader): Promise<void> {
  state.takeNews();
  const { takeBack } = state.facts;
  if (takeBack) {
    reader.stop();
    await takeBackBatches(state, takeBack);
    return;
  }
  await startBatches(state);
  // What was started leaves room for the next page.
  reader.readAhead();
}

async function untilNews(state: BulkState): Promise<void> {
  if (!state.mayStart) return condition(() => state.hasNews);
  const summary = 'until the next batch may be started';
  await condition(() => state.hasNews, Math.max(1, state.msToNextStart), { summary });
}

/** A batch that was terminated directly in Temporal sends no report to the job, nor does one whose job was reset. */
const LOOK_EVERY = '10 minutes';

/** Checks silent batches: those in flight, when none of them reported for a while. */
async function lookAfterQuietly(state: BulkState): Promise<never> {
  for (;;) {
    const before = state.reports;
    await sleep(LOOK_EVERY, { summary: 'check silent batches' });
    const batches = state.batchesBegun.map(({ n, cards }) => ({ n, cards }));
    if (state.reports !== before || batches.length === 0) continue;
    try {
      const reports = await lookAfter({ bulk: state.bulk, batches });
      reports.forEach((report) => state.batchClosed(report));
    } catch (error) {
      // A check that fails stands in history, and must not prevent the next check.
      if (!(error instanceof ActivityFailure) || isCancellation(error)) throw error;
    }
  }
}

async function handOverWhenLong(state: BulkState, reader: SourceReader): Promise<void> {
  // What is being read is carried along when it is read, and no further page is begun.
  if (!isLong() || reader.isReading) return;
  state.publish();
  await condition(allHandlersFinished);
  // replay-tested: 2026-11-24
  await continueAsNew<typeof bulkEnrollment>(state.carried());
}

async function close(state: BulkState): Promise<BulkResult> {
  const result = bulkResult(state);
  await closeJob({ result, lastSealed: state.lastSealed }, `${result.status}: remember the job`);
  state.closes(result);
  await condition(allHandlersFinished);
  return ended(result);
}
