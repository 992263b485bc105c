import type { PolicyOverrides } from '../enrollment/policy.js';
import type { RecordRules } from '../enrollment/record-rules.js';
import type { SourceRules } from '../enrollment/source-rules.js';
import type { EnrollmentApi } from '../mastercard/api/enrollment-api.js';
import type { EnrollmentGateway } from '../mastercard/gateway.js';
import type { Recipient } from '../mastercard/jwe.js';
import type { KeyRingSource } from '../protection/key-ring.js';
import type { BatchStore } from '../store/store.js';

/** What activities work with; the worker builds it from the configuration, tests from what they like. */
export interface ActivityDependencies {
  store: BatchStore;
  /** What the store is sealed with, and what Temporal's payloads are encrypted with. */
  keyRing: KeyRingSource;
  /**
   * @throws ApplicationFailure of type ConfigurationInvalid for a program that this worker does not know: to be
   *   retried, for another worker may know it, or this one after its configuration was mended.
   */
  program(name: string): ProgramDependencies;
  /** What records of a program may be, also of one that this worker does not know. */
  recordRules(program: string): RecordRules;
  /** The folder that portfolios are read from (`bulk.folder`); none are read from disk where it is absent. */
  sourceFolder?: string | undefined;
  /** What differs from the defaults. */
  sourceRules?: Partial<SourceRules> | undefined;
  /**
   * How long a batch is kept whose workflow ended without closing it (`sweep.grace`, ms): see `fateOf`.
   */
  graceMs: number;
  /** Decides which cards have expired. */
  now(): Date;
}

export interface ProgramDependencies {
  /** What Mastercard's API is like. */
  api: EnrollmentApi;
  /** Keeps to the program's rate, and slows down when Mastercard says so. */
  gateway: EnrollmentGateway;
  /**
   * Mastercard's public key as it is now: it rotates.
   * @param otherThan the mark of a recipient that may be out of date (`recipientMark`): worth looking again.
   * @throws KeyError
   */
  recipient(otherThan?: string): Promise<Recipient>;
  contentEncryption: 'A128GCM' | 'A256GCM';
  maxCardsPerBatch: number;
  policy: PolicyOverrides;
}
