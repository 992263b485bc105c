import { ApplicationFailure } from '@temporalio/activity';
import { SourceChangedError, SourceError } from '../bulk/source-error.js';
import { FailureType } from '../enrollment/errors.js';
import type { OutcomeDetail } from '../enrollment/outcomes.js';
import type { GatewayFailure } from '../mastercard/errors.js';
import { KeyError } from '../mastercard/keys.js';
import { KeyRingError } from '../protection/key-ring-json.js';
import { SealedBlobError } from '../protection/seal.js';
import { SealedBlobMissingError, StoreUnavailableError } from '../store/store.js';

/** A failed call to Mastercard as history keeps it: codes and masked text. */
export interface FailureDescription {
  message: string;
  httpStatus?: number | undefined;
  reason?: string | undefined;
  details: OutcomeDetail[];
}

export function describeFailure(failure: GatewayFailure): FailureDescription {
  return {
    message: failure.message,
    httpStatus: failure.httpStatus,
    reason: failure.reason,
    details: failure.details.map(({ reason, source, message }) => ({ code: reason, path: source, message })),
  };
}

/** The error of a workflow that cannot go on with what it was started with: nothing was kept or sent. */
export function inputRefused(message: string): ApplicationFailure {
  return ApplicationFailure.create({ type: FailureType.InputRefused, message, nonRetryable: true });
}

/** What is wrong with the store or its key ring, in words that may be kept: what others wrote may quote anything. */
export function storeProblem(error: unknown): string {
  const ours = [StoreUnavailableError, KeyRingError].some((one) => error instanceof one);
  if (ours) return (error as Error).message;
  const { code = 'no code' } = error as NodeJS.ErrnoException;
  return `the store failed (${code})`;
}

/** Gives errors of the modules below their stable failure type; those that cannot pass by waiting are not retried. */
export async function failingClearly<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const type = permanentFailureType(error);
    if (!type) throw error;
    throw ApplicationFailure.create({
      type,
      message: (error as Error).message,
      nonRetryable: true,
      cause: error as Error,
    });
  }
}

/** The failure type of an error that cannot pass by waiting; nothing for others. */
export function permanentFailureType(error: unknown): FailureType | undefined {
  // A key that this worker has not been given yet may come; what was altered stays altered.
  if (error instanceof SealedBlobError)
    return error.reason === 'unknownKey' ? undefined : FailureType.SealedBlobUnreadable;
  if (error instanceof SealedBlobMissingError) return FailureType.SealedBlobMissing;
  // A key set that does not answer now may answer later; a key that is wrong stays wrong.
  if (error instanceof KeyError && error.code !== 'KEY_SET_UNAVAILABLE')
    return FailureType.ConfigurationInvalid;
  if (error instanceof SourceError && error.code !== 'SOURCE_UNAVAILABLE') return FailureType.SourceUnusable;
  if (error instanceof SourceChangedError) return FailureType.SourceChanged;
  return undefined;
}
