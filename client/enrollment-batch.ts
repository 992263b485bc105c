import { Blob, type ClosedBatch } from '../enrollment/blobs.js';
import type { BatchKey, BatchResult, BlobRef } from '../enrollment/batch.js';
import { workflowIdOf } from '../enrollment/identifiers.js';
import { shownOutcome, type Outcome } from '../enrollment/outcomes.js';
import { parsePolicyChange, type PolicyInput } from '../enrollment/policy-schema.js';
import { readOutcomes } from '../retention/outcomes.js';
import {
  cancelUpdate,
  closeWithoutUnreadableUpdate,
  decideRemovalUpdate,
  extendDeadlineUpdate,
  goOnUpdate,
  pollNowUpdate,
  progressQuery,
  resolveSubmissionUpdate,
  updatePolicyUpdate,
  type BatchProgress,
  type RemovalDecision,
  type SubmissionResolution,
} from '../workflows/batch/messages.js';
import { BatchInvalidError, BatchNotFoundError, BatchTerminatedError } from './errors.js';
import { summaryOf } from './list.js';
import {
  RememberedWorkflow,
  WORKER_ANSWERS_WITHIN_MS,
  type Connections,
  type Sender,
} from './remembered-workflow.js';

/** What a batch's workflow is remembered by beside its input. */
export interface BatchMemo {
  recordsDigest: string;
  records: BlobRef;
}

/** One batch, open or closed. Closed ones are known for as long as the store keeps them, also when Temporal has forgotten them. */
export class EnrollmentBatch extends RememberedWorkflow<BatchKey, ClosedBatch> {
  constructor(key: BatchKey, connections: Connections) {
    super(key, workflowIdOf(key), key, connections);
  }

  get externalBatchId(): string {
    return this.key.externalBatchId;
  }

  /**
   * How far the batch is. Without a worker to answer, it tells what Temporal's search attributes
   * say, and says so in `error`. So it does where the store's record of a closed batch cannot be read.
   * @throws BatchNotFoundError; RecordUnreadableError where Temporal has forgotten such a batch.
   */
  async progress(): Promise<BatchProgress> {
    const found = await this.lookedAt(progressQuery);
    if ('closed' in found) return progressOf(found.closed.result);
    if ('answer' in found) return found.answer;
    const { status, batchId, cards, failedCards } = summaryOf(found.execution);
    return {
      ...this.key,
      status,
      batchIds: batchId === undefined ? [] : [batchId],
      counts: emptyCounts(cards, failedCards),
      reasons: [],
      error: found.silence,
    };
  }

  /**
   * Waits until the batch is closed, for days if need be, and through outages of Temporal. It resolves for every way a batch can end,
   * so look at `status`; `failure` is set when an operator must act.
   * @throws BatchNotFoundError; RecordUnreadableError; BatchInvalidError when it was started with records inline that cannot be
   *   used, and nothing was kept; BatchTerminatedError when the workflow was terminated directly in Temporal;
   *   ServiceError when Temporal stays away for longer than a quarter of an hour.
   */
  async result(): Promise<BatchResult> {
    return (await this.untilClosed()).result;
  }

  /** The outcome of every card once the batch is closed; before, of those that have one. */
  async outcomes(): Promise<Outcome[]> {
    const { store } = this.connections;
    if (await store.has(this.key, Blob.outcomes))
      return (await readOutcomes(store, this.key)).map(shownOutcome);
    if (!(await this.exists())) throw this.notFound();
    return [];
  }

  /**
   * Cancels the batch; `result()` resolves when that is done. What Mastercard cannot have is not sent, and enrolled
   * cards are removed or left as `policy.onCancel` says. One that is closed stays as it is.
   * @throws ChangeRefusedError when no worker answers; BatchNotFoundError; BatchTerminatedError.
   */
  async cancel(sender: Sender = {}): Promise<void> {
    await this.stop(cancelUpdate, {}, sender);
  }

