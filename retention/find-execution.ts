import { WorkflowNotFoundError, type Client, type WorkflowExecutionStatusName } from '@temporalio/client';
import { defineSearchAttributeKey } from '@temporalio/common';
import { isOver } from './execution.js';

/** Of those that `workflows/search-attributes.ts` has. */
const C2pBulkId = defineSearchAttributeKey('C2pBulkId', 'KEYWORD');
const C2pRecords = defineSearchAttributeKey('C2pRecords', 'INT');

/** What Temporal knows of a workflow. */
export interface Execution {
  status: WorkflowExecutionStatusName;
  /** When it ended; absent for one that is open. */
  endedAt?: Date | undefined;
  /**
   * The id of its first run: its later ones, also after a reset, are of the same chain. Absent where the server does
   * not tell it.
   */
  chain?: string | undefined;
  memo: Record<string, unknown>;
  /** The bulk job that it is of, or that started it. */
  bulkId?: string | undefined;
  /** How many cards it is about. */
  cards: number;
}

/**
 * @param temporal of `lookingClient`: a memo may be under a key that is gone.
 * @returns nothing for a workflow that Temporal does not know.
 * @throws ServiceError when Temporal does not answer.
 */
export async function executionOf(temporal: Client, workflowId: string): Promise<Execution | undefined> {
  try {
    const { status, closeTime, memo, raw, typedSearchAttributes } = await temporal.workflow
      .getHandle(workflowId)
      .describe();
    return {
      status: status.name,
      endedAt: isOver(status.name) ? closeTime : undefined,
      chain: raw.workflowExecutionInfo?.firstRunId || undefined,
      memo: memo ?? {},
      bulkId: typedSearchAttributes.get(C2pBulkId),
      cards: typedSearchAttributes.get(C2pRecords) ?? 0,
    };
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return undefined;
    throw error;
  }
}
