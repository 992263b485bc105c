import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { listEnrolled } from '../../activities/list-enrolled.js';
import { Blob, type ClosedBatch } from '../../enrollment/blobs.js';
import { FailureType } from '../../enrollment/errors.js';
import { MAY_BE_ENROLLED, type Outcome } from '../../enrollment/outcomes.js';
import { cardKeysOf } from '../../enrollment/records.js';
import { closeOrphan, type OrphanEnd, type OrphanOptions } from '../../retention/close-orphan.js';
import { findOrphans } from '../../retention/orphans.js';
import { getJson, putJson } from '../../store/store.js';
import { DamagedStore, KEY_ELSEWHERE } from '../support/damaged-store.js';
import { jweOf, testRecords } from '../support/records.js';
import { FakeTemporal, HERE, OTHER, type FakeExecution } from './fake-temporal.js';
import { batchEnroll } from '../../mastercard/api/batch-enroll.js';

const BATCH = { program: 'demo', externalBatchId: 'portfolio-000007' };
const JOB = { program: 'demo', bulkId: 'portfolio' };
const RECORDS = Blob.bulkRecords(HERE);
const HOUR = 3_600_000;
const VALID = testRecords(2);
const TERMINATED: FakeExecution = {
  status: 'TERMINATED',
  closeTime: new Date('2026-01-01'),
  chain: 'chain-1',
  memo: { recordsDigest: 'k1:00', records: RECORDS },
  searchAttributes: { C2pBulkId: 'portfolio', C2pRecords: 2 },
};
const PROCESSING = {
  [RECORDS]: VALID,
  [Blob.validated(1)]: VALID,
  [Blob.cards]: cardKeysOf(VALID),
  [Blob.outcomes]: [],
  [jweOf(1)]: 'a JWE',
  [Blob.offered(1)]: { chain: 'chain-1', offeredAt: '2026-01-01T00:00:00.000Z', batchId: 'mc-1' },
};

let store: DamagedStore;
let temporal: FakeTemporal;
beforeEach(async () => {
  store = await DamagedStore.create();
  temporal = new FakeTemporal();
  temporal.hasJob(JOB, { status: 'RUNNING' });
});
afterEach(() => store.erase());

async function put(blobs: Record<string, unknown>): Promise<void> {
  for (const [ref, value] of Object.entries(blobs)) await putJson(store, BATCH, ref, value);
}

/** Closes the one orphan there is, two hours from now. */
async function close(options: Partial<OrphanOptions> = {}): Promise<OrphanEnd> {
  const now = new Date(Date.now() + 2 * HOUR);
  const client = temporal.client();
  for await (const orphan of findOrphans(store, { temporal: client, graceMs: HOUR, now }))
    return closeOrphan(
      { temporal: client, store, recordRules: () => batchEnroll.records, now: () => now },
      orphan,
      { by: 'a test', ...options },
    );
  throw new Error('there is no orphan');
}

const outcomes = () => getJson<Outcome[]>(store, BATCH, Blob.outcomes);
const closedBatch = () => getJson<ClosedBatch>(store, BATCH, Blob.closed);

