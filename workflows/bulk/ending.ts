import { bulkBatchId, type BulkResult, type ClosedBulkStatus } from '../../enrollment/bulk.js';
import { FailureType } from '../../enrollment/errors.js';
import { jobReasons } from './progress.js';
import { startedBatches } from './starting.js';
import { keyOf, type BulkState } from './state.js';

/** Whether nothing is left to be started, and everything that was is closed. */
export function isDone({ stage, source, waiting, inFlight }: BulkState): boolean {
  if (inFlight.length > 0) return false;
  switch (stage.name) {
    case 'enrolling':
    case 'paused':
      return source.isReadToEnd && waiting.length === 0;
    case 'finishing':
    case 'closed':
      return true;
    case 'cancelling':
      return false;
    case 'takingBack':
      return stage.from === 0 && stage.waiting.length === 0;
  }
}

/** What a job has come to when nothing of it is under way any more. */
export function resultOf(state: BulkState): BulkResult {
  const { counts, source, byStatus, stage, isCancelled } = state;
  const failure = failureOf(state);
  const isComplete = counts.enrolled === counts.cards && source.rejects === 0;
  const status: ClosedBulkStatus = failure
    ? 'FAILED'
    : isCancelled
      ? 'CANCELLED'
      : isComplete
        ? 'COMPLETED'
        : 'COMPLETED_WITH_ERRORS';
  const stoppedAtLine = firstUnsentLine(state);
  const unsure = stage.name === 'takingBack' ? stage.unsure : 0;
  const remain = stage.name === 'takingBack' && counts.enrolled > 0;
  const reasons = [
    ...jobReasons(state),
    ...(stoppedAtLine === undefined ? [] : [`nothing was sent from line ${stoppedAtLine} of the source on`]),
    ...leftOutInWords(state),
    ...(remain ? [`${counts.enrolled} cards could not be taken back`] : []),
    ...(unsure > 0 ? [`${unsure} cards may be enrolled still: what became of them is lost`] : []),
    ...shortfalls(state),
  ];
  return {
    ...keyOf(state),
    status,
    ...startedBatches(state),
    byStatus,
    counts,
    rejects: source.rejects,
    stoppedAtLine,
    reasons,
    failure,
  };
}

function failureOf(state: BulkState): FailureType | undefined {
  const { stage, counts } = state;
  if (stage.name === 'finishing' && stage.stopped) return stage.stopped.failure;
  if (stage.name === 'takingBack' && counts.enrolled + stage.unsure > 0)
    return FailureType.CompensationFailed;
  return startedBatches(state).notStarted.length > 0 ? FailureType.BatchIdTaken : undefined;
}

/** The first line of the source that came into no batch that was started; nothing where there is none. */
function firstUnsentLine({ waiting, source }: BulkState): number | undefined {
  if (waiting[0]) return waiting[0].line;
  return source.isReadToEnd ? undefined : (source.cursor?.position.line ?? 1);
}

const NAMED = 10;

function leftOutInWords(state: BulkState): string[] {
  const { notStarted } = startedBatches(state);
  if (notStarted.length === 0) return [];
  const names = notStarted.slice(0, NAMED).map((n) => bulkBatchId(state.order.bulkId, n));
  const more = notStarted.length > NAMED ? `, and ${notStarted.length - NAMED} more` : '';
  return [`left out, since other batches have their ids: ${names.join(', ')}${more}`];
}

function shortfalls({ counts, source }: BulkState): string[] {
  const { failed, invalid, unreported, rolledBack } = counts;
  const shortfall = [
    [failed, 'declined by Mastercard'],
    [invalid, 'invalid and not sent'],
    [unreported, 'not reported by Mastercard'],
    [rolledBack, 'taken back'],
  ] as const;
  const cards = shortfall.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`);
  return source.rejects > 0 ? [...cards, `rejected rows of the source: ${source.rejects}`] : cards;
}
