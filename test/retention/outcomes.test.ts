import type { ProgramDependencies } from '../../activities/dependencies.js';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { validateBatch } from '../../activities/validate-batch.js';
import { Blob } from '../../enrollment/blobs.js';
import type { Outcome } from '../../enrollment/outcomes.js';
import { digestedBytes } from '../../protection/records-digest.js';
import { closeBatch, type BatchToClose } from '../../retention/close-batch.js';
import { readOutcomes } from '../../retention/outcomes.js';
import { putJson } from '../../store/store.js';
import { DamagedStore } from '../support/damaged-store.js';
import { testRecords } from '../support/records.js';
import { batchEnroll } from '../../mastercard/api/batch-enroll.js';

const batch = { program: 'demo', externalBatchId: 'batch-1' };
const outcome = (status: Outcome['status']): Outcome => ({
  externalConsumerId: 'cust-1',
  externalCardId: 'card-100',
  status,
  round: 1,
});

let store: DamagedStore;
beforeEach(async () => {
  store = await DamagedStore.create();
});
afterEach(() => store.erase());

/** Closes the batch with these outcomes, or with those that it has. */
async function close(outcomes: Outcome[] | undefined, changes: Partial<BatchToClose> = {}) {
  if (outcomes) await putJson(store, batch, Blob.outcomes, outcomes);
  const closed = await closeBatch(
    { store, recordRules: () => batchEnroll.records, now: () => new Date() },
    {
      batch,
      chain: 'chain-1',
      records: 'records-1',
      recordsDigest: 'k1:00',
      cards: 1,
      validated: true,
      status: 'COMPLETED',
      batchIds: ['mc-1'],
      reasons: [],
      remaining: { status: 'UNREPORTED', reason: 'NOT_REPORTED' },
      ...changes,
    },
  );
  if (closed.kind !== 'closed') throw new Error(closed.message);
  return closed.result;
}

test('Older outcomes that were put back are refused, and the error says what to restore', async () => {
  await putJson(store, batch, Blob.cards, [outcome('ENROLLED')]);
  await putJson(store, batch, Blob.outcomes, []);
  const putBack = await store.older(batch, Blob.outcomes);
  await close([outcome('ENROLLED')]);
  expect(await readOutcomes(store, batch)).toEqual([outcome('ENROLLED')]);
  await putBack();
  await expect(readOutcomes(store, batch)).rejects.toMatchObject({
    reason: 'replaced',
    message: expect.stringMatching(/"outcomes".*an older one was put back; restore the newer one/) as string,
  });
});

test('A batch whose outcomes were put back is closed again without them, and asks for an operator', async () => {
  await putJson(store, batch, Blob.cards, [outcome('ENROLLED')]);
  await putJson(store, batch, Blob.outcomes, []);
  const putBack = await store.older(batch, Blob.outcomes);
  await close([outcome('ENROLLED')]);
  await putBack();
  const again = await close(undefined, { chain: 'chain-2', reasons: ['again'] });
  expect(again).toMatchObject({ status: 'FAILED', counts: { unreported: 1 } });
  expect(again.reasons).toContainEqual(expect.stringContaining("the blob 'outcomes' is altered"));
});

test('While cards of a closed batch are removed, its outcomes are those of now', async () => {
  await putJson(store, batch, Blob.cards, [outcome('ENROLLED')]);
  await close([outcome('ENROLLED')]);
  await putJson(store, batch, Blob.removing, {});
  await putJson(store, batch, Blob.outcomes, [outcome('ROLLED_BACK')]);
  expect(await readOutcomes(store, batch)).toEqual([outcome('ROLLED_BACK')]);
});

test('Records that are not the ones that a batch was started with are not validated', async () => {
  const { keyRing } = store;
  await putJson(store, batch, 'records-1', testRecords(1));
  const putBack = await store.older(batch, 'records-1');
  await putJson(store, batch, 'records-1', testRecords(2));
  const recordsDigest = keyRing.digest(digestedBytes(testRecords(2)));
  const validate = () =>
    validateBatch({
      store,
      keyRing,
      program: () => ({ api: batchEnroll }) as ProgramDependencies,
      now: () => new Date(),
    })({
      batch,
      chain: 'chain-1',
      records: 'records-1',
      recordsDigest,
    });
  expect(await validate()).toMatchObject({ kind: 'validated', cards: 2 });
  await putBack();
  expect(await validate()).toMatchObject({
    kind: 'unreadable',
    why: 'altered',
    ref: 'records-1',
    message: expect.stringContaining('an older one was put back') as string,
  });
});
