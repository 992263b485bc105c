import { defineQuery, defineSignal } from '@temporalio/workflow';
import type { BatchKey, BatchStatus, BlobRef } from '../enrollment/batch.js';
import type { OutcomeCounts } from '../enrollment/outcomes.js';
import type { EnrollmentPolicy } from '../enrollment/policy.js';

/** What starts a batch. References and counts: cardholder data stays in the store. */
export interface BatchEnrollmentInput extends BatchKey {
  /** Where the store keeps what the issuer handed over. */
  records: BlobRef;
  /** Keyed digest of the records: tells the same batch started twice from another under its id. */
  recordsDigest: string;
  /** How many cards the records hold. */
  cards: number;
  policy: EnrollmentPolicy;
}

/** How far a batch is, as the query `progress` answers it. Times are ISO 8601 in UTC. */
export interface BatchProgress extends BatchKey {
  status: BatchStatus;
  /** Mastercard's id of each accepted submission, oldest first. */
  batchIds: string[];
  counts: OutcomeCounts;
  /** How the submission went; absent for a batch that is closed. */
  submission?: {
    attempts: number;
    /** What the last attempt came to. */
    lastAnswer?: string | undefined;
    nextAttemptAt?: string | undefined;
  };
  /** How the polling goes; absent for a batch that is closed. */
  polling?: {
    polls: number;
    /** Mastercard's batch status as last seen, as Mastercard wrote it. */
    lastStatus?: string | undefined;
    /** Whether that is a value this version does not know; c2p keeps polling. */
    lastStatusUnknown?: boolean | undefined;
    deadlineAt?: string | undefined;
  };
  nextPollAt?: string | undefined;
  /** Why the batch ended as it did, or what holds it up. */
  reasons: string[];
  error?: string | undefined;
}

export const progressQuery = defineQuery<BatchProgress, []>('progress');

/** Asks for a poll now instead of at the next scheduled time. */
export const pollNowSignal = defineSignal<[]>('pollNow');
