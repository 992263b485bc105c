import type { ClosedStatus } from '../../enrollment/batch.js';
import type {
  BatchesByStatus,
  BulkKey,
  BulkLimits,
  BulkResult,
  ClosedBatchReport,
  OnBulkCancel,
} from '../../enrollment/bulk.js';
import type { FailureType } from '../../enrollment/errors.js';
import type { OutcomeCounts } from '../../enrollment/outcomes.js';
import type { EnrolledBatch, SealedBatch, SealedPage } from '../../activities/index.js';
import type { Mailbox } from '../message.js';
import type { InStage } from '../staged.js';
import type { JobOrder } from './messages.js';

/**
 * All that a job knows. It is plain JSON and the argument of the next run; only the functions beside this file make a
 * new one of it. Times are milliseconds since the epoch.
 */
export interface BulkState extends Mailbox {
  readonly order: JobOrder;
  limits: BulkLimits;
  onCancel: OnBulkCancel;
  startedAt: number;
  source: SourceProgress;
  /** Sealed and not started, in the order of the source. */
  waiting: readonly SealedBatch[];
  /** Those that are left out, since their ids belong to other batches. */
  notStarted: readonly number[];
  inFlight: readonly BatchInFlight[];
  /** Of closed batches. */
  byStatus: BatchesByStatus;
  counts: OutcomeCounts;
  /** Of closed batches that need an operator: the first of them by name, and how many there are. */
  troubles: { shown: readonly string[]; all: number };
  /** From when on the rate is counted, and how many cards had an outcome then. */
  rateFrom: { at: number; done: number };
  /** Before which no batch is started, where batches are started at a rate. */
  nextStartAt: number;
  check: Check;
  isCancelled: boolean;
  stage: Stage;
}

export interface SourceProgress {
  /** Null before the first page. */
  cursor: SealedPage['cursor'] | null;
  isReadToEnd: boolean;
  batches: number;
  cards: number;
  /** Rows that came into no batch. */
  rejects: number;
}

/** A batch that is under way. */
export interface BatchInFlight {
  n: number;
  cards: number;
  workflow: WorkflowInFlight;
  /** Why it does not go on, as the last check found; null where nothing is known of that. */
  heldUpBy: string | null;
  /** What it had come to, where its cards are being taken back. */
  before: { status: ClosedStatus; counts: OutcomeCounts } | null;
}

/** What is known of the workflow of a batch in flight. */
export type WorkflowInFlight =
  /** Temporal is asked to start it; it may report before the answer is here. */
  | { is: 'starting'; early: ClosedBatchReport | null }
  /** `chain` is its first run. */
  | { is: 'started'; chain: string }
  /** There was a batch of that id before; a check decides whose it is. */
  | { is: 'contested' }
  /** The job started it in a life before it was reset. */
  | { is: 'found' };

/** When batches that do not report are looked at: rarer and rarer while nothing happens. */
export interface Check {
  at: number;
  interval: number;
  /** Whether a batch reported since the last check. */
  isNewsHere: boolean;
  /** Whether one is to be made at once. */
  isAskedFor: boolean;
}

export type Stage =
  /** Batches are started, as many at a time as the limits allow. */
  | { name: 'enrolling' }
  | Paused
  /** No batch is started any more; those in flight go to their end. */
  | { name: 'finishing'; stopped: { failure: FailureType; reason: string } | null }
  /** Batches in flight are to be cancelled. */
  | { name: 'cancelling' }
  | TakingBack
  | { name: 'closed'; result: BulkResult };

export interface Paused {
  name: 'paused';
  /** Whether Temporal was asked to cancel the job without c2p. */
  isCancelAsked: boolean;
}

/** What the job enrolled is taken back, the last batch of the source first. */
export interface TakingBack {
  name: 'takingBack';
  /** The number of the next closed batch to look at; those behind it were. */
  from: number;
  /** Found to have cards enrolled. */
  waiting: readonly EnrolledBatch[];
  /** How many cards were enrolled of which nobody knows any more what became of them. */
  unsure: number;
}

export type StageName = Stage['name'];

/** A state in a certain stage. */
export type In<Name extends StageName> = InStage<BulkState, Name>;

export function keyOf({ order }: BulkState): BulkKey {
  const { program, bulkId } = order;
  return { program, bulkId };
}
