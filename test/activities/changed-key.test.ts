import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MockActivityEnvironment } from '@temporalio/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { encryptBatch, type EncryptBatchResult } from '../../activities/encrypt-batch.js';
import { submitBatch } from '../../activities/submit-batch.js';
import { Blob, recipientOf } from '../../enrollment/blobs.js';
import { recipientMark, type Recipient } from '../../mastercard/jwe.js';
import { KeyError } from '../../mastercard/keys.js';
import { KeyRing } from '../../protection/key-ring.js';
import { FilesystemStore } from '../../store/filesystem-store.js';
import { putJson } from '../../store/store.js';
import { rsaKeyPair } from '../mastercard/key-files.js';
import { testRecord, testRecords } from '../support/records.js';
import { ScriptedGateway } from '../support/scripted-gateway.js';
import { batchEnroll } from '../../mastercard/api/batch-enroll.js';

const BATCH = { program: 'demo', externalBatchId: 'b-1' };
const [oldKey, newKey] = ['old', 'new'].map((kid) => ({ kid, key: rsaKeyPair().publicKey })) as [
  Recipient,
  Recipient,
];

let folder: string;
let store: FilesystemStore;
let gateway: ScriptedGateway;
let recipient: (otherThan?: string) => Promise<Recipient>;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'c2p-changed-key-'));
  store = new FilesystemStore({ root: folder, keyRing: KeyRing.parse(KeyRing.generate(), 'test') });
  await putJson(store, BATCH, Blob.validated(1), testRecords(1));
  gateway = new ScriptedGateway({});
  recipient = () => Promise.resolve(oldKey);
});
afterEach(() => rm(folder, { recursive: true }));

function deps() {
  const program = () => ({
    gateway,
    recipient,
    contentEncryption: 'A128GCM' as const,
    maxCardsPerBatch: 250,
    api: batchEnroll,
    policy: {},
  });
  return { store, program, now: () => new Date() };
}

async function encrypt(replaces?: string, { chain = 'chain-a', round = 1 } = {}): Promise<string> {
  const input = { batch: BATCH, round, validated: Blob.validated(1), chain, replaces };
  const result = await new MockActivityEnvironment().run(encryptBatch(deps()), input);
  return (result as EncryptBatchResult).enrollmentData;
}

function submit(enrollmentData: string, unlessKeyChanged = true) {
  const input = { batch: BATCH, round: 1, enrollmentData, unlessKeyChanged, chain: 'chain-a' };
  return new MockActivityEnvironment().run(submitBatch(deps()), input);
}

test('an attempt to encrypt that stalls, and is overtaken by another, does not change what that one made', async () => {
  const putNew = store.putNew.bind(store);
  let overtaken = () => {};
  const stalled = new Promise<void>((isStalled) => {
    store.putNew = async (...blob) => {
      store.putNew = putNew;
      await new Promise<void>((resolve) => {
        overtaken = resolve;
        isStalled();
      });
      return putNew(...blob);
    };
  });
  const slow = encrypt();
  await stalled;
  const enrollmentData = await encrypt();
  const offered = await store.get(BATCH, enrollmentData);
  overtaken();
  expect(await slow).toBe(enrollmentData);
  expect(await store.get(BATCH, enrollmentData)).toEqual(offered);
});

test('an attempt to encrypt that finds the JWE of an earlier one keeps it; one for another key makes another', async () => {
  const first = await encrypt();
  const bytes = await store.get(BATCH, first);
  expect(recipientOf(first)).toBe(recipientMark(oldKey));
  expect(await encrypt()).toBe(first);
  expect(await store.get(BATCH, first)).toEqual(bytes);

  recipient = () => Promise.resolve(newKey);
  const second = await encrypt(first);
  expect(recipientOf(second)).toBe(recipientMark(newKey));
  expect(await store.get(BATCH, first)).toEqual(bytes);
  expect(await store.get(BATCH, second)).not.toEqual(bytes);
});

test('the JWE that a terminated workflow left is not offered for the records of another one', async () => {
  const left = await encrypt();
  await putJson(store, BATCH, Blob.validated(1), [testRecord(99)]);
  const other = await encrypt(undefined, { chain: 'chain-b' });
  expect(other).not.toBe(left);
  expect(await store.get(BATCH, other)).not.toEqual(await store.get(BATCH, left));
});

test('each round has a JWE of its own', async () => {
  const first = await encrypt();
  const second = await encrypt(undefined, { round: 2 });
  expect(await store.get(BATCH, second)).not.toEqual(await store.get(BATCH, first));
});

test('to encrypt afresh asks for another key than the one that was replaced', async () => {
  const asked: (string | undefined)[] = [];
  recipient = (otherThan) => {
    asked.push(otherThan);
    return Promise.resolve(oldKey);
  };
  await encrypt(await encrypt());
  expect(asked).toEqual([undefined, recipientMark(oldKey)]);
});

test('a JWE for another key than the present one is not offered, unless it may have been accepted before', async () => {
  const jwe = await encrypt();
  recipient = () => Promise.resolve(newKey);
  expect(await submit(jwe)).toMatchObject({ kind: 'keyChanged', reason: 'ENCRYPTION_KEY_CHANGED' });
  expect(gateway.submissions).toEqual([]);
  expect(await store.has(BATCH, Blob.offered(1))).toBe(false);
  expect(await submit(jwe, false)).toMatchObject({ kind: 'accepted' });
});

test('a key that cannot be had keeps nothing from being offered that is encrypted', async () => {
  const jwe = await encrypt();
  recipient = () => Promise.reject(new KeyError('KEY_SET_UNAVAILABLE', 'no answer'));
  expect(await submit(jwe)).toMatchObject({ kind: 'accepted' });
});
