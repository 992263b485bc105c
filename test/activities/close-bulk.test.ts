import { MockActivityEnvironment } from '@temporalio/testing';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { closeBulk } from '../../activities/close-bulk.js';
import { Blob } from '../../enrollment/blobs.js';
import { bulkAddress, bulkBatchId, NO_CARDS, noBatches, type BulkResult } from '../../enrollment/bulk.js';
import { getJson, putJson } from '../../store/store.js';
import { FakeTemporal, HERE } from '../retention/fake-temporal.js';
import { DamagedStore } from '../support/damaged-store.js';

const RECORDS = Blob.bulkRecords(HERE);

let store: DamagedStore;
let temporal: FakeTemporal;
beforeEach(async () => {
  store = await DamagedStore.create();
  temporal = new FakeTemporal();
});
afterEach(() => store.erase());

const keyOf = (n: number) => ({ program: 'demo', externalBatchId: bulkBatchId('job', n) });

/** Closes a job that has started, as far as it knows, the first batch of six that may be sealed. */
async function close(): Promise<void> {
  const result: BulkResult = {
    program: 'demo',
    bulkId: 'job',
    status: 'CANCELLED',
    batches: 1,
    byStatus: noBatches(),
    counts: NO_CARDS,
    rejects: 0,
    reasons: [],
  };
  const environment = new MockActivityEnvironment({}, { client: temporal.client() });
  await environment.run(closeBulk({ store, now: () => new Date() }), { result, lastSealed: 6 });
  expect(await getJson(store, bulkAddress(result), Blob.closed)).toMatchObject({ result });
}

it('erases the records of batches that were never begun, and remembers the job', async () => {
  for (const n of [1, 2, 3]) await putJson(store, keyOf(n), RECORDS, []);
  await close();
  expect(await store.list(keyOf(1))).toEqual([RECORDS]);
  for (const n of [2, 3]) expect(await store.list(keyOf(n))).toEqual([]);
});

it('leaves alone what it began before it was reset, and knows nothing of', async () => {
  const searchAttributes = { C2pBulkId: 'job' };
  for (const n of [2, 3]) await putJson(store, keyOf(n), RECORDS, []);
  temporal.has(keyOf(2), { status: 'RUNNING', searchAttributes });
  // As far as the store knows: Temporal has forgotten it.
  await putJson(store, keyOf(3), Blob.validated(1), []);
  await close();
  expect(await store.list(keyOf(2))).toEqual([RECORDS]);
  expect(await store.list(keyOf(3))).toEqual([RECORDS, Blob.validated(1)].sort());
});

it('erases only its own records where another has the id', async () => {
  await putJson(store, keyOf(2), RECORDS, []);
  await putJson(store, keyOf(2), Blob.records('a', HERE), []);
  temporal.has(keyOf(2), { status: 'RUNNING' });
  await close();
  expect(await store.list(keyOf(2))).toEqual([Blob.records('a', HERE)]);
});
