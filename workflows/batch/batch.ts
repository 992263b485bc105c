import { setCurrentDetails, upsertSearchAttributes, workflowInfo } from '@temporalio/workflow';
import { refusalNote } from '../refusals.js';
import { Running } from '../waiting.js';
import {
  C2pBatchId,
  C2pExternalBatchId,
  C2pFailedRecords,
  C2pProgram,
  C2pRecords,
  C2pStatus,
} from '../search-attributes.js';
import { describeBatch } from './details.js';
import type { Verdict } from './operator.js';
import { progressOf } from './progress.js';
import { keyOf, type BatchState } from './state.js';
import { statusOf } from './status.js';

/** A batch that runs. */
export class Batch extends Running<BatchState> {
  /** What became of operators' answers that were checked, by the id of the message. */
  readonly verdicts = new Map<string, Verdict>();

  constructor(state: BatchState) {
    super(state, {
      show: (now) => setCurrentDetails(describeBatch(progressOf(now)) + refusalNote()),
      publish: publishBatch,
      historyLimit: state.order.historyLimit,
    });
  }
}

/**
 * Shows Temporal's search where the batch is; seldom, since each time is an event. A new run has the attributes that the
 * one before was started with: of a batch that came with its records inline, none.
 */
function publishBatch(state: BatchState): void {
  const { counts, batchIds } = state;
  const status = statusOf(state);
  const batchId = batchIds.at(-1);
  const { typedSearchAttributes: published } = workflowInfo();
  if (published.get(C2pStatus) === status && published.get(C2pBatchId) === batchId) return;
  const { failed, invalid, unreported } = counts;
  const { program, externalBatchId } = keyOf(state);
  upsertSearchAttributes([
    { key: C2pStatus, value: status },
    { key: C2pProgram, value: program },
    { key: C2pExternalBatchId, value: externalBatchId },
    ...(batchId === undefined ? [] : [{ key: C2pBatchId, value: batchId }]),
    { key: C2pRecords, value: counts.cards },
    { key: C2pFailedRecords, value: failed + invalid + unreported },
  ]);
}
