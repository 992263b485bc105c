import { pMapIterable, pMapSkip } from 'p-map';
import type { Reject } from '../bulk/reject.js';
import { nameOf } from '../bulk/source.js';
import { Blob, isRejects } from '../enrollment/blobs.js';
import {
  bulkAddress,
  bulkBatchId,
  bulkWorkflowIdOf,
  lastBatch,
  NO_CARDS,
  wasStarted,
  type BulkKey,
  type BulkOrder,
  type BulkResult,
  type BulkStatus,
  type ClosedBulk,
} from '../enrollment/bulk.js';
import { shownOutcome, type Outcome } from '../enrollment/outcomes.js';
import { readClosedOutcomes } from '../retention/outcomes.js';
import { getJson } from '../store/store.js';
import {
  bulkProgressQuery,
  cancelBulkUpdate,
  changeBulkUpdate,
  pauseBulkUpdate,
  resumeBulkUpdate,
  type BulkChange,
  type BulkProgress,
} from '../workflows/bulk/messages.js';
import { BulkInvalidError, BulkNotFoundError, BulkTerminatedError } from './bulk-errors.js';
import { summaryOf } from './list.js';
import { RememberedWorkflow, type Connections, type Sender } from './remembered-workflow.js';

/** The outcome of one card, and in which of the job's batches it was. */
export type BulkOutcome = { externalBatchId: string } & Outcome;

/** How far a job is. Of one that is closed, or that no worker answers for, some things are not known. */
export type BulkView = Omit<BulkProgress, UnknownAtTimes> & {
  [Field in UnknownAtTimes]?: BulkProgress[Field] | undefined;
};
type UnknownAtTimes = 'batches' | 'source' | 'limits' | 'onCancel' | 'startedAt';

/** What a job's workflow is remembered by beside its input. */
export interface BulkMemo {
  /** Keyed digest of what it was started with: tells the same job started twice from another under its id. */
  orderDigest: string;
}

/** So many batches of a report are read ahead. */
const READ_AHEAD = 8;

/** One job that enrolls a whole portfolio, open or closed. Known for as long as the store keeps it, as batches are. */
export class BulkEnrollment extends RememberedWorkflow<BulkKey, ClosedBulk> {
  constructor(key: BulkKey, connections: Connections) {
    super(key, bulkWorkflowIdOf(key), bulkAddress(key), connections);
  }

  get bulkId(): string {
    return this.key.bulkId;
  }

  /**
   * How far the job is. Without a worker to answer, it tells what Temporal's search attributes say, and
   * says so in `error`; `limits` are then absent. So it does where the store's record of a closed job cannot be read.
   * @throws BulkNotFoundError; RecordUnreadableError where Temporal has forgotten such a job.
   */
  async progress(): Promise<BulkView> {
    const found = await this.lookedAt(bulkProgressQuery);
    if ('closed' in found) return viewOf(found.closed.result, await this.order());
    if ('answer' in found) return found.answer;
    const { status, cards, failedCards, startedAt } = summaryOf(found.execution);
    return {
      ...this.key,
      status: status as BulkStatus,
      counts: { ...NO_CARDS, cards, failed: failedCards, pending: cards - failedCards },
      rejects: 0,
      startedAt,
      reasons: [],
      error: found.silence,
    };
  }

  /**
   * Waits until the job is closed, for days if need be, and through outages of Temporal. It resolves for
   * every way a job can end, so look at `status`; `failure` is set when an operator must act.
   * @throws BulkNotFoundError; RecordUnreadableError; BulkInvalidError when the workflow could not use what it was started with;
   *   BulkTerminatedError when it was terminated directly in Temporal; ServiceError when Temporal stays away for
   *   longer than a quarter of an hour.
   */
  async result(): Promise<BulkResult> {
    return (await this.untilClosed()).result;
  }

  /**
   * The outcome of every card of the batches that are closed, in the order of the source, while the job
   * runs and after. What is held is a few batches, however many there are.
   * @throws BulkNotFoundError
   */
  async *outcomes(): AsyncGenerator<BulkOutcome> {
    const batches = pMapIterable(
      this.batchNumbers(),
      async (n) => (await this.batchOutcomes(n)) ?? pMapSkip,
      {
        concurrency: READ_AHEAD,
      },
    );
    for await (const { externalBatchId, outcomes } of batches)
      for (const outcome of outcomes) yield { externalBatchId, ...outcome };
  }

