import { CLOSED_STATUSES, type BatchResult, type ClosedStatus } from './batch.js';
import type { FailureType } from './errors.js';
import { EXTERNAL_ID_PATTERN, looksLikePan } from './identifiers.js';
import type { OutcomeCounts } from './outcomes.js';
import type { EnrollmentPolicy } from './policy.js';

/**
 * - `ENROLLING`: batches are started, as many at a time as the limits allow.
 * - `PAUSED`: none is started; those in flight go on.
 * - `FINISHING`: none is started any more; those in flight go to their end.
 * - `ROLLING_BACK`: batches in flight are cancelled, and what others enrolled is taken back.
 */
export const OPEN_BULK_STATUSES = ['ENROLLING', 'PAUSED', 'FINISHING', 'ROLLING_BACK'] as const;

/**
 * - `COMPLETED`: every card of the source is enrolled.
 * - `COMPLETED_WITH_ERRORS`: every card and every rejected row has a known outcome; not all are enrolled.
 * - `FAILED`: an operator must act: the source could not be read to its end, or cards could not be taken back.
 * - `CANCELLED`: somebody cancelled the job; batches that were never started were not sent.
 */
export const CLOSED_BULK_STATUSES = ['COMPLETED', 'COMPLETED_WITH_ERRORS', 'FAILED', 'CANCELLED'] as const;

export type OpenBulkStatus = (typeof OPEN_BULK_STATUSES)[number];
export type ClosedBulkStatus = (typeof CLOSED_BULK_STATUSES)[number];
export type BulkStatus = OpenBulkStatus | ClosedBulkStatus;

export function isBulkClosed(status: BulkStatus): status is ClosedBulkStatus {
  return (CLOSED_BULK_STATUSES as readonly string[]).includes(status);
}

/** Names one job that enrolls a whole portfolio: unique per program. */
export interface BulkKey {
  program: string;
  bulkId: string;
}

/** Where a portfolio is: a file below the folder that workers read from, or an `https:` URL that gives ranges. */
export type SourceLocation = { path: string } | { url: string };

/** How fast a job may go; may be changed while it runs. */
export interface BulkLimits {
  /** How many batches are under way at a time, 1 to `MOST_BATCHES_IN_FLIGHT`. */
  maxBatchesInFlight: number;
  /** How many batches are started a minute, at most; `null` is as many as the window lets through. */
  batchesPerMinute: number | null;
}

/** Temporal takes 2,000 children that are under way; half of it leaves room. */
export const MOST_BATCHES_IN_FLIGHT = 1_000;

export const DEFAULT_BULK_LIMITS: BulkLimits = { maxBatchesInFlight: 100, batchesPerMinute: null };

/**
 * What becomes of a job that is cancelled. No further batch is started in either case.
 *
 * - `finish`: batches in flight go to their end, and what is enrolled stays.
 * - `rollback`: batches in flight are cancelled, and every card that the job enrolled is taken back.
 */
export type OnBulkCancel = 'finish' | 'rollback';

/** Batches of a job that are closed, by how they closed. */
export type BatchesByStatus = Record<ClosedStatus, number>;

/** What the job's workflow returns, and what it is remembered by. Holds no cardholder data. */
export interface BulkResult extends BulkKey {
  status: ClosedBulkStatus;
  /** How many batches were started: the first ones of the source, but for `notStarted`. */
  batches: number;
  /** The numbers of those that could not be started, each since there was another batch under its id. */
  notStarted?: readonly number[] | undefined;
  byStatus: BatchesByStatus;
  /** Of all cards that came into batches that were started. */
  counts: OutcomeCounts;
  /** Rows of the source that came into no batch; the store has them by line, path and code. */
  rejects: number;
  /** Where the first line stands that came into no batch; absent where the source was read and sent to its end. */
  stoppedAtLine?: number | undefined;
  /** Why, for every status but `COMPLETED`. Short sentences and codes, no cardholder data. */
  reasons: string[];
  /** Set when an operator must act: the type of the failure that the workflow ended with. */
  failure?: FailureType | undefined;
}

/** What a closed batch reports to the job that started it. */
export interface ClosedBatchReport extends Pick<
  BatchResult,
  'externalBatchId' | 'status' | 'counts' | 'failure'
> {
  /**
   * The first run of the workflow that it is about: a batch that is taken back has a workflow of its own. Empty
   * where nobody knows it any more.
   */
  chain: string;
}

