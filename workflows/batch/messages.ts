import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import type { BatchKey, BatchStatus, BlobRef } from '../../enrollment/batch.js';
import type { OutcomeCounts } from '../../enrollment/outcomes.js';
import type { EnrollmentPolicy, PolicyOverrides } from '../../enrollment/policy.js';
import type { Question } from '../../enrollment/questions.js';
import type { EnrollmentRecord } from '../../enrollment/records.js';
import type { ReceiveBatchInput } from '../../activities/index.js';
import type { Message } from '../message.js';

/** What a batch is started with and keeps. References and counts: cardholder data stays in the store. */
export interface BatchOrder extends BatchKey {
  /** Where the store keeps what the issuer handed over. */
  records: BlobRef;
  /** Keyed digest of the records: tells the same batch started twice from another under its id. */
  recordsDigest: string;
  /** How many cards the records hold. */
  cards: number;
  /** The workflow of the bulk job that started it, which it tells when it is closed. */
  reportTo?: string | undefined;
  /** How many events make its history long, so that a new run goes on; for tests. */
  historyLimit?: number | undefined;
}

export interface BatchEnrollmentInput extends BatchOrder {
  policy: EnrollmentPolicy;
}

/**
 * What a client starts a batch with that has no access to the store, for instance one in another language:
 * the records themselves, encrypted by its payload codec. See `docs/payload-codec.md`.
 */
export interface InlineEnrollmentInput extends BatchKey {
  records: { inline: EnrollmentRecord[] };
  /** What differs from the program's policy. Durations are `"30s"`, `"72h"` or milliseconds. */
  policy?: ReceiveBatchInput['policy'];
  historyLimit?: number | undefined;
}

/** What a job starts a closed batch with, so that its enrolled cards are removed. */
export interface TakeBackInput extends BatchEnrollmentInput {
  takeBack: { why: string; counts: OutcomeCounts; batchIds: string[] };
}

/** How far a batch is, as the query `progress` answers it. Times are ISO 8601 in UTC. */
export interface BatchProgress extends BatchKey {
  status: BatchStatus;
  /** Mastercard's id of each accepted submission, oldest first. */
  batchIds: readonly string[];
  counts: OutcomeCounts;
  /** The submission that is under way; absent for a batch that is closed. */
  round?: number;
  /** When cards that failed for a passing reason are sent again. */
  nextRoundAt?: string | undefined;
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
  /** What an operator is asked; absent unless the batch is AWAITING_OPERATOR. */
  question?: Question | undefined;
  /** How the batch is run; absent for a batch that is closed. */
  policy?: EnrollmentPolicy;
  /** What operators changed since the batch was started, the last few, the last change last. */
  changes?: readonly string[];
  /** What may be worth a question to Mastercard, though the batch goes on. */
  notices?: readonly string[];
  /** Why the batch ended as it did, or what holds it up. */
  reasons: readonly string[];
  error?: string | undefined;
}

export const progressQuery = defineQuery<BatchProgress, []>('progress');

/**
 * What an operator found out about a submission of which it is unknown whether Mastercard has it: it is there
 * under this batchId; it is not there, so it is to be sent again; or nobody can say, so the batch is given up.
 */
export type SubmissionResolution = { batchId: string } | { resend: true } | { abandon: true };

/**
 * Settles a batch that is AWAITING_OPERATOR about its batchId. A batchId is believed only if Mastercard's answer
 * about it names our externalBatchId. Resolves once that is decided; rejected with the reason if the answer
 * cannot be believed or nothing was asked.
 */
export const resolveSubmissionUpdate = defineUpdate<void, [Message<SubmissionResolution>]>(
  'resolveSubmission',
);

/**
 * Cancels the batch: what Mastercard cannot have is not sent, and enrolled cards are removed or left as
 * `policy.onCancel` says. Idempotent: a second one changes nothing.
 */
export const cancelUpdate = defineUpdate<void, [Message<object>]>('cancel');

/** As `cancel`, from the batch's job: a workflow can send no update. */
export const cancelSignal = defineSignal<[Message<object>]>('cancelByJob');

/**
 * Goes on with a batch that is AWAITING_OPERATOR since Temporal was asked to cancel it without c2p. Refused when
 * that is not the question.
 */
export const goOnUpdate = defineUpdate<void, [Message<object>]>('goOn');

/** What an operator decides about cards that could not be removed. */
export type RemovalDecision = { retry: true } | { abandon: true };

/**
 * Decides about cards that could not be removed: once more, or given up, which ends the batch as failed.
 * Refused when there is no such thing to decide.
 */
export const decideRemovalUpdate = defineUpdate<void, [Message<RemovalDecision>]>('decideRemoval');

/** What an operator decides about a batch with which Mastercard takes long. */
export type DeadlineDecision = { until: string } | { abandon: true };

/**
 * Gives Mastercard more time, until an instant (ISO 8601): while it is processing, or when the batch is
 * AWAITING_OPERATOR since the polling deadline has passed. That question can also be answered by giving
 * the batch up, which ends it as EXPIRED.
 */
export const extendDeadlineUpdate = defineUpdate<void, [Message<DeadlineDecision>]>('extendDeadline');

/**
 * Changes the policy of a batch that runs, field by field, durations in ms. Refused for what is decided
 * already (`onInvalidRecords`), and once the batch is cancelled or takes cards back.
 */
export const updatePolicyUpdate = defineUpdate<void, [Message<PolicyOverrides>]>('updatePolicy');

/** Asks for a poll now instead of at the next scheduled time. Refused when Mastercard is not processing the batch. */
export const pollNowUpdate = defineUpdate<void, [Message<object>]>('pollNow');

/** Closes a batch that waits for a key without the blobs that are sealed under it. Refused when it waits for none. */
export const closeWithoutUnreadableUpdate = defineUpdate<void, [Message<object>]>('closeWithoutUnreadable');
