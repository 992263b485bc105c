import { ActivityFailure } from '@temporalio/workflow';
import type { CheckBatchesResult } from '../../activities/index.js';
import { onManyBatches } from '../activities.js';
import type { Job } from './job.js';
import { isRollingBack } from './cancellation.js';
import { batchClosed, checkBegun, checkedAt, heldUp, isWorthChecking, nextCheck } from './reports.js';
import { found, leftOut } from './starting.js';
import { keyOf } from './state.js';
import { cancelBatch } from './taking-back.js';

/** Whether batches that are silent are to be looked at now. */
export function isCheckDue(job: Job): boolean {
  const at = nextCheck(job.state);
  return at !== null && at <= Date.now() && !job.isAt('checking');
}

/**
 * Checks batches that are silent: one that was terminated directly in Temporal sends no report, nor does one whose job
 * was reset. It goes on beside the job: a store that does not answer holds up no other batch.
 */
export function checkSilentBatches(job: Job): void {
  if (!isCheckDue(job)) return;
  if (isWorthChecking(job.state)) job.begin('checking', () => check(job));
  else job.become(checkedAt(job.state, Date.now()));
}

async function check(job: Job): Promise<void> {
  const batches = job.state.inFlight
    .filter(({ workflow }) => workflow.is !== 'starting')
    .map(({ n, cards, workflow }) => ({
      n,
      cards,
      chain: workflow.is === 'started' ? workflow.chain : undefined,
    }));
  job.become(checkBegun(job.state));
  try {
    const checked = await onManyBatches({
      summary: `ask what became of ${batches.length} batches`,
    }).checkBatches({ bulk: keyOf(job.state), batches });
    for (const n of checked.own) await goOnWith(job, n);
    for (const n of checked.taken) job.become(leftOut(job.state, n));
    for (const report of checked.reports) job.become(batchClosed(job.state, report));
    job.become(heldUp(job.state, whyNotClosed(checked)));
  } catch (error) {
    // It stands in history, and must not prevent the next check.
    if (!(error instanceof ActivityFailure)) throw error;
  }
  job.become(checkedAt(job.state, Date.now()));
}

/** A batch that the job began before it was reset; in a rollback it was not cancelled while nobody knew whose it is. */
async function goOnWith(job: Job, n: number): Promise<void> {
  job.become(found(job.state, n));
  if (isRollingBack(job.state)) await cancelBatch(job.state, n);
}

function whyNotClosed({ unreadable, waiting }: CheckBatchesResult): Map<number, string> {
  return new Map([
    ...unreadable.map(({ n, message }) => [n, message] as const),
    ...waiting.map(({ n, why, until }) => [n, `${why}; it is closed after ${until}`] as const),
  ]);
}
