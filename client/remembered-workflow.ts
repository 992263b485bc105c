import { randomUUID } from 'node:crypto';
import {
  WorkflowFailedError,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
  type Client,
  type WorkflowExecutionDescription,
  type WorkflowExecutionStatusName,
  type WorkflowHandle,
} from '@temporalio/client';
import { ApplicationFailure, type QueryDefinition, type UpdateDefinition } from '@temporalio/common';
import { Blob } from '../enrollment/blobs.js';
import { FailureType } from '../enrollment/errors.js';
import { maskPans } from '../protection/mask.js';
import { howItEnded, isOver } from '../retention/execution.js';
import { getJson, type BatchAddress, type BatchStore } from '../store/store.js';
import { isUnreadable, readingBlobs } from '../store/unreadable.js';
import type { Message } from '../workflows/message.js';
import {
  ChangeRefusedError,
  RecordUnreadableError,
  ResolutionRefusedError,
  type EnrollmentError,
  type Subject,
} from './errors.js';
import { throughOutages } from './outage.js';

/** A worker answers a query in milliseconds; without one Temporal would wait for half a minute. */
export const WORKER_ANSWERS_WITHIN_MS = 5_000;

/** Who changes something and why, as the workflow's history keeps it. */
export interface Sender {
  /** A person or a program; by default this process (`<pid>@<host>`). */
  by?: string | undefined;
  reason?: string | undefined;
}

/** What a workflow is reached through. */
export interface Connections {
  temporal: Client;
  /** Of `lookingClient`. */
  looking: Client;
  store: BatchStore;
}

/** A workflow that the store remembers once it is closed, also when Temporal has forgotten it. */
export abstract class RememberedWorkflow<Key extends Subject, Closed extends { result: { status: string } }> {
  protected readonly workflow: WorkflowHandle;

  protected constructor(
    readonly key: Key,
    workflowId: string,
    /** Where the store keeps what it remembers. */
    private readonly address: BatchAddress,
    protected readonly connections: Connections,
  ) {
    this.workflow = connections.temporal.workflow.getHandle(workflowId);
  }

  protected abstract notFound(): EnrollmentError;

  /** @param how Temporal's own status of the workflow. */
  protected abstract terminated(how: string): EnrollmentError;

  /** Of a workflow that could not use what it was started with, and of which nothing was kept. */
  protected abstract invalid(message: string): EnrollmentError;

  async exists(): Promise<boolean> {
    if (await this.remembered()) return true;
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

  /** One that is open but whose workflow is over will never be closed: why, or nothing if it goes on. */
  async terminatedInTemporal(): Promise<EnrollmentError | undefined> {
    const execution = await this.execution();
    if (!isOver(execution) || (await this.remembered())) return undefined;
    return this.terminated(execution);
  }

  /**
   * What the store remembers; nothing while it is open.
   * @throws RecordUnreadableError
   */
  async closed(): Promise<Closed | undefined> {
    const remembered = await this.remembered();
    if (remembered instanceof RecordUnreadableError) throw remembered;
    return remembered;
  }

  /** What the store remembers, or that it cannot be read; nothing while it is open. */
  protected async remembered(): Promise<Closed | RecordUnreadableError | undefined> {
    const { store } = this.connections;
    if (!(await store.has(this.address, Blob.closed))) return undefined;
    const read = await readingBlobs(() => getJson<Closed>(store, this.address, Blob.closed));
    return isUnreadable(read) ? new RecordUnreadableError(this.key, read.message) : read;
  }

  /** Waits for its end, through outages of Temporal. */
  protected async untilClosed(): Promise<Closed> {
    const before = await this.closed();
    if (before) return before;
    try {
      await throughOutages(() => this.workflow.result());
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) throw this.notFound();
      if (!(error instanceof WorkflowFailedError)) throw error;
      const { cause } = error;
      if (cause instanceof ApplicationFailure && cause.type === FailureType.InputRefused)
        throw this.invalid(cause.message);
    }
    const closed = await this.closed();
    if (closed) return closed;
    throw this.terminated(await throughOutages(() => this.execution()));
  }

