import type { BatchKey, BlobRef } from '../enrollment/batch.js';
import { Blob } from '../enrollment/blobs.js';
import type { EnrollmentRecord } from '../enrollment/records.js';
import { encryptEnrollmentData } from '../mastercard/jwe.js';
import { getJson } from '../store/store.js';
import { failingClearly } from './failures.js';
import type { ActivityDependencies } from './index.js';

export interface EncryptBatchInput {
  batch: BatchKey;
  round: number;
  validated: BlobRef;
}

export interface EncryptBatchResult {
  enrollmentData: BlobRef;
}

/**
 * Encrypts a round's records to Mastercard, once: a JWE differs at every encryption, and a resend must
 * be the same bytes. An attempt that finds the JWE of an earlier one keeps it.
 */
export function encryptBatch(deps: Pick<ActivityDependencies, 'store' | 'program'>) {
  return (input: EncryptBatchInput): Promise<EncryptBatchResult> =>
    failingClearly(async () => {
      const { batch } = input;
      const program = deps.program(batch.program);
      const enrollmentData = Blob.enrollmentData(input.round);
      if (await deps.store.has(batch, enrollmentData)) return { enrollmentData };
      const enrollments = await getJson<EnrollmentRecord[]>(deps.store, batch, input.validated);
      const jwe = await encryptEnrollmentData(
        { enrollments },
        await program.recipient(),
        program.contentEncryption,
      );
      await deps.store.put(batch, enrollmentData, Buffer.from(jwe, 'ascii'));
      return { enrollmentData };
    });
}
