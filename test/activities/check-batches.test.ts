import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkBatches, type BatchToCheck, type CheckBatchesResult } from '../../activities/check-batches.js';
import { purgeBatch } from '../../activities/purge-batch.js';
import { Blob, type ClosedBatch } from '../../enrollment/blobs.js';
import { bulkBatchId } from '../../enrollment/bulk.js';
import { FailureType } from '../../enrollment/errors.js';
import type { Outcome } from '../../enrollment/outcomes.js';
import { cardKeysOf } from '../../enrollment/records.js';
import { getJson, putJson } from '../../store/store.js';
import { FakeTemporal, HERE, type FakeExecution } from '../retention/fake-temporal.js';
import { testRecords } from '../support/records.js';
import { DamagedStore, KEY_ELSEWHERE } from '../support/damaged-store.js';
import { batchEnroll } from '../../mastercard/api/batch-enroll.js';

const BULK = { program: 'demo', bulkId: 'job' };
const RECORDS = Blob.bulkRecords(HERE);
const DAY = 86_400_000;
const VALID = testRecords(2);
const searchAttributes = { C2pBulkId: 'job', C2pRecords: 2 };
const ENDED: FakeExecution = {
  status: 'COMPLETED',
  closeTime: new Date('2026-01-01'),
  chain: 'chain-1',
  searchAttributes,
};
const TERMINATED: FakeExecution = { ...ENDED, status: 'TERMINATED' };
const NOTHING: CheckBatchesResult = { reports: [], waiting: [], unreadable: [], own: [], taken: [] };

let store: DamagedStore;
let temporal: FakeTemporal;
beforeEach(async () => {
  store = await DamagedStore.create();
  temporal = new FakeTemporal();
});
afterEach(() => store.erase());

const keyOf = (n: number) => ({ program: 'demo', externalBatchId: bulkBatchId('job', n) });

async function sealed(n: number): Promise<void> {
  for (const [ref, value] of Object.entries({
    [RECORDS]: VALID,
    [Blob.validated(1)]: VALID,
    [Blob.cards]: cardKeysOf(VALID),
    [Blob.outcomes]: [],
  }))
    await putJson(store, keyOf(n), ref, value);
}

/** As its own workflow closes it. */
async function closed(n: number, chain = 'chain-1'): Promise<void> {
  await sealed(n);
  const outcomes = cardKeysOf(VALID).map((key): Outcome => ({ ...key, status: 'ENROLLED', round: 1 }));
  await putJson(store, keyOf(n), Blob.outcomes, outcomes);
  await purgeBatch({ store, recordRules: () => batchEnroll.records, now: () => new Date() })({
    batch: keyOf(n),
    chain,
    records: RECORDS,
    recordsDigest: 'k1:00',
    cards: 2,
    validated: true,
    status: 'COMPLETED',
    batchIds: ['mc-1'],
    reasons: [],
    remaining: { status: 'UNREPORTED', reason: 'NOT_SENT' },
  });
}

/** Two days from now, by Temporal's clock: all was written long before. */
async function check(batches: BatchToCheck[], inMs = 2 * DAY): Promise<CheckBatchesResult> {
  const info = { currentAttemptScheduledTimestampMs: Date.now() + inMs };
  const environment = new MockActivityEnvironment(info, {
    logger: new DefaultLogger('ERROR'),
    client: temporal.client(),
  });
  const activity = checkBatches({
    store,
    recordRules: () => batchEnroll.records,
    now: () => new Date(),
    graceMs: DAY,
  });
  return environment.run(activity, { bulk: BULK, batches });
}

const started = (n: number, chain = 'chain-1'): BatchToCheck => ({ n, cards: 2, chain });
const report = (n: number) => ({
  externalBatchId: bulkBatchId('job', n),
  chain: 'chain-1',
  status: 'COMPLETED',
  counts: expect.objectContaining({ cards: 2, enrolled: 2 }) as unknown,
});

