import type { BatchKey, BlobRef } from '../enrollment/batch.js';
import { Blob, recipientOf } from '../enrollment/blobs.js';
import type { EnrollmentRecord } from '../enrollment/records.js';
import { encryptEnrollmentData, recipientMark } from '../mastercard/jwe.js';
import { getJson } from '../store/store.js';
import { failingClearly } from './failures.js';
import type { ActivityDependencies } from './dependencies.js';

export interface EncryptBatchInput {
  batch: BatchKey;
  round: number;
  validated: BlobRef;
  /** The JWE of the same records that Mastercard may be unable to open, since its key has changed. */
  replaces?: BlobRef | undefined;
}

export interface EncryptBatchResult {
  enrollmentData: BlobRef;
}

/**
 * Encrypts a round's records to Mastercard, once a key: a JWE differs at every encryption, and a resend must
 * be the same bytes. An attempt that finds the JWE of another one keeps it, also if that one overtook it.
 */
export function encryptBatch(deps: Pick<ActivityDependencies, 'store' | 'program'>) {
  return (input: EncryptBatchInput): Promise<EncryptBatchResult> =>
    failingClearly(async () => {
      const { batch } = input;
      const program = deps.program(batch.program);
      const recipient = await program.recipient(input.replaces && recipientOf(input.replaces));
      const enrollmentData = Blob.enrollmentData(input.round, recipientMark(recipient));
      if (await deps.store.has(batch, enrollmentData)) return { enrollmentData };
      const enrollments = await getJson<EnrollmentRecord[]>(deps.store, batch, input.validated);
      const jwe = await encryptEnrollmentData({ enrollments }, recipient, program.contentEncryption);
      await deps.store.putNew(batch, enrollmentData, Buffer.from(jwe, 'ascii'));
      return { enrollmentData };
    });
}
