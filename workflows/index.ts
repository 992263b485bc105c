/** The bundle's entry: what a worker can run. */
export { batchEnrollment } from './batch-enrollment.js';
export { bulkEnrollment } from './bulk-enrollment.js';
export { sweepStore } from './sweep.js';
export type { BulkEnrollmentInput, BulkProgress } from './bulk-messages.js';
export type { BatchEnrollmentInput, BatchProgress, InlineEnrollmentInput } from './messages.js';
