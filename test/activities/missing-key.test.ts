import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { encryptBatch } from '../../activities/encrypt-batch.js';
import type { ActivityDependencies } from '../../activities/dependencies.js';
import { submitBatch } from '../../activities/submit-batch.js';
import { validateBatch } from '../../activities/validate-batch.js';
import { Blob } from '../../enrollment/blobs.js';
import { FailureType } from '../../enrollment/errors.js';
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

describe('what is sealed under a key that this worker does not have yet', () => {
  const missing = expect.objectContaining({ code: 'SEALED_BLOB_UNREADABLE', keyId: 'k2' }) as unknown;

  it('is asked for again later: the batch does not end', async () => {
    await expect(run(validateBatch, { batch: BATCH, records: 'records-a' })).rejects.toEqual(missing);
    const round = { batch: BATCH, round: 1, validated: Blob.validated(1) };
    await expect(run(encryptBatch, round)).rejects.toEqual(missing);
  });

  it('is not sent, and the workflow learns that it was not: another attempt is safe', async () => {
    const submission = { batch: BATCH, round: 1, enrollmentData: Blob.enrollmentData(1) };
    expect(await run(submitBatch, submission)).toMatchObject({ kind: 'notAccepted' });
    expect(gateway.submissions).toEqual([]);
  });
});

it('a blob that was altered still ends the batch: waiting does not mend it', async () => {
  const file = join(folder, 'demo', 'b-1', 'enrollment-data-1.sealed');
  const altered = await readFile(file);
  altered.writeUInt8(altered.readUInt8(40) ^ 1, 40);
  await writeFile(file, altered);
  store = storeWith(rotated);
  const submission = { batch: BATCH, round: 1, enrollmentData: Blob.enrollmentData(1) };
  await expect(run(submitBatch, submission)).rejects.toMatchObject({
    type: FailureType.SealedBlobUnreadable,
    nonRetryable: true,
  });
});
