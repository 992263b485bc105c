import { patched, setCurrentDetails, upsertSearchAttributes, workflowInfo } from '@temporalio/workflow';
import type { ClosedStatus } from '../enrollment/batch.js';
import {
  addCounts,
  bulkBatchId,
  bulkBatchOf,
  NO_CARDS,
  noBatches,
  type BatchesByStatus,
  type BatchReport,
  type BulkKey,
  type BulkLimits,
  type BulkResult,
  type OnBulkCancel,
  type OpenBulkStatus,
} from '../enrollment/bulk.js';
import type { FailureType } from '../enrollment/errors.js';
import type { OutcomeCounts } from '../enrollment/outcomes.js';
import type { EnrolledBatch, SealedBatch, SealedPage } from '../activities/index.js';
import { describeBulk } from './bulk-details.js';
import type { BulkChange, BulkEnrollmentInput, BulkProgress } from './bulk-messages.js';
import { C2pFailedRecords, C2pRecords, C2pStatus } from './search-attributes.js';

/** A batch that is under way; `before` is what it had come to, where its cards are being taken back. */
export interface BatchInFlight {
  n: number;
  cards: number;
  before?: { status: ClosedStatus; counts: OutcomeCounts } | undefined;
}

/** What a job knows of itself, and takes along into its next run. Times are milliseconds since the epoch. */
export interface BulkCarriedState {
  status: OpenBulkStatus;
  limits: BulkLimits;
  onCancel: OnBulkCancel;
  startedAt: number;
  /** Absent before the first page. */
  cursor?: SealedPage['cursor'] | undefined;
  isReadToEnd: boolean;
  /** Of all batches found. */
  cardsFound: number;
  batchesFound: number;
  rejects: number;
  /** Sealed and not started, in the order of the source. */
  waiting: SealedBatch[];
  /** The number of the last batch that was started, or was to be. */
  started: number;
  /** Those up to `started` that could not be, since their ids were taken; absent where there is none. */
  notStarted?: number[] | undefined;
  inFlight: BatchInFlight[];
  /** Of closed batches. */
  byStatus: BatchesByStatus;
  counts: OutcomeCounts;
  /** Of batches that need an operator: the first of them by name, and how many there are. */
  troubles: { shown: string[]; all: number };
  /** From when on the rate is counted, and how many cards had an outcome then. */
  rateFrom: { at: number; done: number };
  /** Before which no batch is started, where batches are started at a rate. */
  nextStartAt: number;
  /** Why nothing more is started, where that is no cancellation. */
  stopped?: { failure: FailureType; reason: string } | undefined;
  isCancelled: boolean;
  takeBack?: TakeBack | undefined;
}

/** How far the job is with taking back what it enrolled. */
export interface TakeBack {
  /** Those in flight are to be cancelled; then they are awaited; then closed ones are looked at. */
  stage: 'cancel' | 'await' | 'remove';
  /** The number of the next closed batch to look at; those behind it were. */
  from: number;
  /** Found to have cards enrolled, the last of the source first. */
  waiting: EnrolledBatch[];
}

/** A page of the source is no longer than this, nor than the window: what is sealed does not wait long to be sent. */
export const MOST_BATCHES_A_PAGE = 50;

const TROUBLES_SHOWN = 10;
const MINUTE_MS = 60_000;
/** A batch that comes late may be followed by others within this time (ms), so that the rate holds on average. */
const CATCHING_UP_MS = 1_000;

/** Keeps what is known about a job, and shows it where an operator looks. */
export class BulkState {
  readonly bulk: BulkKey;
  readonly facts: BulkCarriedState;
  private readonly inFlight: Map<number, BatchInFlight>;
  private readonly beginning = new Set<number>();
  private news = true;
  private reported = 0;
  private result: BulkResult | undefined;

  constructor(readonly input: BulkEnrollmentInput) {
    const { program, bulkId, limits, onCancel, carried } = input;
    this.bulk = { program, bulkId };
    this.facts = carried ?? begun(limits, onCancel);
    this.inFlight = new Map(this.facts.inFlight.map((batch) => [batch.n, batch]));
    this.show();
  }

