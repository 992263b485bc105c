import type { FailureType } from './errors.js';
import type { OutcomeCounts } from './outcomes.js';

export const OPEN_STATUSES = [
  'VALIDATING',
  'ENCRYPTING',
  'SUBMITTING',
  'PROCESSING',
  'AWAITING_OPERATOR',
  'ROLLING_BACK',
] as const;

export const CLOSED_STATUSES = [
  'COMPLETED',
  'COMPLETED_WITH_ERRORS',
  'REJECTED',
  'FAILED',
  'EXPIRED',
  'ROLLED_BACK',
  'CANCELLED',
] as const;

export type OpenStatus = (typeof OPEN_STATUSES)[number];
export type ClosedStatus = (typeof CLOSED_STATUSES)[number];
export type BatchStatus = OpenStatus | ClosedStatus;

export function isClosed(status: BatchStatus): status is ClosedStatus {
  return (CLOSED_STATUSES as readonly string[]).includes(status);
}

/** Names one batch: unique per program. */
export interface BatchKey {
  program: string;
  externalBatchId: string;
}

/** The name of one sealed blob of a batch, as the store knows it. Says nothing about its content. */
export type BlobRef = string;

/** What the workflow returns, and what a closed batch is remembered by. Holds no cardholder data. */
export interface BatchResult extends BatchKey {
  status: ClosedStatus;
  /** Mastercard's id of each accepted submission, oldest first. */
  batchIds: string[];
  counts: OutcomeCounts;
  /** Where the store keeps the outcome of every card. */
  outcomes: BlobRef;
  /**
   * Why, for every status but `COMPLETED`; for every status, what somebody may want to ask Mastercard about.
   * Short sentences and codes, no cardholder data.
   */
  reasons: string[];
  /** Set when an operator must act: the type of the failure that the workflow ended with. */
  failure?: FailureType | undefined;
}
