export { EnrollmentClient, type ConnectOptions, type EnrollRequest } from './enrollment-client.js';
export { EnrollmentBatch } from './enrollment-batch.js';
export type { BatchSummary, ListFilter } from './list.js';
export * from './errors.js';
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
export type { KeyUsage } from '../retention/key-usage.js';
export type { OrphanedBatch } from '../retention/orphans.js';
export type { BatchProgress, SubmissionResolution } from '../workflows/messages.js';
