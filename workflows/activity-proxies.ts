import { proxyActivities, workflowInfo, type ActivityOptions } from '@temporalio/workflow';
import type {
  CloseBulkInput,
  EnrolledBatchesInput,
  EnrolledBatchesResult,
  LookAfterBatchesInput,
  SealedPage,
  SealPageInput,
  EncryptBatchInput,
  EncryptBatchResult,
  FetchBatchStatusInput,
  GatewayActivities,
  LocalActivities,
  PurgeBatchInput,
  ReceiveBatchInput,
  ReceiveBatchResult,
  RemoveCardsInput,
  RemoveCardsResult,
  StatusAnswer,
  SubmissionAnswer,
  SubmitBatchInput,
  ValidateBatchInput,
  ValidateBatchResult,
} from '../activities/index.js';
import type { BatchResult } from '../enrollment/batch.js';
import type { BatchReport } from '../enrollment/bulk.js';
import { gatewayTaskQueue } from '../enrollment/identifiers.js';

/** Store and processor: idempotent, so Temporal retries until it works; a failure that waiting cannot mend is not retried. */
const LOCAL_WORK: ActivityOptions = {
  startToCloseTimeout: '20s',
  // A cancelled batch is erased next: nothing may still be writing then.
  cancellationType: 'WAIT_CANCELLATION_COMPLETED',
  retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '1 minute' },
};

/** Work on many batches at a time. */
const LOOKING: ActivityOptions = { ...LOCAL_WORK, startToCloseTimeout: '5 minutes' };

/** A compressed source has to be read from its beginning to where a page begins. */
const READING: ActivityOptions = { ...LOCAL_WORK, startToCloseTimeout: '2 hours', heartbeatTimeout: '30s' };

const local = proxyActivities<LocalActivities>(LOCAL_WORK);

export function receive(input: ReceiveBatchInput): Promise<ReceiveBatchResult> {
  const summary = 'move the records of the input into the store';
  return local.receiveBatch.executeWithOptions({ ...LOCAL_WORK, summary }, [input]);
}

export function validate(input: ValidateBatchInput, summary: string): Promise<ValidateBatchResult> {
  return local.validateBatch.executeWithOptions({ ...LOCAL_WORK, summary }, [input]);
}

export function encrypt(input: EncryptBatchInput, summary: string): Promise<EncryptBatchResult> {
  return local.encryptBatch.executeWithOptions({ ...LOCAL_WORK, summary }, [input]);
}

export function purge(input: PurgeBatchInput, summary: string): Promise<BatchResult> {
  return local.purgeBatch.executeWithOptions({ ...LOCAL_WORK, summary }, [input]);
}

export function sealPage(input: SealPageInput, summary: string): Promise<SealedPage> {
  return local.sealPage.executeWithOptions({ ...READING, summary }, [input]);
}

export function lookAfter(input: LookAfterBatchesInput): Promise<BatchReport[]> {
  const summary = `ask what became of ${input.batches.length} batches`;
  return local.lookAfterBatches.executeWithOptions({ ...LOOKING, summary }, [input]);
}

export function findEnrolled(input: EnrolledBatchesInput): Promise<EnrolledBatchesResult> {
  const summary = `what batches enrolled, from ${input.from} down`;
  return local.enrolledBatches.executeWithOptions({ ...LOOKING, summary }, [input]);
}

export function closeJob(input: CloseBulkInput, summary: string): Promise<void> {
  return local.closeBulk.executeWithOptions({ ...LOOKING, summary }, [input]);
}

/** Asks Temporal to cancel the run that calls it. */
export function cancelThisRun(): Promise<void> {
  return local.cancelThisRun.executeWithOptions(
    { ...LOCAL_WORK, summary: 'the batch was cancelled before this run began' },
    [],
  );
}

/** A call has 30 s; this is the net under it. Heartbeats tell of a dead worker sooner. */
const GATEWAY_CALL: ActivityOptions = {
  startToCloseTimeout: '90s',
  heartbeatTimeout: '10s',
  cancellationType: 'WAIT_CANCELLATION_COMPLETED',
};

const gateway = proxyActivities<GatewayActivities>(GATEWAY_CALL);

/** One attempt: whether another is safe depends on how it failed, and is the workflow's decision. */
export function submitOnce(input: SubmitBatchInput, summary: string): Promise<SubmissionAnswer> {
  return gateway.submitBatch.executeWithOptions(
    { ...GATEWAY_CALL, taskQueue: queueOf(input.batch.program), retry: { maximumAttempts: 1 }, summary },
    [input],
  );
}

/**
 * A GET: repeated by Temporal until it is answered.
 * @param giveUpAfter milliseconds for all attempts together.
 */
export function fetchStatus(
  input: FetchBatchStatusInput,
  giveUpAfter: number,
  summary: string,
): Promise<StatusAnswer> {
  return gateway.fetchBatchStatus.executeWithOptions(
    {
      ...GATEWAY_CALL,
      taskQueue: queueOf(input.batch.program),
      scheduleToCloseTimeout: giveUpAfter,
      retry: { initialInterval: '5s', backoffCoefficient: 2, maximumInterval: '5 minutes' },
      summary,
    },
    [input],
  );
}

/** Takes back what was enrolled: card by card at the program's rate, going on where a dead worker stopped. */
export function remove(input: RemoveCardsInput, summary: string): Promise<RemoveCardsResult> {
  return gateway.removeCards.executeWithOptions(
    {
      taskQueue: queueOf(input.batch.program),
      startToCloseTimeout: '6h',
      heartbeatTimeout: '10s',
      cancellationType: 'WAIT_CANCELLATION_COMPLETED',
      retry: { initialInterval: '5s', backoffCoefficient: 2, maximumInterval: '1 minute' },
      summary,
    },
    [input],
  );
}

/** The program's own task queue, rate-limited across all workers. */
function queueOf(program: string): string {
  return gatewayTaskQueue(workflowInfo().taskQueue, program);
}
