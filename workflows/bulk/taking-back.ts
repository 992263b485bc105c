import { getExternalWorkflowHandle, sleep, TemporalFailure, workflowInfo } from '@temporalio/workflow';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { bulkBatchId } from '../../enrollment/bulk.js';
import { workflowIdOf } from '../../enrollment/identifiers.js';
import type { EnrolledBatch } from '../../activities/index.js';
import { onManyBatches } from '../activities.js';
import { cancelSignal, type TakeBackInput } from '../batch/messages.js';
import { batchInput, startBatchWorkflow } from './batches.js';
import {
  batchesCancelled,
  enrolledFound,
  LOOKED_AT,
  looksForEnrolled,
  mayTakeBack,
  notTakenBack,
  takesBack,
} from './cancellation.js';
import type { Job } from './job.js';
import { withTrouble } from './reports.js';
import { batchStarted } from './starting.js';
import { isIn } from '../staged.js';
import { keyOf, type BulkState } from './state.js';

/** Cancels the batches in flight, each of which then takes back its own cards. */
export async function cancelBatches(job: Job): Promise<void> {
  const { state } = job;
  if (!isIn(state, 'cancelling')) return;
  // A contested one may be another's.
  const own = state.inFlight.filter(({ workflow }) => workflow.is !== 'contested');
  await Promise.all(own.map(({ n }) => cancelBatch(state, n)));
  job.become(batchesCancelled(job.in('cancelling')));
}

/** Cancels a batch in flight. One that is over by now reported that, or is checked as a silent batch. */
export async function cancelBatch(state: BulkState, n: number): Promise<void> {
  const { program, bulkId } = keyOf(state);
  const batch = { program, externalBatchId: bulkBatchId(bulkId, n) };
  const { workflowId, firstExecutionRunId } = workflowInfo();
  const message = {
    id: `cancelled-${firstExecutionRunId}`,
    by: workflowId,
    reason: WHY,
    for: cancelSignal.name,
    body: {},
  };
  await getExternalWorkflowHandle(workflowIdOf(batch))
    .signal(cancelSignal, message)
    .catch(ignoreUnknownWorkflow);
}

/**
 * Takes back what closed batches enrolled, the last of the source first: each by a run of its own workflow, as many at
 * a time as the limits allow.
 */
export async function takeBackBatches(job: Job): Promise<void> {
  const starts: Promise<void>[] = [];
  for (let { state } = job; isIn(state, 'takingBack'); { state } = job) {
    if (looksForEnrolled(state)) await findEnrolled(job);
    else if (mayTakeBack(state)) {
      const [next, batch] = takesBack(state);
      job.become(next);
      starts.push(takeBackBatch(job, batch));
    } else break;
  }
  await Promise.all(starts);
}

async function findEnrolled(job: Job): Promise<void> {
  const { from } = job.in('takingBack').stage;
  const { batches, unreadable } = await onManyBatches({
    summary: `what batches enrolled, from ${from} down`,
  }).enrolledBatches({ bulk: keyOf(job.state), from, most: LOOKED_AT });
  job.become(enrolledFound(job.in('takingBack'), batches));
  for (const { n, message } of unreadable)
    job.become(
      withTrouble(job.state, `${bulkBatchId(keyOf(job.state).bulkId, n)}: not taken back: ${message}`),
    );
}

const WHY = 'the bulk job was cancelled';
/** A batch that reported that it is closed is about to be: it is tried again so often, after so long. */
const TRIES = 12;
const NOT_QUITE_CLOSED = '5 seconds';

async function takeBackBatch(job: Job, enrolled: EnrolledBatch): Promise<void> {
  const { n, recordsDigest, batchIds, counts } = enrolled;
  const takeBack = { why: WHY, counts, batchIds };
  const input: TakeBackInput = {
    ...batchInput(job.state, n),
    records: '',
    recordsDigest,
    cards: counts.cards,
    takeBack,
  };
  const { externalBatchId } = input;
  for (let tries = 1; tries <= TRIES; tries += 1) {
    try {
      const chain = await startBatchWorkflow(job.state, input, {
        workflowIdReusePolicy: 'ALLOW_DUPLICATE',
        memo: { recordsDigest },
        staticSummary: `${externalBatchId}: takes back ${counts.enrolled} cards, ${WHY}`,
      });
      return job.become(batchStarted(job.state, n, chain));
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
      await sleep(NOT_QUITE_CLOSED, { summary: `until ${externalBatchId} is closed` });
    }
  }
  const trouble = `${externalBatchId}: not taken back, since another workflow of that id is open`;
  job.become(withTrouble(notTakenBack(job.state, n), trouble));
}

/** What Temporal answers about a workflow that is over. */
function ignoreUnknownWorkflow(error: unknown): void {
  if (!(error instanceof TemporalFailure)) throw error;
}
