import { activityInfo, cancellationSignal } from '@temporalio/activity';
import type { BatchKey, BlobRef } from '../enrollment/batch.js';
import { recipientOf } from '../enrollment/blobs.js';
import { roundBatchId } from '../enrollment/identifiers.js';
import { GatewayFailure } from '../mastercard/errors.js';
import { asCompactJwe, recipientMark } from '../mastercard/jwe.js';
import { KeyError } from '../mastercard/keys.js';
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
import type { ActivityDependencies, ProgramDependencies } from './dependencies.js';

export interface SubmitBatchInput {
  batch: BatchKey;
  round: number;
  enrollmentData: BlobRef;
  /**
   * Whether the answer may be that Mastercard's key has changed: only where no attempt of the round can have
   * been accepted, since what follows is another JWE.
   */
  unlessKeyChanged?: boolean | undefined;
}

/** What one attempt to submit came to. Each but `accepted` carries what Mastercard said. */
export type SubmissionAnswer =
  | { kind: 'accepted'; batchId: string; flowId?: string | undefined }
  /** Definitely not accepted: the workflow waits, then submits again. */
  | ({ kind: 'notAccepted'; retryAfter?: number | undefined } & FailureDescription)
  /** Mastercard may have accepted it or not. */
  | ({ kind: 'unknown' } & FailureDescription)
  /** The externalBatchId was accepted before, as `batchId` if Mastercard says so. */
  | ({ kind: 'duplicate'; batchId?: string | undefined } & FailureDescription)
  /** The request itself is wrong and stays wrong. */
  | ({ kind: 'refused' } & FailureDescription)
  /** Definitely not accepted, and the JWE is for another key than Mastercard's present one. */
  | ({ kind: 'keyChanged' } & FailureDescription);

/**
 * Submits a round to Mastercard: one attempt, never more, because what may follow depends on how it
 * failed and belongs in the workflow's history. Only what waiting cannot mend is thrown.
 *
 * @throws ApplicationFailure of type ConfigurationInvalid (401, 403, wrong address), SealedBlobMissing,
 *   SealedBlobUnreadable.
 */
export function submitBatch(deps: Pick<ActivityDependencies, 'store' | 'program'>) {
  return (input: SubmitBatchInput): Promise<SubmissionAnswer> =>
    failingClearly(async () => {
      const { batch } = input;
      const program = deps.program(batch.program);
      const keyChanged = async (refused = false) =>
        input.unlessKeyChanged === true && (await isForOldKey(program, input.enrollmentData, refused));
      let bytes: Uint8Array;
      try {
        bytes = await deps.store.get(batch, input.enrollmentData);
      } catch (error) {
        if (permanentFailureType(error)) throw error;
        return storeUnavailable(error);
      }
      const enrollmentData = asCompactJwe(Buffer.from(bytes).toString('ascii'));
      try {
        return await whileHeartbeating(async () => {
          if (await keyChanged()) return KEY_CHANGED;
          const receipt = await program.gateway.submitBatch(
            {
              externalBatchId: roundBatchId(batch.externalBatchId, input.round),
              enrollmentData,
              correlationId: correlationIdOf(activityInfo()),
            },
            { signal: cancellationSignal() },
          );
          return { kind: 'accepted', ...receipt };
        });
      } catch (error) {
        if (!(error instanceof GatewayFailure)) throw error;
        if (isRefusal(error) && (await whileHeartbeating(() => keyChanged(true))))
          return { kind: 'keyChanged', ...describeFailure(error) };
        return answerOf(error);
      }
    });
}

const KEY_CHANGED: SubmissionAnswer = {
  kind: 'keyChanged',
  message: "nothing was sent: Mastercard's encryption key is another one now",
  reason: 'ENCRYPTION_KEY_CHANGED',
  details: [],
};

/**
 * Whether a JWE is for another key than Mastercard's present one.
 * @param refused whether Mastercard refused it, so that what is known of the key may be out of date.
 */
async function isForOldKey(
  { recipient }: Pick<ProgramDependencies, 'recipient'>,
  enrollmentData: BlobRef,
  refused: boolean,
): Promise<boolean> {
  const mark = recipientOf(enrollmentData);
  if (mark === undefined) return false;
  try {
    return recipientMark(await recipient(refused ? mark : undefined)) !== mark;
  } catch (error) {
    // A key that cannot be had now makes no other JWE; this one may still be good.
    if (error instanceof KeyError) return false;
    throw error;
  }
}

/**
 * Whether Mastercard certainly did not take the batch, for a reason that may be the key: in which words it
 * says that it does not know a key is not published, so every refusal may be that one.
 */
function isRefusal({ kind }: GatewayFailure): boolean {
  return kind === 'refused' || kind === 'configuration';
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
