import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ActivityDependencies } from '../../activities/dependencies.js';
import { purgeBatch, type PurgeBatchInput } from '../../activities/purge-batch.js';
import { Blob } from '../../enrollment/blobs.js';
import { withCurrent, withNewKey } from '../../protection/key-ring-changes.js';
import { KeyRing } from '../../protection/key-ring.js';
import { FilesystemStore } from '../../store/filesystem-store.js';
import { putJson } from '../../store/store.js';
import { rsaKeyPair } from '../mastercard/key-files.js';
import { testRecords } from '../support/records.js';
import { ScriptedGateway } from '../support/scripted-gateway.js';

const BATCH = { program: 'demo', externalBatchId: 'b-1' };
const ring = KeyRing.generate();
const recipient = { kid: 'mc-1', key: rsaKeyPair().publicKey };
const rotated = withCurrent(withNewKey(ring, new Date()).ring, 'k2', new Date());

let folder: string;
/** Of a worker to which the new key has not come yet. */
let store: FilesystemStore;
let gateway: ScriptedGateway;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'c2p-missing-key-'));
  store = storeWith(ring);
  gateway = new ScriptedGateway({});
  const elsewhere = storeWith(rotated);
  await putJson(elsewhere, BATCH, 'records-a', testRecords(1));
  await putJson(elsewhere, BATCH, Blob.validated(1), testRecords(1));
  await elsewhere.put(BATCH, Blob.enrollmentData(1), Buffer.from('a.b.c.d.e'));
});
afterEach(() => rm(folder, { recursive: true }));

function storeWith(json: typeof ring): FilesystemStore {
  return new FilesystemStore({ root: folder, keyRing: KeyRing.parse(json, 'test') });
}

function run<T>(activity: (deps: ActivityDependencies) => (input: T) => Promise<unknown>, input: T) {
  const deps = {
    store,
    now: () => new Date(),
    program: () => ({ gateway, recipient: () => Promise.resolve(recipient) }),
  } as unknown as ActivityDependencies;
  const environment = new MockActivityEnvironment({}, { logger: new DefaultLogger('ERROR') });
  return environment.run(activity(deps), input);
}

const purge: PurgeBatchInput = {
  batch: BATCH,
  records: 'records-a',
  recordsDigest: 'k1:00',
  cards: 1,
  status: 'FAILED',
  batchIds: [],
  reasons: [],
  remaining: { status: 'UNREPORTED', reason: 'NOT_SENT' },
};

describe('what is sealed under a key that this worker does not have yet', () => {
  const missing = expect.objectContaining({ code: 'SEALED_BLOB_UNREADABLE', keyId: 'k2' }) as unknown;

  it('is not erased unread', async () => {
    const before = await store.list(BATCH);
    await expect(run(purgeBatch, purge)).rejects.toEqual(missing);
    expect(await store.list(BATCH)).toEqual(before);
  });
});
