import type { ClosedStatus } from '../../enrollment/batch.js';
import {
  addCounts,
  bulkBatchId,
  bulkBatchOf,
  type BatchesByStatus,
  type ClosedBatchReport,
} from '../../enrollment/bulk.js';
import type { BatchInFlight, BulkState, Check, Stage } from './state.js';

export const TROUBLES_SHOWN = 10;

/** A batch is closed. Idempotent: a report about a batch that is not in flight, or about an earlier run of it, is ignored. */
export function batchClosed(state: BulkState, report: ClosedBatchReport): BulkState {
  const batch = batchOf(state, report);
  if (!batch) return state;
  const { workflow } = batch;
  if (workflow.is === 'starting') {
    const early = { ...batch, workflow: { ...workflow, early: report } };
    return { ...state, inFlight: state.inFlight.map((other) => (other === batch ? early : other)) };
  }
  if (workflow.is === 'started' && workflow.chain !== report.chain) {
    // Of one whose workflow nobody knows any more there may be two lives where its cards are being taken back.
    if (report.chain !== '' || batch.before) return state;
  }
  const { externalBatchId, status, counts, failure } = report;
  const before = batch.before ? withoutBatch(state, batch.before) : state;
  const next: BulkState = {
    ...before,
    inFlight: before.inFlight.filter((other) => other.n !== batch.n),
    byStatus: added(before.byStatus, status, 1),
    counts: addCounts(before.counts, counts),
    check: { ...before.check, isNewsHere: true },
    stage: takenBack(before.stage, batch, report),
  };
  return failure ? withTrouble(next, `${externalBatchId}: ${failure}`) : next;
}

function batchOf(
  { inFlight, order }: BulkState,
  { externalBatchId }: ClosedBatchReport,
): BatchInFlight | undefined {
  const n = bulkBatchOf(externalBatchId)?.n ?? 0;
  if (bulkBatchId(order.bulkId, n) !== externalBatchId) return undefined;
  return inFlight.find((batch) => batch.n === n);
}

/** What was enrolled before, and is now neither removed nor known to be enrolled. */
function takenBack(stage: Stage, { before }: BatchInFlight, { counts }: ClosedBatchReport): Stage {
  if (stage.name !== 'takingBack' || !before) return stage;
  const unsure = Math.max(
    0,
    before.counts.enrolled - counts.enrolled - (counts.rolledBack - before.counts.rolledBack),
  );
  return { ...stage, unsure: stage.unsure + unsure };
}

/** What a batch had come to before its cards were taken back counts no more. */
function withoutBatch(state: BulkState, { status, counts }: NonNullable<BatchInFlight['before']>): BulkState {
  return {
    ...state,
    byStatus: added(state.byStatus, status, -1),
    counts: addCounts(state.counts, counts, -1),
  };
}

function added(byStatus: BatchesByStatus, status: ClosedStatus, one: 1 | -1): BatchesByStatus {
  return { ...byStatus, [status]: byStatus[status] + one };
}

/** A check found why these batches do not go on; whatever held up any other does so no more. */
export function heldUp(state: BulkState, why: ReadonlyMap<number, string>): BulkState {
  const inFlight = state.inFlight.map((batch) => ({ ...batch, heldUpBy: why.get(batch.n) ?? null }));
  return { ...state, inFlight };
}

/** What needs an operator: the first few are shown. */
export function withTrouble(state: BulkState, text: string): BulkState {
  const { shown, all } = state.troubles;
  if (shown.includes(text)) return state;
  return {
    ...state,
    troubles: { shown: shown.length < TROUBLES_SHOWN ? [...shown, text] : shown, all: all + 1 },
  };
}

/** Batches that were silent for this long are looked at (ms): the first time, and at most. */
const FIRST_CHECK_MS = 10 * 60_000;
const RAREST_CHECK_MS = 6 * 3_600_000;

export function firstCheck(now: number): Check {
  return { at: now + FIRST_CHECK_MS, interval: FIRST_CHECK_MS, isNewsHere: false, isAskedFor: false };
}

/** When silent batches are to be looked at; null while none is in flight, so that a job that only waits sets no timer. */
export function nextCheck({ inFlight, check }: BulkState): number | null {
  if (inFlight.length === 0) return null;
  return check.isAskedFor ? 0 : check.at;
}

/** Whether a check is worth its while: not when a batch reported meanwhile. */
export function isWorthChecking({ check }: BulkState): boolean {
  return check.isAskedFor || !check.isNewsHere;
}

/** Who asks for a check while one is made gets another. */
export function checkBegun(state: BulkState): BulkState {
  return { ...state, check: { ...state.check, isAskedFor: false } };
}

/** A check is made, or was not worth its while: the next comes later and later while nothing happens. */
export function checkedAt(state: BulkState, now: number): BulkState {
  const { interval, isNewsHere } = state.check;
  const next = isNewsHere ? FIRST_CHECK_MS : Math.min(interval * 2, RAREST_CHECK_MS);
  return { ...state, check: { ...state.check, at: now + next, interval: next, isNewsHere: false } };
}