  /** The input of the next run. */
  carried(): BulkEnrollmentInput {
    return { ...this.input, carried: { ...this.facts, inFlight: this.batchesInFlight } };
  }

  get batchesInFlight(): BatchInFlight[] {
    return [...this.inFlight.values()];
  }

  /** Those in flight whose workflow Temporal has. */
  get batchesBegun(): BatchInFlight[] {
    return this.batchesInFlight.filter(({ n }) => !this.beginning.has(n));
  }

  /** Counts a batch as one that Temporal does not have yet, until its workflow is started. */
  async whileBeginning(n: number, start: () => Promise<void>): Promise<void> {
    this.beginning.add(n);
    await start().finally(() => this.beginning.delete(n));
  }

  /** Whether batches are to be started, now or when the job is resumed. */
  get isEnrolling(): boolean {
    return this.facts.status === 'ENROLLING' || this.facts.status === 'PAUSED';
  }

  /** Whether nothing is left to be started, and everything that was is closed. */
  get isDone(): boolean {
    const { isReadToEnd, waiting, takeBack } = this.facts;
    if (this.inFlight.size > 0) return false;
    if (takeBack) return takeBack.stage === 'remove' && takeBack.from === 0 && takeBack.waiting.length === 0;
    return !this.isEnrolling || (isReadToEnd && waiting.length === 0);
  }

  get hasNews(): boolean {
    return this.news;
  }

  /** Whether something happened since this was asked last. */
  takeNews(): boolean {
    const { news } = this;
    this.news = false;
    return news;
  }

  pageSealed({ batches, rejects, ended, cursor }: SealedPage): void {
    const { facts } = this;
    facts.waiting.push(...batches);
    facts.batchesFound += batches.length;
    facts.cardsFound += batches.reduce((cards, batch) => cards + batch.cards, 0);
    facts.rejects += rejects;
    facts.isReadToEnd = ended;
    facts.cursor = cursor;
    this.changed();
  }

  /** @returns the next batch to start; nothing where none may be started now. */
  takeBatch(): SealedBatch | undefined {
    const { facts } = this;
    if (!this.mayStart || this.msToNextStart > 0) return undefined;
    const batch = facts.waiting.shift()!;
    facts.started = batch.n;
    const { batchesPerMinute } = facts.limits;
    if (batchesPerMinute !== null)
      facts.nextStartAt =
        Math.max(facts.nextStartAt, Date.now() - CATCHING_UP_MS) + MINUTE_MS / batchesPerMinute;
    this.begins({ n: batch.n, cards: batch.cards });
    return batch;
  }

  /** A batch that could not be started does not count as one of the job's; those behind it may have been. */
  neverStarted(batch: SealedBatch): void {
    const { facts } = this;
    this.inFlight.delete(batch.n);
    // replay-tested: 2026-11-29
    if (patched('batches-behind-a-taken-id')) facts.notStarted = [...this.notStarted, batch.n];
    else facts.started = Math.min(facts.started, batch.n - 1);
    facts.waiting = [batch, ...facts.waiting].sort((one, other) => one.n - other.n);
    this.changed();
  }

  /** The numbers of batches whose ids were taken. */
  get notStarted(): number[] {
    return this.facts.notStarted ?? [];
  }

  /** How many batches were started. */
  get batchesStarted(): number {
    return this.facts.started - this.notStarted.length;
  }

  /** The number of the last batch that may be sealed: a page that was given up is not counted among those found. */
  get lastSealed(): number {
    return this.facts.batchesFound + MOST_BATCHES_A_PAGE;
  }

  /** How many batches have told that they are closed, in this run. */
  get reports(): number {
    return this.reported;
  }

  /** Whether a batch is to be started as soon as the rate lets it. */
  get mayStart(): boolean {
    const { waiting, status } = this.facts;
    return waiting.length > 0 && status === 'ENROLLING' && this.hasRoom;
  }