describe('of a batch of the job', () => {
  it('nothing is reported while its workflow is open', async () => {
    await sealed(1);
    temporal.has(keyOf(1), { status: 'RUNNING', chain: 'chain-1', searchAttributes });
    expect(await check([started(1)])).toEqual(NOTHING);
  });

  it('its end is reported, whether Temporal still knows its workflow or has forgotten it', async () => {
    await closed(1);
    await closed(2);
    temporal.has(keyOf(1), ENDED);
    expect(await check([started(1), started(2)])).toMatchObject({
      ...NOTHING,
      reports: [report(1), report(2)],
    });
  });

  it('the report says until when it is kept, where its workflow was terminated within the grace time', async () => {
    await sealed(1);
    const closeTime = new Date(Date.now() + 1.5 * DAY);
    temporal.has(keyOf(1), { ...TERMINATED, closeTime });
    const before = await store.list(keyOf(1));
    const until = new Date(closeTime.getTime() + DAY).toISOString();
    const why = 'its workflow was terminated directly in Temporal (TERMINATED)';
    expect(await check([started(1)])).toEqual({ ...NOTHING, waiting: [{ n: 1, until, why }] });
    expect(await store.list(keyOf(1))).toEqual(before);
  });

  it.each<[string, FakeExecution | undefined]>([
    ['was terminated before', TERMINATED],
    ['is unknown to Temporal', undefined],
  ])('whose workflow %s the end is made here, and told', async (_, execution) => {
    await sealed(1);
    if (execution) temporal.has(keyOf(1), execution);
    const { reports, ...rest } = await check([started(1)]);
    expect(rest).toMatchObject({ waiting: [], unreadable: [], taken: [] });
    expect(reports).toMatchObject([
      {
        chain: 'chain-1',
        status: 'FAILED',
        failure: FailureType.BatchFailed,
        counts: { cards: 2, unreported: 2 },
      },
    ]);
    expect(await store.list(keyOf(1))).toEqual([Blob.closed, Blob.outcomes]);
    // Not told by a signal as well.
    expect(temporal.signals).toEqual([]);
    expect((await check([started(1)])).reports).toEqual(reports);
  });

  it('of which nothing is left anywhere the cards are reported by number', async () => {
    expect((await check([started(1)])).reports).toMatchObject([{ counts: { cards: 2, unreported: 2 } }]);
  });
});

describe('one bad batch hides no other:', () => {
  beforeEach(async () => {
    for (const n of [1, 2, 3]) {
      await closed(n);
      temporal.has(keyOf(n), ENDED);
    }
  });

  it.each(['alter', 'truncate', 'replace', 'delete'] as const)(
    'after %s of its closed record it is kept for the grace time, then closed anew with the outcomes that there are',
    async (damage) => {
      await store[damage](keyOf(2), Blob.closed);
      temporal.has(keyOf(2), { ...ENDED, closeTime: new Date(Date.now() + 1.5 * DAY) });
      const kept = await check([started(1), started(2), started(3)]);
      expect(kept).toMatchObject({ reports: [report(1), report(3)], waiting: [{ n: 2 }], unreadable: [] });
      temporal.has(keyOf(2), ENDED);
      const { reports } = await check([started(1), started(2), started(3)]);
      expect(reports).toMatchObject([
        report(1),
        { status: 'FAILED', counts: { enrolled: 2 }, chain: 'chain-1' },
        report(3),
      ]);
    },
  );

  it('where a key is missing the report says which', async () => {
    await store.sealUnderMissingKey(keyOf(2), Blob.closed);
    const { reports, unreadable } = await check([started(1), started(2), started(3)]);
    expect(reports).toMatchObject([report(1), report(3)]);
    expect(unreadable).toEqual([
      { n: 2, keyId: KEY_ELSEWHERE, message: expect.stringContaining(`key '${KEY_ELSEWHERE}'`) as string },
    ]);
  });

  it('so it is within the grace time, and where it is not known yet whose it is', async () => {
    await store.sealUnderMissingKey(keyOf(2), Blob.closed);
    temporal.has(keyOf(2), { ...ENDED, closeTime: new Date(Date.now() + 1.5 * DAY) });
    await closed(4);
    await store.sealUnderMissingKey(keyOf(4), Blob.closed);
    const { reports, waiting, unreadable } = await check([started(2), { n: 4, cards: 2 }, started(1)]);
    expect({ reports, waiting }).toMatchObject({ reports: [report(1)], waiting: [] });
    expect(unreadable.map(({ n, keyId }) => [n, keyId])).toEqual([
      [2, KEY_ELSEWHERE],
      [4, KEY_ELSEWHERE],
    ]);
  });

  it('so it is where it cannot be closed for want of a key', async () => {
    await sealed(4);
    await store.sealUnderMissingKey(keyOf(4), Blob.outcomes);
    temporal.has(keyOf(4), TERMINATED);
    const before = await store.list(keyOf(4));
    expect(await check([started(4), started(1)])).toMatchObject({
      reports: [report(1)],
      unreadable: [{ n: 4, keyId: KEY_ELSEWHERE }],
    });
    expect(await store.list(keyOf(4))).toEqual(before);
  });
});

