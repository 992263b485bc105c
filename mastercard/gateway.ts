import type { RemovalReason } from '../enrollment/policy.js';
import type { ReportedCard } from '../enrollment/reconciliation.js';
import type { BatchState } from './api/enrollment-api.js';
import type { CompactJwe } from './jwe.js';

/**
 * What c2p asks of Mastercard, in c2p's words. `http-gateway.ts` sends it
 * over HTTP, as an `EnrollmentApi` says.
 *
 * Every method makes exactly one attempt and throws a `GatewayFailure` (`errors.ts`) when it fails:
 * whether another attempt is safe is the workflow's decision.
 */
export interface EnrollmentGateway {
  /** Submits a batch. Resolves once Mastercard has said that it received it, not that it processed it. */
  submitBatch(request: BatchSubmission, options?: CallOptions): Promise<SubmissionReceipt>;
  /** Asks how far a batch is. */
  fetchBatchStatus(request: StatusRequest, options?: CallOptions): Promise<BatchReport>;
  /** Takes a card out of Click to Pay. Safe to repeat. */
  deleteCard(request: CardRemoval, options?: CallOptions): Promise<RemovalResult>;
  /**
   * Takes a consumer's profile out of Click to Pay. Safe to repeat. Mastercard refuses it (`refused`)
   * while the profile has cards (`EnrollmentApi.removal.isInUse`).
   */
  deleteProfile(request: ProfileRemoval, options?: CallOptions): Promise<RemovalResult>;
  /** Lets go of the connections. */
  close(): Promise<void>;
}

export interface CallOptions {
  /** Aborts the call, for instance because the activity was cancelled. */
  signal?: AbortSignal | undefined;
}

export interface BatchSubmission {
  externalBatchId: string;
  /** The type admits only what `encryptEnrollmentData` made: the plaintext cannot be sent by mistake. */
  enrollmentData: CompactJwe;
  /** Sent as `srcCorrelationId`; a UUID. */
  correlationId: string;
}

export interface SubmissionReceipt {
  batchId: string;
  /** Value of `X-Src-Cx-Flow-Id`, to be sent back on the next call about this batch. */
  flowId?: string | undefined;
}

export interface StatusRequest {
  batchId: string;
  correlationId: string;
  flowId?: string | undefined;
}

export interface BatchReport {
  batchId: string;
  externalBatchId: string;
  /** Mastercard's word, masked and cut. */
  batchStatus: string;
  /** What it means; `unknown` for a word that the API does not list: the batch is not done yet. */
  state: BatchState | 'unknown';
  cards: ReportedCard[];
  flowId?: string | undefined;
}

export interface CardRemoval {
  srcDigitalCardId: string;
  reason: RemovalReason;
  correlationId: string;
  flowId?: string | undefined;
}

export interface ProfileRemoval {
  srcConsumerId: string;
  correlationId: string;
  flowId?: string | undefined;
}

/** `absent`: Mastercard had nothing of that id, because it is removed already or never was there. */
export type RemovalResult = 'removed' | 'absent';
