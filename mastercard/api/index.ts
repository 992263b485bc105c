/** What an API module of an issuer's own is made of: see docs/api-module.md. */
export { batchEnroll, pathSegment } from './batch-enroll.js';
export type { Assumption, AssumptionName, Certainty } from './assumptions.js';
export type * from './enrollment-api.js';
export { kindOfFailure } from './failures.js';
export type {
  AnsweredCall,
  ErrorAnswer,
  ErrorDetail,
  FailureKind,
  GatewayOperation,
  ReasonRules,
} from './failures.js';
export type { RecordRules, TextRule } from '../../enrollment/record-rules.js';
export type { EnrollmentRecord } from '../../enrollment/records.js';
export type { RemovalReason } from '../../enrollment/policy.js';
