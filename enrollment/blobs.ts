import type { BatchResult, BlobRef } from './batch.js';

/** The blobs of a batch, by name. Those marked (cardholder data) are erased when the batch closes. */
export const Blob = {
  /** What the issuer handed over (cardholder data); a name of its own for each attempt to enroll. */
  records: (attempt: string): BlobRef => `records-${attempt}`,
  /** The valid, normalised records of a round (cardholder data). */
  validated: (round: number): BlobRef => `validated-${round}`,
  /** The JWE of a round: the bytes that every resend sends (cardholder data, encrypted to Mastercard). */
  enrollmentData: (round: number): BlobRef => `enrollment-data-${round}`,
  /** The `CardKey`s of all cards, in the order of the input: what a report accounts for. */
  cards: 'cards',
  /** The `Outcome`s known so far; kept. */
  outcomes: 'outcomes',
  /** The `ClosedBatch`: remembers the batch after Temporal has forgotten it; kept. */
  closed: 'closed',
} as const;

/** What outlives a batch; everything else is erased. */
export const KEPT_BLOBS: ReadonlySet<BlobRef> = new Set([Blob.outcomes, Blob.closed]);

/** What the store remembers of a closed batch, for longer than Temporal does. */
export interface ClosedBatch {
  recordsDigest: string;
  /** ISO 8601, UTC. */
  closedAt: string;
  result: BatchResult;
}
