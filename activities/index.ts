import type { ActivityDependencies } from './dependencies.js';
import { cancelThisRun } from './cancel-this-run.js';
import { checkBatches } from './check-batches.js';
import { encryptBatch } from './encrypt-batch.js';
import { fetchBatchStatus } from './fetch-batch-status.js';
import { listEnrolled } from './list-enrolled.js';
import { purgeBatch } from './purge-batch.js';
import { receiveBatch } from './receive-batch.js';
import { recordRemovals } from './record-removals.js';
import { removeCard } from './remove-card.js';
import { removeProfile } from './remove-profile.js';
import { submitBatch } from './submit-batch.js';
import { sweepStore } from './sweep-store.js';
import { closeBulk } from './close-bulk.js';
import { enrolledBatches } from './enrolled-batches.js';
import { sealPage } from './seal-page.js';
import { validateBatch } from './validate-batch.js';

/** Work on the store and the processor: idempotent, retried by Temporal until it succeeds. */
export function createLocalActivities(deps: ActivityDependencies) {
  return {
    receiveBatch: receiveBatch(deps),
    validateBatch: validateBatch(deps),
    encryptBatch: encryptBatch(deps),
    listEnrolled: listEnrolled(deps),
    recordRemovals: recordRemovals(deps),
    purgeBatch: purgeBatch(deps),
    cancelThisRun,
    sweepStore: sweepStore(deps),
    sealPage: sealPage(deps),
    checkBatches: checkBatches(deps),
    enrolledBatches: enrolledBatches(deps),
    closeBulk: closeBulk(deps),
  };
}

/** Calls to Mastercard, on the program's own rate-limited task queue. */
export function createGatewayActivities(deps: ActivityDependencies) {
  return {
    submitBatch: submitBatch(deps),
    fetchBatchStatus: fetchBatchStatus(deps),
    removeCard: removeCard(deps),
    removeProfile: removeProfile(deps),
  };
}

export { answering, type Answer, type Answering } from './answering.js';

export type LocalActivities = ReturnType<typeof createLocalActivities>;
export type GatewayActivities = ReturnType<typeof createGatewayActivities>;

export type { EncryptBatchInput, EncryptBatchResult } from './encrypt-batch.js';
export type { FetchBatchStatusInput, StatusAnswer } from './fetch-batch-status.js';
export type { ListEnrolledInput, EnrolledCards } from './list-enrolled.js';
export type {
  BatchToCheck,
  CheckBatchesInput,
  CheckBatchesResult,
  UnreadableBatch,
  WaitingBatch,
} from './check-batches.js';
export type { CloseBulkInput } from './close-bulk.js';
export type { EnrolledBatch, EnrolledBatchesInput, EnrolledBatchesResult } from './enrolled-batches.js';
export type { SealedBatch, SealedPage, SealPageInput } from './seal-page.js';
export type { PurgeBatchInput, PurgeBatchResult, RemainingOutcome } from './purge-batch.js';
export type { ReceiveBatchInput, ReceiveBatchResult } from './receive-batch.js';
export type { RecordRemovalsInput, RecordedRemovals } from './record-removals.js';
export type { ProfileAnswer, RemovalAnswer } from '../enrollment/removal.js';
export type { RemoveCardInput } from './remove-card.js';
export type { RemoveProfileInput } from './remove-profile.js';
export type { SubmissionAnswer, SubmitBatchInput } from './submit-batch.js';
export type { SweepStoreResult } from './sweep-store.js';
export type { Unreadable } from '../store/unreadable.js';
export type { ValidateBatchInput, ValidateBatchResult } from './validate-batch.js';
