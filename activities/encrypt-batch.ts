import type { BatchKey, BlobRef } from '../enrollment/batch.js';
import { Blob, recipientOf } from '../enrollment/blobs.js';
import type { EnrollmentRecord } from '../enrollment/records.js';
import { encryptEnrollmentData, recipientMark } from '../mastercard/jwe.js';
import { getJson } from '../store/store.js';
import { failingClearly } from './failures.js';
import type { ActivityDependencies } from './dependencies.js';
import { readingBlobs, type Unreadable } from '../store/unreadable.js';

export interface EncryptBatchInput {
  batch: BatchKey;
  round: number;
  validated: BlobRef;
  /** The first run of the workflow that encrypts it (`firstExecutionRunId`). */
  chain: string;
  /** The JWE of the same records that Mastercard may be unable to open, since its key has changed. */
  replaces?: BlobRef | undefined;
}

export interface EncryptBatchResult {
  kind: 'encrypted';
  enrollmentData: BlobRef;
}

/**
 * Encrypts a round's records to Mastercard, once a workflow and key: a JWE differs at every encryption, and a resend
 * must be the same bytes. An attempt that finds the JWE of another one keeps it, also if that one overtook it.
 *
 * @throws ApplicationFailure of type ConfigurationInvalid: for good where Mastercard's key is unsuitable, until
 *   another worker takes it where this one does not know the program.
 */
export function encryptBatch(deps: Pick<ActivityDependencies, 'store' | 'program'>) {
  return (input: EncryptBatchInput): Promise<EncryptBatchResult | Unreadable> =>
    failingClearly(() => readingBlobs(() => encrypt(deps, input)));
}

async function encrypt(
  deps: Pick<ActivityDependencies, 'store' | 'program'>,
  { batch, round, validated, chain, replaces }: EncryptBatchInput,
): Promise<EncryptBatchResult> {
  const { store } = deps;
  const program = deps.program(batch.program);
  const recipient = await program.recipient(replaces && recipientOf(replaces));
  const enrollmentData = Blob.enrollmentData(round, { chain, recipient: recipientMark(recipient) });
  if (!(await store.has(batch, enrollmentData))) {
    const records = await getJson<EnrollmentRecord[]>(store, batch, validated);
    const jwe = await encryptEnrollmentData(
      program.api.enrollmentData.plaintext(records),
      recipient,
      program.contentEncryption,
    );
    await store.putNew(batch, enrollmentData, Buffer.from(jwe, 'ascii'));
  }
  return { kind: 'encrypted', enrollmentData };
}
