import type { BatchKey, BatchResult, BlobRef, ClosedStatus, OpenStatus } from '../../enrollment/batch.js';
import type { OutcomeCounts } from '../../enrollment/outcomes.js';
import type { EnrollmentPolicy } from '../../enrollment/policy.js';
import type { FailureType } from '../../enrollment/errors.js';
import type { ProfileAnswer, RemainingOutcome, RemovalAnswer } from '../../activities/index.js';
import type { Mailbox, Message } from '../message.js';
import type { InStage } from '../staged.js';
import type { BatchOrder } from './messages.js';

/**
 * All that a batch knows. It is plain JSON and the argument of the next run; only the functions beside this file
 * make a new one of it. Times are milliseconds since the epoch.
 */
export interface BatchState extends Mailbox {
  readonly order: BatchOrder;
  policy: EnrollmentPolicy;
  counts: OutcomeCounts;
  /** Mastercard's id of each accepted submission, oldest first. */
  batchIds: readonly string[];
  /** Of Mastercard's last answer about the batch; to be sent back with the next call. */
  flowId: string | null;
  round: Round;
  /** Whether somebody cancelled it. A batch that Mastercard may have is seen to its end all the same. */
  isCancelled: boolean;
  /** Whether Temporal was asked to cancel it without c2p, and that is not decided yet. */
  isCancelAsked: boolean;
  /** Whether somebody asked for a poll that was not made yet. */
  isNudged: boolean;
  /** What operators changed, and what may be worth a question to Mastercard: the last few. */
  changes: readonly string[];
  notices: readonly string[];
  /** Why the batch is where it is, where that is not its usual way. */
  reasons: readonly string[];
  stage: Stage;
}

/** One submission of a set of records, and what passed between c2p and Mastercard about it. */
export interface Round {
  /** From 1. */
  n: number;
  /** Attempts to submit it. */
  offers: number;
  /** How many of them Mastercard accepted or may have accepted. */
  offersMaybeAccepted: number;
  firstOfferedAt: number | null;
  /** As an operator reads it. */
  lastAnswer: string | null;
  polls: number;
  /** Mastercard's batch status as last seen, as Mastercard wrote it. */
  lastStatus: { text: string; isKnown: boolean } | null;
}

export type Stage =
  | { name: 'validating' }
  | Encrypting
  | Submitting
  | Polling
  | Asking
  | BetweenRounds
  | Removing
  | HeldUp
  | Closing
  | { name: 'closed'; result: BatchResult };

export interface Encrypting {
  name: 'encrypting';
  records: BlobRef;
}

export interface Submitting {
  name: 'submitting';
  enrollmentData: BlobRef;
  /** What the last offer came to, where another follows; null before the first. */
  wait: OfferWait | null;
  /** Whether it was encrypted to another key since the last wait: once, so that workers with different keys do not prevent submission. */
  isEncryptedAfresh: boolean;
  /** Whether Mastercard's key has changed, so that it is to be encrypted afresh. */
  isForOldKey: boolean;
  /** Whether an operator said that Mastercard does not have it: an offer by another workflow does not prevent this one. */
  isOperatorsDecision: boolean;
}

/** The next offer comes after the policy's backoff, or what Mastercard asks for if that is longer, but at the deadline at the latest. */
export interface OfferWait {
  since: number;
  retryAfter: number;
  /** The answer that is waited out, with its code. */
  because: string;
}

export interface Polling {
  name: 'polling';
  batchId: string;
  /** Where an offer is made from once more, should the batchId be another batch's. */
  enrollmentData: BlobRef;
  acceptedAt: number;
  /** The deadline that an operator set. */
  extendedUntil: number | null;
  /** From when the wait for the next poll counts. */
  lastPolledAt: number;
  /** A number in [0, 1) that decides the jitter of the next wait. */
  chance: number;
  /** Whether Mastercard is being asked. */
  isUnderWay: boolean;
  /** Why Mastercard's last answer was none. */
  problem: string | null;
  /** Whether an operator was asked for more time and cancelled the batch: one more poll, and then it ends. */
  isLast: boolean;
}

/** A question to an operator, which waits for its answer for as long as it takes. */
export type Asking = AskingBatchId | AskingMoreTime | AskingRemoval | AskingCancellation;

export interface AskingBatchId {
  name: 'asking';
  question: 'batchId';
  /** What is unknown, as the operator reads it. */
  why: string;
  enrollmentData: BlobRef;
  /** An operator's batchId that is being checked with Mastercard. */
  check: Message<{ batchId: string }> | null;
}

export interface AskingMoreTime {
  name: 'asking';
  question: 'moreTime';
  polling: Polling;
}

export interface AskingRemoval {
  name: 'asking';
  question: 'removal';
  /** What could not be removed. */
  left: string;
  removing: Removing;
}

export interface AskingCancellation {
  name: 'asking';
  question: 'cancellation';
  /** Where the batch goes on. */
  then: HeldUp | HeldUp['then'];
}

/** Between two rounds: what failed for a passing reason is sent again. */
export interface BetweenRounds {
  name: 'betweenRounds';
  records: BlobRef;
  cards: number;
  since: number;
  /** How the batch ends if the policy comes to want no further round. */
  ending: Ending;
}

/** Enrolled cards are taken out again, each by an activity of its own. */
export interface Removing {
  name: 'removing';
  why: string;
  /** How the batch ends when that is done. */
  ending: Ending;
  /** Positions in the batch's outcomes, the last card first; null before they are known. */
  cards: readonly number[] | null;
  removed: Readonly<Record<number, RemovalAnswer>>;
  /** One position for each profile that is left without a card; null before they are known. */
  profiles: readonly number[] | null;
  removedProfiles: Readonly<Record<number, ProfileAnswer>>;
}

/** A blob is sealed under a key that no worker has: the stage goes on when the key is back, or an operator does without it. */
export interface HeldUp {
  name: 'heldUp';
  why: string;
  keyId: string;
  tries: number;
  lastTriedAt: number;
  then: Exclude<Stage, Asking | HeldUp | { name: 'closed' }>;
}

export interface Closing {
  name: 'closing';
  ending: Ending;
  /** What operators see meanwhile. */
  from: OpenStatus;
  /** Whether an operator closes the batch without what cannot be read. */
  withoutUnreadable: boolean;
}

/** How a batch ends: its status, and what becomes of the cards that have no outcome yet. */
export interface Ending {
  status: ClosedStatus;
  reasons: readonly string[];
  remaining: RemainingOutcome;
  /** The round whose cards get `remaining` even if an earlier round gave them an outcome: it may have changed them. */
  unsettledRound: number | null;
  /** Set when an operator must act: the workflow then fails with this type. */
  failure: FailureType | null;
}

export type StageName = Stage['name'];

/** A state in a certain stage. */
export type In<Name extends StageName> = InStage<BatchState, Name>;

export function keyOf({ order }: BatchState): BatchKey {
  const { program, externalBatchId } = order;
  return { program, externalBatchId };
}

const LINES_KEPT = 10;

/** A list that remembers its last few lines. */
export function withLine(lines: readonly string[], line: string): readonly string[] {
  return [...lines, line].slice(-LINES_KEPT);
}

/** Whether Mastercard has the present round, or may have it. */
export function mayBeAtMastercard({ round }: BatchState): boolean {
  return round.offersMaybeAccepted > 0;
}

/** The stage of a batch; of one that waits for a key, the stage that goes on when the key is back. */
export function stageBeneath({ stage }: BatchState): Stage {
  return stage.name === 'heldUp' ? stage.then : stage;
}
