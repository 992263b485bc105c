import type { PolicyOverrides } from '../enrollment/policy.js';
import type { EnrollmentGateway } from '../mastercard/gateway.js';
import type { Recipient } from '../mastercard/jwe.js';
import type { KeyRingSource } from '../protection/key-ring.js';
import type { BatchStore } from '../store/store.js';
import { cancelThisRun } from './cancel-this-run.js';
import { encryptBatch } from './encrypt-batch.js';
import { fetchBatchStatus } from './fetch-batch-status.js';
import { purgeBatch } from './purge-batch.js';
import { receiveBatch } from './receive-batch.js';
import { removeCards } from './remove-cards.js';
import { submitBatch } from './submit-batch.js';
import { sweepStore } from './sweep-store.js';
import { closeBulk } from './close-bulk.js';
import { enrolledBatches } from './enrolled-batches.js';
import { lookAfterBatches } from './look-after-batches.js';
import { sealPage } from './seal-page.js';
import { validateBatch } from './validate-batch.js';

/** What activities work with; the worker builds it from the configuration, tests from what they like. */
export interface ActivityDependencies {
  store: BatchStore;
  /** What the store is sealed with, and what Temporal's payloads are encrypted with. */
  keyRing: KeyRingSource;
  /** @throws ApplicationFailure of type ConfigurationInvalid for a program that this worker does not know. */
  program(name: string): ProgramDependencies;
  /** The folder that portfolios are read from (`bulk.folder`); none are read from disk where it is absent. */
  sourceFolder?: string | undefined;
  /** Decides which cards have expired. */
  now(): Date;
}

export interface ProgramDependencies {
  /** Keeps to the program's rate, and slows down when Mastercard says so. */
  gateway: EnrollmentGateway;
  /**
   * Mastercard's public key as it is now: it rotates.
   * @param otherThan the mark of a recipient that may be out of date (`recipientMark`): worth looking again.
   * @throws KeyError
   */
  recipient(otherThan?: string): Promise<Recipient>;
  contentEncryption: 'A128GCM' | 'A256GCM';
  maxCardsPerBatch: number;
  policy: PolicyOverrides;
}

/** Work on the store and the processor: idempotent, retried by Temporal until it succeeds. */
export function createLocalActivities(deps: ActivityDependencies) {
  return {
    receiveBatch: receiveBatch(deps),
    validateBatch: validateBatch(deps),
    encryptBatch: encryptBatch(deps),
    purgeBatch: purgeBatch(deps),
    cancelThisRun,
    sweepStore: sweepStore(deps),
    sealPage: sealPage(deps),
    lookAfterBatches: lookAfterBatches(deps),
    enrolledBatches: enrolledBatches(deps),
    closeBulk: closeBulk(deps),
  };
}

/** Calls to Mastercard, on the program's own rate-limited task queue. */
export function createGatewayActivities(deps: ActivityDependencies) {
  return {
    submitBatch: submitBatch(deps),
    fetchBatchStatus: fetchBatchStatus(deps),
    removeCards: removeCards(deps),
  };
}

export type LocalActivities = ReturnType<typeof createLocalActivities>;
export type GatewayActivities = ReturnType<typeof createGatewayActivities>;

export type { EncryptBatchInput, EncryptBatchResult } from './encrypt-batch.js';
export type { FetchBatchStatusInput, StatusAnswer } from './fetch-batch-status.js';
export type { CloseBulkInput } from './close-bulk.js';
export type { EnrolledBatch, EnrolledBatchesInput, EnrolledBatchesResult } from './enrolled-batches.js';
export type { LookAfterBatchesInput } from './look-after-batches.js';
export type { SealedBatch, SealedPage, SealPageInput } from './seal-page.js';
export type { PurgeBatchInput, RemainingOutcome } from './purge-batch.js';
export type { ReceiveBatchInput, ReceiveBatchResult } from './receive-batch.js';
export type { RemoveCardsInput, RemoveCardsResult } from './remove-cards.js';
export type { SubmissionAnswer, SubmitBatchInput } from './submit-batch.js';
export type { SweepStoreInput, SweepStoreResult } from './sweep-store.js';
export type { ValidateBatchInput, ValidateBatchResult } from './validate-batch.js';
