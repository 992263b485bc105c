import {
  WorkflowFailedError,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
  type Client,
  type WorkflowExecutionDescription,
  type WorkflowExecutionStatusName,
  type WorkflowHandle,
} from '@temporalio/client';
import { ApplicationFailure, type UpdateDefinition } from '@temporalio/common';
import type { BatchKey, BatchResult } from '../enrollment/batch.js';
import { Blob, type ClosedBatch } from '../enrollment/blobs.js';
import { FailureType } from '../enrollment/errors.js';
import { workflowIdOf } from '../enrollment/identifiers.js';
import type { Outcome } from '../enrollment/outcomes.js';
import type { BlobRef } from '../enrollment/batch.js';
import { parsePolicyChange, type PolicyInput } from '../enrollment/policy-schema.js';
import { isOver } from '../retention/execution.js';
import { getJson, type BatchStore } from '../store/store.js';
import {
  extendDeadlineUpdate,
  pollNowSignal,
  progressQuery,
  resolveSubmissionUpdate,
  retryCompensationUpdate,
  updatePolicyUpdate,
  type BatchProgress,
  type CompensationDecision,
  type SubmissionResolution,
} from '../workflows/messages.js';
import {
  BatchInvalidError,
  BatchNotFoundError,
  BatchTerminatedError,
  ChangeRefusedError,
  ResolutionRefusedError,
  type EnrollmentError,
} from './errors.js';
import { summaryOf } from './list.js';
import { throughOutages } from './outage.js';

/** A worker answers a query in milliseconds; without one Temporal would wait for half a minute. */
const WORKER_ANSWERS_WITHIN_MS = 5_000;

/** What a batch's workflow is remembered by beside its input. */
export interface BatchMemo {
  recordsDigest: string;
  records: BlobRef;
}

/** One batch, open or closed. Closed ones are known for as long as the store keeps them, also when Temporal has forgotten them. */
export class EnrollmentBatch {
  private readonly workflow: WorkflowHandle;

  constructor(
    readonly key: BatchKey,
    private readonly temporal: Client,
    private readonly store: BatchStore,
    /** Of `lookingClient`. */
    private readonly looking: Client,
  ) {
    this.workflow = temporal.workflow.getHandle(workflowIdOf(key));
  }

  get externalBatchId(): string {
    return this.key.externalBatchId;
  }

