import type { Client, WorkflowExecutionInfo } from '@temporalio/client';
import { batchIdProblem } from '../enrollment/acceptance.js';
import type { BatchKey, BatchStatus } from '../enrollment/batch.js';
import { PROGRAM_PATTERN, workflowIdOf } from '../enrollment/identifiers.js';
import * as attributes from '../workflows/search-attributes.js';

export interface ListFilter {
  program?: string | undefined;
  status?: BatchStatus | undefined;
  /** At most this many. */
  limit?: number | undefined;
}

/** One line about a batch, from Temporal's search attributes. Counts are of cards. */
export interface BatchSummary extends BatchKey {
  status: BatchStatus;
  batchId?: string | undefined;
  cards: number;
  failedCards: number;
  startedAt: string;
  closedAt?: string | undefined;
  /** Temporal's own status: with `TERMINATED` or `TIMED_OUT`, Temporal ended the batch and c2p did not close it. */
  execution: string;
}

/**
 * Batches that Temporal still knows: the open ones, then those that closed last. Everybody who may write to the
 * namespace can start workflows of this type: one that is named as no batch of c2p is left out.
 */
export async function* listBatches(client: Client, filter: ListFilter): AsyncGenerator<BatchSummary> {
  const conditions = [`WorkflowType = 'batchEnrollment'`, `ExecutionStatus != 'ContinuedAsNew'`];
  if (filter.program !== undefined) conditions.push(`C2pProgram = ${quoted(filter.program)}`);
  if (filter.status !== undefined) conditions.push(`C2pStatus = ${quoted(filter.status)}`);
  let left = filter.limit ?? Number.POSITIVE_INFINITY;
  for await (const execution of client.workflow.list({ query: conditions.join(' AND ') })) {
    const key = keyOf(execution);
    if (!key) continue;
    if (left <= 0) return;
    left -= 1;
    yield { ...key, ...summaryOf(execution) };
  }
}

/** The batch that a workflow is of, by its id: its search attributes are whatever somebody gave it. */
function keyOf({ workflowId }: Pick<WorkflowExecutionInfo, 'workflowId'>): BatchKey | undefined {
  const [, program = '', externalBatchId = ''] = workflowId.split('/');
  const key = { program, externalBatchId };
  const isBatch = PROGRAM_PATTERN.test(program) && batchIdProblem(externalBatchId) === undefined;
  return isBatch && workflowId === workflowIdOf(key) ? key : undefined;
}

/** What the search attributes say of one execution. */
export function summaryOf(execution: Omit<WorkflowExecutionInfo, 'raw'>): Omit<BatchSummary, keyof BatchKey> {
  const found = execution.typedSearchAttributes;
  return {
    status: (found.get(attributes.C2pStatus) ?? 'VALIDATING') as BatchStatus,
    batchId: found.get(attributes.C2pBatchId),
    cards: countOf(found.get(attributes.C2pRecords)),
    failedCards: countOf(found.get(attributes.C2pFailedRecords)),
    startedAt: execution.startTime.toISOString(),
    closedAt: execution.closeTime?.toISOString(),
    execution: execution.status.name,
  };
}

function countOf(found = 0): number {
  return Number.isSafeInteger(found) && found >= 0 ? found : 0;
}

function quoted(value: string): string {
  return `'${value.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
