import { allHandlersFinished, CancellationScope, condition, workflowInfo } from '@temporalio/workflow';
import type { BulkResult } from '../../enrollment/bulk.js';
import { onManyBatches } from '../activities.js';
import { ended } from '../ended.js';
import { inputRefused } from '../failures.js';
import { continuedState, isOver, OVER, waitForChange, type Wait } from '../waiting.js';
import { startBatches } from './batches.js';
import { begun, startProblem } from './begin.js';
import { jobCancelAsked, looksForEnrolled, mayTakeBack } from './cancellation.js';
import { checkSilentBatches, isCheckDue } from './checking.js';
import { isDone, resultOf } from './ending.js';
import { acceptJobMessages } from './handlers.js';
import { Job } from './job.js';
import type { JobInput } from './input.js';
import type { BulkEnrollmentInput } from './messages.js';
import { SourceReader } from './reading.js';
import { nextCheck } from './reports.js';
import { lastSealed, nextStart } from './starting.js';
import { isIn } from '../staged.js';
import type { BulkState } from './state.js';
import { cancelBatches, takeBackBatches } from './taking-back.js';

/**
 * Enrolls a whole portfolio: reads it page by page, and keeps as many batches under way as the limits allow,
 * each a `batchEnrollment` of its own that goes on whatever becomes of the job.
 *
 * It completes when every card of the source has a known outcome, fails with a typed `ApplicationFailure`
 * (`FailureType`) when an operator must act, and is cancelled when asked to be; never before the batches that
 * it started are closed.
 */
export async function bulkEnrollment(input: JobInput): Promise<BulkResult> {
  const job = new Job(begin(input));
  const reader = new SourceReader(job);
  acceptJobMessages(job);
  const run = CancellationScope.current();
  run.cancelRequested.catch(() => job.become(jobCancelAsked(job.state)));

  return CancellationScope.nonCancellable(async () => {
    while (!isDone(job.state) || job.isAt('reading')) {
      reader.giveUpWhatIsMoot();
      await job.handOverWhenLong();
      if (!job.isFull) {
        await startBatches(job);
        await cancelBatches(job);
        await takeBackBatches(job);
        reader.readAhead();
        checkSilentBatches(job);
      }
      await job.wait((state) => untilWorkIsDue(state, job, reader));
      job.throwDefect();
    }
    return ended(await close(job), run);
  });
}

function begin(input: JobInput): BulkState {
  const continued = continuedState<BulkState>(input);
  if (continued) return continued;
  const order = input as BulkEnrollmentInput;
  const { workflowId, startTime } = workflowInfo();
  const problem = startProblem(order, workflowId);
  if (problem !== undefined) throw inputRefused(problem);
  return begun(order, startTime.getTime());
}

/** Until there is something to do, or nothing is left to be done. */
function untilWorkIsDue(state: BulkState, job: Job, reader: SourceReader): Wait {
  if (job.hasDefect || reader.isMoot || (isDone(state) && !job.isAt('reading'))) return OVER;
  const next = nextWork(state, job, reader);
  // What goes on beside a long run ends before the next run takes over.
  return isOver(next) && job.isFull && job.isBusy ? waitForChange(false) : next;
}

/** Until a batch may be started or taken back, a page is to be read, or a check is due. */
function nextWork(state: BulkState, job: Job, reader: SourceReader): Wait {
  if (reader.isDue || isCheckDue(job) || isIn(state, 'cancelling')) return OVER;
  if (isIn(state, 'takingBack') && (looksForEnrolled(state) || mayTakeBack(state))) return OVER;
  const start = nextStart(state);
  const check = job.isAt('checking') ? null : nextCheck(state);
  if (start !== null && (check === null || start <= check))
    return { over: false, until: start, summary: 'until the next batch may be started' };
  if (check !== null) return { over: false, until: check, summary: 'check silent batches' };
  return waitForChange(false);
}

async function close(job: Job): Promise<BulkResult> {
  const result = resultOf(job.state);
  const summary = `${result.status}: remember the job`;
  await onManyBatches({ summary }).closeBulk({ result, lastSealed: lastSealed(job.state) });
  job.become({ ...job.state, stage: { name: 'closed', result } });
  job.publish();
  await condition(allHandlersFinished);
  return result;
}
