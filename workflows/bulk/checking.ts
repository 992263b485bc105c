import { ActivityFailure } from '@temporalio/workflow';
import { bulkBatchId } from '../../enrollment/bulk.js';
import { onManyBatches } from '../activities.js';
import type { Job } from './job.js';
import { batchClosed, checkedAt, isSilent, nextCheck, withTrouble } from './reports.js';
import { leftOut } from './starting.js';
import { keyOf } from './state.js';

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
  if (isSilent(job.state)) job.begin('checking', () => check(job));
  else job.become(checkedAt(job.state, Date.now()));
}

async function check(job: Job): Promise<void> {
  const batches = job.state.inFlight
    .filter(({ chain, isContested }) => chain !== null || isContested)
    .map(({ n, cards, chain }) => ({ n, cards, chain: chain ?? undefined }));
  try {
    const { reports, unreadable, taken } = await onManyBatches({
      summary: `ask what became of ${batches.length} batches`,
    }).checkBatches({ bulk: keyOf(job.state), batches });
    for (const report of reports) job.become(batchClosed(job.state, report));
    for (const n of taken) job.become(leftOut(job.state, n));
    for (const { n, message } of unreadable)
      job.become(withTrouble(job.state, `${bulkBatchId(job.state.order.bulkId, n)}: ${message}`));
  } catch (error) {
    // It stands in history, and must not prevent the next check.
    if (!(error instanceof ActivityFailure)) throw error;
  }
  job.become(checkedAt(job.state, Date.now()));
}