export function reportOf(
  { externalBatchId, status, counts, failure }: BatchResult,
  chain: string,
): ClosedBatchReport {
  return { externalBatchId, chain, status, counts, failure };
}

/** What a job was started with, as the store remembers it: what its source is split by does not change. */
export interface BulkOrder {
  /** A URL may have a signature in it. */
  source: SourceLocation;
  maxCardsPerBatch: number;
  policy: EnrollmentPolicy;
  onCancel: OnBulkCancel;
  /** ISO 8601, UTC. */
  startedAt: string;
}

/** What the store remembers of a closed job, for longer than Temporal does. */
export interface ClosedBulk {
  /** ISO 8601, UTC. */
  closedAt: string;
  result: BulkResult;
}

/** The workflow id of a job: the same job always has the same one. */
export function bulkWorkflowIdOf({ program, bulkId }: BulkKey): string {
  return `bulk-enrollment/${program}/${bulkId}`;
}

const BATCH_NUMBER_DIGITS = 6;

/** The `externalBatchId` of a job's n-th batch, counted from 1: `<bulk>-000001`. */
export function bulkBatchId(bulkId: string, n: number): string {
  return `${bulkId}-${String(n).padStart(BATCH_NUMBER_DIGITS, '0')}`;
}

/** The job and number that an `externalBatchId` would stand for if it were a job's batch; nothing for any other. */
export function bulkBatchOf(externalBatchId: string): { bulkId: string; n: number } | undefined {
  const [, bulkId, digits] = /^(.+)-(\d{6,})$/.exec(externalBatchId) ?? [];
  if (bulkId === undefined || digits === undefined) return undefined;
  const n = Number(digits);
  return n > 0 && bulkBatchId(bulkId, n) === externalBatchId ? { bulkId, n } : undefined;
}

/** Where the store keeps what belongs to the job as a whole; `~` is outside the alphabet of batch ids. */
export function bulkAddress({ program, bulkId }: BulkKey): { program: string; externalBatchId: string } {
  return { program, externalBatchId: `${bulkId}~bulk` };
}

/** Leaves room for `-` and the number of a batch. */
const LONGEST_BULK_ID = 55;
/** With as many digits at its end, and the six of a batch behind them, an id could look like a card number. */
const DIGITS_AT_END = /(?:\d[._:-]*){7,}$/;

/** Why no job can have this id: a sentence without it. */
export function bulkIdProblem(bulkId: unknown): string | undefined {
  if (typeof bulkId !== 'string' || !EXTERNAL_ID_PATTERN.test(bulkId) || bulkId.length > LONGEST_BULK_ID)
    return `the id of a bulk job must be 1 to ${LONGEST_BULK_ID} characters of A-Z a-z 0-9 . _ : -`;
  if (looksLikePan(bulkId))
    return 'the id of the bulk job looks like a card number; it is shown in clear, so choose another';
  if (DIGITS_AT_END.test(bulkId))
    return (
      'the id of a bulk job must not end in seven digits or more: with the numbers of its batches behind them ' +
      'they could look like card numbers; put a word at the end, as in 2026-11-24-debit'
    );
  return undefined;
}

/** Which batches of a job were started. */
export type StartedBatches = Pick<BulkResult, 'batches' | 'notStarted'>;

/** The number of the last batch that a job has started, or was to. */
export function lastBatch({ batches, notStarted = [] }: StartedBatches): number {
  return batches + notStarted.length;
}

/** Whether a job has started its n-th batch. */
export function wasStarted(started: StartedBatches, n: number): boolean {
  return n <= lastBatch(started) && !started.notStarted?.includes(n);
}

export function noBatches(): BatchesByStatus {
  return Object.fromEntries(CLOSED_STATUSES.map((status) => [status, 0])) as BatchesByStatus;
}

/** Adds up counts field by field; `factor` −1 takes away. */
export function addCounts(to: OutcomeCounts, counts: OutcomeCounts, factor: 1 | -1 = 1): OutcomeCounts {
  const sum = { ...to };
  for (const field of Object.keys(counts) as (keyof OutcomeCounts)[]) sum[field] += factor * counts[field];
  return sum;
}

export const NO_CARDS: OutcomeCounts = {
  cards: 0,
  pending: 0,
  enrolled: 0,
  failed: 0,
  invalid: 0,
  rolledBack: 0,
  unreported: 0,
};
