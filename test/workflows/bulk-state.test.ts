import { describe, expect, test } from 'vitest';
import type { SealedBatch, SealedPage } from '../../activities/index.js';
import { bulkBatchId, DEFAULT_BULK_LIMITS, wasStarted } from '../../enrollment/bulk.js';
import { resolvePolicy } from '../../enrollment/policy.js';
import { begun } from '../../workflows/bulk/begin.js';
import { jobCancelledBy } from '../../workflows/bulk/cancellation.js';
import { isDone, resultOf } from '../../workflows/bulk/ending.js';
import { jobReasons } from '../../workflows/bulk/progress.js';
import { batchClosed, checkedAt, heldUp, isWorthChecking, nextCheck } from '../../workflows/bulk/reports.js';
import {
  batchStarted,
  batchTaken,
  contested,
  found,
  leftOut,
  nextStart,
  pageSealed,
} from '../../workflows/bulk/starting.js';
import { cancelBulkUpdate } from '../../workflows/bulk/messages.js';
import type { BulkState } from '../../workflows/bulk/state.js';
import { message } from '../support/message.js';

const sealed = (n: number): SealedBatch => ({
  n,
  begun: false,
  records: 'records',
  recordsDigest: 'k1:00',
  consumers: 3,
  cards: 3,
  line: 3 * n - 2,
});

const page = (batches: number[], taken: number[] = []): SealedPage => ({
  batches: batches.map(sealed),
  taken,
  rejects: 0,
  ended: true,
  cursor: {} as SealedPage['cursor'],
});

/** A job whose source is read to its end, and that has started so many batches, each by the workflow `chain-<n>`. */
function job(sealedPage: SealedPage, started: number): BulkState {
  const order = { program: 'demo', bulkId: 'job', source: { path: 'a.jsonl' }, maxCardsPerBatch: 3 };
  const limits = DEFAULT_BULK_LIMITS;
  let state = pageSealed(
    begun({ ...order, limits, onCancel: 'finish', policy: resolvePolicy({}) }, 0),
    sealedPage,
  );
  for (let times = 0; times < started; times += 1) {
    const [next, { n }] = batchTaken(state, 0);
    state = batchStarted(next, n, `chain-${n}`);
  }
  return state;
}

const ENROLLED = { cards: 3, pending: 0, enrolled: 3, failed: 0, invalid: 0, rolledBack: 0, unreported: 0 };
const report = (n: number, chain = `chain-${n}`) => ({
  externalBatchId: bulkBatchId('job', n),
  chain,
  status: 'COMPLETED' as const,
  counts: ENROLLED,
});

describe('a batch whose id another has', () => {
  test('counts as left out where the job came to it, also as the last of all', () => {
    const state = batchClosed(batchClosed(job(page([1, 2], [3]), 2), report(1)), report(2));
    const result = resultOf(state);
    expect(result).toMatchObject({ status: 'FAILED', failure: 'BatchIdTaken', batches: 2, notStarted: [3] });
  });

  test('makes no batch before it count as started, where the job was cancelled before it came there', () => {
    const [cancel] = message(cancelBulkUpdate, {});
    const state = jobCancelledBy(batchClosed(job(page([1, 2, 3, 4], [5]), 1), report(1)), cancel);
    const result = resultOf(state);
    expect(result).toMatchObject({ status: 'CANCELLED', batches: 1, notStarted: [], stoppedAtLine: 4 });
    expect([1, 2, 3, 4, 5].filter((n) => wasStarted(result, n))).toEqual([1]);
  });

  test('takes its cards with it when it is left out after its turn came', () => {
    const [state] = batchTaken(job(page([1, 2]), 1), 0);
    const { source, inFlight } = leftOut(contested(state, 2), 2);
    expect([source.cards, inFlight.map(({ n }) => n)]).toEqual([3, [1]]);
  });
});

describe('a contested batch', () => {
  test('is looked at at once, whatever else reports meanwhile', () => {
    const [state] = batchTaken(job(page([1, 2]), 1), 0);
    const asked = batchClosed(contested(state, 2), report(1));
    expect(isWorthChecking(asked)).toBe(true);
    expect(nextCheck(asked)).toBe(0);
  });

  test('that is the job’s own is closed by a report of a workflow that the job knows nothing of', () => {
    const [state] = batchTaken(job(page([1]), 0), 0);
    const closed = batchClosed(found(contested(state, 1), 1), report(1, 'another life'));
    expect(closed).toMatchObject({ inFlight: [], counts: { enrolled: 3 } });
  });
});

describe('a report', () => {
  test('about another workflow than the one that the job started is none', () => {
    const state = job(page([1]), 1);
    expect(batchClosed(state, report(1, 'another'))).toBe(state);
  });

  test('that comes before Temporal says which workflow it has started counts as soon as it does', () => {
    const [starting] = batchTaken(job(page([1]), 0), 0);
    const early = batchClosed(starting, report(1));
    expect(early.inFlight).toHaveLength(1);
    expect(batchStarted(early, 1, 'chain-1')).toMatchObject({ inFlight: [], counts: { enrolled: 3 } });
    expect(batchStarted(early, 1, 'another').inFlight).toHaveLength(1);
  });

  test('about a workflow that nobody knows any more is about the only one that there was', () => {
    expect(batchClosed(job(page([1]), 1), report(1, ''))).toMatchObject({ inFlight: [] });
  });
});

test('a job starts as many batches as its limit allows, and is done when the last of them is closed', () => {
  const limits = { maxBatchesInFlight: 2, batchesPerMinute: null };
  const full = { ...job(page([1, 2, 3]), 2), limits };
  expect(nextStart(full)).toBeNull();
  const withRoom = batchClosed(full, report(1));
  expect(nextStart(withRoom)).not.toBeNull();
  const [last] = batchTaken(batchClosed(withRoom, report(2)), 0);
  const started = batchStarted(last, 3, 'chain-3');
  expect(isDone(started)).toBe(false);
  expect(isDone(batchClosed(started, report(3)))).toBe(true);
});

test('what holds a batch up is shown once, however often it is found, and no longer than it does', () => {
  const why = new Map([[1, 'a key is missing']]);
  const twice = heldUp(heldUp(job(page([1, 2]), 2), why), why);
  expect(jobReasons(twice)).toEqual(['job-000001: a key is missing']);
  expect(jobReasons(batchClosed(twice, report(1)))).toEqual([]);
});

test('silent batches are looked at rarer and rarer, at the rarest every six hours; without one in flight never', () => {
  let state = job(page([1]), 1);
  const waits: number[] = [];
  for (let looks = 0; looks < 8; looks += 1) {
    const at = nextCheck(state)!;
    state = checkedAt(state, at);
    waits.push((nextCheck(state)! - at) / 60_000);
  }
  expect(waits).toEqual([20, 40, 80, 160, 320, 360, 360, 360]);
  expect(nextCheck(batchClosed(state, report(1)))).toBeNull();
});
