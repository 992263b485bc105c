import { Client, type ConnectionLike, type WorkflowExecutionStatusName } from '@temporalio/client';
import { defaultPayloadConverter, type Payload } from '@temporalio/common';
import proto from '@temporalio/proto';
import type { BatchKey } from '../../enrollment/batch.js';
import { bulkWorkflowIdOf, type BulkKey } from '../../enrollment/bulk.js';
import { workflowIdOf } from '../../enrollment/identifiers.js';

const { WorkflowExecutionStatus } = proto.temporal.api.enums.v1;
const { Timestamp } = proto.google.protobuf;
const GRPC_NOT_FOUND = 5;

const timestamp = (ms: number) =>
  Timestamp.fromObject({ seconds: Math.floor(ms / 1_000), nanos: (ms % 1_000) * 1_000_000 });

export const HERE = '01a20d2d-e554-7c59-87f4-6ce7931bb14a';
export const OTHER = '03840d46-dad9-3250-9938-b39d1357fbae';

export interface FakeExecution {
  status: WorkflowExecutionStatusName;
  closeTime?: Date | undefined;
  /** The id of its first run. */
  chain?: string;
  memo?: Record<string, unknown>;
  /** By name. */
  searchAttributes?: Record<string, unknown>;
}

export interface FakeSignal {
  workflowId: string;
  name: string;
  args: unknown[];
}

/** As much of a Temporal client as retention asks of it. */
export class FakeTemporal {
  private readonly executions = new Map<string, FakeExecution>();
  namespaceId: string | Error = HERE;
  /** That came to open workflows. */
  readonly signals: FakeSignal[] = [];
  /** Called at each question about a workflow, before it is answered. */
  onDescribe: () => Promise<void> = () => Promise.resolve();

  /** Makes a batch's workflow known. */
  has(batch: BatchKey, execution: FakeExecution): void {
    this.executions.set(workflowIdOf(batch), execution);
  }

  /** Makes a bulk job's workflow known. */
  hasJob(job: BulkKey, execution: FakeExecution): void {
    this.executions.set(bulkWorkflowIdOf(job), execution);
  }

  /** Temporal's own client, which has read nothing yet, on a service that answers from what is known here. */
  client(): Client {
    const workflowService = {
      describeNamespace: () =>
        this.namespaceId instanceof Error
          ? Promise.reject(this.namespaceId)
          : Promise.resolve({ namespaceInfo: { id: this.namespaceId } }),
      describeWorkflowExecution: async (asked: { execution: { workflowId: string } }) => {
        await this.onDescribe();
        const { workflowId } = asked.execution;
        return { workflowExecutionInfo: asDescribed(workflowId, this.found(workflowId)) };
      },
      signalWorkflowExecution: async (signal: Signal) => {
        const { workflowId } = signal.workflowExecution;
        const { status } = await Promise.resolve(this.found(workflowId));
        if (status !== 'RUNNING') throw grpcError(GRPC_NOT_FOUND);
        const args = signal.input.payloads.map((payload) =>
          defaultPayloadConverter.fromPayload<unknown>(payload),
        );
        this.signals.push({ workflowId, name: signal.signalName, args });
      },
    };
    // The worker calls an activity inside of this.
    const withAbortSignal = (_: AbortSignal, work: () => unknown) => work();
    return new Client({ connection: { workflowService, withAbortSignal } as unknown as ConnectionLike });
  }

  private found(workflowId: string): FakeExecution {
    const execution = this.executions.get(workflowId);
    if (!execution) throw grpcError(GRPC_NOT_FOUND);
    return execution;
  }
}

interface Signal {
  workflowExecution: { workflowId: string };
  signalName: string;
  input: { payloads: Payload[] };
}

function asDescribed(
  workflowId: string,
  { status, closeTime, chain, memo, searchAttributes }: FakeExecution,
) {
  const name =
    status === 'CANCELLED' ? 'CANCELED' : (status as Exclude<typeof status, 'CANCELLED' | 'UNKNOWN'>);
  return {
    execution: { workflowId, runId: '' },
    type: { name: '' },
    status: WorkflowExecutionStatus[`WORKFLOW_EXECUTION_STATUS_${name}`],
    historyLength: { toNumber: () => 0 },
    startTime: timestamp(0),
    closeTime: closeTime && timestamp(closeTime.getTime()),
    firstRunId: chain,
    memo: { fields: payloadsOf(memo) },
    searchAttributes: { indexedFields: payloadsOf(searchAttributes) },
  };
}

function payloadsOf(values: Record<string, unknown> = {}): Record<string, Payload> {
  const payloadOf = (value: unknown): Payload => {
    const { metadata, data } = defaultPayloadConverter.toPayload(value);
    const type = Buffer.from(typeof value === 'number' ? 'Int' : 'Keyword');
    return { metadata: { ...metadata, type }, data: data ?? null };
  };
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, payloadOf(value)]));
}

/** As gRPC raises it. */
export function grpcError(code: number): Error {
  return Object.assign(new Error(`${code}`), { code, details: 'because', metadata: { get: () => [] } });
}