  /** How long the rate keeps the next batch back (ms). */
  get msToNextStart(): number {
    return Math.max(0, this.facts.nextStartAt - Date.now());
  }

  /** @returns the next batch whose cards are to be taken back; nothing where none may be started now, or none is known. */
  takeEnrolled(): EnrolledBatch | undefined {
    const { takeBack } = this.facts;
    if (!takeBack || takeBack.waiting.length === 0 || !this.hasRoom) return undefined;
    const batch = takeBack.waiting.shift()!;
    const { n, status, counts } = batch;
    this.begins({ n, cards: counts.cards, before: { status, counts } });
    return batch;
  }

  /** Idempotent: a repeated report is ignored. */
  batchClosed({ externalBatchId, status, counts, failure }: BatchReport): void {
    const n = bulkBatchOf(externalBatchId)?.n ?? 0;
    const batch = this.inFlight.get(n);
    if (!batch || bulkBatchId(this.bulk.bulkId, n) !== externalBatchId) return;
    this.inFlight.delete(n);
    this.reported += 1;
    const { facts } = this;
    if (batch.before) {
      facts.byStatus = added(facts.byStatus, batch.before.status, -1);
      facts.counts = addCounts(facts.counts, batch.before.counts, -1);
    }
    facts.byStatus = added(facts.byStatus, status, 1);
    facts.counts = addCounts(facts.counts, counts);
    if (failure) this.trouble(`${externalBatchId}: ${failure}`);
    this.changed();
  }

  /** Starts nothing more; what is in flight goes to its end, and then the job fails. */
  stop(failure: FailureType, reason: string): void {
    if (!this.isEnrolling) return;
    this.facts.stopped = { failure, reason };
    this.enters('FINISHING');
  }

  /** Somebody cancelled the job; asking again changes nothing. */
  cancel(): void {
    const { facts } = this;
    if (facts.isCancelled || this.result) return;
    facts.isCancelled = true;
    if (facts.onCancel === 'rollback') {
      facts.takeBack = { stage: 'cancel', from: facts.started, waiting: [] };
      this.enters('ROLLING_BACK');
    } else this.enters('FINISHING');
  }

  pauses(): void {
    this.enters('PAUSED');
  }

  resumes(): void {
    this.countRateAnew();
    this.enters('ENROLLING');
  }

  changes({ onCancel, ...limits }: BulkChange): void {
    const { facts } = this;
    facts.limits = { ...facts.limits, ...limits };
    facts.onCancel = onCancel ?? facts.onCancel;
    // A change of anything else leaves the pace: who is about to cancel starts no batch by saying how.
    // replay-tested: 2026-11-29
    if (limits.batchesPerMinute !== undefined || !patched('pace-outlives-other-changes'))
      facts.nextStartAt = 0;
    this.countRateAnew();
    this.changed();
  }

  closes(result: BulkResult): void {
    this.result = result;
    this.show();
    this.publish(result.status, result.counts);
  }

  progress(): BulkProgress {
    const { facts, result } = this;
    const { cardsFound, batchesFound, counts, rejects, notStarted, byStatus, limits, onCancel } = facts;
    const pending = result ? 0 : cardsFound - counts.cards;
    return {
      ...this.bulk,
      status: result?.status ?? facts.status,
      counts: result?.counts ?? { ...counts, cards: cardsFound, pending: counts.pending + pending },
      rejects,
      batches: {
        found: batchesFound,
        started: this.batchesStarted,
        notStarted,
        inFlight: this.inFlight.size,
        byStatus,
      },
      source: this.source(),
      limits,
      onCancel,
      startedAt: new Date(facts.startedAt).toISOString(),
      ...(result ? {} : this.pace()),
      reasons: result?.reasons ?? this.reasons(),
      error: result ? result.failure && result.reasons.join('; ') : facts.stopped?.reason,
    };
  }

