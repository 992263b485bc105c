import type { BulkResult, ClosedBulkStatus } from '../enrollment/bulk.js';
import { FailureType } from '../enrollment/errors.js';
import type { BulkState } from './bulk-state.js';

/** What a job has come to when nothing of it is under way any more. */
export function bulkResult(state: BulkState): BulkResult {
  const { counts, rejects, notStarted, byStatus, stopped, takeBack, isCancelled } = state.facts;
  const notTakenBack = takeBack !== undefined && counts.enrolled > 0;
  const failure = stopped?.failure ?? (notTakenBack ? FailureType.CompensationFailed : undefined);
  const isComplete = counts.enrolled === counts.cards && rejects === 0;
  const status: ClosedBulkStatus = failure
    ? 'FAILED'
    : isCancelled
      ? 'CANCELLED'
      : isComplete
        ? 'COMPLETED'
        : 'COMPLETED_WITH_ERRORS';
  const stoppedAtLine = firstUnsentLine(state);
  const reasons = [
    ...state.reasons(),
    ...unsent(state, stoppedAtLine),
    ...(notTakenBack ? [`${counts.enrolled} cards could not be taken back`] : []),
    ...shortfalls(state),
  ];
  return {
    ...state.bulk,
    status,
    batches: state.batchesStarted,
    notStarted,
    byStatus,
    counts,
    rejects,
    stoppedAtLine,
    reasons,
    failure,
  };
}

/** The first line of the source that came into no batch that was started; nothing where there is none. */
function firstUnsentLine({ facts }: BulkState): number | undefined {
  const { waiting, isReadToEnd, cursor } = facts;
  if (waiting[0]) return waiting[0].line;
  return isReadToEnd ? undefined : (cursor?.position.line ?? 1);
}

function unsent({ facts, batchesStarted }: BulkState, fromLine: number | undefined): string[] {
  if (fromLine === undefined) return [];
  const [first] = facts.waiting;
  return first && first.n <= batchesStarted
    ? [`batch ${first.n}, from line ${fromLine} of the source on, was not sent; batches behind it were`]
    : [`nothing was sent from line ${fromLine} of the source on`];
}

function shortfalls({ facts }: BulkState): string[] {
  const { failed, invalid, unreported, rolledBack } = facts.counts;
  const counts = [
    [failed, 'declined by Mastercard'],
    [invalid, 'invalid and not sent'],
    [unreported, 'not reported by Mastercard'],
    [rolledBack, 'taken back'],
  ] as const;
  const cards = counts.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`);
  return facts.rejects > 0 ? [...cards, `rejected rows of the source: ${facts.rejects}`] : cards;
}
