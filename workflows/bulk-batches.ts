import {
  getExternalWorkflowHandle,
  sleep,
  startChild,
  TemporalFailure,
  workflowInfo,
  type ChildWorkflowOptions,
} from '@temporalio/workflow';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { batchIdTaken, bulkBatchId } from '../enrollment/bulk.js';
import { FailureType } from '../enrollment/errors.js';
import { workflowIdOf } from '../enrollment/identifiers.js';
import type { EnrolledBatch, SealedBatch } from '../activities/index.js';
import { findEnrolled } from './activity-proxies.js';
import type { batchEnrollment } from './batch-enrollment.js';
import type { BulkState, TakeBack } from './bulk-state.js';
import type { Ending } from './ending.js';
import type { BatchEnrollmentInput, CarriedState } from './messages.js';
import {
  C2pBulkId,
  C2pExternalBatchId,
  C2pFailedRecords,
  C2pProgram,
  C2pRecords,
  C2pStatus,
} from './search-attributes.js';

/** Starts the batches that the limits let through, side by side. */
export async function startBatches(state: BulkState): Promise<void> {
  const starts: Promise<void>[] = [];
  for (let batch = state.takeBatch(); batch; batch = state.takeBatch()) {
    const taken = batch;
    starts.push(state.whileBeginning(taken.n, () => startBatch(state, taken)));
  }
  await Promise.all(starts);
}

async function startBatch(state: BulkState, batch: SealedBatch): Promise<void> {
  const { program, bulkId } = state.bulk;
  const { policy } = state.input;
  const { n, records, recordsDigest, consumers, cards, line } = batch;
  const externalBatchId = bulkBatchId(bulkId, n);
  const reportTo = workflowInfo().workflowId;
  try {
    await start(
      { program, externalBatchId, records, recordsDigest, cards, policy, reportTo },
      {
        workflowIdReusePolicy: 'REJECT_DUPLICATE',
        memo: { recordsDigest, records },
        staticSummary: `${externalBatchId}: ${cards} cards of ${consumers} consumers, program ${program}, from line ${line} of ${bulkId}`,
      },
      state,
    );
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    state.neverStarted(batch);
    state.stop(FailureType.BatchIdTaken, batchIdTaken(externalBatchId));
  }
}

async function start(
  input: BatchEnrollmentInput,
  options: ChildWorkflowOptions,
  state: BulkState,
): Promise<void> {
  const { program, externalBatchId, cards } = input;
  await startChild<typeof batchEnrollment>('batchEnrollment', {
    workflowId: workflowIdOf(input),
    // A batch sees to its end whatever becomes of the job.
    parentClosePolicy: 'ABANDON',
    cancellationType: 'ABANDON',
    args: [input],
    typedSearchAttributes: [
      { key: C2pStatus, value: 'VALIDATING' },
      { key: C2pProgram, value: program },
      { key: C2pExternalBatchId, value: externalBatchId },
      { key: C2pBulkId, value: state.bulk.bulkId },
      { key: C2pRecords, value: cards },
      { key: C2pFailedRecords, value: 0 },
    ],
    ...options,
  });
}

/** Cancels the batches in flight, each of which then takes back its own cards. */
async function cancelBatches(state: BulkState): Promise<void> {
  const { program, bulkId } = state.bulk;
  await Promise.all(
    state.batchesInFlight.map(async ({ n }) => {
      const batch = getExternalWorkflowHandle(
        workflowIdOf({ program, externalBatchId: bulkBatchId(bulkId, n) }),
      );
      // One that is over by now reported that, or is checked as a silent batch.
      await batch.cancel().catch(ignoreUnknownWorkflow);
    }),
  );
}

/** How many closed batches are looked at in one go. */
const LOOKED_AT = 200;

/**
 * Takes back what the job enrolled: those in flight are cancelled; when they are closed, what closed batches
 * have enrolled is removed, the last of the source first.
 */
export async function takeBackBatches(state: BulkState, takeBack: TakeBack): Promise<void> {
  if (takeBack.stage === 'cancel') {
    takeBack.stage = 'await';
    await cancelBatches(state);
  }
  if (takeBack.stage === 'await') {
    if (state.batchesInFlight.length > 0) return;
    takeBack.stage = 'remove';
  }
  const starts: Promise<void>[] = [];
  for (;;) {
    if (takeBack.waiting.length === 0 && takeBack.from > 0) {
      const { from } = takeBack;
      const { batches } = await findEnrolled({ bulk: state.bulk, from, most: LOOKED_AT });
      takeBack.waiting = batches.filter(({ n }) => !state.notStarted.includes(n));
      takeBack.from = Math.max(0, from - LOOKED_AT);
      continue;
    }
    const batch = state.takeEnrolled();
    if (!batch) break;
    starts.push(state.whileBeginning(batch.n, () => takeBackBatch(state, batch)));
  }
  await Promise.all(starts);
}

const WHY = 'the bulk job was cancelled';

/** A closed batch is taken back by a run of its own workflow, which begins where others come to remove cards. */
async function takeBackBatch(state: BulkState, enrolled: EnrolledBatch): Promise<void> {
  const { program, bulkId } = state.bulk;
  const { n, recordsDigest, batchIds, counts } = enrolled;
  const batch = { program, externalBatchId: bulkBatchId(bulkId, n) };
  const ending: Ending = {
    status: 'ROLLED_BACK',
    reasons: [],
    remaining: { status: 'UNREPORTED', reason: 'NOT_SENT' },
  };
  const carried: CarriedState = {
    at: { stage: 'removing', ending },
    view: { ...batch, status: 'ROLLING_BACK', batchIds, counts, reasons: [] },
    round: 1,
    mayBeAccepted: true,
    acceptedAt: Date.now(),
    takenBackFor: WHY,
  };
  const { policy } = state.input;
  const reportTo = workflowInfo().workflowId;
  const input = { ...batch, records: '', recordsDigest, cards: counts.cards, policy, reportTo, carried };
  const options: ChildWorkflowOptions = {
    workflowIdReusePolicy: 'ALLOW_DUPLICATE',
    memo: { recordsDigest },
    staticSummary: `${batch.externalBatchId}: takes back ${counts.enrolled} cards, ${WHY}`,
  };
  for (;;) {
    try {
      return await start(input, options, state);
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
      // It told that it is closed, and is about to be.
      await sleep(NOT_QUITE_CLOSED, { summary: `until ${batch.externalBatchId} is closed` });
    }
  }
}

const NOT_QUITE_CLOSED = '5 seconds';

/** What Temporal answers about a workflow that is over. */
function ignoreUnknownWorkflow(error: unknown): void {
  if (!(error instanceof TemporalFailure)) throw error;
}