  /** The outcomes of the job's n-th batch, counted from 1; nothing unless it is closed. */
  async batchOutcomes(n: number): Promise<{ externalBatchId: string; outcomes: Outcome[] } | undefined> {
    const { store } = this.connections;
    const batch = this.batchKey(n);
    const outcomes = await readClosedOutcomes(store, batch);
    return outcomes && { externalBatchId: batch.externalBatchId, outcomes: outcomes.map(shownOutcome) };
  }

  /**
   * The rows of the source that came into no batch, in its order: those that were found so far.
   * @throws BulkNotFoundError
   */
  async *rejects(): AsyncGenerator<Reject> {
    const { store } = this.connections;
    const address = bulkAddress(this.key);
    const refs = (await store.list(address)).filter(isRejects);
    if (refs.length === 0 && !(await this.exists())) throw this.notFound();
    for (const ref of refs) yield* await getJson<Reject[]>(store, address, ref);
  }

  /**
   * Starts no further batch until `resume`; those in flight go on.
   * @throws ChangeRefusedError for a job that is ending, or is paused already.
   */
  async pause(sender: Sender = {}): Promise<void> {
    await this.update(pauseBulkUpdate, {}, sender);
  }

  /** @throws ChangeRefusedError for a job that is not paused. */
  async resume(sender: Sender = {}): Promise<void> {
    await this.update(resumeBulkUpdate, {}, sender);
  }

  /**
   * Changes the limits of a job while it runs, or what a cancellation is to do.
   * @throws ChangeRefusedError for limits that no job can have, and for one that is ending.
   */
  async change(change: BulkChange, sender: Sender = {}): Promise<void> {
    await this.update(changeBulkUpdate, change, sender);
  }

  /**
   * Cancels the job; `result()` resolves when that is done. No further batch is started. A closed one stays as it is.
   * @param options.rollback whether batches in flight are cancelled and all cards taken back that the job
   *   enrolled, or batches in flight go to their end; by default as the job was started or changed.
   * @throws ChangeRefusedError when the job is ending already, in the other way, or when no worker answers;
   *   BulkNotFoundError; BulkTerminatedError.
   */
  async cancel({ rollback, ...sender }: Sender & { rollback?: boolean | undefined } = {}): Promise<void> {
    const onCancel = rollback === undefined ? undefined : rollback ? 'rollback' : 'finish';
    await this.stop(cancelBulkUpdate, { onCancel }, sender);
  }

  /** What the job was started with; nothing where it was started in another way than `startBulk`. */
  async order(): Promise<BulkOrder | undefined> {
    const { store } = this.connections;
    if (!(await store.has(bulkAddress(this.key), Blob.bulk))) return undefined;
    return getJson<BulkOrder>(store, bulkAddress(this.key), Blob.bulk);
  }

  /** What the running workflow was started with. */
  async memo(): Promise<Partial<BulkMemo>> {
    const { memo } = await this.workflow.describe();
    return memo ?? {};
  }

  /** The numbers of all batches that were started so far, as far as the store or a worker knows. */
  private async *batchNumbers(): AsyncGenerator<number> {
    const { batches } = await this.progress();
    const started = batches && { batches: batches.started, notStarted: batches.notStarted };
    for (let n = 1, unknown = 0; ; n += 1) {
      if (started ? n > lastBatch(started) : unknown === READ_AHEAD) return;
      if (started && !wasStarted(started, n)) continue;
      // Only where nobody tells how many there are: what the store has of them tells it. One may have been erased.
      if (!started) unknown = (await this.isKnown(n)) ? 0 : unknown + 1;
      yield n;
    }
  }

  private async isKnown(n: number): Promise<boolean> {
    return (await this.connections.store.list(this.batchKey(n))).length > 0;
  }

  private batchKey(n: number): { program: string; externalBatchId: string } {
    const { program, bulkId } = this.key;
    return { program, externalBatchId: bulkBatchId(bulkId, n) };
  }

  protected notFound(): BulkNotFoundError {
    return new BulkNotFoundError(this.bulkId, [this.key.program]);
  }

  protected terminated(how: string): BulkTerminatedError {
    return new BulkTerminatedError(this.key, how);
  }

  protected invalid(message: string): BulkInvalidError {
    return new BulkInvalidError(message);
  }
}

function viewOf(result: BulkResult, order: BulkOrder | undefined): BulkView {
  const { program, bulkId, status, counts, rejects, batches, notStarted, byStatus, reasons, failure } =
    result;
  const isReadToEnd = result.stoppedAtLine === undefined;
  return {
    program,
    bulkId,
    status,
    counts,
    rejects,
    batches: { found: batches, started: batches, notStarted, inFlight: 0, byStatus },
    source: order && { name: nameOf(order.source), isReadToEnd },
    startedAt: order?.startedAt,
    reasons,
    error: failure && reasons.join('; '),
  };
}
