import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ActivityDependencies } from '../../activities/dependencies.js';
import { encryptBatch } from '../../activities/encrypt-batch.js';
import { fetchBatchStatus } from '../../activities/fetch-batch-status.js';
import { listEnrolled } from '../../activities/list-enrolled.js';
import { recordRemovals } from '../../activities/record-removals.js';
import { removeCard } from '../../activities/remove-card.js';
import { removeProfile } from '../../activities/remove-profile.js';
import { submitBatch } from '../../activities/submit-batch.js';
import { validateBatch } from '../../activities/validate-batch.js';
import { Blob } from '../../enrollment/blobs.js';
import type { Outcome } from '../../enrollment/outcomes.js';
import { cardKeysOf } from '../../enrollment/records.js';
import { digestedBytes } from '../../protection/records-digest.js';
import { putJson, type BatchStore } from '../../store/store.js';
import { rsaKeyPair } from '../mastercard/key-files.js';
import { testRecords, jweOf } from '../support/records.js';
import { report, ScriptedGateway, success } from '../support/scripted-gateway.js';
import { DamagedStore, KEY_ELSEWHERE } from '../support/damaged-store.js';
import { activityEnvironment } from './environment.js';
import { batchEnroll } from '../../mastercard/api/batch-enroll.js';

const batch = { program: 'demo', externalBatchId: 'batch-1' };
const recipient = { kid: 'mc-1', key: rsaKeyPair().publicKey };

let store: DamagedStore;
let gateway: ScriptedGateway;
beforeEach(async () => {
  store = await DamagedStore.create();
  gateway = new ScriptedGateway({
    status: [report('batch-1', 'COMPLETED_SUCCESSFULLY', [success('cust-1', 'card-100')])],
  });
  const records = testRecords(1);
  await putJson(store, batch, 'records-a', records);
  await putJson(store, batch, Blob.validated(1), records);
  await putJson(store, batch, Blob.cards, cardKeysOf(records));
  await putJson(store, batch, Blob.outcomes, [] satisfies Outcome[]);
  await store.put(batch, jweOf(1), Buffer.from('a.b.c.d.e'));
});
afterEach(() => store.erase());

const round = 1;
const enrollmentData = jweOf(1);
/** Each activity, and each blob that it reads. */
const READS: [activity: string, ref: string, (deps: ActivityDependencies) => () => Promise<unknown>][] = [
  [
    'validateBatch',
    'records-a',
    (deps) => async () => {
      const recordsDigest = (await deps.keyRing.latest()).digest(digestedBytes(testRecords(1)));
      return validateBatch(deps)({ batch, chain: 'chain-1', records: 'records-a', recordsDigest });
    },
  ],
  [
    'encryptBatch',
    Blob.validated(1),
    (deps) => () => encryptBatch(deps)({ batch, round, validated: Blob.validated(1), chain: 'chain-a' }),
  ],
  [
    'submitBatch',
    enrollmentData,
    (deps) => () => submitBatch(deps)({ batch, round, enrollmentData, chain: 'chain-a' }),
  ],
  ...[Blob.cards, Blob.outcomes, Blob.validated(1)].map((ref): (typeof READS)[number] => [
    'fetchBatchStatus',
    ref,
    (deps) => () => fetchBatchStatus(deps)({ batch, round, batchId: 'mc-1' }),
  ]),
  ['listEnrolled', Blob.outcomes, (deps) => () => listEnrolled(deps)({ batch })],
  ['removeCard', Blob.outcomes, (deps) => () => removeCard(deps)({ batch, card: 0, reason: 'other' })],
  ['removeProfile', Blob.outcomes, (deps) => () => removeProfile(deps)({ batch, card: 0 })],
  ['recordRemovals', Blob.outcomes, (deps) => () => recordRemovals(deps)({ batch, cards: {} })],
];

describe.each(READS)('%s, where %s', (_, ref, activity) => {
  function run(readable: BatchStore = store): Promise<unknown> {
    return activityEnvironment().run(
      activity({
        store: readable,
        keyRing: store.keyRing,
        now: () => new Date(),
        program: () => ({
          api: batchEnroll,
          gateway,
          recipient: () => Promise.resolve(recipient),
          contentEncryption: 'A128GCM',
          maxCardsPerBatch: 250,
          policy: {},
        }),
      } as unknown as ActivityDependencies),
    );
  }

  test('is missing, says so instead of failing', async () => {
    await store.delete(batch, ref);
    expect(await run()).toEqual({
      kind: 'unreadable',
      why: 'missing',
      ref,
      message: expect.stringContaining(`'${ref}'`) as string,
    });
    expect([...gateway.submissions, ...gateway.cardRemovals, ...gateway.profileRemovals]).toEqual([]);
  });

  test.each(['alter', 'truncate', 'replace'] as const)('is damaged (%s), says so', async (damage) => {
    await store[damage](batch, ref);
    const message = expect.stringContaining(ref) as string;
    expect(await run()).toMatchObject({ kind: 'unreadable', why: 'altered', ref, message });
    expect([...gateway.submissions, ...gateway.cardRemovals, ...gateway.profileRemovals]).toEqual([]);
  });

  test('is sealed under a key that this worker lacks, says which, and does its work once the key comes', async () => {
    await store.sealUnderMissingKey(batch, ref);
    const before = await store.list(batch);
    expect(await run()).toMatchObject({ kind: 'unreadable', why: 'keyMissing', ref, keyId: KEY_ELSEWHERE });
    expect(await store.list(batch)).toEqual(before);
    await store.findKeyOf(batch, ref);
    expect(await run()).not.toMatchObject({ kind: 'unreadable' });
  });
});
