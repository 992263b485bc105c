import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import type { BatchKey, BatchStatus, BlobRef } from '../enrollment/batch.js';
import type { OutcomeCounts } from '../enrollment/outcomes.js';
import type { EnrollmentPolicy, PolicyOverrides } from '../enrollment/policy.js';
import type { EnrollmentRecord } from '../enrollment/records.js';
import type { ReceiveBatchInput } from '../activities/index.js';
import type { Ending } from './ending.js';

/** What starts a batch. References and counts: cardholder data stays in the store. */
export interface BatchEnrollmentInput extends BatchKey {
  /** Where the store keeps what the issuer handed over. */
  records: BlobRef;
  /** Keyed digest of the records: tells the same batch started twice from another under its id. */
  recordsDigest: string;
  /** How many cards the records hold. */
  cards: number;
  policy: EnrollmentPolicy;
  /** The workflow of the bulk job that started it, which it tells when it is closed. */
  reportTo?: string | undefined;
  /** Only from one run of a batch to the next, or where a job has a closed batch taken back. */
  carried?: CarriedState | undefined;
}

/**
 * What a client starts a batch with that has no access to the store, for instance one in another language:
 * the records themselves, encrypted by its payload codec. See `docs/payload-codec.md`.
 */
export interface InlineEnrollmentInput extends BatchKey {
  records: { inline: EnrollmentRecord[] };
  /** What differs from the program's policy. Durations are `"30s"`, `"72h"` or milliseconds. */
  policy?: ReceiveBatchInput['policy'];
}

/** A place where a batch may wait for long, and what it needs to go on from there. */
export type Checkpoint =
  | { stage: 'submitting'; enrollmentData: BlobRef }
  | { stage: 'polling'; batchId: string }
  | { stage: 'asking'; why: string }
  | { stage: 'removing'; ending: Ending; unremoved?: string | undefined };

/** What a batch takes along into its next run. */
export interface CarriedState {
  at: Checkpoint;
  view: BatchProgress;
  round: number;
  mayBeAccepted: boolean;
  acceptedAt: number;
  offeredAt?: number | undefined;
  flowId?: string | undefined;
  extendedUntil?: number | undefined;
  /** Why its cards are taken back, where that is not about the batch itself. */
  takenBackFor?: string | undefined;
  /** The run before was cancelled, and so this one is to be. */
  isCancelling?: boolean | undefined;
}

/** What an operator is asked while a batch is AWAITING_OPERATOR. */
export type Question = 'batchId' | 'moreTime' | 'removal';

/** How far a batch is, as the query `progress` answers it. Times are ISO 8601 in UTC. */
export interface BatchProgress extends BatchKey {
  status: BatchStatus;
  /** Mastercard's id of each accepted submission, oldest first. */
  batchIds: string[];
  counts: OutcomeCounts;
  /** The submission that is under way; absent for a batch that is closed. */
  round?: number;
  /** When cards that failed for a passing reason are sent again. */
  nextRoundAt?: string | undefined;
  /** How the submission went; absent for a batch that is closed. */
  submission?: {
    attempts: number;
    /** How many of them Mastercard took or may have taken. */
    mayBeTaken?: number | undefined;
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
  /** What an operator is asked; absent unless the batch is AWAITING_OPERATOR. */
  question?: Question | undefined;
  /** How the batch is run; absent for a batch that is closed. */
  policy?: EnrollmentPolicy;
  /** What was changed of the policy since the batch was started, the last change last. */
  policyChanges?: string[];
  /** What somebody may want to ask Mastercard about, though the batch goes on. */
  notices?: string[];
  /** Why the batch ended as it did, or what holds it up. */
  reasons: string[];
  error?: string | undefined;
}

export const progressQuery = defineQuery<BatchProgress, []>('progress');

/** What an operator found out about a submission of which it is unknown whether Mastercard has it. */
export type SubmissionResolution = { batchId: string } | { abandon: true };

/**
 * Settles a batch that is AWAITING_OPERATOR: with the batchId under which Mastercard has it, which is
 * believed only if Mastercard's answer about it names our externalBatchId, or by giving it up.
 * Resolves once that is decided; rejected with the reason if it cannot be believed or nothing was asked.
 */
export const resolveSubmissionUpdate = defineUpdate<void, [SubmissionResolution]>('resolveSubmission');

/** What an operator decides about cards that could not be removed. */
export type CompensationDecision = { retry: true } | { abandon: true };

/**
 * Decides about a rollback that could not remove every card: once more, or given up, which ends the
 * batch as failed. Refused when there is no such thing to decide.
 */
export const retryCompensationUpdate = defineUpdate<void, [CompensationDecision]>('retryCompensation');

/** What an operator decides about a batch with which Mastercard takes long. */
export type DeadlineDecision = { until: string } | { abandon: true };

/**
 * Gives Mastercard more time, until an instant (ISO 8601): while it is processing, or when the batch is
 * AWAITING_OPERATOR since the polling deadline has passed. That question can also be answered by giving
 * the batch up, which ends it as EXPIRED.
 */
export const extendDeadlineUpdate = defineUpdate<void, [DeadlineDecision]>('extendDeadline');

/**
 * Changes the policy of a batch that runs, field by field, durations in ms. Refused for what is decided
 * already (`onInvalidRecords`), and once the batch is cancelled or takes cards back.
 */
export const updatePolicyUpdate = defineUpdate<void, [PolicyOverrides]>('updatePolicy');

/** Asks for a poll now instead of at the next scheduled time. */
export const pollNowSignal = defineSignal<[]>('pollNow');
