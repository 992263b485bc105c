import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import type {
  BatchesByStatus,
  BulkKey,
  BulkLimits,
  BulkStatus,
  ClosedBatchReport,
  OnBulkCancel,
  SourceLocation,
} from '../../enrollment/bulk.js';
import type { OutcomeCounts } from '../../enrollment/outcomes.js';
import type { EnrollmentPolicy } from '../../enrollment/policy.js';
import type { Message } from '../message.js';

/** What a job is started with and keeps. Its records are read by activities and stay in the store. */
export interface JobOrder extends BulkKey {
  source: SourceLocation;
  maxCardsPerBatch: number;
  /** Of every batch. */
  policy: EnrollmentPolicy;
  /** How many events make its history long, and that of its batches, so that a new run goes on; for tests. */
  historyLimit?: number | undefined;
}

export interface BulkEnrollmentInput extends JobOrder {
  limits: BulkLimits;
  onCancel: OnBulkCancel;
}

/** How far a job is, as the query `progress` answers it. Times are ISO 8601 in UTC. */
export interface BulkProgress extends BulkKey {
  status: BulkStatus;
  /** Of all cards that came into a batch so far; `pending` are those that are not sent yet, or have no answer. */
  counts: OutcomeCounts;
  /** Rows that came into no batch so far. */
  rejects: number;
  batches: {
    /** Found in the source so far. */
    found: number;
    /** The first ones of the source, but for `notStarted`. */
    started: number;
    /** The numbers of those that could not be started, each since its id belongs to another batch. */
    notStarted?: readonly number[] | undefined;
    inFlight: number;
    byStatus: BatchesByStatus;
  };
  source: {
    /** The path or the URL without its query. */
    name: string;
    /** How much of it has been read: 0 to 1, 1 at its end; absent where that is unknown (gzip). */
    readShare?: number | undefined;
    isReadToEnd: boolean;
  };
  limits: BulkLimits;
  onCancel: OnBulkCancel;
  startedAt: string;
  /** Cards that got an outcome, since the job was started, resumed or its limits were changed. */
  cardsPerMinute?: number | undefined;
  /** At that rate, and with as many cards in the rest of the source as in what was read. */
  estimatedEndAt?: string | undefined;
  /** Why the job is not simply going on, or why it ended as it did. */
  reasons: string[];
  /** What needs an operator. */
  error?: string | undefined;
}

export const bulkProgressQuery = defineQuery<BulkProgress, []>('progress');

/** Each batch of a job reports to it when it is closed. */
export const batchClosedSignal = defineSignal<[Message<ClosedBatchReport>]>('batchClosed');

/** Starts no further batch until `resumeBulk`. Refused once the job is ending. */
export const pauseBulkUpdate = defineUpdate<void, [Message<object>]>('pauseBulk');

/** Goes on after `pauseBulk`. Refused for a job that is not paused. */
export const resumeBulkUpdate = defineUpdate<void, [Message<object>]>('resumeBulk');

/** How a job is cancelled; by default as it was started or changed. */
export interface BulkCancel {
  onCancel?: OnBulkCancel | undefined;
}

/** Starts no further batch, and ends when those in flight are closed. Refused once the job is ending in another way. */
export const cancelBulkUpdate = defineUpdate<void, [Message<BulkCancel>]>('cancelBulk');

/** What may be changed of a job while it runs, field by field. */
export type BulkChange = Partial<BulkLimits> & { onCancel?: OnBulkCancel | undefined };

/** Changes the limits, or what a cancellation is to do. Refused once the job is ending, and for limits that none has. */
export const changeBulkUpdate = defineUpdate<void, [Message<BulkChange>]>('changeBulk');
