import { bulkBatchId, type BulkStatus } from '../../enrollment/bulk.js';
import type { BulkProgress } from './messages.js';
import { withoutQuery } from '../../protection/mask.js';
import { TROUBLES_SHOWN } from './reports.js';
import { startedBatches } from './starting.js';
import { keyOf, type BulkState, type SourceProgress, type Stage } from './state.js';

const MINUTE_MS = 60_000;

const STATUSES: Record<Exclude<Stage['name'], 'closed'>, BulkStatus> = {
  enrolling: 'ENROLLING',
  paused: 'PAUSED',
  finishing: 'FINISHING',
  cancelling: 'ROLLING_BACK',
  takingBack: 'ROLLING_BACK',
};

export function jobStatusOf({ stage }: BulkState): BulkStatus {
  return stage.name === 'closed' ? stage.result.status : STATUSES[stage.name];
}

/** What operators see of a job: a function of its state and of the time. */
export function jobProgressOf(state: BulkState, now: number): BulkProgress {
  const { stage, source, counts, limits, onCancel, inFlight, byStatus } = state;
  const { batches: started, notStarted } = startedBatches(state);
  const result = stage.name === 'closed' ? stage.result : undefined;
  const pending = counts.pending + source.cards - counts.cards;
  return {
    ...keyOf(state),
    status: jobStatusOf(state),
    counts: result?.counts ?? { ...counts, cards: source.cards, pending },
    rejects: source.rejects,
    batches: {
      found: source.batches,
      started,
      notStarted,
      inFlight: inFlight.length,
      byStatus,
    },
    source: sourceOf(state),
    limits,
    onCancel,
    startedAt: new Date(state.startedAt).toISOString(),
    ...(result ? {} : pace(state, now)),
    reasons: result?.reasons ?? jobReasons(state),
    error: result ? result.failure && result.reasons.join('; ') : stoppedBecause(stage),
  };
}

/** Why the job is not simply going on, and which batches need an operator. */
export function jobReasons({ stage, isCancelled, troubles, inFlight, order }: BulkState): string[] {
  const heldUp = inFlight
    .filter(({ heldUpBy }) => heldUpBy !== null)
    .map(({ n, heldUpBy }) => `${bulkBatchId(order.bulkId, n)}: ${heldUpBy}`);
  const shown = [...troubles.shown, ...heldUp].slice(0, TROUBLES_SHOWN);
  const further = troubles.all + heldUp.length - shown.length;
  const stopped = stage.name === 'finishing' ? stage.stopped : null;
  return [
    ...(stopped ? [`${stopped.failure}: ${stopped.reason}`] : []),
    ...(isCancelled ? ['the job was cancelled'] : []),
    ...(stage.name === 'paused' && stage.isCancelAsked
      ? [
          'Temporal was asked to cancel the workflow, without c2p: the job starts no further batch until an operator decides',
        ]
      : []),
    ...shown,
    ...(further > 0 ? [`${further} more ${further === 1 ? 'batch needs' : 'batches need'} an operator`] : []),
  ];
}

function stoppedBecause(stage: Stage): string | undefined {
  return stage.name === 'finishing' ? stage.stopped?.reason : undefined;
}

function sourceOf({ source, order }: BulkState): BulkProgress['source'] {
  const { cursor, isReadToEnd } = source;
  const name = 'path' in order.source ? order.source.path : withoutQuery(order.source.url);
  if (isReadToEnd) return { name, isReadToEnd, readShare: 1 };
  if (!cursor) return { name, isReadToEnd, readShare: 0 };
  // Of a compressed source the offset counts bytes that its size does not.
  return { name, isReadToEnd, ...(cursor.isCompressed ? {} : { readShare: shareOf(cursor) }) };
}

function shareOf({ identity, position }: NonNullable<SourceProgress['cursor']>): number {
  return identity.size === 0 ? 1 : position.offset / identity.size;
}

function pace(state: BulkState, now: number): Pick<BulkProgress, 'cardsPerMinute' | 'estimatedEndAt'> {
  const { rateFrom, counts, source, stage } = state;
  const [elapsed, done] = [now - rateFrom.at, counts.cards - rateFrom.done];
  if (elapsed <= 0 || done <= 0) return {};
  const cardsPerMs = done / elapsed;
  const cardsPerMinute = Math.round(cardsPerMs * MINUTE_MS);
  const { readShare } = sourceOf(state);
  if (!readShare || stage.name !== 'enrolling') return { cardsPerMinute };
  const left = source.cards / readShare - counts.cards;
  return { cardsPerMinute, estimatedEndAt: new Date(now + left / cardsPerMs).toISOString() };
}
