import type { Client, WorkflowExecutionInfo } from '@temporalio/client';
import type { BatchKey, BatchStatus } from '../enrollment/batch.js';
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

/** Batches that Temporal still knows: the open ones, then those that closed last. */
export async function* listBatches(client: Client, filter: ListFilter): AsyncGenerator<BatchSummary> {
  const conditions = [`WorkflowType = 'batchEnrollment'`, `ExecutionStatus != 'ContinuedAsNew'`];
  if (filter.program !== undefined) conditions.push(`C2pProgram = ${quoted(filter.program)}`);
  if (filter.status !== undefined) conditions.push(`C2pStatus = ${quoted(filter.status)}`);
  let left = filter.limit ?? Number.POSITIVE_INFINITY;
  for await (const execution of client.workflow.list({ query: conditions.join(' AND ') })) {
    if (left <= 0) return;
    left -= 1;
    yield summaryOf(execution);
  }
}

/** What the search attributes say of one execution. */
export function summaryOf(execution: Omit<WorkflowExecutionInfo, 'raw'>): BatchSummary {
  const found = execution.typedSearchAttributes;
  return {
    externalBatchId: found.get(attributes.C2pExternalBatchId) ?? '',
    program: found.get(attributes.C2pProgram) ?? '',
    status: (found.get(attributes.C2pStatus) ?? 'VALIDATING') as BatchStatus,
    batchId: found.get(attributes.C2pBatchId),
    cards: found.get(attributes.C2pRecords) ?? 0,
    failedCards: found.get(attributes.C2pFailedRecords) ?? 0,
    startedAt: execution.startTime.toISOString(),
    closedAt: execution.closeTime?.toISOString(),
    execution: execution.status.name,
  };
}

function quoted(value: string): string {
  return `'${value.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
