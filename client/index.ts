export { EnrollmentClient, type ConnectOptions } from './enrollment-client.js';
export type { EnrollRequest } from './start-batch.js';
export { EnrollmentBatch } from './enrollment-batch.js';
export { BulkEnrollment, type BulkOutcome, type BulkView } from './bulk-enrollment.js';
export type { BulkRequest } from './start-bulk.js';
export type { BatchSummary, ListFilter } from './list.js';
export * from './bulk-errors.js';
export * from './errors.js';
export type { Reject } from '../bulk/reject.js';
export { SourceError } from '../bulk/source-error.js';
export type {
  BatchesByStatus,
  BulkKey,
  BulkLimits,
  BulkResult,
  BulkStatus,
  OnBulkCancel,
  SourceLocation,
} from '../enrollment/bulk.js';
export type { BatchKey, BatchResult, BatchStatus, ClosedStatus, OpenStatus } from '../enrollment/batch.js';
export { FailureType } from '../enrollment/errors.js';
export type { Outcome, OutcomeCounts, OutcomeDetail, OutcomeStatus } from '../enrollment/outcomes.js';
export type { PolicyInput } from '../enrollment/policy-schema.js';
export type {
  BillingAddress,
  Card,
  ComplianceSettings,
  Consumer,
  EnrollmentRecord,
} from '../enrollment/records.js';
export { KeyRingProbeError } from '../store/key-ring-probe.js';
export type { KeyUsage } from '../retention/key-usage.js';
export type { OrphanEnd } from '../retention/close-orphan.js';
export type { OrphanedBatch } from '../retention/orphans.js';
export type { BulkChange } from '../workflows/bulk/messages.js';
export type { BatchProgress, SubmissionResolution } from '../workflows/batch/messages.js';