  /**
   * Goes on with a batch that is AWAITING_OPERATOR since Temporal was asked to cancel its workflow, without c2p.
   * @throws ResolutionRefusedError when that is not the question.
   */
  async goOn(sender: Sender = {}): Promise<void> {
    await this.update(goOnUpdate, {}, sender);
  }

  /**
   * Asks Mastercard for the status now instead of at the next scheduled time.
   * @throws ChangeRefusedError when Mastercard is not processing the batch, when it is closed, or no worker answers.
   */
  async pollNow(sender: Sender = {}): Promise<void> {
    await this.update(pollNowUpdate, {}, sender, { withinMs: WORKER_ANSWERS_WITHIN_MS });
  }

  /**
   * Settles a batch that is AWAITING_OPERATOR; resolves once that is decided.
   * @param resolution the batchId under which Mastercard has the batch, that it does not have it and is to be sent it
   *   again, or that the batch is given up.
   * @throws ResolutionRefusedError when Mastercard's answer about the batchId does not name this batch,
   *   or when the batch does not wait for an operator.
   */
  async resolve(resolution: SubmissionResolution, sender: Sender = {}): Promise<void> {
    await this.update(resolveSubmissionUpdate, resolution, sender);
  }

  /**
   * Decides about cards that could not be removed: once more, or given up.
   * @throws ResolutionRefusedError when there is no such thing to decide.
   */
  async retryRollback(decision: RemovalDecision, sender: Sender = {}): Promise<void> {
    await this.update(decideRemovalUpdate, decision, sender);
  }

  /**
   * Gives Mastercard more time to process the batch: while it does, or when the batch waits for an
   * operator since its polling deadline has passed. That question can also be answered by giving it up.
   * @throws ChangeRefusedError when the time is not after the present deadline, or Mastercard is not
   *   processing the batch.
   */
  async extendDeadline(decision: { until: Date } | { abandon: true }, sender: Sender = {}): Promise<void> {
    const written = 'until' in decision ? { until: decision.until.toISOString() } : decision;
    await this.update(extendDeadlineUpdate, written, sender);
  }

  /**
   * Changes the policy while the batch runs, field by field.
   * @throws PolicyError for fields that no policy has; ChangeRefusedError for what is decided already
   *   (`onInvalidRecords`), for what contradicts the rest of the policy, and for a batch that is ending.
   */
  async updatePolicy(change: PolicyInput, sender: Sender = {}): Promise<void> {
    await this.update(updatePolicyUpdate, parsePolicyChange(change), sender);
  }

  /**
   * Closes a batch that waits for a key without the blobs that are sealed under it. What only they say is lost.
   * @throws ChangeRefusedError when the batch waits for no key.
   */
  async closeWithoutUnreadable(sender: Sender = {}): Promise<void> {
    await this.update(closeWithoutUnreadableUpdate, {}, sender);
  }

  /** What the running workflow was started with. */
  async memo(): Promise<Partial<BatchMemo>> {
    const { memo } = await this.workflow.describe();
    return memo ?? {};
  }

  protected notFound(): BatchNotFoundError {
    return new BatchNotFoundError(this.externalBatchId, [this.key.program]);
  }

  protected terminated(how: string): BatchTerminatedError {
    return new BatchTerminatedError(this.key, how);
  }

  protected invalid(message: string): BatchInvalidError {
    return new BatchInvalidError(message);
  }
}

function emptyCounts(cards: number, invalid: number): BatchProgress['counts'] {
  return { cards, pending: cards - invalid, enrolled: 0, failed: 0, invalid, rolledBack: 0, unreported: 0 };
}

function progressOf(result: BatchResult): BatchProgress {
  const { program, externalBatchId, status, batchIds, counts, reasons, failure } = result;
  return {
    program,
    externalBatchId,
    status,
    batchIds,
    counts,
    reasons,
    error: failure && `${failure}: ${reasons.join('; ')}`,
  };
}
