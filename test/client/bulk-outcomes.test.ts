import type { Client } from '@temporalio/client';
import { expect, test } from 'vitest';
import { retainedBytes } from '../../bench/memory.js';
import { BulkEnrollment } from '../../client/bulk-enrollment.js';
import { Blob } from '../../enrollment/blobs.js';
import { bulkBatchId, bulkBatchOf, noBatches, NO_CARDS } from '../../enrollment/bulk.js';
import type { Outcome } from '../../enrollment/outcomes.js';
import { digestOfOutcomes } from '../../retention/outcomes.js';
import { SealedBlobMissingError, type BatchAddress, type BatchStore } from '../../store/store.js';

const KEY = { program: 'demo', bulkId: 'portfolio' };
const CARDS_A_BATCH = 250;

/** What a store has of a job: of a batch nothing, its records, or its end. */
type Kept = 'nothing' | 'open' | 'closed';

/** A store with as many batches as one likes, none of them in memory. */
function madeUpStore(keptOf: (n: number) => Kept, closedWith?: number) {
  const asked = { at: 0, most: 0, calls: 0 };
  const told = async <T>(answer: T): Promise<T> => {
    asked.calls += 1;
    asked.most = Math.max(asked.most, (asked.at += 1));
    await new Promise((resolve) => setImmediate(resolve));
    asked.at -= 1;
    return answer;
  };
  const numberOf = ({ externalBatchId }: BatchAddress) => bulkBatchOf(externalBatchId)?.n;
  const blobsOf = (address: BatchAddress): string[] => {
    const n = numberOf(address);
    if (n === undefined) return closedWith === undefined ? [] : [Blob.closed];
    const blobs = { nothing: [], open: ['records-1', Blob.outcomes], closed: [Blob.closed, Blob.outcomes] };
    return blobs[keptOf(n)];
  };
  const store = {
    has: (address: BatchAddress, ref: string) => told(blobsOf(address).includes(ref)),
    list: (address: BatchAddress) => told(blobsOf(address)),
    get: async (address: BatchAddress, ref: string) => {
      const n = numberOf(address);
      if (!(await told(blobsOf(address).includes(ref)))) throw new SealedBlobMissingError(address, ref);
      const closed = (outcomes: Outcome[]) => ({ outcomesDigest: digestOfOutcomes(outcomes) });
      if (n === undefined) return bytesOf({ result: closedResult(closedWith!) });
      return bytesOf(ref === Blob.closed ? closed(outcomesOf(n)) : outcomesOf(n));
    },
  };
  return { store: store as unknown as BatchStore, asked };
}

function bytesOf(value: object): Buffer {
  return Buffer.from(JSON.stringify(value));
}

function closedResult(batches: number) {
  const byStatus = noBatches();
  return { ...KEY, status: 'COMPLETED', batches, byStatus, counts: NO_CARDS, rejects: 0, reasons: [] };
}

function outcomesOf(n: number): Outcome[] {
  return Array.from({ length: CARDS_A_BATCH }, (_, at) => {
    const card = String((n - 1) * CARDS_A_BATCH + at);
    return { externalConsumerId: `c-${card}`, externalCardId: card, status: 'ENROLLED', round: 1 };
  });
}

/** A Temporal whose workflow no worker answers for; by default it has forgotten the job, and must not be asked. */
function temporal(knows: 'nothing' | 'the job' = 'nothing'): Client {
  const workflow = {
    workflowId: 'bulk',
    query: () => Promise.reject(new Error(knows === 'nothing' ? 'Temporal was asked' : 'no answer')),
    describe: () =>
      Promise.resolve({
        status: { name: 'RUNNING' },
        taskQueue: 'c2p',
        typedSearchAttributes: { get: () => undefined },
        startTime: new Date(),
        raw: {},
      }),
  };
  return {
    withDeadline: (_: number, ask: () => unknown) => ask(),
    workflow: { getHandle: () => workflow },
  } as unknown as Client;
}

function job(store: BatchStore, client = temporal()): BulkEnrollment {
  return new BulkEnrollment(KEY, { temporal: client, looking: client, store });
}

test('the outcomes of 100,000 cards come in their order, in the memory that 10,000 take', async () => {
  const { store } = madeUpStore(() => 'closed', 400);
  const retained: number[] = [];
  let n = 0;
  for await (const { externalBatchId, externalCardId } of job(store).outcomes()) {
    if (externalCardId !== String(n)) expect(externalCardId).toBe(String(n));
    const batch = bulkBatchId(KEY.bulkId, 1 + Math.floor(n / CARDS_A_BATCH));
    if (externalBatchId !== batch) expect(externalBatchId).toBe(batch);
    n += 1;
    if (n % 10_000 === 0) retained.push(retainedBytes());
  }
  expect(n).toBe(100_000);
  // All outcomes together are three times this.
  expect(Math.max(...retained) - retained[0]!).toBeLessThan(4 * 1024 ** 2);
});

test('a report makes two calls a batch, eight batches at a time', async () => {
  const { store, asked } = madeUpStore(() => 'closed', 100);
  for await (const _ of job(store).outcomes()) void _;
  // The closed record, its existence, and that there is no order.
  expect(asked.calls).toBeLessThanOrEqual(100 * 2 + 3);
  expect(asked.most).toBe(8);
});

test('who takes slowly has no more than a few batches read ahead', async () => {
  const { store, asked } = madeUpStore(() => 'closed', 1_000);
  const outcomes = job(store).outcomes();
  for (let taken = 0; taken < CARDS_A_BATCH; taken += 1) {
    await outcomes.next();
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(asked.calls).toBeLessThan(2 * 20);
  await outcomes.return(undefined);
});

test('of an open job that no worker answers for, what the store has is returned, over gaps', async () => {
  const kept: Record<number, Kept> = { 1: 'closed', 2: 'open', 3: 'nothing', 4: 'nothing', 5: 'closed' };
  const { store } = madeUpStore((n) => kept[n] ?? 'nothing');
  const told = new Set<string>();
  for await (const { externalBatchId } of job(store, temporal('the job')).outcomes())
    told.add(externalBatchId);
  expect([...told]).toEqual(['portfolio-000001', 'portfolio-000005']);
});

test('the progress of a job that no worker answers for says why, and shows the last known state', async () => {
  const progress = await job(madeUpStore(() => 'open').store, temporal('the job')).progress();
  expect(progress).toMatchObject({ counts: { cards: 0 }, reasons: [] });
  expect(progress.error).toMatch(/^no worker answers on task queue 'c2p'/);
  expect(progress).not.toHaveProperty('limits');
});