describe('a batch that is being taken back', () => {
  it('keeps the outcomes that it has where its own workflow was terminated, whatever rounds were offered', async () => {
    await closed(1);
    const failed = cardKeysOf(VALID).map((key): Outcome => ({ ...key, status: 'FAILED', round: 1 }));
    await putJson(store, keyOf(1), Blob.removing, {});
    await putJson(store, keyOf(1), Blob.outcomes, failed);
    for (const round of [1, 2])
      await putJson(store, keyOf(1), Blob.offered(round), { batchId: `mc-${round}` });
    temporal.has(keyOf(1), { ...TERMINATED, chain: 'chain-2' });
    expect((await check([started(1, 'chain-2')])).reports).toMatchObject([{ counts: { failed: 2 } }]);
    expect(await getJson(store, keyOf(1), Blob.outcomes)).toEqual(failed);
    const { result } = await getJson<ClosedBatch>(store, keyOf(1), Blob.closed);
    expect(result.reasons).toHaveLength(2);
  });

  it('has not ended by the close before: its own workflow was terminated, so it is kept and then closed', async () => {
    await closed(1);
    const back = { ...TERMINATED, chain: 'chain-2', closeTime: new Date(Date.now() + 1.5 * DAY) };
    temporal.has(keyOf(1), back);
    expect(await check([started(1, 'chain-2')])).toMatchObject({ reports: [], waiting: [{ n: 1 }] });
    temporal.has(keyOf(1), { ...TERMINATED, chain: 'chain-2' });
    const { reports } = await check([started(1, 'chain-2')]);
    expect(reports).toMatchObject([{ chain: 'chain-2', status: 'FAILED', counts: { enrolled: 2 } }]);
    const { records, result } = await getJson<ClosedBatch>(store, keyOf(1), Blob.closed);
    expect(records).toBe(RECORDS);
    expect(result.reasons.join()).toContain('cards that count as enrolled may have been removed since');
  });
});

describe('a batch that the job could not start, since there was one of that id,', () => {
  const unknown = (n: number): BatchToCheck => ({ n, cards: 2 });

  it.each<FakeExecution>([{ status: 'RUNNING' }, { ...TERMINATED, searchAttributes: {} }])(
    'is another’s, as Temporal says, and is not touched',
    async (execution) => {
      await putJson(store, keyOf(1), Blob.records('a', HERE), VALID);
      await putJson(store, keyOf(1), Blob.outcomes, []);
      temporal.has(keyOf(1), execution);
      expect(await check([unknown(1)])).toEqual({ ...NOTHING, taken: [1] });
      expect(await store.list(keyOf(1))).toHaveLength(2);
    },
  );

  it('is another’s, as the store says of what Temporal has forgotten', async () => {
    await putJson(store, keyOf(1), Blob.records('a', HERE), VALID);
    await putJson(store, keyOf(2), Blob.closed, { records: Blob.records('a', HERE) });
    expect(await check([unknown(1), unknown(2)])).toEqual({ ...NOTHING, taken: [1, 2] });
  });

  it('is the job’s own, which was reset: open, closed, or to be closed', async () => {
    await sealed(1);
    temporal.has(keyOf(1), { status: 'RUNNING', searchAttributes });
    await closed(2);
    await sealed(3);
    temporal.has(keyOf(3), TERMINATED);
    const { reports, ...rest } = await check([unknown(1), unknown(2), unknown(3)]);
    expect(reports).toMatchObject([report(2), { status: 'FAILED', chain: 'chain-1' }]);
    expect(rest).toEqual({ waiting: [], unreadable: [], own: [1], taken: [] });
  });
});
