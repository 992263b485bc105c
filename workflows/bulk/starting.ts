import type { SealedBatch, SealedPage } from '../../activities/index.js';
import { FailureType } from '../../enrollment/errors.js';
import { batchClosed } from './reports.js';
import type { BatchInFlight, BulkState, WorkflowInFlight } from './state.js';

/** A page of the source is no longer than this, nor than the window: what is sealed does not wait long to be sent. */
export const MOST_BATCHES_A_PAGE = 50;
/** Few, so that the first batches are under way while the next page is read. */
const BATCHES_OF_FIRST_PAGE = 10;

const MINUTE_MS = 60_000;
/** A batch that comes late may be followed by others within this time (ms), so that the rate holds on average. */
const CATCHING_UP_MS = 1_000;

/** How many batches the next page may have; 0 where none is to be read. */
export function sizeOfNextPage({ stage, source, waiting, limits }: BulkState): number {
  if (stage.name !== 'enrolling' || source.isReadToEnd) return 0;
  const most = source.batches === 0 ? BATCHES_OF_FIRST_PAGE : MOST_BATCHES_A_PAGE;
  const size = Math.min(most, limits.maxBatchesInFlight);
  return waiting.length > size / 2 ? 0 : size;
}

/** A page is sealed: its batches wait to be started. A job that is ending has given it up. */
export function pageSealed(
  state: BulkState,
  { batches, rejects, ended, cursor, taken }: SealedPage,
): BulkState {
  if (!isEnrolling(state)) return state;
  const { source } = state;
  const next: BulkState = {
    ...state,
    waiting: [...state.waiting, ...batches],
    source: {
      cursor,
      isReadToEnd: ended,
      batches: source.batches + batches.length + taken.length,
      cards: source.cards + batches.reduce((cards, batch) => cards + batch.cards, 0),
      rejects: source.rejects + rejects,
    },
  };
  const withoutTaken = taken.reduce(leftOut, next);
  const isEmpty = ended && withoutTaken.source.batches === 0 && withoutTaken.source.rejects === 0;
  return isEmpty
    ? stopped(withoutTaken, FailureType.SourceUnusable, 'the source has no records')
    : withoutTaken;
}

/** Starts nothing more; what is in flight goes to its end, and then the job fails. */
export function stopped(state: BulkState, failure: FailureType, reason: string): BulkState {
  if (!isEnrolling(state)) return state;
  return { ...state, stage: { name: 'finishing', stopped: { failure, reason } } };
}

/** Whether batches are to be started, now or when the job is resumed. */
export function isEnrolling({ stage }: BulkState): boolean {
  return stage.name === 'enrolling' || stage.name === 'paused';
}

export function hasRoom({ inFlight, limits }: BulkState): boolean {
  return inFlight.length < limits.maxBatchesInFlight;
}

/** From when on the next batch may be started (ms since the epoch); null where none is to be. */
export function nextStart(state: BulkState): number | null {
  const isNext = state.stage.name === 'enrolling' && state.waiting.length > 0 && hasRoom(state);
  return isNext ? state.nextStartAt : null;
}

/** Takes the next batch of the source, which is then in flight. */
export function batchTaken(state: BulkState, now: number): [BulkState, SealedBatch] {
  const [batch, ...waiting] = state.waiting;
  if (!batch) throw new Error('no batch waits to be started');
  const { batchesPerMinute } = state.limits;
  const next = {
    ...state,
    waiting,
    nextStartAt:
      batchesPerMinute === null
        ? state.nextStartAt
        : Math.max(state.nextStartAt, now - CATCHING_UP_MS) + MINUTE_MS / batchesPerMinute,
  };
  return [begins(next, { n: batch.n, cards: batch.cards, before: null }), batch];
}

/** A batch is in flight, and Temporal is about to start its workflow. */
export function begins(state: BulkState, batch: Pick<BatchInFlight, 'n' | 'cards' | 'before'>): BulkState {
  return {
    ...state,
    inFlight: [...state.inFlight, { ...batch, workflow: { is: 'starting', early: null }, heldUpBy: null }],
  };
}

/** Temporal has started the workflow of a batch; it may have reported already. */
export function batchStarted(state: BulkState, n: number, chain: string): BulkState {
  const workflow = state.inFlight.find((batch) => batch.n === n)?.workflow;
  const next = withWorkflow(state, n, { is: 'started', chain });
  return workflow?.is === 'starting' && workflow.early ? batchClosed(next, workflow.early) : next;
}

/** There was a batch of that id before: whose it is, is looked at at once. */
export function contested(state: BulkState, n: number): BulkState {
  const next = withWorkflow(state, n, { is: 'contested' });
  return { ...next, check: { ...state.check, isAskedFor: true } };
}

/** A contested batch is the job's own, and goes on. */
export function found(state: BulkState, n: number): BulkState {
  return withWorkflow(state, n, { is: 'found' });
}

function withWorkflow(state: BulkState, n: number, workflow: WorkflowInFlight): BulkState {
  return {
    ...state,
    inFlight: state.inFlight.map((batch) => (batch.n === n ? { ...batch, workflow } : batch)),
  };
}

/** A batch whose id belongs to another batch is left out: its cards are not sent. */
export function leftOut(state: BulkState, n: number): BulkState {
  if (state.notStarted.includes(n)) return state;
  const cards = state.inFlight.find((batch) => batch.n === n)?.cards ?? 0;
  return {
    ...state,
    inFlight: state.inFlight.filter((batch) => batch.n !== n),
    notStarted: [...state.notStarted, n],
    source: { ...state.source, cards: state.source.cards - cards },
  };
}

/** The number of the last batch that was started or left out, with all before it. */
export function lastReached({ waiting, source }: BulkState): number {
  return waiting[0] ? waiting[0].n - 1 : source.batches;
}

/** Which batches were started. What comes behind the last of them was not, whosever its id is. */
export function startedBatches(state: BulkState): { batches: number; notStarted: number[] } {
  const last = lastReached(state);
  const notStarted = state.notStarted.filter((n) => n <= last);
  return { batches: last - notStarted.length, notStarted };
}

/** The number of the last batch that may be sealed: a page that was given up is not counted among those found. */
export function lastSealed({ source }: BulkState): number {
  return source.batches + MOST_BATCHES_A_PAGE;
}