  /**
   * How far the batch is. Without a worker to answer, it tells what Temporal's search attributes
   * say, and says so in `error`.
   * @throws BatchNotFoundError.
   */
  async progress(): Promise<BatchProgress> {
    const closed = await this.closed();
    if (closed) return progressOf(closed.result);
    try {
      return await this.temporal.withDeadline(Date.now() + WORKER_ANSWERS_WITHIN_MS, () =>
        this.workflow.query(progressQuery),
      );
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) throw this.notFound();
      return this.progressWithoutWorker();
    }
  }

  /**
   * Waits until the batch is closed, for days if need be, and through outages of Temporal. It resolves for every way a batch can end,
   * so look at `status`; `failure` is set when somebody must look.
   * @throws BatchNotFoundError; BatchInvalidError when it was started with records inline that cannot be
   *   used, and nothing was kept; BatchTerminatedError when the workflow was ended from outside c2p;
   *   ServiceError when Temporal stays away for longer than a quarter of an hour.
   */
  async result(): Promise<BatchResult> {
    const before = await this.closed();
    if (before) return before.result;
    try {
      await throughOutages(() => this.workflow.result());
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) throw this.notFound();
      if (!(error instanceof WorkflowFailedError)) throw error;
      const { cause } = error;
      if (cause instanceof ApplicationFailure && cause.type === FailureType.InputRefused)
        throw new BatchInvalidError(cause.message);
    }
    const closed = await this.closed();
    if (closed) return closed.result;
    throw new BatchTerminatedError(this.key, await throughOutages(() => this.execution()));
  }

  /** The outcome of every card once the batch is closed; before, of those that have one. */
  async outcomes(): Promise<Outcome[]> {
    if (await this.store.has(this.key, Blob.outcomes)) {
      return getJson<Outcome[]>(this.store, this.key, Blob.outcomes);
    }
    if (!(await this.exists())) throw this.notFound();
    return [];
  }

  /** Asks the batch to stop; `result()` tells when it has. A closed batch stays as it is. */
  async cancel(): Promise<void> {
    if (await this.closed()) return;
    await this.workflow.cancel().catch((error: unknown) => {
      throw error instanceof WorkflowNotFoundError ? this.notFound() : error;
    });
  }

  /** Asks Mastercard for the status now instead of at the next scheduled time. */
  async pollNow(): Promise<void> {
    await this.workflow.signal(pollNowSignal).catch((error: unknown) => {
      throw error instanceof WorkflowNotFoundError ? this.notFound() : error;
    });
  }

  /**
   * Settles a batch that is AWAITING_OPERATOR; resolves once that is decided.
   * @param resolution the batchId under which Mastercard has the batch, or that it is given up.
   * @throws ResolutionRefusedError when Mastercard's answer about the batchId does not name this batch,
   *   or when the batch does not wait for an operator.
   */
  async resolve(resolution: SubmissionResolution): Promise<void> {
    await this.update(resolveSubmissionUpdate, resolution);
  }

  /**
   * Decides about a rollback that could not remove every card: once more, or given up.
   * @throws ResolutionRefusedError when there is no such thing to decide.
   */
  async retryRollback(decision: CompensationDecision): Promise<void> {
    await this.update(retryCompensationUpdate, decision);
  }

  /**
   * Gives Mastercard more time to process the batch: while it does, or when the batch waits for an
   * operator since its polling deadline has passed. That question can also be answered by giving it up.
   * @throws ChangeRefusedError when the time is not after the present deadline, or Mastercard is not
   *   processing the batch.
   */
  async extendDeadline(decision: { until: Date } | { abandon: true }): Promise<void> {
    const written = 'until' in decision ? { until: decision.until.toISOString() } : decision;
    await this.update(extendDeadlineUpdate, written);
  }

  /**
   * Changes the policy while the batch runs, field by field.
   * @throws PolicyError for fields that no policy has; ChangeRefusedError for what is decided already
   *   (`onInvalidRecords`), for what contradicts the rest of the policy, and for a batch that is ending.
   */
  async updatePolicy(change: PolicyInput): Promise<void> {
    await this.update(updatePolicyUpdate, parsePolicyChange(change));
  }

  async exists(): Promise<boolean> {
    if (await this.closed()) return true;
    try {
      await this.describe();
      return true;
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return false;
      throw error;
    }
  }

  /** Temporal's own status of the workflow: `RUNNING`, `COMPLETED`, `TERMINATED`, … */
  async execution(): Promise<WorkflowExecutionStatusName> {
    return (await this.describe()).status.name;
  }

  /** What the store remembers of the batch; nothing while it is open. */
  async closed(): Promise<ClosedBatch | undefined> {
    if (!(await this.store.has(this.key, Blob.closed))) return undefined;
    return getJson<ClosedBatch>(this.store, this.key, Blob.closed);
  }

  /** What the running workflow was started with. */
  async memo(): Promise<Partial<BatchMemo>> {
    const { memo } = await this.workflow.describe();
    return memo ?? {};
  }

  private async update<Argument>(
    update: UpdateDefinition<void, [Argument]>,
    argument: Argument,
  ): Promise<void> {
    try {
      await this.workflow.executeUpdate(update, { args: [argument] });
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) throw await this.closedOrNotFound();
      if (!(error instanceof WorkflowUpdateFailedError)) throw error;
      const { cause, message } = error;
      const asked = cause instanceof ApplicationFailure && cause.type === FailureType.ResolutionRefused;
      const Refused = asked ? ResolutionRefusedError : ChangeRefusedError;
      throw new Refused(this.key, cause?.message ?? message);
    }
  }

  private describe(): Promise<WorkflowExecutionDescription> {
    return this.looking.workflow.getHandle(this.workflow.workflowId).describe();
  }

  private async progressWithoutWorker(): Promise<BatchProgress> {
    const execution = await this.describe();
    const { status, batchId, cards, failedCards } = summaryOf(execution);
    return {
      ...this.key,
      status,
      batchIds: batchId === undefined ? [] : [batchId],
      counts: emptyCounts(cards, failedCards),
      reasons: [],
      error: whyNoAnswer(execution),
    };
  }

  private async closedOrNotFound(): Promise<EnrollmentError> {
    const closed = await this.closed();
    if (!closed) return this.notFound();
    return new ChangeRefusedError(this.key, `it is closed: ${closed.result.status}`);
  }

  private notFound(): BatchNotFoundError {
    return new BatchNotFoundError(this.externalBatchId, [this.key.program]);
  }
}

function whyNoAnswer(execution: WorkflowExecutionDescription): string {
  const { status, taskQueue } = execution;
  if (isOver(status.name)) return `the workflow was ended from outside (${status.name})`;
  if (status.name === 'PAUSED')
    return 'the workflow is paused in Temporal, where it can be resumed. This is what Temporal knows';
  return `no worker${ofVersion(execution)} answers on task queue '${taskQueue}', is one running? This is what Temporal knows`;
}

/** Which version a batch needs, where it is pinned to one. */
function ofVersion({ raw }: WorkflowExecutionDescription): string {
  const version = raw.workflowExecutionInfo?.versioningInfo?.deploymentVersion;
  return version ? ` of version '${version.buildId}' of deployment '${version.deploymentName}'` : '';
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