  /**
   * What the store remembers, else what a worker answers; without either, the last state that Temporal knows and why no
   * worker answers. Where the record of its close cannot be read, its `error` says so.
   * @throws RecordUnreadableError where Temporal has forgotten the workflow of such a record.
   */
  protected async lookedAt<Answer extends { error?: string | undefined }>(
    query: QueryDefinition<Answer>,
  ): Promise<
    { closed: Closed } | { answer: Answer } | { execution: WorkflowExecutionDescription; silence: string }
  > {
    const { temporal } = this.connections;
    const remembered = await this.remembered();
    if (remembered && 'result' in remembered) return { closed: remembered };
    const error = remembered?.message;
    try {
      const answer = await temporal.withDeadline(Date.now() + WORKER_ANSWERS_WITHIN_MS, () =>
        this.workflow.query(query),
      );
      return { answer: error === undefined ? answer : { ...answer, error } };
    } catch (reason) {
      if (reason instanceof WorkflowNotFoundError) throw remembered ?? this.notFound();
      const execution = await this.describe();
      // It may have closed since the store was looked into.
      const now = isOver(execution.status.name) ? await this.remembered() : undefined;
      if (now && 'result' in now) return { closed: now };
      return { execution, silence: (now ?? remembered)?.message ?? whyNoAnswer(execution) };
    }
  }

  /**
   * Sends a message that changes the workflow.
   * @param options.withinMs how long the workflow may take to apply it; for what it applies at once.
   * @throws ChangeRefusedError, ResolutionRefusedError when the workflow refuses it, is closed, or does not answer in time.
   */
  protected async update<Body extends object>(
    update: UpdateDefinition<void, [Message<Body>]>,
    body: Body,
    sender: Sender,
    options: { withinMs?: number } = {},
  ): Promise<void> {
    const { temporal } = this.connections;
    const message: Message<Body> = {
      id: randomUUID(),
      by: maskPans(sender.by ?? temporal.options.identity).slice(0, 128),
      ...(sender.reason !== undefined && { reason: maskPans(sender.reason).slice(0, 500) }),
      for: update.name,
      body,
    };
    const { withinMs } = options;
    const send = () => this.workflow.executeUpdate(update, { args: [message], updateId: message.id });
    try {
      await (withinMs === undefined ? send() : temporal.withDeadline(Date.now() + withinMs, send));
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) throw await this.whyNotOpen();
      if (error instanceof WorkflowUpdateRPCTimeoutOrCancelledError)
        throw new ChangeRefusedError(this.key, whyNoAnswer(await this.describe()));
      if (!(error instanceof WorkflowUpdateFailedError)) throw error;
      const { cause, message: text } = error;
      const asked = cause instanceof ApplicationFailure && cause.type === FailureType.ResolutionRefused;
      const Refused = asked ? ResolutionRefusedError : ChangeRefusedError;
      throw new Refused(this.key, cause?.message ?? text);
    }
  }

  /** Sends a message that cancels the workflow. One that is closed stays as it is. */
  protected async stop<Body extends object>(
    update: UpdateDefinition<void, [Message<Body>]>,
    body: Body,
    sender: Sender,
  ): Promise<void> {
    if (await this.remembered()) return;
    try {
      await this.update(update, body, sender, { withinMs: WORKER_ANSWERS_WITHIN_MS });
    } catch (error) {
      if (!(await this.remembered())) throw error;
    }
  }

  private describe(): Promise<WorkflowExecutionDescription> {
    return this.connections.looking.workflow.getHandle(this.workflow.workflowId).describe();
  }

  private async whyNotOpen(): Promise<EnrollmentError> {
    const closed = await this.closed();
    if (closed) return new ChangeRefusedError(this.key, `it is closed: ${closed.result.status}`);
    try {
      return (await this.terminatedInTemporal()) ?? this.notFound();
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return this.notFound();
      throw error;
    }
  }
}

function whyNoAnswer(execution: WorkflowExecutionDescription): string {
  const status = execution.status.name;
  if (isOver(status)) return `the workflow ${howItEnded(status)}`;
  const why =
    status === 'PAUSED' ? 'the workflow is paused in Temporal; resume it there' : noWorker(execution);
  return `${why}. Shown is the last known state`;
}

function noWorker(execution: WorkflowExecutionDescription): string {
  const onQueue = `answers on task queue '${execution.taskQueue}'`;
  const version = pinnedVersion(execution);
  return version === undefined
    ? `no worker ${onQueue}; start one with: c2p worker`
    : `no worker of ${version} ${onQueue}; start one of that version with: c2p worker`;
}

/** Which worker version a workflow needs, where it is pinned to one. */
function pinnedVersion({ raw }: WorkflowExecutionDescription): string | undefined {
  const version = raw.workflowExecutionInfo?.versioningInfo?.deploymentVersion;
  return version ? `version '${version.buildId}' of deployment '${version.deploymentName}'` : undefined;
}
