import { WorkflowNotFoundError, type Client, type WorkflowExecutionStatusName } from '@temporalio/client';
import type { BatchKey } from '../../enrollment/batch.js';
import { bulkWorkflowIdOf, type BulkKey } from '../../enrollment/bulk.js';
import { workflowIdOf } from '../../enrollment/identifiers.js';

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

  /** A new one each time, that has read nothing yet. */
  client(): Client {
    const found = (workflowId: string) => {
      const execution = this.executions.get(workflowId);
      if (!execution) throw new WorkflowNotFoundError('workflow not found', workflowId, undefined);
      return execution;
    };
    const describe = async (workflowId: string) => {
      await this.onDescribe();
      const { status, closeTime, chain, memo, searchAttributes } = found(workflowId);
      return {
        status: { name: status },
        closeTime,
        memo,
        raw: { workflowExecutionInfo: { firstRunId: chain } },
        typedSearchAttributes: { get: ({ name }: { name: string }) => searchAttributes?.[name] },
      };
    };
    const signal = async (workflowId: string, name: string, args: unknown[]) => {
      const { status } = await Promise.resolve(found(workflowId));
      if (status !== 'RUNNING') throw new WorkflowNotFoundError('workflow completed', workflowId, undefined);
      this.signals.push({ workflowId, name, args });
    };
    return {
      options: { namespace: 'default', loadedDataConverter: { payloadCodecs: [] } },
      workflowService: {
        describeNamespace: () =>
          this.namespaceId instanceof Error
            ? Promise.reject(this.namespaceId)
            : Promise.resolve({ namespaceInfo: { id: this.namespaceId } }),
      },
      // The worker calls an activity inside of this.
      withAbortSignal: (_: AbortSignal, work: () => unknown) => work(),
      workflow: {
        getHandle: (workflowId: string) => ({
          describe: () => describe(workflowId),
          signal: (name: string, ...args: unknown[]) => signal(workflowId, name, args),
        }),
      },
    } as unknown as Client;
  }
}

/** As gRPC raises it. */
export function grpcError(code: number): Error {
  return Object.assign(new Error(`${code}`), { code, details: 'because', metadata: {} });
}
