import { workflowInfo } from '@temporalio/workflow';
import { onStore } from '../activities.js';
import type { Batch } from './batch.js';
import { unreadable } from './held-up.js';
import { keyOf } from './state.js';

/** Completes the outcomes, erases the cardholder data, and remembers the batch. */
export async function closeStore(batch: Batch): Promise<void> {
  const { order, notices, batchIds, stage } = batch.in('closing');
  const { records, recordsDigest, cards } = order;
  const { status, remaining, unsettledRound, failure, reasons } = stage.ending;
  const closed = await onStore({
    summary: `${status}: complete the outcomes, erase cardholder data`,
  }).purgeBatch({
    batch: keyOf(batch.state),
    chain: workflowInfo().firstExecutionRunId,
    records,
    recordsDigest,
    cards,
    status,
    batchIds: [...batchIds],
    reasons: [...reasons, ...notices],
    failure: failure ?? undefined,
    remaining,
    unsettledRound: unsettledRound ?? undefined,
    validated: stage.from !== 'VALIDATING',
    withoutUnreadable: stage.withoutUnreadable,
  });
  const state = batch.in('closing');
  if (closed.kind === 'unreadable') batch.become(unreadable(state, closed, Date.now()));
  else
    batch.become({
      ...state,
      counts: closed.result.counts,
      stage: { name: 'closed', result: closed.result },
    });
}
