import { activityInfo, cancellationSignal } from '@temporalio/activity';
import type { BatchKey, BlobRef } from '../enrollment/batch.js';
import { roundBatchId } from '../enrollment/identifiers.js';
import { GatewayFailure } from '../mastercard/errors.js';
import { asCompactJwe } from '../mastercard/jwe.js';
import { KeyRingError } from '../protection/key-ring-json.js';
import { SealedBlobError } from '../protection/seal.js';
import { StoreUnavailableError } from '../store/store.js';
import { correlationIdOf } from './correlation.js';
import {
  configurationInvalid,
  describeFailure,
  failingClearly,
  permanentFailureType,
  type FailureDescription,
} from './failures.js';
import { whileHeartbeating } from './heartbeat.js';
import type { ActivityDependencies } from './index.js';

export interface SubmitBatchInput {
  batch: BatchKey;
  round: number;
  enrollmentData: BlobRef;
}

/** What one attempt to submit came to. Each but `accepted` carries what Mastercard said. */
export type SubmissionAnswer =
  | { kind: 'accepted'; batchId: string; flowId?: string | undefined }
  /** Known not to have been accepted: safe to try again. */
  | ({ kind: 'notAccepted'; retryAfter?: number | undefined } & FailureDescription)
  /** Mastercard may have accepted it or not. */
  | ({ kind: 'unknown' } & FailureDescription)
  /** The externalBatchId was accepted before, as `batchId` if Mastercard says so. */
  | ({ kind: 'duplicate'; batchId?: string | undefined } & FailureDescription)
  /** The request itself is wrong and stays wrong. */
  | ({ kind: 'refused' } & FailureDescription);

/**
 * Offers a round to Mastercard: one attempt, never more, because what may follow depends on how it
 * failed and belongs in the workflow's history. Only what waiting cannot mend is thrown.
 *
 * @throws ApplicationFailure of type ConfigurationInvalid (401, 403, wrong address), SealedBlobMissing,
 *   SealedBlobUnreadable.
 */
export function submitBatch(deps: Pick<ActivityDependencies, 'store' | 'program'>) {
  return (input: SubmitBatchInput): Promise<SubmissionAnswer> =>
    failingClearly(async () => {
      const { batch } = input;
      const { gateway } = deps.program(batch.program);
      let bytes: Uint8Array;
      try {
        bytes = await deps.store.get(batch, input.enrollmentData);
      } catch (error) {
        if (permanentFailureType(error)) throw error;
        return storeUnavailable(error);
      }
      const enrollmentData = asCompactJwe(Buffer.from(bytes).toString('ascii'));
      try {
        const receipt = await whileHeartbeating(() =>
          gateway.submitBatch(
            {
              externalBatchId: roundBatchId(batch.externalBatchId, input.round),
              enrollmentData,
              correlationId: correlationIdOf(activityInfo()),
            },
            { signal: cancellationSignal() },
          ),
        );
        return { kind: 'accepted', ...receipt };
      } catch (error) {
        if (error instanceof GatewayFailure) return answerOf(error);
        throw error;
      }
    });
}

/** A store that does not answer now may answer later, and nothing was sent. What others wrote may quote anything. */
function storeUnavailable(error: unknown): SubmissionAnswer {
  const { code = 'no code' } = error as NodeJS.ErrnoException;
  const ours = [StoreUnavailableError, SealedBlobError, KeyRingError].some((one) => error instanceof one);
  const why = ours ? (error as Error).message : `the store could not be read (${code})`;
  const message = `nothing was sent: ${why}`;
  return { kind: 'notAccepted', message, reason: 'STORE_UNAVAILABLE', details: [] };
}

function answerOf(failure: GatewayFailure): SubmissionAnswer {
  const description = describeFailure(failure);
  switch (failure.kind) {
    case 'notSent':
    case 'notAccepted':
      return { kind: 'notAccepted', ...description, retryAfter: failure.retryAfterMs };
    case 'unknown':
      return { kind: 'unknown', ...description };
    case 'duplicate':
      return { kind: 'duplicate', ...description, batchId: failure.batchId };
    case 'refused':
    case 'notFound':
      return { kind: 'refused', ...description };
    case 'configuration':
      throw configurationInvalid(failure);
  }
}
