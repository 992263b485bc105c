import { afterEach, beforeEach, expect, it } from 'vitest';
import { enrolledBatches } from '../../activities/enrolled-batches.js';
import { Blob } from '../../enrollment/blobs.js';
import { bulkBatchId, NO_CARDS } from '../../enrollment/bulk.js';
import { putJson } from '../../store/store.js';
import { DamagedStore, KEY_ELSEWHERE } from '../support/damaged-store.js';

const bulk = { program: 'demo', bulkId: 'job' };

let store: DamagedStore;
beforeEach(async () => {
  store = await DamagedStore.create();
});
afterEach(() => store.erase());

const keyOf = (n: number) => ({ program: 'demo', externalBatchId: bulkBatchId('job', n) });

async function closed(n: number, enrolled = 2, records = Blob.bulkRecords()): Promise<void> {
  const result = { status: 'COMPLETED', batchIds: [`mc-${n}`], counts: { ...NO_CARDS, cards: 2, enrolled } };
  await putJson(store, keyOf(n), Blob.closed, { recordsDigest: 'k1:00', records, result });
}

const numbers = (batches: { n: number }[]) => batches.map(({ n }) => n);

it('tells which closed batches have cards enrolled, the last first, so many as are asked for', async () => {
  for (const n of [1, 2, 4, 5]) await closed(n);
  await closed(3, 0);
  const look = enrolledBatches({ store });
  expect(numbers((await look({ bulk, from: 5, most: 4 })).batches)).toEqual([5, 4, 2]);
  expect(await look({ bulk, from: 1, most: 4 })).toEqual({
    batches: [
      {
        n: 1,
        recordsDigest: 'k1:00',
        status: 'COMPLETED',
        batchIds: ['mc-1'],
        counts: { ...NO_CARDS, cards: 2, enrolled: 2 },
      },
    ],
    unreadable: [],
  });
});

it('names those whose record does not open, and all others', async () => {
  for (const n of [1, 2, 3, 4, 5]) await closed(n);
  await store.alter(keyOf(4), Blob.closed);
  await store.truncate(keyOf(3), Blob.closed);
  await store.sealUnderMissingKey(keyOf(2), Blob.closed);
  const { batches, unreadable } = await enrolledBatches({ store })({ bulk, from: 5, most: 5 });
  expect(numbers(batches)).toEqual([5, 1]);
  expect(unreadable.map(({ n, keyId }) => [n, keyId])).toEqual([
    [4, undefined],
    [3, undefined],
    [2, KEY_ELSEWHERE],
  ]);
  for (const { message } of unreadable) expect(message).toContain('cannot open the sealed blob');
});

it('does not have a batch of another taken back', async () => {
  await closed(1);
  await closed(2, 2, Blob.records('an-attempt'));
  const { batches } = await enrolledBatches({ store })({ bulk, from: 2, most: 2 });
  expect(numbers(batches)).toEqual([1]);
});
