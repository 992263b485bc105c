import { WorkflowNotFoundError, type Client, type WorkflowExecutionStatusName } from '@temporalio/client';
import type { BatchKey } from '../../enrollment/batch.js';
import { bulkWorkflowIdOf, type BulkKey } from '../../enrollment/bulk.js';
import { workflowIdOf } from '../../enrollment/identifiers.js';

export const HERE = '01a20d2d-e554-7c59-87f4-6ce7931bb14a';
export const OTHER = '03840d46-dad9-3250-9938-b39d1357fbae';

export interface FakeExecution {
  status: WorkflowExecutionStatusName;
  closeTime?: Date | undefined;
}

/** As much of a Temporal client as retention asks of it. */
export class FakeTemporal {
  private readonly executions = new Map<string, FakeExecution>();
  namespaceId: string | Error = HERE;
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
    const describe = async (workflowId: string) => {
      await this.onDescribe();
      const found = this.executions.get(workflowId);
      if (!found) throw new WorkflowNotFoundError('workflow not found', workflowId, undefined);
      return { status: { name: found.status }, closeTime: found.closeTime };
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
      workflow: { getHandle: (workflowId: string) => ({ describe: () => describe(workflowId) }) },
    } as unknown as Client;
  }
}

/** As gRPC raises it. */
export function grpcError(code: number): Error {
  return Object.assign(new Error(`${code}`), { code, details: 'because', metadata: {} });
}