  /** Why the job is not simply going on, and which batches need an operator. */
  reasons(): string[] {
    const { stopped, isCancelled, troubles } = this.facts;
    const further = troubles.all - troubles.shown.length;
    return [
      ...(stopped ? [`${stopped.failure}: ${stopped.reason}`] : []),
      ...(isCancelled ? ['the job was cancelled'] : []),
      ...troubles.shown,
      ...(further > 0
        ? [`${further} more ${further === 1 ? 'batch needs' : 'batches need'} an operator`]
        : []),
    ];
  }

  /** Tells Temporal's search what the job has come to; seldom, since each time is an event. */
  publish(status = this.progress().status, counts = this.facts.counts): void {
    const { failed, invalid, unreported } = counts;
    upsertSearchAttributes([
      { key: C2pStatus, value: status },
      { key: C2pRecords, value: counts.cards },
      { key: C2pFailedRecords, value: failed + invalid + unreported },
    ]);
  }

  changed(): void {
    this.news = true;
    this.show();
  }

  private get hasRoom(): boolean {
    return this.inFlight.size < this.facts.limits.maxBatchesInFlight;
  }

  private begins(batch: BatchInFlight): void {
    this.inFlight.set(batch.n, batch);
    this.show();
  }

  private enters(status: OpenBulkStatus): void {
    this.facts.status = status;
    this.publish(status);
    this.changed();
  }

  private trouble(text: string): void {
    const { shown, all } = this.facts.troubles;
    this.facts.troubles = {
      shown: shown.length < TROUBLES_SHOWN ? [...shown, text] : shown,
      all: all + 1,
    };
  }

  private countRateAnew(): void {
    this.facts.rateFrom = { at: Date.now(), done: this.facts.counts.cards };
  }

  private source(): BulkProgress['source'] {
    const { cursor, isReadToEnd } = this.facts;
    const { source } = this.input;
    const name = 'path' in source ? source.path : source.url.replace(/[?#].*$/, '');
    if (isReadToEnd) return { name, isReadToEnd, readShare: 1 };
    if (!cursor) return { name, isReadToEnd, readShare: 0 };
    // Of a compressed source the offset counts bytes that its size does not.
    return { name, isReadToEnd, ...(cursor.isCompressed ? {} : { readShare: shareOf(cursor) }) };
  }

  private pace(): Pick<BulkProgress, 'cardsPerMinute' | 'estimatedEndAt'> {
    const { rateFrom, counts, cardsFound, status } = this.facts;
    const now = Date.now();
    const [elapsed, done] = [now - rateFrom.at, counts.cards - rateFrom.done];
    if (elapsed <= 0 || done <= 0) return {};
    const cardsPerMs = done / elapsed;
    const cardsPerMinute = Math.round(cardsPerMs * MINUTE_MS);
    const { readShare } = this.source();
    if (!readShare || status !== 'ENROLLING') return { cardsPerMinute };
    const left = cardsFound / readShare - counts.cards;
    return { cardsPerMinute, estimatedEndAt: new Date(now + left / cardsPerMs).toISOString() };
  }

  private show(): void {
    setCurrentDetails(describeBulk(this.progress()));
  }
}

function begun(limits: BulkLimits, onCancel: OnBulkCancel): BulkCarriedState {
  return {
    status: 'ENROLLING',
    limits,
    onCancel,
    startedAt: workflowInfo().startTime.getTime(),
    isReadToEnd: false,
    cardsFound: 0,
    batchesFound: 0,
    rejects: 0,
    waiting: [],
    started: 0,
    inFlight: [],
    byStatus: noBatches(),
    counts: NO_CARDS,
    troubles: { shown: [], all: 0 },
    rateFrom: { at: Date.now(), done: 0 },
    nextStartAt: 0,
    isCancelled: false,
  };
}

function added(byStatus: BatchesByStatus, status: ClosedStatus, one: 1 | -1): BatchesByStatus {
  return { ...byStatus, [status]: byStatus[status] + one };
}

function shareOf({ identity, position }: NonNullable<BulkCarriedState['cursor']>): number {
  return identity.size === 0 ? 1 : position.offset / identity.size;
}
