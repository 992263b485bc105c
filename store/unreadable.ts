import { SealedBlobError, type SealedBlobReason } from '../protection/seal.js';
import { sealedRef } from './sealing.js';
import { SealedBlobMissingError } from './store.js';

/**
 * A blob that the work needs cannot be read, so the work was not done. A result and no failure: what follows
 * (close without it, or wait for a key) is the workflow's decision, and belongs in its history.
 */
export interface Unreadable {
  kind: 'unreadable';
  /** `keyMissing` may pass: the key may come. What is `missing`, or `altered` in any way, stays so. */
  why: 'missing' | 'altered' | 'keyMissing';
  /** Which blob. */
  ref?: string | undefined;
  /** The key that it says it is sealed under. */
  keyId?: string | undefined;
  /** For an operator: which blob, why, and what to do. */
  message: string;
}

const WHY: Record<SealedBlobReason, Unreadable['why']> = {
  altered: 'altered',
  truncated: 'altered',
  replaced: 'altered',
  unknownFormat: 'altered',
  unknownKey: 'keyMissing',
};

/** Does work on sealed blobs, and returns `Unreadable` for one that cannot be read. Throws other errors on. */
export async function readingBlobs<T>(work: () => Promise<T>): Promise<T | Unreadable> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof SealedBlobMissingError)
      return { kind: 'unreadable', why: 'missing', ref: error.ref, message: error.message };
    if (!(error instanceof SealedBlobError)) throw error;
    const { reason, context, keyId, message } = error;
    return { kind: 'unreadable', why: WHY[reason], ref: sealedRef(context), keyId, message };
  }
}

/** Whether a blob could not be read; what could be read may be any JSON value. */
export function isUnreadable(read: unknown): read is Unreadable {
  return (read as Partial<Unreadable> | null | undefined)?.kind === 'unreadable';
}
