import type { BatchResult, BlobRef } from './batch.js';
import type { Outcome } from './outcomes.js';

const RECORDS = 'records-';
const FOR_NAMESPACE = '-for-';
/** In the place of an attempt to enroll: a job seals the same records each time that it reads its source. */
const BY_JOB = 'bulk';
const TO_RECIPIENT = '-to-';
const REJECTS = 'rejects-';
const OFFERED = 'offered-';

/** The blobs of a batch, by name. Those marked (cardholder data) are erased when the batch closes. */
export const Blob = {
  /**
   * What the issuer handed over (cardholder data); a name of its own for each attempt to enroll. It also
   * notes the id of the Temporal namespace in which the workflow is started, where that could be read: a
   * store may be shared by several, and a batch is open in only one of them.
   */
  records: (attempt: string, namespaceId?: string): BlobRef =>
    `${RECORDS}${attempt}${namespaceId === undefined ? '' : `${FOR_NAMESPACE}${namespaceId}`}`,
  /** `records` of a batch that a bulk job is to start (cardholder data). */
  bulkRecords: (namespaceId?: string): BlobRef => Blob.records(BY_JOB, namespaceId),
  /** The valid, normalised records of a round (cardholder data). */
  validated: (round: number): BlobRef => `validated-${round}`,
  /**
   * The JWE of a round: the bytes that every resend sends (cardholder data, encrypted to Mastercard). It notes the
   * first run of the workflow that made it, since one before may have left the JWE of other records. And it notes whom
   * it is encrypted to (`recipientMark`), since Mastercard's key may change before the round is accepted.
   */
  enrollmentData: (round: number, { chain, recipient }: { chain: string; recipient: string }): BlobRef =>
    `enrollment-data-${round}-by-${chain}${TO_RECIPIENT}${recipient}`,
  /**
   * The `OfferMark` of a round: a workflow that finds it knows that Mastercard may have the round, whatever Temporal
   * remembers; kept.
   */
  offered: (round: number): BlobRef => `${OFFERED}${round}`,
  /** The `CardKey`s of all cards, in the order of the input: what a report accounts for. */
  cards: 'cards',
  /** The `Outcome`s known so far; kept. */
  outcomes: 'outcomes',
  /**
   * There from when cards begin to be removed again until the batch closes. What was removed is recorded at the end: so
   * a batch that somebody else has to close may count cards as enrolled that are out.
   */
  removing: 'removing',
  /** The `CloseDecision`: what a batch that is being closed comes to; there until it is closed. */
  closing: 'closing',
  /** The `ClosedBatch`: remembers the batch after Temporal has forgotten it; kept. */
  closed: 'closed',
  /** Of a bulk job, not of a batch: the `BulkOrder` that it was started with; kept. */
  bulk: 'bulk',
  /**
   * Of a bulk job, not of a batch: an array of its `Reject`s, the first of which is about this line of its
   * source; kept. The names sort as the lines do.
   */
  rejects: (line: number): BlobRef => `${REJECTS}${String(line).padStart(16, '0')}`,
} as const;

const KEPT: ReadonlySet<BlobRef> = new Set([Blob.outcomes, Blob.closed, Blob.bulk]);

/** Whether a blob outlives its batch; everything else is erased. */
export function isKept(ref: BlobRef): boolean {
  return KEPT.has(ref) || isRejects(ref) || ref.startsWith(OFFERED);
}

/** Whether a blob holds rejects of a bulk job. */
export function isRejects(ref: BlobRef): boolean {
  return ref.startsWith(REJECTS);
}

/**
 * The blobs that hold cardholder data, in the order to erase them: the records last, since their names
 * tell whose the rest is.
 */
export function cardholderData(refs: readonly BlobRef[]): BlobRef[] {
  const erased = refs.filter((ref) => !isKept(ref));
  return [...erased.filter((ref) => !isRecords(ref)), ...erased.filter(isRecords)];
}

/**
 * Whether a batch's records were sealed for a namespace: all of them (`here`), or some for another one
 * (`elsewhere`). `unsaid` where there are none, or some of a version that did not note it.
 */
export function sealedFor(
  refs: readonly BlobRef[],
  namespaceId: string | undefined,
): 'here' | 'elsewhere' | 'unsaid' {
  const noted = refs.filter(isRecords).map(namespaceOf);
  if (noted.some((id) => id !== undefined && id !== namespaceId)) return 'elsewhere';
  return noted.length > 0 && !noted.includes(undefined) ? 'here' : 'unsaid';
}

/** The mark of whom a JWE is encrypted to. */
export function recipientOf(enrollmentData: BlobRef): string {
  return noted(enrollmentData, TO_RECIPIENT) ?? '';
}

/** Whether a blob holds what the issuer handed over. */
export function isRecords(ref: BlobRef): boolean {
  return ref.startsWith(RECORDS);
}

/** Whether a blob holds records that a bulk job sealed: all that there is of a batch that was never started. */
export function isBulkRecords(ref: BlobRef): boolean {
  const sealed = Blob.bulkRecords();
  return ref === sealed || ref.startsWith(`${sealed}${FOR_NAMESPACE}`);
}

/** The rounds that were offered to Mastercard, or were about to be, in their order. */
export function offeredRounds(refs: readonly BlobRef[]): number[] {
  const rounds = refs
    .filter((ref) => ref.startsWith(OFFERED))
    .map((ref) => Number(ref.slice(OFFERED.length)));
  return rounds.sort((one, other) => one - other);
}

function namespaceOf(records: BlobRef): string | undefined {
  return noted(records, FOR_NAMESPACE);
}

function noted(ref: BlobRef, what: string): string | undefined {
  const at = ref.indexOf(what);
  return at < 0 ? undefined : ref.slice(at + what.length);
}

/** What the store remembers of a round that was offered to Mastercard, or was about to be. */
export interface OfferMark {
  /** The first run of the workflow that offered it; the runs that continue it are of the same chain. */
  chain: string;
  /** When it was first offered; ISO 8601, UTC. */
  offeredAt: string;
  /** The receipt: what Mastercard accepted it as, where its answer came. */
  batchId?: string | undefined;
  flowId?: string | undefined;
}

/** What the store remembers of a closed batch, for longer than Temporal does. */
export interface ClosedBatch {
  /** Names the close: equal for attempts at the same one, and only for those. */
  close: string;
  /** The first run of the workflow that closed it, or left it to be closed; absent where nobody knows it any more. */
  chain?: string | undefined;
  /** Keyed; empty where nobody knows any more what the records were. */
  recordsDigest: string;
  /** What the erased records were called: whether a bulk job had sealed them. */
  records: BlobRef;
  /** Of the outcomes, SHA-256 in hex: an older blob in their place is noticed. */
  outcomesDigest: string;
  /** ISO 8601, UTC. */
  closedAt: string;
  result: BatchResult;
}

/** What closing a batch comes to, decided before anything is erased: who repeats it carries out the same. */
export interface CloseDecision {
  closed: ClosedBatch;
  outcomes: Outcome[];
}