describe('a batch that was terminated while Mastercard had it', () => {
  beforeEach(async () => {
    await put(PROCESSING);
    temporal.has(BATCH, TERMINATED);
  });

  it('is closed as FAILED with an outcome for every card, and remembered; nothing else is left', async () => {
    const end = await close();
    expect(end).toMatchObject({ kind: 'closed', blobs: 4 });
    expect(await store.list(BATCH)).toEqual([Blob.closed, Blob.offered(1), Blob.outcomes]);
    expect(await closedBatch()).toMatchObject({
      chain: 'chain-1',
      recordsDigest: 'k1:00',
      records: RECORDS,
      result: {
        ...BATCH,
        status: 'FAILED',
        failure: FailureType.BatchFailed,
        batchIds: ['mc-1'],
        counts: { cards: 2, unreported: 2 },
        reasons: ['its workflow was terminated directly in Temporal (TERMINATED)'],
      },
    });
    expect(await outcomes()).toEqual(
      cardKeysOf(VALID).map((key) => ({
        ...key,
        status: 'UNREPORTED',
        reason: 'TERMINATED_IN_TEMPORAL',
        details: [MAY_BE_ENROLLED],
      })),
    );
  });

  it('says that cards which count as enrolled may be out again where their removal had begun', async () => {
    const enrolled = cardKeysOf(VALID).map((key) => ({ ...key, status: 'ENROLLED' }));
    await putJson(store, BATCH, Blob.outcomes, enrolled);
    await listEnrolled({ store })({ batch: BATCH });
    await close();
    expect((await closedBatch()).result).toMatchObject({
      counts: { cards: 2, enrolled: 2 },
      reasons: [
        'its workflow was terminated directly in Temporal (TERMINATED)',
        'its cards were being removed again: those that count as enrolled may have been removed',
      ],
    });
    expect(await store.list(BATCH)).toEqual([Blob.closed, Blob.offered(1), Blob.outcomes]);
  });

  it('is reported to its job, with the chain that it is about', async () => {
    await close();
    expect(temporal.signals).toEqual([
      {
        workflowId: 'bulk-enrollment/demo/portfolio',
        name: 'batchClosed',
        args: [
          {
            id: 'portfolio-000007/chain-1/closed',
            by: 'a test',
            for: 'batchClosed',
            reason: 'its workflow was terminated directly in Temporal (TERMINATED)',
            body: {
              externalBatchId: 'portfolio-000007',
              chain: 'chain-1',
              status: 'FAILED',
              failure: FailureType.BatchFailed,
              counts: {
                cards: 2,
                pending: 0,
                enrolled: 0,
                failed: 0,
                invalid: 0,
                rolledBack: 0,
                unreported: 2,
              },
            },
          },
        ],
      },
    ]);
  });

  it('is closed also where its job is gone, or over', async () => {
    temporal.hasJob(JOB, { status: 'COMPLETED', closeTime: new Date('2026-01-01') });
    expect(await close()).toMatchObject({ kind: 'closed' });
    expect(temporal.signals).toEqual([]);
  });

  it('is not told to a job that has not started it', async () => {
    temporal.has(BATCH, { ...TERMINATED, searchAttributes: { C2pRecords: 2 } });
    expect(await close()).toMatchObject({ kind: 'closed' });
    expect(temporal.signals).toEqual([]);
  });

  it('keeps what Mastercard reported', async () => {
    const known = cardKeysOf(VALID).map((key) => ({ ...key, status: 'ENROLLED', round: 1 }));
    await put({ [Blob.outcomes]: known });
    // Needed only to find out which cards have no answer.
    await store.delete(BATCH, Blob.validated(1));
    expect(await close()).toMatchObject({ result: { counts: { enrolled: 2 }, reasons: { length: 1 } } });
    expect(await outcomes()).toEqual(known);
  });

  it('says what is lost where its blobs are', async () => {
    for (const ref of [Blob.outcomes, Blob.cards, RECORDS]) await store.truncate(BATCH, ref);
    const end = await close();
    expect(end).toMatchObject({ kind: 'closed', result: { counts: { cards: 2, unreported: 2 } } });
    expect((await closedBatch()).result.reasons.join()).toContain('ask Mastercard about batchId mc-1');
  });

  it('waits for a key that is missing, unless an operator says to close it without', async () => {
    await store.sealUnderMissingKey(BATCH, Blob.outcomes);
    const before = await store.list(BATCH);
    expect(await close()).toMatchObject({ kind: 'unreadable', why: 'keyMissing', keyId: KEY_ELSEWHERE });
    expect(await store.list(BATCH)).toEqual(before);
    expect(temporal.signals).toEqual([]);
    expect(await close({ withoutUnreadable: true })).toMatchObject({ kind: 'closed' });
    expect(await store.list(BATCH)).toEqual([Blob.closed, Blob.offered(1), Blob.outcomes]);
  });
});

it('a batch that was never offered is closed, and none of its cards may be enrolled', async () => {
  await put({ [RECORDS]: VALID });
  temporal.has(BATCH, TERMINATED);
  await close();
  expect((await outcomes()).map(({ reason, details }) => ({ reason, details }))).toEqual(
    VALID.map(() => ({ reason: 'TERMINATED_IN_TEMPORAL', details: undefined })),
  );
});

it('a batch that Temporal has forgotten is closed where it had been begun, once its job is over', async () => {
  await put(PROCESSING);
  await expect(close()).rejects.toThrow('no orphan');
  temporal.hasJob(JOB, { status: 'TERMINATED', closeTime: new Date('2026-01-01') });
  expect(await close()).toMatchObject({ kind: 'closed', result: { status: 'FAILED', batchIds: ['mc-1'] } });
  expect((await closedBatch()).result.reasons).toEqual(['its workflow is unknown to Temporal']);
});

it('a batch of another namespace is closed only where somebody says that it is open nowhere', async () => {
  await put({ [Blob.records('a', OTHER)]: VALID, [Blob.outcomes]: [], [Blob.cards]: cardKeysOf(VALID) });
  temporal.hasJob(JOB, { status: 'TERMINATED', closeTime: new Date('2026-01-01') });
  expect(await close()).toEqual({ kind: 'leftAlone' });
  expect(await close({ elsewhere: true })).toMatchObject({
    kind: 'closed',
    result: { counts: { cards: 2 } },
  });
});

describe('a batch that was terminated while it closed itself', () => {
  const decided = {
    closed: {
      close: 'its own',
      chain: 'chain-1',
      recordsDigest: 'k1:00',
      records: RECORDS,
      closedAt: '2026-01-01T00:00:00.000Z',
      result: { ...BATCH, status: 'COMPLETED', batchIds: ['mc-1'], reasons: [], outcomes: Blob.outcomes },
    },
    outcomes: cardKeysOf(VALID).map((key) => ({ ...key, status: 'ENROLLED', round: 1 })),
  };

  it('is closed as it had decided', async () => {
    await put({ [RECORDS]: VALID, [Blob.outcomes]: [], [Blob.closing]: decided });
    temporal.has(BATCH, TERMINATED);
    expect(await close()).toMatchObject({ kind: 'closed', result: { status: 'COMPLETED' } });
    expect(await closedBatch()).toEqual(decided.closed);
    expect(await outcomes()).toEqual(decided.outcomes);
    expect(await store.list(BATCH)).toEqual([Blob.closed, Blob.outcomes]);
  });

  it('is left as it closed where no more than that was to be forgotten', async () => {
    await put({ [Blob.closing]: decided, [Blob.closed]: decided.closed, [Blob.outcomes]: decided.outcomes });
    temporal.has(BATCH, TERMINATED);
    await store.truncate(BATCH, Blob.closing);
    expect(await close()).toMatchObject({ kind: 'closed', result: { status: 'COMPLETED' } });
    expect(await store.list(BATCH)).toEqual([Blob.closed, Blob.outcomes]);
  });
});
